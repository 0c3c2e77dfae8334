/* ipld_list.c - `fvm ipld list`: entries of HAMTs, AMTs and KAMTs as lines {"key": ..., "value": ...},
 * which are printed as they are found. */
#include "ipld.h"

#include "base/text.h"
#include "base/varint.h"
#include "ipld/amt.h"
#include "ipld/cbor.h"
#include "ipld/dagjson.h"
#include "ipld/hamt.h"
#include "ipld/kamt.h"
#include "store/source.h"

#include <fvm/address.h>
#include <inttypes.h>

typedef enum key_kind { KEY_HEX, KEY_TEXT, KEY_UINT, KEY_INT, KEY_ADDRESS } key_kind;
static const char *const key_kinds[] = { "hex", "text", "uint", "int", "address" };

typedef struct listing {
    key_kind keys;
    fvm_buf line, key;
    fvm_store_why *why;
} listing;

static fvm_err put(fvm_buf *out, const char *text)
{
    return fvm_buf_append(out, fvm_bytes_of(text));
}

/* A text as DAG-JSON, quotes and all. */
static fvm_err put_json_text(listing *l, fvm_bytes text)
{
    l->key.len = 0;
    FVM_TRY(fvm_cbor_put_text(&l->key, text));
    return fvm_dagjson_write(&l->line, fvm_buf_bytes(&l->key), 0);
}

static fvm_err put_number(listing *l, fvm_bytes key)
{
    char text[24];
    uint64_t v;
    FVM_TRY(fvm_varint_read(&v, &key));
    if (key.len) return FVM_ERR_TRAILING;
    if (l->keys == KEY_UINT)
        (void)snprintf(text, sizeof text, "%" PRIu64, v);
    else
        (void)snprintf(text, sizeof text, "%" PRId64, fvm_zigzag(v));
    return put(&l->line, text);
}

static fvm_err put_address(listing *l, fvm_bytes key)
{
    fvm_address address;
    char text[FVM_ADDRESS_TEXT_MAX];
    FVM_TRY(fvm_address_read(&address, key, true));
    (void)fvm_address_to_text(text, &address, 'f');
    return put_json_text(l, fvm_bytes_of(text));
}

static fvm_err put_key(listing *l, fvm_bytes key)
{
    switch (l->keys) {
    case KEY_HEX:
        FVM_TRY(put(&l->line, "\""));
        FVM_TRY(fvm_hex_encode(&l->line, key));
        return put(&l->line, "\"");
    case KEY_TEXT: return put_json_text(l, key);
    case KEY_UINT:
    case KEY_INT: return put_number(l, key);
    case KEY_ADDRESS: return put_address(l, key);
    }
    return FVM_ERR_INVALID;
}

static fvm_err end_line(listing *l, fvm_bytes value)
{
    FVM_TRY(put(&l->line, ",\"value\":"));
    fvm_err err = fvm_dagjson_write(&l->line, value, 0);
    if (err != FVM_OK)
        return fvm__why(l->why, err, "a value cannot be written: %s", fvm_err_text(err));
    FVM_TRY(put(&l->line, "}\n"));
    bool ok = fwrite(l->line.ptr, 1, l->line.len, stdout) == l->line.len;
    return ok ? FVM_OK : FVM_ERR_IO;
}

static fvm_err print_entry(void *ctx, fvm_bytes key, fvm_bytes value)
{
    listing *l = ctx;
    l->line.len = 0;
    FVM_TRY(put(&l->line, "{\"key\":"));
    fvm_err err = put_key(l, key);
    if (err != FVM_OK)
        return fvm__why(l->why, err, "a key is no %s; --keys says what keys are",
                        key_kinds[l->keys]);
    return end_line(l, value);
}

static fvm_err print_indexed(void *ctx, uint64_t index, fvm_bytes value)
{
    listing *l = ctx;
    char text[40];
    l->line.len = 0;
    (void)snprintf(text, sizeof text, "{\"key\":%" PRIu64, index);
    FVM_TRY(put(&l->line, text));
    return end_line(l, value);
}

static fvm_err print_slot(void *ctx, const uint8_t key[FVM_KAMT_KEY_LEN], fvm_bytes value)
{
    return print_entry(ctx, (fvm_bytes){ key, FVM_KAMT_KEY_LEN }, value);
}

/* --- the kinds --- */

static fvm_err list_hamt(listing *l, const fvm_blockstore *bs, const fvm_cid *root, unsigned bits)
{
    fvm_hamt *hamt;
    FVM_TRY(fvm_hamt_load(&hamt, bs, root, bits, NULL));
    fvm_err err = fvm_hamt_each(hamt, print_entry, l);
    fvm_hamt_free(hamt);
    return err;
}

static fvm_err list_amt(listing *l, const fvm_blockstore *bs, const fvm_cid *root, unsigned bits)
{
    fvm_amt *amt;
    (void)bits; /* the root tells */
    FVM_TRY(fvm_amt_load(&amt, bs, root, NULL));
    fvm_err err = fvm_amt_each(amt, print_indexed, l);
    fvm_amt_free(amt);
    return err;
}

static fvm_err list_amt0(listing *l, const fvm_blockstore *bs, const fvm_cid *root, unsigned bits)
{
    fvm_amt *amt;
    (void)bits;
    FVM_TRY(fvm_amt_load_v0(&amt, bs, root, NULL));
    fvm_err err = fvm_amt_each(amt, print_indexed, l);
    fvm_amt_free(amt);
    return err;
}

static fvm_err list_kamt(listing *l, const fvm_blockstore *bs, const fvm_cid *root, unsigned bits)
{
    fvm_kamt *kamt;
    FVM_TRY(fvm_kamt_load(&kamt, bs, root, bits, NULL));
    fvm_err err = fvm_kamt_each(kamt, print_slot, l);
    fvm_kamt_free(kamt);
    return err;
}

static const struct kind {
    const char *name;
    fvm_err (*list)(listing *l, const fvm_blockstore *bs, const fvm_cid *root, unsigned bits);
} kinds[] = {
    { "hamt", list_hamt },
    { "amt", list_amt },
    { "amt0", list_amt0 },
    { "kamt", list_kamt },
};

static fvm_err list_at(const fvm_ipld_command *c, listing *l, const struct kind *kind)
{
    fvm_cli_source source;
    fvm_cli_place place;
    FVM_TRY(fvm_cli_source_open(&source, c->words[0], l->why));
    fvm_err err = fvm_cli_place_find(&place, &source.bs, c->words[1], l->why);
    if (err == FVM_OK && !place.whole)
        err = fvm__why(l->why, FVM_ERR_INVALID, "the path leads into a block, not to one");
    if (err == FVM_OK) {
        err = kind->list(l, &source.bs, &place.cid, (unsigned)c->bits);
        if (err != FVM_OK && l->why->text[0] == 0)
            (void)fvm__why(l->why, err, "not a %s, or not complete: %s", kind->name,
                           fvm_err_text(err));
    }
    fvm_buf_deinit(&place.block);
    fvm_cli_source_close(&source);
    return err;
}

fvm_cli_exit fvm_ipld_list(const fvm_ipld_command *c)
{
    fvm_store_why why = { { 0 } };
    listing l = { .why = &why };
    size_t kind = 0, keys = 0;
    while (kind < FVM_COUNT(kinds) && !(c->as && strcmp(c->as, kinds[kind].name) == 0)) kind++;
    while (keys < FVM_COUNT(key_kinds) && strcmp(c->keys, key_kinds[keys]) != 0) keys++;
    if (kind == FVM_COUNT(kinds) || keys == FVM_COUNT(key_kinds) || c->bits < 1 || c->bits > 8) {
        fputs("fvm ipld list: say --as hamt, amt, amt0 or kamt, --keys hex, text, uint, int or "
              "address, --bits 1 to 8.\n",
              stderr);
        return FVM_EXIT_USAGE;
    }
    l.keys = (key_kind)keys;
    fvm_buf_init(&l.line, NULL);
    fvm_buf_init(&l.key, NULL);
    fvm_err err = list_at(c, &l, &kinds[kind]);
    fvm_buf_deinit(&l.line);
    fvm_buf_deinit(&l.key);
    return err == FVM_OK ? FVM_EXIT_OK : fvm_ipld_failed(err, &why);
}
