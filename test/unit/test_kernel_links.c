/* The kernel's link scanner: what is a link, what is refused, and what the scan costs. */
#include "kernel_fixture.h"

#define GAS_FIELD 35000
#define GAS_CID 400000

typedef struct scan {
    fvm_err err;
    const fvm_cid *links;
    uint32_t count;
    int64_t used; /* milligas */
} scan;

/* Scans with `limit` milligas, which may be more than there is. */
static scan scan_with(fixture *f, uint64_t codec, fvm_bytes block, int64_t limit)
{
    scan s = { .count = 777 };
    f->env.gas.limit = limit;
    f->env.gas.used = 0;
    s.err = fvm__links_scan(&s.links, &s.count, &f->net, &f->env.gas, &f->arena, codec, block);
    s.used = f->env.gas.used;
    return s;
}

/* Tag 42 before a blake2b-256 CID of codec 55. */
#define DIGEST "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"
#define LINK                                                                                       \
    "d82a58270001"                                                                                 \
    "55a0e40220" DIGEST

static const struct {
    const char *why;
    const char *hex;
    fvm_err err;
    unsigned fields, cids, links;
} blocks[] = {
    { "nothing", "", FVM_ERR_SYS_SERIALIZATION, 1, 0, 0 },
    { "an integer", "05", FVM_OK, 1, 0, 0 },
    { "a longer head than needed", "1b0000000000000005", FVM_OK, 1, 0, 0 },
    { "a head cut off", "1b00000000000000", FVM_ERR_SYS_SERIALIZATION, 1, 0, 0 },
    { "reserved bits", "1c", FVM_ERR_SYS_SERIALIZATION, 1, 0, 0 },
    { "an indefinite array", "9f05ff", FVM_ERR_SYS_SERIALIZATION, 1, 0, 0 },
    { "bytes after the item", "0500", FVM_ERR_SYS_SERIALIZATION, 1, 0, 0 },
    { "a float", "fb3ff0000000000000", FVM_OK, 1, 0, 0 },
    { "text that is not UTF-8", "61ff", FVM_OK, 1, 0, 0 },
    { "a string cut off", "42ff", FVM_ERR_SYS_SERIALIZATION, 1, 0, 0 },
    { "an array", "83010203", FVM_OK, 4, 0, 0 },
    { "an array cut off", "830102", FVM_ERR_SYS_SERIALIZATION, 4, 0, 0 },
    { "a map counts keys and values", "a26161016162a0", FVM_OK, 5, 0, 0 },
    { "more items than a u64 holds", "829bffffffffffffffff9bffffffffffffffff",
      FVM_ERR_SYS_SERIALIZATION, 2, 0, 0 },
    { "more map items than a u64 holds", "bb8000000000000000", FVM_ERR_SYS_SERIALIZATION, 1, 0, 0 },
    { "another tag and its content", "c101", FVM_OK, 2, 0, 0 },
    { "a tag without content", "c1", FVM_ERR_SYS_SERIALIZATION, 2, 0, 0 },
    { "a link", LINK, FVM_OK, 1, 1, 1 },
    { "the same link twice is two", "82" LINK LINK, FVM_OK, 3, 2, 2 },
    { "a link and a longer tag head",
      "da0000002a58270001"
      "55a0e40220" DIGEST,
      FVM_OK, 1, 1, 1 },
    { "tag 42 before text", "d82a6100", FVM_ERR_SYS_SERIALIZATION, 1, 1, 0 },
    { "an empty CID string", "d82a40", FVM_ERR_SYS_SERIALIZATION, 1, 1, 0 },
    { "no zero before the CID", "d82a450155000000", FVM_ERR_SYS_SERIALIZATION, 1, 1, 0 },
    { "bytes after the CID", "d82a46000155000000", FVM_ERR_SYS_SERIALIZATION, 1, 1, 0 },
    { "a CID cut off", "d82a4400015500", FVM_ERR_SYS_SERIALIZATION, 1, 1, 0 },
    { "a sector of any hash, ignored", "d82a47000182e2030000", FVM_OK, 1, 1, 0 },
    { "a piece of any hash, ignored", "d82a48000181e203120161", FVM_OK, 1, 1, 0 },
    { "dag-pb", "d82a450001700000", FVM_ERR_SYS_NOT_FOUND, 1, 1, 0 },
    { "a CIDv0 is dag-pb", "d82a5823001220" DIGEST, FVM_ERR_SYS_NOT_FOUND, 1, 1, 0 },
    { "sha2-256",
      "d82a5825000155"
      "1220" DIGEST,
      FVM_ERR_SYS_NOT_FOUND, 1, 1, 0 },
    { "blake2b-256 cut to a byte", "d82a48000155a0e4020161", FVM_ERR_SYS_NOT_FOUND, 1, 1, 0 },
    { "an inlined raw block", "d82a46000155000161", FVM_OK, 1, 1, 0 },
    { "an inlined block of CBOR is not scanned", "d82a460001510001ff", FVM_OK, 1, 1, 0 },
    { "an inlined empty DAG-CBOR block", "d82a450001710000", FVM_ERR_SYS_SERIALIZATION, 2, 1, 0 },
    { "an inlined array", "d82a4700017100028105", FVM_OK, 3, 1, 0 },
    { "bytes after an inlined item", "d82a4700017100020505", FVM_ERR_SYS_SERIALIZATION, 2, 1, 0 },
};

TEST(blocks_are_scanned_and_priced_by_heads_and_cids)
{
    fixture f;
    fixture_open(&f, 21);
    for (size_t i = 0; i < FVM_COUNT(blocks); i++) {
        uint8_t room[256];
        fvm_bytes block = test_hex(room, sizeof room, blocks[i].hex);
        scan s = scan_with(&f, FVM_CODEC_DAG_CBOR, block, INT64_MAX);
        CHECK_AT(blocks[i].why, s.err == blocks[i].err);
        CHECK_AT(blocks[i].why, s.used == (int64_t)blocks[i].fields * GAS_FIELD +
                                              (int64_t)blocks[i].cids * GAS_CID);
        CHECK_AT(blocks[i].why, s.count == (s.err == FVM_OK ? blocks[i].links : 777));
    }
    fixture_close(&f);
}

TEST(only_dag_cbor_is_scanned)
{
    fixture f;
    fixture_open(&f, 21);
    fvm_bytes bad = FVM_BYTES(0xff, 0xff);
    scan raw = scan_with(&f, FVM_CODEC_RAW, bad, 1), cbor = scan_with(&f, FVM_CODEC_CBOR, bad, 1);
    CHECK(raw.err == FVM_OK && raw.count == 0 && raw.used == 0);
    CHECK(cbor.err == FVM_OK && cbor.count == 0 && cbor.used == 0);
    scan other = scan_with(&f, FVM_CODEC_DAG_PB, bad, 1);
    CHECK(other.err == FVM_ERR_SYS_ILLEGAL_CODEC && other.used == 0);
    CHECK(strcmp(f.trace, "OnScanIpldLinks OnScanIpldLinks OnScanIpldLinks") == 0);
    fixture_close(&f);
}

TEST(running_out_of_gas_takes_all_that_is_left)
{
    fixture f;
    uint8_t room[256];
    fixture_open(&f, 21);
    fvm_bytes block = test_hex(room, sizeof room, "82" LINK LINK);
    int64_t cost = 3 * GAS_FIELD + 2 * GAS_CID;
    for (int64_t limit = 0; limit <= cost; limit += 5000) {
        scan s = scan_with(&f, FVM_CODEC_DAG_CBOR, block, limit);
        CHECK(s.err == (limit < cost ? FVM_ERR_OUT_OF_GAS : FVM_OK));
        CHECK(s.used == limit);
    }
    fixture_close(&f);
}

/* A DAG-CBOR link with an identity hash over `inner`, into `out`. */
static fvm_bytes inlined(uint8_t *out, fvm_bytes inner)
{
    size_t n = 0, string = inner.len + 5;
    out[n++] = 0xd8;
    out[n++] = 42;
    if (string < 24) {
        out[n++] = (uint8_t)(0x40 | string);
    } else {
        out[n++] = 0x58;
        out[n++] = (uint8_t)string;
    }
    const uint8_t head[5] = { 0, 1, 0x71, 0, (uint8_t)inner.len };
    memcpy(out + n, head, sizeof head);
    memcpy(out + n + 5, inner.ptr, inner.len);
    return (fvm_bytes){ out, n + 5 + inner.len };
}

TEST(blocks_inlined_as_deep_as_a_digest_allows_are_scanned)
{
    fixture f;
    uint8_t room[2][128];
    fixture_open(&f, 21);
    fvm_bytes block = FVM_BYTES(0x05);
    for (unsigned depth = 0; block.len <= 64; depth++) {
        uint8_t *next = room[depth & 1];
        scan s = scan_with(&f, FVM_CODEC_DAG_CBOR, block, INT64_MAX);
        CHECK_OK(s.err);
        CHECK(s.used == (int64_t)depth * (GAS_FIELD + GAS_CID) + GAS_FIELD);
        block = inlined(next, block);
    }
    CHECK(scan_with(&f, FVM_CODEC_DAG_CBOR, block, INT64_MAX).err == FVM_OK);
    fixture_close(&f);
}

TEST(links_within_an_inlined_block_count_in_their_place)
{
    fixture f;
    uint8_t room[256], inner_room[128], link_room[64];
    fixture_open(&f, 21);
    fvm_bytes link = test_hex(link_room, sizeof link_room, LINK);
    fvm_bytes inner = inlined(inner_room, link);
    size_t n = 0;
    room[n++] = 0x82;
    memcpy(room + n, inner.ptr, inner.len);
    n += inner.len;
    memcpy(room + n, link.ptr, link.len);
    n += link.len;
    scan s = scan_with(&f, FVM_CODEC_DAG_CBOR, (fvm_bytes){ room, n }, INT64_MAX);
    CHECK_OK(s.err);
    CHECK(s.count == 2 && s.links[0].codec == FVM_CODEC_RAW && s.links[0].digest_len == 32);
    CHECK(s.used == 4 * GAS_FIELD + 3 * GAS_CID);
    fixture_close(&f);
}
