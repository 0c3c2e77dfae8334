/* ipld_diff.c - `fvm ipld diff`: two state roots, actor by actor. Only what the two trees do not share
 * is read, so that a block's worth of change in a large state is found at once. */
#include "ipld.h"
#include "json.h"

#include "base/varint.h"
#include "ipld/cbor.h"
#include "kernel/state.h"
#include "store/hamt_diff.h"
#include "store/source.h"

#include <inttypes.h>

#define STATE_TREE_BITS 5

typedef struct state_root {
    uint64_t version;
    fvm_cid actors;
} state_root;

typedef struct states {
    bool json;
    state_root roots[2];
    uint64_t added, removed, changed;
} states;

static fvm_err read_root(state_root *out, const fvm_blockstore *bs, const char *text,
                         fvm_store_why *why)
{
    fvm_cli_place place;
    fvm_cid info;
    fvm_err err = fvm_cli_place_find(&place, bs, text, why);
    if (err == FVM_OK) {
        fvm_bytes in = place.item;
        err = fvm_cbor_tuple(3, &in);
        if (err == FVM_OK) err = fvm_cbor_uint(&out->version, &in);
        if (err == FVM_OK) err = fvm_cbor_cid(&out->actors, &in);
        if (err == FVM_OK) err = fvm_cbor_cid(&info, &in);
        if (err == FVM_OK) err = fvm_cbor_end(in);
        if (err == FVM_OK && out->version > 5) err = FVM_ERR_VERSION;
        if (err != FVM_OK)
            (void)fvm__why(why, err, "%s: no state root: %s", text, fvm_err_text(err));
    }
    fvm_buf_deinit(&place.block);
    return err;
}

/* One field of both records: equal ones are left out. NULL when out of memory. */
static bool add_field(json_t *fields, const char *name, json_t *before, json_t *after)
{
    bool ok = before && after;
    if (ok && !json_equal(before, after)) {
        json_t *both = json_pack("[O,O]", before, after);
        ok = both && json_object_set_new(fields, name, both) == 0;
    }
    json_decref(before);
    json_decref(after);
    return ok;
}

static json_t *delegated_to_json(const fvm_actor *actor)
{
    char text[FVM_ADDRESS_TEXT_MAX];
    if (!actor || actor->delegated.len == 0) return json_null();
    (void)fvm_address_to_text(text, &actor->delegated, 'f');
    return json_string(text);
}

/* What differs; an actor that is not there has nulls. */
static json_t *changes(const fvm_actor *a, const fvm_actor *b)
{
    json_t *fields = json_object();
    bool ok = fields != NULL;
    ok = ok && add_field(fields, "code", a ? fvm_json_from_cid(&a->code) : json_null(),
                         b ? fvm_json_from_cid(&b->code) : json_null());
    ok = ok && add_field(fields, "head", a ? fvm_json_from_cid(&a->head) : json_null(),
                         b ? fvm_json_from_cid(&b->head) : json_null());
    ok = ok && add_field(fields, "nonce", a ? fvm_json_from_u64(a->nonce) : json_null(),
                         b ? fvm_json_from_u64(b->nonce) : json_null());
    ok = ok && add_field(fields, "balance", a ? fvm_json_from_big(&a->balance) : json_null(),
                         b ? fvm_json_from_big(&b->balance) : json_null());
    ok = ok && add_field(fields, "delegated", delegated_to_json(a), delegated_to_json(b));
    if (ok) return fields;
    json_decref(fields);
    return NULL;
}

static const char *text_of(const json_t *value)
{
    if (json_is_object(value)) value = json_object_get(value, "/"); /* a link */
    return json_is_string(value) ? json_string_value(value) : NULL;
}

static void print_value(const json_t *value)
{
    const char *text = text_of(value);
    if (text)
        fputs(text, stdout);
    else
        fvm_json_print(stdout, value);
}

static void print_change(const states *s, const char *id, const char *what, json_t *fields)
{
    const char *name;
    json_t *both;
    if (s->json) {
        json_t *line = json_pack("{s:s,s:s,s:O}", "actor", id, "change", what, "fields", fields);
        if (line) fvm_json_print(stdout, line);
        putchar('\n');
        json_decref(line);
        return;
    }
    printf("%s %s\n", id, what);
    json_object_foreach(fields, name, both)
    {
        printf("  %-9s ", name);
        print_value(json_array_get(both, 0));
        fputs(" -> ", stdout);
        print_value(json_array_get(both, 1));
        putchar('\n');
    }
}

static fvm_err actor_id(char text[FVM_ADDRESS_TEXT_MAX], fvm_bytes key)
{
    fvm_address address;
    FVM_TRY(fvm_address_read(&address, key, true));
    (void)fvm_address_to_text(text, &address, 'f');
    return FVM_OK;
}

static fvm_err differ(void *ctx, fvm_bytes key, fvm_bytes before, fvm_bytes after)
{
    states *s = ctx;
    fvm_actor actors[2];
    char id[FVM_ADDRESS_TEXT_MAX];
    if (actor_id(id, key) != FVM_OK) return FVM_ERR_BAD_STATE;
    if (before.ptr) FVM_TRY(fvm_actor_read(&actors[0], before, (uint32_t)s->roots[0].version));
    if (after.ptr) FVM_TRY(fvm_actor_read(&actors[1], after, (uint32_t)s->roots[1].version));
    json_t *fields = changes(before.ptr ? &actors[0] : NULL, after.ptr ? &actors[1] : NULL);
    if (!fields) return FVM_ERR_NOMEM;
    if (json_object_size(fields) > 0) { /* else only the form of the record is another */
        const char *what = !before.ptr ? "added" : !after.ptr ? "removed" : "changed";
        *(!before.ptr ? &s->added : !after.ptr ? &s->removed : &s->changed) += 1;
        print_change(s, id, what, fields);
    }
    json_decref(fields);
    return FVM_OK;
}

fvm_cli_exit fvm_ipld_diff(const fvm_ipld_command *c)
{
    fvm_store_why why = { { 0 } };
    fvm_cli_source source;
    states s = { .json = c->json };
    fvm_err err = fvm_cli_source_open(&source, c->words[0], &why);
    if (err != FVM_OK) return fvm_ipld_failed(err, &why);
    for (int i = 0; i < 2 && err == FVM_OK; i++)
        err = read_root(&s.roots[i], &source.bs, c->words[i + 1], &why);
    if (err == FVM_OK) {
        err = fvm__hamt_diff(&source.bs, &s.roots[0].actors, &s.roots[1].actors, STATE_TREE_BITS,
                             differ, &s, NULL);
        if (err != FVM_OK) (void)fvm__why(&why, err, "the trees of actors: %s", fvm_err_text(err));
    }
    fvm_cli_source_close(&source);
    if (err != FVM_OK) return fvm_ipld_failed(err, &why);
    bool version = s.roots[0].version != s.roots[1].version;
    if (!c->json) {
        if (version)
            printf("version of the tree %" PRIu64 " -> %" PRIu64 "\n", s.roots[0].version,
                   s.roots[1].version);
        printf("%" PRIu64 " added, %" PRIu64 " removed, %" PRIu64 " changed\n", s.added, s.removed,
               s.changed);
    }
    return s.added || s.removed || s.changed || version ? FVM_EXIT_FAILED : FVM_EXIT_OK;
}
