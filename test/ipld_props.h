/* ipld_props.h - properties of CIDs, CBOR and CAR that hold for any bytes; random tests and fuzz
 * targets only call them. */
#ifndef FVM_TEST_IPLD_PROPS_H
#define FVM_TEST_IPLD_PROPS_H

#include "ipld/car.h"
#include "ipld_helpers.h"

/* --- CID --- */

/** What is read is written and read again the same. CIDs, not bytes, are compared: bits that a varint
 *  of ten bytes drops are not written back. */
static inline void prop_cid_reads_back(fvm_bytes in)
{
    fvm_cid a, b;
    uint8_t out[FVM_CID_BYTES_MAX];
    size_t used, len;
    if (fvm_cid_read(&a, &used, in) != FVM_OK) return;
    CHECK(used > 0 && used <= in.len);
    len = fvm_cid_write(out, &a);
    CHECK(len <= used && len == fvm_cid_len(&a));
    CHECK_OK(fvm_cid_read(&b, &used, (fvm_bytes){ out, len }));
    CHECK(used == len && fvm_cid_eq(&a, &b));

    char text[FVM_CID_TEXT_MAX];
    size_t text_len = fvm_cid_to_text(text, &a);
    CHECK(text_len > 0 && text_len == strlen(text));
    CHECK_OK(fvm_cid_from_text(&b, fvm_bytes_of(text)));
    CHECK(fvm_cid_eq(&a, &b));
}

static inline void prop_cid_text_reads_back(fvm_bytes in)
{
    fvm_cid a, b;
    char text[FVM_CID_TEXT_MAX];
    if (fvm_cid_from_text(&a, in) != FVM_OK) return;
    (void)fvm_cid_to_text(text, &a);
    CHECK_OK(fvm_cid_from_text(&b, fvm_bytes_of(text)));
    CHECK(fvm_cid_eq(&a, &b));
}

/* --- CBOR --- */

static inline fvm_err prop_count_link(void *ctx, const fvm_cid *cid)
{
    CHECK(cid->digest_len <= FVM_CID_DIGEST_MAX);
    ++*(size_t *)ctx;
    return FVM_OK;
}

/* A reader took something off the front, or failed and left the input alone. */
static inline void prop_took(fvm_err err, fvm_bytes before, fvm_bytes after)
{
    if (err != FVM_OK) {
        CHECK(fvm_err_class_of(err) == FVM_CLASS_INPUT);
        CHECK(after.ptr == before.ptr && after.len == before.len);
    } else {
        CHECK(after.len < before.len && after.ptr == before.ptr + (before.len - after.len));
    }
}

#define PROP_TAKE(reader, ...)                                                                     \
    do {                                                                                           \
        fvm_bytes rest = in;                                                                       \
        fvm_err err = reader(__VA_ARGS__);                                                         \
        prop_took(err, in, rest);                                                                  \
    } while (0)

/** Every reader of one item takes a front part or leaves the input alone. */
static inline void prop_cbor_readers(fvm_bytes in)
{
    fvm_buf spare;
    fvm_bytes bytes;
    fvm_cid cid;
    uint64_t u;
    uint32_t u32;
    int64_t i;
    uint8_t major;
    bool flag;
    size_t links = 0;
    fvm_buf_init(&spare, NULL);
    PROP_TAKE(fvm_cbor_uint, &u, &rest);
    PROP_TAKE(fvm_cbor_u32, &u32, &rest);
    PROP_TAKE(fvm_cbor_int, &i, &rest);
    PROP_TAKE(fvm_cbor_bytes, &bytes, &rest, NULL);
    PROP_TAKE(fvm_cbor_bytes, &bytes, &rest, &spare);
    PROP_TAKE(fvm_cbor_text, &bytes, &rest, NULL);
    PROP_TAKE(fvm_cbor_text, &bytes, &rest, &spare);
    PROP_TAKE(fvm_cbor_array, &u, &rest);
    PROP_TAKE(fvm_cbor_tuple, 2, &rest);
    PROP_TAKE(fvm_cbor_map, &u, &rest);
    PROP_TAKE(fvm_cbor_cid, &cid, &rest);
    PROP_TAKE(fvm_cbor_bool, &flag, &rest);
    PROP_TAKE(fvm_cbor_head, &major, &u, &rest);
    PROP_TAKE(fvm_cbor_item, &bytes, &rest);
    fvm_err err = fvm_cbor_links(in, prop_count_link, &links);
    CHECK(err == FVM_OK || err == FVM_ERR_MALFORMED || err == FVM_ERR_TRUNCATED);
    fvm_buf_deinit(&spare);
}

/** What the writers write of what a reader gave, the reader gives again. */
static inline void prop_cbor_round_trip(fvm_bytes in)
{
    fvm_buf out;
    fvm_bytes rest = in, a, b;
    int64_t i, j;
    fvm_cid c, d;
    fvm_buf_init(&out, NULL);
    if (fvm_cbor_int(&i, &rest) == FVM_OK) {
        CHECK_OK(fvm_cbor_put_int(&out, i));
        rest = fvm_buf_bytes(&out);
        CHECK(out.len <= in.len);
        CHECK_OK(fvm_cbor_int(&j, &rest));
        CHECK(i == j && rest.len == 0);
    }
    out.len = 0;
    rest = in;
    if (fvm_cbor_bytes(&a, &rest, NULL) == FVM_OK) {
        CHECK_OK(fvm_cbor_put_bytes(&out, a));
        rest = fvm_buf_bytes(&out);
        CHECK_OK(fvm_cbor_bytes(&b, &rest, NULL));
        CHECK(fvm_bytes_eq(a, b) && rest.len == 0);
    }
    out.len = 0;
    rest = in;
    if (fvm_cbor_cid(&c, &rest) == FVM_OK) {
        size_t links = 0;
        CHECK_OK(fvm_cbor_put_cid(&out, &c));
        rest = fvm_buf_bytes(&out);
        CHECK_OK(fvm_cbor_links(rest, prop_count_link, &links));
        CHECK(links == 1);
        CHECK_OK(fvm_cbor_cid(&d, &rest));
        CHECK(fvm_cid_eq(&c, &d) && rest.len == 0);
    }
    fvm_buf_deinit(&out);
}

/* --- CAR --- */

/* The archive that the writers make of what a reader finds. */
static inline bool prop_car_copy(fvm_buf *out, fvm_bytes in)
{
    fvm_car_reader car;
    fvm_block block;
    fvm_cid roots[16];
    fvm_err err = fvm_car_open(&car, in);
    if (err != FVM_OK) {
        CHECK(fvm_err_class_of(err) == FVM_CLASS_INPUT);
        return false;
    }
    if (car.roots > FVM_COUNT(roots)) return false;
    for (uint64_t i = 0; i < car.roots; i++) CHECK_OK(fvm_car_root(&car, &roots[i], i));
    CHECK_ERR(fvm_car_root(&car, &roots[0], car.roots), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_car_put_header(out, roots, (size_t)car.roots));
    while ((err = fvm_car_next(&car, &block, false)) == FVM_OK) {
        CHECK(car.position <= in.len);
        CHECK_OK(fvm_car_put_block(out, &block.cid, block.data));
    }
    CHECK(err == FVM_ERR_NOT_FOUND || err == FVM_ERR_TRUNCATED || err == FVM_ERR_MALFORMED);
    return err == FVM_ERR_NOT_FOUND;
}

/** A copy of an archive copies to the same bytes; loading either works or fails the same way. */
static inline void prop_car_reads_back(fvm_bytes in)
{
    fvm_buf once, twice;
    fvm_blockstore bs;
    fvm_buf_init(&once, NULL);
    fvm_buf_init(&twice, NULL);
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    fvm_err loaded = fvm_car_load(&bs, in);
    if (prop_car_copy(&once, in)) {
        CHECK(prop_car_copy(&twice, fvm_buf_bytes(&once)));
        CHECK_BYTES(fvm_buf_bytes(&twice), fvm_buf_bytes(&once));
        CHECK_ERR(fvm_car_load(&bs, fvm_buf_bytes(&once)), loaded);
    }
    fvm_blockstore_free(&bs);
    fvm_buf_deinit(&once);
    fvm_buf_deinit(&twice);
}
#endif
