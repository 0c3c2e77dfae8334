/* Proof syscalls: decoding, charges, what is refused before the proofs library is asked, and what its
 * answers become. */
#include "kernel_fixture.h"

typedef fvm_buf cbor;

static void put_rand(cbor *b, size_t len)
{
    static const uint8_t ff[40] = { [31] = 0xff };
    CHECK_OK(fvm_cbor_put_bytes(b, (fvm_bytes){ ff, len }));
}
static void put_commitment(cbor *b, bool sealed)
{
    fvm_cid cid = { .version = 1,
                    .codec = sealed ? FVM_CODEC_COMM_SEALED : FVM_CODEC_COMM_UNSEALED,
                    .hash = sealed ? FVM_HASH_POSEIDON : FVM_HASH_SHA2_256_TRUNC254,
                    .digest_len = 32 };
    CHECK_OK(fvm_cbor_put_cid(b, &cid));
}

/* SealVerifyInfo; `rand` bytes of randomness. */
static void put_seal(cbor *b, int64_t proof, size_t rand, bool swap)
{
    CHECK_OK(fvm_cbor_put_array(b, 8));
    CHECK_OK(fvm_cbor_put_int(b, proof));
    CHECK_OK(fvm_cbor_put_array(b, 2));
    CHECK_OK(fvm_cbor_put_uint(b, 1000));
    CHECK_OK(fvm_cbor_put_uint(b, 5));
    CHECK_OK(fvm_cbor_put_array(b, 1));
    CHECK_OK(fvm_cbor_put_uint(b, 3));
    put_rand(b, rand);
    put_rand(b, 32);
    CHECK_OK(fvm_cbor_put_bytes(b, FVM_STR("proof")));
    put_commitment(b, !swap);
    put_commitment(b, swap);
}

static fvm_err call_with(fixture *f, fvm__syscall_fn *handler, cbor *b)
{
    fixture_poke(f, 0, fvm_buf_bytes(b));
    fixture_spent(f);
    fvm_err err = CALL(f, handler, 0, b->len, 60000);
    fvm_buf_deinit(b);
    return err;
}

TEST(a_batch_of_seals_gives_a_byte_each)
{
    fixture f;
    cbor b;
    fixture_open(&f, 21);
    fvm_buf_init(&b, NULL);
    CHECK_OK(fvm_cbor_put_array(&b, 5));
    put_seal(&b, 8, 32, false);
    put_seal(&b, 99, 32, false); /* no such proof */
    put_seal(&b, 8, 31, false);  /* randomness too short */
    put_seal(&b, 8, 32, true);   /* commitments swapped */
    put_seal(&b, 19, 32, false);
    f.valid = true;
    memset(f.mem + 60000, 9, 6);
    CHECK_OK(call_with(&f, fvm__crypto_batch_verify_seals, &b));
    CHECK_HEX(((fvm_bytes){ f.mem + 60000, 6 }), "010000000109");
    CHECK(f.proofs_asked == 2 && fixture_spent(&f) == 5 * 2000000);

    f.extern_err = FVM_ERR_INVALID; /* an answer that there is none is a 0 */
    fvm_buf_init(&b, NULL);
    CHECK_OK(fvm_cbor_put_array(&b, 1));
    put_seal(&b, 8, 32, false);
    CHECK_OK(call_with(&f, fvm__crypto_batch_verify_seals, &b));
    CHECK(f.mem[60000] == 0);
    f.extern_err = FVM_ERR_NOMEM;
    fvm_buf_init(&b, NULL);
    CHECK_OK(fvm_cbor_put_array(&b, 1));
    put_seal(&b, 8, 32, false);
    CHECK_ERR(call_with(&f, fvm__crypto_batch_verify_seals, &b), FVM_ERR_NOMEM);
    fixture_close(&f);
}

TEST(batches_cost_nothing_in_nv17_and_21000_times_as_much_from_nv25)
{
    static const struct {
        uint32_t version;
        int64_t each;
    } rows[] = { { 17, 0 }, { 18, 2000000 }, { 24, 2000000 }, { 25, INT64_C(42000000000) } };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fixture f;
        cbor b;
        fixture_open(&f, rows[i].version);
        fvm_buf_init(&b, NULL);
        CHECK_OK(fvm_cbor_put_array(&b, 2));
        put_seal(&b, 8, 32, false);
        put_seal(&b, 8, 32, false);
        CHECK_OK(call_with(&f, fvm__crypto_batch_verify_seals, &b));
        CHECK(fixture_spent(&f) == 2 * rows[i].each && f.proofs_asked == 2);
        fixture_close(&f);
    }
}

TEST(a_single_seal_is_verified_in_nv17)
{
    fixture f;
    cbor b;
    fixture_open(&f, 17);
    fvm_buf_init(&b, NULL);
    put_seal(&b, 8, 32, false);
    CHECK_OK(call_with(&f, fvm__crypto_verify_seal, &b));
    CHECK(OUT32(&f, 0) == UINT32_MAX && fixture_spent(&f) == 2000000);
    fvm_buf_init(&b, NULL);
    put_seal(&b, 10, 32, false); /* synthetic proofs came later */
    CHECK_ERR(call_with(&f, fvm__crypto_verify_seal, &b), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    CHECK(fixture_spent(&f) == 2000000 && f.proofs_asked == 1);
    fixture_close(&f);
}

/* --- window PoSt --- */

typedef struct post {
    size_t rand;
    int64_t types[3];
    unsigned type_count;
    int64_t seals[2];
    unsigned seal_count;
    bool unsealed; /* the sectors' commitments are of the wrong kind */
} post;

static void put_post(cbor *b, const post *p)
{
    CHECK_OK(fvm_cbor_put_array(b, 4));
    put_rand(b, p->rand);
    CHECK_OK(fvm_cbor_put_array(b, p->type_count));
    for (unsigned i = 0; i < p->type_count; i++) {
        CHECK_OK(fvm_cbor_put_array(b, 2));
        CHECK_OK(fvm_cbor_put_int(b, p->types[i]));
        CHECK_OK(fvm_cbor_put_bytes(b, FVM_STR("bytes")));
    }
    CHECK_OK(fvm_cbor_put_array(b, p->seal_count));
    for (unsigned i = 0; i < p->seal_count; i++) {
        CHECK_OK(fvm_cbor_put_array(b, 3));
        CHECK_OK(fvm_cbor_put_int(b, p->seals[i]));
        CHECK_OK(fvm_cbor_put_uint(b, 42));
        put_commitment(b, !p->unsealed);
    }
    CHECK_OK(fvm_cbor_put_uint(b, 1000));
}

#define BAD FVM_ERR_SYS_ILLEGAL_ARGUMENT
static const struct {
    const char *why;
    uint32_t version;
    post p;
    fvm_err err;
} posts[] = {
    { "in order", 21, { 32, { 13 }, 1, { 8, 3 }, 2, false }, FVM_OK },
    { "no sectors, the library's to refuse", 21, { 32, { 13 }, 1, { 0 }, 0, false }, FVM_OK },
    { "randomness too short", 21, { 31, { 13 }, 1, { 8 }, 1, false }, BAD },
    { "randomness too long", 21, { 33, { 13 }, 1, { 8 }, 1, false }, BAD },
    { "no proofs", 21, { 32, { 0 }, 0, { 8 }, 1, false }, BAD },
    { "two types", 21, { 32, { 13, 14 }, 2, { 8 }, 1, false }, BAD },
    { "a sector of another size", 21, { 32, { 13 }, 1, { 9 }, 1, false }, BAD },
    { "an unknown seal", 21, { 32, { 13 }, 1, { 23 }, 1, false }, BAD },
    { "window V1 is gone", 21, { 32, { 8 }, 1, { 8 }, 1, false }, BAD },
    { "window V1 still there", 20, { 32, { 8 }, 1, { 8 }, 1, false }, FVM_OK },
    { "an unknown type without sectors", 21, { 32, { 15 }, 1, { 0 }, 0, false }, BAD },
    { "a winning type without sectors", 21, { 32, { 3 }, 1, { 0 }, 0, false }, FVM_OK },
    { "a winning type", 21, { 32, { 3 }, 1, { 8 }, 1, false }, BAD },
    { "non-interactive seals since nv21", 20, { 32, { 13 }, 1, { 18 }, 1, false }, BAD },
    { "non-interactive seals", 21, { 32, { 13 }, 1, { 18 }, 1, false }, FVM_OK },
    { "data commitments", 21, { 32, { 13 }, 1, { 8 }, 1, true }, BAD },
    { "nv17 compares no types", 17, { 32, { 8, 9 }, 2, { 3 }, 1, false }, FVM_OK },
    { "nv17 leaves no proofs to the library", 17, { 32, { 0 }, 0, { 3 }, 1, false }, FVM_OK },
    { "nv17 has no window V1P1", 17, { 32, { 13 }, 1, { 3 }, 1, false }, BAD },
};

TEST(posts_are_charged_by_sectors_then_checked_then_asked_about)
{
    for (size_t i = 0; i < FVM_COUNT(posts); i++) {
        fixture f;
        cbor b;
        fixture_open(&f, posts[i].version);
        fvm_buf_init(&b, NULL);
        put_post(&b, &posts[i].p);
        CHECK_AT(posts[i].why, call_with(&f, fvm__crypto_verify_post, &b) == posts[i].err);
        CHECK_AT(posts[i].why, f.env.gas.used == INT64_C(117680921000) +
                                                     43780000 * (int64_t)posts[i].p.seal_count);
        CHECK_AT(posts[i].why, f.proofs_asked == (posts[i].err == FVM_OK));
        if (posts[i].err == FVM_OK) CHECK_AT(posts[i].why, OUT32(&f, 0) == UINT32_MAX);
        fixture_close(&f);
    }
}

TEST(the_library_gets_masked_randomness)
{
    fixture f;
    cbor b;
    const post p = { 32, { 13 }, 1, { 8 }, 1, false };
    fixture_open(&f, 21);
    f.valid = true;
    fvm_buf_init(&b, NULL);
    put_post(&b, &p);
    uint8_t want[512];
    size_t len = b.len;
    memcpy(want, b.ptr, len);
    CHECK(want[3 + 31] == 0xff);
    want[3 + 31] = 0x3f;
    CHECK_OK(call_with(&f, fvm__crypto_verify_post, &b));
    CHECK(OUT32(&f, 0) == 0);
    CHECK_BYTES(fvm_buf_bytes(&f.proof_params), ((fvm_bytes){ want, len }));
    f.extern_err = FVM_ERR_INVALID;
    fvm_buf_init(&b, NULL);
    put_post(&b, &p);
    CHECK_ERR(call_with(&f, fvm__crypto_verify_post, &b), BAD);
    f.externs.verify_proof = NULL;
    fvm_buf_init(&b, NULL);
    put_post(&b, &p);
    CHECK_ERR(call_with(&f, fvm__crypto_verify_post, &b), BAD);
    fixture_close(&f);
}

TEST(the_calibration_network_took_type_13_for_8_once)
{
    static const struct {
        uint32_t version;
        int64_t epoch;
        int first_type; /* as handed on */
    } rows[] = { { 19, 498691, 8 }, { 19, 498692, 13 }, { 21, 1, 13 } };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fixture f;
        cbor b;
        const post p = { 32, { 13 }, 1, { 8 }, 1, false };
        fixture_open(&f, rows[i].version);
        f.tipset.chain_id = 314159;
        f.tipset.epoch = rows[i].epoch;
        fvm_buf_init(&b, NULL);
        put_post(&b, &p);
        size_t len = b.len;
        CHECK_OK(call_with(&f, fvm__crypto_verify_post, &b));
        CHECK(f.proof_params.len == len && f.proof_params.ptr[37] == rows[i].first_type);
        fixture_close(&f);
    }
}

/* --- aggregates and updates --- */

static void put_aggregate(cbor *b, int64_t seal, int64_t kind, unsigned count, size_t rand)
{
    CHECK_OK(fvm_cbor_put_array(b, 5));
    CHECK_OK(fvm_cbor_put_uint(b, 1000));
    CHECK_OK(fvm_cbor_put_int(b, seal));
    CHECK_OK(fvm_cbor_put_int(b, kind));
    CHECK_OK(fvm_cbor_put_bytes(b, FVM_STR("proof")));
    CHECK_OK(fvm_cbor_put_array(b, count));
    for (unsigned i = 0; i < count; i++) {
        CHECK_OK(fvm_cbor_put_array(b, 5));
        CHECK_OK(fvm_cbor_put_uint(b, i));
        put_rand(b, rand);
        put_rand(b, 32);
        put_commitment(b, true);
        put_commitment(b, false);
    }
}

TEST(aggregated_seals_are_priced_by_their_number)
{
    static const struct {
        const char *why;
        int64_t seal, kind;
        unsigned count;
        size_t rand;
        int64_t gas;
        fvm_err err;
    } rows[] = {
        { "in order", 8, 1, 4, 32, 4 * 449900 + 103994170, FVM_OK },
        { "64 GiB", 9, 0, 4, 32, 4 * 359272 + 102581240, FVM_OK },
        { "none", 8, 1, 0, 32, 0, BAD },
        { "no such aggregate", 8, 2, 1, 32, 449900, BAD },
        { "no such seal", 20, 1, 1, 32, 449900, BAD },
        { "randomness too short", 8, 1, 1, 5, 449900, BAD },
    };
    fixture f;
    fixture_open(&f, 21);
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        cbor b;
        fvm_buf_init(&b, NULL);
        put_aggregate(&b, rows[i].seal, rows[i].kind, rows[i].count, rows[i].rand);
        f.proofs_asked = 0;
        CHECK_AT(rows[i].why, call_with(&f, fvm__crypto_verify_aggregate, &b) == rows[i].err);
        CHECK_AT(rows[i].why, fixture_spent(&f) == rows[i].gas * 1000);
        CHECK_AT(rows[i].why, f.proofs_asked == (rows[i].err == FVM_OK));
    }
    fixture_close(&f);
}

TEST(the_proof_of_an_update_is_an_array_of_bytes)
{
    static const struct {
        const char *why;
        int64_t type;
        const char *proof; /* hex */
        fvm_err err;
        bool charged;
    } rows[] = {
        { "in order", 3,
          "83001817"
          "18ff",
          FVM_OK, true },
        { "no bytes", 3, "80", FVM_OK, true },
        { "a byte string", 3, "4101", BAD, false },
        { "a number in two bytes", 3, "81190001", BAD, false },
        { "a negative number", 3, "8120", BAD, false },
        { "cut off", 3, "8201", BAD, false },
        { "no such type", 5, "80", BAD, true },
        { "a type below 0", -1, "80", BAD, true },
    };
    fixture f;
    fixture_open(&f, 21);
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        cbor b;
        uint8_t room[16];
        fvm_buf_init(&b, NULL);
        CHECK_OK(fvm_cbor_put_array(&b, 5));
        CHECK_OK(fvm_cbor_put_int(&b, rows[i].type));
        put_commitment(&b, true);
        put_commitment(&b, true);
        put_commitment(&b, false);
        CHECK_OK(fvm_buf_append(&b, test_hex(room, sizeof room, rows[i].proof)));
        CHECK_AT(rows[i].why, call_with(&f, fvm__crypto_verify_update, &b) == rows[i].err);
        CHECK_AT(rows[i].why, fixture_spent(&f) == (rows[i].charged ? INT64_C(36316136000) : 0));
    }
    fixture_close(&f);
}

/* --- commitments and faults --- */

TEST(a_sector_without_pieces_has_the_zero_commitment)
{
    fixture f;
    fixture_open(&f, 21);
    f.mem[0] = 0x80;
    CHECK_OK(CALL(&f, fvm__crypto_unsealed_cid, 8, 0, 1, 100, 99));
    CHECK(OUT32(&f, 0) == 39 && fixture_spent(&f) == 98647000);
    /* the 32 GiB zero commitment, known as baga6ea4seaqao7s73y24kcutaosvacpdjgfe5pw76ooefnyqw4ynr3d2y6x2mpq */
    CHECK_HEX(((fvm_bytes){ f.mem + 100 + 7, 32 }),
              "077e5fde35c50a9303a55009e3498a4ebedff39c42b710b730d8ec7ac7afa63e");
    CHECK_ERR(CALL(&f, fvm__crypto_unsealed_cid, 8, 0, 1, 100, 38), FVM_ERR_SYS_BUFFER_TOO_SMALL);
    fixture_close(&f);
}

TEST(pieces_must_fit_and_be_data_commitments)
{
    static const struct {
        const char *why;
        uint64_t size;
        bool sealed;
        fvm_err err;
    } rows[] = {
        { "half a sector", 1024, false, FVM_OK },   { "all of it", 2048, false, FVM_OK },
        { "more than a sector", 4096, false, BAD }, { "no size", 0, false, BAD },
        { "not a power of two", 1000, false, BAD }, { "a sealed commitment", 1024, true, BAD }
    };
    fixture f;
    fixture_open(&f, 21);
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        cbor b;
        fvm_buf_init(&b, NULL);
        CHECK_OK(fvm_cbor_put_array(&b, 1));
        CHECK_OK(fvm_cbor_put_array(&b, 2));
        CHECK_OK(fvm_cbor_put_uint(&b, rows[i].size));
        put_commitment(&b, rows[i].sealed);
        fixture_poke(&f, 0, fvm_buf_bytes(&b));
        CHECK_AT(rows[i].why,
                 CALL(&f, fvm__crypto_unsealed_cid, 5, 0, b.len, 1000, 99) == rows[i].err);
        CHECK_AT(rows[i].why, fixture_spent(&f) == 98647000);
        fvm_buf_deinit(&b);
    }
    fixture_close(&f);
}

TEST(faults_come_from_the_node)
{
    fixture f;
    fixture_open(&f, 21);
    CHECK_OK(CALL(&f, fvm__crypto_consensus_fault, 0, 2, 0, 0, 0, 0)); /* type 2, by the fixture */
    CHECK(OUT64(&f, 0) == 9 && OUT64(&f, 8) == 7 && OUT32(&f, 16) == 2);
    CHECK(fixture_spent(&f) == 516422000);
    CHECK_OK(CALL(&f, fvm__crypto_consensus_fault, 0, 0, 0, 0, 0, 0)); /* none */
    CHECK(OUT64(&f, 0) == 0 && OUT64(&f, 8) == 0 && OUT32(&f, 16) == 0);
    f.extern_err = FVM_ERR_MALFORMED;
    CHECK_ERR(CALL(&f, fvm__crypto_consensus_fault, 0, 2, 0, 0, 0, 0), BAD);
    fixture_close(&f);
}
