#include "base/text.h"
#include "test.h"

typedef fvm_err codec(fvm_buf *out, fvm_bytes in);

static const struct row {
    codec *encode, *decode;
    const char *raw, *text; /* raw in hex */
} rows[] = {
#define HEX fvm_hex_encode, fvm_hex_decode
#define B32 fvm_base32_encode, fvm_base32_decode
#define B64 fvm_base64_encode, fvm_base64_decode
#define B58 fvm_base58_encode, fvm_base58_decode
    { HEX, "", "" },
    { HEX, "00ff1a", "00ff1a" },
    /* RFC 4648, section 10 */
    { B32, "", "" },
    { B32, "66", "my" },
    { B32, "666f", "mzxq" },
    { B32, "666f6f", "mzxw6" },
    { B32, "666f6f62", "mzxw6yq" },
    { B32, "666f6f6261", "mzxw6ytb" },
    { B32, "666f6f626172", "mzxw6ytboi" },
    { B64, "", "" },
    { B64, "66", "Zg==" },
    { B64, "666f", "Zm8=" },
    { B64, "666f6f", "Zm9v" },
    { B64, "666f6f62", "Zm9vYg==" },
    { B64, "666f6f6261", "Zm9vYmE=" },
    { B64, "666f6f626172", "Zm9vYmFy" },
    { B64, "fbff", "+/8=" },
    /* draft-msporny-base58, section 5 */
    { B58, "", "" },
    { B58, "48656c6c6f20576f726c6421", "2NEpo7TZRRrLZSi2U" },
    { B58, "0000287fb4cd", "11233QC4" },
    { B58, "00", "1" },
    { B58, "0000", "11" },
};

TEST(text_encodings_of_the_standards)
{
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        uint8_t room[64];
        fvm_buf out;
        fvm_bytes raw = test_hex(room, sizeof room, rows[i].raw);
        fvm_buf_init(&out, NULL);
        CHECK_OK(fvm_buf_put_u8(&out, '>')); /* codecs append */
        CHECK_OK(rows[i].encode(&out, raw));
        CHECK_AT(rows[i].text,
                 fvm_bytes_eq((fvm_bytes){ out.ptr + 1, out.len - 1 }, fvm_bytes_of(rows[i].text)));
        out.len = 1;
        CHECK_OK(rows[i].decode(&out, fvm_bytes_of(rows[i].text)));
        CHECK_AT(rows[i].text, fvm_bytes_eq((fvm_bytes){ out.ptr + 1, out.len - 1 }, raw));
        fvm_buf_deinit(&out);
    }
}

TEST(text_decoders_refuse_and_leave_the_output_alone)
{
    static const struct {
        const char *why;
        codec *decode;
        const char *text;
    } refused[] = {
        { "half a byte", fvm_hex_decode, "abc" },
        { "prefix", fvm_hex_decode, "0xab" },
        { "no digit", fvm_hex_decode, "0g" },
        { "upper case", fvm_base32_decode, "MY" },
        { "padding", fvm_base32_decode, "my======" },
        { "unused bits", fvm_base32_decode, "mz" },
        { "one character", fvm_base32_decode, "m" },
        { "three characters", fvm_base32_decode, "mzx" },
        { "digit 1", fvm_base32_decode, "m1" },
        { "no padding", fvm_base64_decode, "Zg" },
        { "three of padding", fvm_base64_decode, "Z===" },
        { "only padding", fvm_base64_decode, "====" },
        { "padding inside", fvm_base64_decode, "Zg==Zg==" },
        { "unused bits", fvm_base64_decode, "Zh==" },
        { "url alphabet", fvm_base64_decode, "-_8=" },
        { "line break", fvm_base64_decode, "Zm9\n" },
        { "digit 0", fvm_base58_decode, "10" },
        { "letter l", fvm_base58_decode, "l" },
    };
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        fvm_buf out;
        fvm_buf_init(&out, NULL);
        CHECK_OK(fvm_buf_append(&out, FVM_STR("kept")));
        CHECK_AT(refused[i].why,
                 refused[i].decode(&out, fvm_bytes_of(refused[i].text)) == FVM_ERR_MALFORMED);
        CHECK_BYTES(fvm_buf_bytes(&out), FVM_STR("kept"));
        fvm_buf_deinit(&out);
    }
}

TEST(hex_decode_takes_both_cases)
{
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_hex_decode(&out, FVM_STR("aAbB")));
    CHECK_BYTES(fvm_buf_bytes(&out), FVM_BYTES(0xaa, 0xbb));
    fvm_buf_deinit(&out);
}

TEST(base58_limits_its_quadratic_cost)
{
    char text[514];
    fvm_buf out;
    memset(text, 'z', 513);
    text[513] = 0;
    fvm_buf_init(&out, NULL);
    CHECK_ERR(fvm_base58_decode(&out, fvm_bytes_of(text)), FVM_ERR_LIMIT);
    CHECK_OK(fvm_base58_decode(&out, fvm_bytes_of(text + 1)));
    fvm_buf_deinit(&out);
}

TEST(text_reads_back_for_random_bytes)
{
    codec *const pairs[][2] = { { HEX }, { B32 }, { B64 }, { B58 } };
    test_rng rng = { 9 };
    for (size_t i = 0; i < test_rounds(200); i++) {
        uint8_t raw[200];
        size_t len = (size_t)test_rng_below(&rng, sizeof raw), zeros = len / 4;
        test_rng_fill(&rng, raw, len);
        if (i % 2) memset(raw, 0, zeros);
        for (size_t k = 0; k < FVM_COUNT(pairs); k++) {
            fvm_buf text, back;
            fvm_buf_init(&text, NULL);
            fvm_buf_init(&back, NULL);
            CHECK_OK(pairs[k][0](&text, (fvm_bytes){ raw, len }));
            CHECK_OK(pairs[k][1](&back, fvm_buf_bytes(&text)));
            CHECK_BYTES(fvm_buf_bytes(&back), ((fvm_bytes){ raw, len }));
            fvm_buf_deinit(&text);
            fvm_buf_deinit(&back);
        }
    }
}

static fvm_err all_codecs(const fvm_allocator *alloc, void *ctx)
{
    fvm_err err = FVM_OK;
    fvm_buf out;
    fvm_buf_init(&out, alloc);
    const struct row *row = ctx;
    uint8_t room[64];
    err = row->encode(&out, test_hex(room, sizeof room, row->raw));
    fvm_buf_deinit(&out);
    if (!err) err = row->decode(&out, fvm_bytes_of(row->text));
    fvm_buf_deinit(&out);
    return err;
}

TEST(text_survives_each_failing_allocation)
{
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        test_each_allocation_fails(all_codecs, (void *)(uintptr_t)&rows[i]);
    }
}
