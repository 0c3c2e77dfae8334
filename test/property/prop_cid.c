#include "ipld_props.h"

/* Random bytes with the shape of a CID: a varint here and there, a digest of any length. */
static size_t random_cid(test_rng *rng, uint8_t out[128])
{
    static const uint64_t codecs[] = { 0x51, 0x55, 0x70, 0x71, 0xf101, 0xf102, UINT64_MAX };
    static const uint64_t hashes[] = { 0, 0x12, 0xb220, 0xb401, 0x1012, 1u << 20 };
    size_t len = 0, digest = test_rng_below(rng, 70);
    uint8_t *p = out;
    *p++ = 1;
    for (int i = 0; i < 2; i++) {
        uint64_t v = i == 0 ? codecs[test_rng_below(rng, FVM_COUNT(codecs))]
                            : hashes[test_rng_below(rng, FVM_COUNT(hashes))];
        for (; v > 127; v >>= 7) *p++ = (uint8_t)(v | 0x80);
        *p++ = (uint8_t)v;
    }
    *p++ = (uint8_t)digest;
    test_rng_fill(rng, p, digest);
    len = (size_t)(p - out) + digest;
    if (test_rng_below(rng, 3) == 0)
        out[test_rng_below(rng, len)] ^= (uint8_t)(1u << test_rng_below(rng, 8));
    return len - test_rng_below(rng, 2);
}

TEST(cid_that_is_read_is_written_and_read_again_the_same)
{
    test_rng rng = { 1 };
    for (size_t i = 0; i < test_rounds(20000); i++) {
        uint8_t bytes[128];
        prop_cid_reads_back((fvm_bytes){ bytes, random_cid(&rng, bytes) });
    }
}

TEST(cid_text_that_is_read_is_written_and_read_again_the_same)
{
    test_rng rng = { 2 };
    for (size_t i = 0; i < test_rounds(20000); i++) {
        static const char alphabet[] = "bzfmuQabcdefghijklmnopqrstuvwxyz234567";
        uint8_t bytes[128];
        char text[FVM_CID_TEXT_MAX];
        fvm_cid cid;
        if (fvm_cid_read(&cid, NULL, (fvm_bytes){ bytes, random_cid(&rng, bytes) }) != FVM_OK)
            continue;
        size_t len = fvm_cid_to_text(text, &cid);
        if (test_rng_below(&rng, 2))
            text[test_rng_below(&rng, len)] = alphabet[test_rng_below(&rng, sizeof alphabet - 1)];
        prop_cid_text_reads_back((fvm_bytes){ (const uint8_t *)text, len });
    }
}
