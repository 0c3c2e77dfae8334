/* Raw transactions: what is read is written back byte for byte, also by way of the message that stands for
 * it; and items of RLP, walked without looking deeper than a list's front. */
#include "chain/eth_rlp.h"
#include "chain/eth_tx.h"
#include "test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every item is written back as it was; lists by their bytes. */
static void walk(fvm_bytes in)
{
    fvm_buf out;
    fvm_rlp_item item;
    fvm_buf_init(&out, NULL);
    for (fvm_bytes before = in; fvm_rlp_item_read(&item, &in) == FVM_OK; before = in) {
        out.len = 0;
        if (item.is_list) {
            CHECK_OK(fvm_buf_append(&out, item.payload));
            CHECK_OK(fvm_rlp_list_close(&out, 0));
        } else {
            CHECK_OK(fvm_rlp_bytes_write(&out, item.payload));
        }
        CHECK_BYTES(fvm_buf_bytes(&out), ((fvm_bytes){ before.ptr, before.len - in.len }));
    }
    fvm_buf_deinit(&out);
}

static void through_message(const fvm_eth_tx *tx, fvm_bytes raw)
{
    fvm_signed_message m;
    fvm_eth_tx back;
    fvm_buf params, out;
    uint64_t chain_id = tx->kind == FVM_ETH_HOMESTEAD ? 314 : tx->chain_id;
    fvm_buf_init(&params, NULL);
    fvm_buf_init(&out, NULL);
    if (fvm_eth_tx_to_message(&m, &params, tx, chain_id, NULL) == FVM_OK) {
        CHECK_OK(fvm_eth_tx_from_message(&back, &m, chain_id, NULL));
        CHECK_OK(fvm_eth_tx_write(&out, &back));
        CHECK_BYTES(fvm_buf_bytes(&out), raw);
        CHECK_OK(fvm_signed_message_verify(&m, &m.message.from, chain_id, NULL, NULL));
    }
    fvm_buf_deinit(&out);
    fvm_buf_deinit(&params);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fvm_bytes raw = { data, size };
    fvm_eth_tx tx;
    fvm_buf out;
    const char *why = NULL;
    walk(raw);
    if (fvm_eth_tx_read(&tx, raw, &why) != FVM_OK) {
        CHECK(why != NULL);
        return 0;
    }
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_eth_tx_write(&out, &tx));
    CHECK_BYTES(fvm_buf_bytes(&out), raw);
    fvm_buf_deinit(&out);
    through_message(&tx, raw);
    return 0;
}
