/* ledger_move.c - a group of batches on its way to the database, in one transaction:
 *
 *     sorted entries ─> their tables, in order, so that the pages of neighbours are touched once
 *     hashed entries ─> the end of the log ─┬─> the list of what is late
 *     the slice whose turn it is, of all that is late ─> the index
 *
 * After FVM__LATE_SLICES groups all of a group's list is in the index, and the list is removed. */
#include "ledger_internal.h"

#include <stdlib.h>

#define PART_ENTRIES                                                                               \
    120u /* of a list, so that a part is an entry like others: half a page at most */
#define LATE_ENTRY 16u
#define PUBLISH 500u /* entries that readers wait for at a time */

/* --- before --- */

/* Room for what comes to each slice; and the slice whose turn it is, as it is now. */
static fvm_err look_at_late(fvm__ledger_move *m, fvm__ledger_db *db,
                            const size_t counts[FVM__LATE_SLICES])
{
    const fvm_allocator *alloc = db->lmdb->alloc;
    unsigned turn = (unsigned)(m->from.group % FVM__LATE_SLICES);
    for (unsigned i = 0; i < FVM__LATE_SLICES; i++)
        if (counts[i]) FVM_TRY(fvm__late_reserve(&db->late, alloc, i, counts[i]));
    m->turn_count = db->late.slices[turn].count;
    m->turn_cap = m->turn_count + counts[turn];
    if (m->turn_cap) m->turn = fvm_mem_alloc(alloc, m->turn_cap * sizeof *m->turn);
    if (m->turn_cap && !m->turn) return FVM_ERR_NOMEM;
    if (m->turn_count) fvm__late_copy(&db->late, turn, m->turn);
    return FVM_OK;
}

fvm_err fvm__ledger_move_prepare(fvm__ledger_move *m, fvm__ledger_db *db,
                                 const fvm__entries *entries, uint64_t moved,
                                 pthread_rwlock_t *lists)
{
    const fvm_allocator *alloc = db->lmdb->alloc;
    size_t counts[FVM__LATE_SLICES] = { 0 };
    *m = (fvm__ledger_move){
        .entries = entries,
        .fresh_cap = entries->hashed.count,
        .from = db->state,
        .to = db->state,
    };
    m->to.moved = moved;
    for (const fvm__entry_node *n = NULL; (n = fvm__table_next(&entries->hashed, n));)
        counts[fvm__late_slice_of(n->hash)]++;
    if (m->fresh_cap) m->fresh = fvm_mem_alloc(alloc, m->fresh_cap * sizeof *m->fresh);
    fvm_err err = m->fresh_cap && !m->fresh ? FVM_ERR_NOMEM : FVM_OK;
    (void)pthread_rwlock_wrlock(lists);
    if (err == FVM_OK) err = look_at_late(m, db, counts);
    (void)pthread_rwlock_unlock(lists);
    if (err != FVM_OK) fvm__ledger_move_deinit(m, alloc);
    return err;
}

void fvm__ledger_move_deinit(fvm__ledger_move *m, const fvm_allocator *alloc)
{
    fvm_mem_free(alloc, m->fresh, m->fresh_cap * sizeof *m->fresh);
    fvm_mem_free(alloc, m->turn, m->turn_cap * sizeof *m->turn);
    *m = (fvm__ledger_move){ .entries = NULL };
}

/* --- writing --- */

static void sum_value(fvm_bytes key, uint8_t *room, size_t len)
{
    fvm_store_le64(room + len, fvm__ledger_sum(key, (fvm_bytes){ room, len }));
}

static int put(MDB_txn *txn, MDB_dbi dbi, fvm_bytes key, fvm_bytes value)
{
    MDB_val k = fvm__lmdb_val(key), v = { value.len + FVM__DB_SUM, NULL };
    int rc = mdb_put(txn, dbi, &k, &v, MDB_RESERVE);
    if (rc != 0) return rc;
    if (value.len) memcpy(v.mv_data, value.ptr, value.len);
    sum_value(key, v.mv_data, value.len);
    return 0;
}

static int write_sorted(fvm__ledger_move *m, MDB_txn *txn, MDB_dbi dbi)
{
    for (const fvm__entry_node *n = m->entries->sorted.first[0]; n; n = n->next[0]) {
        MDB_val k = fvm__lmdb_val(n->key);
        int rc = n->deleted ? mdb_del(txn, dbi, &k, NULL) : put(txn, dbi, n->key, n->value);
        if (rc != 0 && !(n->deleted && rc == MDB_NOTFOUND)) return rc;
        m->bytes += n->size;
    }
    return 0;
}

/* deletion (u8), length of the key (u16), key, value */
static int append(MDB_txn *txn, MDB_dbi dbi, uint64_t place, const fvm__entry_node *n)
{
    uint8_t key[9] = { FVM__DB_LOG };
    fvm_store_be64(key + 1, place);
    size_t len = 3 + n->key.len + n->value.len;
    MDB_val k = { sizeof key, key }, v = { len + FVM__DB_SUM, NULL };
    int rc = mdb_put(txn, dbi, &k, &v, MDB_RESERVE | MDB_APPEND);
    if (rc != 0) return rc;
    uint8_t *room = v.mv_data;
    room[0] = n->deleted;
    room[1] = (uint8_t)n->key.len;
    room[2] = (uint8_t)(n->key.len >> 8);
    memcpy(room + 3, n->key.ptr, n->key.len);
    if (n->value.len) memcpy(room + 3 + n->key.len, n->value.ptr, n->value.len);
    sum_value((fvm_bytes){ key, sizeof key }, room, len);
    return 0;
}

/* A block that is in the database already, as far as is known without searching it. */
static bool is_known(fvm__ledger_db *db, const fvm__entry_node *n)
{
    const fvm__entry_key key = { .bytes = n->key, .hash = n->hash };
    return n->key.ptr[0] == FVM__LEDGER_BLOCKS + 1 &&
           fvm__cache_get(&db->cache, NULL, &key) == FVM_OK;
}

static int write_log(fvm__ledger_move *m, fvm__ledger_db *db, MDB_txn *txn, MDB_dbi dbi)
{
    unsigned turn = (unsigned)(m->from.group % FVM__LATE_SLICES);
    for (const fvm__entry_node *n = NULL; (n = fvm__table_next(&m->entries->hashed, n));) {
        if (is_known(db, n)) continue;
        fvm__late_entry entry = { n->hash, m->to.place++ };
        int rc = append(txn, dbi, entry.place, n);
        if (rc != 0) return rc;
        m->fresh[m->fresh_count++] = entry;
        if (fvm__late_slice_of(n->hash) == turn) m->turn[m->turn_count++] = entry;
        m->bytes += n->size;
    }
    return 0;
}

static fvm_bytes late_key(uint8_t out[13], uint64_t group, uint32_t part)
{
    out[0] = FVM__DB_LATE;
    fvm_store_be64(out + 1, group);
    for (unsigned i = 0; i < 4; i++) out[9 + i] = (uint8_t)(part >> (24 - 8 * i));
    return (fvm_bytes){ out, 13 };
}

static int write_late(const fvm__ledger_move *m, MDB_txn *txn, MDB_dbi dbi)
{
    uint8_t key[13], value[PART_ENTRIES * LATE_ENTRY];
    size_t at = 0;
    for (uint32_t part = 0; at < m->fresh_count; part++) {
        size_t len = 0;
        for (; len < sizeof value && at < m->fresh_count; at++, len += LATE_ENTRY) {
            fvm_store_le64(value + len, m->fresh[at].hash);
            fvm_store_le64(value + len + 8, m->fresh[at].place);
        }
        int rc = put(txn, dbi, late_key(key, m->from.group, part), (fvm_bytes){ value, len });
        if (rc != 0) return rc;
    }
    return 0;
}

/* The list of the group that had its last turn now. */
static int drop_late(const fvm__ledger_move *m, MDB_txn *txn, MDB_dbi dbi)
{
    uint8_t key[13];
    if (m->from.group + 1 < FVM__LATE_SLICES) return 0;
    for (uint32_t part = 0;; part++) {
        MDB_val k = fvm__lmdb_val(late_key(key, m->from.group + 1 - FVM__LATE_SLICES, part));
        int rc = mdb_del(txn, dbi, &k, NULL);
        if (rc != 0) return rc == MDB_NOTFOUND ? 0 : rc;
    }
}

static int by_hash(const void *a, const void *b)
{
    const fvm__late_entry *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static int write_index(fvm__ledger_move *m, MDB_txn *txn, MDB_dbi dbi)
{
    uint8_t key[17] = { FVM__DB_INDEX };
    MDB_cursor *cursor;
    if (m->turn_count == 0) return 0;
    qsort(m->turn, m->turn_count, sizeof *m->turn, by_hash);
    int rc = mdb_cursor_open(txn, dbi, &cursor);
    if (rc != 0) return rc;
    for (size_t i = 0; rc == 0 && i < m->turn_count; i++) {
        MDB_val k = { sizeof key, key }, nothing = { 0, NULL };
        fvm_store_be64(key + 1, m->turn[i].hash);
        fvm_store_be64(key + 9, m->turn[i].place);
        rc = mdb_cursor_put(cursor, &k, &nothing, 0);
    }
    mdb_cursor_close(cursor);
    return rc;
}

static int write_state(const fvm__db_state *state, MDB_txn *txn, MDB_dbi dbi)
{
    const uint8_t key = FVM__DB_STATE;
    uint8_t value[24];
    fvm_store_le64(value, state->moved);
    fvm_store_le64(value + 8, state->place);
    fvm_store_le64(value + 16, state->group);
    return put(txn, dbi, (fvm_bytes){ &key, 1 }, (fvm_bytes){ value, sizeof value });
}

typedef struct writing {
    fvm__ledger_move *move;
    fvm__ledger_db *db;
} writing;

/* Perhaps more than once: the map may have to grow. Then the slice's entries may be sorted already; those
 * of before are told by their places. */
static int write_group(fvm__lmdb *lmdb, MDB_txn *txn, void *ctx, fvm_err *err)
{
    const writing *w = ctx;
    fvm__ledger_move *m = w->move;
    MDB_dbi dbi = lmdb->dbi;
    size_t late = 0;
    (void)err;
    for (size_t i = 0; i < m->turn_count; i++)
        if (m->turn[i].place < m->from.place) m->turn[late++] = m->turn[i];
    m->turn_count = late;
    m->fresh_count = 0;
    m->bytes = 0;
    m->to.place = m->from.place;
    m->to.group = m->from.group + 1;
    int rc = write_sorted(m, txn, dbi);
    if (rc == 0) rc = write_log(m, w->db, txn, dbi);
    if (rc == 0) rc = write_late(m, txn, dbi);
    if (rc == 0) rc = write_index(m, txn, dbi);
    if (rc == 0) rc = drop_late(m, txn, dbi);
    return rc == 0 ? write_state(&m->to, txn, dbi) : rc;
}

fvm_err fvm__ledger_move_write(fvm__ledger_move *m, fvm__ledger_db *db, fvm_store_why *why)
{
    writing w = { m, db };
    fvm_err err = fvm__lmdb_write(db->lmdb, write_group, &w, "cannot write");
    if (err == FVM_OK) {
        fvm__lmdb_forget_pages(db->lmdb, m->bytes);
        return FVM_OK;
    }
    (void)pthread_mutex_lock(&db->lmdb->lock);
    if (why) *why = db->lmdb->last;
    (void)pthread_mutex_unlock(&db->lmdb->lock);
    return err;
}

/* --- afterwards --- */

void fvm__ledger_move_publish(const fvm__ledger_move *m, fvm__ledger_db *db,
                              pthread_rwlock_t *lists)
{
    unsigned turn = (unsigned)(m->from.group % FVM__LATE_SLICES);
    for (size_t i = 0; i < m->fresh_count;) {
        size_t end = m->fresh_count - i > PUBLISH ? i + PUBLISH : m->fresh_count;
        (void)pthread_rwlock_wrlock(lists);
        for (; i < end; i++)
            if (fvm__late_slice_of(m->fresh[i].hash) != turn) fvm__late_add(&db->late, m->fresh[i]);
        (void)pthread_rwlock_unlock(lists);
    }
    (void)pthread_rwlock_wrlock(lists);
    fvm__late_drop(&db->late, turn);
    (void)pthread_rwlock_unlock(lists);
}
