/* carstream.c - sections of a CAR, one at a time. Every length is held against its limit, and against
 * the end of the archive, before anything is read or allocated for it. */
#include "carstream.h"

#include "base/varint.h"
#include "ipld/car.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#define V2_PRAGMA_LEN 11
#define V2_HEADER_LEN 40

static const uint8_t v2_pragma[V2_PRAGMA_LEN] = { 0x0a, 0xa1, 0x67, 'v', 'e', 'r',
                                                  's',  'i',  'o',  'n', 0x02 };

fvm_err fvm__open_file(int *fd, uint64_t *size, const char *path, fvm_store_why *why)
{
    struct stat st;
    int f = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us here */
    if (f < 0)
        return fvm__why(why, errno == ENOENT || errno == ENOTDIR ? FVM_ERR_NOT_FOUND : FVM_ERR_IO,
                        "%s: %s", path, strerror(errno));
    if (fstat(f, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(f);
        return fvm__why(why, FVM_ERR_INVALID, "%s: not a regular file", path);
    }
    *fd = f;
    *size = (uint64_t)st.st_size;
    return FVM_OK;
}

static fvm_err say(const fvm__carstream *cs, fvm_store_why *why, fvm_err err, uint64_t offset,
                   const char *what)
{
    return fvm__why(why, err, "%s: %s at offset %" PRIu64 ": %s", cs->name, what, offset,
                    fvm_err_text(err));
}

/* The length in front of a header or section. `limit` is what may come. */
static fvm_err read_length(fvm__carstream *cs, uint64_t *len, uint64_t limit)
{
    fvm_bytes view, rest;
    FVM_TRY(fvm__window_peek(&cs->w, &view, FVM_VARINT_MAX));
    if (cs->end - cs->w.position < view.len) view.len = (size_t)(cs->end - cs->w.position);
    rest = view;
    FVM_TRY(fvm_varint_read(len, &rest));
    fvm__window_take(&cs->w, view.len - rest.len);
    if (*len > cs->end - cs->w.position) return FVM_ERR_TRUNCATED;
    return *len > limit ? FVM_ERR_LIMIT : FVM_OK;
}

/* Where the stream is v2: goes to the archive inside, and knows its end. */
static fvm_err enter_v2(fvm__carstream *cs)
{
    fvm_bytes view;
    cs->version = 1;
    FVM_TRY(fvm__window_peek(&cs->w, &view, V2_PRAGMA_LEN + V2_HEADER_LEN));
    if (view.len < V2_PRAGMA_LEN || memcmp(view.ptr, v2_pragma, V2_PRAGMA_LEN) != 0) return FVM_OK;
    if (view.len < V2_PRAGMA_LEN + V2_HEADER_LEN) return FVM_ERR_TRUNCATED;
    uint64_t offset = fvm_load_le64(view.ptr + V2_PRAGMA_LEN + 16);
    uint64_t size = fvm_load_le64(view.ptr + V2_PRAGMA_LEN + 24), end;
    if (offset < V2_PRAGMA_LEN + V2_HEADER_LEN || !fvm_add_u64(&end, offset, size))
        return FVM_ERR_MALFORMED;
    FVM_TRY(fvm__window_skip(&cs->w, offset));
    cs->end = end;
    cs->version = 2;
    return FVM_OK;
}

static fvm_err add_root(void *ctx, const fvm_cid *root)
{
    return fvm_buf_append(ctx, (fvm_bytes){ (const uint8_t *)root, sizeof *root });
}

static fvm_err read_header(fvm__carstream *cs)
{
    uint64_t len;
    uint8_t prefix[FVM_VARINT_MAX];
    fvm_car_reader reader;
    FVM_TRY(enter_v2(cs));
    FVM_TRY(read_length(cs, &len, FVM__CAR_HEADER_MAX));
    /* the reader of archives in memory wants the length, too */
    cs->data.len = 0;
    FVM_TRY(fvm_buf_append(&cs->data, (fvm_bytes){ prefix, fvm_varint_write(prefix, len) }));
    FVM_TRY(fvm__window_read(&cs->w, &cs->data, len));
    FVM_TRY(fvm_car_open(&reader, fvm_buf_bytes(&cs->data)));
    return fvm_car_each_root(&reader, add_root, &cs->roots);
}

fvm_err fvm__carstream_open(fvm__carstream *cs, fvm__source source, fvm__file_source *file,
                            uint64_t size, const char *name, const fvm_allocator *alloc,
                            fvm_store_why *why)
{
    *cs = (fvm__carstream){ .name = name, .alloc = alloc, .end = UINT64_MAX };
    fvm_buf_init(&cs->roots, alloc);
    fvm_buf_init(&cs->data, alloc);
    fvm_err err = fvm__window_init(&cs->w, source, alloc);
    if (err == FVM_OK && file) fvm__window_seekable(&cs->w, file, size);
    if (err == FVM_OK) err = read_header(cs);
    if (err == FVM_OK) return FVM_OK;
    (void)fvm__why(why, err, "%s: header of the CAR: %s", name,
                   err == FVM_ERR_INVALID ? "it names no roots" : fvm_err_text(err));
    fvm__carstream_close(cs);
    return err;
}

void fvm__carstream_close(fvm__carstream *cs)
{
    fvm__window_deinit(&cs->w);
    fvm_buf_deinit(&cs->roots);
    fvm_buf_deinit(&cs->data);
}

/* The CID of a section of `len` bytes, and how long it is. */
static fvm_err read_cid(fvm__carstream *cs, fvm_cid *cid, size_t *used, uint64_t len)
{
    fvm_bytes view;
    FVM_TRY(fvm__window_peek(&cs->w, &view, FVM_CID_BYTES_MAX));
    bool whole = view.len >= len; /* the section's end is in view: it, too, ends the CID */
    if (whole) view.len = (size_t)len;
    fvm_err err = fvm_cid_read(cid, used, view);
    if (err == FVM_ERR_TRUNCATED && whole) return FVM_ERR_MALFORMED;
    return err;
}

fvm_err fvm__carstream_next(fvm__carstream *cs, fvm__car_section *out, fvm__car_mode mode,
                            fvm_store_why *why)
{
    fvm_bytes view;
    uint64_t len;
    size_t used;
    fvm__car_section s = { .offset = cs->w.position };
    if (cs->w.position == cs->end) return FVM_ERR_NOT_FOUND;
    fvm_err err = fvm__window_peek(&cs->w, &view, 1);
    if (err == FVM_OK && view.len == 0) {
        if (cs->end == UINT64_MAX) return FVM_ERR_NOT_FOUND;
        err = FVM_ERR_TRUNCATED;
    }
    if (err == FVM_OK) err = read_length(cs, &len, FVM_CAR_SECTION_MAX);
    if (err == FVM_OK) err = read_cid(cs, &s.cid, &used, len);
    if (err != FVM_OK) return say(cs, why, err, s.offset, "section");

    fvm__window_take(&cs->w, used);
    s.data_offset = cs->w.position;
    s.data_len = len - used;
    cs->data.len = 0;
    if (mode == FVM__CAR_SKIP) {
        err = fvm__window_skip(&cs->w, s.data_len);
    } else {
        err = fvm__window_read(&cs->w, &cs->data, s.data_len);
        s.data = fvm_buf_bytes(&cs->data);
    }
    if (err == FVM_OK && mode == FVM__CAR_VERIFY) err = fvm_cid_verify(&s.cid, s.data);
    if (err == FVM_OK) {
        *out = s;
        return FVM_OK;
    }
    char text[FVM_CID_TEXT_MAX];
    (void)fvm_cid_to_text(text, &s.cid);
    return fvm__why(why, err, "%s: block %s at offset %" PRIu64 ": %s", cs->name, text, s.offset,
                    fvm_err_text(err));
}
