/* export.c - a chain as a CAR, and back. Roots:
 *
 *   the head's block    leads to all headers, messages, receipts and states, as on Filecoin
 *   the head's state
 *   a description       ["libfvm chain", 2, parameters, AMT: number ──> page]
 *   page                [tipset record, [message records], [edit records], [links of these edits]]
 *                       as in the ledger's tables
 *
 * What stands in pages and not in blocks are order and outcome of the messages, and the edits of
 * development methods. Importing executes all of it again and compares what comes out. */
#include "chain_internal.h"

#include "ipld/amt.h"
#include "ipld/cbor.h"
#include "store/car_out.h"
#include "store/dag.h"

#define NAME "libfvm chain"
#define VERSION 2
#define BIT_WIDTH 5

/* --- the description --- */

typedef struct describing {
    fvm_chain *chain;
    const fvm_blockstore *bs;
    fvm_amt *pages;
    fvm_buf page, list, link;
    uint64_t count; /* entries of the list */
} describing;

static fvm_err add_record(void *ctx, fvm_bytes key, fvm_bytes value)
{
    describing *d = ctx;
    (void)key;
    d->count++;
    return fvm_cbor_put_bytes(&d->list, value);
}

static fvm_err put_list(describing *d, unsigned table, uint64_t number, fvm_ledger_visit add)
{
    uint8_t low[FVM__PLACE_LEN], high[FVM__PLACE_LEN];
    d->list.len = 0;
    d->count = 0;
    FVM_TRY(fvm_ledger_range(d->chain->ledger, table, fvm__place_write(low, number, 0),
                             fvm__place_write(high, number + 1, 0), false, add, d));
    FVM_TRY(fvm_cbor_put_array(&d->page, d->count));
    return fvm_cbor_put_raw(&d->page, fvm_buf_bytes(&d->list));
}

static fvm_err add_link(void *ctx, fvm_bytes key, fvm_bytes value)
{
    describing *d = ctx;
    fvm_edit edit;
    (void)key;
    FVM_TRY(fvm__ledger_err(fvm__edit_read(&edit, value)));
    if (!fvm__edit_has_cid(edit.kind)) return FVM_OK;
    d->count++;
    return fvm_cbor_put_cid(&d->list, &edit.cid);
}

static fvm_err add_page(void *ctx, const fvm_tipset *t)
{
    describing *d = ctx;
    fvm_cid cid;
    d->page.len = d->list.len = d->link.len = 0;
    FVM_TRY(fvm__tipset_write(&d->list, t));
    FVM_TRY(fvm_cbor_put_array(&d->page, 4));
    FVM_TRY(fvm_cbor_put_bytes(&d->page, fvm_buf_bytes(&d->list)));
    FVM_TRY(put_list(d, FVM__TABLE_MESSAGE, t->number, add_record));
    FVM_TRY(put_list(d, FVM__TABLE_EDIT, t->number, add_record));
    FVM_TRY(put_list(d, FVM__TABLE_EDIT, t->number, add_link));
    FVM_TRY(fvm_blockstore_put_new(d->bs, &cid, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&d->page)));
    FVM_TRY(fvm_cbor_put_cid(&d->link, &cid));
    return fvm_amt_set(d->pages, t->number, fvm_buf_bytes(&d->link));
}

static fvm_err put_description(describing *d, fvm_cid *out)
{
    fvm_cid pages;
    FVM_TRY(fvm_amt_flush(d->pages, &pages));
    d->page.len = d->list.len = 0;
    FVM_TRY(fvm__params_write(&d->list, &d->chain->params));
    FVM_TRY(fvm_cbor_put_array(&d->page, 4));
    FVM_TRY(fvm_cbor_put_text(&d->page, FVM_STR(NAME)));
    FVM_TRY(fvm_cbor_put_uint(&d->page, VERSION));
    FVM_TRY(fvm_cbor_put_bytes(&d->page, fvm_buf_bytes(&d->list)));
    FVM_TRY(fvm_cbor_put_cid(&d->page, &pages));
    return fvm_blockstore_put_new(d->bs, out, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&d->page));
}

static fvm_err describe(fvm_chain *c, fvm_cid *out, const fvm_blockstore *bs)
{
    describing d = { .chain = c, .bs = bs };
    FVM_TRY(fvm_amt_new(&d.pages, bs, BIT_WIDTH, c->alloc));
    fvm_buf_init(&d.page, c->alloc);
    fvm_buf_init(&d.list, c->alloc);
    fvm_buf_init(&d.link, c->alloc);
    fvm_err err = fvm_chain_tipsets(c, 0, fvm_chain_head_number(c), false, add_page, &d);
    if (err == FVM_OK) err = put_description(&d, out);
    fvm_buf_deinit(&d.link);
    fvm_buf_deinit(&d.list);
    fvm_buf_deinit(&d.page);
    fvm_amt_free(d.pages);
    return err;
}

/* --- writing --- */

static fvm_err write_blocks(fvm_chain *c, fvm__car_out *car, const fvm_blockstore *memory,
                            const fvm_cid *roots, size_t count, fvm_store_why *why)
{
    fvm_blockstore both;
    const fvm_blockstore *layers[] = { memory, c->blocks };
    FVM_TRY(fvm_blockstore_layered_new(&both, layers, FVM_COUNT(layers), c->alloc));
    fvm__dag_visitor visitor = { fvm__car_out_visit, NULL, car };
    fvm_err err = fvm__dag_walk(&both, roots, count, &visitor, c->alloc, why);
    /* nothing in the state links to the manifest's own block */
    if (err == FVM_OK) {
        fvm_buf block;
        fvm_buf_init(&block, c->alloc);
        err = fvm_blockstore_get(c->blocks, &block, &c->params.manifest);
        if (err == FVM_OK) err = fvm__car_out_put(car, &c->params.manifest, fvm_buf_bytes(&block));
        fvm_buf_deinit(&block);
    }
    fvm_blockstore_free(&both);
    return err;
}

static fvm_err write_car(fvm_chain *c, const char *path, const fvm_blockstore *memory,
                         fvm_store_why *why)
{
    fvm_tipset head;
    fvm__car_out car;
    fvm_cid roots[3];
    fvm_chain_head(c, &head);
    roots[0] = head.block;
    roots[1] = head.state;
    FVM_TRY(describe(c, &roots[2], memory));
    FVM_TRY(fvm__car_out_open(&car, path, roots, FVM_COUNT(roots), true, c->alloc, why));
    fvm_err err = write_blocks(c, &car, memory, roots, FVM_COUNT(roots), why);
    return fvm__car_out_close(&car, err, why);
}

/* The writer's lock is held, so that nothing is rewound meanwhile. */
fvm_err fvm_chain_export(fvm_chain *c, const char *path, fvm_store_why *why)
{
    fvm_blockstore memory;
    FVM_TRY(fvm_blockstore_memory_new(&memory, c->alloc));
    pthread_mutex_lock(&c->writer);
    fvm_err err = write_car(c, path, &memory, why);
    pthread_mutex_unlock(&c->writer);
    fvm_blockstore_free(&memory);
    return err;
}

/* --- reading --- */

typedef struct importing {
    fvm_chain *chain;
    const fvm_blockstore *bs;
    fvm_store_why *why;
    fvm_buf block;
    fvm_tipset t;
    fvm__pooled **messages;
    fvm_edit *edits;
    size_t message_count, message_cap, edit_count, edit_cap;
} importing;

static fvm_err import_message(importing *im, fvm_bytes record)
{
    fvm_chain_message m;
    bool implicit;
    if (im->message_count == im->message_cap) return FVM_ERR_MALFORMED;
    fvm_chain_message_init(&m, NULL);
    FVM_TRY(fvm__message_read(&m, &implicit, record));
    FVM_TRY(fvm__pooled_of(im->chain, &im->messages[im->message_count], &m, implicit));
    im->message_count++;
    return FVM_OK;
}

/* A list of byte strings; there are at most as many as there are bytes. */
static fvm_err take_list(fvm_bytes *list, uint64_t *count, fvm_bytes *in)
{
    FVM_TRY(fvm_cbor_array(count, in));
    if (*count > in->len) return FVM_ERR_MALFORMED;
    *list = *in;
    for (uint64_t i = 0; i < *count; i++) {
        fvm_bytes skipped;
        FVM_TRY(fvm_cbor_bytes(&skipped, in, NULL));
    }
    return FVM_OK;
}

static fvm_err take_page(importing *im, uint64_t number, fvm_bytes in)
{
    fvm_bytes record, messages, edits;
    uint64_t message_count, edit_count;
    const fvm_allocator *alloc = im->chain->alloc;
    FVM_TRY(fvm_cbor_tuple(4, &in));
    FVM_TRY(fvm_cbor_bytes(&record, &in, NULL));
    FVM_TRY(fvm__tipset_read(&im->t, number, record));
    FVM_TRY(take_list(&messages, &message_count, &in));
    FVM_TRY(take_list(&edits, &edit_count, &in)); /* their links follow, for walks */
    im->message_cap = (size_t)message_count;
    im->edit_cap = (size_t)edit_count;
    im->messages = fvm_mem_zalloc(alloc, im->message_cap * sizeof(fvm__pooled *));
    im->edits = fvm_mem_zalloc(alloc, im->edit_cap * sizeof *im->edits);
    if ((message_count && !im->messages) || (edit_count && !im->edits)) return FVM_ERR_NOMEM;
    for (size_t i = 0; i < message_count; i++) {
        FVM_TRY(fvm_cbor_bytes(&record, &messages, NULL));
        FVM_TRY(import_message(im, record));
    }
    for (size_t i = 0; i < edit_count; i++) {
        FVM_TRY(fvm_cbor_bytes(&record, &edits, NULL));
        FVM_TRY(fvm__edit_read(&im->edits[im->edit_count++], record));
    }
    return FVM_OK;
}

static void drop_page(importing *im)
{
    const fvm_allocator *alloc = im->chain->alloc;
    for (size_t i = 0; i < im->message_count; i++) fvm__pooled_free(im->chain, im->messages[i]);
    fvm_mem_free(alloc, im->messages, im->message_cap * sizeof(fvm__pooled *));
    fvm_mem_free(alloc, im->edits, im->edit_cap * sizeof *im->edits);
    im->messages = NULL;
    im->edits = NULL;
    im->message_count = im->message_cap = im->edit_count = im->edit_cap = 0;
}

static fvm_err make_again(importing *im)
{
    fvm_chain *c = im->chain;
    fvm_tipset head;
    fvm_err err = FVM_OK;
    if (im->t.number > 0) {
        pthread_mutex_lock(&c->writer);
        err = fvm__seal_given(c, &im->t, im->messages, im->message_count);
        pthread_mutex_unlock(&c->writer);
    }
    if (err == FVM_OK) err = fvm__chain_edit(c, im->edits, im->edit_count, im->bs, im->why);
    if (err != FVM_OK) return err;
    fvm_chain_head(c, &head);
    bool same = memcmp(head.hash, im->t.hash, 32) == 0 && fvm_cid_eq(&head.state, &im->t.state);
    return same ? FVM_OK : FVM_ERR_MISMATCH;
}

static fvm_err import_page(void *ctx, uint64_t number, fvm_bytes value)
{
    importing *im = ctx;
    fvm_cid cid;
    FVM_TRY(fvm_cbor_cid(&cid, &value));
    im->block.len = 0;
    FVM_TRY(fvm_blockstore_get(im->bs, &im->block, &cid));
    fvm_err err = take_page(im, number, fvm_buf_bytes(&im->block));
    if (err == FVM_OK) err = make_again(im);
    drop_page(im);
    if (err == FVM_OK) return FVM_OK;
    return fvm__why(im->why, err, "tipset %llu: %s", (unsigned long long)number, fvm_err_text(err));
}

static fvm_err import_pages(fvm_chain *c, const fvm_blockstore *bs, const fvm_cid *root,
                            fvm_store_why *why)
{
    importing im = { .chain = c, .bs = bs, .why = why };
    fvm_amt *pages;
    FVM_TRY(fvm_amt_load(&pages, bs, root, c->alloc));
    fvm_buf_init(&im.block, c->alloc);
    fvm_err err = fvm_amt_each(pages, import_page, &im);
    fvm_buf_deinit(&im.block);
    fvm_amt_free(pages);
    return err;
}

static fvm_err take_description(fvm__params *params, fvm_cid *pages, fvm_bytes in)
{
    fvm_bytes name, record;
    uint64_t version;
    FVM_TRY(fvm_cbor_tuple(4, &in));
    FVM_TRY(fvm_cbor_text(&name, &in, NULL));
    if (!fvm_bytes_eq(name, FVM_STR(NAME))) return FVM_ERR_MALFORMED;
    FVM_TRY(fvm_cbor_uint(&version, &in));
    if (version != VERSION) return FVM_ERR_VERSION;
    FVM_TRY(fvm_cbor_bytes(&record, &in, NULL));
    FVM_TRY(fvm__params_read(params, record));
    FVM_TRY(fvm_cbor_cid(pages, &in));
    return fvm_cbor_end(in);
}

static fvm_err find_description(const fvm_blockstore *bs, fvm__params *params, fvm_cid *pages,
                                const fvm_allocator *alloc, fvm_store_why *why)
{
    const fvm_cid *roots;
    size_t count;
    fvm_buf block;
    fvm_blockstore_car_roots(bs, &roots, &count);
    if (count != 3) return fvm__why(why, FVM_ERR_MALFORMED, "no export of a chain");
    fvm_buf_init(&block, alloc);
    fvm_err err = fvm_blockstore_get(bs, &block, &roots[2]);
    if (err == FVM_OK) err = take_description(params, pages, fvm_buf_bytes(&block));
    fvm_buf_deinit(&block);
    if (err != FVM_OK) return fvm__why(why, err, "no export of a chain: %s", fvm_err_text(err));
    return FVM_OK;
}

fvm_err fvm_chain_import(fvm_chain **out, const fvm_chain_options *options, const char *path,
                         const fvm_allocator *alloc, fvm_store_why *why)
{
    fvm_blockstore bs;
    fvm__origin origin = { .blocks = &bs };
    fvm_cid pages;
    fvm_chain *chain;
    fvm_chain_options quiet = *options;
    quiet.sealing = FVM_SEALING_MANUAL;
    FVM_TRY(fvm_blockstore_car_open(&bs, path, true, alloc, why));
    fvm_err err = find_description(&bs, &origin.params, &pages, alloc, why);
    if (err == FVM_OK) err = fvm__chain_open(&chain, &quiet, &origin, alloc, why);
    if (err == FVM_OK) {
        err = import_pages(chain, &bs, &pages, why);
        if (err == FVM_OK) {
            fvm_chain_set_sealing(chain, options->sealing, options->interval_ms);
            *out = chain;
        } else {
            fvm_chain_close(chain);
        }
    }
    fvm_blockstore_free(&bs);
    return err;
}
