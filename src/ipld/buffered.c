/* buffered.c - a store that keeps writes in memory above a base store, and the flush that moves what
 * is reachable from a root down to it (reference/executor.md 7).
 *
 * The walk is a depth-first search with its own stack. A block is marked when it is first met; a
 * second stack entry, the exit, puts it out after everything below it:
 *
 *     stack:  ... [enter C] [enter B] [exit A]      A's children above... pop order: B.., C.., A
 *
 * so that a base store that is cut off in the middle of the batch never holds a parent without its
 * children. Only blocks in the buffer are entered: one that is not there is taken to be in the base
 * with all that it links to, as the reference does. */
#include "buffered.h"

#include "base/util.h"
#include "blocktable.h"
#include "cbor_internal.h"

typedef struct buffered_store {
    fvm__blocktable table;
    const fvm_blockstore *base;
    const fvm_allocator *alloc;
    uint64_t walks; /* begun so far */
} buffered_store;

/* --- the store --- */

static fvm_err buffered_get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    const buffered_store *store = self;
    const fvm__stored_block *block = fvm__blocktable_get(&store->table, cid);
    return block ? fvm_buf_append(out, fvm__stored_bytes(block))
                 : fvm_blockstore_get(store->base, out, cid);
}

static fvm_err buffered_has(void *self, bool *out, const fvm_cid *cid)
{
    const buffered_store *store = self;
    if (!fvm__blocktable_get(&store->table, cid)) return fvm_blockstore_has(store->base, out, cid);
    *out = true;
    return FVM_OK;
}

static fvm_err buffered_put_many(void *self, const fvm_block *blocks, size_t count)
{
    buffered_store *store = self;
    return fvm__blocktable_put_many(&store->table, blocks, count);
}

static fvm_err buffered_view(void *self, fvm_bytes *out, const fvm_cid *cid)
{
    const buffered_store *store = self;
    const fvm__stored_block *block = fvm__blocktable_get(&store->table, cid);
    if (!block) return store->base->ops->view(store->base->self, out, cid);
    *out = fvm__stored_bytes(block);
    return FVM_OK;
}

static void buffered_free(void *self)
{
    buffered_store *store = self;
    fvm__blocktable_deinit(&store->table);
    fvm_mem_free(store->alloc, store, sizeof *store);
}

static const fvm_blockstore_ops buffered_ops = {
    .get = buffered_get,
    .has = buffered_has,
    .put_many = buffered_put_many,
    .view = buffered_view,
    .free = buffered_free,
};
/* Over a base that cannot give views neither can this. */
static const fvm_blockstore_ops buffered_ops_without_view = {
    .get = buffered_get,
    .has = buffered_has,
    .put_many = buffered_put_many,
    .free = buffered_free,
};

fvm_err fvm_blockstore_buffered_new(fvm_blockstore *out, const fvm_blockstore *base,
                                    const fvm_allocator *alloc)
{
    buffered_store *store = fvm_mem_alloc(alloc, sizeof *store);
    if (!store) return FVM_ERR_NOMEM;
    fvm__blocktable_init(&store->table, alloc);
    store->base = base;
    store->alloc = alloc;
    store->walks = 0;
    *out = (fvm_blockstore){ base->ops->view ? &buffered_ops : &buffered_ops_without_view, store };
    return FVM_OK;
}

void fvm_buffered_clear(const fvm_blockstore *buffered)
{
    buffered_store *store = buffered->self;
    fvm__blocktable_clear(&store->table);
}

void fvm_buffered_stats(const fvm_blockstore *buffered, size_t *blocks, size_t *bytes)
{
    const buffered_store *store = buffered->self;
    *blocks = store->table.count;
    *bytes = store->table.bytes;
}

/* --- the walk --- */

typedef struct step {
    fvm__stored_block *block;
    bool exit;
} step;

typedef struct walk {
    buffered_store *store;
    fvm_buf *out;  /* fvm_block, in write order */
    fvm_buf stack; /* step */
    uint64_t number;
    fvm_flush_rules rules;
} walk;

static fvm_err push(fvm_buf *stack, const step *s)
{
    return fvm_buf_append(stack, (fvm_bytes){ (const uint8_t *)s, sizeof *s });
}

/* What a link may be. `*follow` is false for links that lead nowhere by rule. */
static fvm_err check_link(bool *follow, const fvm_cid *cid, fvm_flush_rules rules)
{
    *follow = false;
    if (cid->codec == FVM_CODEC_COMM_UNSEALED || cid->codec == FVM_CODEC_COMM_SEALED) return FVM_OK;
    bool known = cid->codec == FVM_CODEC_RAW || cid->codec == FVM_CODEC_DAG_CBOR ||
                 (cid->codec == FVM_CODEC_CBOR && rules != FVM_FLUSH_V2);
    if (!known) return FVM_ERR_BAD_STATE;
    if (cid->hash == FVM_HASH_IDENTITY) {
        *follow = cid->codec == FVM_CODEC_DAG_CBOR;
        return FVM_OK;
    }
    if (cid->hash != FVM_HASH_BLAKE2B_256 || cid->digest_len != 32) return FVM_ERR_BAD_STATE;
    *follow = true;
    return FVM_OK;
}

static fvm_err meet_link(void *ctx, const fvm_cid *cid);

/* Most links of what is written lead out of the buffer: told by their bytes. */
static bool leads_out(void *ctx, const uint8_t *cid)
{
    const walk *w = ctx;
    return (cid[1] == FVM_CODEC_DAG_CBOR || cid[1] == FVM_CODEC_RAW) &&
           !fvm__blocktable_may_have(&w->store->table, cid);
}

static fvm_err scan(walk *w, fvm_bytes block)
{
    fvm_err err = fvm__cbor_scan(block, w->rules == FVM_FLUSH_V2, meet_link, leads_out, w);
    return fvm_err_class_of(err) == FVM_CLASS_INPUT ? FVM_ERR_BAD_STATE : err;
}

/* An identity link is scanned on the spot. Each is at most 64 bytes and holds its inner ones whole, so
 * that at most 64 / 6 calls nest. */
static fvm_err meet_link(void *ctx, const fvm_cid *cid)
{
    walk *w = ctx;
    bool follow;
    FVM_TRY(check_link(&follow, cid, w->rules));
    if (!follow) return FVM_OK;
    if (cid->hash == FVM_HASH_IDENTITY) return scan(w, (fvm_bytes){ cid->digest, cid->digest_len });
    fvm__stored_block *block = fvm__blocktable_get(&w->store->table, cid);
    if (!block || block->walk == w->number) return FVM_OK;
    return push(&w->stack, &(step){ .block = block });
}

static fvm_err run(walk *w, const fvm_cid *root)
{
    FVM_TRY(meet_link(w, root));
    while (w->stack.len > 0) {
        step s;
        w->stack.len -= sizeof s;
        memcpy(&s, w->stack.ptr + w->stack.len, sizeof s);
        fvm_block block = { .data = fvm__stored_bytes(s.block) };
        FVM_TRY(fvm_cid_read(&block.cid, NULL, (fvm_bytes){ s.block->bytes, s.block->cid_len }));
        if (s.exit) {
            FVM_TRY(fvm_buf_append(w->out, (fvm_bytes){ (const uint8_t *)&block, sizeof block }));
            continue;
        }
        if (s.block->walk == w->number) continue; /* met again on another way meanwhile */
        s.block->walk = w->number;
        s.exit = true;
        FVM_TRY(push(&w->stack, &s));
        if (block.cid.codec == FVM_CODEC_DAG_CBOR) FVM_TRY(scan(w, block.data));
    }
    return FVM_OK;
}

fvm_err fvm_buffered_collect(const fvm_blockstore *buffered, fvm_buf *out, const fvm_cid *root,
                             fvm_flush_rules rules)
{
    buffered_store *store = buffered->self;
    walk w = { .store = store, .out = out, .number = ++store->walks, .rules = rules };
    size_t start = out->len;
    fvm_buf_init(&w.stack, store->alloc);
    fvm_err err = run(&w, root);
    if (err != FVM_OK) out->len = start;
    fvm_buf_deinit(&w.stack);
    return err;
}

fvm_err fvm_buffered_flush(const fvm_blockstore *buffered, const fvm_cid *root,
                           fvm_flush_rules rules)
{
    buffered_store *store = buffered->self;
    fvm_buf out;
    fvm_buf_init(&out, store->alloc);
    fvm_err err = fvm_buffered_collect(buffered, &out, root, rules);
    const fvm_block *blocks = (const fvm_block *)(const void *)
                                  out.ptr; /* heap: aligned for anything */
    size_t count = out.len / sizeof *blocks;
    if (err == FVM_OK) err = fvm_blockstore_put_many(store->base, blocks, count);
    if (err == FVM_OK && rules == FVM_FLUSH_V2) fvm__blocktable_clear(&store->table);
    if (err == FVM_OK && rules != FVM_FLUSH_V2) {
        for (size_t i = 0; i < count; i++) fvm__blocktable_remove(&store->table, &blocks[i].cid);
        fvm__blocktable_compact(&store->table);
    }
    fvm_buf_deinit(&out);
    return err;
}
