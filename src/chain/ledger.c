/* ledger.c - batches and reading; the picture is in ledger_internal.h. Whatever can fail of a batch
 * fails when it is put together or logged: committing it is putting its nodes into young. */
#include "ledger_internal.h"

fvm_err fvm__ledger_fail(fvm_ledger *ledger, fvm_err err, const fvm_store_why *why)
{
    (void)pthread_mutex_lock(&ledger->errors);
    ledger->last = *why;
    (void)pthread_mutex_unlock(&ledger->errors);
    return err;
}

void fvm_ledger_last_error(fvm_ledger *ledger, fvm_store_why *why)
{
    (void)pthread_mutex_lock(&ledger->errors);
    *why = ledger->last;
    (void)pthread_mutex_unlock(&ledger->errors);
}

/* --- batches --- */

void fvm_ledger_begin(fvm_ledger *ledger)
{
    (void)pthread_mutex_lock(&ledger->writer);
    (void)pthread_rwlock_wrlock(&ledger->lists);
    ledger->open = true;
    (void)pthread_rwlock_unlock(&ledger->lists);
}

static fvm_err change(fvm_ledger *ledger, unsigned table, fvm_bytes key, const fvm_bytes *value)
{
    uint8_t room[FVM__LEDGER_KEY_MAX];
    fvm_map_entry *e;
    if (key.len == 0 || key.len > FVM_LEDGER_KEY_MAX) return FVM_ERR_LIMIT;
    if (value && value->len > UINT32_MAX / 2) return FVM_ERR_LIMIT;
    fvm__entry_key whole = fvm__entry_key_of(fvm__ledger_key(room, table, key));
    fvm__entry_node *n = fvm__entries_new(ledger->alloc, &ledger->random, &whole, value);
    if (!n) return FVM_ERR_NOMEM;
    (void)pthread_rwlock_wrlock(&ledger->lists);
    fvm_err err = fvm_map_put(&ledger->batch, &e, NULL, whole.bytes);
    if (err == FVM_OK) {
        fvm__entry_free(ledger->alloc, e->value.ptr);
        e->value.ptr = n;
    }
    (void)pthread_rwlock_unlock(&ledger->lists);
    if (err != FVM_OK) fvm__entry_free(ledger->alloc, n);
    return err;
}

fvm_err fvm_ledger_put(fvm_ledger *ledger, unsigned table, fvm_bytes key, fvm_bytes value)
{
    return change(ledger, table, key, &value);
}

fvm_err fvm_ledger_delete(fvm_ledger *ledger, unsigned table, fvm_bytes key)
{
    return change(ledger, table, key, NULL);
}

/* Puts the batch's nodes into young. Above a database a deletion must be remembered. */
static void apply(fvm_ledger *ledger)
{
    size_t at = 0;
    for (fvm_map_entry *e; (e = fvm_map_next(&ledger->batch, &at));) {
        fvm__entry_node *n = e->value.ptr;
        if (n->deleted && !ledger->db.lmdb) {
            const fvm__entry_key key = fvm__entry_key_of(n->key);
            fvm__entries_remove(&ledger->young, ledger->alloc, &key);
            fvm__entry_free(ledger->alloc, n);
        } else {
            fvm__entries_put(&ledger->young, ledger->alloc, n);
        }
        e->value.ptr = NULL;
    }
}

/* Forgets what is in the batch still, and lets others begin one. */
static void end_batch(fvm_ledger *ledger)
{
    size_t at = 0;
    for (fvm_map_entry *e; (e = fvm_map_next(&ledger->batch, &at));)
        fvm__entry_free(ledger->alloc, e->value.ptr);
    fvm_map_clear(&ledger->batch);
    ledger->open = false;
}

fvm_err fvm_ledger_commit(fvm_ledger *ledger)
{
    (void)pthread_mutex_lock(&ledger->moving);
    fvm_err err = ledger->read_only ? FVM_ERR_READ_ONLY
                  : ledger->db.lmdb ? fvm__ledger_disk_log(ledger)
                                    : FVM_OK;
    (void)pthread_rwlock_wrlock(&ledger->lists);
    if (err == FVM_OK) apply(ledger);
    end_batch(ledger);
    (void)pthread_rwlock_unlock(&ledger->lists);
    if (err == FVM_OK) {
        ledger->committed++;
        ledger->stats.batches++;
        if (ledger->db.lmdb) fvm__ledger_disk_committed(ledger);
    }
    (void)pthread_mutex_unlock(&ledger->moving);
    (void)pthread_mutex_unlock(&ledger->writer);
    return err;
}

void fvm_ledger_abort(fvm_ledger *ledger)
{
    (void)pthread_rwlock_wrlock(&ledger->lists);
    end_batch(ledger);
    (void)pthread_rwlock_unlock(&ledger->lists);
    (void)pthread_mutex_unlock(&ledger->writer);
}

/* --- one entry --- */

/* What memory says; NULL: nothing. With `lists` held. */
static const fvm__entry_node *in_memory(const fvm_ledger *ledger, const fvm__entry_key *key,
                                        bool in_batch)
{
    if (in_batch && ledger->open) {
        const fvm_map_entry *e = fvm_map_get(&ledger->batch, key->bytes);
        if (e) return e->value.ptr;
    }
    const fvm__entry_node *n = fvm__entries_get(&ledger->young, key);
    return n ? n : fvm__entries_get(&ledger->old, key);
}

/* Below `*place`, the last place of what is late. */
static bool late_place(fvm_ledger *ledger, const fvm__entry_key *key, uint64_t *place)
{
    (void)pthread_rwlock_rdlock(&ledger->lists);
    *place = fvm__late_find(&ledger->db.late, key->hash, *place);
    (void)pthread_rwlock_unlock(&ledger->lists);
    return *place != 0;
}

/* What was old when memory was looked at is in the database by now, if it is not in memory any more; and
 * what was late then, in the index. `late`: where memory says that it is; 0: nowhere. */
static fvm_err in_database(fvm_ledger *ledger, fvm_buf *out, const fvm__entry_key *key,
                           uint64_t late)
{
    fvm_store_why why = { "" };
    fvm_err err = FVM_ERR_MISMATCH; /* two keys of one hash */
    while (late && err == FVM_ERR_MISMATCH) {
        err = fvm__ledger_db_at(&ledger->db, out, key, late, &why);
        if (err == FVM_ERR_MISMATCH && !late_place(ledger, key, &late)) break;
    }
    if (err == FVM_ERR_MISMATCH) err = fvm__ledger_db_get(&ledger->db, out, key, &why);
    if (err == FVM_OK || err == FVM_ERR_NOT_FOUND || err == FVM_ERR_NOMEM) return err;
    return fvm__ledger_fail(ledger, err, &why);
}

static fvm_err find_below_cache(fvm_ledger *ledger, fvm_buf *out, const fvm__entry_key *key,
                                bool in_batch)
{
    uint64_t late = 0;
    fvm_err err = FVM_ERR_NOT_FOUND;
    (void)pthread_rwlock_rdlock(&ledger->lists);
    const fvm__entry_node *n = in_memory(ledger, key, in_batch);
    if (n && !n->deleted) err = out ? fvm_buf_append(out, n->value) : FVM_OK;
    if (!n && !key->ordered) late = fvm__late_find(&ledger->db.late, key->hash, UINT64_MAX);
    (void)pthread_rwlock_unlock(&ledger->lists);
    if (n || !ledger->db.lmdb) return err;
    size_t start = out ? out->len : 0;
    err = in_database(ledger, out, key, late);
    if (err == FVM_OK && key->block && out)
        fvm__cache_put(&ledger->db.cache, key, (fvm_bytes){ out->ptr + start, out->len - start });
    return err;
}

static fvm_err find(fvm_ledger *ledger, fvm_buf *out, unsigned table, fvm_bytes key, bool in_batch)
{
    uint8_t room[FVM__LEDGER_KEY_MAX];
    if (key.len == 0 || key.len > FVM_LEDGER_KEY_MAX) return FVM_ERR_NOT_FOUND;
    const fvm__entry_key whole = fvm__entry_key_of(fvm__ledger_key(room, table, key));
    if (whole.block && ledger->db.lmdb) {
        fvm_err err = fvm__cache_get(&ledger->db.cache, out, &whole);
        if (err != FVM_ERR_NOT_FOUND) return err;
    }
    return find_below_cache(ledger, out, &whole, in_batch);
}

fvm_err fvm_ledger_get(fvm_ledger *ledger, fvm_buf *out, unsigned table, fvm_bytes key,
                       bool in_batch)
{
    return find(ledger, out, table, key, in_batch);
}

/* --- blocks --- */

static fvm_err blocks_get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    uint8_t key[FVM_CID_BYTES_MAX];
    return find(self, out, FVM__LEDGER_BLOCKS, (fvm_bytes){ key, fvm_cid_write(key, cid) }, true);
}

static fvm_err blocks_has(void *self, bool *out, const fvm_cid *cid)
{
    uint8_t key[FVM_CID_BYTES_MAX];
    fvm_err err = find(self, NULL, FVM__LEDGER_BLOCKS, (fvm_bytes){ key, fvm_cid_write(key, cid) },
                       true);
    if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) return err;
    *out = err == FVM_OK;
    return FVM_OK;
}

static fvm_err blocks_put_many(void *self, const fvm_block *blocks, size_t count)
{
    fvm_ledger *ledger = self;
    uint8_t key[FVM_CID_BYTES_MAX];
    if (!ledger->open || ledger->read_only) return FVM_ERR_READ_ONLY;
    for (size_t i = 0; i < count; i++) {
        fvm_bytes k = { key, fvm_cid_write(key, &blocks[i].cid) };
        FVM_TRY(change(ledger, FVM__LEDGER_BLOCKS, k, &blocks[i].data));
    }
    return FVM_OK;
}

static const fvm_blockstore_ops blocks_ops = {
    .get = blocks_get,
    .has = blocks_has,
    .put_many = blocks_put_many,
};

const fvm_blockstore *fvm_ledger_blocks(fvm_ledger *ledger)
{
    return &ledger->blocks;
}

/* --- life --- */

static void init_locks(fvm_ledger *ledger)
{
    pthread_rwlockattr_t attr;
    pthread_condattr_t clock;
    (void)pthread_mutex_init(&ledger->writer, NULL);
    (void)pthread_mutex_init(&ledger->moving, NULL);
    (void)pthread_mutex_init(&ledger->errors, NULL);
    /* a commit comes before new readers */
    (void)pthread_rwlockattr_init(&attr);
    (void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    (void)pthread_rwlock_init(&ledger->lists, &attr);
    (void)pthread_rwlockattr_destroy(&attr);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&ledger->wake, &clock);
    (void)pthread_cond_init(&ledger->done, &clock);
    (void)pthread_condattr_destroy(&clock);
}

fvm_err fvm_ledger_open(fvm_ledger **out, const fvm_ledger_options *options,
                        const fvm_allocator *alloc, fvm_store_why *why)
{
    fvm_ledger *ledger = fvm_mem_zalloc(alloc, sizeof *ledger);
    if (!ledger) return FVM_ERR_NOMEM;
    ledger->alloc = alloc;
    ledger->durability = options->durability;
    ledger->group_bytes = options->group_bytes ? options->group_bytes : (uint64_t)8 << 20;
    ledger->group_ms = options->group_ms ? options->group_ms : 200;
    ledger->lock_fd = ledger->folder_fd = ledger->journal_fd = -1;
    ledger->blocks = (fvm_blockstore){ &blocks_ops, ledger };
    fvm_map_init(&ledger->batch, alloc);
    fvm_buf_init(&ledger->record, alloc);
    init_locks(ledger);
    fvm_err err = options->folder ? fvm__ledger_disk_open(ledger, options, why) : FVM_OK;
    if (err != FVM_OK) {
        fvm_ledger_close(ledger);
        return err;
    }
    *out = ledger;
    return FVM_OK;
}

void fvm_ledger_close(fvm_ledger *ledger)
{
    if (!ledger) return;
    end_batch(ledger);
    fvm__ledger_disk_close(ledger);
    fvm__entries_clear(&ledger->young, ledger->alloc);
    fvm__entries_clear(&ledger->old, ledger->alloc);
    fvm_map_deinit(&ledger->batch);
    fvm_buf_deinit(&ledger->record);
    (void)pthread_cond_destroy(&ledger->wake);
    (void)pthread_cond_destroy(&ledger->done);
    (void)pthread_mutex_destroy(&ledger->writer);
    (void)pthread_mutex_destroy(&ledger->moving);
    (void)pthread_mutex_destroy(&ledger->errors);
    (void)pthread_rwlock_destroy(&ledger->lists);
    fvm_mem_free(ledger->alloc, ledger, sizeof *ledger);
}

fvm_err fvm_ledger_sync(fvm_ledger *ledger)
{
    return ledger->db.lmdb && !ledger->read_only ? fvm__ledger_disk_sync(ledger) : FVM_OK;
}

void fvm_ledger_stats_get(fvm_ledger *ledger, fvm_ledger_stats *out)
{
    (void)pthread_mutex_lock(&ledger->moving);
    (void)pthread_rwlock_rdlock(&ledger->lists);
    *out = ledger->stats;
    out->memory_bytes = fvm__entries_bytes(&ledger->young) + fvm__entries_bytes(&ledger->old);
    (void)pthread_rwlock_unlock(&ledger->lists);
    out->journal_bytes = ledger->journal_len;
    out->file_bytes = ledger->db.lmdb ? fvm__ledger_db_bytes(&ledger->db) : 0;
    (void)pthread_mutex_unlock(&ledger->moving);
}
