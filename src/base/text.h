/* text.h - bytes as text: hex, base32 (RFC 4648 lower case, no padding), base64 (with padding),
 * base58btc. Each decoder refuses what its encoder never writes unless said otherwise. */
#ifndef FVM_BASE_TEXT_H
#define FVM_BASE_TEXT_H

#include "util.h"

/** Encoders append to `out`, without a NUL. */
FVM_NODISCARD fvm_err fvm_hex_encode(fvm_buf *out, fvm_bytes in);
FVM_NODISCARD fvm_err fvm_base32_encode(fvm_buf *out, fvm_bytes in);
FVM_NODISCARD fvm_err fvm_base64_encode(fvm_buf *out, fvm_bytes in);
FVM_NODISCARD fvm_err fvm_base58_encode(fvm_buf *out, fvm_bytes in);
/** Decoders append to `out`; on error `out` is as it was.
 *  Errors: FVM_ERR_MALFORMED wrong character, length or non-zero unused bits. Hex accepts both
 *  cases and no prefix. Base58 input is limited to 512 characters (FVM_ERR_LIMIT): its cost is quadratic. */
FVM_NODISCARD fvm_err fvm_hex_decode(fvm_buf *out, fvm_bytes text);
FVM_NODISCARD fvm_err fvm_base32_decode(fvm_buf *out, fvm_bytes text);
FVM_NODISCARD fvm_err fvm_base64_decode(fvm_buf *out, fvm_bytes text);
FVM_NODISCARD fvm_err fvm_base58_decode(fvm_buf *out, fvm_bytes text);
#endif
