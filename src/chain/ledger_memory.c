/* ledger_memory.c - a ledger that is gone when it is closed: a skip list per table, and the blocks in
 * one more. A batch is a map of what it changes; committing applies it under the lock that
 * readers hold. */
#include "chain/ledger.h"

#include "base/map.h"
#include "base/vector.h"
#include "store/source.h"

#include <pthread.h>

#define LEVELS 16
#define BLOCKS FVM_LEDGER_TABLES /* the table of blocks */
#define KEY_MAX (1 + FVM_LEDGER_KEY_MAX)

typedef struct node {
    fvm_bytes key, value; /* both behind the node */
    size_t size;
    unsigned levels;
    struct node *next[];
} node;

typedef struct list {
    node *first[LEVELS];
} list;

struct fvm_ledger {
    const fvm_allocator *alloc;
    pthread_rwlock_t lock;
    pthread_mutex_t writer;
    list tables[FVM_LEDGER_TABLES + 1];
    uint64_t random;
    fvm_map batch; /* table byte and key; value: node, or NULL for a deletion */
    bool open;
    fvm_blockstore blocks;
    fvm_ledger_stats stats;
};

/* --- skip lists --- */

/* The links that lead to the first node whose key is not below `key`. */
static node *seek(list *l, node **links[LEVELS], fvm_bytes key)
{
    node **at = l->first;
    for (unsigned i = LEVELS; i-- > 0;) {
        while (at[i] && fvm_bytes_cmp(at[i]->key, key) < 0) at = at[i]->next;
        if (links) links[i] = &at[i];
    }
    return at[0];
}

static unsigned some_levels(fvm_ledger *ledger)
{
    unsigned n = 1;
    ledger->random = ledger->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    for (uint64_t r = ledger->random >> 33; (r & 3) == 0 && n < LEVELS; r >>= 2) n++;
    return n;
}

static node *node_new(fvm_ledger *ledger, fvm_bytes key, fvm_bytes value)
{
    unsigned levels = some_levels(ledger);
    if (value.len > SIZE_MAX / 2) return NULL;
    size_t head = sizeof(node) + levels * sizeof(node *);
    node *n = fvm_mem_alloc(ledger->alloc, head + key.len + value.len);
    if (!n) return NULL;
    uint8_t *room = (uint8_t *)n + head;
    *n = (node){ .key = { room, key.len },
                 .value = { room + key.len, value.len },
                 .size = head + key.len + value.len,
                 .levels = levels };
    memcpy(room, key.ptr, key.len);
    if (value.len) memcpy(room + key.len, value.ptr, value.len);
    return n;
}

static void node_free(fvm_ledger *ledger, node *n)
{
    if (n) fvm_mem_free(ledger->alloc, n, n->size);
}

static void unlink_node(fvm_ledger *ledger, list *l, fvm_bytes key)
{
    node **links[LEVELS];
    node *n = seek(l, links, key);
    if (!n || !fvm_bytes_eq(n->key, key)) return;
    for (unsigned i = 0; i < n->levels; i++) *links[i] = n->next[i];
    ledger->stats.memory_bytes -= n->size;
    node_free(ledger, n);
}

static void link_node(fvm_ledger *ledger, list *l, node *n)
{
    node **links[LEVELS];
    unlink_node(ledger, l, n->key);
    seek(l, links, n->key);
    for (unsigned i = 0; i < n->levels; i++) {
        n->next[i] = *links[i];
        *links[i] = n;
    }
    ledger->stats.memory_bytes += n->size;
}

/* --- batches --- */

static fvm_bytes batch_key(uint8_t room[KEY_MAX], unsigned table, fvm_bytes key)
{
    room[0] = (uint8_t)table;
    memcpy(room + 1, key.ptr, key.len);
    return (fvm_bytes){ room, key.len + 1 };
}

static fvm_err change(fvm_ledger *ledger, unsigned table, fvm_bytes key, const fvm_bytes *value)
{
    uint8_t room[KEY_MAX];
    fvm_map_entry *e;
    if (key.len == 0 || key.len > FVM_LEDGER_KEY_MAX) return FVM_ERR_LIMIT;
    node *n = NULL;
    if (value && !(n = node_new(ledger, key, *value))) return FVM_ERR_NOMEM;
    fvm_err err = fvm_map_put(&ledger->batch, &e, NULL, batch_key(room, table, key));
    if (err != FVM_OK) {
        node_free(ledger, n);
        return err;
    }
    node_free(ledger, e->value.ptr);
    e->value.ptr = n;
    return FVM_OK;
}

void fvm_ledger_begin(fvm_ledger *ledger)
{
    pthread_mutex_lock(&ledger->writer);
    ledger->open = true;
}

fvm_err fvm_ledger_put(fvm_ledger *ledger, unsigned table, fvm_bytes key, fvm_bytes value)
{
    return change(ledger, table, key, &value);
}

fvm_err fvm_ledger_delete(fvm_ledger *ledger, unsigned table, fvm_bytes key)
{
    return change(ledger, table, key, NULL);
}

fvm_err fvm_ledger_commit(fvm_ledger *ledger)
{
    pthread_rwlock_wrlock(&ledger->lock);
    size_t at = 0;
    for (fvm_map_entry *e; (e = fvm_map_next(&ledger->batch, &at));) {
        list *l = &ledger->tables[e->key.ptr[0]];
        node *n = e->value.ptr;
        if (n)
            link_node(ledger, l, n);
        else
            unlink_node(ledger, l, (fvm_bytes){ e->key.ptr + 1, e->key.len - 1 });
    }
    ledger->stats.batches++;
    fvm_map_clear(&ledger->batch);
    ledger->open = false;
    pthread_rwlock_unlock(&ledger->lock);
    pthread_mutex_unlock(&ledger->writer);
    return FVM_OK;
}

void fvm_ledger_abort(fvm_ledger *ledger)
{
    size_t at = 0;
    for (fvm_map_entry *e; (e = fvm_map_next(&ledger->batch, &at));)
        node_free(ledger, e->value.ptr);
    fvm_map_clear(&ledger->batch);
    ledger->open = false;
    pthread_mutex_unlock(&ledger->writer);
}

/* --- reading --- */

static fvm_err find(fvm_ledger *ledger, fvm_buf *out, unsigned table, fvm_bytes key, bool in_batch)
{
    uint8_t room[KEY_MAX];
    if (key.len == 0 || key.len > FVM_LEDGER_KEY_MAX) return FVM_ERR_NOT_FOUND;
    if (in_batch) {
        fvm_map_entry *e = fvm_map_get(&ledger->batch, batch_key(room, table, key));
        const node *n = e ? e->value.ptr : NULL;
        if (e && !n) return FVM_ERR_NOT_FOUND;
        if (n) return out ? fvm_buf_append(out, n->value) : FVM_OK;
    }
    pthread_rwlock_rdlock(&ledger->lock);
    const node *n = seek(&ledger->tables[table], NULL, key);
    fvm_err err = FVM_ERR_NOT_FOUND;
    if (n && fvm_bytes_eq(n->key, key)) err = out ? fvm_buf_append(out, n->value) : FVM_OK;
    pthread_rwlock_unlock(&ledger->lock);
    return err;
}

fvm_err fvm_ledger_get(fvm_ledger *ledger, fvm_buf *out, unsigned table, fvm_bytes key,
                       bool in_batch)
{
    return find(ledger, out, table, key, in_batch);
}

/* The entry after `key` (or at it, if `with`); downwards: before. Copies it. */
static bool step(fvm_ledger *ledger, fvm_buf *key, fvm_buf *value, unsigned table, bool down,
                 bool with, fvm_err *err)
{
    pthread_rwlock_rdlock(&ledger->lock);
    list *l = &ledger->tables[table];
    const node *n = NULL;
    if (down) {
        /* the last below: skip lists have no way back, so the search remembers */
        node **at = l->first;
        for (unsigned i = LEVELS; i-- > 0;)
            while (at[i] && (key->len == 0 || fvm_bytes_cmp(at[i]->key, fvm_buf_bytes(key)) < 0)) {
                n = at[i];
                at = at[i]->next;
            }
    } else {
        n = seek(l, NULL, fvm_buf_bytes(key));
        if (n && !with && fvm_bytes_eq(n->key, fvm_buf_bytes(key))) n = n->next[0];
    }
    if (n) {
        key->len = value->len = 0;
        *err = fvm_buf_append(key, n->key);
        if (*err == FVM_OK) *err = fvm_buf_append(value, n->value);
    }
    pthread_rwlock_unlock(&ledger->lock);
    return n != NULL;
}

fvm_err fvm_ledger_range(fvm_ledger *ledger, unsigned table, fvm_bytes from, fvm_bytes to,
                         bool down, fvm_ledger_visit visit, void *ctx)
{
    fvm_buf key, value;
    fvm_buf_init(&key, ledger->alloc);
    fvm_buf_init(&value, ledger->alloc);
    fvm_err err = fvm_buf_append(&key, down ? to : from);
    for (bool first = true; err == FVM_OK; first = false) {
        if (!step(ledger, &key, &value, table, down, first, &err) || err != FVM_OK) break;
        fvm_bytes k = fvm_buf_bytes(&key);
        if (down ? fvm_bytes_cmp(k, from) < 0 : to.len && fvm_bytes_cmp(k, to) >= 0) break;
        err = visit(ctx, k, fvm_buf_bytes(&value));
    }
    fvm_buf_deinit(&value);
    fvm_buf_deinit(&key);
    return err;
}

/* --- blocks --- */

static fvm_err blocks_get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    fvm_ledger *ledger = self;
    uint8_t key[FVM_CID_BYTES_MAX];
    fvm_bytes k = { key, fvm_cid_write(key, cid) };
    return find(ledger, out, BLOCKS, k, false);
}

static fvm_err blocks_has(void *self, bool *out, const fvm_cid *cid)
{
    fvm_ledger *ledger = self;
    uint8_t key[FVM_CID_BYTES_MAX];
    fvm_bytes k = { key, fvm_cid_write(key, cid) };
    fvm_err err = find(ledger, NULL, BLOCKS, k, false);
    *out = err == FVM_OK;
    return err == FVM_ERR_NOT_FOUND ? FVM_OK : err;
}

static fvm_err blocks_put_many(void *self, const fvm_block *blocks, size_t count)
{
    fvm_ledger *ledger = self;
    uint8_t key[FVM_CID_BYTES_MAX];
    if (!ledger->open) return FVM_ERR_READ_ONLY;
    for (size_t i = 0; i < count; i++) {
        fvm_bytes k = { key, fvm_cid_write(key, &blocks[i].cid) };
        FVM_TRY(change(ledger, BLOCKS, k, &blocks[i].data));
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

fvm_err fvm_ledger_open(fvm_ledger **out, const fvm_ledger_options *options,
                        const fvm_allocator *alloc, fvm_store_why *why)
{
    if (options->folder)
        return fvm__why(why, FVM_ERR_INVALID, "folders are not supported by this build");
    fvm_ledger *ledger = fvm_mem_zalloc(alloc, sizeof *ledger);
    if (!ledger) return FVM_ERR_NOMEM;
    ledger->alloc = alloc;
    fvm_map_init(&ledger->batch, alloc);
    pthread_rwlock_init(&ledger->lock, NULL);
    pthread_mutex_init(&ledger->writer, NULL);
    ledger->blocks = (fvm_blockstore){ &blocks_ops, ledger };
    *out = ledger;
    return FVM_OK;
}

void fvm_ledger_close(fvm_ledger *ledger)
{
    if (!ledger) return;
    for (size_t t = 0; t < FVM_COUNT(ledger->tables); t++)
        for (node *next, *n = ledger->tables[t].first[0]; n; n = next) {
            next = n->next[0];
            node_free(ledger, n);
        }
    fvm_map_deinit(&ledger->batch);
    pthread_mutex_destroy(&ledger->writer);
    pthread_rwlock_destroy(&ledger->lock);
    fvm_mem_free(ledger->alloc, ledger, sizeof *ledger);
}

fvm_err fvm_ledger_sync(fvm_ledger *ledger)
{
    (void)ledger;
    return FVM_OK;
}

void fvm_ledger_stats_get(fvm_ledger *ledger, fvm_ledger_stats *out)
{
    pthread_rwlock_rdlock(&ledger->lock);
    *out = ledger->stats;
    pthread_rwlock_unlock(&ledger->lock);
}
