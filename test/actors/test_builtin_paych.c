/* Payment channels on both bundles. */
#include "twin.h"

#include "crypto/crypto.h"
#include "ipld/cbor.h"

#define CHANNEL_ID TWIN_FIRST_CREATED

/* A voucher that is good until a row says otherwise. */
typedef struct voucher {
    const char *why;
    uint64_t from; /* who sends it; 0: alice */
    uint64_t signer;
    uint64_t channel; /* 0: the channel's ID */
    int64_t time_lock_min, time_lock_max;
    const char *secret_hash, *extra; /* notation; NULL: empty and null */
    uint64_t lane, nonce;
    const char *amount;
    int64_t min_settle_height;
    const char *merges;
    const char *secret;
    bool unsigned_one;
    uint8_t break_type; /* xor of the signature's type byte */
    uint32_t exit_code;
} voucher;

static void put_voucher(fvm_buf *out, const voucher *v, fvm_bytes signature)
{
    fvm_address channel = fvm_address_id(v->channel ? v->channel : CHANNEL_ID);
    CHECK_OK(fvm_cbor_put_array(out, 11));
    CHECK_OK(fvm_cbor_put_bytes(out, (fvm_bytes){ channel.bytes, channel.len }));
    CHECK_OK(fvm_cbor_put_int(out, v->time_lock_min));
    CHECK_OK(fvm_cbor_put_int(out, v->time_lock_max));
    twin_value(out, v->secret_hash ? v->secret_hash : "h''");
    twin_value(out, v->extra ? v->extra : "null");
    CHECK_OK(fvm_cbor_put_uint(out, v->lane));
    CHECK_OK(fvm_cbor_put_uint(out, v->nonce));
    twin_value(out, v->amount);
    CHECK_OK(fvm_cbor_put_int(out, v->min_settle_height));
    twin_value(out, v->merges ? v->merges : "[]");
    if (signature.len)
        CHECK_OK(fvm_cbor_put_bytes(out, signature));
    else
        CHECK_OK(fvm_cbor_put_null(out));
}

/* The type byte and what alice or bob signs with. */
static size_t sign(uint8_t out[97], const voucher *v)
{
    uint8_t key[32], hash[32];
    fvm_buf bytes;
    fvm_buf_init(&bytes, NULL);
    put_voucher(&bytes, v, (fvm_bytes){ 0 });
    twin_secret(key, v->signer ? v->signer : TWIN_BOB);
    fvm_blake2b_256(hash, fvm_buf_bytes(&bytes));
    out[0] = (uint8_t)(1 ^ v->break_type);
    CHECK(fvm_secp256k1_sign(out + 1, hash, key));
    fvm_buf_deinit(&bytes);
    return 66;
}

static void redeem(twin *t, const voucher *v)
{
    uint8_t signature[97];
    fvm_buf params;
    fvm_big none = fvm_big_zero();
    fvm_address channel = fvm_address_id(CHANNEL_ID);
    size_t len = v->unsigned_one ? 0 : sign(signature, v);
    fvm_buf_init(&params, NULL);
    CHECK_OK(fvm_cbor_put_array(&params, 2));
    put_voucher(&params, v, (fvm_bytes){ signature, len });
    twin_value(&params, v->secret ? v->secret : "h''");
    uint32_t code = twin_send(t, v->from ? v->from : TWIN_ALICE, &channel, 2, &none,
                              fvm_buf_bytes(&params))
                        ->exit_code;
    if (code != v->exit_code) fprintf(stderr, "%s: exit code %u\n", v->why, code);
    CHECK_AT(v->why, code == v->exit_code);
    fvm_buf_deinit(&params);
}

static void open_channel(twin *t)
{
    twin_open(t);
    CHECK(twin_exec(t, "a channel", "bob", "paymentchannel", "10FIL", "[@bob.key, @alice.key]")
              ->exit_code == 0);
}

#define HUGE_AMOUNT "1000000000000000000000000000000000000000000000000000000FIL"

/* bob pays alice: he signs, she redeems. */
TEST(vouchers)
{
    static const voucher vouchers[] = {
        { .why = "a stranger", .from = TWIN_DAVE, .amount = "1FIL", .exit_code = 18 },
        { .why = "not signed", .amount = "1FIL", .unsigned_one = true, .exit_code = 16 },
        { .why = "not signed, from a stranger",
          .from = TWIN_DAVE,
          .amount = "1FIL",
          .unsigned_one = true,
          .exit_code = 18 },
        { .why = "a type of signature that is not there",
          .from = TWIN_DAVE,
          .amount = "1FIL",
          .break_type = 2,
          .exit_code = 21 },
        { .why = "type 2, which nobody looks at",
          .nonce = 1,
          .amount = "1FIL",
          .break_type = 3,
          .exit_code = 0 },
        { .why = "by herself", .signer = TWIN_ALICE, .amount = "1FIL", .exit_code = 16 },
        { .why = "an old nonce", .nonce = 1, .amount = "2FIL", .exit_code = 16 },
        { .why = "a new nonce", .nonce = 2, .amount = "2FIL", .exit_code = 0 },
        { .why = "less than before", .nonce = 3, .amount = "1FIL", .exit_code = 0 },
        { .why = "below zero", .nonce = 4, .amount = "-1atto", .exit_code = 16 },
        { .why = "more than there is", .nonce = 4, .amount = "11FIL", .exit_code = 16 },
        { .why = "more than a word holds", .nonce = 4, .amount = HUGE_AMOUNT, .exit_code = 16 },
        { .why = "for another channel",
          .channel = TWIN_WALLET,
          .nonce = 4,
          .amount = "2FIL",
          .exit_code = 16 },
        { .why = "too early", .time_lock_min = 2, .nonce = 4, .amount = "2FIL", .exit_code = 16 },
        { .why = "in time",
          .time_lock_min = 1,
          .time_lock_max = 1,
          .nonce = 4,
          .amount = "2FIL",
          .exit_code = 0 },
        { .why = "too late",
          .time_lock_min = -1,
          .time_lock_max = -1,
          .nonce = 5,
          .amount = "2FIL",
          .exit_code = 16 },
        { .why = "another lane", .lane = 5, .nonce = 1, .amount = "3FIL", .exit_code = 0 },
        { .why = "a far lane",
          .lane = 9223372036854775807u,
          .nonce = 1,
          .amount = "1FIL",
          .exit_code = 0 },
        { .why = "too far a lane",
          .lane = 9223372036854775808u,
          .nonce = 1,
          .amount = "1FIL",
          .exit_code = 16 },
        { .why = "into itself",
          .nonce = 5,
          .amount = "2FIL",
          .merges = "[[0, 9]]",
          .exit_code = 16 },
        { .why = "a lane that is not there",
          .nonce = 5,
          .amount = "2FIL",
          .merges = "[[7, 9]]",
          .exit_code = 16 },
        { .why = "merged with an old nonce",
          .nonce = 5,
          .amount = "5FIL",
          .merges = "[[5, 1]]",
          .exit_code = 16 },
        { .why = "merged", .nonce = 5, .amount = "6FIL", .merges = "[[5, 2]]", .exit_code = 0 },
        { .why = "not the secret",
          .nonce = 6,
          .amount = "6FIL",
          .secret_hash = "h'0000000000000000000000000000000000000000000000000000000000000000'",
          .secret = "h'01'",
          .exit_code = 16 },
        { .why = "the secret",
          .nonce = 6,
          .amount = "6FIL",
          .secret_hash = "h'324dcf027dd4a30a932c441f365a25e86b173defa4b8e58948253471b81b72cf'",
          .secret = "h'68656c6c6f'",
          .exit_code = 0 },
        { .why = "a call that succeeds",
          .nonce = 7,
          .amount = "6FIL",
          .extra = "[@dave, 16777216, h'']",
          .exit_code = 0 },
        { .why = "a call that fails",
          .nonce = 8,
          .amount = "6FIL",
          .extra = "[@dave, 3, h'01']",
          .exit_code = 22 },
        { .why = "a call to nobody",
          .nonce = 8,
          .amount = "6FIL",
          .extra = "[h'00e707', 3, h'01']",
          .exit_code = 23 },
        { .why = "the other way",
          .from = TWIN_BOB,
          .signer = TWIN_ALICE,
          .lane = 1,
          .nonce = 1,
          .amount = "1FIL",
          .exit_code = 0 },
        { .why = "no settling before",
          .nonce = 8,
          .amount = "6FIL",
          .min_settle_height = 2000,
          .exit_code = 0 },
    };
    twin t;
    open_channel(&t);
    for (size_t i = 0; i < FVM_COUNT(vouchers); i++) redeem(&t, &vouchers[i]);
    twin_close(&t);
}

TEST(a_channel_settles_and_is_collected)
{
    static const voucher early = { .why = "before", .nonce = 1, .amount = "4FIL" };
    static const voucher longer = {
        .why = "while settling", .nonce = 2, .amount = "5FIL", .min_settle_height = 1500
    };
    static const voucher late = { .why = "settled", .nonce = 3, .amount = "6FIL", .exit_code = 32 };
    static const twin_step at_1[] = {
        { "collected at once", "alice", "new", 4, NULL, NULL, 18, "" },
        { "settled by a stranger", "dave", "new", 3, NULL, NULL, 18, "" },
        { "settled with parameters", "alice", "new", 3, NULL, "[]", 16, "" },
        { "settled", "alice", "new", 3, NULL, NULL, 0, "" },
        { "settled again", "bob", "new", 3, NULL, NULL, 20, "" },
        { "settled again by a stranger", "dave", "new", 3, NULL, NULL, 18, "" },
        { "constructed again", "init", "new", 1, NULL, "[@bob, @alice]", 20, "" },
        { "constructed by somebody", "bob", "new", 1, NULL, "[@bob, @alice]", 18, "" },
        { "an exported number", "bob", "new", 16777216, NULL, NULL, 22, "" },
        { "a low number", "bob", "new", 5, NULL, NULL, 22, "" },
    };
    static const twin_step at_1499[] = {
        { "collected too early", "alice", "new", 4, NULL, NULL, 18, "" },
    };
    static const twin_step at_1500[] = {
        { "collected by a stranger", "dave", "new", 4, NULL, NULL, 18, "" },
        { "collected", "bob", "new", 4, NULL, NULL, 0, "" },
        { "gone", "bob", "new", 4, NULL, NULL, 5, "" },
    };
    twin t;
    open_channel(&t);
    redeem(&t, &early);
    twin_run(&t, at_1, FVM_COUNT(at_1));
    redeem(&t, &longer);
    twin_epoch(&t, 1499);
    twin_run(&t, at_1499, FVM_COUNT(at_1499));
    twin_epoch(&t, 1500);
    redeem(&t, &late);
    twin_run(&t, at_1500, FVM_COUNT(at_1500));
    twin_close(&t);
}

TEST(channels_are_between_actors_that_are_there)
{
    twin t;
    twin_open(&t);
    CHECK(twin_exec(&t, "to nobody", "bob", "paymentchannel", "1FIL", "[@bob, h'00e707']")
              ->exit_code == 17);
    CHECK(twin_exec(&t, "from nobody", "bob", "paymentchannel", "1FIL", "[h'00e707', @bob]")
              ->exit_code == 17);
    CHECK(twin_exec(&t, "to a new key", "bob", "paymentchannel", "1FIL",
                    "[@bob, h'01df034b2156625ebac9d8f7c7af61eff43a451e9f']")
              ->exit_code == 0);
    CHECK(twin_exec(&t, "half of it", "bob", "paymentchannel", "1FIL", "[@bob]")->exit_code == 21);
    twin_close(&t);
}
