/* Random submissions, mining, edits, snapshots and reverts against a plain list of what must be found: indexes
 * are consistent after each, and at the end the chain executes again to the same roots, as does what its
 * export is imported to. Nonces are set back now and then, so that the same messages come again. */
#include "../unit/chain_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#define MODEL_MAX 512
#define STEPS 60

typedef struct entry {
    uint8_t hash[32];
    fvm_cid cid;
    size_t from;
    uint64_t nonce, number; /* 0: pending */
    bool log;
} entry;

typedef struct snapshot {
    uint64_t id;
    size_t entries; /* when it was taken, waiting ones too */
    uint64_t head, nonces[ACCOUNTS];
    fvm_cid state;
} snapshot;

typedef struct model {
    fixture f;
    test_rng rng;
    fvm_eth_address token;
    entry entries[MODEL_MAX];
    size_t count;
    uint64_t nonces[ACCOUNTS]; /* next */
    snapshot snapshots[16];
    size_t snapshot_count;
} model;

static void submit_one(model *m)
{
    uint8_t data[68];
    size_t from = test_rng_below(&m->rng, ACCOUNTS);
    bool token = m->nonces[0] > 0 && test_rng_below(&m->rng, 2);
    if (m->count == MODEL_MAX) return;
    tx t = { .from = from,
             .nonce = m->nonces[from],
             .to = token ? &m->token : &m->f.keys[test_rng_below(&m->rng, ACCOUNTS)].eth,
             .premium = 1 + test_rng_below(&m->rng, 100000) };
    if (test_rng_below(&m->rng, 2)) { /* the same each time with that nonce */
        token = false;
        t.to = &m->f.keys[0].eth;
        t.premium = 777;
    }
    if (token) t.input = token_transfer(data, &m->f.keys[1].eth, test_rng_below(&m->rng, 9));
    fvm_submission s = tx_submit(&m->f, &t);
    CHECK_AT(s.why, s.refusal == FVM_REFUSAL_NONE);
    entry *e = &m->entries[m->count++];
    *e = (entry){ .cid = s.cid, .from = from, .nonce = t.nonce, .log = token };
    memcpy(e->hash, s.eth_hash, 32);
    m->nonces[from]++;
}

static void mine(model *m)
{
    if (test_rng_below(&m->rng, 4) == 0)
        fvm_chain_skip_rounds(m->f.chain, 1 + test_rng_below(&m->rng, 3));
    m->f.clock_ms += test_rng_below(&m->rng, 3000);
    CHECK_OK(fvm_chain_mine(m->f.chain, 1, 0, 0));
    uint64_t head = fvm_chain_head_number(m->f.chain);
    for (size_t i = 0; i < m->count; i++)
        if (!m->entries[i].number) m->entries[i].number = head;
}

static bool waits(const model *m, size_t account)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->entries[i].from == account && !m->entries[i].number) return true;
    return false;
}

static void set_nonce_back(model *m)
{
    size_t account = test_rng_below(&m->rng, ACCOUNTS);
    if (waits(m, account)) return;
    size_t least = account == 0; /* the deployment's is not in the list */
    m->nonces[account] = least + test_rng_below(&m->rng, m->nonces[account] + 1 - least);
    const fvm_edit e = { .kind = FVM_EDIT_NONCE,
                         .address = m->f.keys[account].address,
                         .nonce = m->nonces[account] };
    CHECK_OK(fvm_chain_edit(m->f.chain, &e, 1));
}

static void edit(model *m)
{
    fvm_edit e = { .kind = test_rng_below(&m->rng, 2) ? FVM_EDIT_BALANCE : FVM_EDIT_STORAGE };
    e.address = e.kind == FVM_EDIT_BALANCE ? m->f.keys[3].address
                                           : fvm_eth_address_to_fil(&m->token);
    e.balance = fvm_big_u64(UINT64_C(9000000000000000000) + test_rng_below(&m->rng, 1000));
    test_rng_fill(&m->rng, e.slot, 32);
    test_rng_fill(&m->rng, e.value, 32);
    CHECK_OK(fvm_chain_edit(m->f.chain, &e, 1));
}

static void take_snapshot(model *m)
{
    fvm_tipset t;
    if (m->snapshot_count == FVM_COUNT(m->snapshots)) return;
    snapshot *s = &m->snapshots[m->snapshot_count++];
    CHECK_OK(fvm_chain_snapshot(m->f.chain, &s->id));
    fvm_chain_head(m->f.chain, &t);
    s->head = t.number;
    s->state = t.state;
    s->entries = m->count;
    memcpy(s->nonces, m->nonces, sizeof s->nonces);
}

/* What is found by that hash, or, if that is NULL, by that account's nonce: tipsets are asked before the pool, and
 * the last place counts. NULL: nothing. */
static const entry *found_by(const model *m, const uint8_t *hash, size_t from, uint64_t nonce)
{
    const entry *waiting = NULL;
    for (size_t i = m->count; i-- > 0;) {
        const entry *e = &m->entries[i];
        if (hash ? memcmp(e->hash, hash, 32) != 0 : e->from != from || e->nonce != nonce) continue;
        if (e->number) return e;
        waiting = e;
    }
    return waiting;
}

static void check_gone(model *m, const entry *e)
{
    fvm_chain_message found;
    fvm_chain_message_init(&found, NULL);
    CHECK_ERR(fvm_chain_message_by_eth_hash(m->f.chain, &found, e->hash), FVM_ERR_NOT_FOUND);
    CHECK_ERR(fvm_chain_message_by_cid(m->f.chain, &found, &e->cid), FVM_ERR_NOT_FOUND);
    fvm_chain_message_deinit(&found);
}

static void revert(model *m)
{
    fvm_tipset t;
    static entry gone[MODEL_MAX];
    if (!m->snapshot_count) return;
    size_t which = test_rng_below(&m->rng, m->snapshot_count);
    const snapshot *s = &m->snapshots[which];
    CHECK_OK(fvm_chain_revert(m->f.chain, s->id));
    fvm_chain_head(m->f.chain, &t);
    CHECK(t.number == s->head && fvm_cid_eq(&t.state, &s->state));
    size_t gone_count = m->count - s->entries;
    memcpy(gone, m->entries + s->entries, gone_count * sizeof *gone);
    m->count = s->entries;
    for (size_t i = 0; i < m->count; i++) /* what waited then waits again */
        if (m->entries[i].number > s->head) m->entries[i].number = 0;
    for (size_t i = 0; i < gone_count; i++)
        if (!found_by(m, gone[i].hash, 0, 0)) check_gone(m, &gone[i]);
    memcpy(m->nonces, s->nonces, sizeof m->nonces);
    m->snapshot_count = which;
}

static fvm_err count_event(void *ctx, const fvm_chain_event *e)
{
    (void)e;
    ++*(size_t *)ctx;
    return FVM_OK;
}

static void check_all(model *m)
{
    fvm_chain_message found;
    size_t logs = 0, seen = 0;
    fvm_chain_message_init(&found, NULL);
    for (size_t i = 0; i < m->count; i++) {
        const entry *e = &m->entries[i], *last = found_by(m, e->hash, 0, 0);
        uint64_t want = last->number ? last->number : FVM_CHAIN_PENDING;
        CHECK_OK(fvm_chain_message_by_eth_hash(m->f.chain, &found, e->hash));
        CHECK(found.number == want && found.message.nonce == e->nonce);
        CHECK_OK(fvm_chain_message_by_cid(m->f.chain, &found, &e->cid));
        CHECK(found.number == want);
        CHECK_OK(
            fvm_chain_message_by_nonce(m->f.chain, &found, &m->f.keys[e->from].address, e->nonce));
        last = found_by(m, NULL, e->from, e->nonce);
        CHECK(memcmp(found.eth_hash, last->hash, 32) == 0);
        logs += e->number && e->log;
    }
    fvm_event_filter by_token = { .from = 0,
                                  .to = fvm_chain_head_number(m->f.chain),
                                  .addresses = (const uint8_t(*)[20]) & m->token.bytes,
                                  .address_count = 1 };
    CHECK_OK(fvm_chain_events(m->f.chain, &by_token, count_event, &seen));
    CHECK(seen == logs);
    for (size_t i = 0; i < ACCOUNTS; i++) {
        uint64_t nonce;
        CHECK_OK(fvm_chain_next_nonce(m->f.chain, &nonce, &m->f.keys[i].address));
        CHECK(nonce == m->nonces[i]);
    }
    fvm_chain_message_deinit(&found);
}

/* The chain that is made of its export has the same head, and is as right. */
static void check_import(const model *m)
{
    char path[] = "/tmp/fvm-prop-chain-XXXXXX";
    int fd = mkstemp(path);
    fvm_chain *copy;
    fvm_tipset a, b;
    fvm_chain_options o = { .sealing = FVM_SEALING_MANUAL };
    fvm_store_why why = { { 0 } };
    fvm_chain_verdict verdict;
    CHECK(fd >= 0);
    close(fd);
    CHECK_OK(fvm_chain_export(m->f.chain, path, &why));
    fvm_err err = fvm_chain_import(&copy, &o, path, NULL, &why);
    CHECK_AT(why.text, err == FVM_OK);
    fvm_chain_head(m->f.chain, &a);
    fvm_chain_head(copy, &b);
    CHECK(a.number == b.number && memcmp(a.hash, b.hash, 32) == 0);
    CHECK(fvm_cid_eq(&a.state, &b.state));
    CHECK_OK(fvm_chain_verify(copy, &verdict, NULL, NULL, NULL, NULL));
    fvm_chain_close(copy);
    CHECK(unlink(path) == 0);
}

TEST(indexes_follow_whatever_happens_to_the_chain)
{
    for (uint64_t round = 0; round < test_rounds(3); round++) {
        static model m; /* half a megabyte */
        fvm_chain_verdict verdict;
        m = (model){ .rng = { 1000 + round } };
        fixture_open(&m.f, FVM_SEALING_MANUAL);
        m.token = fvm_eth_address_created(&m.f.keys[0].eth, 0);
        tx_submit(&m.f, &(tx){ .input = { token_init, sizeof token_init } });
        CHECK_OK(fvm_chain_mine(m.f.chain, 1, 0, 0));
        m.nonces[0] = 1;
        for (unsigned i = 0; i < STEPS; i++) {
            uint64_t what = test_rng_below(&m.rng, 20);
            if (what < 11)
                submit_one(&m);
            else if (what < 15)
                mine(&m);
            else if (what < 16)
                edit(&m);
            else if (what < 17)
                set_nonce_back(&m);
            else if (what < 19)
                take_snapshot(&m);
            else
                revert(&m);
            check_all(&m);
        }
        CHECK_OK(fvm_chain_verify(m.f.chain, &verdict, NULL, NULL, NULL, NULL));
        check_import(&m);
        fixture_close(&m.f);
    }
}
