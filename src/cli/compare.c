/* compare.c - receipts and states, expected against got. No tolerance: JSON values are equal or
 * they are reported. */
#include "vector_run.h"

#include "ipld/cbor.h"
#include "state_actors.h"

/* The events one by one, in base64. */
static json_t *events_to_json(const fvm_receipt *receipt)
{
    json_t *list = json_array();
    fvm_bytes rest = fvm_buf_bytes(&receipt->events), event;
    while (list && rest.len) {
        if (fvm_cbor_item(&event, &rest) != FVM_OK) { /* then show all of it as one */
            event = rest;
            rest.len = 0;
        }
        if (json_array_append_new(list, fvm_json_from_base64(event)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *fvm_receipt_to_json(const fvm_receipt *r)
{
    json_t *object = json_object();
    int bad = 0;
#define PUT(name, value) bad |= json_object_set_new(object, name, value)
    PUT("exit_code", fvm_json_from_u64(r->exit_code));
    PUT("return", fvm_json_from_base64(fvm_buf_bytes(&r->return_data)));
    PUT("return_codec", r->has_return_codec ? fvm_json_from_u64(r->return_codec) : json_null());
    PUT("gas_used", fvm_json_from_u64(r->gas_used));
    PUT("events_root", r->has_events_root ? fvm_json_from_cid(&r->events_root) : json_null());
    if (r->events.len || r->event_count) PUT("events", events_to_json(r));
    PUT("penalty", fvm_json_from_big(&r->penalty));
    PUT("miner_tip", fvm_json_from_big(&r->miner_tip));
    PUT("base_fee_burn", fvm_json_from_big(&r->base_fee_burn));
    PUT("over_estimation_burn", fvm_json_from_big(&r->over_estimation_burn));
    PUT("refund", fvm_json_from_big(&r->refund));
    PUT("gas_refund", fvm_json_from_u64(r->gas_refund));
    PUT("gas_burned", fvm_json_from_u64(r->gas_burned));
#undef PUT
    if (!bad) return object;
    json_decref(object);
    return NULL;
}

json_t *fvm_vector_run_to_json(const fvm_vector_run *run)
{
    json_t *receipts = json_array();
    int bad = receipts ? 0 : -1;
    for (size_t i = 0; i < run->count && !bad; i++)
        bad = json_array_append_new(receipts, fvm_receipt_to_json(&run->receipts[i]));
    if (!bad)
        return json_pack("{s:o,s:{s:o}}", "receipts", receipts, "state_tree", "root_cid",
                         fvm_json_from_cid(&run->root));
    json_decref(receipts);
    return NULL;
}

/* message < 0: of the run as a whole. NULL values are told as absent. */
static fvm_err difference(json_t *list, int64_t message, const char *field, const json_t *expected,
                          const json_t *got)
{
    json_t *item = json_object();
    int bad = 0;
    if (message >= 0) bad |= json_object_set_new(item, "message", json_integer(message));
    bad |= json_object_set_new(item, "field", json_string(field));
    bad |= json_object_set_new(item, "expected",
                               expected ? json_deep_copy(expected) : json_string("(absent)"));
    bad |= json_object_set_new(item, "got", got ? json_deep_copy(got) : json_string("(absent)"));
    if (bad) {
        json_decref(item);
        return FVM_ERR_NOMEM;
    }
    return json_array_append_new(list, item) == 0 ? FVM_OK : FVM_ERR_NOMEM;
}

static fvm_err compare_receipt(json_t *list, size_t i, const fvm_receipt *receipt,
                               const json_t *expected)
{
    json_t *got = fvm_receipt_to_json(receipt);
    fvm_err err = got ? FVM_OK : FVM_ERR_NOMEM;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)expected, key, value)
    {
        const json_t *mine = json_object_get(got, key);
        if (err == FVM_OK && (!mine || !json_equal(value, mine)))
            err = difference(list, (int64_t)i, key, value, mine);
    }
    /* a file with events_root lists the events, too, if there are any */
    if (err == FVM_OK && json_object_get(expected, "events_root") &&
        !json_object_get(expected, "events") && json_object_get(got, "events"))
        err = difference(list, (int64_t)i, "events", NULL, json_object_get(got, "events"));
    json_decref(got);
    return err;
}

fvm_err fvm_vector_compare(json_t *list, const fvm_vector_run *run, const json_t *receipts,
                           const fvm_cid *root)
{
    size_t expected = json_array_size(receipts);
    for (size_t i = 0; i < expected && i < run->count; i++)
        FVM_TRY(compare_receipt(list, i, &run->receipts[i], json_array_get(receipts, i)));
    fvm_err err = FVM_OK;
    if (expected != run->count) {
        json_t *want = json_integer((json_int_t)expected);
        json_t *got = json_integer((json_int_t)run->count);
        err = difference(list, -1, "number of receipts", want, got);
        json_decref(want);
        json_decref(got);
    }
    if (err == FVM_OK && !fvm_cid_eq(root, &run->root)) {
        json_t *want = fvm_json_from_cid(root), *got = fvm_json_from_cid(&run->root);
        err = difference(list, -1, "state root", want, got);
        json_decref(want);
        json_decref(got);
    }
    return err;
}

/* --- states --- */

/* All actors at a root, sorted by ID. */
static fvm_err actors_at(fvm_buf *out, const fvm_blockstore *store, const fvm_network *net,
                         const fvm_cid *root)
{
    fvm_state_view *view;
    FVM_TRY(fvm_state_view_open(&view, store, root, net, NULL));
    fvm_err err = fvm_state_actors(out, view);
    fvm_state_view_free(view);
    return err;
}

/* An address as text; null for none. */
static json_t *address_to_json(const fvm_address *address)
{
    char text[FVM_ADDRESS_TEXT_MAX];
    if (address->len == 0) return json_null();
    (void)fvm_address_to_text(text, address, 'f');
    return json_string(text);
}

static json_t *actor_to_json(const fvm_actor *actor)
{
    if (!actor) return NULL;
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "code", fvm_json_from_cid(&actor->code), "head",
                     fvm_json_from_cid(&actor->head), "nonce", fvm_json_from_u64(actor->nonce),
                     "balance", fvm_json_from_big(&actor->balance), "delegated",
                     address_to_json(&actor->delegated));
}

/* The fields in which two actors differ; all of one that is NULL. */
static json_t *actor_difference(uint64_t id, const fvm_actor *expected, const fvm_actor *got)
{
    static const char *const fields[] = { "code", "head", "nonce", "balance", "delegated" };
    json_t *list = json_array(), *want = actor_to_json(expected), *have = actor_to_json(got);
    fvm_err err = FVM_OK;
    if (!want || !have) {
        err = difference(list, -1, "actor", want, have);
    } else {
        for (size_t i = 0; i < FVM_COUNT(fields) && err == FVM_OK; i++) {
            const json_t *a = json_object_get(want, fields[i]);
            const json_t *b = json_object_get(have, fields[i]);
            if (!json_equal(a, b)) err = difference(list, -1, fields[i], a, b);
        }
    }
    json_decref(want);
    json_decref(have);
    if (err != FVM_OK) {
        json_decref(list);
        return NULL;
    }
    return json_array_size(list)
               ? json_pack("{s:o,s:o}", "id", fvm_json_from_u64(id), "differences", list)
               : (json_decref(list), json_null());
}

fvm_err fvm_state_difference(json_t **out, const fvm_blockstore *store, uint32_t nv,
                             const fvm_cid *expected, const fvm_cid *got)
{
    const fvm_network *net = fvm_network_find(nv);
    fvm_buf want, have;
    json_t *first = NULL;
    size_t others = 0;
    if (!net) return FVM_ERR_VERSION;
    fvm_buf_init(&want, NULL);
    fvm_buf_init(&have, NULL);
    fvm_err err = actors_at(&want, store, net, expected);
    if (err == FVM_OK) err = actors_at(&have, store, net, got);
    fvm_actor_pairs pairs = { .left = &want, .right = &have };
    const fvm_state_actor *w, *h;
    while (err == FVM_OK && fvm_actor_pairs_next(&pairs, &w, &h)) {
        json_t *item = actor_difference(w ? w->id : h->id, w ? &w->actor : NULL,
                                        h ? &h->actor : NULL);
        if (!item)
            err = FVM_ERR_NOMEM;
        else if (json_is_null(item))
            json_decref(item);
        else if (first)
            json_decref(item), others++;
        else
            first = item;
    }
    if (err == FVM_OK && first &&
        json_object_set_new(first, "others", json_integer((json_int_t)others)) != 0)
        err = FVM_ERR_NOMEM;
    fvm_buf_deinit(&want);
    fvm_buf_deinit(&have);
    if (err == FVM_OK)
        *out = first;
    else
        json_decref(first);
    return err;
}
