/* ipld_helpers.h - for tests of IPLD structures: CIDs by text, blocks by CID, small CBOR values. */
#ifndef FVM_TEST_IPLD_HELPERS_H
#define FVM_TEST_IPLD_HELPERS_H

#include "ipld/cbor.h"
#include "test.h"

#include <fvm/blockstore.h>

#include <stdlib.h>

/** The CID has this text. */
static inline void check_cid_text(const char *why, const fvm_cid *cid, const char *text)
{
    char got[FVM_CID_TEXT_MAX];
    (void)fvm_cid_to_text(got, cid);
    if (strcmp(got, text) != 0) fprintf(stderr, "  got %s\n  want %s\n", got, text);
    CHECK_AT(why, strcmp(got, text) == 0);
}

/** The block of `cid` in the store, spelled in hex. In `hex`, "L" followed by a digit stands for the
 *  CBOR form of links[digit]. Spaces are skipped. */
static inline void check_block(const fvm_blockstore *bs, const fvm_cid *cid, const char *hex,
                               const fvm_cid *links)
{
    fvm_buf want, got;
    fvm_buf_init(&want, NULL);
    fvm_buf_init(&got, NULL);
    for (const char *p = hex; *p; p++) {
        if (*p == ' ') continue;
        if (*p == 'L') {
            CHECK_OK(fvm_cbor_put_cid(&want, &links[*++p - '0']));
            continue;
        }
        uint8_t byte;
        char pair[3] = { p[0], p[1], 0 };
        (void)test_hex(&byte, 1, pair);
        CHECK_OK(fvm_buf_put_u8(&want, byte));
        p++;
    }
    CHECK_OK(fvm_blockstore_get(bs, &got, cid));
    CHECK_BYTES(fvm_buf_bytes(&got), fvm_buf_bytes(&want));
    fvm_buf_deinit(&want);
    fvm_buf_deinit(&got);
}

/** A small unsigned integer as a CBOR item. `room` holds 9 bytes. */
static inline fvm_bytes cbor_number(uint8_t room[9], uint64_t v)
{
    fvm_buf buf;
    fvm_buf_init(&buf, NULL);
    CHECK_OK(fvm_cbor_put_uint(&buf, v));
    fvm_bytes out = { room, buf.len };
    memcpy(room, buf.ptr, buf.len);
    fvm_buf_deinit(&buf);
    return out;
}

/** A store over another that fails the nth operation of a kind with FVM_ERR_IO (0: none). */
typedef struct faulty_store {
    fvm_blockstore base;
    size_t reads, writes;               /* so far */
    size_t fail_read_at, fail_write_at; /* 1 = the first */
} faulty_store;

static inline fvm_err faulty_get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    faulty_store *s = self;
    if (++s->reads == s->fail_read_at) return FVM_ERR_IO;
    return fvm_blockstore_get(&s->base, out, cid);
}
static inline fvm_err faulty_has(void *self, bool *out, const fvm_cid *cid)
{
    faulty_store *s = self;
    return fvm_blockstore_has(&s->base, out, cid);
}
static inline fvm_err faulty_put_many(void *self, const fvm_block *blocks, size_t count)
{
    faulty_store *s = self;
    if (++s->writes == s->fail_write_at) return FVM_ERR_IO;
    return fvm_blockstore_put_many(&s->base, blocks, count);
}
static const fvm_blockstore_ops faulty_ops = { .get = faulty_get,
                                               .has = faulty_has,
                                               .put_many = faulty_put_many };
#endif
