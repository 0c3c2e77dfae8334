/* abi_type.h - a type of Solidity's ABI, looked at as its canonical text: no more than a view, as types are
 * short and few. Recursion follows the type and is bounded by FVM_ABI_DEPTH_MAX. */
#ifndef FVM_CLI_ABI_TYPE_H
#define FVM_CLI_ABI_TYPE_H

#include "abi.h"

typedef struct fvm_abi_type {
    const char *text;
    size_t len;
} fvm_abi_type;

/** What a type is made of. Elementary: neither is set. */
typedef struct fvm_abi_shape {
    bool is_array, is_tuple;
    fvm_abi_type inner; /* of an array's elements; of a tuple what is between its brackets */
    uint64_t fixed;     /* length of T[n]; UINT64_MAX: T[] */
} fvm_abi_shape;
fvm_abi_shape fvm_abi_shape_of(fvm_abi_type type);

/** Takes the first type off a list with commas between; false at its end. */
bool fvm_abi_next(fvm_abi_type *out, fvm_abi_type *list);
/** Encoded behind the head, which has its place. */
bool fvm_abi_is_dynamic(fvm_abi_type type);
/** Bytes in the head; saturates. */
uint64_t fvm_abi_head_size(fvm_abi_type type);

/* Elementary ones. */
bool fvm_abi_is(fvm_abi_type type, const char *name);
/** N of uintN and intN, 0 for everything else; n of bytesN likewise. */
unsigned fvm_abi_bits(fvm_abi_type type);
unsigned fvm_abi_fixed_bytes(fvm_abi_type type);
#endif
