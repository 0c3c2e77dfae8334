/* test_sdk_native.c - the SDK's own code, compiled natively: its CBOR beside the host's, its 256-bit
 * integers beside GMP, structs from their declarations, and the mock kernel's rules. */
#include "test.h"

#include <fvm/actor/mock.h>

#include "ipld/cbor.h"

#include <gmp.h>

static void (*body)(void); /* what the entry point does */

uint32_t invoke(uint32_t params);
uint32_t invoke(uint32_t params)
{
    (void)params;
    body();
    return 0;
}

/* Runs a function as a call, so that it may exit; gives the exit code. */
static uint32_t in_call(void (*fn)(void))
{
    body = fn;
    return fvm_mock_call(2, (fvm_bytes){ 0 }).exit_code;
}

/* --- CBOR --- */

typedef struct value {
    uint64_t u;
    int64_t i;
    fvm_bytes bytes;
    fvm_cid cid;
} value;

enum { UINT, U32, INT, BYTES, TEXT, ARRAY, BOOL, CID, KINDS };

/* Strings of segments are joined in `spare`. */
static fvm_err host_reads(value *v, fvm_bytes *in, unsigned kind, fvm_buf *spare)
{
    uint32_t u32;
    bool flag;
    fvm_err err = FVM_OK;
    switch (kind) {
    case UINT: return fvm_cbor_uint(&v->u, in);
    case U32:
        if ((err = fvm_cbor_u32(&u32, in)) == FVM_OK) v->u = u32;
        return err;
    case INT: return fvm_cbor_int(&v->i, in);
    case BYTES: return fvm_cbor_bytes(&v->bytes, in, spare);
    case TEXT: return fvm_cbor_text(&v->bytes, in, spare);
    case ARRAY: return fvm_cbor_array(&v->u, in);
    case BOOL:
        if ((err = fvm_cbor_bool(&flag, in)) == FVM_OK) v->u = flag;
        return err;
    default: return fvm_cbor_cid(&v->cid, in);
    }
}

static void sdk_reads(value *v, fvm_dec *d, unsigned kind)
{
    switch (kind) {
    case UINT: v->u = fvm_get_uint(d); return;
    case U32: v->u = fvm_get_u32(d); return;
    case INT: v->i = fvm_get_int(d); return;
    case BYTES: v->bytes = fvm_get_bytes(d); return;
    case TEXT: v->bytes = fvm_get_text(d); return;
    case ARRAY: v->u = fvm_get_array(d); return;
    case BOOL: v->u = fvm_get_bool(d); return;
    default: fvm_get_cid(d, &v->cid); return;
    }
}

/* Bytes that are often nearly right: a head of some major, a short argument, some contents. */
static size_t make_item(uint8_t out[64], test_rng *rng)
{
    static const uint8_t link[] = { 0xd8, 0x2a, 0x45, 0x00, 0x01, 0x55, 0x00, 0x00, 0x00 };
    size_t len = test_rng_below(rng, 40);
    test_rng_fill(rng, out, 64);
    if (test_rng_below(rng, 4) == 0) {
        memcpy(out, link, sizeof link);
        len = sizeof link;
    }
    if (test_rng_below(rng, 2))
        out[0] = (uint8_t)(test_rng_below(rng, 8) << 5 | test_rng_below(rng, 30));
    if (test_rng_below(rng, 8) == 0) { /* segments of a string, more or less */
        static const uint8_t heads[] = { 0x5f, 0x7f, 0x41, 0x61, 0x40, 0x60, 0xff };
        out[0] = heads[test_rng_below(rng, 2)];
        for (size_t i = 1; i < 12; i++) out[i] = heads[test_rng_below(rng, sizeof heads)];
    }
    if (test_rng_below(rng, 4) == 0) out[1 + test_rng_below(rng, 8)] ^= (uint8_t)test_rng_next(rng);
    if (test_rng_below(rng, 2))
        for (size_t i = 1; i < 64; i++) out[i] &= 0x7f;
    return len;
}

/* The SDK's readers bound an array by the bytes left, which the host's leaves to who loops. */
static bool may_differ(unsigned kind, fvm_bytes rest, const value *host)
{
    return kind == ARRAY && host->u > rest.len;
}

TEST(the_reader_takes_what_the_hosts_takes)
{
    test_rng rng = { 42 };
    uint8_t room[64];
    size_t taken = 0, joined = 0;
    void *mark = fvm_heap_mark();
    fvm_buf spare;
    fvm_buf_init(&spare, NULL);
    for (size_t i = 0; i < test_rounds(300000); i++) {
        fvm_heap_release(mark);
        fvm_bytes in = { room, make_item(room, &rng) }, rest = in;
        unsigned kind = (unsigned)test_rng_below(&rng, KINDS);
        value host = { 0 }, sdk = { 0 };
        fvm_dec d = fvm_dec_of(in);
        spare.len = 0;
        fvm_err err = host_reads(&host, &rest, kind, &spare);
        sdk_reads(&sdk, &d, kind);
        if (may_differ(kind, rest, &host)) continue;
        CHECK(d.bad == (err != FVM_OK));
        if (d.bad) continue;
        taken++;
        joined += spare.len != 0;
        CHECK((size_t)(d.end - d.at) == rest.len);
        CHECK(sdk.u == host.u && sdk.i == host.i);
        CHECK(fvm_bytes_eq(sdk.bytes, host.bytes));
        CHECK(kind != CID || fvm_cid_eq(&sdk.cid, &host.cid));
    }
    CHECK(taken > 1000 && joined > 10);
    fvm_buf_deinit(&spare);
}

TEST(text_is_utf8_where_the_host_says_so)
{
    static const uint8_t tails[] = { 0x7f, 0x80, 0xbf, 0xc0 };
    for (unsigned i = 0; i < 64 * 256 * 16; i++) {
        uint8_t item[] = { 0x64, (uint8_t)(0xc0 + i / 4096), (uint8_t)(i / 16), tails[i / 4 % 4],
                           tails[i % 4] };
        for (uint8_t len = 2; len <= 4; len++) {
            item[0] = (uint8_t)(0x60 + len);
            fvm_dec d = fvm_dec_of((fvm_bytes){ item, 1u + len });
            (void)fvm_get_text(&d);
            CHECK(d.bad != fvm_utf8_valid((fvm_bytes){ item + 1, len }));
        }
    }
}

TEST(the_writer_writes_what_the_hosts_writes)
{
    test_rng rng = { 43 };
    uint8_t room[256], text[32];
    test_rng_fill(&rng, text, sizeof text);
    fvm_buf host;
    fvm_buf_init(&host, NULL);
    for (size_t i = 0; i < test_rounds(20000); i++) {
        uint64_t v = test_rng_next(&rng) >> test_rng_below(&rng, 64);
        fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, (fvm_bytes){ (uint8_t *)&v, 8 });
        fvm_enc e = fvm_enc_into(room, sizeof room);
        host.len = 0;
        fvm_put_uint(&e, v);
        CHECK_OK(fvm_cbor_put_uint(&host, v));
        fvm_put_int(&e, (int64_t)v);
        CHECK_OK(fvm_cbor_put_int(&host, (int64_t)v));
        fvm_put_int(&e, -(int64_t)(v >> 1));
        CHECK_OK(fvm_cbor_put_int(&host, -(int64_t)(v >> 1)));
        fvm_put_bytes(&e, (fvm_bytes){ text, v % 30 });
        CHECK_OK(fvm_cbor_put_bytes(&host, (fvm_bytes){ text, v % 30 }));
        fvm_put_cid(&e, &cid);
        CHECK_OK(fvm_cbor_put_cid(&host, &cid));
        fvm_put_bool(&e, v & 1);
        CHECK_OK(fvm_cbor_put_bool(&host, v & 1));
        fvm_put_null(&e);
        CHECK_OK(fvm_cbor_put_null(&host));
        CHECK_BYTES(fvm_enc_done(&e), fvm_buf_bytes(&host));
        fvm_dec d = fvm_dec_of(fvm_enc_done(&e)); /* items are found again */
        for (int n = 0; n < 7; n++) (void)fvm_get_item(&d);
        CHECK(fvm_dec_good(&d));
    }
    fvm_buf_deinit(&host);
}

static void overfill(void)
{
    uint8_t room[4];
    fvm_enc e = fvm_enc_into(room, sizeof room);
    fvm_put_uint(&e, UINT32_MAX);
}

TEST(a_full_writer_ends_the_call)
{
    fvm_mock_reset();
    CHECK(in_call(overfill) == FVM_USR_SERIALIZATION);
}

TEST(amounts_are_read_as_they_are_written)
{
    static const struct {
        const char *hex;
        int64_t value;
        bool bad;
    } rows[] = {
        { "40", 0, false },
        { "420001", 1, false },
        { "420101", -1, false },
        { "4100", 0, false },     /* a signed zero: accepted, as by the reference */
        { "43000001", 1, false }, /* leading zeros too */
        { "420201", 0, true },    /* no such sign */
        { "5100ffffffffffffffffffffffffffffffff", 0, true }, /* 2^128 - 1 */
    };
    uint8_t room[64];
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fvm_dec d = fvm_dec_of(test_hex(room, sizeof room, rows[i].hex));
        fvm_token v = fvm_get_token(&d);
        CHECK_AT(rows[i].hex, d.bad == rows[i].bad && v == rows[i].value);
    }
    test_rng rng = { 44 };
    for (size_t i = 0; i < 10000; i++) {
        fvm_uint128 bits = (fvm_uint128)test_rng_next(&rng) << 64 | test_rng_next(&rng);
        fvm_token v = (fvm_token)(bits >> (1 + test_rng_below(&rng, 127)));
        if (test_rng_below(&rng, 2)) v = -v;
        fvm_enc e = fvm_enc_into(room, sizeof room);
        fvm_put_token(&e, v);
        fvm_dec d = fvm_dec_of(fvm_enc_done(&e));
        CHECK(fvm_get_token(&d) == v && fvm_dec_good(&d));
    }
}

/* --- structs --- */

#define POINT(F)                                                                                   \
    F(int, x)                                                                                      \
    F(int, y)
FVM_STRUCT(point, POINT)
FVM_OPTIONAL(maybe_point, point)
FVM_LIST(points, point)
#define SHAPE(F)                                                                                   \
    F(text, name)                                                                                  \
    F(bool, closed)                                                                                \
    F(maybe_point, center)                                                                         \
    F(points, corners)                                                                             \
    F(token, price)
FVM_STRUCT(shape, SHAPE)

TEST(structs_have_encoder_decoder_and_schema)
{
    point corners[] = { { 1, -2 }, { 3, 4 } };
    shape s = { .name = FVM_STR("tri"), .closed = true, .corners = { 2, corners }, .price = 5 }, t;
    uint8_t room[128];
    fvm_mock_reset();
    fvm_enc e = fvm_enc_into(room, sizeof room);
    fvm_enc_shape(&e, &s);
    fvm_bytes bytes = fvm_enc_done(&e);
    CHECK_HEX(bytes, "8563747269f5f68282012182030442"
                     "0005");
    fvm_dec d = fvm_dec_of(bytes);
    fvm_dec_shape(&d, &t);
    CHECK(fvm_dec_good(&d) && !t.center.some && t.corners.count == 2 && t.price == 5);
    CHECK(t.corners.item[1].x == 3 && t.corners.item[0].y == -2);
    for (size_t cut = 0; cut < bytes.len; cut++) {
        d = fvm_dec_of((fvm_bytes){ bytes.ptr, cut });
        fvm_dec_shape(&d, &t);
        CHECK(d.bad);
    }
    char text[512] = "";
    FILE *f = fmemopen(text, sizeof text, "w");
    fvm_mock_print_schema(f, &fvm_schema_shape);
    fclose(f);
    CHECK(strstr(text, "{\"name\":\"closed\",\"type\":\"bool\"}"));
    CHECK(strstr(text, "\"type\":{\"list\":{\"name\":\"point\""));
}

/* --- 256 bits --- */

static void to_gmp(mpz_t out, const fvm_u256 *a)
{
    uint8_t bytes[32];
    fvm_u256_write(bytes, a);
    mpz_import(out, 32, 1, 1, 1, 0, bytes);
}

static void check_u256(const fvm_u256 *got, const mpz_t want)
{
    uint8_t bytes[32], mine[32];
    size_t n = 0;
    mpz_t low;
    mpz_init(low);
    mpz_fdiv_r_2exp(low, want, 256);
    memset(bytes, 0, sizeof bytes);
    if (mpz_sgn(low)) {
        n = (mpz_sizeinbase(low, 2) + 7) / 8;
        mpz_export(bytes + 32 - n, &n, 1, 1, 1, 0, low);
    }
    mpz_clear(low);
    fvm_u256_write(mine, got);
    CHECK_BYTES(((fvm_bytes){ mine, 32 }), ((fvm_bytes){ bytes, 32 }));
}

/* Numbers of all lengths, with many bits alike: what division finds hard. */
static fvm_u256 random_u256(test_rng *rng)
{
    fvm_u256 a, ones = { { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX } };
    for (int i = 0; i < 4; i++) {
        uint64_t kind = test_rng_below(rng, 4);
        a.limb[i] = kind == 0 ? 0 : kind == 1 ? UINT64_MAX : test_rng_next(rng);
    }
    if (test_rng_below(rng, 8) == 0) a = ones;
    fvm_u256_shr(&a, &a, (unsigned)test_rng_below(rng, 257));
    return a;
}

TEST(numbers_of_256_bits_agree_with_gmp)
{
    test_rng rng = { 45 };
    mpz_t a, b, m, r;
    mpz_inits(a, b, m, r, NULL);
    for (size_t i = 0; i < test_rounds(100000); i++) {
        fvm_u256 x = random_u256(&rng), y = random_u256(&rng), z = random_u256(&rng), out, rest;
        unsigned shift = (unsigned)test_rng_below(&rng, 300);
        to_gmp(a, &x), to_gmp(b, &y), to_gmp(m, &z);
        mpz_add(r, a, b);
        CHECK(fvm_u256_add(&out, &x, &y) == (mpz_sizeinbase(r, 2) > 256));
        check_u256(&out, r);
        mpz_sub(r, a, b);
        CHECK(fvm_u256_sub(&out, &x, &y) == (mpz_sgn(r) < 0));
        check_u256(&out, r);
        mpz_mul(r, a, b);
        CHECK(fvm_u256_mul(&out, &x, &y) == (mpz_sizeinbase(r, 2) > 256));
        check_u256(&out, r);
        mpz_mul_2exp(r, a, shift);
        fvm_u256_shl(&out, &x, shift);
        check_u256(&out, r);
        mpz_fdiv_q_2exp(r, a, shift);
        fvm_u256_shr(&out, &x, shift);
        check_u256(&out, r);
        CHECK((fvm_u256_cmp(&x, &y) > 0) == (mpz_cmp(a, b) > 0));
        CHECK(fvm_u256_bits(&x) == (mpz_sgn(a) ? mpz_sizeinbase(a, 2) : 0));
        fvm_u256_divmod(&out, &rest, &x, &y);
        if (mpz_sgn(b))
            mpz_fdiv_q(r, a, b);
        else
            mpz_set_ui(r, 0);
        check_u256(&out, r);
        if (mpz_sgn(b)) mpz_fdiv_r(r, a, b);
        check_u256(&rest, r);
        mpz_add(r, a, b);
        if (mpz_sgn(m))
            mpz_fdiv_r(r, r, m);
        else
            mpz_set_ui(r, 0);
        fvm_u256_addmod(&out, &x, &y, &z);
        check_u256(&out, r);
        mpz_mul(r, a, b);
        if (mpz_sgn(m))
            mpz_fdiv_r(r, r, m);
        else
            mpz_set_ui(r, 0);
        fvm_u256_mulmod(&out, &x, &y, &z);
        check_u256(&out, r);
    }
    mpz_clears(a, b, m, r, NULL);
}

/* --- the mock kernel and the heap --- */

static uint8_t unreachable_cid[FVM_LINK_LEN];
static void open_unreachable(void)
{
    (void)fvm_block_get(unreachable_cid, NULL);
}
static void link_unreachable(void)
{
    uint8_t room[64];
    fvm_enc e = fvm_enc_into(room, sizeof room);
    fvm_put_link(&e, unreachable_cid, sizeof unreachable_cid);
    (void)fvm_block_new(FVM_BLOCK_DAG_CBOR, fvm_enc_done(&e));
}
static void exit_with_seven(void)
{
    fvm_abort(7, "the machine's own");
}
static void save_then_fail(void)
{
    fvm_state_save(FVM_BYTES(0x81, 0x01));
    fvm_abort(40, "after all");
}

TEST(the_mock_keeps_the_machines_rules)
{
    fvm_mock_reset();
    fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, FVM_STR("elsewhere"));
    CHECK(fvm_cid_write(unreachable_cid, &cid) == sizeof unreachable_cid);
    CHECK(in_call(open_unreachable) == FVM_USR_NOT_FOUND);
    CHECK(in_call(link_unreachable) == FVM_USR_NOT_FOUND);
    CHECK(in_call(exit_with_seven) == 9);
    CHECK(in_call(save_then_fail) == 40);
    CHECK_HEX(fvm_mock_state(), "80");
}

static void use_heap(void)
{
    fvm_buf buf;
    fvm_buf_init(&buf, &fvm_heap_allocator);
    void *start = fvm_heap_mark();
    for (unsigned i = 0; i < 1000; i++) fvm_must(fvm_buf_append(&buf, FVM_STR("0123456789")));
    fvm_require(buf.ptr == start, 40, "the newest block grows in place");
    fvm_require(memcmp(buf.ptr + 9990, "0123456789", 10) == 0, 41, "contents");
    uint8_t *other = fvm_heap_alloc(1);
    size_t old = buf.cap;
    fvm_must(fvm_buf_reserve(&buf, old)); /* moves now */
    fvm_require(buf.ptr > other && memcmp(buf.ptr, "0123456789", 10) == 0, 42, "moved");
    fvm_buf_deinit(&buf);
    fvm_enc e = fvm_enc_heap(0);
    for (uint64_t i = 0; i < 10000; i++) fvm_put_uint(&e, i);
    fvm_require(fvm_enc_done(&e).len == 24 + 2 * 232 + 3 * 9744, 43, "a writer grows");
}

static void take_too_much(void)
{
    (void)fvm_heap_array(SIZE_MAX / 8, 9);
}
static void take_more_than_there_is(void)
{
    (void)fvm_heap_alloc(SIZE_MAX - 100);
}

TEST(memory_that_cannot_be_had_ends_the_call)
{
    fvm_mock_reset();
    CHECK(in_call(take_too_much) == FVM_USR_ASSERTION_FAILED);
    CHECK(in_call(take_more_than_there_is) == FVM_USR_ASSERTION_FAILED);
}

TEST(the_heap_grows_in_place_and_moves_otherwise)
{
    fvm_mock_reset();
    CHECK(in_call(use_heap) == 0);
}
