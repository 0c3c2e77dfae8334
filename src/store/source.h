/* source.h - where bytes of an archive come from, piece by piece: a file, memory, or the inside of a
 * zstd stream. Readers above it hold a window of fixed size, so that an archive may be larger than
 * memory. */
#ifndef FVM_STORE_SOURCE_H
#define FVM_STORE_SOURCE_H

#include "base/util.h"
#include "why.h"

/** A source of bytes. `read` fills up to `max` > 0 bytes of `out`; `*got` is 0 only at the end. */
typedef struct fvm__source {
    fvm_err (*read)(void *ctx, uint8_t *out, size_t max, size_t *got);
    void *ctx;
} fvm__source;

/** A file, read with pread from `at` on, so that several readers can share the descriptor. */
typedef struct fvm__file_source {
    int fd;
    uint64_t at;
} fvm__file_source;
fvm__source fvm__source_file(fvm__file_source *file);
/** A pipe or the like, read as it comes. */
fvm__source fvm__source_pipe(const int *fd);
/** Bytes in memory; taken off the front of `*rest`. */
fvm__source fvm__source_memory(fvm_bytes *rest);

/** Reads exactly `len` bytes at `offset` of a file. FVM_ERR_TRUNCATED when it ends before. */
FVM_NODISCARD fvm_err fvm__pread_full(int fd, uint8_t *out, size_t len, uint64_t offset);
/** Writes all. FVM_ERR_IO. */
FVM_NODISCARD fvm_err fvm__write_full(int fd, fvm_bytes in);

/** The inside of a zstd stream over `packed`, at most `max` bytes of it (FVM_ERR_LIMIT); its window
 *  at most 128 MiB, which is what `zstd -19` asks for at most. Broken: FVM_ERR_MALFORMED; ends
 *  inside a frame: FVM_ERR_TRUNCATED. */
typedef struct fvm__zstd_source fvm__zstd_source;
FVM_NODISCARD fvm_err fvm__zstd_source_new(fvm__zstd_source **out, fvm__source packed, uint64_t max,
                                           const fvm_allocator *alloc);
void fvm__zstd_source_free(fvm__zstd_source *zstd);
fvm__source fvm__source_zstd(fvm__zstd_source *zstd);

/** A source with a window: look ahead, take, skip; counts its position. Keep it where it is. */
typedef struct fvm__window {
    fvm__source source;
    const fvm_allocator *alloc;
    uint8_t *buf;
    size_t cap, from, to;   /* buf[from..to) is not yet taken */
    uint64_t position;      /* of buf[from] in the stream */
    fvm__file_source *seek; /* not NULL: skipping may jump in this file */
    uint64_t seek_end;      /* its size */
    bool at_end;
} fvm__window;
FVM_NODISCARD fvm_err fvm__window_init(fvm__window *w, fvm__source source,
                                       const fvm_allocator *alloc);
void fvm__window_deinit(fvm__window *w);
/** Skipping long stretches then moves `file`'s offset and reads nothing. The window's source must be
 *  fvm__source_file(file), and `size` that file's. */
void fvm__window_seekable(fvm__window *w, fvm__file_source *file, uint64_t size);
/** At least `want` (at most 64 KiB) bytes in view, or all that are left: `*out` is what is there. */
FVM_NODISCARD fvm_err fvm__window_peek(fvm__window *w, fvm_bytes *out, size_t want);
/** Takes `n` bytes that a peek showed. */
void fvm__window_take(fvm__window *w, size_t n);
/** Appends `n` bytes to `out`, which grows with what is really there. FVM_ERR_TRUNCATED. */
FVM_NODISCARD fvm_err fvm__window_read(fvm__window *w, fvm_buf *out, uint64_t n);
/** Goes past `n` bytes. FVM_ERR_TRUNCATED. */
FVM_NODISCARD fvm_err fvm__window_skip(fvm__window *w, uint64_t n);
#endif
