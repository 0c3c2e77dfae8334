/* eth_rlp.h - RLP, Ethereum's serialisation: a byte string, or a list of items.
 *
 *   00..7f                one byte, itself
 *   80+n, n bytes         a string of n <= 55 bytes (not a single byte below 80)
 *   b7+k, k bytes, n      a string whose length takes k bytes, big endian, > 55
 *   c0+n, f7+k            the same for lists; n counts the bytes of their items
 *
 * Only canonical forms are read: each value has one encoding, so that bytes written again are the
 * bytes that were read. Spec: Ethereum yellow paper, appendix B. */
#ifndef FVM_CHAIN_ETH_RLP_H
#define FVM_CHAIN_ETH_RLP_H

#include "base/big.h"

typedef struct fvm_rlp_item {
    bool is_list;
    fvm_bytes payload; /* the string, or the items of the list; a view into the input */
} fvm_rlp_item;

/** Takes one item off the front of `in`; does not look into lists, so nesting costs nothing.
 *  Errors, all leaving `in` alone: FVM_ERR_TRUNCATED; FVM_ERR_MALFORMED not canonical. */
FVM_NODISCARD fvm_err fvm_rlp_item_read(fvm_rlp_item *out, fvm_bytes *in);
/** Each takes an item of that kind; FVM_ERR_MALFORMED also when it is another. */
FVM_NODISCARD fvm_err fvm_rlp_list_read(fvm_bytes *items, fvm_bytes *in);
FVM_NODISCARD fvm_err fvm_rlp_bytes_read(fvm_bytes *out, fvm_bytes *in);
/** Whole numbers: big endian without leading zeros, 0 is the empty string. FVM_ERR_MALFORMED for leading
 *  zeros, FVM_ERR_RANGE past 64 or 256 bits. */
FVM_NODISCARD fvm_err fvm_rlp_u64_read(uint64_t *out, fvm_bytes *in);
FVM_NODISCARD fvm_err fvm_rlp_u256_read(fvm_big *out, fvm_bytes *in);

/** Writers append; FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_rlp_bytes_write(fvm_buf *out, fvm_bytes bytes);
FVM_NODISCARD fvm_err fvm_rlp_u64_write(fvm_buf *out, uint64_t value);
/** A number that is not negative and fits 127 bytes (FVM_ERR_RANGE). */
FVM_NODISCARD fvm_err fvm_rlp_big_write(fvm_buf *out, const fvm_big *value);
/** Makes a list of everything past `start` in `out`, which are finished items. */
FVM_NODISCARD fvm_err fvm_rlp_list_close(fvm_buf *out, size_t start);
#endif
