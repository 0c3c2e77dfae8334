/* schema_write.c - blocks as JSON by name. Depth is bounded by the schema, not by the data: each step
 * into a value, also across a link, is a step into a type. */
#include "schema_internal.h"

#include "base/text.h"
#include "base/varint.h"
#include "ipld/amt.h"
#include "ipld/bitfield.h"
#include "ipld/cbor.h"
#include "ipld/dagjson.h"
#include "ipld/hamt.h"
#include "ipld/kamt.h"
#include <fvm/address.h>
#include <fvm/big.h>

#include <inttypes.h>
#include <stdio.h>

typedef struct writer {
    const fvm_schema *schema;
    const fvm_schema_style *style;
    fvm_buf *out;
    unsigned level;
} writer;

static fvm_err put(writer *w, const char *text)
{
    return fvm_buf_append(w->out, fvm_bytes_of(text));
}

static fvm_err new_line(writer *w)
{
    if (w->style->indent == 0) return FVM_OK;
    FVM_TRY(put(w, "\n"));
    for (unsigned i = 0; i < w->level * w->style->indent; i++) FVM_TRY(fvm_buf_put_u8(w->out, ' '));
    return FVM_OK;
}

static fvm_err open(writer *w, const char *bracket)
{
    w->level++;
    return put(w, bracket);
}

/* Each entry of a list or object: what stands before it. */
static fvm_err separate(writer *w, uint64_t index)
{
    if (index) FVM_TRY(put(w, ","));
    return new_line(w);
}

static fvm_err close(writer *w, const char *bracket, bool any)
{
    w->level--;
    if (any) FVM_TRY(new_line(w));
    return put(w, bracket);
}

static fvm_err put_text(writer *w, fvm_bytes text)
{
    fvm_buf item;
    fvm_buf_init(&item, w->schema->alloc);
    fvm_err err = fvm_cbor_put_text(&item, text);
    if (err == FVM_OK) err = fvm_dagjson_write(w->out, fvm_buf_bytes(&item), 0);
    fvm_buf_deinit(&item);
    return err;
}

static fvm_err put_key(writer *w, fvm_bytes key)
{
    FVM_TRY(put_text(w, key));
    return put(w, w->style->indent ? ": " : ":");
}

static fvm_err put_hex(writer *w, fvm_bytes bytes)
{
    FVM_TRY(put(w, "\"0x"));
    FVM_TRY(fvm_hex_encode(w->out, bytes));
    return put(w, "\"");
}

static fvm_err put_number(writer *w, uint64_t v, bool negative)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%s%" PRIu64, negative ? "-" : "", v);
    return put(w, text);
}

static fvm_err put_int(writer *w, int64_t v)
{
    return put_number(w, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0);
}

static fvm_err put_address(writer *w, fvm_bytes bytes)
{
    fvm_address address;
    char text[FVM_ADDRESS_TEXT_MAX + 2];
    FVM_TRY(fvm_address_read(&address, bytes, true));
    (void)fvm_address_to_text(text, &address, 'f');
    return put_text(w, fvm_bytes_of(text));
}

static fvm_err put_big(writer *w, fvm_bytes bytes)
{
    fvm_big big;
    char text[FVM_BIG_TEXT_MAX];
    FVM_TRY(fvm_big_read(&big, bytes));
    (void)fvm_big_to_text(text, &big);
    FVM_TRY(put(w, "\""));
    FVM_TRY(put(w, text));
    return put(w, "\"");
}

static fvm_err put_cid(writer *w, const fvm_cid *cid)
{
    char text[FVM_CID_TEXT_MAX];
    (void)fvm_cid_to_text(text, cid);
    FVM_TRY(put(w, w->style->indent ? "{\"/\": \"" : "{\"/\":\""));
    FVM_TRY(put(w, text));
    return put(w, "\"}");
}

static fvm_err put_ranges(writer *w, const fvm_bitfield *set)
{
    FVM_TRY(put(w, "["));
    for (size_t i = 0; i < set->count; i++) {
        const fvm_range *range = &set->ranges[i];
        bool one = range->end - range->first == 1;
        if (i) FVM_TRY(put(w, ","));
        if (!one) FVM_TRY(put(w, "["));
        FVM_TRY(put_number(w, range->first, false));
        if (one) continue;
        FVM_TRY(put(w, ","));
        FVM_TRY(put_number(w, range->end - 1, false));
        FVM_TRY(put(w, "]"));
    }
    return put(w, "]");
}

static fvm_err put_bitfield(writer *w, fvm_bytes rle)
{
    fvm_bitfield set;
    fvm_bitfield_init(&set, w->schema->alloc);
    fvm_err err = fvm_bitfield_read(&set, rle);
    if (err == FVM_OK) err = put_ranges(w, &set);
    fvm_bitfield_deinit(&set);
    return err;
}

/* --- collections --- */

static fvm_err put_item(writer *w, uint32_t node, fvm_bytes *in);

typedef struct entries {
    writer *w;
    const fvm__schema_node *node;
    uint64_t count;
    bool more; /* than are printed */
} entries;

/* One more entry is to be printed, or else the walk ends: a collection of shared nodes may have far
 * more entries than blocks. */
static fvm_err next_entry(entries *e)
{
    if (e->count == e->w->style->entries_max) {
        e->more = true;
        return FVM_ERR_LIMIT;
    }
    return separate(e->w, e->count++);
}

static fvm_err put_varint_key(writer *w, fvm_bytes key, bool zigzag)
{
    uint64_t v;
    FVM_TRY(put(w, "\""));
    FVM_TRY(fvm_varint_read(&v, &key));
    if (key.len) return FVM_ERR_TRAILING;
    FVM_TRY(zigzag ? put_int(w, fvm_zigzag(v)) : put_number(w, v, false));
    return put(w, "\"");
}

static fvm_err put_cid_key(writer *w, fvm_bytes key)
{
    fvm_cid cid;
    size_t used;
    char text[FVM_CID_TEXT_MAX];
    FVM_TRY(fvm_cid_read(&cid, &used, key));
    if (used != key.len) return FVM_ERR_TRAILING;
    (void)fvm_cid_to_text(text, &cid);
    return put_text(w, fvm_bytes_of(text));
}

static fvm_err put_hamt_key(writer *w, uint8_t kind, fvm_bytes key)
{
    switch (kind) {
    case FVM__SCHEMA_ADDR: return put_address(w, key);
    case FVM__SCHEMA_U64: return put_varint_key(w, key, false);
    case FVM__SCHEMA_I64: return put_varint_key(w, key, true);
    case FVM__SCHEMA_CID: return put_cid_key(w, key);
    default: return put_hex(w, key);
    }
}

static fvm_err put_entry(void *ctx, fvm_bytes key, fvm_bytes value)
{
    entries *e = ctx;
    writer *w = e->w;
    FVM_TRY(next_entry(e));
    FVM_TRY(put_hamt_key(w, e->node->key, key));
    FVM_TRY(put(w, w->style->indent ? ": " : ":"));
    FVM_TRY(put_item(w, e->node->first, &value));
    return fvm_cbor_end(value);
}

static fvm_err put_slot(void *ctx, const uint8_t key[FVM_KAMT_KEY_LEN], fvm_bytes value)
{
    return put_entry(ctx, (fvm_bytes){ key, FVM_KAMT_KEY_LEN }, value);
}

static fvm_err put_indexed(void *ctx, uint64_t index, fvm_bytes value)
{
    entries *e = ctx;
    writer *w = e->w;
    FVM_TRY(next_entry(e));
    FVM_TRY(put(w, "\""));
    FVM_TRY(put_number(w, index, false));
    FVM_TRY(put(w, w->style->indent ? "\": " : "\":"));
    FVM_TRY(put_item(w, e->node->first, &value));
    return fvm_cbor_end(value);
}

static fvm_err each_entry(entries *e, const fvm_cid *root)
{
    const fvm_blockstore *bs = e->w->style->bs;
    const fvm_allocator *alloc = e->w->schema->alloc;
    fvm_err err;
    if (e->node->kind == FVM__SCHEMA_HAMT) {
        fvm_hamt *hamt;
        FVM_TRY(fvm_hamt_load(&hamt, bs, root, e->node->bits, alloc));
        err = fvm_hamt_each(hamt, put_entry, e);
        fvm_hamt_free(hamt);
    } else if (e->node->kind == FVM__SCHEMA_KAMT) {
        fvm_kamt *kamt;
        FVM_TRY(fvm_kamt_load(&kamt, bs, root, e->node->bits, alloc));
        err = fvm_kamt_each(kamt, put_slot, e);
        fvm_kamt_free(kamt);
    } else {
        fvm_amt *amt;
        FVM_TRY(fvm_amt_load(&amt, bs, root, alloc));
        err = fvm_amt_each(amt, put_indexed, e);
        fvm_amt_free(amt);
    }
    return err;
}

static fvm_err put_collection(writer *w, const fvm__schema_node *node, const fvm_cid *root)
{
    entries e = { .w = w, .node = node };
    FVM_TRY(open(w, "{"));
    fvm_err err = each_entry(&e, root);
    if (err != FVM_OK && !e.more) return err;
    if (e.more) {
        FVM_TRY(separate(w, e.count));
        FVM_TRY(put_key(w, FVM_STR("...")));
        FVM_TRY(put(w, "\"more\""));
    }
    return close(w, "}", e.count > 0 || e.more);
}

static fvm_err put_linked(writer *w, const fvm__schema_node *node, const fvm_cid *cid)
{
    fvm_buf block;
    fvm_buf_init(&block, w->schema->alloc);
    fvm_err err = fvm_blockstore_get(w->style->bs, &block, cid);
    if (err == FVM_ERR_NOT_FOUND) err = FVM_ERR_MISSING_BLOCK;
    if (err == FVM_OK) {
        fvm_bytes in = fvm_buf_bytes(&block);
        err = put_item(w, node->first, &in);
        if (err == FVM_OK) err = fvm_cbor_end(in);
    }
    fvm_buf_deinit(&block);
    return err;
}

/* --- values --- */

static fvm_err put_link(writer *w, const fvm__schema_node *node, fvm_bytes *in)
{
    fvm_cid cid;
    FVM_TRY(fvm_cbor_cid(&cid, in));
    if (node->kind == FVM__SCHEMA_CID || !w->style->bs) return put_cid(w, &cid);
    return node->kind == FVM__SCHEMA_LINK ? put_linked(w, node, &cid)
                                          : put_collection(w, node, &cid);
}

static fvm_err put_list(writer *w, const fvm__schema_node *node, fvm_bytes *in)
{
    uint64_t count;
    FVM_TRY(fvm_cbor_array(&count, in));
    FVM_TRY(open(w, "["));
    for (uint64_t i = 0; i < count; i++) {
        FVM_TRY(separate(w, i));
        FVM_TRY(put_item(w, node->first, in));
    }
    return close(w, "]", count > 0);
}

static fvm_err put_tuple(writer *w, const fvm__schema_node *node, fvm_bytes *in)
{
    const fvm__schema_field *field = &w->schema->fields[node->first];
    FVM_TRY(fvm_cbor_tuple(node->count, in));
    FVM_TRY(open(w, "{"));
    for (uint32_t i = 0; i < node->count; i++) {
        FVM_TRY(separate(w, i));
        FVM_TRY(put_key(w, field[i].name));
        FVM_TRY(put_item(w, field[i].node, in));
    }
    return close(w, "}", true);
}

static fvm_err put_choice(writer *w, const fvm__schema_node *node, fvm_bytes *in)
{
    size_t mark = w->out->len;
    unsigned level = w->level;
    fvm_err err = FVM_ERR_MALFORMED;
    for (uint32_t i = 0; i < node->count; i++) {
        fvm_bytes rest = *in;
        err = put_item(w, w->schema->fields[node->first + i].node, &rest);
        if (err == FVM_OK) {
            *in = rest;
            return FVM_OK;
        }
        /* a trie of another width is no such trie; but what is not here cannot tell */
        if (fvm_err_class_of(err) != FVM_CLASS_INPUT && err != FVM_ERR_BAD_STATE) return err;
        w->out->len = mark;
        w->level = level;
    }
    return err;
}

static fvm_err put_any(writer *w, fvm_bytes *in)
{
    fvm_bytes item;
    FVM_TRY(fvm_cbor_item(&item, in));
    fvm_err err = fvm_dagjson_write(w->out, item, 0);
    return err == FVM_ERR_INVALID ? put_hex(w, item) : err;
}

/* What is a byte string in CBOR. */
static fvm_err put_bytes(writer *w, uint8_t kind, fvm_bytes *in)
{
    fvm_bytes v;
    FVM_TRY(fvm_cbor_bytes(&v, in, NULL));
    switch (kind) {
    case FVM__SCHEMA_ADDR: return put_address(w, v);
    case FVM__SCHEMA_BIG: return put_big(w, v);
    case FVM__SCHEMA_BITFIELD: return put_bitfield(w, v);
    case FVM__SCHEMA_U256: return v.len <= 32 ? put_hex(w, v) : FVM_ERR_RANGE;
    default: return put_hex(w, v);
    }
}

static fvm_err put_bool(writer *w, fvm_bytes *in)
{
    bool v;
    FVM_TRY(fvm_cbor_bool(&v, in));
    return put(w, v ? "true" : "false");
}

static fvm_err put_item(writer *w, uint32_t index, fvm_bytes *in)
{
    const fvm__schema_node *node = &w->schema->nodes[index];
    uint64_t u;
    int64_t i;
    fvm_bytes text;
    switch ((fvm__schema_kind)node->kind) {
    case FVM__SCHEMA_U64: FVM_TRY(fvm_cbor_uint(&u, in)); return put_number(w, u, false);
    case FVM__SCHEMA_I64: FVM_TRY(fvm_cbor_int(&i, in)); return put_int(w, i);
    case FVM__SCHEMA_TEXT: FVM_TRY(fvm_cbor_text(&text, in, NULL)); return put_text(w, text);
    case FVM__SCHEMA_BOOL: return put_bool(w, in);
    case FVM__SCHEMA_NULL: return fvm_cbor_take_null(in) ? put(w, "null") : FVM_ERR_MALFORMED;
    case FVM__SCHEMA_ANY: return put_any(w, in);
    case FVM__SCHEMA_LIST: return put_list(w, node, in);
    case FVM__SCHEMA_OPTIONAL:
        return fvm_cbor_take_null(in) ? put(w, "null") : put_item(w, node->first, in);
    case FVM__SCHEMA_TUPLE: return put_tuple(w, node, in);
    case FVM__SCHEMA_CHOICE: return put_choice(w, node, in);
    case FVM__SCHEMA_CID:
    case FVM__SCHEMA_LINK:
    case FVM__SCHEMA_HAMT:
    case FVM__SCHEMA_AMT:
    case FVM__SCHEMA_KAMT: return put_link(w, node, in);
    case FVM__SCHEMA_ADDR:
    case FVM__SCHEMA_BIG:
    case FVM__SCHEMA_BYTES:
    case FVM__SCHEMA_BITFIELD:
    case FVM__SCHEMA_U256: break;
    }
    return put_bytes(w, node->kind, in);
}

/* --- from outside --- */

static const fvm__schema_row *find_row(const fvm_schema *s, fvm_bytes actor,
                                       const fvm__schema_row *like)
{
    for (uint32_t i = 0; i < s->row_count; i++) {
        const fvm__schema_row *row = &s->rows[i];
        if (row->what == like->what && row->method == like->method &&
            fvm_bytes_eq(row->actor, actor) &&
            (like->what != FVM__ROW_EVENT || fvm_bytes_eq(row->name, like->name)))
            return row;
    }
    return NULL;
}

/* One block that is one value of type `node`. */
static fvm_err write_whole(fvm_buf *out, const fvm_schema *s, uint32_t node, fvm_bytes block,
                           const fvm_schema_style *style)
{
    writer w = { .schema = s, .style = style, .out = out };
    size_t mark = out->len;
    fvm_err err = put_item(&w, node, &block);
    if (err == FVM_OK) err = fvm_cbor_end(block);
    if (err != FVM_OK) out->len = mark;
    return err;
}

fvm_err fvm_schema_write(fvm_buf *out, const fvm_schema *s, fvm_bytes actor, fvm_schema_part part,
                         uint64_t method, uint64_t codec, fvm_bytes block,
                         const fvm_schema_style *style)
{
    bool state = part == FVM_SCHEMA_STATE;
    fvm__schema_row like = { .what = state ? FVM__ROW_STATE : FVM__ROW_METHOD,
                             .method = state ? 0 : method };
    const fvm__schema_row *row = find_row(s, actor, &like);
    if (!row) return FVM_ERR_NOT_FOUND;
    uint32_t node = part == FVM_SCHEMA_RETURN ? row->result : row->node;
    bool bytes = node != FVM__SCHEMA_NONE && s->nodes[node].kind == FVM__SCHEMA_BYTES;
    if (block.len == 0 && (bytes || node == FVM__SCHEMA_NONE))
        return fvm_buf_append(out, FVM_STR("null"));
    if (node == FVM__SCHEMA_NONE) return FVM_ERR_TRAILING;
    if (bytes && codec == FVM_CODEC_RAW) {
        writer w = { .schema = s, .style = style, .out = out };
        size_t mark = out->len;
        fvm_err err = put_hex(&w, block);
        if (err != FVM_OK) out->len = mark;
        return err;
    }
    return write_whole(out, s, node, block, style);
}

fvm_err fvm_schema_write_event(fvm_buf *out, const fvm_schema *s, fvm_bytes actor, fvm_bytes event,
                               fvm_bytes key, fvm_bytes value, const fvm_schema_style *style)
{
    fvm__schema_row like = { .what = FVM__ROW_EVENT, .name = event };
    const fvm__schema_row *row = find_row(s, actor, &like);
    if (!row) return FVM_ERR_NOT_FOUND;
    const fvm__schema_node *tuple = &s->nodes[row->node];
    for (uint32_t i = 0; i < tuple->count; i++) {
        const fvm__schema_field *field = &s->fields[tuple->first + i];
        if (fvm_bytes_eq(field->name, key)) return write_whole(out, s, field->node, value, style);
    }
    return FVM_ERR_NOT_FOUND;
}
