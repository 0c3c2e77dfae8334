#include "ipld_helpers.h"

#define CID_BYTES "0155a0e402200e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"

/* --- writing --- */

TEST(cbor_heads_are_the_shortest)
{
    static const struct {
        uint64_t value;
        const char *hex;
    } forms[] = {
        { 0, "00" },
        { 23, "17" },
        { 24, "1818" },
        { 255, "18ff" },
        { 256, "190100" },
        { 65535, "19ffff" },
        { 65536, "1a00010000" },
        { UINT32_MAX, "1affffffff" },
        { (uint64_t)UINT32_MAX + 1, "1b0000000100000000" },
        { UINT64_MAX, "1bffffffffffffffff" },
    };
    for (size_t i = 0; i < FVM_COUNT(forms); i++) {
        uint8_t room[9];
        CHECK_HEX(cbor_number(room, forms[i].value), forms[i].hex);
    }
}

TEST(cbor_writes_each_kind)
{
    fvm_buf out;
    fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, (fvm_bytes){ NULL, 0 });
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_cbor_put_array(&out, 11));
    CHECK_OK(fvm_cbor_put_int(&out, -1));
    CHECK_OK(fvm_cbor_put_int(&out, INT64_MIN));
    CHECK_OK(fvm_cbor_put_int(&out, INT64_MAX));
    CHECK_OK(fvm_cbor_put_bytes(&out, FVM_BYTES(1, 2)));
    CHECK_OK(fvm_cbor_put_bytes(&out, (fvm_bytes){ NULL, 0 }));
    CHECK_OK(fvm_cbor_put_text(&out, FVM_STR("hi")));
    CHECK_OK(fvm_cbor_put_null(&out));
    CHECK_OK(fvm_cbor_put_bool(&out, true));
    CHECK_OK(fvm_cbor_put_bool(&out, false));
    CHECK_OK(fvm_cbor_put_map(&out, 1));
    CHECK_OK(fvm_cbor_put_text(&out, FVM_STR("")));
    CHECK_OK(fvm_cbor_put_raw(&out, FVM_BYTES(0x18, 0x18)));
    CHECK_OK(fvm_cbor_put_cid(&out, &cid));
    CHECK_HEX(fvm_buf_bytes(&out), "8b"
                                   "20"
                                   "3b7fffffffffffffff"
                                   "1b7fffffffffffffff"
                                   "420102"
                                   "40"
                                   "626869"
                                   "f6"
                                   "f5"
                                   "f4"
                                   "a1601818"
                                   "d82a582700" CID_BYTES);
    fvm_bytes item, in = fvm_buf_bytes(&out);
    CHECK_OK(fvm_cbor_item(&item, &in));
    CHECK(in.len == 0 && item.len == out.len);
    fvm_buf_deinit(&out);
}

TEST(cbor_a_write_without_memory_leaves_the_buffer_as_it_was)
{
    fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, FVM_STR("x"));
    uint8_t large[64] = { 0 };
    for (size_t kind = 0; kind < 3; kind++) {
        test_alloc state;
        fvm_buf out;
        test_failing_allocator(&state, 2);
        fvm_buf_init(&out, &state.allocator);
        CHECK_OK(fvm_cbor_put_null(&out));
        while (out.cap - out.len > 12) CHECK_OK(fvm_cbor_put_null(&out));
        size_t before = out.len;
        fvm_bytes text = { large, sizeof large };
        CHECK_ERR(kind == 0   ? fvm_cbor_put_bytes(&out, text)
                  : kind == 1 ? fvm_cbor_put_text(&out, text)
                              : fvm_cbor_put_cid(&out, &cid),
                  FVM_ERR_NOMEM);
        CHECK(out.len == before);
        fvm_buf_deinit(&out);
    }
}

/* --- the typed reader: one table for all kinds. What is accepted, with the value as text, and what is
 * refused; "ref" rows are verified examples of reference/ipld.md 7.2 and 7.3. --- */

typedef enum kind { UINT, U32, INT, BYTES, TEXT, TUPLE2, MAP1, CID, BOOL, ITEM } kind;

static const struct {
    const char *why;
    kind kind;
    const char *hex;
    const char *value; /* NULL: refused */
    fvm_err err;
} rows[] = {
    { "smallest", UINT, "00", "0", FVM_OK },
    { "one byte not minimal", UINT, "1805", "5", FVM_OK },
    { "eight bytes not minimal", UINT, "1b0000000000000005", "5", FVM_OK },
    { "largest", UINT, "1bffffffffffffffff", "18446744073709551615", FVM_OK },
    { "negative", UINT, "20", NULL, FVM_ERR_MALFORMED },
    { "reserved bits", UINT, "1c", NULL, FVM_ERR_MALFORMED },
    { "indefinite", UINT, "1f", NULL, FVM_ERR_MALFORMED },
    { "argument cut off", UINT, "190f", NULL, FVM_ERR_TRUNCATED },
    { "nothing", UINT, "", NULL, FVM_ERR_TRUNCATED },
    { "ref: u32 in four bytes", U32, "1a00000001", "1", FVM_OK },
    { "ref: u32 in eight bytes", U32, "1b0000000000000001", NULL, FVM_ERR_RANGE },
    { "u32 reserved bits", U32, "1c", NULL, FVM_ERR_MALFORMED },
    { "int, positive", INT, "1864", "100", FVM_OK },
    { "ref: epoch -1", INT, "20", "-1", FVM_OK },
    { "int, smallest", INT, "3b7fffffffffffffff", "-9223372036854775808", FVM_OK },
    { "ref: too small", INT, "3bffffffffffffffff", NULL, FVM_ERR_RANGE },
    { "just too small", INT, "3b8000000000000000", NULL, FVM_ERR_RANGE },
    { "too large", INT, "1b8000000000000000", NULL, FVM_ERR_RANGE },
    { "int is exact", INT, "41", NULL, FVM_ERR_MALFORMED },
    { "bytes", BYTES, "41aa", "aa", FVM_OK },
    { "ref: bytes of major 0", BYTES, "01aa", "aa", FVM_OK },
    { "ref: bytes of major 3", BYTES, "61aa", NULL, FVM_ERR_MALFORMED },
    { "bytes of major 1", BYTES, "21aa", NULL, FVM_ERR_MALFORMED },
    { "bytes of major 6", BYTES, "c1aa", NULL, FVM_ERR_MALFORMED },
    { "bytes, length not minimal", BYTES, "590001aa", "aa", FVM_OK },
    { "bytes, major 0, length in eight bytes", BYTES, "1b0000000000000001aa", "aa", FVM_OK },
    { "bytes in segments", BYTES, "5f41aa42bbccff", "aabbcc", FVM_OK },
    { "bytes in no segments", BYTES, "5fff", "", FVM_OK },
    { "segments may be masked", BYTES, "5f01aaff", "aa", FVM_OK },
    { "segments may be in segments", BYTES, "5f5f41aaff41bbff", "aabb", FVM_OK },
    { "a segment of another major", BYTES, "5f61aaff", NULL, FVM_ERR_MALFORMED },
    { "segments without a break", BYTES, "5f41aa", NULL, FVM_ERR_TRUNCATED },
    { "indefinite of major 0", BYTES, "1fff", NULL, FVM_ERR_MALFORMED },
    { "bytes longer than the input", BYTES, "5bffffffffffffffff", NULL, FVM_ERR_TRUNCATED },
    { "text", TEXT, "6161", "61", FVM_OK },
    { "ref: text of major 0", TEXT, "0161", "61", FVM_OK },
    { "ref: text of major 1", TEXT, "2161", "61", FVM_OK },
    { "ref: text of major 2", TEXT, "4161", "61", FVM_OK },
    { "text of major 4", TEXT, "8161", NULL, FVM_ERR_MALFORMED },
    { "text in segments", TEXT, "7f61c361a9ff", "c3a9", FVM_OK },
    { "text that is not UTF-8", TEXT, "61ff", NULL, FVM_ERR_MALFORMED },
    { "text with a surrogate", TEXT, "63eda080", NULL, FVM_ERR_MALFORMED },
    { "text, overlong", TEXT, "62c080", NULL, FVM_ERR_MALFORMED },
    { "tuple", TUPLE2, "820102", "1,2", FVM_OK },
    { "ref: tuple of major 0", TUPLE2, "020102", "1,2", FVM_OK },
    { "tuple of major 2", TUPLE2, "420102", NULL, FVM_ERR_MALFORMED },
    { "tuple too short", TUPLE2, "8101", NULL, FVM_ERR_MALFORMED },
    { "tuple too long", TUPLE2, "83010203", NULL, FVM_ERR_MALFORMED },
    { "tuple, indefinite", TUPLE2, "9f0102ff", NULL, FVM_ERR_MALFORMED },
    { "map", MAP1, "a1616101", "61=1", FVM_OK },
    { "ref: map of major 0", MAP1, "01616101", "61=1", FVM_OK },
    { "ref: map of major 4", MAP1, "81616101", "61=1", FVM_OK },
    { "map of major 1", MAP1, "21616101", "61=1", FVM_OK },
    { "map of major 2", MAP1, "41616101", NULL, FVM_ERR_MALFORMED },
    { "map, indefinite", MAP1, "bf616101ff", NULL, FVM_ERR_MALFORMED },
    { "link", CID, "d82a582700" CID_BYTES, CID_BYTES, FVM_OK },
    { "ref: link with head 18", CID, "182a582700" CID_BYTES, CID_BYTES, FVM_OK },
    { "ref: link with head 58", CID, "582a582700" CID_BYTES, CID_BYTES, FVM_OK },
    { "ref: link with head 98", CID, "982a582700" CID_BYTES, CID_BYTES, FVM_OK },
    { "link with head 38", CID, "382a582700" CID_BYTES, NULL, FVM_ERR_MALFORMED },
    { "link, tag not minimal", CID, "d9002a582700" CID_BYTES, CID_BYTES, FVM_OK },
    { "link with tag 43", CID, "d82b582700" CID_BYTES, NULL, FVM_ERR_MALFORMED },
    { "link in text", CID, "d82a782700" CID_BYTES, NULL, FVM_ERR_MALFORMED },
    { "link in major 0", CID, "d82a182700" CID_BYTES, NULL, FVM_ERR_MALFORMED },
    { "link without 00", CID, "d82a5826" CID_BYTES, NULL, FVM_ERR_MALFORMED },
    { "link with 01", CID, "d82a582701" CID_BYTES, NULL, FVM_ERR_MALFORMED },
    { "ref: bytes behind the CID", CID, "d82a582900" CID_BYTES "beef", CID_BYTES, FVM_OK },
    { "link cut off in its string", CID,
      "d82a4600"
      "0155a0e402",
      NULL, FVM_ERR_MALFORMED },
    { "link in segments", CID,
      "d82a5f410058260155a0e402200e5751c026e543b2e8ab2eb06099daa1d1e5df47778f"
      "7787faab45cdf12fe3a8ff",
      CID_BYTES, FVM_OK },
    { "empty link", CID, "d82a40", NULL, FVM_ERR_MALFORMED },
    { "link of 00 only", CID, "d82a4100", NULL, FVM_ERR_MALFORMED },
    { "true", BOOL, "f5", "1", FVM_OK },
    { "false", BOOL, "f4", "0", FVM_OK },
    { "null is no bool", BOOL, "f6", NULL, FVM_ERR_MALFORMED },
    { "true in two bytes", BOOL, "f815", NULL, FVM_ERR_MALFORMED },

    { "item: number", ITEM, "1b0000000000000001", "", FVM_OK },
    { "item: lowest negative", ITEM, "3bffffffffffffffff", "", FVM_OK },
    { "item: reserved bits", ITEM, "1e", NULL, FVM_ERR_MALFORMED },
    { "item: bytes in segments", ITEM, "5f41aaff", NULL, FVM_ERR_MALFORMED },
    { "item: indefinite array", ITEM, "9f01ff", NULL, FVM_ERR_MALFORMED },
    { "item: indefinite map", ITEM, "bfff", NULL, FVM_ERR_MALFORMED },
    { "item: break", ITEM, "ff", NULL, FVM_ERR_MALFORMED },
    { "item: not UTF-8", ITEM, "61ff", NULL, FVM_ERR_MALFORMED },
    { "item: link", ITEM, "d82a582700" CID_BYTES, "", FVM_OK },
    { "item: other tag", ITEM, "d82b00", NULL, FVM_ERR_MALFORMED },
    { "item: null", ITEM, "f6", "", FVM_OK },
    { "item: undefined", ITEM, "f7", NULL, FVM_ERR_MALFORMED },
    { "item: simple value", ITEM, "f820", NULL, FVM_ERR_MALFORMED },
    { "item: half float", ITEM, "f93c00", NULL, FVM_ERR_MALFORMED },
    { "item: single float", ITEM, "fa3f800000", "", FVM_OK },
    { "item: double float", ITEM, "fb3ff0000000000000", "", FVM_OK },
    { "item: double cut off", ITEM, "fb3ff00000000000", NULL, FVM_ERR_TRUNCATED },
    { "item: nested", ITEM, "82a2616181616161628080", "", FVM_OK },
    { "item: map", ITEM, "a2616101616202", "", FVM_OK },
    { "item: unsorted map", ITEM, "a2616201616102", "", FVM_OK },
    { "item: key twice", ITEM, "a2616101616102", NULL, FVM_ERR_MALFORMED },
    { "item: key twice, unsorted", ITEM, "a3616201616102616203", NULL, FVM_ERR_MALFORMED },
    { "item: same key in inner map", ITEM, "a26161a16161016162a0", "", FVM_OK },
    { "item: key that is a number", ITEM, "a10001", "", FVM_OK }, /* masked: text of length 0 */
    { "item: key of major 4", ITEM, "a18001", NULL, FVM_ERR_MALFORMED },
    { "item: second value missing", ITEM, "a26161006162", NULL, FVM_ERR_TRUNCATED },
    { "item: value missing", ITEM, "a16161", NULL, FVM_ERR_TRUNCATED },
    { "item: array of 2^64-1", ITEM, "9bffffffffffffffff00", NULL, FVM_ERR_TRUNCATED },
    { "item: map of 2^63", ITEM, "bb800000000000000000", NULL, FVM_ERR_TRUNCATED },
};

static void put_text(fvm_buf *out, const char *text)
{
    CHECK_OK(fvm_buf_append(out, fvm_bytes_of(text)));
}

static void put_hex(fvm_buf *out, fvm_bytes bytes)
{
    char pair[3];
    for (size_t i = 0; i < bytes.len; i++) {
        snprintf(pair, sizeof pair, "%02x", bytes.ptr[i]);
        put_text(out, pair);
    }
}

static fvm_err read_cid(fvm_buf *out, fvm_bytes *in)
{
    uint8_t bytes[FVM_CID_BYTES_MAX];
    fvm_cid cid;
    FVM_TRY(fvm_cbor_cid(&cid, in));
    put_hex(out, (fvm_bytes){ bytes, fvm_cid_write(bytes, &cid) });
    return FVM_OK;
}

static fvm_err read_containers(kind k, fvm_buf *out, fvm_bytes *in)
{
    char text[64];
    uint64_t a, b;
    fvm_bytes key, rest = *in;
    if (k == TUPLE2) {
        FVM_TRY(fvm_cbor_tuple(2, &rest));
        FVM_TRY(fvm_cbor_uint(&a, &rest));
        FVM_TRY(fvm_cbor_uint(&b, &rest));
        snprintf(text, sizeof text, "%llu,%llu", (unsigned long long)a, (unsigned long long)b);
    } else {
        FVM_TRY(fvm_cbor_map(&b, &rest));
        CHECK(b == 1);
        FVM_TRY(fvm_cbor_text(&key, &rest, NULL));
        FVM_TRY(fvm_cbor_uint(&a, &rest));
        put_hex(out, key);
        snprintf(text, sizeof text, "=%llu", (unsigned long long)a);
    }
    put_text(out, text);
    *in = rest;
    return FVM_OK;
}

/* Reads one item of a kind and appends its value as text. */
static fvm_err read_kind(kind k, fvm_buf *out, fvm_bytes *in)
{
    char text[64] = "";
    fvm_buf spare;
    fvm_bytes bytes = { NULL, 0 };
    uint64_t u;
    uint32_t u32;
    int64_t i;
    bool flag;
    fvm_err err;
    fvm_buf_init(&spare, NULL);
    switch (k) {
    case UINT:
        err = fvm_cbor_uint(&u, in);
        if (err == FVM_OK) snprintf(text, sizeof text, "%llu", (unsigned long long)u);
        break;
    case U32:
        err = fvm_cbor_u32(&u32, in);
        if (err == FVM_OK) snprintf(text, sizeof text, "%u", u32);
        break;
    case INT:
        err = fvm_cbor_int(&i, in);
        if (err == FVM_OK) snprintf(text, sizeof text, "%lld", (long long)i);
        break;
    case BOOL:
        err = fvm_cbor_bool(&flag, in);
        if (err == FVM_OK) snprintf(text, sizeof text, "%d", flag);
        break;
    case BYTES: err = fvm_cbor_bytes(&bytes, in, &spare); break;
    case TEXT: err = fvm_cbor_text(&bytes, in, &spare); break;
    case CID: err = read_cid(out, in); break;
    case ITEM: return fvm_cbor_item(&bytes, in);
    default: err = read_containers(k, out, in); break;
    }
    if (err == FVM_OK) put_hex(out, bytes);
    put_text(out, text);
    fvm_buf_deinit(&spare);
    return err;
}

TEST(cbor_readers_accept_and_refuse_as_the_reference)
{
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        uint8_t *room = malloc(strlen(rows[i].hex) / 2 + 1); /* exact, for AddressSanitizer */
        fvm_buf out;
        fvm_buf_init(&out, NULL);
        fvm_bytes all = test_hex(room, strlen(rows[i].hex) / 2, rows[i].hex), in = all;
        fvm_err err = read_kind(rows[i].kind, &out, &in);
        if (err != rows[i].err) fprintf(stderr, "%s: %s\n", rows[i].why, fvm_err_text(err));
        CHECK_AT(rows[i].why, err == rows[i].err);
        if (rows[i].value) {
            CHECK_AT(rows[i].why, in.len == 0);
            CHECK_BYTES(fvm_buf_bytes(&out), fvm_bytes_of(rows[i].value));
        } else {
            CHECK_AT(rows[i].why, in.ptr == all.ptr && in.len == all.len);
        }
        fvm_buf_deinit(&out);
        free(room);
    }
}

TEST(cbor_strings_in_segments_need_room_to_be_joined)
{
    fvm_bytes out, in = FVM_BYTES(0x5f, 0x41, 0xaa, 0xff), before = in;
    CHECK_ERR(fvm_cbor_bytes(&out, &in, NULL), FVM_ERR_MALFORMED);
    CHECK(in.len == before.len);
    /* what was in the buffer stays there, also when the text turns out not to be UTF-8 */
    fvm_buf spare;
    fvm_buf_init(&spare, NULL);
    CHECK_OK(fvm_buf_put_u8(&spare, 7));
    CHECK_OK(fvm_cbor_bytes(&out, &in, &spare));
    CHECK_BYTES(out, FVM_BYTES(0xaa));
    CHECK_BYTES(fvm_buf_bytes(&spare), FVM_BYTES(7, 0xaa));
    in = FVM_BYTES(0x7f, 0x61, 0xff, 0xff);
    CHECK_ERR(fvm_cbor_text(&out, &in, &spare), FVM_ERR_MALFORMED);
    in = FVM_BYTES(0x7f, 0x61, 0x61);
    CHECK_ERR(fvm_cbor_text(&out, &in, &spare), FVM_ERR_TRUNCATED);
    CHECK_BYTES(fvm_buf_bytes(&spare), FVM_BYTES(7, 0xaa));
    fvm_buf_deinit(&spare);
}

TEST(cbor_null_and_end)
{
    fvm_bytes in = FVM_BYTES(0xf6, 0xf7);
    CHECK(fvm_cbor_take_null(&in) && in.len == 1);
    CHECK(!fvm_cbor_take_null(&in) && in.len == 1);
    CHECK_ERR(fvm_cbor_end(in), FVM_ERR_TRAILING);
    in.len = 0;
    CHECK(!fvm_cbor_take_null(&in));
    CHECK_OK(fvm_cbor_end(in));
}

/* `n` arrays around `inner`. */
static fvm_err nested(size_t n, fvm_bytes inner)
{
    uint8_t bytes[1024];
    memset(bytes, 0x81, n);
    memcpy(bytes + n, inner.ptr, inner.len);
    fvm_bytes out, in = { bytes, n + inner.len };
    return fvm_cbor_item(&out, &in);
}

TEST(cbor_items_nest_127_deep)
{
    CHECK_OK(nested(127, FVM_BYTES(0x00)));
    CHECK_OK(nested(127, FVM_BYTES(0x80)));
    CHECK_OK(nested(127, FVM_BYTES(0xa0)));
    CHECK_ERR(nested(128, FVM_BYTES(0x00)), FVM_ERR_DEPTH);
    CHECK_ERR(nested(128, FVM_BYTES(0x80)), FVM_ERR_DEPTH);
    CHECK_ERR(nested(1000, FVM_BYTES(0x00)), FVM_ERR_DEPTH);
}

/* Keys fall, or rise, or rise and then one repeats; `n` of them. */
static fvm_err map_of(size_t n, bool rising, bool repeat)
{
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_cbor_put_map(&out, n + repeat));
    for (size_t i = 0; i < n + repeat; i++) {
        size_t k = rising ? i % n : i == n ? n : n - i;
        uint8_t key[3] = { (uint8_t)('a' + k / 676), (uint8_t)('a' + k / 26 % 26),
                           (uint8_t)('a' + k % 26) };
        CHECK_OK(fvm_cbor_put_text(&out, (fvm_bytes){ key, 3 }));
        CHECK_OK(fvm_cbor_put_null(&out));
    }
    fvm_bytes item, in = fvm_buf_bytes(&out);
    fvm_err err = fvm_cbor_item(&item, &in);
    fvm_buf_deinit(&out);
    return err;
}

TEST(cbor_repeated_keys_are_found_in_maps_of_every_size)
{
    CHECK_OK(map_of(5000, true, false));
    CHECK_OK(map_of(256, false, false));
    CHECK_ERR(map_of(256, false, true), FVM_ERR_MALFORMED);
    CHECK_ERR(map_of(257, false, false), FVM_ERR_LIMIT);
    CHECK_ERR(map_of(200, false, true), FVM_ERR_MALFORMED);
    CHECK_ERR(map_of(200, true, true), FVM_ERR_MALFORMED);
    CHECK_ERR(map_of(300, true, true), FVM_ERR_LIMIT); /* out of order, and too many to compare */
    CHECK_ERR(map_of(300, false, false), FVM_ERR_LIMIT);
}

TEST(cbor_head_is_strict)
{
    uint8_t major;
    uint64_t value;
    fvm_bytes in = FVM_BYTES(0xd8, 0x2a);
    CHECK_OK(fvm_cbor_head(&major, &value, &in));
    CHECK(major == 6 && value == 42 && in.len == 0);
    for (unsigned low = 28; low < 32; low++) {
        in = FVM_BYTES((uint8_t)(0x80 | low));
        CHECK_ERR(fvm_cbor_head(&major, &value, &in), FVM_ERR_MALFORMED);
    }
}

TEST(utf8_as_rust_has_it)
{
    static const struct {
        const char *text;
        bool valid;
    } forms[] = {
        { "", true },
        { "a\x7f", true },
        { "\xc2\x80", true },
        { "\xdf\xbf", true },
        { "\xe0\xa0\x80", true },
        { "\xed\x9f\xbf", true },
        { "\xee\x80\x80", true },
        { "\xf0\x90\x80\x80", true },
        { "\xf4\x8f\xbf\xbf", true },
        { "\x80", false },
        { "\xc1\xbf", false },
        { "\xc2", false },
        { "\xc2\x41", false },
        { "\xe0\x9f\xbf", false },
        { "\xed\xa0\x80", false },
        { "\xef\xbf", false },
        { "\xf0\x8f\xbf\xbf", false },
        { "\xf4\x90\x80\x80", false },
        { "\xf5\x80\x80\x80", false },
        { "\xff", false },
    };
    for (size_t i = 0; i < FVM_COUNT(forms); i++)
        CHECK(fvm_utf8_valid(fvm_bytes_of(forms[i].text)) == forms[i].valid);
}

/* --- the link scanner --- */

typedef struct seen {
    size_t count, stop_at;
} seen;

static fvm_err count_link(void *ctx, const fvm_cid *cid)
{
    seen *s = ctx;
    CHECK(cid->version == 1);
    return ++s->count == s->stop_at ? FVM_ERR_INVALID : FVM_OK;
}

TEST(cbor_links_accepts_and_refuses)
{
    static const struct {
        const char *why, *hex;
        size_t links;
        fvm_err err;
    } blocks[] = {
        { "number", "00", 0, FVM_OK },
        { "link", "d82a582700" CID_BYTES, 1, FVM_OK },
        { "two links", "82d82a582700" CID_BYTES "d82a582700" CID_BYTES, 2, FVM_OK },
        { "link as a key", "a1d82a582700" CID_BYTES "00", 1, FVM_OK },
        { "under another tag", "d82bd82a582700" CID_BYTES, 1, FVM_OK },
        { "head not minimal", "990001d9002a59002700" CID_BYTES, 1, FVM_OK },
        { "bytes behind the CID", "d82a582900" CID_BYTES "beef", 1, FVM_OK },
        { "bytes behind the item", "00d82a40", 0, FVM_OK },
        { "floats and undefined", "84f93c00fa3f800000fb3ff0000000000000f7", 0, FVM_OK },
        { "text that is not UTF-8", "61ff", 0, FVM_OK },
        { "a key twice", "a2616100616100", 0, FVM_OK },
        { "empty", "", 0, FVM_ERR_TRUNCATED },
        { "item missing", "8200", 0, FVM_ERR_TRUNCATED },
        { "string cut off", "4200", 0, FVM_ERR_TRUNCATED },
        { "indefinite array", "9f00ff", 0, FVM_ERR_MALFORMED },
        { "reserved bits", "1c", 0, FVM_ERR_MALFORMED },
        { "link without 00", "d82a5826" CID_BYTES, 0, FVM_ERR_MALFORMED },
        { "link that is text", "d82a782700" CID_BYTES, 0, FVM_ERR_MALFORMED },
        { "empty link", "d82a40", 0, FVM_ERR_MALFORMED },
        { "broken CID", "d82a420002", 0, FVM_ERR_MALFORMED },
        { "too many items to count", "829bffffffffffffffff00", 0, FVM_ERR_MALFORMED },
        { "too many pairs to count", "bb800000000000000000", 0, FVM_ERR_MALFORMED },
    };
    for (size_t i = 0; i < FVM_COUNT(blocks); i++) {
        uint8_t room[256];
        seen s = { 0 };
        fvm_bytes block = test_hex(room, sizeof room, blocks[i].hex);
        CHECK_AT(blocks[i].why, fvm_cbor_links(block, count_link, &s) == blocks[i].err);
        CHECK_AT(blocks[i].why, s.count == blocks[i].links);
    }
    uint8_t room[256];
    seen s = { .stop_at = 1 };
    fvm_bytes block = test_hex(room, sizeof room, blocks[2].hex);
    CHECK_ERR(fvm_cbor_links(block, count_link, &s), FVM_ERR_INVALID);
    CHECK(s.count == 1);
}
