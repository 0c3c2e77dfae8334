/* precompile_inputs.h - inputs for each precompile: generated ones, valid and hostile, and typical ones
 * whose gas is measured. Points come from tables below, made with py_ecc and checked against it. */
#ifndef TEST_EVM_PRECOMPILE_INPUTS_H
#define TEST_EVM_PRECOMPILE_INPUTS_H

#include "test.h"

#include <blst.h>
#include <fvm/base.h>
#include <string.h>

#define PRE_INPUT_MAX 8192

static inline size_t pre_hex(uint8_t *out, const char *hex)
{
    return test_hex(out, PRE_INPUT_MAX, hex).len;
}

static inline void pre_word(uint8_t out[32], uint64_t v)
{
    memset(out, 0, 32);
    for (unsigned i = 0; i < 8; i++) out[31 - i] = (uint8_t)(v >> 8 * i);
}

/* A number of `n` bytes: random, or one of those that break things. */
static inline void pre_number(uint8_t *out, size_t n, test_rng *rng)
{
    switch (test_rng_below(rng, 8)) {
    case 0: memset(out, 0, n); break;
    case 1: memset(out, 0xff, n); break;
    case 2:
        memset(out, 0, n);
        if (n) out[n - 1] = (uint8_t)test_rng_below(rng, 4);
        break;
    case 3:
        memset(out, 0, n);
        if (n) test_rng_fill(rng, out + n / 2, n - n / 2);
        break;
    case 4:
        test_rng_fill(rng, out, n);
        memset(out + n / 2, 0, n - n / 2);
        break;
    default: test_rng_fill(rng, out, n);
    }
}

/* Breaks an input now and then: a byte, its length, a whole word. */
static inline size_t pre_damage(uint8_t *in, size_t len, test_rng *rng)
{
    if (len == 0) return 0;
    switch (test_rng_below(rng, 12)) {
    case 0: in[test_rng_below(rng, len)] ^= (uint8_t)(1u << test_rng_below(rng, 8)); break;
    case 1: len = (size_t)test_rng_below(rng, len); break;
    case 2: in[len++] = (uint8_t)test_rng_below(rng, 2); break;
    case 3: {
        size_t words = len / 32;
        if (words) pre_number(in + 32 * test_rng_below(rng, words), 32, rng);
        break;
    }
    default: break;
    }
    return len;
}

/* --- tables --- */

/* Multiples of bn254's generator: 1, 2, 3, random ones, and -2. */
static const char *const pre_bn_g1[] = {
    "0000000000000000000000000000000000000000000000000000000000000001"
    "0000000000000000000000000000000000000000000000000000000000000002",
    "030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3"
    "15ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4",
    "0769bf9ac56bea3ff40232bcb1b6bd159315d84715b8e679f2d355961915abf0"
    "2ab799bee0489429554fdb7c8d086475319e63b40b9c5b57cdf1ff3dd9fe2261",
    "1ae45b9e3e40f4863023d2b19114e1321a969a57c4e97defcf48478f1f2a4709"
    "30419982b112d34571bda2932cdce689159b176df28eab11bbc2f905acc8048b",
    "036da5688ec6d193ec3f28d5e360181d81b8f599114a58fc563c73c3be6c378d"
    "29a91090829c684092e2a58f5e04c0fb83dd5f4f8cecc3529398205847e18e34",
    "1d41bbd6b4174da2b5468f27e5528ab6aabcac954e90e10602d967e0e852b6c2"
    "2078b9893fa39f6e03b566764127c75317702e1ec16281ec4e1bf521cac5c69d",
    "15bca65bd83f93f5d7eab564cda679b376a59b9733ed66c510268627ac207558"
    "20d9fa6d2baa48c89eecd2ae1387b7d7ec537414fa9feb4043177d3b5a39bbdb",
    "030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3"
    "1a76dae6d3272396d0cbe61fced2bc532edac647851e3ac53ce1cc9c7e645a83",
};
/* Points of its G2, as EIP-197 spells them. */
static const char *const pre_bn_g2[] = {
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
    "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
    "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa",
    "203e205db4f19b37b60121b83a7333706db86431c6d835849957ed8c3928ad79"
    "27dc7234fd11d3e8c36c59277c3e6f149d5cd3cfa9a62aee49f8130962b4b3b9"
    "195e8aa5b7827463722b8c153931579d3505566b4edf48d498e185f0509de152"
    "04bb53b8977e5f92a0bc372742c4830944a59b4fe6b1c0466e2a6dad122b5d2e",
    "2f5c34388907ffa46c815660ad2f14d171c265a1376bd9fd843210a875795f9d"
    "296976c8c7307e8b2c3173aa97fedf830a04b3cf9bdf466b6b1af5c6ccb0b130"
    "0312bce10ef6413870b9a10c79a320707b3637be896d81ec9e65b5dcca64456b"
    "1f75cf35817b9060815635e01c0878db784f71745eff624cdc1d17cfe7b439fa",
    "199546c73daad71b7bf7e6023ab057cebc9aefc3837ea5f9e09291fc994184af"
    "1f7bb6fc896f2d8f7caaebd59559302fbf7e0fbb798e15219fb3b877f8285609"
    "0d00466b6f496c600a3372f7b45750b816682f75c075ab99728f2f1dc86e789e"
    "195e8c360ffd9c93393a74d1fdf1b75bbb9510f1b2a682171eba4c37704ad453",
};
/* On the twist but outside G2: random, of order 10069, and others that divide the cofactor. */
static const char *const pre_bn_g2_outside[] = {
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000002"
    "2b722ed547657a33238122b710a54d992e52f01f4cff6cc8e77e74268cacbf14"
    "184e49a28b311fe99c47905f002cd6085959e8398ef0c9bba8807a52b0fab5fa",
    "0000000000000000000000000000000000000000000000000000000000000004"
    "0000000000000000000000000000000000000000000000000000000000000003"
    "1bb7752654443856c6d481f6d00e24c7381fa80b56e1126424be91f349b0a5fd"
    "270f81250a60232b888ea378ed17d288d2ea8261816315466442325b058b5d54",
    "0000000000000000000000000000000000000000000000000000000000000004"
    "0000000000000000000000000000000000000000000000000000000000000004"
    "149c2acae691ece9b12933022ceaae5692d9a20d7757cd3f25c7d3c620fd34dd"
    "052c4390adf6f777e5528316298258b31f85bcfef0f00fb2fd54254c97140952",
    "2d4d4000c4e58acc6b2eafe0cb75cfd71963e846a1b1167d8ec8b6e7b893e438"
    "29ae762e7701d099a61cabaf92ca8d74fa5068463bd026fbe785d31e8e4280d0"
    "0b9d7aee149834cc6c63423db21784b35fba90d78c6fe0166d7719190cc1461d"
    "1bcd7ef54dcf7f4f3189c212637cbbcbd0d1f272ea4b4eed3bdc6f4a89e373f0",
    "0109e709cae18c6d5d4f227b767e12cf3f0c516e870ea41fc83320cefd679769"
    "1f464bea97d3f662bbd38ba0f27d0aef9aa1d7fd0bcde8672e2a424f6610326a"
    "05933862ca9045ae1dfcdb4b681dfc19857677e31888c29360340d9969fea2d7"
    "1271dd8029d58399854dff48a762f8401b9356afa6b208e89d45d07085f749ec",
    "15b4a27e686ee731b307001b4947ec42674a14bd835de58f744619b2e944835c"
    "2044a7a08be7d1772953fe6dd85fc530411831739acac6dee7ce425b760a7547"
    "0e0322cb823bf432492abc835a94c66c1d96f46322c71dcabe1bc74eace8eafe"
    "23c99c608ec3dad71d801b18b32a7cb64e0c392a8140708539e1a19452b4defc",
};
/* e(aG, bH) e(-abG, H) = 1 */
static const char pre_bn_pairing_one[] =
    "255d3851b6bbd234065c42b029cc5f775c4032bb19842c52b8e609383490d5ae"
    "08aa1ba83e969643a47901235efdb6aed69b0026c71e9587e776eec197fb0398"
    "1786ab4da87889d58144126c96d80cfccc0cbe3ee75d52d973dd9d29512f6aac"
    "09cd12169cc2dcda94f8193c1572d617d842849ebce5af3435d5447136e4efbd"
    "173eb2c26e6a898a7ed6cb462a00b56c9a0002daac09c211854eb2c3b8293274"
    "01c9271a3f186d16c117bc7d1dd9c718cd24c2a275da051d24b2dbe643569174"
    "1adecd5483b4086b6efd02ef345245be2847234ec47b7af8823deec624726e59"
    "1761e5d60bf10d929d188c7fb6dc957434047ec68c5131987ea8b873af905fee"
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
    "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
    "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa";
/* hash, r, s, x, y */
static const char *const pre_p256_valid[] = {
    "27745ccb9a31052e944cf1b220eaa2c7fb1b7d3e3f73f414af6e0d935520dd4c"
    "131040a204744b94a4d928849a5b21af92838c559bf8c6c0fcd48d4d4ffaa4e7"
    "19427d8be2caad4de2132f3ae48fdc0358022648fd3aee36dff423ff27cf84b6"
    "214564bb1a3b4153c97a1ebe1ed9fba987127ec35fead08f5c56bec586cde78f"
    "a41b911a6c7daeed406be533b5a5e7cdbb0ac0c2749741db1ec2dd19890b91d7",
    "2147738606f2bf7ec70209e0cd05ee5720edbcba3acce672084ab649fcbce49b"
    "7deaf8b31e9189307af9e49685830d55c57cad3b0ae74c08973afafc35623ca4"
    "744daa9b68b17cc33f12b708d7244d499f245a08b3e3e4148b8b5a510f25e7f1"
    "9d72b2e13d744a557a33ea3cf6a83d8f6d9a85535fe832c5d6a2210dbf053f7c"
    "0e126f2c56afdef9f08e4a5a08520aa2301ec501f58e1664df44846b9a2f21c0",
    "38bdecface4abd12108f391ebc070e83e8180a6bd4f43a2afffcd3c12ef89057"
    "4641c5c9cf71ba864e17baeadcec114871cfe9843d6188d6c13d9719ea0c3ef8"
    "584816f60ee6d067adad675bb33999053647dd33b2c352ac528d562bbf7b724a"
    "cb49d2850aba39ddbdb42feb5141b7a13ff51a75e8b6e5b07d57c9598c6fd33a"
    "ad46e4436ded497fcc075eed6b9dfb7c5d48ff8db78d27764c87ee88356acb70",
};

/* --- ecrecover, hashes, identity, blake2f --- */

static size_t pre_make_ecrecover(uint8_t *in, test_rng *rng)
{
    static const char valid[] = "456e9aea5e197a1f1af7a3e85a3212fa4049a3ba34c2289b4c860fc0b0c64ef3"
                                "000000000000000000000000000000000000000000000000000000000000001c"
                                "9242685bf161793cc25603c231bc2f568eb630ea16aa137d2664ac8038825608"
                                "4f8ae3bd7535248d0bd448298cc2e2071e56992d0774dc340c368ae950852ada";
    size_t len = pre_hex(in, valid);
    in[63] = (uint8_t)(27 + test_rng_below(rng, 2));
    if (test_rng_below(rng, 2)) test_rng_fill(rng, in, 32);
    if (test_rng_below(rng, 3) == 0) test_rng_fill(rng, in + 96, 32);
    return pre_damage(in, len, rng);
}

static size_t pre_make_bytes(uint8_t *in, test_rng *rng)
{
    size_t len = (size_t)test_rng_below(rng, test_rng_below(rng, 2) ? 40 : 1000);
    test_rng_fill(rng, in, len);
    return len;
}

static size_t pre_make_blake2f(uint8_t *in, test_rng *rng)
{
    test_rng_fill(rng, in, 213);
    in[0] = in[1] = 0;
    in[2] = 0;
    in[3] &= 0x3f;
    in[212] &= 1;
    return pre_damage(in, 213, rng);
}

static size_t pre_make_p256(uint8_t *in, test_rng *rng)
{
    size_t len = pre_hex(in, pre_p256_valid[test_rng_below(rng, FVM_COUNT(pre_p256_valid))]);
    return pre_damage(in, len, rng);
}

/* --- modexp --- */

static size_t pre_make_modexp(uint8_t *in, test_rng *rng)
{
    static const uint8_t sizes[] = { 0, 1, 2, 4, 7, 8, 14, 31, 32, 33, 56, 64, 96 };
    size_t b = sizes[test_rng_below(rng, sizeof sizes)];
    size_t e = sizes[test_rng_below(rng, sizeof sizes)] % 40;
    size_t m = sizes[test_rng_below(rng, sizeof sizes)];
    pre_word(in, b);
    pre_word(in + 32, e);
    pre_word(in + 64, m);
    pre_number(in + 96, b, rng);
    pre_number(in + 96 + b, e, rng);
    pre_number(in + 96 + b + e, m, rng);
    size_t len = 96 + b + e + m;
    switch (test_rng_below(rng, 8)) {
    case 0: return (size_t)test_rng_below(rng, len + 1);
    case 1: in[32 * test_rng_below(rng, 3) + 27] = 1; return len; /* above u32 */
    default: return len;
    }
}

/* --- bn254 --- */

static size_t pre_make_bn_add(uint8_t *in, test_rng *rng)
{
    for (unsigned i = 0; i < 2; i++)
        pre_hex(in + 64 * i, pre_bn_g1[test_rng_below(rng, FVM_COUNT(pre_bn_g1))]);
    if (test_rng_below(rng, 5) == 0) memcpy(in + 64, in, 64);
    if (test_rng_below(rng, 6) == 0) memset(in + 64 * test_rng_below(rng, 2), 0, 64);
    return pre_damage(in, 128, rng);
}

static size_t pre_make_bn_mul(uint8_t *in, test_rng *rng)
{
    pre_hex(in, pre_bn_g1[test_rng_below(rng, FVM_COUNT(pre_bn_g1))]);
    pre_number(in + 64, 32, rng);
    return pre_damage(in, 96, rng);
}

static size_t pre_make_bn_pairing(uint8_t *in, test_rng *rng)
{
    size_t n = (size_t)test_rng_below(rng, 3);
    for (size_t i = 0; i < n; i++) {
        uint8_t *at = in + 192 * i;
        pre_hex(at, pre_bn_g1[test_rng_below(rng, FVM_COUNT(pre_bn_g1))]);
        pre_hex(at + 64, pre_bn_g2[test_rng_below(rng, FVM_COUNT(pre_bn_g2))]);
        if (test_rng_below(rng, 6) == 0) memset(at, 0, 64);
        if (test_rng_below(rng, 6) == 0) memset(at + 64, 0, 128);
        if (test_rng_below(rng, 4) == 0) /* on the curve, not in the subgroup */
            pre_hex(at + 64, pre_bn_g2_outside[test_rng_below(rng, FVM_COUNT(pre_bn_g2_outside))]);
    }
    if (test_rng_below(rng, 6) == 0) {
        pre_hex(in, pre_bn_pairing_one);
        n = 2;
    }
    return pre_damage(in, 192 * n, rng);
}

/* --- BLS12-381, with points from the library's blst --- */

static void pre_bls_put(uint8_t out[64], const blst_fp *a)
{
    memset(out, 0, 16);
    blst_bendian_from_fp(out + 16, a);
}

static void pre_bls_fp(blst_fp *a, test_rng *rng)
{
    uint8_t bytes[48];
    pre_number(bytes, 48, rng);
    bytes[0] &= 0x0f;
    blst_fp_from_bendian(a, bytes);
}

/* A point: a multiple of the generator, now and then infinity, or (outside) one that is only on the curve. */
static void pre_bls_g1(uint8_t out[128], test_rng *rng, bool outside)
{
    static const uint8_t four[48] = { [47] = 4 };
    uint8_t k[32];
    blst_p1 p;
    blst_p1_affine a;
    blst_fp t, b;
    if (outside) {
        blst_fp_from_bendian(&b, four);
        do {
            pre_bls_fp(&a.x, rng);
            blst_fp_sqr(&t, &a.x);
            blst_fp_mul(&t, &t, &a.x);
            blst_fp_add(&t, &t, &b);
        } while (!blst_fp_sqrt(&a.y, &t));
    } else {
        pre_number(k, 32, rng);
        blst_p1_mult(&p, blst_p1_generator(), k, test_rng_below(rng, 4) ? 256 : 3);
        blst_p1_to_affine(&a, &p);
    }
    pre_bls_put(out, &a.x);
    pre_bls_put(out + 64, &a.y);
}

static void pre_bls_g2(uint8_t out[256], test_rng *rng, bool outside)
{
    static const uint8_t four[48] = { [47] = 4 };
    uint8_t k[32];
    blst_p2 p;
    blst_p2_affine a;
    blst_fp2 t, b;
    if (outside) {
        blst_fp_from_bendian(&b.fp[0], four);
        b.fp[1] = b.fp[0];
        do {
            pre_bls_fp(&a.x.fp[0], rng);
            pre_bls_fp(&a.x.fp[1], rng);
            blst_fp2_sqr(&t, &a.x);
            blst_fp2_mul(&t, &t, &a.x);
            blst_fp2_add(&t, &t, &b);
        } while (!blst_fp2_sqrt(&a.y, &t));
    } else {
        pre_number(k, 32, rng);
        blst_p2_mult(&p, blst_p2_generator(), k, test_rng_below(rng, 4) ? 256 : 3);
        blst_p2_to_affine(&a, &p);
    }
    for (unsigned i = 0; i < 2; i++) {
        pre_bls_put(out + 64 * i, &a.x.fp[i]);
        pre_bls_put(out + 128 + 64 * i, &a.y.fp[i]);
    }
}

static size_t pre_make_g1add(uint8_t *in, test_rng *rng)
{
    pre_bls_g1(in, rng, test_rng_below(rng, 3) == 0);
    pre_bls_g1(in + 128, rng, test_rng_below(rng, 3) == 0);
    if (test_rng_below(rng, 5) == 0) memcpy(in + 128, in, 128);
    return pre_damage(in, 256, rng);
}

static size_t pre_make_g2add(uint8_t *in, test_rng *rng)
{
    pre_bls_g2(in, rng, test_rng_below(rng, 3) == 0);
    pre_bls_g2(in + 256, rng, test_rng_below(rng, 3) == 0);
    if (test_rng_below(rng, 5) == 0) memcpy(in + 256, in, 256);
    return pre_damage(in, 512, rng);
}

static size_t pre_make_g1msm(uint8_t *in, test_rng *rng)
{
    size_t n = (size_t)test_rng_below(rng, 5);
    for (size_t i = 0; i < n; i++) {
        pre_bls_g1(in + 160 * i, rng, test_rng_below(rng, 20) == 0);
        pre_number(in + 160 * i + 128, 32, rng);
    }
    return pre_damage(in, 160 * n, rng);
}

static size_t pre_make_g2msm(uint8_t *in, test_rng *rng)
{
    size_t n = (size_t)test_rng_below(rng, 4);
    for (size_t i = 0; i < n; i++) {
        pre_bls_g2(in + 288 * i, rng, test_rng_below(rng, 20) == 0);
        pre_number(in + 288 * i + 256, 32, rng);
    }
    return pre_damage(in, 288 * n, rng);
}

/* e(a G, H) e(-G, a H) = 1 */
static void pre_bls_pairing_one(uint8_t in[768], test_rng *rng)
{
    uint8_t k[32];
    blst_p1 p = *blst_p1_generator();
    blst_p2 q = *blst_p2_generator();
    blst_p1_affine pa[2];
    blst_p2_affine qa[2];
    test_rng_fill(rng, k, 32);
    blst_p1_cneg(&p, true);
    blst_p1_to_affine(&pa[1], &p);
    blst_p2_to_affine(&qa[0], &q);
    blst_p1_mult(&p, blst_p1_generator(), k, 250);
    blst_p2_mult(&q, &q, k, 250);
    blst_p1_to_affine(&pa[0], &p);
    blst_p2_to_affine(&qa[1], &q);
    for (unsigned j = 0; j < 2; j++) {
        uint8_t *at = in + 384 * j;
        pre_bls_put(at, &pa[j].x);
        pre_bls_put(at + 64, &pa[j].y);
        for (unsigned i = 0; i < 2; i++) {
            pre_bls_put(at + 128 + 64 * i, &qa[j].x.fp[i]);
            pre_bls_put(at + 256 + 64 * i, &qa[j].y.fp[i]);
        }
    }
}

static size_t pre_make_bls_pairing(uint8_t *in, test_rng *rng)
{
    size_t n = (size_t)test_rng_below(rng, 3);
    for (size_t i = 0; i < n; i++) {
        pre_bls_g1(in + 384 * i, rng, test_rng_below(rng, 12) == 0);
        pre_bls_g2(in + 384 * i + 128, rng, test_rng_below(rng, 8) == 0);
    }
    if (test_rng_below(rng, 3) == 0) {
        pre_bls_pairing_one(in, rng);
        n = 2;
    }
    return pre_damage(in, 384 * n, rng);
}

static size_t pre_make_map_fp(uint8_t *in, test_rng *rng)
{
    blst_fp a;
    pre_bls_fp(&a, rng);
    pre_bls_put(in, &a);
    return pre_damage(in, 64, rng);
}

static size_t pre_make_map_fp2(uint8_t *in, test_rng *rng)
{
    blst_fp a;
    for (unsigned i = 0; i < 2; i++) {
        pre_bls_fp(&a, rng);
        pre_bls_put(in + 64 * i, &a);
    }
    return pre_damage(in, 128, rng);
}

/* --- Filecoin's --- */

static size_t pre_make_address(uint8_t *in, test_rng *rng)
{
    static const char *const some[] = { "0064", "00ec07",   "00ff7f", "0000", "01",
                                        "",     "040a0102", "04",     "0505", "000000" };
    if (test_rng_below(rng, 3)) return pre_hex(in, some[test_rng_below(rng, FVM_COUNT(some))]);
    size_t len = 21 + (size_t)test_rng_below(rng, 30);
    test_rng_fill(rng, in, len);
    in[0] = (uint8_t)test_rng_below(rng, 5);
    if (in[0] == 1 || in[0] == 2) len = 21;
    if (in[0] == 3) len = 49;
    if (in[0] == 4) in[1] = 10;
    return pre_damage(in, len, rng);
}

static size_t pre_make_id(uint8_t *in, test_rng *rng)
{
    static const uint64_t ids[] = { 0, 1, 10, 99, 100, 1000, 1001, UINT64_MAX };
    pre_word(in, ids[test_rng_below(rng, FVM_COUNT(ids))]);
    return pre_damage(in, 32, rng);
}

static size_t pre_make_epoch(uint8_t *in, test_rng *rng)
{
    pre_word(in, test_rng_below(rng, 100));
    if (test_rng_below(rng, 8) == 0) memset(in, 0xff, 32);
    return pre_damage(in, 32, rng);
}

/* method, value, flags, codec, offsets; then parameters and address */
static size_t pre_make_call(uint8_t *in, test_rng *rng, bool by_id)
{
    static const uint64_t methods[] = { 0, 1, 2, 1023, 1024, 2643134072, 3844450837 };
    static const uint64_t codecs[] = { 0, 0x51, 0x51, 0x51, 0x71, 0x55 };
    static const uint64_t ids[] = { 0, 1, 99, 100, 1004, 77777 };
    size_t len = 192, params = (size_t)test_rng_below(rng, 40), at;
    uint64_t codec = codecs[test_rng_below(rng, FVM_COUNT(codecs))];
    if (codec == 0 && test_rng_below(rng, 4)) params = 0;
    pre_word(in, methods[test_rng_below(rng, FVM_COUNT(methods))]);
    pre_word(in + 32, test_rng_below(rng, 3) ? 0 : test_rng_below(rng, 3000000));
    if (test_rng_below(rng, 10) == 0) memset(in + 32, 0xff, 32);
    pre_word(in + 64, test_rng_below(rng, 6) ? test_rng_below(rng, 2) : test_rng_below(rng, 5));
    pre_word(in + 96, codec);
    pre_word(in + 128, len);
    pre_word(in + len, params);
    test_rng_fill(rng, in + len + 32, params);
    len += 32 + (params + 31) / 32 * 32;
    if (by_id) {
        pre_word(in + 160, ids[test_rng_below(rng, FVM_COUNT(ids))]);
    } else {
        pre_word(in + 160, len);
        at = pre_make_address(in + len + 32, rng);
        if (test_rng_below(rng, 2)) at = pre_hex(in + len + 32, "0064");
        pre_word(in + len, at);
        len += 32 + at;
    }
    return pre_damage(in, len, rng);
}

static size_t pre_make_call_actor(uint8_t *in, test_rng *rng)
{
    return pre_make_call(in, rng, false);
}

static size_t pre_make_call_actor_id(uint8_t *in, test_rng *rng)
{
    return pre_make_call(in, rng, true);
}

static const struct {
    const char *name;
    unsigned number;
    unsigned weight; /* inputs a round */
    bool delegate;   /* works in a DELEGATECALL only */
    size_t (*make)(uint8_t *in, test_rng *rng);
} pre_families[] = {
    { "ecrecover", 0x01, 12, false, pre_make_ecrecover },
    { "sha256", 0x02, 4, false, pre_make_bytes },
    { "ripemd160", 0x03, 4, false, pre_make_bytes },
    { "identity", 0x04, 4, false, pre_make_bytes },
    { "modexp", 0x05, 60, false, pre_make_modexp },
    { "bn254 add", 0x06, 25, false, pre_make_bn_add },
    { "bn254 mul", 0x07, 10, false, pre_make_bn_mul },
    { "bn254 pairing", 0x08, 8, false, pre_make_bn_pairing },
    { "blake2f", 0x09, 10, false, pre_make_blake2f },
    { "bls12 g1add", 0x0b, 12, false, pre_make_g1add },
    { "bls12 g1msm", 0x0c, 8, false, pre_make_g1msm },
    { "bls12 g2add", 0x0d, 12, false, pre_make_g2add },
    { "bls12 g2msm", 0x0e, 8, false, pre_make_g2msm },
    { "bls12 pairing", 0x0f, 8, false, pre_make_bls_pairing },
    { "bls12 map fp to g1", 0x10, 6, false, pre_make_map_fp },
    { "bls12 map fp2 to g2", 0x11, 6, false, pre_make_map_fp2 },
    { "p256verify", 0x100, 10, false, pre_make_p256 },
    { "resolve_address", 0xfe01, 20, false, pre_make_address },
    { "lookup_delegated", 0xfe02, 10, false, pre_make_id },
    { "call_actor", 0xfe03, 40, true, pre_make_call_actor },
    { "call_actor_id", 0xfe05, 40, true, pre_make_call_actor_id },
    { "get_randomness", 0xfe06, 10, false, pre_make_epoch },
};
#define PRE_FAMILIES FVM_COUNT(pre_families)

/* --- what is measured --- */

static size_t pre_gas_ecrecover(uint8_t *in)
{
    return pre_hex(in, "456e9aea5e197a1f1af7a3e85a3212fa4049a3ba34c2289b4c860fc0b0c64ef3"
                       "000000000000000000000000000000000000000000000000000000000000001c"
                       "9242685bf161793cc25603c231bc2f568eb630ea16aa137d2664ac8038825608"
                       "4f8ae3bd7535248d0bd448298cc2e2071e56992d0774dc340c368ae950852ada");
}
static size_t pre_gas_bytes(uint8_t *in)
{
    memset(in, 0x5a, 256);
    return 256;
}
static size_t pre_gas_modexp(uint8_t *in, size_t bytes, size_t exponent, uint8_t low)
{
    test_rng rng = { bytes + exponent };
    pre_word(in, bytes);
    pre_word(in + 32, exponent);
    pre_word(in + 64, bytes);
    test_rng_fill(&rng, in + 96, 2 * bytes + exponent);
    if (exponent == 3) memcpy(in + 96 + bytes, "\x01\x00\x01", 3);
    in[96 + bytes + exponent] |= 0x80;
    in[95 + 2 * bytes + exponent] = low;
    return 96 + 2 * bytes + exponent;
}
static size_t pre_gas_modexp_32(uint8_t *in)
{
    return pre_gas_modexp(in, 32, 32, 0x43);
}
static size_t pre_gas_modexp_rsa(uint8_t *in)
{
    return pre_gas_modexp(in, 256, 3, 0x43);
}
static size_t pre_gas_modexp_even(uint8_t *in)
{
    return pre_gas_modexp(in, 32, 32, 0x42);
}
static size_t pre_gas_bn_add(uint8_t *in)
{
    pre_hex(in, pre_bn_g1[1]);
    pre_hex(in + 64, pre_bn_g1[2]);
    return 128;
}
static size_t pre_gas_bn_mul(uint8_t *in)
{
    test_rng rng = { 7 };
    pre_hex(in, pre_bn_g1[1]);
    test_rng_fill(&rng, in + 64, 32);
    in[64] &= 0x2f;
    return 96;
}
static size_t pre_gas_bn_pairing(uint8_t *in)
{
    return pre_hex(in, pre_bn_pairing_one);
}
static size_t pre_gas_blake2f(uint8_t *in)
{
    test_rng rng = { 9 };
    test_rng_fill(&rng, in, 213);
    in[0] = in[1] = in[2] = 0;
    in[3] = 12;
    in[212] = 1;
    return 213;
}
static size_t pre_gas_p256(uint8_t *in)
{
    return pre_hex(in, pre_p256_valid[0]);
}

static size_t pre_gas_g1add(uint8_t *in)
{
    test_rng rng = { 1 };
    pre_bls_g1(in, &rng, true);
    pre_bls_g1(in + 128, &rng, true);
    return 256;
}
static size_t pre_gas_g2add(uint8_t *in)
{
    test_rng rng = { 1 };
    pre_bls_g2(in, &rng, true);
    pre_bls_g2(in + 256, &rng, true);
    return 512;
}
static size_t pre_gas_g1msm(uint8_t *in, size_t n)
{
    test_rng rng = { n };
    uint8_t pairing[768];
    for (size_t i = 0; i < n; i++) {
        pre_bls_pairing_one(pairing, &rng);
        memcpy(in + 160 * i, pairing, 128);
        test_rng_fill(&rng, in + 160 * i + 128, 32);
    }
    return 160 * n;
}
static size_t pre_gas_g2msm(uint8_t *in, size_t n)
{
    test_rng rng = { n };
    uint8_t pairing[768];
    for (size_t i = 0; i < n; i++) {
        pre_bls_pairing_one(pairing, &rng);
        memcpy(in + 288 * i, pairing + 512, 256);
        test_rng_fill(&rng, in + 288 * i + 256, 32);
    }
    return 288 * n;
}
static size_t pre_gas_g1mul(uint8_t *in)
{
    return pre_gas_g1msm(in, 1);
}
static size_t pre_gas_g1msm_16(uint8_t *in)
{
    return pre_gas_g1msm(in, 16);
}
static size_t pre_gas_g2mul(uint8_t *in)
{
    return pre_gas_g2msm(in, 1);
}
static size_t pre_gas_g2msm_16(uint8_t *in)
{
    return pre_gas_g2msm(in, 16);
}
static size_t pre_gas_bls_pairing(uint8_t *in)
{
    test_rng rng = { 3 };
    pre_bls_pairing_one(in, &rng);
    return 768;
}
static size_t pre_gas_map_fp(uint8_t *in)
{
    return pre_hex(in, "00000000000000000000000000000000156c8a6a2c184569d69a76be144b5cdc"
                       "5141d2d2ca4fe341f011e25e3969c55ad9e9b9ce2eb833c81a908e5fa4ac5f03");
}
static size_t pre_gas_map_fp2(uint8_t *in)
{
    return pre_gas_map_fp(in) + pre_gas_map_fp(in + 64);
}

static const struct {
    const char *name;
    unsigned number;
    size_t (*make)(uint8_t *in);
} pre_gas_cases[] = {
    { "ecrecover", 0x01, pre_gas_ecrecover },
    { "sha256, 256 bytes", 0x02, pre_gas_bytes },
    { "ripemd160, 256 bytes", 0x03, pre_gas_bytes },
    { "identity, 256 bytes", 0x04, pre_gas_bytes },
    { "modexp, 32^32 mod 32 bytes", 0x05, pre_gas_modexp_32 },
    { "modexp, RSA-2048, e 65537", 0x05, pre_gas_modexp_rsa },
    { "modexp, even, 32 bytes", 0x05, pre_gas_modexp_even },
    { "bn254 add", 0x06, pre_gas_bn_add },
    { "bn254 mul", 0x07, pre_gas_bn_mul },
    { "bn254 pairing, 2 pairs", 0x08, pre_gas_bn_pairing },
    { "blake2f, 12 rounds", 0x09, pre_gas_blake2f },
    { "bls12 g1add", 0x0b, pre_gas_g1add },
    { "bls12 g1msm, 1 point", 0x0c, pre_gas_g1mul },
    { "bls12 g1msm, 16 points", 0x0c, pre_gas_g1msm_16 },
    { "bls12 g2add", 0x0d, pre_gas_g2add },
    { "bls12 g2msm, 1 point", 0x0e, pre_gas_g2mul },
    { "bls12 g2msm, 16 points", 0x0e, pre_gas_g2msm_16 },
    { "bls12 pairing, 2 pairs", 0x0f, pre_gas_bls_pairing },
    { "bls12 map fp to g1", 0x10, pre_gas_map_fp },
    { "bls12 map fp2 to g2", 0x11, pre_gas_map_fp2 },
    { "p256verify", 0x100, pre_gas_p256 },
};
#define PRE_GAS_CASES FVM_COUNT(pre_gas_cases)
#endif
