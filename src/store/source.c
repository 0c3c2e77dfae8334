/* source.c - files, pipes, memory and zstd streams as sources of bytes, and the window over them. */
#include "source.h"

#include <errno.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#define WINDOW_BYTES (64u << 10)
#define PIECE_BYTES (1u << 20) /* how far a buffer grows before its bytes have been seen */
#define ZSTD_WINDOW_LOG_MAX 27

/* --- files, pipes, memory --- */

static fvm_err read_file(void *ctx, uint8_t *out, size_t max, size_t *got)
{
    fvm__file_source *file = ctx;
    if (file->at > INT64_MAX) return FVM_ERR_RANGE;
    for (;;) {
        ssize_t n = pread(file->fd, out, max, (off_t)file->at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return FVM_ERR_IO;
        *got = (size_t)n;
        file->at += (size_t)n;
        return FVM_OK;
    }
}

fvm__source fvm__source_file(fvm__file_source *file)
{
    return (fvm__source){ read_file, file };
}

static fvm_err read_pipe(void *ctx, uint8_t *out, size_t max, size_t *got)
{
    const int *fd = ctx;
    for (;;) {
        ssize_t n = read(*fd, out, max);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return FVM_ERR_IO;
        *got = (size_t)n;
        return FVM_OK;
    }
}

fvm__source fvm__source_pipe(const int *fd)
{
    return (fvm__source){ read_pipe, (void *)(uintptr_t)fd };
}

static fvm_err read_memory(void *ctx, uint8_t *out, size_t max, size_t *got)
{
    fvm_bytes *rest = ctx, taken;
    FVM_TRY(fvm_bytes_take(&taken, rest, max < rest->len ? max : rest->len));
    if (taken.len) memcpy(out, taken.ptr, taken.len);
    *got = taken.len;
    return FVM_OK;
}

fvm__source fvm__source_memory(fvm_bytes *rest)
{
    return (fvm__source){ read_memory, rest };
}

fvm_err fvm__pread_full(int fd, uint8_t *out, size_t len, uint64_t offset)
{
    fvm__file_source file = { fd, offset };
    for (size_t done = 0; done < len;) {
        size_t got = 0;
        FVM_TRY(read_file(&file, out + done, len - done, &got));
        if (got == 0) return FVM_ERR_TRUNCATED;
        done += got;
    }
    return FVM_OK;
}

fvm_err fvm__write_full(int fd, fvm_bytes in)
{
    while (in.len > 0) {
        ssize_t n = write(fd, in.ptr, in.len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return FVM_ERR_IO;
        in.ptr += n;
        in.len -= (size_t)n;
    }
    return FVM_OK;
}

/* --- zstd --- */

struct fvm__zstd_source {
    const fvm_allocator *alloc;
    ZSTD_DStream *stream;
    fvm__source packed;
    uint64_t left; /* bytes that may still come out */
    size_t hint;   /* of the last call; 0: at the end of a frame */
    ZSTD_inBuffer in;
    uint8_t buf[WINDOW_BYTES];
};

fvm_err fvm__zstd_source_new(fvm__zstd_source **out, fvm__source packed, uint64_t max,
                             const fvm_allocator *alloc)
{
    fvm__zstd_source *zstd = fvm_mem_zalloc(alloc, sizeof *zstd);
    if (!zstd) return FVM_ERR_NOMEM;
    zstd->alloc = alloc;
    zstd->packed = packed;
    zstd->left = max;
    zstd->in.src = zstd->buf;
    zstd->stream = ZSTD_createDStream();
    if (!zstd->stream || ZSTD_isError(ZSTD_DCtx_setParameter(zstd->stream, ZSTD_d_windowLogMax,
                                                             ZSTD_WINDOW_LOG_MAX))) {
        fvm__zstd_source_free(zstd);
        return FVM_ERR_NOMEM;
    }
    *out = zstd;
    return FVM_OK;
}

void fvm__zstd_source_free(fvm__zstd_source *zstd)
{
    if (!zstd) return;
    (void)ZSTD_freeDStream(zstd->stream);
    fvm_mem_free(zstd->alloc, zstd, sizeof *zstd);
}

static fvm_err read_zstd(void *ctx, uint8_t *out, size_t max, size_t *got)
{
    fvm__zstd_source *zstd = ctx;
    /* one byte more than the limit, to tell "exactly full" from "too much" */
    uint64_t room = zstd->left == UINT64_MAX ? zstd->left : zstd->left + 1;
    ZSTD_outBuffer to = { out, room < max ? (size_t)room : max, 0 };
    bool drained = false; /* the decoder took all input and may still hold output */
    while (to.pos == 0) {
        if (zstd->in.pos == zstd->in.size) {
            zstd->in.pos = zstd->in.size = 0;
            FVM_TRY(
                zstd->packed.read(zstd->packed.ctx, zstd->buf, sizeof zstd->buf, &zstd->in.size));
            if (zstd->in.size == 0 && (zstd->hint == 0 || drained)) {
                *got = 0;
                return zstd->hint == 0 ? FVM_OK : FVM_ERR_TRUNCATED;
            }
            drained = zstd->in.size == 0;
        }
        size_t hint = ZSTD_decompressStream(zstd->stream, &to, &zstd->in);
        if (ZSTD_isError(hint))
            return ZSTD_getErrorCode(hint) == ZSTD_error_memory_allocation ? FVM_ERR_NOMEM
                                                                           : FVM_ERR_MALFORMED;
        zstd->hint = hint;
    }
    if (to.pos > zstd->left) return FVM_ERR_LIMIT;
    zstd->left -= to.pos;
    *got = to.pos;
    return FVM_OK;
}

fvm__source fvm__source_zstd(fvm__zstd_source *zstd)
{
    return (fvm__source){ read_zstd, zstd };
}

/* --- the window --- */

fvm_err fvm__window_init(fvm__window *w, fvm__source source, const fvm_allocator *alloc)
{
    *w = (fvm__window){ .source = source, .alloc = alloc, .cap = WINDOW_BYTES };
    w->buf = fvm_mem_alloc(alloc, w->cap);
    return w->buf ? FVM_OK : FVM_ERR_NOMEM;
}

void fvm__window_deinit(fvm__window *w)
{
    fvm_mem_free(w->alloc, w->buf, w->cap);
    w->buf = NULL;
}

void fvm__window_seekable(fvm__window *w, fvm__file_source *file, uint64_t size)
{
    w->seek = file;
    w->seek_end = size;
}

fvm_err fvm__window_peek(fvm__window *w, fvm_bytes *out, size_t want)
{
    if (w->to - w->from < want && w->from > 0) {
        memmove(w->buf, w->buf + w->from, w->to - w->from);
        w->to -= w->from;
        w->from = 0;
    }
    while (w->to - w->from < want && w->to < w->cap && !w->at_end) {
        size_t got = 0;
        FVM_TRY(w->source.read(w->source.ctx, w->buf + w->to, w->cap - w->to, &got));
        w->at_end = got == 0;
        w->to += got;
    }
    *out = (fvm_bytes){ w->buf + w->from, w->to - w->from };
    return FVM_OK;
}

void fvm__window_take(fvm__window *w, size_t n)
{
    w->from += n;
    w->position += n;
}

fvm_err fvm__window_read(fvm__window *w, fvm_buf *out, uint64_t n)
{
    while (n > 0) {
        fvm_bytes view;
        size_t held = w->to - w->from;
        if (held == 0 && n >= WINDOW_BYTES && !w->at_end) {
            /* long data goes past the window */
            size_t piece = n < PIECE_BYTES ? (size_t)n : PIECE_BYTES, got = 0;
            FVM_TRY(fvm_buf_reserve(out, piece));
            FVM_TRY(w->source.read(w->source.ctx, out->ptr + out->len, piece, &got));
            if (got == 0) {
                w->at_end = true;
                return FVM_ERR_TRUNCATED;
            }
            out->len += got;
            w->position += got;
            n -= got;
            continue;
        }
        FVM_TRY(fvm__window_peek(w, &view, 1));
        if (view.len == 0) return FVM_ERR_TRUNCATED;
        if (view.len > n) view.len = (size_t)n;
        FVM_TRY(fvm_buf_append(out, view));
        fvm__window_take(w, view.len);
        n -= view.len;
    }
    return FVM_OK;
}

fvm_err fvm__window_skip(fvm__window *w, uint64_t n)
{
    while (n > 0) {
        fvm_bytes view;
        if (w->seek && n > w->to - w->from) {
            uint64_t jump = n - (w->to - w->from), end;
            if (!fvm_add_u64(&end, w->seek->at, jump) || end > w->seek_end)
                return FVM_ERR_TRUNCATED;
            w->seek->at = end;
            w->position += n;
            w->from = w->to = 0;
            return FVM_OK;
        }
        FVM_TRY(fvm__window_peek(w, &view, 1));
        if (view.len == 0) return FVM_ERR_TRUNCATED;
        size_t step = view.len < n ? view.len : (size_t)n;
        fvm__window_take(w, step);
        n -= step;
    }
    return FVM_OK;
}
