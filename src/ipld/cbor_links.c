/* cbor_links.c - the link scanner of a state flush (reference/executor.md 7, ipld.md 7.2). It walks
 * heads with one counter of items still to come, so that nesting costs nothing. */
#include "cbor.h"

#include "cbor_internal.h"
#include "cid_common.h"

#define STRICT_LINK_MAX 100 /* bytes of a link's string, nv17 */

/* Whether `head` is the shortest form of `value`; `used` is its length in bytes. nv17 asks it of every
 * major, floats too. */
static bool head_is_minimal(uint64_t value, size_t used)
{
    size_t need = value < 24            ? 1
                  : value <= 0xff       ? 2
                  : value <= 0xffff     ? 3
                  : value <= 0xffffffff ? 5
                                        : 9;
    return used == need;
}

static inline fvm_err scan_head(uint8_t *major, uint64_t *value, fvm_bytes *in, bool strict)
{
    size_t before = in->len;
    FVM_TRY(fvm__cbor_head(major, value, in));
    return strict && !head_is_minimal(*value, before - in->len) ? FVM_ERR_MALFORMED : FVM_OK;
}

/* The string behind a tag 42. Bytes after the CID are ignored. */
static fvm_err scan_link(fvm_cid *cid, fvm_bytes *in, bool strict)
{
    uint8_t major;
    uint64_t len;
    fvm_bytes text;
    FVM_TRY(scan_head(&major, &len, in, strict));
    if (major != CBOR_BYTES) return FVM_ERR_MALFORMED;
    if (strict && len > STRICT_LINK_MAX) return FVM_ERR_MALFORMED;
    FVM_TRY(fvm_bytes_take(&text, in, len));
    if (text.len == 0 || text.ptr[0] != 0) return FVM_ERR_MALFORMED;
    fvm_err err = fvm_cid_read(cid, NULL, (fvm_bytes){ text.ptr + 1, text.len - 1 });
    return err == FVM_OK ? FVM_OK : FVM_ERR_MALFORMED;
}

fvm_err fvm__cbor_scan(fvm_bytes block, bool strict,
                       fvm_err (*visit)(void *ctx, const fvm_cid *cid),
                       bool (*skip)(void *ctx, const uint8_t *cid), void *ctx)
{
    for (uint64_t left = 1; left > 0; left--) {
        uint8_t major;
        uint64_t value;
        fvm_bytes skipped;
        fvm_cid cid;
        if (fvm__link_is_common(block)) { /* its heads are minimal */
            if (skip && skip(ctx, block.ptr + FVM__LINK_COMMON_HEAD)) {
                FVM_TRY(fvm_bytes_take(&skipped, &block, FVM__LINK_COMMON_LEN));
                continue;
            }
            FVM_TRY(fvm_cbor_cid(&cid, &block));
            FVM_TRY(visit(ctx, &cid));
            continue;
        }
        FVM_TRY(scan_head(&major, &value, &block, strict));
        switch (major) {
        case CBOR_BYTES:
        case CBOR_TEXT: FVM_TRY(fvm_bytes_take(&skipped, &block, value)); break;
        case CBOR_MAP:
            if (!fvm_mul_u64(&value, value, 2)) return FVM_ERR_MALFORMED;
            /* fall through */
        case CBOR_ARRAY:
            if (!fvm_add_u64(&left, left, value)) return FVM_ERR_MALFORMED;
            break;
        case CBOR_TAG:
            if (value != 42) {
                if (!fvm_add_u64(&left, left, 1)) return FVM_ERR_MALFORMED;
                break;
            }
            FVM_TRY(scan_link(&cid, &block, strict));
            FVM_TRY(visit(ctx, &cid));
            break;
        default: break; /* numbers and simple values are all head */
        }
    }
    return FVM_OK;
}

fvm_err fvm_cbor_links(fvm_bytes block, fvm_err (*visit)(void *ctx, const fvm_cid *cid), void *ctx)
{
    return fvm__cbor_scan(block, false, visit, NULL, ctx);
}
