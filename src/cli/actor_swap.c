/* actor_swap.c - see actor_swap.h. */
#include "actor_swap.h"

#include "ipld/cbor.h"
#include "kernel/exit_code.h"
#include "state_actors.h"

#define CODES_MAX 64
#define OLD_CONTRACT_FIELDS 5

typedef struct code_pair {
    fvm_cid from, to; /* mainnet's, the embedded one */
} code_pair;

/* Codes and the list of built-in actors, before and after. */
typedef struct swap {
    code_pair code[CODES_MAX];
    size_t count;
    fvm_cid evm; /* the embedded code of contracts; version 0: not swapped */
    fvm_cid old_system, new_system;
} swap;

/* --- the option --- */

static const char embedded[] = FVM_BUNDLE_EMBEDDED;

bool fvm_swap_option(const char *command, const char *value)
{
    size_t n = sizeof embedded - 1;
    if (strncmp(value, embedded, n) == 0 && (value[n] == 0 || (value[n] == ':' && value[n + 1])))
        return true;
    fprintf(stderr, "fvm %s: --actors is '%s' or '%s:NAME,NAME...', not '%s'.\n", command, embedded,
            embedded, value);
    return false;
}

/* The actors that the embedded bundle has; its other places are vacant. */
static const char all_actors[] = "system,init,cron,account,paymentchannel,multisig,reward,"
                                 "placeholder,evm,eam,ethaccount";

static bool is_named(const char *swap_text, fvm_bytes name)
{
    const char *list = strchr(swap_text, ':');
    list = list ? list + 1 : all_actors;
    while (*list) {
        size_t n = strcspn(list, ",");
        if (n == name.len && memcmp(list, name.ptr, n) == 0) return true;
        list += n + (list[n] == ',');
    }
    return false;
}

/* --- codes --- */

static fvm_err put_array_of_one(fvm_cid *out, const fvm_blockstore *store, const fvm_cid *cid)
{
    fvm_buf buf;
    fvm_buf_init(&buf, NULL);
    fvm_err err = fvm_cbor_put_array(&buf, 1);
    if (err == FVM_OK) err = fvm_cbor_put_cid(&buf, cid);
    if (err == FVM_OK)
        err = fvm_blockstore_put_new(store, out, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&buf));
    fvm_buf_deinit(&buf);
    return err;
}

/* The embedded code of `name`, put into the store. FVM_ERR_NOT_FOUND: there is none. */
static fvm_err embedded_code(fvm_cid *out, const fvm_blockstore *store, fvm_bytes name,
                             const fvm_blockstore *bundle, const fvm_buf *actors)
{
    const fvm_bundle_actor *a = (const fvm_bundle_actor *)(void *)actors->ptr;
    for (size_t i = 0; i < actors->len / sizeof *a; i++) {
        if (strlen(a[i].name) != name.len || memcmp(a[i].name, name.ptr, name.len) != 0) continue;
        fvm_buf code;
        fvm_buf_init(&code, NULL);
        fvm_err err = fvm_blockstore_get(bundle, &code, &a[i].code);
        if (err == FVM_OK) err = fvm_blockstore_put(store, &a[i].code, fvm_buf_bytes(&code));
        fvm_buf_deinit(&code);
        *out = a[i].code;
        return err;
    }
    return FVM_ERR_NOT_FOUND;
}

/* Fills in the codes and writes the new list: [[name, code]...]. */
static fvm_err swap_manifest(swap *s, fvm_cid *data, const fvm_blockstore *store,
                             const fvm_manifest *manifest, const char *text,
                             const fvm_blockstore *bundle, const fvm_buf *actors)
{
    fvm_buf list;
    fvm_buf_init(&list, NULL);
    fvm_err err = fvm_cbor_put_array(&list, fvm_manifest_count(manifest));
    for (uint32_t i = 1; i <= fvm_manifest_count(manifest) && err == FVM_OK; i++) {
        fvm_bytes name;
        const fvm_cid *code = fvm_manifest_code(manifest, i, &name);
        fvm_cid ours;
        if (is_named(text, name)) {
            if (s->count == CODES_MAX) {
                err = FVM_ERR_LIMIT;
                break;
            }
            err = embedded_code(&ours, store, name, bundle, actors);
            if (err != FVM_OK) break;
            s->code[s->count++] = (code_pair){ *code, ours };
            if (name.len == 3 && memcmp(name.ptr, "evm", 3) == 0) s->evm = ours;
            code = &s->code[s->count - 1].to;
        }
        err = fvm_cbor_put_array(&list, 2);
        if (err == FVM_OK) err = fvm_cbor_put_text(&list, name);
        if (err == FVM_OK) err = fvm_cbor_put_cid(&list, code);
    }
    if (err == FVM_OK)
        err = fvm_blockstore_put_new(store, data, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&list));
    fvm_buf_deinit(&list);
    return err;
}

/* Finds codes and lists for the state that `view` shows. */
static fvm_err swap_init(swap *s, fvm_state_view *view, const fvm_blockstore *store,
                         const char *text)
{
    fvm_blockstore bundle;
    fvm_bundle_info info;
    fvm_store_why why = { { 0 } };
    fvm_manifest *manifest = NULL;
    fvm_cid data;
    fvm_buf actors;
    *s = (swap){ .count = 0 };
    FVM_TRY(fvm_bundle_open(&bundle, &info, NULL, FVM_BUNDLE_EMBEDDED, NULL, &why));
    fvm_buf_init(&actors, NULL);
    fvm_err err = fvm_bundle_actors(&actors, &bundle, &info.manifest, &why);
    if (err == FVM_OK) err = fvm_system_state_manifest(view, &data);
    if (err == FVM_OK)
        err = fvm_manifest_load(&manifest, store, &data, fvm_state_network(view), NULL);
    if (err == FVM_OK) err = put_array_of_one(&s->old_system, store, &data);
    if (err == FVM_OK) err = swap_manifest(s, &data, store, manifest, text, &bundle, &actors);
    if (err == FVM_OK) err = put_array_of_one(&s->new_system, store, &data);
    fvm_manifest_free(manifest);
    fvm_buf_deinit(&actors);
    fvm_blockstore_free(&bundle);
    return err;
}

static void swap_code(fvm_cid *code, const swap *s, bool back)
{
    for (size_t i = 0; i < s->count; i++) {
        const code_pair *p = &s->code[i];
        if (!fvm_cid_eq(code, back ? &p->to : &p->from)) continue;
        *code = back ? p->from : p->to;
        return;
    }
}

/* A contract's state of five fields gets its sixth: after the third. Others stay. */
static fvm_err new_contract_state(fvm_cid *head, const fvm_blockstore *store)
{
    fvm_buf old, out;
    fvm_bytes item, rest;
    uint64_t fields;
    fvm_buf_init(&old, NULL);
    fvm_buf_init(&out, NULL);
    fvm_err err = fvm_blockstore_get(store, &old, head);
    rest = fvm_buf_bytes(&old);
    if (err == FVM_OK) err = fvm_cbor_array(&fields, &rest);
    if (err == FVM_OK && fields == OLD_CONTRACT_FIELDS) {
        err = fvm_cbor_put_array(&out, OLD_CONTRACT_FIELDS + 1);
        for (int i = 0; i < OLD_CONTRACT_FIELDS && err == FVM_OK; i++) {
            err = fvm_cbor_item(&item, &rest);
            if (err == FVM_OK) err = fvm_cbor_put_raw(&out, item);
            if (err == FVM_OK && i == 2) err = fvm_cbor_put_null(&out);
        }
        if (err == FVM_OK)
            err = fvm_blockstore_put_new(store, head, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&out));
    }
    fvm_buf_deinit(&old);
    fvm_buf_deinit(&out);
    return err;
}

/* --- actors of a state --- */

/* An actor of mainnet's as it is with the embedded ones. */
static fvm_err swap_actor(fvm_state_actor *e, const swap *s, const fvm_blockstore *store)
{
    swap_code(&e->actor.code, s, false);
    if (e->id == FVM_ID_SYSTEM && fvm_cid_eq(&e->actor.head, &s->old_system))
        e->actor.head = s->new_system;
    if (s->evm.version && fvm_cid_eq(&e->actor.code, &s->evm))
        return new_contract_state(&e->actor.head, store);
    return FVM_OK;
}

static fvm_err swap_all(fvm_state_view *view, const swap *s, const fvm_blockstore *store)
{
    fvm_buf list;
    fvm_buf_init(&list, NULL);
    fvm_err err = fvm_state_actors(&list, view);
    fvm_state_actor *e = (fvm_state_actor *)(void *)list.ptr;
    for (size_t i = 0; i < list.len / sizeof *e && err == FVM_OK; i++) {
        err = swap_actor(&e[i], s, store);
        if (err == FVM_OK) err = fvm_state_set(view, e[i].id, &e[i].actor);
    }
    fvm_buf_deinit(&list);
    return err;
}

fvm_err fvm_swap_apply(fvm_cid *root, const fvm_blockstore *store, uint32_t nv, const char *text,
                       fvm_store_why *why)
{
    const fvm_network *net = fvm_network_find(nv);
    fvm_state_view *view;
    swap s;
    fvm_err err = fvm_state_view_open(&view, store, root, net, NULL);
    if (err != FVM_OK) return fvm__why(why, err, "--actors: %s", fvm_err_text(err));
    err = swap_init(&s, view, store, text);
    if (err == FVM_OK) err = swap_all(view, &s, store);
    if (err == FVM_OK) err = fvm_state_flush(view, root);
    fvm_state_view_free(view);
    return err == FVM_OK ? FVM_OK : fvm__why(why, err, "--actors: %s", fvm_err_text(err));
}

/* --- parameters --- */

/* Exchanges every CID of a code, in place: all are of one length. */
static void swap_links(fvm_bytes data, uint8_t *bytes, const swap *s)
{
    for (size_t i = 0; i < s->count; i++) {
        uint8_t from[FVM_CID_BYTES_MAX], to[FVM_CID_BYTES_MAX];
        size_t len = fvm_cid_write(from, &s->code[i].from);
        if (fvm_cid_write(to, &s->code[i].to) != len) continue;
        for (size_t at = 0; at + len <= data.len; at++) {
            if (memcmp(data.ptr + at, from, len) != 0) continue;
            memcpy(bytes + at, to, len);
            at += len - 1;
        }
    }
}

fvm_err fvm_swap_params(fvm_buf *out, fvm_bytes params, const fvm_cid *root,
                        const fvm_blockstore *store, uint32_t nv, const char *text)
{
    static const uint8_t link[] = { 0xd8, 0x2a, 0x58, 0x27, 0x00, 0x01, FVM_CODEC_RAW };
    size_t start = out->len;
    fvm_state_view *view;
    swap s;
    FVM_TRY(fvm_buf_append(out, params));
    if (!params.len || !memmem(params.ptr, params.len, link, sizeof link)) return FVM_OK;
    FVM_TRY(fvm_state_view_open(&view, store, root, fvm_network_find(nv), NULL));
    fvm_err err = swap_init(&s, view, store, text);
    fvm_state_view_free(view);
    if (err == FVM_OK) swap_links(params, out->ptr + start, &s);
    return err;
}

/* --- comparing --- */

static fvm_err add_difference(json_t *list, int64_t message, const char *field, json_t *expected,
                              json_t *got)
{
    json_t *item = json_pack("{s:s,s:o,s:o}", "field", field, "expected", expected, "got", got);
    if (message >= 0) (void)json_object_set_new(item, "message", json_integer(message));
    return item && json_array_append_new(list, item) == 0 ? FVM_OK : FVM_ERR_NOMEM;
}

static json_t *or_absent(const json_t *value)
{
    return value ? json_deep_copy(value) : json_string("(absent)");
}

/* What gas does not touch: nothing of a message that ran out of it, which may get further here. */
static fvm_err compare_receipt(json_t *list, size_t i, const json_t *expected,
                               const fvm_receipt *receipt)
{
    static const char *const fields[] = { "exit_code", "return", "return_codec", "events_root",
                                          "events" };
    if (json_integer_value(json_object_get(expected, "exit_code")) == FVM_EXIT_CODE_OUT_OF_GAS)
        return FVM_OK;
    json_t *got = fvm_receipt_to_json(receipt);
    fvm_err err = got ? FVM_OK : FVM_ERR_NOMEM;
    for (size_t f = 0; f < FVM_COUNT(fields) && err == FVM_OK; f++) {
        const json_t *want = json_object_get(expected, fields[f]);
        const json_t *have = json_object_get(got, fields[f]);
        if (f > 2 && !json_object_get(expected, "events_root")) continue; /* the file has none */
        if (f == 2 && !want) continue;
        if (json_equal(want, have) || (!want && !have)) continue;
        err = add_difference(list, (int64_t)i, fields[f], or_absent(want), or_absent(have));
    }
    json_decref(got);
    return err;
}

/* What gas cost more on mainnet's actors, and where it would have gone. */
typedef struct costs {
    fvm_big burnt, tips; /* over all messages */
    struct {
        uint64_t id;
        fvm_big paid;
    } sender[CODES_MAX];
    size_t senders;
} costs;

static fvm_err sender_of(fvm_big **out, costs *c, uint64_t id)
{
    for (size_t i = 0; i < c->senders; i++)
        if (c->sender[i].id == id) return *out = &c->sender[i].paid, FVM_OK;
    if (c->senders == FVM_COUNT(c->sender)) return FVM_ERR_LIMIT;
    c->sender[c->senders].id = id;
    c->sender[c->senders].paid = fvm_big_zero();
    *out = &c->sender[c->senders++].paid;
    return FVM_OK;
}

/* total += expected[key] - got */
static fvm_err add_more(fvm_big *total, fvm_big *paid, const json_t *expected, const char *key,
                        const fvm_big *got)
{
    fvm_store_why why = { { 0 } };
    const fvm_json_at at = { "", "receipt", &why };
    fvm_big more;
    FVM_TRY(fvm_json_big(&more, expected, key, &at));
    FVM_TRY(fvm_big_sub(&more, &more, got));
    FVM_TRY(fvm_big_add(total, total, &more));
    return fvm_big_add(paid, paid, &more);
}

static fvm_err count_costs(costs *c, const fvm_vector_run *run, const fvm_vector *vector,
                           uint32_t nv, const json_t *receipts, fvm_state_view *expected)
{
    for (size_t i = 0; i < run->count; i++) {
        fvm_message message;
        uint64_t chain_length, id;
        fvm_big *paid;
        const json_t *r = json_array_get(receipts, i);
        FVM_TRY(fvm_vector_message_read(vector, i, nv, &message, &chain_length));
        fvm_err err = fvm_state_lookup_id(expected, &id, &message.from);
        if (err == FVM_ERR_NOT_FOUND) continue; /* such a sender pays nothing */
        if (err == FVM_OK) err = sender_of(&paid, c, id);
        if (err == FVM_OK)
            err = add_more(&c->burnt, paid, r, "base_fee_burn", &run->receipts[i].base_fee_burn);
        if (err == FVM_OK)
            err = add_more(&c->burnt, paid, r, "over_estimation_burn",
                           &run->receipts[i].over_estimation_burn);
        if (err == FVM_OK)
            err = add_more(&c->tips, paid, r, "miner_tip", &run->receipts[i].miner_tip);
        if (err != FVM_OK) return err;
    }
    return FVM_OK;
}

static fvm_err correct_balance(fvm_big *balance, const costs *c, uint64_t id)
{
    for (size_t i = 0; i < c->senders; i++)
        if (c->sender[i].id == id) FVM_TRY(fvm_big_add(balance, balance, &c->sender[i].paid));
    if (id == FVM_ID_BURNT) FVM_TRY(fvm_big_sub(balance, balance, &c->burnt));
    if (id == FVM_ID_REWARD) FVM_TRY(fvm_big_sub(balance, balance, &c->tips));
    return FVM_OK;
}

static json_t *actor_json(const fvm_state_actor *e)
{
    char delegated[FVM_ADDRESS_TEXT_MAX] = "";
    if (!e) return json_string("(absent)");
    if (e->actor.delegated.len) (void)fvm_address_to_text(delegated, &e->actor.delegated, 'f');
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:s}", "id", fvm_json_from_u64(e->id), "code",
                     fvm_json_from_cid(&e->actor.code), "head", fvm_json_from_cid(&e->actor.head),
                     "nonce", fvm_json_from_u64(e->actor.nonce), "balance",
                     fvm_json_from_big(&e->actor.balance), "delegated", delegated);
}

static bool same_actor(const fvm_state_actor *a, const fvm_state_actor *b)
{
    return fvm_cid_eq(&a->actor.code, &b->actor.code) &&
           fvm_cid_eq(&a->actor.head, &b->actor.head) && a->actor.nonce == b->actor.nonce &&
           fvm_big_cmp(&a->actor.balance, &b->actor.balance) == 0 &&
           fvm_address_eq(&a->actor.delegated, &b->actor.delegated);
}

/* Both sorted by ID. */
static fvm_err compare_actors(json_t *list, const fvm_buf *expected, const fvm_buf *got)
{
    fvm_actor_pairs pairs = { .left = expected, .right = got };
    const fvm_state_actor *want, *have;
    while (fvm_actor_pairs_next(&pairs, &want, &have)) {
        if (want && have && same_actor(want, have)) continue;
        FVM_TRY(add_difference(list, -1, "actor", actor_json(want), actor_json(have)));
    }
    return FVM_OK;
}

static fvm_err compare_states(json_t *list, const fvm_vector_run *run, const fvm_vector *vector,
                              uint32_t nv, const json_t *receipts, fvm_state_view *want,
                              fvm_state_view *have)
{
    fvm_buf expected, got;
    swap s;
    costs *c = fvm_mem_zalloc(NULL, sizeof *c);
    if (!c) return FVM_ERR_NOMEM;
    fvm_buf_init(&expected, NULL);
    fvm_buf_init(&got, NULL);
    fvm_err err = swap_init(&s, want, &run->store, vector->actors);
    if (err == FVM_OK) err = count_costs(c, run, vector, nv, receipts, want);
    if (err == FVM_OK) err = fvm_state_actors(&expected, want);
    if (err == FVM_OK) err = fvm_state_actors(&got, have);
    fvm_state_actor *e = (fvm_state_actor *)(void *)expected.ptr;
    for (size_t i = 0; i < expected.len / sizeof *e && err == FVM_OK; i++) {
        err = swap_actor(&e[i], &s, &run->store);
        if (err == FVM_OK) err = correct_balance(&e[i].actor.balance, c, e[i].id);
    }
    if (err == FVM_OK) err = compare_actors(list, &expected, &got);
    fvm_buf_deinit(&expected);
    fvm_buf_deinit(&got);
    fvm_mem_free(NULL, c, sizeof *c);
    return err;
}

fvm_err fvm_swap_compare(json_t *list, const fvm_vector_run *run, const fvm_vector *vector,
                         uint32_t nv, const json_t *receipts, const fvm_cid *root)
{
    const fvm_network *net = fvm_network_find(nv);
    fvm_state_view *want, *have;
    size_t count = json_array_size(receipts);
    for (size_t i = 0; i < count && i < run->count; i++)
        FVM_TRY(compare_receipt(list, i, json_array_get(receipts, i), &run->receipts[i]));
    if (count != run->count)
        FVM_TRY(add_difference(list, -1, "number of receipts", json_integer((json_int_t)count),
                               json_integer((json_int_t)run->count)));
    FVM_TRY(fvm_state_view_open(&want, &run->store, root, net, NULL));
    fvm_err err = fvm_state_view_open(&have, &run->store, &run->root, net, NULL);
    if (err == FVM_OK) {
        err = compare_states(list, run, vector, nv, receipts, want, have);
        fvm_state_view_free(have);
    }
    fvm_state_view_free(want);
    return err;
}
