/* A chain in a folder: the same when it is opened again, also after its process was killed. */
#include "chain_fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct folder {
    char path[64];
} folder;

static folder folder_new(void)
{
    folder f = { "/tmp/fvm-chain-XXXXXX" };
    CHECK(mkdtemp(f.path) != NULL);
    return f;
}

static void folder_remove(const folder *f)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", f->path);
    CHECK(system(command) == 0);
}

static void open_in(fixture *f, const folder *at, fvm_sealing sealing, fvm_durability durability)
{
    fvm_chain_options o;
    fvm_store_why why = { { 0 } };
    *f = (fixture){ .chain = NULL };
    fixture_options(f, &o);
    o.sealing = sealing;
    o.ledger.folder = at->path;
    o.ledger.durability = durability;
    fvm_err err = fvm_chain_open(&f->chain, &o, NULL, &why);
    CHECK_AT(why.text, err == FVM_OK);
}

TEST(a_folder_opened_again_holds_the_same_chain)
{
    static const fvm_durability modes[] = { FVM_DURABILITY_GROUP, FVM_DURABILITY_STRICT,
                                            FVM_DURABILITY_NONE };
    for (size_t i = 0; i < FVM_COUNT(modes); i++) {
        fixture f;
        folder at = folder_new();
        uint8_t data[68];
        uint64_t snapshot;
        fvm_tipset before, after;
        fvm_chain_message m;
        fvm_chain_verdict verdict;
        open_in(&f, &at, FVM_SEALING_INSTANT, modes[i]);
        fvm_eth_address token = fvm_eth_address_created(&f.keys[0].eth, 0);
        tx_send(&f, &(tx){ .input = { token_init, sizeof token_init } });
        CHECK_OK(fvm_chain_snapshot(f.chain, &snapshot));
        tx_send(&f, &(tx){ .nonce = 1, .to = &f.keys[1].eth });
        CHECK_OK(fvm_chain_revert(f.chain, snapshot));
        fvm_edit e = { .kind = FVM_EDIT_BALANCE,
                       .address = f.keys[3].address,
                       .balance = fvm_big_u64(3) };
        CHECK_OK(fvm_chain_edit(f.chain, &e, 1));
        fvm_submission s = tx_send(
            &f,
            &(tx){ .nonce = 1, .to = &token, .input = token_transfer(data, &f.keys[1].eth, 2) });
        e.balance = fvm_big_u64(4);
        CHECK_OK(fvm_chain_edit(f.chain, &e, 1));
        fvm_chain_head(f.chain, &before);
        fixture_close(&f);

        open_in(&f, &at, FVM_SEALING_INSTANT, modes[i]);
        fvm_chain_head(f.chain, &after);
        CHECK(after.number == 2 && memcmp(after.hash, before.hash, 32) == 0);
        CHECK(fvm_cid_eq(&after.state, &before.state));
        CHECK(!fvm_cid_eq(&after.state, &after.executed));
        fvm_chain_message_init(&m, NULL);
        CHECK_OK(fvm_chain_message_by_eth_hash(f.chain, &m, s.eth_hash));
        CHECK(m.number == 2 && m.log_count == 1);
        fvm_chain_message_deinit(&m);
        tx_send(&f, &(tx){ .nonce = 2, .to = &f.keys[1].eth });
        CHECK_OK(fvm_chain_verify(f.chain, &verdict, NULL, NULL, NULL, NULL));
        CHECK(verdict.tipsets == 4 && verdict.messages == 3 && verdict.edits == 2);
        fixture_close(&f);
        folder_remove(&at);
    }
}

/* The child sends, and tells of each message that was acknowledged. */
static _Noreturn void send_for_ever(const folder *at, int out, uint64_t nonce)
{
    fixture f;
    open_in(&f, at, FVM_SEALING_INSTANT, FVM_DURABILITY_GROUP);
    for (;; nonce++) {
        fvm_submission s = tx_send(&f, &(tx){ .nonce = nonce, .to = &f.keys[1].eth });
        if (write(out, s.eth_hash, 32) != 32) _exit(1);
    }
}

/* Until the child has told of `count` messages; then it is killed, and what it told since is read. */
static size_t kill_after(uint8_t (*hashes)[32], size_t max, int in, pid_t child, size_t count)
{
    size_t got = 0;
    while (got < count && read(in, hashes[got], 32) == 32) got++;
    CHECK(kill(child, SIGKILL) == 0);
    while (got < max && read(in, hashes[got], 32) == 32) got++;
    return got;
}

#define HASHES 4096

TEST(a_killed_process_loses_nothing_that_it_acknowledged)
{
    static uint8_t hashes[HASHES][32];
    folder at = folder_new();
    uint64_t nonce = 0;
    for (size_t round = 0; round < test_rounds(6); round++) {
        fixture f;
        int pipes[2], status;
        fvm_chain_message m;
        fvm_chain_verdict verdict;
        CHECK(pipe(pipes) == 0);
        fflush(stdout);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            close(pipes[0]);
            send_for_ever(&at, pipes[1], nonce);
        }
        close(pipes[1]);
        size_t got = kill_after(hashes, HASHES, pipes[0], child, 1 + round % 7 * 7);
        close(pipes[0]);
        CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
        CHECK(got > round % 7 * 7);
        open_in(&f, &at, FVM_SEALING_MANUAL, FVM_DURABILITY_GROUP);
        fvm_chain_message_init(&m, NULL);
        for (size_t i = 0; i < got; i++) {
            CHECK_OK(fvm_chain_message_by_eth_hash(f.chain, &m, hashes[i]));
            CHECK(m.number != FVM_CHAIN_PENDING && m.message.nonce == nonce + i);
        }
        fvm_chain_message_deinit(&m);
        CHECK_OK(fvm_chain_verify(f.chain, &verdict, NULL, NULL, NULL, NULL));
        CHECK_OK(fvm_chain_next_nonce(f.chain, &nonce, &f.keys[0].address));
        fixture_close(&f);
    }
    folder_remove(&at);
}
