/* abi.h - Solidity's ABI for a command line. Types: uintN, intN, address, bool, bytesN, bytes, string, tuples
 * (T,U,...), and arrays T[], T[n] of any of these, also of arrays. Values of arrays are written [a,b], of
 * tuples (a,b); within them an element in double quotes is a JSON string, and the quotes are needed
 * where it has commas, brackets or blanks at its ends. Spec: docs.soliditylang.org, ABI. */
#ifndef FVM_CLI_ABI_H
#define FVM_CLI_ABI_H

#include "cli.h"

#include <jansson.h>

#define FVM_ABI_PARAMS_MAX 32
#define FVM_ABI_TYPE_MAX 512 /* characters of a parameter's type */
#define FVM_ABI_DEPTH_MAX 16 /* tuples and arrays within each other */

/** Types of parameters, taken apart. */
typedef struct fvm_abi_types {
    char type[FVM_ABI_PARAMS_MAX][FVM_ABI_TYPE_MAX]; /* canonical: "uint" is "uint256", no names */
    size_t count;
} fvm_abi_types;

/** Reads "name(type,...)" or "name(type,...)(type,...)"; keccak-256 of the canonical form goes to `hash` (an
 *  event's topic), its first four bytes to `selector`. FVM_ERR_MALFORMED, told in `why`. */
FVM_NODISCARD fvm_err fvm_abi_hash(uint8_t hash[32], fvm_abi_types *in, fvm_abi_types *out,
                                   const char *text, fvm_store_why *why);
FVM_NODISCARD fvm_err fvm_abi_signature(uint8_t selector[4], fvm_abi_types *in, fvm_abi_types *out,
                                        const char *text, fvm_store_why *why);
/** One type more; FVM_ERR_MALFORMED when it is none. */
FVM_NODISCARD fvm_err fvm_abi_add(fvm_abi_types *types, const char *type, fvm_store_why *why);
/** The same of a parameter in a compiler's JSON: {"type": "tuple[]", "components": [...]}. */
FVM_NODISCARD fvm_err fvm_abi_add_json(fvm_abi_types *types, const json_t *param,
                                       fvm_store_why *why);
/** Appends the encoding of `count` values. FVM_ERR_MALFORMED, FVM_ERR_RANGE, told in `why`. */
FVM_NODISCARD fvm_err fvm_abi_encode(fvm_buf *out, const fvm_abi_types *types, char **values,
                                     size_t count, fvm_store_why *why);
/** The values as a JSON list: numbers as text, bytes as 0x..., arrays and tuples as lists.
 *  FVM_ERR_MALFORMED; FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_abi_decode(json_t **out, const fvm_abi_types *types, fvm_bytes data);
#endif
