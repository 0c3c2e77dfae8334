/* buf.c - the owned, growing buffer. Capacity at least doubles, so appending is linear overall. */
#include "util.h"

#define BUF_FIRST_CAP 64

void fvm_buf_init(fvm_buf *buf, const fvm_allocator *alloc)
{
    *buf = (fvm_buf){ .alloc = alloc };
}

void fvm_buf_deinit(fvm_buf *buf)
{
    fvm_mem_free(buf->alloc, buf->ptr, buf->cap);
    fvm_buf_init(buf, buf->alloc);
}

fvm_err fvm_buf_reserve(fvm_buf *buf, size_t extra)
{
    if (extra <= buf->cap - buf->len) return FVM_OK;
    if (extra > SIZE_MAX - buf->len) return FVM_ERR_NOMEM;
    size_t need = buf->len + extra;
    size_t cap = buf->cap > SIZE_MAX / 2 ? SIZE_MAX : buf->cap * 2;
    if (cap < BUF_FIRST_CAP) cap = BUF_FIRST_CAP;
    if (cap < need) cap = need;
    uint8_t *ptr = fvm_mem_resize(buf->alloc, buf->ptr, buf->cap, cap);
    if (!ptr) return FVM_ERR_NOMEM;
    buf->ptr = ptr;
    buf->cap = cap;
    return FVM_OK;
}

fvm_err fvm_buf_append(fvm_buf *buf, fvm_bytes bytes)
{
    if (bytes.len == 0) return FVM_OK;
    FVM_TRY(fvm_buf_reserve(buf, bytes.len));
    memcpy(buf->ptr + buf->len, bytes.ptr, bytes.len);
    buf->len += bytes.len;
    return FVM_OK;
}
