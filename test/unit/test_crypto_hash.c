#include "crypto/crypto.h"
#include "test.h"

#define CHECK_HASH(function, size, in, hex)                                                        \
    do {                                                                                           \
        uint8_t out_[size];                                                                        \
        function(out_, (in));                                                                      \
        CHECK_HEX(((fvm_bytes){ out_, size }), hex);                                               \
    } while (0)

/* RFC 7693 appendix A; b2sum for the shorter lengths, which are parameters, not truncations */
TEST(blake2b_of_each_length)
{
    CHECK_HASH(fvm_blake2b_512, 64, FVM_STR("abc"),
               "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
               "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
    CHECK_HASH(fvm_blake2b_256, 32, FVM_STR("abc"),
               "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    CHECK_HASH(fvm_blake2b_160, 20, FVM_STR("abc"), "384264f676f39536840523f284921cdc68b6846b");
    CHECK_HASH(fvm_blake2b_32, 4, FVM_STR("abc"), "63906248");
    CHECK_HASH(fvm_blake2b_256, 32, FVM_STR(""),
               "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
}

/* reference/ipld.md 6.1: the address of the key 04 x 65, and its checksum */
TEST(blake2b_makes_the_address_of_the_reference)
{
    uint8_t key[65], address[21] = { 1 }, checksum[4];
    memset(key, 4, sizeof key);
    fvm_blake2b_160(address + 1, (fvm_bytes){ key, sizeof key });
    CHECK_HEX(((fvm_bytes){ address, 21 }), "01df034b2156625ebac9d8f7c7af61eff43a451e9f");
    fvm_blake2b_32(checksum, (fvm_bytes){ address, 21 });
    /* the end of f134buwikwmjplvsoy67d26ypp6q5ekhu7qap6hwq is base32 of it */
    CHECK_HEX(((fvm_bytes){ checksum, 4 }), "801fe3da");
}

TEST(blake2b_in_parts_equals_at_once)
{
    uint8_t data[1000], whole[32], parts[32];
    test_rng rng = { 1 };
    test_rng_fill(&rng, data, sizeof data);
    fvm_blake2b_256(whole, (fvm_bytes){ data, sizeof data });
    for (size_t step = 1; step < 300; step += 31) {
        fvm_blake2b_ctx ctx;
        fvm_blake2b_init(&ctx);
        fvm_blake2b_update(&ctx, (fvm_bytes){ NULL, 0 });
        for (size_t at = 0; at < sizeof data; at += step) {
            size_t n = sizeof data - at < step ? sizeof data - at : step;
            fvm_blake2b_update(&ctx, (fvm_bytes){ data + at, n });
        }
        fvm_blake2b_final(&ctx, parts);
        CHECK(memcmp(whole, parts, 32) == 0);
    }
}

/* FIPS 180-4 examples */
TEST(sha256_of_the_standards_examples)
{
    CHECK_HASH(fvm_sha256, 32, FVM_STR(""),
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_HASH(fvm_sha256, 32, FVM_STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* homes.esat.kuleuven.be/~bosselae/ripemd160.html */
TEST(ripemd160_of_the_authors_examples)
{
    CHECK_HASH(fvm_ripemd160, 20, FVM_STR(""), "9c1185a5c5e9fc54612808977ee8f548b2258d31");
    CHECK_HASH(fvm_ripemd160, 20, FVM_STR("message digest"),
               "5d0689ef49d2fae572b881b123a85ffa21595f36");
}

/* Well-known values of Ethereum: the hash of nothing, and two function selectors. */
TEST(keccak256_is_that_of_ethereum)
{
    uint8_t out[32];
    CHECK_HASH(fvm_keccak256, 32, FVM_STR(""),
               "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    CHECK_HASH(fvm_keccak256, 32, FVM_STR("abc"),
               "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    fvm_keccak256(out, FVM_STR("transfer(address,uint256)"));
    CHECK_HEX(((fvm_bytes){ out, 4 }), "a9059cbb");
}

/* Made with a build of keccak.c whose padding byte is SHA-3's, compared with Python's hashlib for
 * all lengths 0..600; these are the same lengths with Keccak's. */
TEST(keccak256_around_the_block_length)
{
    static const struct {
        size_t len;
        const char *hex;
    } rows[] = {
        { 135, "29e3704feeca7fb9ba229f0fa04d9b36449cf3ad6e1d85d9cfff3a10df9abc3e" },
        { 136, "3a5912a7c5faa06ee4fe906253e339467a9ce87d533c65be3c15cb231cdb25f9" },
        { 137, "bee7fbb405cb0d91a8775e338c4a5e4b5d6b2d051f687fa942043cffdc73bd28" },
        { 271, "3bb611e98ca876adc01436a582979ecfd012389033aca7dbf76dcb424fe02a0c" },
        { 272, "a8005c7a3125b6c3629b4181eca54d18721e41fef639718d205beb00b366ed7d" },
    };
    uint8_t zeros[300] = { 0 };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        CHECK_HASH(fvm_keccak256, 32, ((fvm_bytes){ zeros, rows[i].len }), rows[i].hex);
    }
}

TEST(blake2b_of_many_is_that_of_each)
{
    enum { MANY = 13 };
    static uint8_t bytes[4096];
    test_rng rng = { 3 };
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)test_rng_below(&rng, 256);
    for (size_t round = 0; round < test_rounds(300); round++) {
        fvm_bytes in[MANY];
        uint8_t many[MANY][32], one[32];
        size_t count = test_rng_below(&rng, MANY + 1);
        for (size_t i = 0; i < count; i++) {
            /* whole blocks of 128 bytes, one byte more or less, and anything */
            size_t len = test_rng_below(&rng, 5) * 128 + test_rng_below(&rng, 3);
            if (len > 0 && test_rng_below(&rng, 2)) len--;
            if (test_rng_below(&rng, 4) == 0) len = test_rng_below(&rng, 2000);
            in[i] = (fvm_bytes){ bytes + test_rng_below(&rng, 1000), len };
        }
        fvm_blake2b_256_many(many, in, count);
        for (size_t i = 0; i < count; i++) {
            fvm_blake2b_256(one, in[i]);
            CHECK(memcmp(one, many[i], 32) == 0);
        }
    }
}
