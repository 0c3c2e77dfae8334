/* car_out.c - see car_out.h. */
#include "car_out.h"

#include "ipld/car.h"
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define NUMBER_MAX 100

static fvm_err write_scratch(fvm__car_out *out)
{
    bool ok = fwrite(out->scratch.ptr, 1, out->scratch.len, out->file) == out->scratch.len;
    out->bytes += out->scratch.len;
    out->scratch.len = 0;
    return ok ? FVM_OK : FVM_ERR_IO;
}

/* A new file of a name that no other writer has; those that are there were left by dead ones. */
static fvm_err open_temp(fvm__car_out *out, fvm_store_why *why)
{
    char end[48];
    int fd = -1;
    for (unsigned i = 0; fd < 0 && i < NUMBER_MAX; i++) {
        int len = snprintf(end, sizeof end, ".%ld-%u.tmp", (long)getpid(), i);
        out->temp.len = 0;
        FVM_TRY(fvm_buf_append(&out->temp, fvm_bytes_of(out->path)));
        FVM_TRY(fvm_buf_append(&out->temp, (fvm_bytes){ (const uint8_t *)end, (size_t)len + 1 }));
        fd = open((const char *)out->temp.ptr, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST) break;
    }
    out->file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (out->file) return FVM_OK;
    fvm_err err = fvm__why(why, FVM_ERR_IO, "%s: %s", out->path, strerror(errno));
    if (fd >= 0) {
        (void)close(fd);
        (void)unlink((const char *)out->temp.ptr);
    }
    return err;
}

fvm_err fvm__car_out_open(fvm__car_out *out, const char *path, const fvm_cid *roots, size_t count,
                          bool sync, const fvm_allocator *alloc, fvm_store_why *why)
{
    *out = (fvm__car_out){ .path = path, .sync = sync, .file = stdout };
    fvm_buf_init(&out->temp, alloc);
    fvm_buf_init(&out->scratch, alloc);
    fvm_err err = strcmp(path, "-") == 0 ? FVM_OK : open_temp(out, why);
    if (err != FVM_OK) {
        fvm_buf_deinit(&out->temp);
        return err;
    }
    err = fvm_car_put_header(&out->scratch, roots, count);
    if (err == FVM_OK) err = write_scratch(out);
    return err == FVM_OK ? FVM_OK : fvm__car_out_close(out, err, why);
}

fvm_err fvm__car_out_put(fvm__car_out *out, const fvm_cid *cid, fvm_bytes data)
{
    FVM_TRY(fvm_car_put_block(&out->scratch, cid, data));
    out->blocks++;
    return write_scratch(out);
}

fvm_err fvm__car_out_visit(void *ctx, const fvm_cid *cid, fvm_bytes data)
{
    return fvm__car_out_put(ctx, cid, data);
}

fvm_err fvm__car_out_close(fvm__car_out *out, fvm_err err, fvm_store_why *why)
{
    const char *temp = (const char *)out->temp.ptr;
    bool failed = err == FVM_ERR_IO && ferror(out->file);
    if (fflush(out->file) != 0) failed = true;
    if (out->temp.len) {
        if (out->sync && err == FVM_OK && !failed && fsync(fileno(out->file)) != 0) failed = true;
        if (fclose(out->file) != 0) failed = true;
        if (err == FVM_OK && !failed && rename(temp, out->path) != 0) failed = true;
        if (err != FVM_OK || failed) (void)unlink(temp);
    }
    fvm_buf_deinit(&out->temp);
    fvm_buf_deinit(&out->scratch);
    if (failed) err = fvm__why(why, FVM_ERR_IO, "%s: cannot be written", out->path);
    return err;
}
