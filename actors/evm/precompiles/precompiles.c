/* precompiles.c - which address is which function, and what is common to all. See precompiles.h. */
#include "internal.h"

#define FILECOIN 0xfe /* first byte of Filecoin's own */

void fvm__pre_read(uint8_t *out, uint32_t n, fvm_bytes in, uint64_t at)
{
    uint32_t have = at >= in.len ? 0 : (uint32_t)(in.len - at);
    if (have > n) have = n;
    if (have) memcpy(out, in.ptr + at, have);
    memset(out + have, 0, n - have);
}

bool fvm__pre_uint(uint64_t *out, fvm_bytes in, uint64_t at, unsigned bytes)
{
    uint8_t word[32];
    uint64_t v = 0;
    unsigned i = 0, ones = 0;
    fvm__pre_read(word, 32, in, at);
    for (; i < 32 - bytes; i++) ones |= word[i];
    for (; i < 32; i++) v = v << 8 | word[i];
    *out = v;
    return ones == 0;
}

uint8_t *fvm__pre_output(fvm_bytes *out, uint32_t n)
{
    uint8_t *p = (uint8_t *)fvm_heap_alloc(n);
    memset(p, 0, n);
    *out = (fvm_bytes){ p, n };
    return p;
}

/* The number of a reserved address, with Filecoin's at FILECOIN << 8; 0 for one that is not. */
static unsigned number(const uint8_t address[20])
{
    unsigned middle = 0;
    for (unsigned i = 1; i < 18; i++) middle |= address[i];
    if (middle) return 0;
    if (address[18]) return address[0] == 0 && address[18] == 1 && address[19] == 0 ? 0x100 : 0;
    if (address[19] == 0 || (address[0] != 0 && address[0] != FILECOIN)) return 0;
    return (unsigned)address[0] << 8 | address[19];
}

bool fvm_evm_is_reserved(const uint8_t address[20])
{
    return number(address) != 0;
}

bool fvm_evm_is_precompile(const uint8_t address[20])
{
    unsigned n = number(address), low = n & 0xff;
    if (n >> 8 == FILECOIN) return low <= 6 && low != 4;
    return n != 0 && ((n <= 0x11 && n != 0x0a) || n == 0x100);
}

static bool identity(fvm_bytes *out, fvm_bytes in)
{
    if (in.len) memcpy(fvm__pre_output(out, (uint32_t)in.len), in.ptr, in.len);
    return true;
}

static bool run(fvm_bytes *out, unsigned n, const fvm_evm_call_context *ctx, fvm_bytes in)
{
    switch (n) {
    case 0x01: return fvm__pre_ecrecover(out, in);
    case 0x02: return fvm__pre_hash(out, in, FVM_HASHER_SHA2_256, 32);
    case 0x03: return fvm__pre_hash(out, in, FVM_HASHER_RIPEMD_160, 20);
    case 0x04: return identity(out, in);
    case 0x05: return fvm__pre_modexp(out, in);
    case 0x06: return fvm__pre_bn_add(out, in);
    case 0x07: return fvm__pre_bn_mul(out, in);
    case 0x08: return fvm__pre_bn_pairing(out, in);
    case 0x09: return fvm__pre_blake2f(out, in);
    case 0x0b: return fvm__pre_bls_g1add(out, in);
    case 0x0c: return fvm__pre_bls_g1msm(out, in);
    case 0x0d: return fvm__pre_bls_g2add(out, in);
    case 0x0e: return fvm__pre_bls_g2msm(out, in);
    case 0x0f: return fvm__pre_bls_pairing(out, in);
    case 0x10: return fvm__pre_bls_map_fp(out, in);
    case 0x11: return fvm__pre_bls_map_fp2(out, in);
    case 0x100: return fvm__pre_p256(out, in);
    case FILECOIN << 8 | 1: return fvm__pre_resolve_address(out, in);
    case FILECOIN << 8 | 2: return fvm__pre_lookup_delegated(out, in);
    case FILECOIN << 8 | 3: return fvm__pre_call_actor(out, in, ctx, false);
    case FILECOIN << 8 | 5: return fvm__pre_call_actor(out, in, ctx, true);
    case FILECOIN << 8 | 6: return fvm__pre_get_randomness(out, in);
    default: return true; /* reserved, and nothing there: done, with empty output */
    }
}

/* Value goes to the precompile's f410 address, which makes a placeholder of it. The state is not
 * written first, as nothing that could read it runs (evm.md 1.3). */
static bool pay(const uint8_t address[20], const fvm_u256 *value)
{
    uint8_t to[22] = { 4, 10 };
    fvm_send_result sent;
    if (value->limb[2] | value->limb[3]) return false;
    memcpy(to + 2, address, 20);
    return fvm_sys_send(&sent, to, sizeof to, FVM_METHOD_SEND, 0, value->limb[1], value->limb[0],
                        FVM_SEND_ALL_GAS, 0) == 0 &&
           sent.exit_code == 0;
}

int fvm_evm_precompile(const uint8_t **out, uint32_t *out_len, const uint8_t address[20],
                       const fvm_evm_call_context *ctx, const uint8_t *in, uint32_t in_len)
{
    fvm_bytes result = { NULL, 0 };
    bool ok = run(&result, number(address), ctx, (fvm_bytes){ in, in_len });
    if (ok && !fvm_u256_is_zero(&ctx->value)) ok = pay(address, &ctx->value);
    *out = ok ? result.ptr : NULL;
    *out_len = ok ? (uint32_t)result.len : 0;
    return ok ? 0 : 1;
}
