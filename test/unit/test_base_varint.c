#include "base/varint.h"
#include "test.h"

static const struct {
    const char *why;
    uint64_t value;
    fvm_bytes bytes;
} forms[] = {
    { "zero", 0, { (const uint8_t[]){ 0 }, 1 } },
    { "largest of one byte", 127, { (const uint8_t[]){ 0x7f }, 1 } },
    { "smallest of two bytes", 128, { (const uint8_t[]){ 0x80, 0x01 }, 2 } },
    { "300, the example of the spec", 300, { (const uint8_t[]){ 0xac, 0x02 }, 2 } },
    { "largest u64",
      UINT64_MAX,
      { (const uint8_t[]){ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 }, 10 } },
};

TEST(varint_reads_and_writes_the_minimal_form)
{
    for (size_t i = 0; i < FVM_COUNT(forms); i++) {
        uint8_t out[FVM_VARINT_MAX];
        size_t n = fvm_varint_write(out, forms[i].value);
        CHECK_AT(forms[i].why, fvm_bytes_eq((fvm_bytes){ out, n }, forms[i].bytes));
        uint64_t v = 0;
        fvm_bytes in = forms[i].bytes;
        CHECK_AT(forms[i].why, fvm_varint_read(&v, &in) == FVM_OK);
        CHECK_AT(forms[i].why, v == forms[i].value && in.len == 0);
    }
}

TEST(varint_read_leaves_what_follows)
{
    uint64_t v;
    fvm_bytes in = FVM_BYTES(0x80, 0x01, 0x07);
    CHECK_OK(fvm_varint_read(&v, &in));
    CHECK(v == 128 && in.len == 1 && in.ptr[0] == 7);
}

TEST(varint_drops_bits_above_63_as_the_reference)
{
    uint64_t v;
    fvm_bytes in = FVM_BYTES(0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7e);
    CHECK_OK(fvm_varint_read(&v, &in));
    CHECK(v == 1);
}

TEST(varint_read_refuses_and_leaves_the_outputs_alone)
{
    const struct {
        const char *why;
        fvm_bytes in;
        fvm_err err;
    } refused[] = {
        { "empty", { NULL, 0 }, FVM_ERR_TRUNCATED },
        { "ends inside", FVM_BYTES(0x80), FVM_ERR_TRUNCATED },
        { "0 in two bytes", FVM_BYTES(0x80, 0x00), FVM_ERR_MALFORMED },
        { "eleven bytes",
          FVM_BYTES(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01),
          FVM_ERR_MALFORMED },
        { "ten bytes, all with the continuation bit",
          FVM_BYTES(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80),
          FVM_ERR_MALFORMED },
    };
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        uint64_t v = 7;
        fvm_bytes in = refused[i].in;
        CHECK_AT(refused[i].why, fvm_varint_read(&v, &in) == refused[i].err);
        CHECK_AT(refused[i].why,
                 v == 7 && in.ptr == refused[i].in.ptr && in.len == refused[i].in.len);
    }
}
