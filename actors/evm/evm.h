/* evm.h - a contract while one of its methods runs. Facts: reference/evm.md; behaviour as bundle v18's.
 *
 *     evm.c      methods, parameters, return values          loop.c     the interpreter
 *     state.c    the contract's state                        memory.c   memory, jump destinations
 *     storage.c  its slots
 *     host.c     instructions that ask the machine           call.c     calls, creation, other contracts
 *     word.[hc]  256-bit words                               precompiles/
 *
 * A frame of the EVM is one invocation of this actor, so there is one `evm` and nothing is ever freed.
 * Failures end the invocation where they happen, by evm_fail. Syscalls cost 14,000 gas and more each:
 * whatever may not be needed (own address, caller's, storage) is asked for when it is. */
#ifndef FVM_EVM_EVM_H
#define FVM_EVM_EVM_H

#include "storage.h"

/** Exit codes (reference/evm.md 1.5). */
enum {
    EVM_REVERTED = 33,
    EVM_INVALID_INSTRUCTION = 34,
    EVM_UNDEFINED_INSTRUCTION = 35,
    EVM_STACK_UNDERFLOW = 36,
    EVM_STACK_OVERFLOW = 37,
    EVM_ILLEGAL_MEMORY_ACCESS = 38,
    EVM_BAD_JUMPDEST = 39,
    EVM_SELFDESTRUCT_FAILED = 40,
};
#define evm_fail(code) fvm_sys_exit((code), 0, NULL, 0)

enum {
    EVM_METHOD_RESURRECT = 2,
    EVM_METHOD_GET_BYTECODE = 3,
    EVM_METHOD_GET_BYTECODE_HASH = 4,
    EVM_METHOD_GET_STORAGE_AT = 5,
    EVM_METHOD_INVOKE_DELEGATE = 6,
    EVM_METHOD_RESERVED_MAX = 1023,
};

#define EVM_STACK_MAX 1024 /* words */
#define EVM_CODE_MAX 24576 /* bytes of a contract's code (EIP-170) */
#define EVM_ADDRESS_LEN 20
#define EVM_CODE_PADDING 40 /* zero bytes behind the code: STOP, and the tail of a PUSH */

/** A message: what tombstones and transient storage live for. */
typedef struct evm_lifespan {
    bool set;
    uint64_t origin, nonce;
} evm_lifespan;

/** A trie of slots, opened when it is first used. */
typedef struct evm_slots {
    uint8_t root[FVM_LINK_LEN]; /* as of the last load or flush */
    bool none;                  /* no root: empty */
    storage_node *trie;         /* NULL: not opened */
} evm_slots;

/** The actor's state (evm.md 1.1). */
typedef struct evm_state {
    uint8_t code[FVM_LINK_LEN];
    uint8_t code_hash[32];
    bool has_code;               /* false while a constructor runs */
    bool dirty;                  /* differs from what is saved */
    uint8_t saved[FVM_LINK_LEN]; /* root, unless dirty */
    evm_slots slots, transient;
    evm_lifespan transient_life; /* of the block's data, kept or not */
    uint64_t nonce;
    evm_lifespan tombstone;
} evm_state;

typedef struct evm {
    /* code */
    const uint8_t *code; /* EVM_CODE_PADDING zeros follow */
    uint32_t code_len;
    bool jumps_complete; /* `jumps` knows all */
    uint8_t *jumps;      /* for each byte of code: 1 if known to be a destination of jumps */
    word *stack_low;     /* where the interpreter's stack was moved to */
#ifndef __wasm__
    uint32_t jump_count;
#endif
    /* memory */
    uint8_t *memory;
    uint32_t memory_len, memory_cap; /* bytes; memory_len is a multiple of 32 */
    uint32_t memory_words;           /* offsets below it have a word behind them */
    /* data */
    fvm_bytes input, returned; /* CALLDATA, RETURNDATA */
    fvm_bytes output;          /* of the frame */
    bool reverted;
    /* context */
    word value;
    bool read_only, has_caller, has_self, has_network, has_randomness;
    uint8_t caller[EVM_ADDRESS_LEN], self[EVM_ADDRESS_LEN];
    fvm_network_context network;
    word randomness;
    evm_state state;
} evm;

/* --- loop.c --- */
/** Runs code to its end; evm->output and evm->reverted tell how it ended. */
void evm_run(evm *vm);

/* --- memory.c --- */
/** Heap for what a contract chooses the size of: traps when there is none left, as v18 does, where
 *  fvm_heap_alloc ends the call with 24. */
void *evm_alloc(size_t size);
/** Memory at [offset, offset + size), size > 0, grown as needed; ends the frame (38) when out of range. */
uint8_t *evm_memory(evm *vm, const word *offset, uint32_t size);
/** The same with a size off the stack: NULL when it is 0, whatever the offset. */
uint8_t *evm_region(evm *vm, uint32_t *size, const word *offset, const word *size_word);
/** Copies data[from..] to memory; what lies past the data is zero if `fill`, else left alone. */
void evm_copy(evm *vm, const word *to, const word *from, const word *size, fvm_bytes data,
              bool fill);
/** Ends the frame (39) unless `to` is a JUMPDEST outside the data of PUSHes; remembers that it is. */
void evm_check_jump(evm *vm, uint64_t to);
void evm_set_code(evm *vm, const uint8_t *code, uint32_t len);

/* --- state.c --- */
/** A contract that has nothing yet; `dirty`. */
void evm_state_new(evm *vm);
/** Reads the state; false when the contract is dead: then it is as new, and read-only. Ends the call
 *  with `code` when there is none, as for who calls a contract from within its constructor. */
bool evm_state_load(evm *vm, uint32_t code);
/** Whether the actor has no state yet: the empty array. */
bool evm_state_is_fresh(void);
/** Writes the state if it changed. Ends the frame (18) when that is read-only. */
void evm_state_flush(evm *vm);
/** Reads the state anew if somebody below changed it. */
void evm_state_reload(evm *vm);
/** Makes `code` the contract's. Ends the frame (16) when it is too long or begins with ef. */
void evm_state_set_code(evm *vm, fvm_bytes code);
void evm_slot_get(evm *vm, word *out, const word *key, bool transient);
void evm_slot_set(evm *vm, const word *key, const word *value, bool transient);

/* --- host.c --- */
const fvm_network_context *evm_network(evm *vm);
const uint8_t *evm_self(evm *vm);
const uint8_t *evm_caller(evm *vm);
/** The Ethereum address of an actor (evm.md 2.2); whether it is a real one, not a masked ID. */
bool evm_eth_address(uint8_t out[EVM_ADDRESS_LEN], uint64_t id);
/** The Filecoin address of an Ethereum address (2.1). Returns its length. */
uint32_t evm_fil_address(uint8_t out[24], const uint8_t address[EVM_ADDRESS_LEN]);
void evm_address_word(word *out, const uint8_t address[EVM_ADDRESS_LEN]);
void evm_word_address(uint8_t out[EVM_ADDRESS_LEN], const word *w);
void evm_keccak(evm *vm, word *out, const word *offset, const word *size);
void evm_balance(word *out, const word *address);
void evm_self_balance(word *out);
void evm_origin(word *out);
void evm_gas_price(evm *vm, word *out);
void evm_base_fee(evm *vm, word *out);
void evm_block_hash(evm *vm, word *out, const word *number);
void evm_prev_randao(evm *vm, word *out);
void evm_log(evm *vm, const word *top, unsigned topics);

/* --- call.c --- */
typedef enum evm_call_kind { EVM_CALL, EVM_DELEGATECALL, EVM_STATICCALL } evm_call_kind;
/** The instructions. `top` is the first operand, the others follow it; the result goes to `out`. */
void evm_call(evm *vm, word *out, const word *top, evm_call_kind kind);
void evm_create(evm *vm, word *out, const word *top, bool two);
void evm_self_destruct(evm *vm, const word *beneficiary);
void evm_ext_code_size(evm *vm, word *out, const word *address);
void evm_ext_code_copy(evm *vm, const word *top);
void evm_ext_code_hash(evm *vm, word *out, const word *address);

/* --- evm.c --- */
extern const uint8_t evm_empty_hash[32]; /* keccak-256 of nothing */
/** The content of a block that is one CBOR byte string; false for any other. */
bool evm_byte_string(fvm_bytes *out, fvm_bytes block);
/** A block of codec CBOR with `data` as byte string. */
uint32_t evm_byte_string_block(fvm_bytes data);

#endif
