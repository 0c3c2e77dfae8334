#include "ipld_helpers.h"

#define EMPTY_RAW "0155a0e402200e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"
#define TEN_FF "ffffffffffffffffff"

static fvm_cid read_hex(const char *hex)
{
    uint8_t room[256];
    fvm_cid cid;
    size_t used;
    fvm_bytes in = test_hex(room, sizeof room, hex);
    CHECK_OK(fvm_cid_read(&cid, &used, in));
    CHECK(used == in.len);
    return cid;
}

static const struct {
    const char *why, *hex, *text;
} forms[] = {
    { "empty raw block", EMPTY_RAW,
      "bafk2bzaceahfouoae3suhmxivmxlayez3kq5dzo7i53y654h7kvultprf7r2q" },
    { "identity, raw", "0155000a66696c2f312f696e6974", "bafkqactgnfwc6mjpnfxgs5a" },
    { "unsealed commitment of zeros",
      "0181e2039220200000000000000000000000000000000000000000000000000000000000000000",
      "baga6ea4seaqaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
    { "sealed commitment of zeros",
      "0182e20381e802200000000000000000000000000000000000000000000000000000000000000000",
      "bagboea4b5abcaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
    { "v0", "12209d6c2be50f706953479ab9df2ce3edca90b68053c00b3004b7f0accbe1e8eedf",
      "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG" },
};

TEST(cid_reads_and_writes_binary_and_text)
{
    for (size_t i = 0; i < FVM_COUNT(forms); i++) {
        fvm_cid cid = read_hex(forms[i].hex), back;
        uint8_t out[FVM_CID_BYTES_MAX];
        size_t n = fvm_cid_write(out, &cid);
        CHECK_HEX(((fvm_bytes){ out, n }), forms[i].hex);
        CHECK_AT(forms[i].why, fvm_cid_len(&cid) == n);
        check_cid_text(forms[i].why, &cid, forms[i].text);
        CHECK_OK(fvm_cid_from_text(&back, fvm_bytes_of(forms[i].text)));
        CHECK_AT(forms[i].why, fvm_cid_eq(&cid, &back));
    }
}

TEST(cid_text_in_every_multibase)
{
    static const char *const texts[] = {
        "f0155000a66696c2f312f696e6974",
        "F0155000A66696C2F312F696E6974",
        "mAVUACmZpbC8xL2luaXQ",
        "uAVUACmZpbC8xL2luaXQ",
    };
    fvm_cid want = read_hex("0155000a66696c2f312f696e6974"), got;
    for (size_t i = 0; i < FVM_COUNT(texts); i++) {
        fvm_err err = fvm_cid_from_text(&got, fvm_bytes_of(texts[i]));
        if (texts[i][0] == 'F') {
            CHECK_ERR(err, FVM_ERR_MALFORMED); /* only the five bases that the header names */
            continue;
        }
        CHECK_OK(err);
        CHECK_AT(texts[i], fvm_cid_eq(&want, &got));
    }
    fvm_cid v0 = read_hex(forms[4].hex);
    char text[FVM_CID_TEXT_MAX + 1] = { 'z' };
    (void)fvm_cid_to_text(text + 1, &v0);
    CHECK_OK(fvm_cid_from_text(&got, fvm_bytes_of(text)));
    CHECK(fvm_cid_eq(&v0, &got));
}

TEST(cid_text_refuses)
{
    static const char *const refused[] = {
        "",
        "b",
        "x",
        "bafk2bzaceahfouoae3suhmxivmxlayez3kq5dzo7i53y654h7kvultprf7r2",
        "bafk2bzaceahfouoae3suhmxivmxlayez3kq5dzo7i53y654h7kvultprf7r2qa",
        "bAFKQACTGNFWC6MJPNFXGS5A",
        "f0155000a66696c2f312f696e69740",
        "f0155000a66696c2f312f696e697400",
        "mAVUACmZpbC8xL2luaXR", /* unused bits set */
        "mAVUACmZpbC8xL2luaXQ=",
        "uAVUACmZpbC8xL2luaX+",
        "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbd",
        "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbd0",
    };
    fvm_cid cid = { .codec = 7 };
    for (size_t i = 0; i < FVM_COUNT(refused); i++)
        CHECK_AT(refused[i],
                 fvm_cid_from_text(&cid, fvm_bytes_of(refused[i])) == FVM_ERR_MALFORMED);
    CHECK(cid.codec == 7);
}

TEST(cid_read_leaves_what_follows_and_accepts_short_digests)
{
    fvm_cid cid;
    size_t used;
    CHECK_OK(fvm_cid_read(&cid, &used, FVM_BYTES(1, 0x55, 0xa0, 0xe4, 0x02, 0x00, 0xaa)));
    CHECK(used == 6 && cid.digest_len == 0 && cid.hash == FVM_HASH_BLAKE2B_256);
}

TEST(cid_read_drops_bits_above_63_of_a_varint)
{
    /* codec as ten bytes, the last of which has more bits than a u64 */
    fvm_cid cid = read_hex("01" TEN_FF "7f"
                           "0000");
    CHECK(cid.codec == UINT64_MAX);
    uint8_t out[FVM_CID_BYTES_MAX];
    CHECK_HEX(((fvm_bytes){ out, fvm_cid_write(out, &cid) }), "01" TEN_FF "01"
                                                              "0000");
}

TEST(cid_of_the_greatest_length_fits)
{
    fvm_cid cid = { .codec = UINT64_MAX, .hash = UINT64_MAX, .version = 1, .digest_len = 64 }, back;
    memset(cid.digest, 0xff, 64);
    uint8_t out[FVM_CID_BYTES_MAX];
    char text[FVM_CID_TEXT_MAX];
    CHECK(fvm_cid_write(out, &cid) == FVM_CID_BYTES_MAX);
    size_t len = fvm_cid_to_text(text, &cid);
    CHECK(len == strlen(text) && len == 1 + (FVM_CID_BYTES_MAX * 8 + 4) / 5);
    CHECK_OK(fvm_cid_from_text(&back, fvm_bytes_of(text)));
    CHECK(fvm_cid_eq(&cid, &back));
}

TEST(cid_read_refuses_and_leaves_the_outputs_alone)
{
    const struct {
        const char *why;
        fvm_bytes in;
        fvm_err err;
    } refused[] = {
        { "empty", { NULL, 0 }, FVM_ERR_TRUNCATED },
        { "version only", FVM_BYTES(1), FVM_ERR_TRUNCATED },
        { "version 0 spelled out", FVM_BYTES(0, 0x71, 0, 0), FVM_ERR_MALFORMED },
        { "version 2", FVM_BYTES(2, 0x71, 0, 0), FVM_ERR_MALFORMED },
        { "1 in two varint bytes", FVM_BYTES(0x81, 0x00, 0x71, 0x00, 0x00), FVM_ERR_MALFORMED },
        { "digest of 65 bytes", FVM_BYTES(0x01, 0x71, 0x00, 0x41), FVM_ERR_MALFORMED },
        { "digest cut off", FVM_BYTES(0x01, 0x71, 0x00, 0x02, 0xaa), FVM_ERR_TRUNCATED },
        { "v0 cut off", FVM_BYTES(0x12, 0x20, 0xaa), FVM_ERR_TRUNCATED },
    };
    fvm_cid cid = { .codec = 7 };
    size_t used = 99;
    for (size_t i = 0; i < FVM_COUNT(refused); i++)
        CHECK_AT(refused[i].why, fvm_cid_read(&cid, &used, refused[i].in) == refused[i].err);
    CHECK(cid.codec == 7 && used == 99);
}

TEST(cid_of_blocks)
{
    fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, (fvm_bytes){ NULL, 0 });
    check_cid_text("empty raw", &cid, forms[0].text);
    cid = fvm_cid_of(FVM_CODEC_DAG_CBOR, FVM_BYTES(0x80));
    check_cid_text("empty array", &cid,
                   "bafy2bzacebc3bt6cedhoyw34drrmjvazhu4oj25er2ebk4u445pzycvq4ta4a");
}

TEST(cid_make_and_verify_for_each_hash)
{
    static const uint64_t hashes[] = { FVM_HASH_IDENTITY,    FVM_HASH_SHA2_256,
                                       FVM_HASH_KECCAK_256,  FVM_HASH_RIPEMD_160,
                                       FVM_HASH_BLAKE2B_256, FVM_HASH_BLAKE2B_512 };
    for (size_t i = 0; i < FVM_COUNT(hashes); i++) {
        fvm_cid cid;
        CHECK_OK(fvm_cid_make(&cid, FVM_CODEC_RAW, hashes[i], FVM_STR("abc")));
        CHECK_OK(fvm_cid_verify(&cid, FVM_STR("abc")));
        CHECK_ERR(fvm_cid_verify(&cid, FVM_STR("abd")), FVM_ERR_MISMATCH);
        cid.digest_len--;
        CHECK_ERR(fvm_cid_verify(&cid, FVM_STR("abc")), FVM_ERR_MISMATCH);
    }
    fvm_cid cid = { .version = 1, .codec = FVM_CODEC_RAW, .hash = FVM_HASH_POSEIDON };
    uint8_t large[65] = { 0 };
    CHECK_ERR(fvm_cid_verify(&cid, FVM_STR("")), FVM_ERR_INVALID);
    CHECK_ERR(fvm_cid_make(&cid, 0x55, FVM_HASH_SHA2_512, FVM_STR("")), FVM_ERR_INVALID);
    CHECK_ERR(fvm_cid_make(&cid, 0x55, FVM_HASH_IDENTITY, (fvm_bytes){ large, 65 }),
              FVM_ERR_INVALID);
}
