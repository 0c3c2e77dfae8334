/* verify.c - the whole chain once more: every tipset is executed again on the state before it, and what comes
 * out is compared with what the ledger says: receipts, roots, header, events, indexes, edits. Nothing
 * is written. */
#include "chain_internal.h"

#include "ipld/buffered.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

typedef struct check {
    fvm_chain *chain;
    fvm__runner runner;
    fvm_chain_verdict *verdict;
    void (*problem)(void *ctx, const char *text);
    bool (*progress)(void *ctx, uint64_t number);
    void *ctx;
    fvm_tipset parent, t;
    fvm_blockstore blocks; /* of the tipset's block, made again */
    fvm_receipt receipt;
    fvm_buf cids, receipts, items, place;
    size_t bare;
    uint32_t messages, events, logs;
    uint64_t gas;
} check;

__attribute__((format(printf, 2, 3))) static void report(check *k, const char *format, ...)
{
    char text[256];
    va_list args;
    k->verdict->problems++;
    if (!k->problem) return;
    int n = snprintf(text, sizeof text, "tipset %" PRIu64 ": ", k->t.number);
    va_start(args, format);
    (void)vsnprintf(text + n, sizeof text - (size_t)n, format, args);
    va_end(args);
    k->problem(k->ctx, text);
}

static void expect_cid(check *k, const char *what, const fvm_cid *got, const fvm_cid *want)
{
    char a[FVM_CID_TEXT_MAX], b[FVM_CID_TEXT_MAX];
    if (fvm_cid_eq(got, want)) return;
    (void)fvm_cid_to_text(a, want);
    (void)fvm_cid_to_text(b, got);
    report(k, "%s is %s, executed again %s", what, a, b);
}

/* --- indexes --- */

static fvm_err expect_place(check *k, const char *what, unsigned table, fvm_bytes key,
                            uint32_t index)
{
    uint8_t want[FVM__PLACE_LEN];
    fvm_bytes place = fvm__place_write(want, k->t.number, index);
    bool there;
    FVM_TRY(fvm__index_has(k->chain, &there, table, key, place));
    if (!there) report(k, "message %u is not where the index of %s says", (unsigned)index, what);
    return FVM_OK;
}

static fvm_err check_indexes(check *k, const fvm_chain_message *m)
{
    uint8_t nonce[16];
    FVM_TRY(expect_place(k, "CIDs", FVM__TABLE_CID, (fvm_bytes){ m->cid.digest, 32 }, m->index));
    if (memcmp(m->eth_hash, m->cid.digest, 32) != 0)
        FVM_TRY(
            expect_place(k, "hashes", FVM__TABLE_ETH, (fvm_bytes){ m->eth_hash, 32 }, m->index));
    fvm_store_be64(nonce, m->from_id);
    fvm_store_be64(nonce + 8, m->message.nonce);
    return expect_place(k, "nonces", FVM__TABLE_NONCE, (fvm_bytes){ nonce, 16 }, m->index);
}

static fvm_err expect_there(check *k, const char *what, unsigned table, fvm_bytes key)
{
    k->place.len = 0;
    fvm_err err = fvm_ledger_get(k->chain->ledger, &k->place, table, key, false);
    if (err != FVM_ERR_NOT_FOUND) return err;
    report(k, "event %u is not in the index of %s", (unsigned)k->events, what);
    return FVM_OK;
}

/* One event that came out, against its record and its index entries. */
static fvm_err check_event(check *k, const fvm_chain_event *e)
{
    uint8_t key[32 + FVM__PLACE_LEN], at[FVM__PLACE_LEN];
    fvm_bytes place = fvm__place_write(at, k->t.number, k->events);
    fvm_chain_event kept = { .number = k->t.number };
    fvm_buf record;
    fvm_buf_init(&record, k->chain->alloc);
    fvm_err err = fvm_ledger_get(k->chain->ledger, &record, FVM__TABLE_EVENT, place, false);
    if (err == FVM_OK) err = fvm__ledger_err(fvm__event_read(&kept, fvm_buf_bytes(&record)));
    if (err == FVM_OK &&
        (kept.emitter != e->emitter || kept.is_log != e->is_log ||
         kept.message_index != k->messages || (e->is_log && kept.log_index != k->logs) ||
         !fvm_bytes_eq(kept.entries, e->entries)))
        report(k, "event %u is another one when executed again", (unsigned)k->events);
    fvm_buf_deinit(&record);
    if (err == FVM_ERR_NOT_FOUND || err == FVM_ERR_BAD_STATE) {
        report(k, "event %u is missing or does not decode", (unsigned)k->events);
        return FVM_OK;
    }
    FVM_TRY(err);
    fvm_store_be64(key, e->emitter);
    memcpy(key + 8, place.ptr, place.len);
    FVM_TRY(expect_there(k, "emitters", FVM__TABLE_EMITTER, (fvm_bytes){ key, 8 + place.len }));
    if (!e->topic_count) return FVM_OK;
    memcpy(key, e->topics[0], 32);
    memcpy(key + 32, place.ptr, place.len);
    return expect_there(k, "topics", FVM__TABLE_TOPIC, (fvm_bytes){ key, 32 + place.len });
}

static fvm_err check_events(check *k)
{
    fvm_bytes in = fvm_buf_bytes(&k->receipt.events);
    while (in.len) {
        fvm_chain_event e = { .number = k->t.number };
        FVM_TRY(fvm__event_take(&e, &in));
        FVM_TRY(check_event(k, &e));
        k->events++;
        k->logs += e.is_log;
    }
    return FVM_OK;
}

/* --- messages --- */

static void compare_receipt(check *k, const fvm_chain_message *m)
{
    const fvm_receipt *r = &k->receipt;
    if (r->exit_code != m->exit_code)
        report(k, "message %u: exit code %u, executed again %u", (unsigned)m->index,
               (unsigned)m->exit_code, (unsigned)r->exit_code);
    if (r->gas_used != m->gas_used)
        report(k, "message %u: gas %" PRIu64 ", executed again %" PRIu64, (unsigned)m->index,
               m->gas_used, r->gas_used);
    if (!fvm_bytes_eq(fvm_buf_bytes(&r->return_data), m->return_data))
        report(k, "message %u: other data returned", (unsigned)m->index);
    if (r->has_events_root != m->has_events_root)
        report(k, "message %u: events differ", (unsigned)m->index);
    else if (r->has_events_root)
        expect_cid(k, "a message's events root", &r->events_root, &m->events_root);
    if (m->first_event != k->events || m->first_log != k->logs || m->event_count != r->event_count)
        report(k, "message %u: events are counted wrongly", (unsigned)m->index);
}

static fvm_err keep_receipt(check *k, const fvm_chain_message *m)
{
    fvm_bytes item = { NULL, k->receipts.len };
    FVM_TRY(fvm_receipt_write(&k->receipts, &k->receipt, k->chain->net.version));
    item.len = k->receipts.len - item.len;
    FVM_TRY(fvm_buf_append(&k->items, (fvm_bytes){ (const uint8_t *)&item, sizeof item }));
    if (m->signature.type == FVM_SIGNATURE_BLS || m->signature.type == 0) k->bare++;
    return fvm_buf_append(&k->cids, (fvm_bytes){ (const uint8_t *)&m->cid, sizeof m->cid });
}

static fvm_err check_message(void *ctx, fvm_bytes key, fvm_bytes value)
{
    check *k = ctx;
    fvm_chain_message m;
    bool implicit;
    if (key.len != FVM__PLACE_LEN) return FVM_ERR_BAD_STATE;
    fvm_chain_message_init(&m, NULL);
    FVM_TRY(fvm__ledger_err(fvm__message_read(&m, &implicit, value)));
    m.index = fvm__place_read(key.ptr).index;
    if (m.index != k->messages) report(k, "message %u is missing", (unsigned)k->messages);
    FVM_TRY(fvm__run_message(&k->runner, &k->receipt, &m.message, m.chain_length, implicit));
    compare_receipt(k, &m);
    FVM_TRY(check_indexes(k, &m));
    FVM_TRY(check_events(k));
    FVM_TRY(keep_receipt(k, &m));
    k->gas = fvm_sat_add_u64(k->gas, k->receipt.gas_used);
    k->messages++;
    k->verdict->messages++;
    return FVM_OK;
}

/* --- tipsets --- */

static fvm_err check_block(check *k)
{
    fvm_tipset again = k->t;
    const fvm__block_parts parts = {
        .cids = (const fvm_cid *)(const void *)k->cids.ptr,
        .count = k->messages,
        .unsigned_count = k->bare,
        .receipts = (fvm_bytes *)(void *)k->items.ptr,
        .receipt_bytes = fvm_buf_bytes(&k->receipts),
    };
    FVM_TRY(fvm__block_write(&again, &k->blocks, &parts, &k->chain->miner, k->chain->alloc));
    expect_cid(k, "root of messages", &again.messages, &k->t.messages);
    expect_cid(k, "root of receipts", &again.receipts, &k->t.receipts);
    expect_cid(k, "block", &again.block, &k->t.block);
    if (k->messages != k->t.message_count || k->events != k->t.event_count ||
        k->logs != k->t.log_count || k->gas != k->t.gas_used)
        report(k, "messages, events or gas are counted wrongly");
    return FVM_OK;
}

static fvm_err check_edit(void *ctx, fvm_bytes key, fvm_bytes value)
{
    check *k = ctx;
    fvm_edit edit;
    (void)key;
    FVM_TRY(fvm__ledger_err(fvm__edit_read(&edit, value)));
    k->verdict->edits++;
    return fvm__edit_machine(k->chain, k->runner.machine, &edit);
}

static fvm_err check_edits(check *k)
{
    uint8_t low[FVM__PLACE_LEN], high[FVM__PLACE_LEN];
    fvm_cid root;
    FVM_TRY(fvm_ledger_range(k->chain->ledger, FVM__TABLE_EDIT,
                             fvm__place_write(low, k->t.number, 0),
                             fvm__place_write(high, k->t.number + 1, 0), false, check_edit, k));
    FVM_TRY(fvm_machine_root(k->runner.machine, &root));
    expect_cid(k, "state with edits", &root, &k->t.state);
    return FVM_OK;
}

static fvm_err execute(check *k)
{
    uint8_t low[FVM__PLACE_LEN], high[FVM__PLACE_LEN];
    fvm__conditions conditions;
    fvm_cid root;
    fvm__conditions_of_tipset(&conditions, &k->t, NULL);
    FVM_TRY(fvm__runner_goto(&k->runner, &k->parent.state, k->parent.number));
    FVM_TRY(fvm__run_null_rounds(&k->runner, &k->parent, &conditions));
    FVM_TRY(fvm_ledger_range(k->chain->ledger, FVM__TABLE_MESSAGE,
                             fvm__place_write(low, k->t.number, 0),
                             fvm__place_write(high, k->t.number + 1, 0), false, check_message, k));
    FVM_TRY(fvm__run_cron(&k->runner, k->t.number));
    FVM_TRY(fvm_machine_root(k->runner.machine, &root));
    expect_cid(k, "state", &root, &k->t.executed);
    return FVM_OK;
}

static void check_chain(check *k)
{
    if (memcmp(k->t.parent_hash, k->parent.hash, 32) != 0 ||
        k->t.parent_number != k->parent.number || !fvm_cid_eq(&k->t.parent, &k->parent.block))
        report(k, "the parent is not the tipset before");
    expect_cid(k, "parent's state", &k->parent.state, &k->t.parent_state);
    expect_cid(k, "parent's receipts", &k->parent.receipts, &k->t.parent_receipts);
}

static fvm_err check_tipset(void *ctx, const fvm_tipset *t)
{
    check *k = ctx;
    uint64_t problems = k->verdict->problems;
    k->t = *t;
    k->cids.len = k->receipts.len = k->items.len = k->bare = 0;
    k->messages = k->events = k->logs = 0;
    k->gas = 0;
    k->verdict->tipsets++;
    FVM_TRY(fvm_blockstore_memory_new(&k->blocks, k->chain->alloc));
    fvm_err err = FVM_OK;
    if (t->number == 0) {
        err = fvm__runner_goto(&k->runner, &t->executed, 0);
        k->runner.at_root = false;
    } else {
        check_chain(k);
        err = execute(k);
        if (err == FVM_OK) err = check_block(k);
    }
    if (err == FVM_OK) err = check_edits(k);
    fvm_blockstore_free(&k->blocks);
    if (fvm_err_class_of(err) == FVM_CLASS_HOST) return err;
    if (err != FVM_OK) {
        report(k, "does not execute: %s", fvm_err_text(err));
        fvm__runner_drop(&k->runner);
    } else if (problems == k->verdict->problems) {
        /* What came out is in the ledger, too: the machine goes on from there. */
        fvm_buffered_clear(&k->runner.machine->store);
        k->runner.root = t->state;
        k->runner.at_root = true;
    }
    k->parent = *t;
    return !k->progress || k->progress(k->ctx, t->number) ? FVM_OK : FVM_ERR_EXTERN;
}

fvm_err fvm_chain_verify(fvm_chain *c, fvm_chain_verdict *out, fvm_engine *engine,
                         void (*problem)(void *ctx, const char *text),
                         bool (*progress)(void *ctx, uint64_t number), void *ctx)
{
    check k = { .chain = c, .verdict = out, .problem = problem, .progress = progress, .ctx = ctx };
    *out = (fvm_chain_verdict){ .tipsets = 0 };
    FVM_TRY(fvm__runner_init(&k.runner, c, engine));
    fvm_receipt_init(&k.receipt, c->alloc);
    fvm_buf_init(&k.cids, c->alloc);
    fvm_buf_init(&k.receipts, c->alloc);
    fvm_buf_init(&k.items, c->alloc);
    fvm_buf_init(&k.place, c->alloc);
    fvm_err err = fvm_chain_tipsets(c, 0, fvm_chain_head_number(c), false, check_tipset, &k);
    fvm_buf_deinit(&k.place);
    fvm_buf_deinit(&k.items);
    fvm_buf_deinit(&k.receipts);
    fvm_buf_deinit(&k.cids);
    fvm_receipt_deinit(&k.receipt);
    fvm__runner_deinit(&k.runner);
    if (err != FVM_OK) return err;
    return out->problems ? FVM_ERR_MISMATCH : FVM_OK;
}
