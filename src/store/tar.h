/* tar.h - members of a tar archive, in order, from a source. Names are looked at and never used as
 * paths. */
#ifndef FVM_STORE_TAR_H
#define FVM_STORE_TAR_H

#include "source.h"

#define FVM__TAR_NAME_MAX 257 /* prefix, slash, name, NUL */

typedef struct fvm__tar {
    fvm__window *w; /* borrowed */
    uint64_t left;  /* bytes of the member not yet read */
    uint64_t pad;   /* zeros behind the member */
} fvm__tar;

typedef struct fvm__tar_member {
    char name[FVM__TAR_NAME_MAX];
    uint64_t size; /* bytes */
    bool regular;  /* else a folder, link, extended header, ... */
} fvm__tar_member;

/** Whether `head`, the first 512 bytes of something, is a tar header. */
bool fvm__tar_is(fvm_bytes head);
void fvm__tar_init(fvm__tar *tar, fvm__window *w);
/** The next member; what is left of the one before is skipped. FVM_ERR_NOT_FOUND at the end: two
 *  zero blocks or, as some writers leave them out, the end of the source.
 *  Errors: FVM_ERR_TRUNCATED, FVM_ERR_MALFORMED (checksum, numbers). */
FVM_NODISCARD fvm_err fvm__tar_next(fvm__tar *tar, fvm__tar_member *out);
/** The bytes of the member that was found last, as a source. */
fvm__source fvm__tar_source(fvm__tar *tar);
#endif
