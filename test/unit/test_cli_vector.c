/* Vector files: what is read, how each wrong field is named, and that postconditions stay unread. */
#include "base/text.h"
#include "cli/trace_out.h"
#include "cli/vector.h"
#include "test.h"

#include <stdlib.h>

#define CAR                                                                                        \
    "H4sIAAAAAAACA7NZlFqUn19S3HhDK0KdgbFwwRMmBdcN5w8pnHsTXSOTdOSKpK3Fk9dL+jpEi+Y8j5/DteHJwQPpZal"  \
    "FxZn5eYzqxKlvAADJNnNMZQAAAA=="
#define ROOT "bafy2bzacebc3bt6cedhoyw34drrmjvazhu4oj25er2ebk4u445pzycvq4ta4a"

static const char *const good[] = {
    "{\"class\":\"message\",\"_meta\":{\"id\":\"x\"},\"car\":\"",
    (CAR),
    "\",",
    "\"preconditions\":{\"basefee\":100,\"circ_supply\":500000000000000000000000000,",
    "\"state_tree\":{\"root_cid\":{\"/\":\"" ROOT "\"}},\"timestamp\":7,\"chain_id\":5,",
    "\"bundle\":\"stub\",\"manifest\":{\"/\":\"" ROOT "\"},",
    "\"variants\":[{\"id\":\"nv21\",\"epoch\":3,\"nv\":21},",
    "{\"id\":\"nv22\",\"epoch\":-4,\"nv\":22,\"timestamp\":9}]},",
    "\"apply_messages\":[{\"bytes\":\"YQ==\",\"chain_length\":111},",
    "{\"bytes\":\"\",\"implicit\":true}],",
    "\"randomness\":[{\"on\":[\"chain\",5],\"ret\":null},{\"on\":[\"beacon\",6],",
    "\"ret\":\"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\"}],",
    "\"tipset_cids\":[{\"epoch\":3,\"cid\":{\"/\":\"" ROOT "\"}}],",
    "\"consensus_faults\":[{\"h1\":\"YQ==\",\"h2\":\"Yg==\",\"extra\":\"\",\"fault\":null},",
    "{\"h1\":\"YQ==\",\"h2\":\"\",\"extra\":\"\",\"fault\":{\"type\":1,\"target\":101,\"epoch\":50}"
    "},",
    "{\"h1\":\"\",\"h2\":\"\",\"extra\":\"\",\"error\":true}],",
    "\"postconditions\":0}",
};

/* The good document with its first `from` replaced by `to`; the caller frees. */
static char *document(const char *from, const char *to)
{
    static const size_t room = 8192;
    char *text = calloc(1, room), *out = calloc(1, room);
    CHECK(text && out);
    for (size_t i = 0; i < FVM_COUNT(good); i++) strcat(text, good[i]);
    char *at = strstr(text, from);
    CHECK_AT(from, at != NULL);
    memcpy(out, text, (size_t)(at - text));
    strcat(out, to);
    strcat(out, at + strlen(from));
    free(text);
    return out;
}

static fvm_vector *read_good(void)
{
    fvm_vector *v;
    fvm_store_why why;
    char *text = document("{", "{");
    CHECK_OK(fvm_vector_parse(&v, "v.json", fvm_bytes_of(text), &why));
    free(text);
    return v;
}

TEST(vector_reads_every_field)
{
    fvm_vector *v = read_good();
    bool has;
    char text[FVM_BIG_TEXT_MAX];
    CHECK(strcmp(v->id, "x") == 0 && strcmp(v->bundle, "stub") == 0 && v->has_manifest);
    CHECK(!v->extracted && v->chain_id == 5);
    (void)fvm_big_to_text(text, &v->circulating_supply);
    CHECK(strcmp(text, "500000000000000000000000000") == 0);
    CHECK_OK(fvm_blockstore_has(&v->blocks, &has, &v->root));
    CHECK(has);
    CHECK(v->variant_count == 2 && v->variants[0].epoch == 3 && v->variants[0].nv == 21);
    CHECK(v->variants[0].timestamp == 7 && v->variants[1].timestamp == 9);
    CHECK(v->variants[1].epoch == -4);
    CHECK(v->message_count == 2 && v->messages[0].chain_length == 111 && v->messages[1].implicit);
    CHECK_HEX(v->messages[0].bytes, "61");
    CHECK(!v->messages[1].has_chain_length && v->bench.repeat == 0);
    fvm_vector_free(v);
}

TEST(the_node_answers_from_the_vector_alone)
{
    fvm_vector *v = read_good();
    fvm_externs ext = fvm_vector_externs(v);
    uint8_t out[32];
    fvm_cid cid;
    fvm_consensus_fault fault;
    bool valid = true;
    CHECK_ERR(ext.chain_randomness(ext.ctx, out, 5), FVM_ERR_NOT_FOUND);
    CHECK_ERR(ext.chain_randomness(ext.ctx, out, 6), FVM_ERR_NOT_FOUND);
    CHECK_OK(ext.beacon_randomness(ext.ctx, out, 6));
    CHECK(out[0] == 1 && out[31] == 32);
    CHECK_OK(ext.tipset_cid(ext.ctx, &cid, 3));
    CHECK(fvm_cid_eq(&cid, &v->root));
    CHECK_ERR(ext.tipset_cid(ext.ctx, &cid, 4), FVM_ERR_NOT_FOUND);
    CHECK_OK(ext.consensus_fault(ext.ctx, &fault, FVM_STR("a"), FVM_STR("b"), FVM_STR("")));
    CHECK(fault.type == 0);
    CHECK_OK(ext.consensus_fault(ext.ctx, &fault, FVM_STR("a"), FVM_STR(""), FVM_STR("")));
    CHECK(fault.type == 1 && fault.target == 101 && fault.epoch == 50);
    CHECK_ERR(ext.consensus_fault(ext.ctx, &fault, FVM_STR(""), FVM_STR(""), FVM_STR("")),
              FVM_ERR_NOT_FOUND);
    CHECK_ERR(ext.consensus_fault(ext.ctx, &fault, FVM_STR("z"), FVM_STR(""), FVM_STR("")),
              FVM_ERR_NOT_FOUND);
    CHECK_OK(ext.verify_proof(ext.ctx, &valid, FVM_PROOF_SEAL, FVM_STR("")));
    CHECK(!valid);
    fvm_vector_free(v);
}

TEST(extracted_vectors_have_the_answers_of_their_readme)
{
    static const struct {
        const char *id;
        bool window_post;
    } rows[] = {
        { "ext-0002-fil_10_storageminer-DisputeWindowedPoSt-Ok-1", false },
        { "ext-0002-fil_10_storageminer-DisputeWindowedPoSt-16-1", true },
        { "ext-0002-fil_10_storageminer-SubmitWindowedPoSt-Ok-1", true },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fvm_vector *v = read_good();
        fvm_externs ext = fvm_vector_externs(v);
        fvm_consensus_fault fault = { .type = 9 };
        uint8_t out[32];
        bool valid;
        v->extracted = true; /* as a file without a bundle is */
        v->id = rows[i].id;
        CHECK_OK(ext.verify_proof(ext.ctx, &valid, FVM_PROOF_WINDOW_POST, FVM_STR("")));
        CHECK_AT(rows[i].id, valid == rows[i].window_post);
        CHECK_OK(ext.verify_proof(ext.ctx, &valid, FVM_PROOF_SEAL, FVM_STR("")));
        CHECK(valid);
        CHECK_OK(ext.chain_randomness(ext.ctx, out, 99));
        CHECK(memcmp(out, "i_am_random_____i_am_random_____", 32) == 0);
        CHECK_OK(ext.consensus_fault(ext.ctx, &fault, FVM_STR("q"), FVM_STR(""), FVM_STR("")));
        CHECK(fault.type == 0);
        fvm_vector_free(v);
    }
}

TEST(a_vector_runs_without_postconditions_but_cannot_be_compared)
{
    fvm_vector *v;
    fvm_store_why why;
    json_t *receipts;
    fvm_cid root;
    char *text = document(",\"postconditions\":0", "");
    CHECK_OK(fvm_vector_parse(&v, "v.json", fvm_bytes_of(text), &why));
    CHECK_ERR(fvm_vector_expected(v, &receipts, &root, &why), FVM_ERR_MALFORMED);
    CHECK(strcmp(why.text, "v.json: postconditions: missing") == 0);
    fvm_vector_free(v);
    free(text);
}

TEST(every_wrong_field_is_named)
{
    static const struct {
        const char *from, *to, *words;
    } rows[] = {
        { "\"message\"", "\"tipset\"", "v.json: class: not \"message\"" },
        { "\"_meta\"", "\"meta\"", "v.json: _meta: missing" },
        { "\"id\":\"x\"", "\"id\":\"x\\u0000\"", "v.json: _meta.id: holds a zero byte" },
        { "\"id\":\"x\"", "\"id\":\"x\",\"extra\":{\"repeat\":-1}", "v.json: _meta.extra.repeat" },
        { "H4sI", "!", "v.json: car: not base64" },
        { "H4sI", "H4sJ", "v.json: car: bad gzip" },
        { "JNnNMZQAAAA==", "JNnNMZQAA", "v.json: car: bad gzip" },
        { "\"basefee\":100", "\"basefee\":1.5", "v.json: preconditions.basefee" },
        { "\"circ_supply\":5", "\"circ_supply\":[],\"z\":5",
          "v.json: preconditions.circ_supply: not a whole number" },
        { "\"root_cid\":{\"/\"", "\"root_cid\":{\"x\"",
          "v.json: preconditions.state_tree.root_cid: not a link" },
        { ROOT "\"}},\"timestamp\":7", "b\"}},\"timestamp\":7",
          "v.json: preconditions.state_tree.root_cid: the link holds no CID" },
        { "\"timestamp\":7", "\"timestamp\":-7", "v.json: preconditions.timestamp: negative" },
        { "\"variants\":[{\"id\"", "\"variants\":[1,{\"id\"",
          "v.json: preconditions.variants[0]: not an object" },
        { "\"nv\":21", "\"nv\":4294967296", "v.json: preconditions.variants[0].nv: negative or" },
        { "\"epoch\":-4", "\"epoch\":9223372036854775808",
          "v.json: preconditions.variants[1].epoch" },
        { "\"bytes\":\"YQ==\"", "\"bytes\":7", "v.json: apply_messages[0].bytes: not a string" },
        { "\"implicit\":true", "\"implicit\":1",
          "v.json: apply_messages[1].implicit: not true or false" },
        { "\"apply_messages\":", "\"apply_messages\":{},\"y\":",
          "v.json: apply_messages: not a list" },
        { "[\"chain\",5]", "[\"drand\",5]", "v.json: randomness[0].on: not" },
        { "[\"chain\",5]", "[\"chain\"]", "v.json: randomness[0].on: not" },
        { "\"ret\":\"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\"", "\"ret\":\"AQ==\"",
          "v.json: randomness[1].ret: not 32 bytes" },
        { "\"tipset_cids\":[{\"epoch\":3", "\"tipset_cids\":[{\"epoch\":\"3\"",
          "v.json: tipset_cids[0].epoch" },
        { "\"type\":1", "\"type\":null", "v.json: consensus_faults[1].fault.type" },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        char *text = document(rows[i].from, rows[i].to);
        fvm_vector *v;
        fvm_store_why why = { .text = "" };
        fvm_err err = fvm_vector_parse(&v, "v.json", fvm_bytes_of(text), &why);
        CHECK_AT(rows[i].words, fvm_err_class_of(err) == FVM_CLASS_INPUT);
        if (strncmp(why.text, rows[i].words, strlen(rows[i].words)) != 0)
            CHECK_BYTES(fvm_bytes_of(why.text), fvm_bytes_of(rows[i].words));
        free(text);
    }
}

TEST(every_cut_of_a_vector_is_refused)
{
    char *text = document("{", "{");
    size_t len = strlen(text);
    for (size_t cut = 0; cut < len; cut++) {
        fvm_vector *v;
        fvm_store_why why;
        CHECK_ERR(fvm_vector_parse(&v, "v", (fvm_bytes){ (uint8_t *)text, cut }, &why),
                  FVM_ERR_MALFORMED);
    }
    free(text);
}

TEST(missing_files_and_folders_are_named)
{
    fvm_vector *v;
    fvm_store_why why;
    CHECK_ERR(fvm_vector_load(&v, "no/such.json", &why), FVM_ERR_NOT_FOUND);
    CHECK(strncmp(why.text, "no/such.json: ", 14) == 0);
    CHECK_ERR(fvm_vector_load(&v, "/", &why), FVM_ERR_INVALID);
}

/* --- traces --- */

static json_t *trace_difference(const char *expected, const char *const *names, size_t count)
{
    fvm_trace_compare compare;
    json_t *file = json_loads(expected, 0, NULL), *difference;
    CHECK(file);
    CHECK_OK(fvm_trace_compare_init(&compare, file));
    fvm_run_watch watch = fvm_trace_compare_watch(&compare);
    size_t message = 0;
    for (size_t i = 0; i < count; i++) {
        fvm_trace_event event = { .kind = FVM_TRACE_CHARGE, .compute = 1, .other = 2 };
        if (!names[i]) {
            watch.begin(watch.sink.ctx, message++, NULL);
            continue;
        }
        event.name = fvm_bytes_of(names[i]);
        watch.sink.event(watch.sink.ctx, &event);
    }
    CHECK_OK(fvm_trace_compare_end(&compare, &difference));
    json_decref(file);
    return difference;
}

#define TWO "{\"messages\":[[[\"a\",1,2],[\"b\",1,2]],[[\"c\",1,2]]]}"

TEST(trace_comparison_finds_the_first_difference)
{
    static const struct {
        const char *why;
        const char *names[6];
        size_t count;
        int message, index; /* -1: none */
    } rows[] = {
        { "equal", { NULL, "a", "b", NULL, "c" }, 5, -1, -1 },
        { "another charge", { NULL, "a", "x", NULL, "c" }, 5, 0, 1 },
        { "one more", { NULL, "a", "b", "x", NULL, "c" }, 6, 0, 2 },
        { "one less", { NULL, "a", NULL, "c" }, 4, 0, 1 },
        { "one less at the end", { NULL, "a", "b", NULL }, 4, 1, 0 },
        { "a message less", { NULL, "a", "b" }, 3, 1, 0 },
        { "a message more", { NULL, "a", "b", NULL, "c", NULL }, 6, -1, -1 },
        { "nothing", { NULL }, 0, 0, 0 },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        json_t *difference = trace_difference(TWO, rows[i].names, rows[i].count);
        CHECK_AT(rows[i].why, !difference == (rows[i].message < 0));
        if (difference) {
            CHECK_AT(rows[i].why,
                     json_integer_value(json_object_get(difference, "message")) == rows[i].message);
            CHECK_AT(rows[i].why,
                     json_integer_value(json_object_get(difference, "index")) == rows[i].index);
        }
        json_decref(difference);
    }
}
