/* Ethereum transactions: the published examples, what is refused, and the messages that stand for them.
 * Sources: EIP-155's example; transactions of Lotus' tests (chain/types/ethtypes), which are facts about
 * the network. Ethereum's own TransactionTests are run when they are in the cache. */
#include "base/text.h"
#include "chain/eth_tx.h"
#include "test.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>

static const char eip155_raw[] =
    "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef"
    "61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800cc"
    "f555c9f3dc64214b297fb1966a3b6d83";

TEST(the_example_of_eip155_is_signed_and_read)
{
    uint8_t room[256], key[32], hash[32];
    fvm_bytes raw = test_hex(room, sizeof room, eip155_raw);
    fvm_eth_tx tx = { .kind = FVM_ETH_EIP155, .chain_id = 1, .nonce = 9, .gas_limit = 21000 };
    fvm_buf out;
    fvm_eth_address sender;
    char text[FVM_ETH_ADDRESS_TEXT];
    memset(key, 0x46, sizeof key);
    memset(tx.to.bytes, 0x35, 20);
    tx.max_fee = tx.max_priority_fee = fvm_big_u64(UINT64_C(20000000000));
    tx.value = fvm_big_u64(UINT64_C(1000000000000000000));
    CHECK_OK(fvm_eth_tx_signing_hash(hash, &tx, NULL));
    CHECK_HEX(((fvm_bytes){ hash, 32 }),
              "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53");
    CHECK_OK(fvm_eth_tx_sign(&tx, key, NULL));
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_eth_tx_write(&out, &tx));
    CHECK_BYTES(fvm_buf_bytes(&out), raw);
    fvm_buf_deinit(&out);
    CHECK_OK(fvm_eth_tx_read(&tx, raw, NULL));
    CHECK(tx.kind == FVM_ETH_EIP155 && tx.chain_id == 1 && fvm_eth_tx_v(&tx) == 37);
    CHECK_OK(fvm_eth_tx_sender(&sender, &tx, NULL));
    fvm_eth_address_to_text(text, &sender, true);
    CHECK(strcmp(text, "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F") == 0);
}

/* Transactions of each kind, with the length of the signature on their network. */
static const struct {
    const char *what, *raw, *sender;
    uint64_t chain_id;
    fvm_eth_kind kind;
    size_t signature_len;
} accepted[] = {
    { "EIP-155 on mainnet",
      "f86680843b9aca00835dc1ba94c2dca9a18d4a4057921d1bcb22da05e68e46b1d06480820297a0f91ee69c4603c4"
      "f2"
      "1131467ee9e06ad4a96d0a29fa8064db61f3adaea0eb6e92a07181e306bb8f773d94cc3b75e9835de00c004e072e"
      "66"
      "30c0c46971d38706bb01",
      "0xa2bbb73ac59b256415e91a820b224dbaf2c268fa", 314, FVM_ETH_EIP155, 67 },
    { "EIP-1559 creation on a development network",
      "02f8598401df5e76028301d69083086a5e835532dd808080c080a0457e33227ac7ceee2ef121755e26b872b6fb04"
      "22"
      "1993f9939349bb7b0a3e1595a02d8ef379e1d2a9e30fa61c92623cc9ed72d80cf6a48cfea341cb916bcc0a81bc",
      NULL, 31415926, FVM_ETH_EIP1559, 65 },
    { "EIP-1559 with odd y",
      "02f8598401df5e76038301d69083086a5e835532dd808080c001a012a232866dcb0671eb0ddc01fb9c01d6ef384e"
      "c8"
      "92bb29691ed0d2d293052ddfa052a6ae38c6139930db21a00eee2a4caced9a6500991b823d64ec664d003bc4b1",
      NULL, 31415926, FVM_ETH_EIP1559, 65 },
    { "EIP-1559 call of an actor by ID",
      "02f88682013a8080808094ff000000000000000000000000000000000003ec80a4f8b2cb4f000000000000000000"
      "00"
      "0000ff00000000000000000000000000000000000064c080a0706d871013403cf8b965dfa7f2be5a4d185d746da4"
      "5b"
      "21d5a67c667c26d255d6a02e68a14f386aa325ce8e82d30405107d53103d038cf20e40af961ef3a3963608",
      NULL, 314, FVM_ETH_EIP1559, 65 },
    { "homestead with input",
      "f882800182540894095e7baea6a6c7c4c2dfeb977efac326af552d8780a3deadbeef000000010101001010101010"
      "10"
      "10101010101aaabbbbbbcccccccddddddddd1ba048b55bfa915ac795c431978d8a6a992b628d557da5ff759b307d"
      "49"
      "5a36649353a01fffd310ac743f371de3b9f7f9cb56c0b28ad43601b4ab949f53faa07bd2c804",
      NULL, 314159, FVM_ETH_HOMESTEAD, 66 },
    { "homestead transfer",
      "f85f030182520794b94f5374fce5edbc8e2a8697c15331677e6ebf0b0a801ba098ff921201554726367d2be8c804"
      "a7"
      "ff89ccf285ebc57dff8ae4c44b9c19ac4aa07778cde41a8a37f6a087622b38bc201bd3e7df06dce067569d4def1b"
      "53"
      "dba98c",
      NULL, 314, FVM_ETH_HOMESTEAD, 66 },
};

TEST(transaction_message_and_transaction_again_are_the_same_bytes)
{
    for (size_t i = 0; i < FVM_COUNT(accepted); i++) {
        uint8_t room[512], hash[32], again[32];
        fvm_bytes raw = test_hex(room, sizeof room, accepted[i].raw);
        fvm_buf params, out, wire;
        fvm_signed_message message, read;
        fvm_eth_tx tx;
        const char *why = "";
        fvm_buf_init(&params, NULL);
        fvm_buf_init(&out, NULL);
        fvm_buf_init(&wire, NULL);
        fvm_err err = fvm_eth_raw_to_message(&message, &params, raw, accepted[i].chain_id, &why);
        CHECK_AT(accepted[i].what, err == FVM_OK);
        CHECK_AT(accepted[i].what, message.signature.type == FVM_SIGNATURE_DELEGATED);
        CHECK_AT(accepted[i].what, message.signature.len == accepted[i].signature_len);
        CHECK_OK(fvm_signed_message_write(&wire, &message)); /* and through the message's bytes */
        CHECK_OK(fvm_signed_message_read(&read, fvm_buf_bytes(&wire)));
        CHECK_OK(
            fvm_signed_message_verify(&read, &read.message.from, accepted[i].chain_id, NULL, &why));
        CHECK_OK(fvm_eth_tx_from_message(&tx, &read, accepted[i].chain_id, &why));
        CHECK_AT(accepted[i].what, tx.kind == accepted[i].kind);
        CHECK_OK(fvm_eth_tx_write(&out, &tx));
        CHECK_BYTES(fvm_buf_bytes(&out), raw);
        CHECK_OK(fvm_eth_hash_of_message(hash, &read, accepted[i].chain_id, NULL));
        CHECK_OK(fvm_eth_tx_hash(again, &tx, NULL));
        CHECK(memcmp(hash, again, 32) == 0);
        if (accepted[i].sender) {
            fvm_eth_address sender;
            char text[FVM_ETH_ADDRESS_TEXT];
            CHECK(fvm_eth_address_of_fil(&sender, &message.message.from));
            fvm_eth_address_to_text(text, &sender, false);
            CHECK(strcmp(text, accepted[i].sender) == 0);
        }
        fvm_buf_deinit(&wire);
        fvm_buf_deinit(&out);
        fvm_buf_deinit(&params);
    }
}

TEST(receivers_and_methods_are_those_of_fip_0055)
{
    uint8_t room[512];
    fvm_buf params;
    fvm_signed_message m;
    uint64_t id = 0;
    fvm_buf_init(&params, NULL);
    CHECK_OK(fvm_eth_raw_to_message(&m, &params, test_hex(room, sizeof room, accepted[1].raw),
                                    31415926, NULL));
    CHECK(fvm_address_to_id(&id, &m.message.to) && id == 10);
    CHECK(m.message.method == 4 && m.message.params.len == 0);
    CHECK_OK(fvm_eth_raw_to_message(&m, &params, test_hex(room, sizeof room, accepted[3].raw), 314,
                                    NULL));
    CHECK(fvm_address_to_id(&id, &m.message.to) && id == 0x3ec);
    CHECK(m.message.method == UINT64_C(3844450837));
    CHECK(m.message.params.len == 38 && m.message.params.ptr[0] == 0x58); /* CBOR of 36 bytes */
    fvm_buf_deinit(&params);
}

static const struct {
    const char *what, *raw, *words;
    fvm_err err;
} refused[] = {
    { "nothing", "", "empty", FVM_ERR_TRUNCATED },
    { "type 1", "01c0", "EIP-2930", FVM_ERR_INVALID },
    { "type 3", "03c0", "EIP-4844", FVM_ERR_INVALID },
    { "type 4", "04c0", "EIP-7702", FVM_ERR_INVALID },
    { "unknown type", "05c0", "unknown transaction type", FVM_ERR_INVALID },
    { "no list", "0280", "wrong form", FVM_ERR_MALFORMED },
    { "empty list", "c0", "too early", FVM_ERR_TRUNCATED },
    { "bytes after", "c000", "more bytes", FVM_ERR_TRAILING },
    { "access list with an entry",
      "02f85a8401df5e76028301d69083086a5e835532dd808080c1c080a0457e33227ac7ceee2ef121755e26b872b6fb"
      "04"
      "221993f9939349bb7b0a3e1595a02d8ef379e1d2a9e30fa61c92623cc9ed72d80cf6a48cfea341cb916bcc0a81b"
      "c",
      "access lists", FVM_ERR_INVALID },
    { "y of 2",
      "02f8598401df5e76028301d69083086a5e835532dd808080c002a0457e33227ac7ceee2ef121755e26b872b6fb04"
      "22"
      "1993f9939349bb7b0a3e1595a02d8ef379e1d2a9e30fa61c92623cc9ed72d80cf6a48cfea341cb916bcc0a81bc",
      "parity", FVM_ERR_RANGE },
    { "s above half the order (EIP-2)",
      "02f8598401df5e76028301d69083086a5e835532dd808080c080a0457e33227ac7ceee2ef121755e26b872b6fb04"
      "22"
      "1993f9939349bb7b0a3e1595a0fd8ef379e1d2a9e30fa61c92623cc9ed72d80cf6a48cfea341cb916bcc0a81bc",
      "EIP-2", FVM_ERR_RANGE },
    { "s of 0", "02d98401df5e76028301d69083086a5e835532dd808080c0800180", "EIP-2", FVM_ERR_RANGE },
    { "v of 29",
      "f85f030182520794b94f5374fce5edbc8e2a8697c15331677e6ebf0b0a801da098ff921201554726367d2be8c804"
      "a7"
      "ff89ccf285ebc57dff8ae4c44b9c19ac4aa07778cde41a8a37f6a087622b38bc201bd3e7df06dce067569d4def1b"
      "53"
      "dba98c",
      "v is not", FVM_ERR_RANGE },
    { "priority fee above max fee",
      "02f8598401df5e76028308d69083016a5e835532dd808080c080a0457e33227ac7ceee2ef121755e26b872b6fb04"
      "22"
      "1993f9939349bb7b0a3e1595a02d8ef379e1d2a9e30fa61c92623cc9ed72d80cf6a48cfea341cb916bcc0a81bc",
      "priority fee", FVM_ERR_RANGE },
    { "receiver of 19 bytes",
      "f85e030182520793b94f5374fce5edbc8e2a8697c15331677e6ebf0a801ba098ff921201554726367d2be8c804a7"
      "ff89ccf285ebc57dff8ae4c44b9c19ac4aa07778cde41a8a37f6a087622b38bc201bd3e7df06dce067569d4def1b"
      "53"
      "dba98c",
      "wrong form", FVM_ERR_MALFORMED },
};

TEST(transactions_are_refused_with_words_that_say_why)
{
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        uint8_t room[512];
        const char *why = "";
        fvm_eth_tx tx = { .nonce = 77 };
        fvm_bytes raw = test_hex(room, sizeof room, refused[i].raw);
        CHECK_AT(refused[i].what, fvm_eth_tx_read(&tx, raw, &why) == refused[i].err);
        CHECK_AT(refused[i].what, strstr(why, refused[i].words) != NULL);
        CHECK_AT(refused[i].what, tx.nonce == 77);
    }
}

TEST(a_transaction_of_another_chain_is_refused)
{
    uint8_t room[512];
    fvm_buf params;
    fvm_signed_message m;
    const char *why = "";
    fvm_buf_init(&params, NULL);
    CHECK_ERR(fvm_eth_raw_to_message(&m, &params, test_hex(room, sizeof room, accepted[0].raw),
                                     314159, &why),
              FVM_ERR_MISMATCH);
    CHECK(strstr(why, "chain id") != NULL);
    CHECK_OK(fvm_eth_raw_to_message(&m, &params, test_hex(room, sizeof room, accepted[0].raw), 314,
                                    &why));
    CHECK_ERR(fvm_signed_message_verify(&m, &m.message.from, 314159, NULL, &why), FVM_ERR_INVALID);
    fvm_buf_deinit(&params);
}

/* Messages that carry a good delegated signature's bytes but stand for no transaction. */
TEST(a_message_that_stands_for_no_transaction_is_refused)
{
    uint8_t room[512];
    fvm_buf params;
    fvm_signed_message good, bad;
    fvm_eth_tx tx;
    fvm_buf_init(&params, NULL);
    CHECK_OK(fvm_eth_raw_to_message(&good, &params, test_hex(room, sizeof room, accepted[0].raw),
                                    314, NULL));
    static const struct {
        const char *what;
        int change;
    } rows[] = { { "version 1", 0 },           { "another method", 1 },
                 { "premium apart", 2 },       { "params not CBOR", 3 },
                 { "empty in CBOR", 4 },       { "long head", 5 },
                 { "sender by ID", 6 },        { "receiver f1", 7 },
                 { "manager invoked", 8 },     { "negative value", 9 },
                 { "signature long", 10 },     { "mark of homestead", 11 },
                 { "v with a zero byte", 12 }, { "not delegated", 13 } };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        const char *why = NULL;
        uint8_t any[65] = { 4, 1 };
        bad = good;
        switch (rows[i].change) {
        case 0: bad.message.version = 1; break;
        case 1: bad.message.method = 2; break;
        case 2: bad.message.gas_premium = fvm_big_u64(1); break;
        case 3: bad.message.params = FVM_STR("\x01"); break;
        case 4: bad.message.params = FVM_STR("\x40"); break;
        case 5: bad.message.params = FVM_STR("\x58\x01x"); break;
        case 6: bad.message.from = fvm_address_id(100); break;
        case 7: bad.message.to = fvm_address_secp256k1(any); break;
        case 8: bad.message.to = fvm_address_id(10); break;
        case 9: bad.message.value.negative = true; break;
        case 10: bad.signature.len = 68; break;
        case 11: bad.signature.bytes[0] = 1; break;
        case 12:
            bad.signature.len = 68;
            memmove(bad.signature.bytes + 66, bad.signature.bytes + 65, 2);
            bad.signature.bytes[65] = 0;
            break;
        default: bad.signature.type = FVM_SIGNATURE_SECP256K1; break;
        }
        CHECK_AT(rows[i].what, fvm_eth_tx_from_message(&tx, &bad, 314, &why) == FVM_ERR_INVALID);
        CHECK_AT(rows[i].what, why != NULL);
    }
    CHECK_OK(fvm_eth_tx_from_message(&tx, &good, 314, NULL));
    fvm_buf_deinit(&params);
}

TEST(a_changed_message_is_not_the_senders)
{
    uint8_t room[512];
    fvm_buf params;
    fvm_signed_message m;
    fvm_buf_init(&params, NULL);
    CHECK_OK(fvm_eth_raw_to_message(&m, &params, test_hex(room, sizeof room, accepted[0].raw), 314,
                                    NULL));
    m.message.value = fvm_big_u64(101);
    CHECK_ERR(fvm_signed_message_verify(&m, &m.message.from, 314, NULL, NULL), FVM_ERR_MISMATCH);
    fvm_buf_deinit(&params);
}

TEST(addresses_go_both_ways)
{
    fvm_eth_address a, b;
    fvm_address fil;
    uint64_t id = 0;
    char text[FVM_ADDRESS_TEXT_MAX];
    CHECK_OK(fvm_eth_address_from_text(&a, FVM_STR("0xff00000000000000000000000000000000000064")));
    fil = fvm_eth_address_to_fil(&a);
    CHECK(fvm_address_to_id(&id, &fil) && id == 100);
    CHECK(fvm_eth_address_of_fil(&b, &fil) && memcmp(&a, &b, sizeof a) == 0);
    CHECK_OK(fvm_eth_address_from_text(&a, FVM_STR("0xd388aB098ed3E84c0D808776440B48F685198498")));
    fil = fvm_eth_address_to_fil(&a);
    fvm_address_to_text(text, &fil, 'f'); /* of FIP-0048's reference, lotus' TestEthAddr */
    CHECK(strncmp(text, "f410f2oekwcmo2pueydmaq53eic2i62crtbeyuzx2gmy", 44) == 0);
    CHECK(fvm_eth_address_of_fil(&b, &fil) && memcmp(&a, &b, sizeof a) == 0);
    CHECK_OK(fvm_address_delegated(&fil, 11, (fvm_bytes){ a.bytes, 20 }));
    CHECK(!fvm_eth_address_of_fil(&b, &fil));
    a = fvm_eth_address_masked(5);
    CHECK_OK(fvm_address_delegated(&fil, 10, (fvm_bytes){ a.bytes, 20 }));
    CHECK(!fvm_eth_address_of_fil(&b, &fil)); /* FIP-0054 */
    CHECK_ERR(fvm_eth_address_from_text(&a, FVM_STR("d388aB098ed3E84c0D808776440B48F685198498")),
              FVM_ERR_MALFORMED);
    CHECK_ERR(fvm_eth_address_from_text(&a, FVM_STR("0xg388aB098ed3E84c0D808776440B48F685198498")),
              FVM_ERR_MALFORMED);
}

/* The first contracts of an address that many texts take as their example: keccak of rlp [sender, nonce]. */
TEST(created_addresses_follow_sender_and_nonce)
{
    static const struct {
        uint64_t nonce;
        const char *want;
    } rows[] = {
        { 0, "0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d" },
        { 1, "0x343c43a37d37dff08ae8c4a11544c718abb4fcf8" },
        { 2, "0xf778b86fa74e846c4f0a1fbd1335fe81c00a0c91" },
        { 3, "0xfffd933a0bc612844eaf0c6fe3e5b8e9b6c1d19c" },
    };
    fvm_eth_address sender, made;
    char text[FVM_ETH_ADDRESS_TEXT];
    CHECK_OK(
        fvm_eth_address_from_text(&sender, FVM_STR("0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")));
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        made = fvm_eth_address_created(&sender, rows[i].nonce);
        fvm_eth_address_to_text(text, &made, false);
        CHECK_AT(text, strcmp(text, rows[i].want) == 0);
    }
}

TEST(native_messages_are_shown_as_calls_of_handle_filecoin_method)
{
    fvm_message m = { .to = fvm_address_id(5), .method = 2, .params = FVM_STR("\x81\x05") };
    fvm_eth_tx tx;
    fvm_buf input;
    bool unknown = true;
    uint8_t any[65] = { 4 };
    fvm_buf_init(&input, NULL);
    CHECK_OK(fvm_eth_tx_of_native(&tx, &unknown, &input, &m, 314));
    CHECK(!unknown && tx.kind == FVM_ETH_EIP1559 && !tx.creates && fvm_eth_tx_v(&tx) == 0);
    CHECK_HEX(tx.input, "868e10c4"
                        "0000000000000000000000000000000000000000000000000000000000000002"
                        "0000000000000000000000000000000000000000000000000000000000000051"
                        "0000000000000000000000000000000000000000000000000000000000000060"
                        "0000000000000000000000000000000000000000000000000000000000000002"
                        "8105000000000000000000000000000000000000000000000000000000000000");
    m.params = (fvm_bytes){ 0 };
    m.to = fvm_address_secp256k1(any);
    CHECK_OK(fvm_eth_tx_of_native(&tx, &unknown, &input, &m, 314));
    CHECK(unknown && tx.input.len == 4 + 4 * 32 && tx.input.ptr[4 + 63] == 0);
    m.method = FVM_ETH_METHOD_INVOKE;
    m.params = FVM_STR("\x43"
                       "abc");
    CHECK_OK(fvm_eth_tx_of_native(&tx, &unknown, &input, &m, 314));
    CHECK_BYTES(tx.input, FVM_STR("abc"));
    m.method = FVM_ETH_METHOD_CREATE;
    m.to = fvm_address_id(10);
    CHECK_OK(fvm_eth_tx_of_native(&tx, &unknown, &input, &m, 314));
    CHECK(tx.creates && !unknown);
    CHECK_BYTES(tx.input, FVM_STR("abc"));
    fvm_buf_deinit(&input);
}

static fvm_err read_and_back(const fvm_allocator *alloc, void *ctx)
{
    fvm_bytes raw = *(fvm_bytes *)ctx;
    fvm_buf params, out;
    fvm_signed_message m;
    fvm_eth_tx tx;
    uint8_t hash[32];
    fvm_buf_init(&params, alloc);
    fvm_buf_init(&out, alloc);
    fvm_err err = fvm_eth_raw_to_message(&m, &params, raw, 31415926, NULL);
    if (err == FVM_OK) err = fvm_signed_message_verify(&m, &m.message.from, 31415926, alloc, NULL);
    if (err == FVM_OK) err = fvm_eth_hash_of_message(hash, &m, 31415926, alloc);
    if (err == FVM_OK) err = fvm_eth_tx_from_message(&tx, &m, 31415926, NULL);
    if (err == FVM_OK) err = fvm_eth_tx_write(&out, &tx);
    fvm_buf_deinit(&out);
    fvm_buf_deinit(&params);
    return err;
}

TEST(no_allocation_that_fails_leaks_or_is_taken_for_a_bad_signature)
{
    uint8_t room[512];
    fvm_bytes raw = test_hex(room, sizeof room, accepted[1].raw);
    test_each_allocation_fails(read_and_back, &raw);
}

/* --- Ethereum's TransactionTests --- */

/* Rules of Ethereum's that are not this layer's: intrinsic gas and the size of init code are for the actor
 * and its gas, and balances for the chain. */
static bool is_others_rule(const char *exception)
{
    return strstr(exception, "INTRINSIC_GAS") || strstr(exception, "INITCODE") ||
           strstr(exception, "GASLIMIT_PRICE_PRODUCT");
}

typedef struct tally {
    size_t accepted, refused, left_out;
} tally;

static void run_case(tally *t, const char *name, const json_t *test)
{
    const char *text = json_string_value(json_object_get(test, "txbytes"));
    const json_t *want = json_object_get(json_object_get(test, "result"), "Cancun");
    const char *exception = json_string_value(json_object_get(want, "exception"));
    fvm_buf raw;
    fvm_eth_tx tx;
    fvm_eth_address sender;
    uint8_t hash[32];
    if (!text || !want || strncmp(text, "0x", 2) != 0) return;
    fvm_buf_init(&raw, NULL);
    CHECK_OK(fvm_hex_decode(&raw, fvm_bytes_of(text + 2)));
    const char *why = NULL;
    fvm_err err = fvm_eth_tx_read(&tx, fvm_buf_bytes(&raw), &why);
    if (err == FVM_OK && tx.kind != FVM_ETH_HOMESTEAD && tx.chain_id != 1) err = FVM_ERR_MISMATCH;
    if (err == FVM_OK) err = fvm_eth_tx_sender(&sender, &tx, NULL);
    if (exception) {
        if (err == FVM_OK && is_others_rule(exception)) {
            t->left_out++;
        } else {
            CHECK_AT(name, err != FVM_OK);
            t->refused++;
        }
    } else if (err != FVM_OK && why && (strstr(why, "2^63") || strstr(why, "not supported"))) {
        t->left_out++; /* what Filecoin does not take */
    } else {
        char got[FVM_ETH_ADDRESS_TEXT];
        const char *want_hash = json_string_value(json_object_get(want, "hash"));
        CHECK_AT(name, err == FVM_OK);
        fvm_eth_address_to_text(got, &sender, false);
        CHECK_AT(name, strcmp(got, json_string_value(json_object_get(want, "sender"))) == 0);
        CHECK_OK(fvm_eth_tx_hash(hash, &tx, NULL)); /* of the bytes written again */
        CHECK_HEX(((fvm_bytes){ hash, 32 }), want_hash + 2);
        t->accepted++;
    }
    fvm_buf_deinit(&raw);
}

static void run_folder(tally *t, const char *folder)
{
    struct dirent **files;
    int count = scandir(folder, &files, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char path[4096];
        const char *name;
        json_t *test;
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]->d_name);
        json_t *file = strstr(path, ".json") ? json_load_file(path, 0, NULL) : NULL;
        if (file) json_object_foreach(file, name, test) run_case(t, name, test);
        json_decref(file);
        free(files[i]);
    }
    if (count >= 0) free(files);
}

TEST(ethereums_transaction_tests_agree)
{
    static const char *const folders[] = { "ttAddress", "ttData",    "ttEIP1559",   "ttEIP2028",
                                           "ttEIP2930", "ttEIP3860", "ttGasLimit",  "ttGasPrice",
                                           "ttNonce",   "ttRSValue", "ttSignature", "ttVValue",
                                           "ttValue",   "ttWrongRLP" };
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    tally t = { 0 };
    for (size_t i = 0; i < FVM_COUNT(folders); i++) {
        char path[3072];
        (void)snprintf(path, sizeof path, "%s%s/fvm/ethereum-tests/TransactionTests/%s",
                       cache ? cache : (home ? home : ""), cache ? "" : "/.cache", folders[i]);
        run_folder(&t, path);
    }
    if (t.accepted + t.refused == 0) {
        puts("SKIPPED: no ethereum-tests/TransactionTests in the cache");
    } else {
        printf("%zu accepted alike, %zu refused alike, %zu left out\n", t.accepted, t.refused,
               t.left_out);
    }
}
