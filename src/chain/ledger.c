/* ledger.c - batches and reading; the picture is in ledger_internal.h. Whatever can fail of a batch
 * fails when it is put together or logged: committing it is putting its nodes into a list. */
#include "ledger_internal.h"

#include <time.h>

/* A range is read in pieces of this size: locks and the database's snapshot are not held while the
 * visitor works. */
#define PIECE_ENTRIES 256u
#define PIECE_BYTES ((size_t)256 << 10)

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

static fvm_bytes whole_key(uint8_t room[FVM__LEDGER_KEY_MAX], unsigned table, fvm_bytes key)
{
    room[0] = (uint8_t)(table + 1);
    if (key.len) memcpy(room + 1, key.ptr, key.len);
    return (fvm_bytes){ room, key.len + 1 };
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
    fvm_bytes whole = whole_key(room, table, key);
    fvm__entry_node *n = fvm__entry_new(ledger->alloc, &ledger->random, whole, value);
    if (!n) return FVM_ERR_NOMEM;
    (void)pthread_rwlock_wrlock(&ledger->lists);
    fvm_err err = fvm_map_put(&ledger->batch, &e, NULL, whole);
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
            fvm__list_remove(&ledger->young, ledger->alloc, n->key);
            fvm__entry_free(ledger->alloc, n);
        } else {
            fvm__list_put(&ledger->young, ledger->alloc, n);
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
static const fvm__entry_node *in_memory(const fvm_ledger *ledger, fvm_bytes key, bool in_batch)
{
    if (in_batch && ledger->open) {
        const fvm_map_entry *e = fvm_map_get(&ledger->batch, key);
        if (e) return e->value.ptr;
    }
    const fvm__entry_node *n = fvm__list_get(&ledger->young, key);
    return n ? n : fvm__list_get(&ledger->old, key);
}

static fvm_err find(fvm_ledger *ledger, fvm_buf *out, unsigned table, fvm_bytes key, bool in_batch)
{
    uint8_t room[FVM__LEDGER_KEY_MAX];
    fvm_store_why why = { "" };
    fvm_err err;
    if (key.len == 0 || key.len > FVM_LEDGER_KEY_MAX) return FVM_ERR_NOT_FOUND;
    key = whole_key(room, table, key);
    (void)pthread_rwlock_rdlock(&ledger->lists);
    const fvm__entry_node *n = in_memory(ledger, key, in_batch);
    if (n)
        err = n->deleted ? FVM_ERR_NOT_FOUND : out ? fvm_buf_append(out, n->value) : FVM_OK;
    else
        err = FVM_ERR_NOT_FOUND;
    (void)pthread_rwlock_unlock(&ledger->lists);
    if (n || !ledger->db.lmdb) return err;
    /* what was old then is in the database by now, if it is not in memory any more */
    err = fvm__ledger_db_get(&ledger->db, out, key, &why);
    if (err == FVM_OK || err == FVM_ERR_NOT_FOUND || err == FVM_ERR_NOMEM) return err;
    return fvm__ledger_fail(ledger, err, &why);
}

fvm_err fvm_ledger_get(fvm_ledger *ledger, fvm_buf *out, unsigned table, fvm_bytes key,
                       bool in_batch)
{
    return find(ledger, out, table, key, in_batch);
}

/* --- ranges --- */

/* The entries of a piece: u32 length of the key, u32 of the value, key, value. */
static fvm_err piece_add(fvm_buf *piece, fvm_bytes key, fvm_bytes value)
{
    uint8_t head[8];
    fvm_store_le32(head, (uint32_t)key.len);
    fvm_store_le32(head + 4, (uint32_t)value.len);
    FVM_TRY(fvm_buf_append(piece, (fvm_bytes){ head, sizeof head }));
    FVM_TRY(fvm_buf_append(piece, key));
    return fvm_buf_append(piece, value);
}

static void piece_take(fvm_bytes *key, fvm_bytes *value, fvm_bytes *in)
{
    *key = (fvm_bytes){ in->ptr + 8, fvm_load_le32(in->ptr) };
    *value = (fvm_bytes){ key->ptr + key->len, fvm_load_le32(in->ptr + 4) };
    size_t size = 8 + key->len + value->len;
    *in = (fvm_bytes){ in->ptr + size, in->len - size };
}

/* Three sorted places that are gone along together; the earlier one counts where keys are equal. */
typedef struct merge {
    const fvm__entry_node *lists[2];
    fvm__ledger_cursor cursor;
    bool down;
} merge;

/* Whether `a` comes before `b` on the way. */
static bool comes_before(fvm_bytes a, fvm_bytes b, bool down)
{
    int c = fvm_bytes_cmp(a, b);
    return down ? c > 0 : c < 0;
}

/* The next entry; false: there is none. `*hidden`: it stands for a deletion. */
static bool merge_next(const merge *m, fvm_bytes *key, fvm_bytes *value, bool *hidden)
{
    bool has = false;
    *hidden = false;
    for (unsigned i = 0; i < 2; i++) {
        const fvm__entry_node *n = m->lists[i];
        if (!n || (has && !comes_before(n->key, *key, m->down))) continue;
        *key = n->key;
        *value = n->value;
        *hidden = n->deleted;
        has = true;
    }
    if (m->cursor.has && (!has || comes_before(m->cursor.key, *key, m->down))) {
        *key = m->cursor.key;
        *value = m->cursor.value;
        *hidden = false;
        has = true;
    }
    return has;
}

/* Goes past `key` everywhere. */
static fvm_err merge_pass(merge *m, const fvm_ledger *ledger, fvm_bytes key, fvm_store_why *why)
{
    const fvm__entry_list *lists[2] = { &ledger->young, &ledger->old };
    bool at_cursor = m->cursor.has && fvm_bytes_eq(m->cursor.key, key);
    for (unsigned i = 0; i < 2; i++)
        if (m->lists[i] && fvm_bytes_eq(m->lists[i]->key, key))
            m->lists[i] = m->down ? fvm__list_below(lists[i], key) : m->lists[i]->next[0];
    return at_cursor ? fvm__ledger_cursor_next(&m->cursor, why) : FVM_OK;
}

/* Gathers entries from `from` (down: below it) until `end` or the piece is full (`*more`). */
static fvm_err gather(fvm_ledger *ledger, merge *m, fvm_buf *piece, bool *more, fvm_bytes end,
                      fvm_store_why *why)
{
    fvm_bytes key, value;
    bool hidden;
    for (unsigned n = 0; merge_next(m, &key, &value, &hidden);) {
        int c = fvm_bytes_cmp(key, end);
        if (m->down ? c < 0 : c >= 0) return FVM_OK;
        if (!hidden) {
            FVM_TRY(piece_add(piece, key, value));
            *more = ++n == PIECE_ENTRIES || piece->len >= PIECE_BYTES;
            if (*more) return FVM_OK;
        }
        FVM_TRY(merge_pass(m, ledger, key, why));
    }
    return FVM_OK;
}

static fvm_err read_piece(fvm_ledger *ledger, fvm_buf *piece, bool *more, fvm_bytes from,
                          fvm_bytes end, bool down)
{
    fvm_store_why why = { "" };
    merge m = { .down = down };
    fvm_err err = FVM_OK;
    piece->len = 0;
    *more = false;
    (void)pthread_rwlock_rdlock(&ledger->lists);
    m.lists[0] = down ? fvm__list_below(&ledger->young, from)
                      : fvm__list_from(&ledger->young, from);
    m.lists[1] = down ? fvm__list_below(&ledger->old, from) : fvm__list_from(&ledger->old, from);
    if (ledger->db.lmdb) err = fvm__ledger_cursor_open(&m.cursor, &ledger->db, from, down, &why);
    if (err == FVM_OK) err = gather(ledger, &m, piece, more, end, &why);
    fvm__ledger_cursor_close(&m.cursor);
    (void)pthread_rwlock_unlock(&ledger->lists);
    return why.text[0] ? fvm__ledger_fail(ledger, err, &why) : err;
}

/* Shows a piece to the visitor. `place` becomes where the next one begins. */
static fvm_err show_piece(fvm_buf *place, fvm_bytes piece, bool down, fvm_ledger_visit visit,
                          void *ctx)
{
    fvm_bytes key = { NULL, 0 }, value;
    while (piece.len > 0) {
        piece_take(&key, &value, &piece);
        FVM_TRY(visit(ctx, (fvm_bytes){ key.ptr + 1, key.len - 1 }, value));
    }
    place->len = 0;
    FVM_TRY(fvm_buf_append(place, key));
    return down ? FVM_OK : fvm_buf_put_u8(place, 0); /* the least key above it */
}

fvm_err fvm_ledger_range(fvm_ledger *ledger, unsigned table, fvm_bytes from, fvm_bytes to,
                         bool down, fvm_ledger_visit visit, void *ctx)
{
    uint8_t low_room[FVM__LEDGER_KEY_MAX], high_room[FVM__LEDGER_KEY_MAX];
    if (from.len > FVM_LEDGER_KEY_MAX) from.len = FVM_LEDGER_KEY_MAX;
    if (to.len > FVM_LEDGER_KEY_MAX) to.len = FVM_LEDGER_KEY_MAX;
    fvm_bytes low = whole_key(low_room, table, from);
    fvm_bytes high = whole_key(high_room, to.len ? table : table + 1, to);
    fvm_buf piece, place;
    bool more = true;
    fvm_buf_init(&piece, ledger->alloc);
    fvm_buf_init(&place, ledger->alloc);
    fvm_err err = fvm_buf_append(&place, down ? high : low);
    while (err == FVM_OK && more) {
        err = read_piece(ledger, &piece, &more, fvm_buf_bytes(&place), down ? low : high, down);
        if (err == FVM_OK) err = show_piece(&place, fvm_buf_bytes(&piece), down, visit, ctx);
    }
    fvm_buf_deinit(&place);
    fvm_buf_deinit(&piece);
    return err;
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
    fvm__list_clear(&ledger->young, ledger->alloc);
    fvm__list_clear(&ledger->old, ledger->alloc);
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
    out->memory_bytes = ledger->young.bytes + ledger->old.bytes;
    (void)pthread_rwlock_unlock(&ledger->lists);
    out->journal_bytes = ledger->journal_len;
    out->file_bytes = ledger->db.lmdb ? fvm__ledger_db_bytes(&ledger->db) : 0;
    (void)pthread_mutex_unlock(&ledger->moving);
}
