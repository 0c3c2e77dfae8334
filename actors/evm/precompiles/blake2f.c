/* blake2f.c - the compression function of BLAKE2b (EIP-152, RFC 7693 3.2): rounds (4 bytes, big-endian),
 * h (8 words), m (16 words), t (2 words), f (1 byte); words are little-endian. Exactly 213 bytes. */
#include "internal.h"

#define INPUT 213
#define OUTPUT 64

static const uint64_t iv[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};
/* The order of the words of m in each of ten rounds, as byte offsets: one addition less per use. */
#define ROW(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)                                        \
    { a * 8, b * 8, c * 8, d * 8, e * 8, f * 8, g * 8, h * 8,                                      \
      i * 8, j * 8, k * 8, l * 8, m * 8, n * 8, o * 8, p * 8 }
static const uint8_t sigma[10][16] = {
    ROW(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    ROW(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
    ROW(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4),
    ROW(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8),
    ROW(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13),
    ROW(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9),
    ROW(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11),
    ROW(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10),
    ROW(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5),
    ROW(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0),
};

/* Bytes in memory are words as they are: wasm and every host that runs the tests are little-endian. */
static inline uint64_t word(const uint8_t *p)
{
    uint64_t v;
    __builtin_memcpy(&v, p, 8);
    return v;
}

#define ROTR(x, n) ((x) >> (n) | (x) << (64 - (n)))
#define G(a, b, c, d, i)                                                                           \
    do {                                                                                           \
        a += b + word(m + s[i]);                                                                   \
        d = ROTR(d ^ a, 32);                                                                       \
        c += d;                                                                                    \
        b = ROTR(b ^ c, 24);                                                                       \
        a += b + word(m + s[i + 1]);                                                               \
        d = ROTR(d ^ a, 16);                                                                       \
        c += d;                                                                                    \
        b = ROTR(b ^ c, 63);                                                                       \
    } while (0)

static void compress(uint8_t *out, const uint8_t *h, const uint8_t *m, uint64_t t0, uint64_t t1,
                     bool last, uint32_t rounds)
{
    uint64_t v0 = word(h), v1 = word(h + 8), v2 = word(h + 16), v3 = word(h + 24);
    uint64_t v4 = word(h + 32), v5 = word(h + 40), v6 = word(h + 48), v7 = word(h + 56);
    uint64_t v8 = iv[0], v9 = iv[1], v10 = iv[2], v11 = iv[3];
    uint64_t v12 = iv[4] ^ t0, v13 = iv[5] ^ t1, v14 = last ? ~iv[6] : iv[6], v15 = iv[7];
    const uint8_t *const order = &sigma[0][0], *s = order;
    for (; rounds; rounds--) {
        G(v0, v4, v8, v12, 0);
        G(v1, v5, v9, v13, 2);
        G(v2, v6, v10, v14, 4);
        G(v3, v7, v11, v15, 6);
        G(v0, v5, v10, v15, 8);
        G(v1, v6, v11, v12, 10);
        G(v2, v7, v8, v13, 12);
        G(v3, v4, v9, v14, 14);
        s += 16;
        if (s == order + sizeof sigma) s = order;
    }
    uint64_t r[8] = {
        v0 ^ v8, v1 ^ v9, v2 ^ v10, v3 ^ v11, v4 ^ v12, v5 ^ v13, v6 ^ v14, v7 ^ v15
    };
    for (unsigned i = 0; i < 8; i++) {
        r[i] ^= word(h + 8 * i);
        memcpy(out + 8 * i, &r[i], 8);
    }
}

bool fvm__pre_blake2f(fvm_bytes *out, fvm_bytes in)
{
    const uint8_t *p = in.ptr;
    if (in.len != INPUT || p[INPUT - 1] > 1) return false;
    uint32_t rounds = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    compress(fvm__pre_output(out, OUTPUT), p + 4, p + 68, word(p + 196), word(p + 204),
             p[INPUT - 1] == 1, rounds);
    return true;
}
