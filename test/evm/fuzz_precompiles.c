/* fuzz_precompiles.c - hostile input to each precompile, natively. The first byte chooses which. Modular powers are checked against GMP; the rest for doing no harm and the lengths of output. */
#include "precompile_inputs.h"

#include <fvm/actor/mock.h>

#include <gmp.h>

#define EXPONENT_MAX 64 /* bytes: longer ones only take longer */
#define MODULUS_MAX 512

/* Lengths that announce more work than the fuzzer has time for. */
static bool too_long(fvm_bytes in)
{
    uint8_t head[96] = { 0 };
    memcpy(head, in.ptr, in.len < 96 ? in.len : 96);
    for (unsigned i = 0; i < 3; i++) {
        uint32_t len = (uint32_t)head[32 * i + 28] << 24 | (uint32_t)head[32 * i + 29] << 16 |
                       (uint32_t)head[32 * i + 30] << 8 | head[32 * i + 31];
        if (len > (i == 1 ? EXPONENT_MAX : MODULUS_MAX)) return true;
    }
    return false;
}

static void check_modexp(fvm_bytes in, fvm_bytes out)
{
    uint8_t full[96 + EXPONENT_MAX + 2 * MODULUS_MAX] = { 0 };
    size_t at = 96, len[3];
    mpz_t v[3];
    memcpy(full, in.ptr, in.len < sizeof full ? in.len : sizeof full);
    for (unsigned i = 0; i < 3; i++) len[i] = (size_t)full[32 * i + 30] << 8 | full[32 * i + 31];
    if (len[0] == 0 && len[2] == 0) {
        CHECK(out.len == 0);
        return;
    }
    for (unsigned i = 0; i < 3; at += len[i++]) {
        mpz_init(v[i]);
        mpz_import(v[i], len[i], 1, 1, 1, 0, full + at);
    }
    CHECK(out.len == len[2]);
    if (mpz_cmp_ui(v[2], 1) > 0)
        mpz_powm(v[0], v[0], v[1], v[2]);
    else
        mpz_set_ui(v[0], 0);
    mpz_import(v[1], out.len, 1, 1, 1, 0, out.ptr);
    CHECK(mpz_cmp(v[0], v[1]) == 0);
    for (unsigned i = 0; i < 3; i++) mpz_clear(v[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t params[22 + PRE_INPUT_MAX];
    if (size < 1 || size - 1 > PRE_INPUT_MAX) return 0;
    unsigned number = pre_families[data[0] % PRE_FAMILIES].number;
    fvm_bytes in = { data + 1, size - 1 };
    if (number == 0x05 && too_long(in)) return 0;
    if (number == 0x09 && in.len >= 4 && (in.ptr[0] | in.ptr[1] | in.ptr[2])) return 0;
    memset(params, 0, 22);
    params[0] = number >> 8 == 0xfe ? 1 : 2; /* kind: Filecoin's work in a DELEGATECALL */
    if (number >> 8 == 0xfe) params[1] = 0xfe;
    if (number == 0x100) params[19] = 1;
    params[20] = (uint8_t)number;
    memcpy(params + 22, in.ptr, in.len);
    fvm_mock_reset();
    /* no other actor is there: a call of one is refused by asking for more than there is */
    if (number == 0xfe03 || number == 0xfe05) {
        if (in.len < 64) return 0;
        memset(params + 22 + 32, 0xff, 32);
    }
    fvm_mock_result r = fvm_mock_call_codec(3844450837, FVM_BLOCK_RAW,
                                            (fvm_bytes){ params, 22 + in.len });
    CHECK(r.exit_code == 0 || r.exit_code == FVM_USR_ASSERTION_FAILED);
    if (r.exit_code) return 0;
    CHECK(r.data.len >= 1 && (r.data.ptr[0] == 1 || r.data.len == 1));
    if (number == 0x05 && r.data.ptr[0]) {
        fvm_bytes out = { r.data.ptr + 1, r.data.len - 1 };
        check_modexp(in, out);
    }
    return 0;
}
