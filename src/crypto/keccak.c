/* keccak.c - Keccak-256 as Ethereum uses it: the Keccak team's original padding (0x01), not that of
 * SHA-3 (0x06). Packaged libraries have SHA-3 only. State: 5 x 5 lanes of 64 bits, lane (x, y) at
 * [x + 5 y]; rate 136 bytes. See keccak.team/keccak_specs_summary.html. */
#include "crypto.h"

#define RATE 136

static inline uint64_t rotl(uint64_t v, unsigned n)
{
    return n ? v << n | v >> (64 - n) : v;
}

static void permute(uint64_t a[25])
{
    static const uint64_t round_constants[24] = {
        0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
        0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
        0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
        0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
        0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
        0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
    };
    /* rho and pi walk the lanes in one cycle from lane (1, 0): where to, and how far rotated */
    static const uint8_t lane[24] = { 10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                      15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1 };
    static const uint8_t rotation[24] = { 1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                          27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44 };
    for (int round = 0; round < 24; round++) {
        uint64_t c[5], d;
        for (int x = 0; x < 5; x++) c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
        for (int x = 0; x < 5; x++) {
            d = c[(x + 4) % 5] ^ rotl(c[(x + 1) % 5], 1);
            for (int y = 0; y < 25; y += 5) a[x + y] ^= d;
        }
        uint64_t moving = a[1];
        for (int i = 0; i < 24; i++) {
            uint64_t next = a[lane[i]];
            a[lane[i]] = rotl(moving, rotation[i]);
            moving = next;
        }
        for (int y = 0; y < 25; y += 5) {
            for (int x = 0; x < 5; x++) c[x] = a[x + y];
            for (int x = 0; x < 5; x++) a[x + y] = c[x] ^ (~c[(x + 1) % 5] & c[(x + 2) % 5]);
        }
        a[0] ^= round_constants[round];
    }
}

static void absorb(uint64_t state[25], const uint8_t block[RATE])
{
    for (int i = 0; i < RATE / 8; i++) state[i] ^= fvm_load_le64(block + 8 * i);
    permute(state);
}

void fvm_keccak256(uint8_t out[32], fvm_bytes in)
{
    uint64_t state[25] = { 0 };
    for (; in.len >= RATE; in.ptr += RATE, in.len -= RATE) absorb(state, in.ptr);
    uint8_t last[RATE] = { 0 };
    if (in.len) memcpy(last, in.ptr, in.len);
    last[in.len] ^= 0x01;
    last[RATE - 1] ^= 0x80;
    absorb(state, last);
    for (int i = 0; i < 4; i++) fvm_store_le64(out + 8 * i, state[i]);
}
