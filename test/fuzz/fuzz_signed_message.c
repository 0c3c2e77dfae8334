/* Signed messages: what reads also writes, and reads again as the same bytes; delegated ones that stand for a
 * transaction come back from it. The signature is checked, whatever it is. */
#include "chain/eth_tx.h"
#include "test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_transaction(const fvm_signed_message *m)
{
    fvm_eth_tx tx, again;
    fvm_signed_message back;
    fvm_buf raw, params;
    uint8_t hash[32];
    if (fvm_eth_tx_from_message(&tx, m, 31415926, NULL) != FVM_OK) return;
    fvm_buf_init(&raw, NULL);
    fvm_buf_init(&params, NULL);
    CHECK_OK(fvm_eth_tx_write(&raw, &tx));
    CHECK_OK(fvm_eth_hash_of_message(hash, m, 31415926, NULL));
    CHECK_OK(fvm_eth_tx_read(&again, fvm_buf_bytes(&raw), NULL));
    if (fvm_eth_tx_to_message(&back, &params, &again, 31415926, NULL) == FVM_OK) {
        CHECK(back.message.nonce == m->message.nonce && back.message.method == m->message.method);
        CHECK(fvm_address_eq(&back.message.to, &m->message.to));
        CHECK_BYTES(back.message.params, m->message.params);
        CHECK(back.signature.len == m->signature.len &&
              memcmp(back.signature.bytes, m->signature.bytes, m->signature.len) == 0);
    }
    fvm_buf_deinit(&params);
    fvm_buf_deinit(&raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fvm_signed_message m, again;
    fvm_buf bytes, twice, input;
    fvm_cid cid;
    fvm_eth_tx tx;
    bool unknown;
    uint64_t length = 0;
    if (fvm_signed_message_read(&m, (fvm_bytes){ data, size }) != FVM_OK) return 0;
    fvm_buf_init(&bytes, NULL);
    fvm_buf_init(&twice, NULL);
    fvm_buf_init(&input, NULL);
    CHECK_OK(fvm_signed_message_write(&bytes, &m));
    CHECK_OK(fvm_signed_message_read(&again, fvm_buf_bytes(&bytes)));
    CHECK_OK(fvm_signed_message_write(&twice, &again));
    CHECK_BYTES(fvm_buf_bytes(&twice), fvm_buf_bytes(&bytes));
    CHECK_OK(fvm_signed_message_cid(&cid, &length, &m, NULL));
    CHECK(m.signature.type == FVM_SIGNATURE_BLS ? length < bytes.len : length == bytes.len);
    fvm_err err = fvm_signed_message_verify(&m, &m.message.from, 31415926, NULL, NULL);
    CHECK(err == FVM_OK || err == FVM_ERR_MISMATCH || err == FVM_ERR_INVALID);
    CHECK_OK(fvm_eth_tx_of_native(&tx, &unknown, &input, &m.message, 31415926));
    as_transaction(&m);
    fvm_buf_deinit(&input);
    fvm_buf_deinit(&twice);
    fvm_buf_deinit(&bytes);
    return 0;
}
