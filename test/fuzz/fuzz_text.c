/* Text and number decoders: what decodes, encodes to the same. The first byte picks the decoder. */
#include "base/big.h"
#include "base/text.h"
#include "base/varint.h"
#include "test.h"

typedef fvm_err codec(fvm_buf *out, fvm_bytes in);

static void try_text(codec *decode, codec *encode, fvm_bytes in, bool lower)
{
    fvm_buf raw, text, want;
    fvm_buf_init(&raw, NULL);
    fvm_buf_init(&text, NULL);
    fvm_buf_init(&want, NULL);
    if (decode(&raw, in) == FVM_OK) {
        CHECK_OK(fvm_buf_append(&want, in));
        for (size_t i = 0; lower && i < want.len; i++) {
            if (want.ptr[i] >= 'A' && want.ptr[i] <= 'F') want.ptr[i] |= 0x20;
        }
        CHECK_OK(encode(&text, fvm_buf_bytes(&raw)));
        CHECK_BYTES(fvm_buf_bytes(&text), fvm_buf_bytes(&want));
    } else {
        CHECK(raw.len == 0);
    }
    fvm_buf_deinit(&raw);
    fvm_buf_deinit(&text);
    fvm_buf_deinit(&want);
}

static void try_big(fvm_bytes in, fvm_err (*read)(fvm_big *, fvm_bytes))
{
    fvm_big a, b;
    char text[FVM_BIG_TEXT_MAX];
    uint8_t wire[FVM_BIG_WIRE_MAX];
    if (read(&a, in) != FVM_OK) return;
    CHECK(fvm_big_to_text(text, &a) == strlen(text));
    CHECK_OK(fvm_big_from_text(&b, fvm_bytes_of(text)));
    CHECK(fvm_big_cmp(&a, &b) == 0);
    size_t n = fvm_big_write(wire, &a);
    if (n > FVM_BIG_WIRE_MAX) return;
    CHECK_OK(fvm_big_read(&b, (fvm_bytes){ wire, n }));
    CHECK(fvm_big_cmp(&a, &b) == 0);
}

static void try_varint(fvm_bytes in)
{
    uint64_t v, w;
    uint8_t out[FVM_VARINT_MAX];
    if (fvm_varint_read(&v, &in) != FVM_OK) return;
    fvm_bytes again = { out, fvm_varint_write(out, v) };
    CHECK_OK(fvm_varint_read(&w, &again));
    CHECK(v == w && again.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    fvm_bytes in = { data + 1, size - 1 };
    switch (data[0] % 7) {
    case 0: try_text(fvm_hex_decode, fvm_hex_encode, in, true); break;
    case 1: try_text(fvm_base32_decode, fvm_base32_encode, in, false); break;
    case 2: try_text(fvm_base64_decode, fvm_base64_encode, in, false); break;
    case 3: try_text(fvm_base58_decode, fvm_base58_encode, in, false); break;
    case 4: try_big(in, fvm_big_read); break;
    case 5: try_big(in, fvm_big_from_text); break;
    default: try_varint(in); break;
    }
    return 0;
}
