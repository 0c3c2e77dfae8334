/* Tipsets: from a submitted message to its receipt. */
#include "chain_fixture.h"

TEST(a_new_chain_has_a_genesis_tipset)
{
    fixture f;
    fvm_tipset t;
    fvm_block_header h;
    fixture_open(&f, FVM_SEALING_INSTANT);
    fvm_chain_head(f.chain, &t);
    CHECK(t.number == 0 && t.message_count == 0 && t.timestamp == 1700000000);
    CHECK_OK(fvm_chain_header(f.chain, &h, &t.block));
    CHECK(h.height == 0 && h.parent.version == 0);
    CHECK(fvm_cid_eq(&h.parent_state, &t.state));
    fvm_block_header_deinit(&h);
    fixture_close(&f);
}

TEST(a_raw_transfer_is_sealed_and_its_receipt_is_found_by_hash)
{
    fixture f;
    fvm_chain_message m;
    fvm_tipset t, genesis;
    fvm_block_header h;
    fixture_open(&f, FVM_SEALING_INSTANT);
    fvm_chain_head(f.chain, &genesis);
    fvm_submission s = tx_send(&f, &(tx){ .to = &f.keys[1].eth, .value = 5 });
    fvm_chain_message_init(&m, NULL);
    CHECK_OK(fvm_chain_message_by_eth_hash(f.chain, &m, s.eth_hash));
    CHECK(m.number == 1 && m.index == 0 && m.exit_code == 0 && m.gas_used > 0);
    CHECK_BYTES(((fvm_bytes){ m.from_eth, 20 }), ((fvm_bytes){ f.keys[0].eth.bytes, 20 }));
    CHECK_BYTES(((fvm_bytes){ m.to_eth, 20 }), ((fvm_bytes){ f.keys[1].eth.bytes, 20 }));
    uint64_t gas_used = m.gas_used;
    CHECK(m.message.nonce == 0 && m.to_known && m.from_id == 100 && m.to_id == 101);
    CHECK_OK(fvm_chain_message_by_cid(f.chain, &m, &s.cid));
    CHECK(m.number == 1);
    CHECK_OK(fvm_chain_message_by_nonce(f.chain, &m, &f.keys[0].address, 0));
    CHECK(m.number == 1);
    CHECK_ERR(fvm_chain_message_by_nonce(f.chain, &m, &f.keys[0].address, 1), FVM_ERR_NOT_FOUND);
    fvm_chain_head(f.chain, &t);
    CHECK(t.number == 1);
    CHECK(t.message_count == 1);
    CHECK(t.gas_used == gas_used);
    CHECK_BYTES(((fvm_bytes){ t.parent_hash, 32 }), ((fvm_bytes){ genesis.hash, 32 }));
    CHECK_OK(fvm_chain_header(f.chain, &h, &t.block));
    CHECK(h.height == 1 && fvm_cid_eq(&h.parent, &genesis.block));
    CHECK(fvm_cid_eq(&h.parent_state, &genesis.state));
    fvm_block_header_deinit(&h);
    fvm_chain_message_deinit(&m);
    fixture_close(&f);
}
