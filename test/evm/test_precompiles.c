/* test_precompiles.c - the precompiles natively, with the mock kernel: published vectors, refusals, and
 * generated inputs beside GMP, libsodium, OpenSSL and the library's blst. */
#include "precompile_inputs.h"

#include <fvm/actor/mock.h>
#include <fvm/address.h>

#include <gmp.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <sodium.h>

static const uint8_t call = 0, delegatecall = 1;

typedef struct outcome {
    bool ok;
    fvm_bytes out; /* valid until the next call */
    uint32_t exit_code;
} outcome;

static outcome run_kind(uint8_t kind, unsigned number, uint8_t value, fvm_bytes in)
{
    static uint8_t params[22 + PRE_INPUT_MAX];
    memset(params, 0, 22);
    params[0] = kind;
    if (number >> 8 == 0xfe) params[1] = 0xfe;
    if (number == 0x100) params[19] = 1;
    params[20] = (uint8_t)number;
    params[21] = value;
    if (in.len) memcpy(params + 22, in.ptr, in.len);
    fvm_mock_result r = fvm_mock_call_codec(3844450837, FVM_BLOCK_RAW,
                                            (fvm_bytes){ params, 22 + in.len });
    outcome o = { .exit_code = r.exit_code };
    if (r.exit_code != 0) return o;
    CHECK(r.data.len >= 1);
    o.ok = r.data.ptr[0] == 1;
    o.out = (fvm_bytes){ r.data.ptr + 1, r.data.len - 1 };
    return o;
}

static outcome run(unsigned number, fvm_bytes in)
{
    fvm_mock_reset();
    return run_kind(2, number, 0, in);
}

static outcome run_hex(unsigned number, const char *hex)
{
    static uint8_t room[PRE_INPUT_MAX];
    return run(number, (fvm_bytes){ room, pre_hex(room, hex) });
}

#define W0 "0000000000000000000000000000000000000000000000000000000000000000"
#define W1 "0000000000000000000000000000000000000000000000000000000000000001"
#define W2 "0000000000000000000000000000000000000000000000000000000000000002"
#define W32 "0000000000000000000000000000000000000000000000000000000000000020"
#define BN_P "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47"
#define BN_2G                                                                                      \
    "030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3"                             \
    "15ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4"
#define BLAKE_H                                                                                    \
    "48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"                             \
    "d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b"
#define BLAKE_M "6162630000000000" W0 W0 W0 "000000000000000000000000000000000000000000000000"
#define BLAKE_T                                                                                    \
    "0300000000000000"                                                                             \
    "0000000000000000"

/* EIPs 152, 196, 197, 198; the yellow paper's examples as clients keep them. */
TEST(published_vectors)
{
    static const struct {
        const char *why;
        unsigned number;
        const char *in, *out;
    } rows[] = {
        { "ecrecover", 0x01,
          "456e9aea5e197a1f1af7a3e85a3212fa4049a3ba34c2289b4c860fc0b0c64ef3"
          "000000000000000000000000000000000000000000000000000000000000001c"
          "9242685bf161793cc25603c231bc2f568eb630ea16aa137d2664ac8038825608"
          "4f8ae3bd7535248d0bd448298cc2e2071e56992d0774dc340c368ae950852ada",
          "0000000000000000000000007156526fbd7a3c72969b54f64e42c10fbb768c8a" },
        { "sha256 of nothing", 0x02, "",
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "ripemd160 of abc", 0x03, "616263",
          "0000000000000000000000008eb208f7e05d987a9b044a8e98c6b087f15a0bfc" },
        { "identity", 0x04, "00010203", "00010203" },
        { "identity of nothing", 0x04, "", "" },
        { "modexp: Fermat", 0x05,
          W1 W32 W32 "03fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2e"
                     "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
          W1 },
        { "modexp: zero to a power", 0x05,
          W0 W32 W32 "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2e"
                     "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
          W0 },
        { "modexp: missing bytes are zeros on the right", 0x05,
          W1 W2 W32 "03"
                    "ffff"
                    "80",
          "3b01b01ac41f2d6e917c6d6a221ce793802469026d9ab7578fa2e79e4da6aaab" },
        { "modexp: no base, no modulus", 0x05, W0 W1 W0 "05", "" },
        { "modexp: 0^0", 0x05, W0 W0 W1 "05", "01" },
        { "modexp: modulus 1", 0x05,
          W1 W1 W2 "0305"
                   "0001",
          "0000" },
        { "modexp: even modulus", 0x05,
          W1 W1 W1 "03"
                   "05"
                   "a0",
          "53" },
        { "modexp: a power of two", 0x05,
          W1 W1 W1 "03"
                   "05"
                   "40",
          "33" },
        { "bn254 add, nothing", 0x06, "", W0 W0 },
        { "bn254 add, G + G", 0x06, W1 W2 W1 W2, BN_2G },
        { "bn254 add, infinity + G, cut off", 0x06, W0 W0 W1 W2, W1 W2 },
        { "bn254 mul, 2 G", 0x07, W1 W2 W2, BN_2G },
        { "bn254 mul, r G", 0x07,
          W1 W2 "30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001", W0 W0 },
        { "bn254 pairing of nothing", 0x08, "", W1 },
        { "blake2f, no rounds", 0x09, "00000000" BLAKE_H BLAKE_M BLAKE_T "01",
          "08c9bcf367e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"
          "d282e6ad7f520e511f6c3e2b8c68059b9442be0454267ce079217e1319cde05b" },
        { "blake2f, 12 rounds", 0x09, "0000000c" BLAKE_H BLAKE_M BLAKE_T "01",
          "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
          "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923" },
        { "reserved, no function", 0x0a, "00", "" },
        { "reserved, no function", 0x12, "00", "" },
        { "reserved, no function", 0xfe04, "00", "" },
        { "p256verify of nothing", 0x100, "", "" },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        outcome r = run_hex(rows[i].number, rows[i].in);
        CHECK_AT(rows[i].why, r.ok);
        if (strlen(rows[i].out) != 2 * r.out.len)
            test_fail(__FILE__, __LINE__, "length", rows[i].why);
        CHECK_HEX(r.out, rows[i].out);
    }
    CHECK_HEX(run_hex(0x08, pre_bn_pairing_one).out, W1);
}

TEST(refusals)
{
    static const struct {
        const char *why;
        unsigned number;
        const char *in;
    } rows[] = {
        { "modexp: a length of 2^32", 0x05,
          "0000000000000000000000000000000000000000000000000000000100000000" W1 W1 },
        { "bn254 add: x is p", 0x06, BN_P W2 },
        { "bn254 add: off the curve", 0x06, W1 W1 },
        { "bn254 add: second off the curve", 0x06, W1 W2 W1 W1 },
        { "bn254 mul: off the curve", 0x07, W2 W2 W0 },
        { "bn254 pairing: 191 bytes", 0x08, W1 W2 W0 W0 W0 "00" },
        { "bn254 pairing: off the twist", 0x08, W0 W0 W0 W0 W0 W1 },
        { "blake2f: a byte less", 0x09, "0000000c" BLAKE_H BLAKE_M BLAKE_T },
        { "blake2f: a byte more", 0x09, "0000000c" BLAKE_H BLAKE_M BLAKE_T "0100" },
        { "blake2f: last is 2", 0x09, "0000000c" BLAKE_H BLAKE_M BLAKE_T "02" },
        { "g1msm of nothing", 0x0c, "" },
        { "g2msm of nothing", 0x0e, "" },
        { "bls12 pairing of nothing", 0x0f, "" },
        { "g1add: 255 bytes", 0x0b, W0 W0 W0 W0 W0 W0 W0 "00" },
        { "map: padding", 0x10,
          "01000000000000000000000000000000" W0 "00000000000000000000000000000000" },
        { "map: p", 0x10,
          "000000000000000000000000000000001a0111ea397fe69a4b1ba7b6434bacd7"
          "64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab" },
        { "resolve_address: nothing", 0xfe01, "" },
        { "resolve_address: protocol 5", 0xfe01, "0505" },
        { "lookup: 2^64", 0xfe02,
          "0000000000000000000000000000000000000000000000010000000000000000" },
        { "call_actor without DELEGATECALL", 0xfe03, "" },
        { "get_randomness: 2^64", 0xfe06,
          "0000000000000000000000000000000000000000000000010000000000000000" },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        outcome r = run_hex(rows[i].number, rows[i].in);
        CHECK_AT(rows[i].why, r.exit_code == 0 && !r.ok && r.out.len == 0);
    }
    for (size_t i = 0; i < FVM_COUNT(pre_bn_g2_outside); i++) {
        uint8_t in[192] = { [31] = 1, [63] = 2 };
        pre_hex(in + 64, pre_bn_g2_outside[i]);
        CHECK(!run(0x08, (fvm_bytes){ in, 192 }).ok);
        memset(in, 0, 64); /* checked even if the other point is infinity */
        CHECK(!run(0x08, (fvm_bytes){ in, 192 }).ok);
    }
    /* The reference counts missing bytes in bits of 32 bits, and panics. */
    outcome r = run_hex(0x05,
                        "0000000000000000000000000000000000000000000000000000000020000000" W0 W1);
    CHECK(r.exit_code == FVM_USR_ASSERTION_FAILED);
}

TEST(ecrecover_gives_nothing_for_what_is_not_a_signature)
{
    uint8_t in[160];
    test_rng rng = { 1 };
    const fvm_bytes all = { in, pre_gas_ecrecover(in) };
    CHECK(run(0x01, all).out.len == 32);
    for (unsigned word = 1; word < 4;
         word++) { /* v, r, s: 0, above the order, v in the high bytes */
        uint8_t keep[32];
        memcpy(keep, in + 32 * word, 32);
        memset(in + 32 * word, 0, 32);
        CHECK(run(0x01, all).ok && run(0x01, all).out.len == 0);
        memset(in + 32 * word, 0xff, 32);
        CHECK(run(0x01, all).ok && run(0x01, all).out.len == 0);
        memcpy(in + 32 * word, keep, 32);
        if (word == 1) {
            in[32] = 1;
            CHECK(run(0x01, all).ok && run(0x01, all).out.len == 0);
            in[32] = 0;
        }
    }
    for (size_t i = 0; i < test_rounds(50); i++) { /* short and damaged ones do no harm */
        size_t len = pre_make_ecrecover(in, &rng);
        CHECK(run(0x01, (fvm_bytes){ in, len < 128 ? len : 128 }).ok);
    }
}

/* Beside GMP. */
TEST(modexp_is_gmps)
{
    static uint8_t in[PRE_INPUT_MAX], want[PRE_INPUT_MAX];
    test_rng rng = { 2 };
    mpz_t b, e, m;
    mpz_inits(b, e, m, NULL);
    for (size_t round = 0; round < test_rounds(3000); round++) {
        bool large = round % 50 == 0;
        size_t nb = (size_t)test_rng_below(&rng, large ? 600 : 70);
        size_t ne = (size_t)test_rng_below(&rng, large ? 4 : 40);
        size_t nm = (size_t)test_rng_below(&rng, large ? 1500 : 70);
        pre_word(in, nb);
        pre_word(in + 32, ne);
        pre_word(in + 64, nm);
        pre_number(in + 96, nb, &rng);
        pre_number(in + 96 + nb, ne, &rng);
        pre_number(in + 96 + nb + ne, nm, &rng);
        size_t len = 96 + nb + ne + nm;
        size_t cut = test_rng_below(&rng, 4) ? 0 : (size_t)test_rng_below(&rng, len - 96 + 1);
        memset(in + len - cut, 0, cut);
        outcome r = run(0x05, (fvm_bytes){ in, len - cut });
        mpz_import(b, nb, 1, 1, 1, 0, in + 96);
        mpz_import(e, ne, 1, 1, 1, 0, in + 96 + nb);
        mpz_import(m, nm, 1, 1, 1, 0, in + 96 + nb + ne);
        memset(want, 0, nm);
        if (mpz_cmp_ui(m, 1) > 0) {
            mpz_powm(b, b, e, m);
            size_t bytes = (mpz_sizeinbase(b, 2) + 7) / 8;
            if (mpz_sgn(b)) mpz_export(want + nm - bytes, NULL, 1, 1, 1, 0, b);
        }
        CHECK(r.ok);
        CHECK_BYTES(r.out, ((fvm_bytes){ want, nb == 0 && nm == 0 ? 0 : nm }));
    }
    mpz_clears(b, e, m, NULL);
}

/* A hash of one block is one compression. */
TEST(blake2f_is_libsodiums)
{
    static const uint64_t iv[8] = {
        0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
        0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
    };
    test_rng rng = { 3 };
    for (size_t round = 0; round < test_rounds(200); round++) {
        uint8_t in[213] = { [3] = 12, [212] = 1 }, want[64];
        uint64_t h[8];
        size_t len = (size_t)test_rng_below(&rng, 129);
        memcpy(h, iv, sizeof h);
        h[0] ^= 0x01010040;
        memcpy(in + 4, h, 64);
        test_rng_fill(&rng, in + 68, len);
        in[196] = (uint8_t)len;
        CHECK(crypto_generichash(want, 64, in + 68, len, NULL, 0) == 0);
        CHECK_BYTES(run(0x09, (fvm_bytes){ in, 213 }).out, ((fvm_bytes){ want, 64 }));
    }
}

/* Signatures that OpenSSL makes are valid; changed in any word, OpenSSL and we agree. */
TEST(p256verify_is_openssls)
{
    test_rng rng = { 4 };
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    const BIGNUM *order = EC_GROUP_get0_order(group);
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *n[6];
    for (unsigned i = 0; i < 6; i++) n[i] = BN_new(); /* hash, r, s, x, y; key */
    for (size_t round = 0; round < test_rounds(100); round++) {
        uint8_t in[160], word[32];
        EC_POINT *q = EC_POINT_new(group), *t = EC_POINT_new(group);
        BIGNUM *k = BN_new(), *w = BN_new();
        /* r = x(k G), s = (hash + r key) / k, by hand: deterministic, unlike the library's signing */
        for (unsigned i = 0; i < 3; i++) {
            test_rng_fill(&rng, word, 32);
            word[0] &= 0x7f;
            BN_bin2bn(word, 32, i == 0 ? n[0] : i == 1 ? n[5] : k);
        }
        CHECK(EC_POINT_mul(group, q, n[5], NULL, NULL, ctx));
        CHECK(EC_POINT_get_affine_coordinates(group, q, n[3], n[4], ctx));
        CHECK(EC_POINT_mul(group, t, k, NULL, NULL, ctx));
        CHECK(EC_POINT_get_affine_coordinates(group, t, n[1], NULL, ctx));
        CHECK(BN_nnmod(n[1], n[1], order, ctx));
        CHECK(BN_mod_mul(w, n[1], n[5], order, ctx) && BN_mod_add(w, w, n[0], order, ctx));
        CHECK(BN_mod_inverse(k, k, order, ctx) && BN_mod_mul(n[2], w, k, order, ctx));
        for (unsigned i = 0; i < 5; i++) CHECK(BN_bn2binpad(n[i], in + 32 * i, 32) == 32);
        CHECK(run(0x100, (fvm_bytes){ in, 160 }).out.len == 32);
        in[test_rng_below(&rng, 160)] ^= (uint8_t)(1u << test_rng_below(&rng, 8));
        CHECK(run(0x100, (fvm_bytes){ in, 160 }).out.len == 0);
        EC_POINT_free(q);
        EC_POINT_free(t);
        BN_free(k);
        BN_free(w);
    }
    for (unsigned i = 0; i < 6; i++) BN_free(n[i]);
    BN_CTX_free(ctx);
    EC_GROUP_free(group);
}

/* a P + b P = (a + b) P, and e(a P, Q) e(b P, Q) e(-(a + b) P, Q) = 1, which fails when changed. */
TEST(bn254_is_linear)
{
    test_rng rng = { 5 };
    for (size_t round = 0; round < test_rounds(20); round++) {
        uint8_t in[576], p[3][64];
        fvm_bytes product;
        uint64_t k[3] = { test_rng_next(&rng) >> 1, test_rng_next(&rng) >> 1 };
        k[2] = k[0] + k[1];
        for (unsigned i = 0; i < 3; i++) {
            pre_hex(in, pre_bn_g1[3]);
            pre_word(in + 64, k[i]);
            product = run(0x07, (fvm_bytes){ in, 96 }).out;
            CHECK(product.len == 64);
            memcpy(p[i], product.ptr, 64);
        }
        memcpy(in, p[0], 64);
        memcpy(in + 64, p[1], 64);
        CHECK_BYTES(run(0x06, (fvm_bytes){ in, 128 }).out, ((fvm_bytes){ p[2], 64 }));
        uint8_t prime[32];
        unsigned borrow = 0;
        pre_hex(prime, BN_P);
        for (unsigned i = 32; i-- > 0;) { /* -y */
            unsigned d = 0x100u + prime[i] - p[2][32 + i] - borrow;
            p[2][32 + i] = (uint8_t)d;
            borrow = 1 - (d >> 8);
        }
        for (unsigned i = 0; i < 3; i++) {
            memcpy(in + 192 * i, p[i], 64);
            pre_hex(in + 192 * i + 64, pre_bn_g2[round % FVM_COUNT(pre_bn_g2)]);
        }
        CHECK_HEX(run(0x08, (fvm_bytes){ in, 576 }).out, W1);
        memcpy(in, p[1], 64);
        CHECK_HEX(run(0x08, (fvm_bytes){ in, 576 }).out, W0);
    }
}

static void put_g1(uint8_t out[128], const blst_p1 *p)
{
    blst_p1_affine a;
    blst_p1_to_affine(&a, p);
    pre_bls_put(out, &a.x);
    pre_bls_put(out + 64, &a.y);
    if (blst_p1_is_inf(p)) memset(out, 0, 128);
}

static void put_g2(uint8_t out[256], const blst_p2 *p)
{
    blst_p2_affine a;
    blst_p2_to_affine(&a, p);
    for (unsigned i = 0; i < 2; i++) {
        pre_bls_put(out + 64 * i, &a.x.fp[i]);
        pre_bls_put(out + 128 + 64 * i, &a.y.fp[i]);
    }
    if (blst_p2_is_inf(p)) memset(out, 0, 256);
}

static void get_g1(blst_p1 *out, const uint8_t *in)
{
    blst_p1_affine a;
    blst_fp_from_bendian(&a.x, in + 16);
    blst_fp_from_bendian(&a.y, in + 80);
    blst_p1_from_affine(out, &a);
}

static void get_g2(blst_p2 *out, const uint8_t *in)
{
    blst_p2_affine a;
    for (unsigned i = 0; i < 2; i++) {
        blst_fp_from_bendian(&a.x.fp[i], in + 16 + 64 * i);
        blst_fp_from_bendian(&a.y.fp[i], in + 144 + 64 * i);
    }
    blst_p2_from_affine(out, &a);
}

/* Our unit of blst, on our own field, beside the library's in assembly. */
TEST(bls12_sums_and_products_are_blsts)
{
    static uint8_t in[PRE_INPUT_MAX];
    uint8_t want[256], k[32];
    test_rng rng = { 6 };
    for (size_t round = 0; round < test_rounds(60); round++) {
        blst_p1 p, sum1;
        blst_p2 q, sum2;
        size_t n = 1 + (size_t)test_rng_below(&rng, 6);
        memset(&sum1, 0, sizeof sum1);
        memset(&sum2, 0, sizeof sum2);
        for (size_t i = 0; i < n; i++) {
            pre_bls_g1(in + 160 * i, &rng, false);
            pre_number(in + 160 * i + 128, 32, &rng);
            for (unsigned j = 0; j < 32; j++) k[j] = in[160 * i + 159 - j];
            get_g1(&p, in + 160 * i);
            blst_p1_mult(&p, &p, k, 256);
            blst_p1_add_or_double(&sum1, &sum1, &p);
        }
        put_g1(want, &sum1);
        CHECK_BYTES(run(0x0c, (fvm_bytes){ in, 160 * n }).out, ((fvm_bytes){ want, 128 }));
        for (size_t i = 0; i < n; i++) {
            pre_bls_g2(in + 288 * i, &rng, false);
            pre_number(in + 288 * i + 256, 32, &rng);
            for (unsigned j = 0; j < 32; j++) k[j] = in[288 * i + 287 - j];
            get_g2(&q, in + 288 * i);
            blst_p2_mult(&q, &q, k, 256);
            blst_p2_add_or_double(&sum2, &sum2, &q);
        }
        put_g2(want, &sum2);
        CHECK_BYTES(run(0x0e, (fvm_bytes){ in, 288 * n }).out, ((fvm_bytes){ want, 256 }));
        pre_bls_g1(in, &rng, round % 2);
        pre_bls_g1(in + 128, &rng, round % 2);
        get_g1(&p, in);
        get_g1(&sum1, in + 128);
        blst_p1_add_or_double(&sum1, &sum1, &p);
        put_g1(want, &sum1);
        CHECK_BYTES(run(0x0b, (fvm_bytes){ in, 256 }).out, ((fvm_bytes){ want, 128 }));
        pre_bls_g2(in, &rng, round % 2);
        pre_bls_g2(in + 256, &rng, round % 2);
        get_g2(&q, in);
        get_g2(&sum2, in + 256);
        blst_p2_add_or_double(&sum2, &sum2, &q);
        put_g2(want, &sum2);
        CHECK_BYTES(run(0x0d, (fvm_bytes){ in, 512 }).out, ((fvm_bytes){ want, 256 }));
    }
}

TEST(bls12_maps_and_pairings_are_blsts)
{
    uint8_t in[768], want[256];
    test_rng rng = { 7 };
    for (size_t round = 0; round < test_rounds(40); round++) {
        blst_fp2 u;
        blst_p1 p;
        blst_p2 q;
        pre_bls_fp(&u.fp[0], &rng);
        pre_bls_fp(&u.fp[1], &rng);
        pre_bls_put(in, &u.fp[0]);
        pre_bls_put(in + 64, &u.fp[1]);
        blst_map_to_g1(&p, &u.fp[0], NULL);
        put_g1(want, &p);
        CHECK_BYTES(run(0x10, (fvm_bytes){ in, 64 }).out, ((fvm_bytes){ want, 128 }));
        blst_map_to_g2(&q, &u, NULL);
        put_g2(want, &q);
        CHECK_BYTES(run(0x11, (fvm_bytes){ in, 128 }).out, ((fvm_bytes){ want, 256 }));
        pre_bls_pairing_one(in, &rng);
        CHECK_HEX(run(0x0f, (fvm_bytes){ in, 768 }).out, W1);
        CHECK_HEX(run(0x0f, (fvm_bytes){ in, 384 }).out, W0);
    }
}

TEST(points_outside_the_subgroup_are_refused_where_it_matters)
{
    uint8_t in[512] = { 0 };
    test_rng rng = { 8 };
    for (size_t round = 0; round < test_rounds(10); round++) {
        memset(in, 0, sizeof in);
        pre_bls_g1(in, &rng, true);
        CHECK(run(0x0b, (fvm_bytes){ in, 256 }).ok);  /* addition takes them */
        CHECK(!run(0x0c, (fvm_bytes){ in, 160 }).ok); /* even times zero */
        CHECK(!run(0x0f, (fvm_bytes){ in, 384 }).ok); /* even with infinity */
        memset(in, 0, sizeof in);
        pre_bls_g2(in, &rng, true);
        CHECK(run(0x0d, (fvm_bytes){ in, 512 }).ok);
        CHECK(!run(0x0e, (fvm_bytes){ in, 288 }).ok);
        memmove(in + 128, in, 256);
        memset(in, 0, 128);
        CHECK(!run(0x0f, (fvm_bytes){ in, 384 }).ok);
        pre_bls_g1(in, &rng, false);
        CHECK(!run(0x0f, (fvm_bytes){ in, 384 }).ok);
    }
}

/* --- Filecoin's --- */

TEST(call_actor_sends_what_it_is_told)
{
    static const uint8_t answer[] = { 0x43, 1, 2, 3 };
    const fvm_address to = fvm_address_id(77);
    uint8_t in[512] = { 0 };
    pre_word(in, 5000);
    pre_word(in + 32, 9);
    pre_word(in + 96, FVM_BLOCK_CBOR);
    pre_word(in + 128, 192);
    pre_word(in + 160, 77);
    pre_word(in + 192, 2);
    in[224] = 0x41, in[225] = 0x07;
    fvm_mock_reset();
    fvm_mock.balance = 100;
    fvm_mock_expect_send(&to, 5000, 9, 0, (fvm_bytes){ answer, sizeof answer });
    outcome r = run_kind(delegatecall, 0xfe05, 0, (fvm_bytes){ in, 256 });
    CHECK(r.ok && fvm_mock_sends_left() == 0);
    CHECK_HEX(r.out, W0 "0000000000000000000000000000000000000000000000000000000000000051"
                        "0000000000000000000000000000000000000000000000000000000000000060"
                        "0000000000000000000000000000000000000000000000000000000000000004"
                        "4301020300000000000000000000000000000000000000000000000000000000");
    CHECK_HEX(fvm_mock_sent_params(), "4107");
    /* an exit code is an answer, too */
    fvm_mock_reset();
    fvm_mock.balance = 100;
    fvm_mock_expect_send(&to, 5000, 9, 33, (fvm_bytes){ 0 });
    r = run_kind(delegatecall, 0xfe05, 0, (fvm_bytes){ in, 256 });
    CHECK(r.ok);
    CHECK_HEX(r.out, "0000000000000000000000000000000000000000000000000000000000000021" W0
                     "0000000000000000000000000000000000000000000000000000000000000060" W0);
    /* 2^128 is more than there is: minus the error number */
    in[32 + 15] = 1;
    fvm_mock_reset();
    r = run_kind(delegatecall, 0xfe05, 0, (fvm_bytes){ in, 256 });
    CHECK_HEX(r.out, "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffb" W0
                     "0000000000000000000000000000000000000000000000000000000000000060" W0);
    in[32 + 15] = 0;
    /* what makes it fail: reserved methods, unknown flags, codecs, another kind of call */
    static const struct {
        unsigned at;
        uint8_t value;
    } bad[] = { { 64 + 31, 2 }, { 96 + 31, 0x71 }, { 96 + 31, 0 }, { 128, 1 }, { 160, 1 } };
    for (size_t i = 0; i < FVM_COUNT(bad); i++) {
        uint8_t keep = in[bad[i].at];
        in[bad[i].at] = bad[i].value;
        fvm_mock_reset();
        CHECK(!run_kind(delegatecall, 0xfe05, 0, (fvm_bytes){ in, 256 }).ok);
        in[bad[i].at] = keep;
    }
    pre_word(in, 1023);
    CHECK(!run_kind(delegatecall, 0xfe05, 0, (fvm_bytes){ in, 256 }).ok);
    pre_word(in, 5000);
    CHECK(!run_kind(call, 0xfe05, 0, (fvm_bytes){ in, 256 }).ok);
}

TEST(value_goes_to_the_precompiles_f410_address)
{
    static const uint8_t spelled[22] = { 4, 10, [21] = 2 };
    fvm_address to;
    CHECK_OK(fvm_address_read(&to, (fvm_bytes){ spelled, 22 }, true));
    fvm_mock_reset();
    fvm_mock.balance = 100;
    fvm_mock_expect_send(&to, 0, 7, 0, (fvm_bytes){ 0 });
    CHECK(run_kind(call, 0x02, 7, (fvm_bytes){ 0 }).out.len == 32);
    CHECK(fvm_mock_sends_left() == 0);
    fvm_mock_expect_send(&to, 0, 7, 5, (fvm_bytes){ 0 }); /* refused: the call fails */
    outcome r = run_kind(call, 0x02, 7, (fvm_bytes){ 0 });
    CHECK(!r.ok && r.out.len == 0);
}
