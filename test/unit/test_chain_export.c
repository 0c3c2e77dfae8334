/* A chain as a CAR, and back; also when the file is not what it should be. */
#include "chain_fixture.h"

#include <stdlib.h>
#include <unistd.h>

static void fill(fixture *f)
{
    uint8_t data[68];
    fixture_open(f, FVM_SEALING_MANUAL);
    fvm_eth_address token = fvm_eth_address_created(&f->keys[0].eth, 0);
    tx_submit(f, &(tx){ .input = { token_init, sizeof token_init } });
    CHECK_OK(fvm_chain_mine(f->chain, 1, 0, 0));
    fvm_edit edits[] = {
        { .kind = FVM_EDIT_CODE,
          .address = f->keys[3].address,
          .code = { token_init + TOKEN_CODE_AT, 60 } },
        { .kind = FVM_EDIT_BALANCE,
          .address = fvm_eth_address_to_fil(&token),
          .balance = fvm_big_u64(77) },
    };
    CHECK_OK(fvm_chain_edit(f->chain, edits, 2));
    for (uint64_t i = 1; i < 5; i++)
        tx_submit(
            f,
            &(tx){ .nonce = i, .to = &token, .input = token_transfer(data, &f->keys[1].eth, i) });
    fvm_chain_skip_rounds(f->chain, 2);
    CHECK_OK(fvm_chain_mine(f->chain, 2, 5, 0));
}

TEST(an_imported_chain_is_the_exported_one)
{
    fixture f;
    fvm_chain *copy;
    fvm_chain_options o = { .sealing = FVM_SEALING_INSTANT };
    fvm_store_why why = { { 0 } };
    fvm_tipset a, b;
    fvm_chain_verdict verdict;
    char path[] = "/tmp/fvm-chain-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    fill(&f);
    CHECK_OK(fvm_chain_export(f.chain, path, &why));
    fvm_err err = fvm_chain_import(&copy, &o, path, NULL, &why);
    CHECK_AT(why.text, err == FVM_OK);
    fvm_chain_head(f.chain, &a);
    fvm_chain_head(copy, &b);
    CHECK(a.number == 5 && b.number == 5 && memcmp(a.hash, b.hash, 32) == 0);
    CHECK(fvm_cid_eq(&a.state, &b.state));
    CHECK_OK(fvm_chain_verify(copy, &verdict, NULL, NULL, NULL, NULL));
    CHECK(verdict.messages == 5 && verdict.edits == 2);
    fvm_chain_close(copy);
    /* cut off */
    CHECK(truncate(path, 200000) == 0);
    CHECK(fvm_chain_import(&copy, &o, path, NULL, &why) != FVM_OK);
    CHECK(why.text[0] != 0);
    CHECK(unlink(path) == 0);
    CHECK_ERR(fvm_chain_import(&copy, &o, path, NULL, &why), FVM_ERR_NOT_FOUND);
    fixture_close(&f);
}

/* --- states --- */

static void dump_of(fvm_buf *out, fvm_chain *chain)
{
    fvm_buf_init(out, NULL);
    CHECK_OK(fvm_chain_state_dump(chain, out));
}

static fvm_err load(fvm_chain *chain, const fvm_buf *dump)
{
    fvm_store_why why = { { 0 } };
    fvm_err err = fvm_chain_state_load(chain, fvm_buf_bytes(dump), &why);
    CHECK_AT("a refusal has words", err == FVM_OK || why.text[0]);
    return err;
}

TEST(a_state_that_is_dumped_goes_into_another_chain_and_into_its_own)
{
    fixture f, other;
    fvm_tipset a, b;
    fvm_buf dump;
    uint8_t data[68];
    fvm_chain_verdict verdict;
    fill(&f);
    dump_of(&dump, f.chain);
    fvm_chain_head(f.chain, &a);
    fixture_open(&other, FVM_SEALING_MANUAL);
    CHECK_OK(load(other.chain, &dump));
    fvm_chain_head(other.chain, &b);
    CHECK(b.number == 0 && fvm_cid_eq(&a.state, &b.state));
    /* the token goes on there, with the sender's nonce from the dump */
    fvm_eth_address token = fvm_eth_address_created(&f.keys[0].eth, 0);
    tx_submit(&other,
              &(tx){ .nonce = 5, .to = &token, .input = token_transfer(data, &f.keys[1].eth, 3) });
    CHECK_OK(fvm_chain_mine(other.chain, 1, 0, 0));
    fvm_chain_head(other.chain, &b);
    CHECK(b.message_count == 1 && b.log_count == 1);
    /* back to what it was; what waits in the pool is of other IDs and goes */
    tx_submit(&other, &(tx){ .nonce = 6, .to = &token });
    CHECK_OK(load(other.chain, &dump));
    size_t ready, waiting;
    fvm_chain_pool_stats(other.chain, &ready, &waiting);
    CHECK(ready == 0 && waiting == 0);
    CHECK_OK(fvm_chain_mine(other.chain, 1, 0, 0));
    CHECK_OK(fvm_chain_verify(other.chain, &verdict, NULL, NULL, NULL, NULL));
    CHECK(verdict.edits == 2);
    fvm_buf_deinit(&dump);
    fixture_close(&other);
    fixture_close(&f);
}

TEST(a_chain_with_loaded_states_is_exported_and_imported)
{
    fixture f, other;
    fvm_buf dump, fresh;
    fvm_chain *copy;
    fvm_chain_options o = { .sealing = FVM_SEALING_MANUAL };
    fvm_store_why why = { { 0 } };
    fvm_tipset a, b;
    char path[] = "/tmp/fvm-chain-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    fill(&f);
    dump_of(&dump, f.chain);
    fixture_open(&other, FVM_SEALING_MANUAL);
    dump_of(&fresh, other.chain);
    CHECK_OK(load(other.chain, &dump)); /* no header names this one */
    CHECK_OK(load(other.chain, &fresh));
    CHECK_OK(fvm_chain_mine(other.chain, 1, 0, 0));
    CHECK_OK(load(other.chain, &dump));
    CHECK_OK(fvm_chain_export(other.chain, path, &why));
    fvm_err err = fvm_chain_import(&copy, &o, path, NULL, &why);
    CHECK_AT(why.text, err == FVM_OK);
    fvm_chain_head(other.chain, &a);
    fvm_chain_head(copy, &b);
    CHECK(memcmp(a.hash, b.hash, 32) == 0 && fvm_cid_eq(&a.state, &b.state));
    fvm_chain_close(copy);
    CHECK(unlink(path) == 0);
    fvm_buf_deinit(&fresh);
    fvm_buf_deinit(&dump);
    fixture_close(&other);
    fixture_close(&f);
}

TEST(what_is_no_dump_is_refused_and_changes_nothing)
{
    fixture f, old;
    fvm_buf dump;
    fvm_tipset a, b;
    fvm_chain_options o;
    fvm_store_why why;
    fill(&f);
    dump_of(&dump, f.chain);
    fvm_chain_head(f.chain, &a);
    size_t len = dump.len;
    for (dump.len = 0; dump.len < len; dump.len += 1 + dump.len)
        CHECK(load(f.chain, &dump) != FVM_OK);
    dump.len = len;
    for (size_t i = 7; i < len; i += len / 23) { /* the sum at the end finds each */
        dump.ptr[i] ^= 0x40;
        if (i > 10) CHECK(load(f.chain, &dump) != FVM_OK); /* before: gzip's time and flags */
        dump.ptr[i] ^= 0x40;
    }
    fvm_chain_head(f.chain, &b);
    CHECK(fvm_cid_eq(&a.state, &b.state));
    /* of other built-in actors */
    old = (fixture){ .chain = NULL };
    fixture_options(&old, &o);
    o.bundle = "embedded";
    CHECK_OK(fvm_chain_open(&old.chain, &o, NULL, &why));
    CHECK_ERR(load(old.chain, &dump), FVM_ERR_VERSION);
    /* an edit alone cannot do it */
    const fvm_edit edit = { .kind = FVM_EDIT_STATE, .address = fvm_address_id(0), .cid = a.state };
    CHECK_ERR(fvm_chain_edit(f.chain, &edit, 1), FVM_ERR_INVALID);
    fixture_close(&old);
    fvm_buf_deinit(&dump);
    fixture_close(&f);
}
