/* car.c - content-addressable archives (reference/ipld.md 8).
 *
 *     v1:  varint length | DAG-CBOR {"roots": [cid, ...], "version": 1}
 *          varint length | CID | data        ... until the end
 *     v2:  0a a1 67 "version" 02 | 16 bytes characteristics | data offset | data size | index offset
 *          and at the data offset a whole v1 archive; the index is not looked at */
#include "car.h"

#include "base/varint.h"
#include "cbor.h"

#define V2_PRAGMA_LEN 11
#define V2_HEADER_LEN 40
#define LOAD_BATCH 64

static const uint8_t v2_pragma[V2_PRAGMA_LEN] = { 0x0a, 0xa1, 0x67, 'v', 'e', 'r',
                                                  's',  'i',  'o',  'n', 0x02 };

/* The v1 archive inside a v2 one; a v1 archive is given back as it is. */
static fvm_err unwrap_v2(fvm_bytes *out, fvm_bytes car)
{
    if (car.len < V2_PRAGMA_LEN || memcmp(car.ptr, v2_pragma, V2_PRAGMA_LEN) != 0) {
        *out = car;
        return FVM_OK;
    }
    if (car.len < V2_PRAGMA_LEN + V2_HEADER_LEN) return FVM_ERR_TRUNCATED;
    uint64_t offset = fvm_load_le64(car.ptr + V2_PRAGMA_LEN + 16);
    uint64_t size = fvm_load_le64(car.ptr + V2_PRAGMA_LEN + 24);
    if (offset < V2_PRAGMA_LEN + V2_HEADER_LEN) return FVM_ERR_MALFORMED;
    if (offset > car.len || size > car.len - offset) return FVM_ERR_TRUNCATED;
    *out = (fvm_bytes){ car.ptr + offset, (size_t)size };
    return FVM_OK;
}

static fvm_err take_section(fvm_bytes *section, fvm_bytes *in)
{
    fvm_bytes rest = *in;
    uint64_t len;
    FVM_TRY(fvm_varint_read(&len, &rest));
    FVM_TRY(fvm_bytes_take(section, &rest, len));
    *in = rest;
    return FVM_OK;
}

/* The items of "roots" and the version. Unknown keys are skipped, known ones may come once. */
typedef struct car_header {
    bool has_roots, has_version;
    uint64_t root_count, version;
    fvm_bytes roots; /* from the first root on */
} car_header;

static fvm_err read_roots(car_header *h, fvm_bytes *in)
{
    fvm_cid cid;
    if (h->has_roots) return FVM_ERR_MALFORMED;
    h->has_roots = true;
    FVM_TRY(fvm_cbor_array(&h->root_count, in));
    h->roots = *in;
    for (uint64_t i = 0; i < h->root_count; i++) FVM_TRY(fvm_cbor_cid(&cid, in));
    return FVM_OK;
}

static fvm_err read_header(car_header *h, fvm_bytes in)
{
    uint64_t pairs;
    *h = (car_header){ 0 };
    FVM_TRY(fvm_cbor_map(&pairs, &in));
    for (uint64_t i = 0; i < pairs; i++) {
        fvm_bytes key, skipped;
        FVM_TRY(fvm_cbor_text(&key, &in, NULL));
        if (fvm_bytes_eq(key, FVM_STR("roots"))) {
            FVM_TRY(read_roots(h, &in));
        } else if (fvm_bytes_eq(key, FVM_STR("version"))) {
            if (h->has_version) return FVM_ERR_MALFORMED;
            h->has_version = true;
            FVM_TRY(fvm_cbor_uint(&h->version, &in));
        } else {
            FVM_TRY(fvm_cbor_item(&skipped, &in));
        }
    }
    FVM_TRY(fvm_cbor_end(in));
    if (!h->has_version) return FVM_ERR_MALFORMED;
    if (h->version != 1) return FVM_ERR_VERSION;
    if (!h->has_roots) return FVM_ERR_MALFORMED;
    return h->root_count == 0 ? FVM_ERR_INVALID : FVM_OK;
}

/* Inside a length that is known to be there, an early end is a broken format. */
static fvm_err inside(fvm_err err)
{
    bool broken = err == FVM_ERR_TRUNCATED || err == FVM_ERR_TRAILING || err == FVM_ERR_RANGE ||
                  err == FVM_ERR_DEPTH || err == FVM_ERR_LIMIT;
    return broken ? FVM_ERR_MALFORMED : err;
}

fvm_err fvm_car_open(fvm_car_reader *out, fvm_bytes car)
{
    fvm_bytes v1, rest, header;
    car_header h;
    FVM_TRY(unwrap_v2(&v1, car));
    rest = v1;
    FVM_TRY(take_section(&header, &rest));
    FVM_TRY(inside(read_header(&h, header)));
    *out = (fvm_car_reader){
        .rest = rest,
        .header = header,
        .roots = h.root_count,
        .position = car.len == 0 ? 0 : (uint64_t)(rest.ptr - car.ptr),
    };
    return FVM_OK;
}

fvm_err fvm_car_root(const fvm_car_reader *car, fvm_cid *out, uint64_t i)
{
    car_header h;
    fvm_cid cid;
    if (i >= car->roots) return FVM_ERR_NOT_FOUND;
    FVM_TRY(read_header(&h, car->header));
    for (uint64_t n = 0; n <= i; n++) FVM_TRY(fvm_cbor_cid(&cid, &h.roots));
    *out = cid;
    return FVM_OK;
}

fvm_err fvm_car_each_root(const fvm_car_reader *car,
                          fvm_err (*visit)(void *ctx, const fvm_cid *root), void *ctx)
{
    car_header h;
    FVM_TRY(read_header(&h, car->header));
    for (uint64_t i = 0; i < h.root_count; i++) {
        fvm_cid cid;
        FVM_TRY(fvm_cbor_cid(&cid, &h.roots));
        FVM_TRY(visit(ctx, &cid));
    }
    return FVM_OK;
}

fvm_err fvm_car_next(fvm_car_reader *car, fvm_block *out, bool verify)
{
    fvm_bytes rest = car->rest, section;
    fvm_cid cid;
    size_t used;
    if (rest.len == 0) return FVM_ERR_NOT_FOUND;
    FVM_TRY(take_section(&section, &rest));
    FVM_TRY(inside(fvm_cid_read(&cid, &used, section)));
    fvm_bytes data = { section.ptr + used, section.len - used };
    if (verify) FVM_TRY(fvm_cid_verify(&cid, data));
    *out = (fvm_block){ cid, data };
    car->position += car->rest.len - rest.len;
    car->rest = rest;
    return FVM_OK;
}

fvm_err fvm_car_load(const fvm_blockstore *bs, fvm_bytes car)
{
    fvm_car_reader reader;
    fvm_block batch[LOAD_BATCH]; /* a store on disk wants many at once */
    size_t count = 0;
    fvm_err err = fvm_car_open(&reader, car);
    while (err == FVM_OK) {
        err = fvm_car_next(&reader, &batch[count], true);
        if (err == FVM_OK) count++;
        if (count == LOAD_BATCH || (err == FVM_ERR_NOT_FOUND && count > 0)) {
            fvm_err put = fvm_blockstore_put_many(bs, batch, count);
            if (put != FVM_OK) return put;
            count = 0;
        }
    }
    return err == FVM_ERR_NOT_FOUND ? FVM_OK : err;
}

/* --- writing --- */

static fvm_err put_varint(fvm_buf *out, uint64_t v)
{
    uint8_t bytes[FVM_VARINT_MAX];
    return fvm_buf_append(out, (fvm_bytes){ bytes, fvm_varint_write(bytes, v) });
}

static fvm_err write_header(fvm_buf *out, const fvm_cid *roots, size_t count)
{
    FVM_TRY(fvm_cbor_put_map(out, 2));
    FVM_TRY(fvm_cbor_put_text(out, FVM_STR("roots")));
    FVM_TRY(fvm_cbor_put_array(out, count));
    for (size_t i = 0; i < count; i++) FVM_TRY(fvm_cbor_put_cid(out, &roots[i]));
    FVM_TRY(fvm_cbor_put_text(out, FVM_STR("version")));
    return fvm_cbor_put_uint(out, 1);
}

fvm_err fvm_car_put_header(fvm_buf *out, const fvm_cid *roots, size_t count)
{
    fvm_buf header;
    fvm_buf_init(&header, out->alloc);
    fvm_err err = write_header(&header, roots, count);
    if (err == FVM_OK) err = fvm_buf_reserve(out, FVM_VARINT_MAX + header.len);
    if (err == FVM_OK) err = put_varint(out, header.len);
    if (err == FVM_OK) err = fvm_buf_append(out, fvm_buf_bytes(&header));
    fvm_buf_deinit(&header);
    return err;
}

fvm_err fvm_car_put_block(fvm_buf *out, const fvm_cid *cid, fvm_bytes data)
{
    uint8_t bytes[FVM_CID_BYTES_MAX];
    fvm_bytes id = { bytes, fvm_cid_write(bytes, cid) };
    if (data.len > SIZE_MAX - FVM_VARINT_MAX - id.len) return FVM_ERR_NOMEM;
    FVM_TRY(fvm_buf_reserve(out, FVM_VARINT_MAX + id.len + data.len));
    FVM_TRY(put_varint(out, id.len + data.len));
    FVM_TRY(fvm_buf_append(out, id));
    return fvm_buf_append(out, data);
}
