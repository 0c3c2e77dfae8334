/* carstream.h - a CAR read section by section from a source, in memory that does not grow with the
 * archive. Format: reference/ipld.md 8; v2 is read by skipping to the v1 archive inside. */
#ifndef FVM_STORE_CARSTREAM_H
#define FVM_STORE_CARSTREAM_H

#include "source.h"

#define FVM__CAR_HEADER_MAX (4u << 20)

typedef struct fvm__carstream {
    fvm__window w;
    const char *name; /* for messages; borrowed */
    const fvm_allocator *alloc;
    unsigned version; /* 1 or 2 */
    fvm_buf roots;    /* array of fvm_cid */
    uint64_t end;     /* where the v1 archive ends; UINT64_MAX: with the stream */
    fvm_buf data;     /* of the last section read */
} fvm__carstream;

/** What to do with a section's data. */
typedef enum fvm__car_mode {
    FVM__CAR_SKIP,   /* nothing is read */
    FVM__CAR_READ,   /* it is in `data` */
    FVM__CAR_VERIFY, /* and hashes to the CID; FVM_ERR_MISMATCH */
} fvm__car_mode;

typedef struct fvm__car_section {
    fvm_cid cid;
    uint64_t offset;      /* of the section in the stream */
    uint64_t data_offset; /* of its data */
    uint64_t data_len;    /* bytes */
    fvm_bytes data;       /* until the next call; empty when skipped */
} fvm__car_section;

/** Reads the header. `file`, if not NULL, is what the source reads, `size` bytes long: skipping then
 *  costs nothing. `name` is borrowed while the stream lives. On error there is nothing to close.
 *  Errors: FVM_ERR_TRUNCATED, FVM_ERR_MALFORMED, FVM_ERR_VERSION, FVM_ERR_INVALID (no roots),
 *  FVM_ERR_LIMIT, HOST; all told in `why`. */
FVM_NODISCARD fvm_err fvm__carstream_open(fvm__carstream *cs, fvm__source source,
                                          fvm__file_source *file, uint64_t size, const char *name,
                                          const fvm_allocator *alloc, fvm_store_why *why);
void fvm__carstream_close(fvm__carstream *cs);
/** The next section; FVM_ERR_NOT_FOUND at a clean end (`why` is then left alone). After
 *  FVM_ERR_MISMATCH the next call goes on behind that block. */
FVM_NODISCARD fvm_err fvm__carstream_next(fvm__carstream *cs, fvm__car_section *out,
                                          fvm__car_mode mode, fvm_store_why *why);

static inline const fvm_cid *fvm__carstream_roots(const fvm__carstream *cs, size_t *count)
{
    *count = cs->roots.len / sizeof(fvm_cid);
    return (const fvm_cid *)(const void *)cs->roots.ptr;
}

/** As fvm_blockstore_car_open; with `map` the store gives views, and the file must never be cut off. */
FVM_NODISCARD fvm_err fvm__car_open(fvm_blockstore *out, const char *path, bool verify, bool map,
                                    const fvm_allocator *alloc, fvm_store_why *why);
/** The same over a whole CAR in memory, which must outlive the store; `name` is for messages. */
FVM_NODISCARD fvm_err fvm__car_open_memory(fvm_blockstore *out, fvm_bytes car, const char *name,
                                           const fvm_allocator *alloc, fvm_store_why *why);
/** Opens a regular file for reading. FVM_ERR_NOT_FOUND (no such file), FVM_ERR_INVALID (not a
 *  regular file), FVM_ERR_IO. */
FVM_NODISCARD fvm_err fvm__open_file(int *fd, uint64_t *size, const char *path, fvm_store_why *why);
#endif
