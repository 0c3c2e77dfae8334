/* message.h - messages and receipts, their bytes, and what a message yields.
 * Facts: reference/executor.md 1 to 4. */
#ifndef FVM_MESSAGE_H
#define FVM_MESSAGE_H

#include <fvm/address.h>
#include <fvm/big.h>
#include <fvm/cid.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An unsigned message. `params` is borrowed from whatever the message was read from. */
typedef struct fvm_message {
    uint64_t version; /* not checked, as in the reference */
    fvm_address to, from;
    uint64_t nonce;
    fvm_big value;                    /* attoFIL */
    uint64_t gas_limit;               /* gas */
    fvm_big gas_fee_cap, gas_premium; /* attoFIL per gas */
    uint64_t method;
    fvm_bytes params;
} fvm_message;

/** Reads the CBOR of an unsigned message; `network_version` decides about f4 addresses and the sign
 *  of numbers. The whole of `in` must be one message.
 *  Errors: FVM_ERR_MALFORMED, FVM_ERR_TRUNCATED, FVM_ERR_TRAILING, FVM_ERR_RANGE, FVM_ERR_VERSION. */
FVM_API FVM_NODISCARD fvm_err fvm_message_read(fvm_message *out, fvm_bytes in,
                                               uint32_t network_version);
/** Appends the CBOR of a message. FVM_ERR_NOMEM; FVM_ERR_RANGE when an amount is over 128 bytes. */
FVM_API FVM_NODISCARD fvm_err fvm_message_write(fvm_buf *out, const fvm_message *message);

/** What applying a message gave. Owns its buffers. */
typedef struct fvm_receipt {
    uint32_t exit_code;
    uint64_t gas_used; /* gas; 0 when the message failed before execution */
    fvm_buf return_data;
    bool has_return_codec; /* a block was returned */
    uint64_t return_codec;
    bool has_events_root;
    fvm_cid events_root;
    fvm_buf events; /* CBOR of the stamped events, one after the other */
    size_t event_count;
    /* gas outputs; all zero for implicit messages */
    fvm_big penalty; /* reported, not moved: the client takes it from the miner */
    fvm_big miner_tip, base_fee_burn, over_estimation_burn, refund; /* attoFIL */
    uint64_t gas_refund, gas_burned;                                /* gas */
    const char *failure; /* static text of the error behind a failure of the machine's; or NULL */
} fvm_receipt;

/** An empty receipt that allocates from `alloc` (NULL: libc). */
FVM_API void fvm_receipt_init(fvm_receipt *receipt, const fvm_allocator *alloc);
/** Frees what a receipt holds. */
FVM_API void fvm_receipt_deinit(fvm_receipt *receipt);
/** Appends the receipt's CBOR: three fields before nv18, four from then on (FIP-0049). FVM_ERR_NOMEM. */
FVM_API FVM_NODISCARD fvm_err fvm_receipt_write(fvm_buf *out, const fvm_receipt *receipt,
                                                uint32_t network_version);

#ifdef __cplusplus
}
#endif
#endif
