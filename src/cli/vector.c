/* vector.c - reads message vectors; every field that is wrong is named. */
#include "vector.h"

#include "base/text.h"
#include "ipld/car.h"
#include "store/gzip.h"

/* What reading a file carries along. */
typedef struct reader {
    fvm_vector *v;
    fvm_json_at at;
    char where[96];
    fvm_buf scratch; /* decoded bytes on their way to the arena */
} reader;

static fvm_err no_memory(reader *r)
{
    return fvm__why(r->at.why, FVM_ERR_NOMEM, "%s: out of memory", r->v->file);
}

static void at_item(reader *r, const char *list, size_t i)
{
    (void)snprintf(r->where, sizeof r->where, "%s[%zu]", list, i);
}

static void at_member(reader *r, const char *where)
{
    (void)snprintf(r->where, sizeof r->where, "%s", where);
}

/* A zeroed array of `count` items; the count is that of JSON values already in memory. */
static fvm_err array(reader *r, void **out, size_t count, size_t size)
{
    *out = fvm_arena_zalloc(&r->v->arena, count * size);
    return *out ? FVM_OK : no_memory(r);
}

/* Strings of JSON are NUL-terminated and live as long as the document. */
static fvm_err text(reader *r, const char **out, const json_t *object, const char *key)
{
    fvm_bytes bytes;
    FVM_TRY(fvm_json_string(&bytes, object, key, &r->at));
    if (memchr(bytes.ptr, 0, bytes.len)) return fvm_json_wrong(&r->at, key, "holds a zero byte");
    *out = (const char *)bytes.ptr;
    return FVM_OK;
}

static fvm_err base64(reader *r, fvm_bytes *out, const json_t *object, const char *key)
{
    r->scratch.len = 0;
    FVM_TRY(fvm_json_base64(&r->scratch, object, key, &r->at));
    if (fvm_arena_copy(&r->v->arena, out, fvm_buf_bytes(&r->scratch)) != FVM_OK)
        return no_memory(r);
    return FVM_OK;
}

static fvm_err flag(reader *r, bool *out, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    *out = json_is_true(value);
    if (value && !json_is_boolean(value)) return fvm_json_wrong(&r->at, key, "not true or false");
    return FVM_OK;
}

static fvm_err item_object(reader *r, json_t **out, const json_t *list, size_t i)
{
    *out = json_array_get(list, i);
    if (json_is_object(*out)) return FVM_OK;
    return fvm__why(r->at.why, FVM_ERR_MALFORMED, "%s: %s: not an object", r->v->file, r->where);
}

static fvm_err read_variants(reader *r, const json_t *pre)
{
    json_t *list, *item;
    uint64_t timestamp = 0, nv;
    FVM_TRY(fvm_json_array(&list, pre, "variants", &r->at));
    if (json_object_get(pre, "timestamp"))
        FVM_TRY(fvm_json_u64(&timestamp, pre, "timestamp", UINT64_MAX, &r->at));
    size_t count = json_array_size(list);
    if (count == 0) return fvm_json_wrong(&r->at, "variants", "empty");
    FVM_TRY(array(r, (void **)&r->v->variants, count, sizeof *r->v->variants));
    for (size_t i = 0; i < count; i++) {
        fvm_vector_variant *variant = &r->v->variants[i];
        at_item(r, "preconditions.variants", i);
        FVM_TRY(item_object(r, &item, list, i));
        FVM_TRY(text(r, &variant->id, item, "id"));
        FVM_TRY(fvm_json_i64(&variant->epoch, item, "epoch", &r->at));
        FVM_TRY(fvm_json_u64(&nv, item, "nv", UINT32_MAX, &r->at));
        variant->nv = (uint32_t)nv;
        variant->timestamp = timestamp;
        if (json_object_get(item, "timestamp"))
            FVM_TRY(fvm_json_u64(&variant->timestamp, item, "timestamp", UINT64_MAX, &r->at));
    }
    r->v->variant_count = count;
    return FVM_OK;
}

static fvm_err read_preconditions(reader *r)
{
    fvm_vector *v = r->v;
    json_t *pre, *tree;
    FVM_TRY(fvm_json_object(&pre, v->json, "preconditions", &r->at));
    at_member(r, "preconditions");
    FVM_TRY(fvm_json_object(&tree, pre, "state_tree", &r->at));
    FVM_TRY(fvm_json_big(&v->base_fee, pre, "basefee", &r->at));
    FVM_TRY(fvm_json_big(&v->circulating_supply, pre, "circ_supply", &r->at));
    /* the extracted files name neither chain nor bundle; they are mainnet's */
    v->chain_id = 314;
    if (json_object_get(pre, "chain_id"))
        FVM_TRY(fvm_json_u64(&v->chain_id, pre, "chain_id", UINT64_MAX, &r->at));
    v->extracted = !json_object_get(pre, "bundle");
    if (!v->extracted) FVM_TRY(text(r, &v->bundle, pre, "bundle"));
    v->has_manifest = json_object_get(pre, "manifest") != NULL;
    if (v->has_manifest) FVM_TRY(fvm_json_cid(&v->manifest, pre, "manifest", &r->at));
    FVM_TRY(read_variants(r, pre));
    at_member(r, "preconditions.state_tree");
    return fvm_json_cid(&v->root, tree, "root_cid", &r->at);
}

static fvm_err read_messages(reader *r)
{
    json_t *list, *item;
    at_member(r, "");
    FVM_TRY(fvm_json_array(&list, r->v->json, "apply_messages", &r->at));
    size_t count = json_array_size(list);
    FVM_TRY(array(r, (void **)&r->v->messages, count, sizeof *r->v->messages));
    for (size_t i = 0; i < count; i++) {
        fvm_vector_message *message = &r->v->messages[i];
        at_item(r, "apply_messages", i);
        FVM_TRY(item_object(r, &item, list, i));
        FVM_TRY(base64(r, &message->bytes, item, "bytes"));
        FVM_TRY(flag(r, &message->implicit, item, "implicit"));
        message->has_chain_length = json_object_get(item, "chain_length") != NULL;
        if (message->has_chain_length)
            FVM_TRY(fvm_json_u64(&message->chain_length, item, "chain_length", INT64_MAX, &r->at));
    }
    r->v->message_count = count;
    return FVM_OK;
}

/* An optional list of answers; count 0 when the file has none. */
static fvm_err answers(reader *r, json_t **list, size_t *count, const char *key)
{
    at_member(r, "");
    *count = 0;
    if (!json_object_get(r->v->json, key)) return FVM_OK;
    FVM_TRY(fvm_json_array(list, r->v->json, key, &r->at));
    *count = json_array_size(*list);
    return FVM_OK;
}

static fvm_err read_randomness(reader *r)
{
    json_t *list = NULL, *item;
    size_t count;
    FVM_TRY(answers(r, &list, &count, "randomness"));
    FVM_TRY(array(r, (void **)&r->v->randomness, count, sizeof *r->v->randomness));
    for (size_t i = 0; i < count; i++) {
        fvm_vector_randomness *rule = &r->v->randomness[i];
        json_t *on;
        fvm_bytes value;
        at_item(r, "randomness", i);
        FVM_TRY(item_object(r, &item, list, i));
        FVM_TRY(fvm_json_array(&on, item, "on", &r->at));
        const char *kind = json_string_value(json_array_get(on, 0));
        const json_t *epoch = json_array_get(on, 1);
        if (json_array_size(on) != 2 || !kind || !json_is_integer(epoch) ||
            (strcmp(kind, "chain") != 0 && strcmp(kind, "beacon") != 0))
            return fvm_json_wrong(&r->at, "on", "not [\"chain\" or \"beacon\", epoch]");
        rule->beacon = strcmp(kind, "beacon") == 0;
        rule->epoch = json_integer_value(epoch);
        rule->fails = json_is_null(json_object_get(item, "ret"));
        if (rule->fails) continue;
        FVM_TRY(base64(r, &value, item, "ret"));
        if (value.len != sizeof rule->value) return fvm_json_wrong(&r->at, "ret", "not 32 bytes");
        memcpy(rule->value, value.ptr, value.len);
    }
    r->v->randomness_count = count;
    return FVM_OK;
}

static fvm_err read_tipsets(reader *r)
{
    json_t *list = NULL, *item;
    size_t count;
    FVM_TRY(answers(r, &list, &count, "tipset_cids"));
    FVM_TRY(array(r, (void **)&r->v->tipsets, count, sizeof *r->v->tipsets));
    for (size_t i = 0; i < count; i++) {
        at_item(r, "tipset_cids", i);
        FVM_TRY(item_object(r, &item, list, i));
        FVM_TRY(fvm_json_i64(&r->v->tipsets[i].epoch, item, "epoch", &r->at));
        FVM_TRY(fvm_json_cid(&r->v->tipsets[i].cid, item, "cid", &r->at));
    }
    r->v->tipset_count = count;
    return FVM_OK;
}

static fvm_err read_faults(reader *r)
{
    json_t *list = NULL, *item, *fault;
    size_t count;
    FVM_TRY(answers(r, &list, &count, "consensus_faults"));
    FVM_TRY(array(r, (void **)&r->v->faults, count, sizeof *r->v->faults));
    for (size_t i = 0; i < count; i++) {
        fvm_vector_fault *answer = &r->v->faults[i];
        uint64_t type;
        at_item(r, "consensus_faults", i);
        FVM_TRY(item_object(r, &item, list, i));
        FVM_TRY(base64(r, &answer->h1, item, "h1"));
        FVM_TRY(base64(r, &answer->h2, item, "h2"));
        FVM_TRY(base64(r, &answer->extra, item, "extra"));
        FVM_TRY(flag(r, &answer->fails, item, "error"));
        if (answer->fails || json_is_null(json_object_get(item, "fault"))) continue;
        FVM_TRY(fvm_json_object(&fault, item, "fault", &r->at));
        (void)snprintf(r->where, sizeof r->where, "consensus_faults[%zu].fault", i);
        FVM_TRY(fvm_json_u64(&type, fault, "type", UINT32_MAX, &r->at));
        FVM_TRY(fvm_json_u64(&answer->fault.target, fault, "target", UINT64_MAX, &r->at));
        FVM_TRY(fvm_json_i64(&answer->fault.epoch, fault, "epoch", &r->at));
        answer->fault.type = (uint32_t)type;
    }
    r->v->fault_count = count;
    return FVM_OK;
}

static fvm_err read_meta(reader *r)
{
    json_t *meta, *extra;
    FVM_TRY(fvm_json_object(&meta, r->v->json, "_meta", &r->at));
    at_member(r, "_meta");
    FVM_TRY(text(r, &r->v->id, meta, "id"));
    if (!json_object_get(meta, "extra")) return FVM_OK;
    FVM_TRY(fvm_json_object(&extra, meta, "extra", &r->at));
    at_member(r, "_meta.extra");
    FVM_TRY(fvm_json_u64(&r->v->bench.repeat, extra, "repeat", UINT32_MAX, &r->at));
    FVM_TRY(fvm_json_u64(&r->v->bench.gas_total, extra, "gas_total", UINT64_MAX, &r->at));
    return fvm_json_cid(&r->v->bench.root_after, extra, "root_after", &r->at);
}

static fvm_err read_car(reader *r)
{
    fvm_buf car;
    at_member(r, "");
    r->scratch.len = 0;
    FVM_TRY(fvm_json_base64(&r->scratch, r->v->json, "car", &r->at));
    fvm_buf_init(&car, NULL);
    const char *what = "gzip";
    fvm_err err = fvm_gunzip(&car, fvm_buf_bytes(&r->scratch), FVM_VECTOR_CAR_MAX);
    fvm_phases_end(&r->v->phases, FVM_PHASE_UNPACK);
    if (err == FVM_OK) {
        what = "CAR";
        err = fvm_car_load(&r->v->blocks, fvm_buf_bytes(&car));
        fvm_phases_end(&r->v->phases, FVM_PHASE_BLOCKS);
    }
    fvm_buf_deinit(&car);
    if (err == FVM_OK) return FVM_OK;
    return fvm__why(r->at.why, err, "%s: car: bad %s: %s", r->v->file, what, fvm_err_text(err));
}

static fvm_err read_all(reader *r)
{
    if (!json_is_object(r->v->json))
        return fvm__why(r->at.why, FVM_ERR_MALFORMED, "%s: not an object", r->v->file);
    fvm_bytes class_;
    if (json_object_get(r->v->json, "class")) {
        FVM_TRY(fvm_json_string(&class_, r->v->json, "class", &r->at));
        if (!fvm_bytes_eq(class_, FVM_STR("message")))
            return fvm_json_wrong(&r->at, "class", "not \"message\"");
    }
    FVM_TRY(read_meta(r));
    at_member(r, "");
    FVM_TRY(read_preconditions(r));
    FVM_TRY(read_messages(r));
    FVM_TRY(read_randomness(r));
    FVM_TRY(read_tipsets(r));
    FVM_TRY(read_faults(r));
    fvm_phases_end(&r->v->phases, FVM_PHASE_JSON);
    return read_car(r);
}

fvm_err fvm_vector_parse(fvm_vector **out, const char *file, fvm_bytes text_, fvm_store_why *why)
{
    fvm_vector *v = fvm_mem_zalloc(NULL, sizeof *v);
    if (!v) return fvm__why(why, FVM_ERR_NOMEM, "%s: out of memory", file);
    v->file = file;
    fvm_phases_begin(&v->phases);
    fvm_arena_init(&v->arena, NULL);
    reader r = { .v = v };
    r.at = (fvm_json_at){ .file = file, .where = r.where, .why = why };
    fvm_buf_init(&r.scratch, NULL);
    fvm_err err = fvm_blockstore_memory_new(&v->blocks, NULL);
    if (err != FVM_OK)
        err = no_memory(&r);
    else if ((err = fvm_json_parse(&v->json, text_, file, why)) == FVM_OK)
        err = read_all(&r);
    fvm_buf_deinit(&r.scratch);
    if (err == FVM_OK)
        *out = v;
    else
        fvm_vector_free(v);
    return err;
}

fvm_err fvm_vector_load(fvm_vector **out, const char *file, fvm_store_why *why)
{
    fvm_buf bytes;
    fvm_buf_init(&bytes, NULL);
    fvm_err err = fvm_file_read(&bytes, file, FVM_VECTOR_FILE_MAX, why);
    fvm_vector *v;
    if (err == FVM_OK) err = fvm_vector_parse(&v, file, fvm_buf_bytes(&bytes), why);
    fvm_buf_deinit(&bytes);
    if (err != FVM_OK) return err;
    fvm_phases_begin(&v->phases);
    err = fvm_vector_open_bundle(v, why);
    fvm_phases_end(&v->phases, FVM_PHASE_BUNDLE);
    if (err == FVM_OK)
        *out = v;
    else
        fvm_vector_free(v);
    return err;
}

void fvm_vector_free(fvm_vector *v)
{
    if (!v) return;
    if (v->layers.ops) fvm_blockstore_free(&v->layers);
    if (v->bundle_blocks.ops) fvm_blockstore_free(&v->bundle_blocks);
    if (v->blocks.ops) fvm_blockstore_free(&v->blocks);
    fvm_arena_deinit(&v->arena);
    json_decref(v->json);
    fvm_mem_free(NULL, v, sizeof *v);
}

fvm_err fvm_vector_expected(const fvm_vector *v, json_t **receipts, fvm_cid *root,
                            fvm_store_why *why)
{
    fvm_json_at at = { .file = v->file, .where = "", .why = why };
    json_t *post, *list, *tree;
    FVM_TRY(fvm_json_object(&post, v->json, "postconditions", &at));
    at.where = "postconditions";
    FVM_TRY(fvm_json_array(&list, post, "receipts", &at));
    FVM_TRY(fvm_json_object(&tree, post, "state_tree", &at));
    at.where = "postconditions.state_tree";
    FVM_TRY(fvm_json_cid(root, tree, "root_cid", &at));
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_object(json_array_get(list, i)))
            return fvm__why(why, FVM_ERR_MALFORMED,
                            "%s: postconditions.receipts[%zu]: not an object", v->file, i);
    *receipts = list;
    return FVM_OK;
}

const fvm_vector_variant *fvm_vector_variant_find(const fvm_vector *v, const char *name)
{
    for (size_t i = 0; i < v->variant_count; i++) {
        char number[16];
        (void)snprintf(number, sizeof number, "%u", v->variants[i].nv);
        if (!name || strcmp(v->variants[i].id, name) == 0 || strcmp(number, name) == 0)
            return &v->variants[i];
    }
    return NULL;
}
