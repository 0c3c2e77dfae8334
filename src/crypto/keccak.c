/* keccak.c - Keccak-256 as Ethereum uses it: the Keccak team's original padding (0x01), not that of
 * SHA-3 (0x06). Packaged libraries have SHA-3 only. State: 5 x 5 lanes of 64 bits, lane (x, y) at
 * [x + 5 y]; rate 136 bytes. See keccak.team/keccak_specs_summary.html.
 *
 * A round reads one copy of the state and writes another, unrolled. Written as loops over tables it
 * took 1980 ns for 32 bytes (gcc 12, -O2), this way 430 ns; OpenSSL's assembly for SHA-3 takes 445 ns. */
#include "crypto.h"

#define RATE 136

static inline uint64_t rotl(uint64_t v, unsigned n)
{
    return n ? v << n | v >> (64 - n) : v;
}

static const uint64_t round_constants[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* rho and pi for one lane: lane `from`, of column x, with theta's d[x] added, rotated */
#define LANE(from, x, rotation) rotl(a[from] ^ d##x, rotation)
/* One row of five lanes, and chi along it. */
#define ROW(to, f0, x0, r0, f1, x1, r1, f2, x2, r2, f3, x3, r3, f4, x4, r4)                        \
    do {                                                                                           \
        uint64_t b0 = LANE(f0, x0, r0), b1 = LANE(f1, x1, r1), b2 = LANE(f2, x2, r2);              \
        uint64_t b3 = LANE(f3, x3, r3), b4 = LANE(f4, x4, r4);                                     \
        e[to] = b0 ^ (~b1 & b2);                                                                   \
        e[(to) + 1] = b1 ^ (~b2 & b3);                                                             \
        e[(to) + 2] = b2 ^ (~b3 & b4);                                                             \
        e[(to) + 3] = b3 ^ (~b4 & b0);                                                             \
        e[(to) + 4] = b4 ^ (~b0 & b1);                                                             \
    } while (0)

static inline void one_round(uint64_t e[25], const uint64_t a[25], uint64_t constant)
{
    uint64_t c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20], c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21];
    uint64_t c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22], c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23];
    uint64_t c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24];
    uint64_t d0 = c4 ^ rotl(c1, 1), d1 = c0 ^ rotl(c2, 1), d2 = c1 ^ rotl(c3, 1);
    uint64_t d3 = c2 ^ rotl(c4, 1), d4 = c3 ^ rotl(c0, 1);
    ROW(0, 0, 0, 0, 6, 1, 44, 12, 2, 43, 18, 3, 21, 24, 4, 14);
    ROW(5, 3, 3, 28, 9, 4, 20, 10, 0, 3, 16, 1, 45, 22, 2, 61);
    ROW(10, 1, 1, 1, 7, 2, 6, 13, 3, 25, 19, 4, 8, 20, 0, 18);
    ROW(15, 4, 4, 27, 5, 0, 36, 11, 1, 10, 17, 2, 15, 23, 3, 56);
    ROW(20, 2, 2, 62, 8, 3, 55, 14, 4, 39, 15, 0, 41, 21, 1, 2);
    e[0] ^= constant;
}

static void permute(uint64_t a[25])
{
    uint64_t e[25];
    for (int round = 0; round < 24; round += 2) {
        one_round(e, a, round_constants[round]);
        one_round(a, e, round_constants[round + 1]);
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
