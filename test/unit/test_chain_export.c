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
