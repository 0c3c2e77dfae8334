/* dag.c - depth first over links, with a stack of its own. A CID is marked when it is taken off the
 * stack, so that the order is that of a recursive walk (and of other tools' exports); links to what
 * is marked are not pushed again. */
#include "dag.h"

#include "base/map.h"
#include "base/varint.h"
#include "ipld/cbor.h"
#include "source.h"

/* --- DAG-PB: PBNode { repeated PBLink links = 2; bytes data = 1 }, PBLink { bytes hash = 1; ... } --- */

/* One protobuf field: number, and the bytes of it when it has a length. */
static fvm_err pb_field(uint64_t *number, fvm_bytes *bytes, fvm_bytes *in)
{
    uint64_t key, len;
    fvm_bytes skipped;
    FVM_TRY(fvm_varint_read(&key, in));
    *number = key >> 3;
    *bytes = (fvm_bytes){ NULL, 0 };
    switch (key & 7) {
    case 0: return fvm_varint_read(&len, in);
    case 1: return fvm_bytes_take(&skipped, in, 8);
    case 2: FVM_TRY(fvm_varint_read(&len, in)); return fvm_bytes_take(bytes, in, len);
    case 5: return fvm_bytes_take(&skipped, in, 4);
    default: return FVM_ERR_MALFORMED;
    }
}

static fvm_err pb_link(fvm_bytes link, fvm_err (*visit)(void *ctx, const fvm_cid *cid), void *ctx)
{
    while (link.len > 0) {
        uint64_t number;
        fvm_bytes bytes;
        fvm_cid cid;
        FVM_TRY(pb_field(&number, &bytes, &link));
        if (number != 1) continue;
        FVM_TRY(fvm_cid_read(&cid, NULL, bytes));
        FVM_TRY(visit(ctx, &cid));
    }
    return FVM_OK;
}

static fvm_err pb_links(fvm_bytes block, fvm_err (*visit)(void *ctx, const fvm_cid *cid), void *ctx)
{
    while (block.len > 0) {
        uint64_t number;
        fvm_bytes bytes;
        FVM_TRY(pb_field(&number, &bytes, &block));
        if (number == 2) FVM_TRY(pb_link(bytes, visit, ctx));
    }
    return FVM_OK;
}

fvm_err fvm__dag_links(uint64_t codec, fvm_bytes block,
                       fvm_err (*visit)(void *ctx, const fvm_cid *cid), void *ctx)
{
    switch (codec) {
    case FVM_CODEC_DAG_CBOR: return fvm_cbor_links(block, visit, ctx);
    case FVM_CODEC_DAG_PB: return pb_links(block, visit, ctx);
    case FVM_CODEC_RAW:
    case FVM_CODEC_CBOR:
    case FVM_CODEC_COMM_SEALED:
    case FVM_CODEC_COMM_UNSEALED: return FVM_OK;
    default: return FVM_ERR_INVALID;
    }
}

/* --- the walk --- */

typedef struct walk {
    const fvm_blockstore *bs;
    const fvm__dag_visitor *visitor;
    fvm_store_why *why;
    fvm_map seen;
    fvm_buf stack; /* array of fvm_cid */
    fvm_buf block;
    size_t first; /* where the links of the block at hand begin in the stack */
} walk;

static bool no_block(const fvm_cid *cid)
{
    return cid->codec == FVM_CODEC_COMM_SEALED || cid->codec == FVM_CODEC_COMM_UNSEALED;
}

static fvm_err push(void *ctx, const fvm_cid *cid)
{
    walk *w = ctx;
    uint8_t key[FVM_CID_BYTES_MAX];
    if (no_block(cid) || fvm_map_get(&w->seen, (fvm_bytes){ key, fvm_cid_write(key, cid) }))
        return FVM_OK;
    return fvm_buf_append(&w->stack, (fvm_bytes){ (const uint8_t *)cid, sizeof *cid });
}

/* What was pushed last comes off first: so the links of one block are turned around. */
static void reverse_links(walk *w)
{
    fvm_cid *cids = (fvm_cid *)(void *)w->stack.ptr;
    size_t low = w->first, high = w->stack.len / sizeof *cids;
    while (low + 1 < high) {
        fvm_cid kept = cids[low];
        cids[low++] = cids[--high];
        cids[high] = kept;
    }
}

static fvm_err fail(walk *w, fvm_err err, const fvm_cid *cid, const char *what)
{
    char text[FVM_CID_TEXT_MAX];
    (void)fvm_cid_to_text(text, cid);
    return fvm__why(w->why, err, "block %s: %s", text, what);
}

static fvm_err visit_one(walk *w, const fvm_cid *cid)
{
    w->block.len = 0;
    fvm_err err = fvm_blockstore_get(w->bs, &w->block, cid);
    if (err == FVM_ERR_NOT_FOUND) {
        if (w->visitor->missing) return w->visitor->missing(w->visitor->ctx, cid);
        return fail(w, FVM_ERR_MISSING_BLOCK, cid, "it is missing");
    }
    if (err != FVM_OK) return fail(w, err, cid, fvm_err_text(err));
    if (cid->hash != FVM_HASH_IDENTITY)
        FVM_TRY(w->visitor->block(w->visitor->ctx, cid, fvm_buf_bytes(&w->block)));
    w->first = w->stack.len / sizeof *cid;
    err = fvm__dag_links(cid->codec, fvm_buf_bytes(&w->block), push, w);
    if (err == FVM_ERR_INVALID)
        return fail(w, FVM_ERR_BAD_STATE, cid, "its codec is not known, nor are its links");
    if (err != FVM_OK && fvm_err_class_of(err) != FVM_CLASS_HOST)
        return fail(w, FVM_ERR_BAD_STATE, cid, "its links cannot be read");
    reverse_links(w);
    return err;
}

static fvm_err run(walk *w, const fvm_cid *roots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        FVM_TRY(
            fvm_buf_append(&w->stack, (fvm_bytes){ (const uint8_t *)&roots[i], sizeof *roots }));
        while (w->stack.len > 0) {
            uint8_t key[FVM_CID_BYTES_MAX];
            fvm_map_entry *entry;
            fvm_cid cid;
            bool inserted;
            w->stack.len -= sizeof cid;
            memcpy(&cid, w->stack.ptr + w->stack.len, sizeof cid);
            FVM_TRY(fvm_map_put(&w->seen, &entry, &inserted,
                                (fvm_bytes){ key, fvm_cid_write(key, &cid) }));
            if (inserted) FVM_TRY(visit_one(w, &cid));
        }
    }
    return FVM_OK;
}

fvm_err fvm__dag_walk(const fvm_blockstore *bs, const fvm_cid *roots, size_t count,
                      const fvm__dag_visitor *visitor, const fvm_allocator *alloc,
                      fvm_store_why *why)
{
    walk w = { .bs = bs, .visitor = visitor, .why = why };
    fvm_map_init(&w.seen, alloc);
    fvm_buf_init(&w.stack, alloc);
    fvm_buf_init(&w.block, alloc);
    fvm_err err = run(&w, roots, count);
    fvm_map_deinit(&w.seen);
    fvm_buf_deinit(&w.stack);
    fvm_buf_deinit(&w.block);
    return err;
}
