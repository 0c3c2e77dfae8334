/* gzip.c - see gzip.h. The output of unpacking is bounded whatever the input claims. */
#include "gzip.h"

#include <stdlib.h>
#include <zlib.h>

static voidpf zlib_alloc(voidpf ctx, uInt items, uInt size)
{
    (void)ctx;
    return calloc(items, size);
}
static void zlib_free(voidpf ctx, voidpf p)
{
    (void)ctx;
    free(p);
}

fvm_err fvm_gunzip(fvm_buf *out, fvm_bytes in, uint64_t max)
{
    z_stream z = { .zalloc = zlib_alloc, .zfree = zlib_free };
    if (in.len > UINT32_MAX) return FVM_ERR_LIMIT;
    if (inflateInit2(&z, 16 + 15) != Z_OK) return FVM_ERR_NOMEM; /* 16: gzip header */
    z.next_in = (Bytef *)(uintptr_t)in.ptr;
    z.avail_in = (uInt)in.len;
    size_t start = out->len;
    fvm_err err = FVM_OK;
    for (bool done = false; !done && err == FVM_OK;) {
        if ((err = fvm_buf_reserve(out, 16384)) != FVM_OK) break;
        size_t room = out->cap - out->len;
        if (room > UINT32_MAX / 2) room = UINT32_MAX / 2;
        z.next_out = out->ptr + out->len;
        z.avail_out = (uInt)room;
        int rc = inflate(&z, Z_NO_FLUSH);
        size_t got = room - z.avail_out;
        out->len += got;
        if (out->len - start > max)
            err = FVM_ERR_LIMIT;
        else if (rc == Z_STREAM_END)
            done = true;
        else if (rc == Z_MEM_ERROR)
            err = FVM_ERR_NOMEM;
        else if (rc == Z_BUF_ERROR || (rc == Z_OK && got == 0 && z.avail_in == 0))
            err = FVM_ERR_TRUNCATED;
        else if (rc != Z_OK)
            err = FVM_ERR_MALFORMED;
    }
    if (err == FVM_OK && z.avail_in) err = FVM_ERR_TRAILING;
    (void)inflateEnd(&z);
    if (err != FVM_OK) out->len = start;
    return err;
}

fvm_err fvm_gzip(fvm_buf *out, fvm_bytes in)
{
    z_stream z = { .zalloc = zlib_alloc, .zfree = zlib_free };
    if (in.len > UINT32_MAX / 2) return FVM_ERR_LIMIT;
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return FVM_ERR_NOMEM;
    uLong bound = deflateBound(&z, (uLong)in.len);
    fvm_err err = fvm_buf_reserve(out, bound);
    if (err == FVM_OK) {
        z.next_in = (Bytef *)(uintptr_t)in.ptr;
        z.avail_in = (uInt)in.len;
        z.next_out = out->ptr + out->len;
        z.avail_out = (uInt)bound;
        if (deflate(&z, Z_FINISH) == Z_STREAM_END)
            out->len += bound - z.avail_out;
        else
            err = FVM_ERR_NOMEM;
    }
    (void)deflateEnd(&z);
    return err;
}
