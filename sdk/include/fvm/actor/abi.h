/* abi.h - the numbers and structs that actors and the machine exchange: exit codes, error numbers of
 * syscalls, out values. Network version 21 and later; facts: reference/kernel.md 1 to 3. */
#ifndef FVM_ACTOR_ABI_H
#define FVM_ACTOR_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define FVM_STATIC_ASSERT(cond, why) static_assert(cond, why)
extern "C" {
#else
#define FVM_STATIC_ASSERT(cond, why) _Static_assert(cond, why)
#endif

/** Exit codes that actors use; 1 to 15 are the machine's own and turn into 9 when an actor exits with
 *  them. Codes from 32 on are each actor's own. */
enum {
    FVM_USR_ILLEGAL_ARGUMENT = 16,
    FVM_USR_NOT_FOUND = 17,
    FVM_USR_FORBIDDEN = 18,
    FVM_USR_INSUFFICIENT_FUNDS = 19,
    FVM_USR_ILLEGAL_STATE = 20,
    FVM_USR_SERIALIZATION = 21,
    FVM_USR_UNHANDLED_MESSAGE = 22,
    FVM_USR_UNSPECIFIED = 23,
    FVM_USR_ASSERTION_FAILED = 24,
    FVM_USR_READ_ONLY = 25,
    FVM_USR_NOT_PAYABLE = 26,
    FVM_USR_FIRST_OWN = 32,
};

/** What syscalls return; 0 is success. */
typedef enum fvm_errno {
    FVM_E_OK = 0,
    FVM_E_ILLEGAL_ARGUMENT = 1,
    FVM_E_ILLEGAL_OPERATION = 2,
    FVM_E_LIMIT_EXCEEDED = 3,
    FVM_E_ASSERTION_FAILED = 4,
    FVM_E_INSUFFICIENT_FUNDS = 5,
    FVM_E_NOT_FOUND = 6,
    FVM_E_INVALID_HANDLE = 7,
    FVM_E_ILLEGAL_CID = 8,
    FVM_E_ILLEGAL_CODEC = 9,
    FVM_E_SERIALIZATION = 10,
    FVM_E_FORBIDDEN = 11,
    FVM_E_BUFFER_TOO_SMALL = 12,
    FVM_E_READ_ONLY = 13,
} fvm_errno;

/** Codecs of blocks that actors may make. */
enum { FVM_BLOCK_CBOR = 0x51, FVM_BLOCK_RAW = 0x55, FVM_BLOCK_DAG_CBOR = 0x71 };
/** Hash functions of crypto.hash; BLAKE2B_256 is also the only one of block_link. */
enum {
    FVM_HASHER_SHA2_256 = 0x12,
    FVM_HASHER_KECCAK_256 = 0x1b,
    FVM_HASHER_RIPEMD_160 = 0x1053,
    FVM_HASHER_BLAKE2B_256 = 0xb220,
    FVM_HASHER_BLAKE2B_512 = 0xb240,
};
enum { FVM_SIG_SECP256K1 = 1, FVM_SIG_BLS = 2 };
enum { FVM_CALL_READ_ONLY = 1 };    /* flag of a call: nothing below it may change state */
enum { FVM_SEND_READ_ONLY = 1 };    /* flag of a send */
#define FVM_SEND_ALL_GAS UINT64_MAX /* no gas limit of its own */
enum { FVM_EVENT_INDEX_KEY = 1, FVM_EVENT_INDEX_VALUE = 2, FVM_EVENT_INDEX_ALL = 3 };
#define FVM_METHOD_SEND 0u /* moves value, runs no code */
#define FVM_METHOD_CONSTRUCTOR 1u
#define FVM_FIRST_EXPORTED_METHOD (UINT32_C(1) << 24) /* FRC-42 */

/** IDs of the actors that every network has. */
enum {
    FVM_SYSTEM_ACTOR = 0,
    FVM_INIT_ACTOR = 1,
    FVM_REWARD_ACTOR = 2,
    FVM_CRON_ACTOR = 3,
    FVM_POWER_ACTOR = 4,
    FVM_MARKET_ACTOR = 5,
    FVM_VERIFREG_ACTOR = 6,
    FVM_DATACAP_ACTOR = 7,
    FVM_EAM_ACTOR = 10,
    FVM_BURNT_FUNDS_ACTOR = 99,
};

/** attoFIL as the machine passes it: 0 .. 2^128 - 1. */
typedef struct fvm_abi_token {
    uint64_t lo, hi;
} fvm_abi_token;

/** vm.message_context: who calls what. */
typedef struct fvm_message_context {
    uint64_t origin;   /* ID of the message's sender */
    uint64_t nonce;    /* of the message */
    uint64_t caller;   /* ID of who calls this actor */
    uint64_t receiver; /* ID of this actor */
    uint64_t method;
    fvm_abi_token value; /* received with this call */
    fvm_abi_token gas_premium;
    uint64_t flags; /* FVM_CALL_READ_ONLY */
} fvm_message_context;
FVM_STATIC_ASSERT(sizeof(fvm_message_context) == 80, "kernel.md 2");

/* The others are packed: their last member is followed by nothing. */
#define FVM_ABI __attribute__((packed, aligned(4)))
typedef struct FVM_ABI fvm_network_context {
    int64_t epoch;
    uint64_t timestamp; /* seconds since 1970 */
    fvm_abi_token base_fee;
    uint64_t chain_id;
    uint32_t network_version;
} fvm_network_context;
FVM_STATIC_ASSERT(sizeof(fvm_network_context) == 44, "kernel.md 2");

typedef struct FVM_ABI fvm_block_opened {
    uint64_t codec;
    uint32_t id;
    uint32_t size; /* bytes */
} fvm_block_opened;
FVM_STATIC_ASSERT(sizeof(fvm_block_opened) == 16, "kernel.md 2");

typedef struct FVM_ABI fvm_block_stats {
    uint64_t codec;
    uint32_t size; /* bytes */
} fvm_block_stats;
FVM_STATIC_ASSERT(sizeof(fvm_block_stats) == 12, "kernel.md 2");

typedef struct FVM_ABI fvm_send_result {
    uint32_t exit_code;
    uint32_t return_id; /* block; 0: none */
    uint64_t return_codec;
    uint32_t return_size; /* bytes */
} fvm_send_result;
FVM_STATIC_ASSERT(sizeof(fvm_send_result) == 20, "kernel.md 2");

typedef struct FVM_ABI fvm_consensus_fault {
    int64_t epoch;
    uint64_t target; /* ID of the faulty miner */
    uint32_t fault;  /* 0 none, 1 double fork, 2 parent grinding, 3 time offset */
} fvm_consensus_fault;
FVM_STATIC_ASSERT(sizeof(fvm_consensus_fault) == 20, "kernel.md 2");

/** One entry of an event; its key and value lie in buffers beside it, in order. */
typedef struct fvm_event_entry {
    uint64_t flags;              /* FVM_EVENT_INDEX_* */
    uint64_t codec;              /* FVM_BLOCK_RAW or FVM_BLOCK_CBOR */
    uint32_t key_len, value_len; /* bytes */
} fvm_event_entry;
FVM_STATIC_ASSERT(sizeof(fvm_event_entry) == 24, "kernel.md 2");

#ifdef __cplusplus
}
#endif
#endif
