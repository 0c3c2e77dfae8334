/* Profiles: every milligas of a message goes to one frame, and what the frames have together is the gas
 * of the receipt; the functions and syscalls of a small actor have what their instructions cost. */
#include "../test.h"

#include "../engine_fixture.h"
#include "cli/conformance.h"
#include "cli/profile.h"

#include <stdlib.h>

static const fvm_frame *find(const fvm_profile *p, fvm_frame_kind kind, const char *label)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (p->frames[i].kind == kind && strcmp(fvm_profile_label(p, &p->frames[i]), label) == 0)
            return &p->frames[i];
    test_fail(__FILE__, __LINE__, "no such frame", label);
}

/* What `write` writes; free it. */
static char *written(const fvm_profile *p, bool (*write)(FILE *out, const fvm_profile *p))
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    CHECK(out && write(out, p) && fclose(out) == 0);
    return text;
}
static bool write_svg(FILE *out, const fvm_profile *p)
{
    return fvm_profile_svg(out, p, "a <title> & more");
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++) n++;
    return n;
}

/* --- one actor, whose costs can be counted ---------------------------------------------------- */

static void profile_fleet(fleet *f, fvm_profile *p, fvm_receipt *receipt, unsigned actor)
{
    fvm_engine *engine;
    fvm_context *context;
    fvm_machine *machine;
    const fvm_engine_config how = { .profile = true };
    const fvm_message message = {
        .to = fvm_address_id(FLEET_FIRST + actor),
        .from = fvm_address_id(0),
        .gas_limit = 1000000000,
        .method = 2,
    };
    CHECK_OK(fvm_profile_init(p));
    fvm_run_watch watch = fvm_profile_watch(p);
    const fvm_machine_config config = { .network_version = FLEET_VERSION, .trace = &watch.sink };
    CHECK_OK(fvm_engine_new_with(&engine, &how, NULL));
    CHECK_OK(fvm_context_new(&context, engine, NULL));
    CHECK_OK(fvm_machine_new(&machine, context, &f->bs, &f->root, &config));
    watch.machine(watch.sink.ctx, machine);
    watch.begin(watch.sink.ctx, 0, &message);
    CHECK_OK(fvm_machine_apply(machine, receipt, &message, FVM_APPLY_IMPLICIT, 0));
    CHECK_OK(fvm_profile_end(p, receipt, 1));
    watch.machine(watch.sink.ctx, NULL);
    fvm_machine_free(machine);
    fvm_context_free(context);
    fvm_engine_free(engine);
}

TEST(functions_and_syscalls_have_what_their_instructions_cost)
{
    fleet f;
    fvm_profile p;
    fvm_receipt receipt;
    fleet_open(&f);
    fvm_receipt_init(&receipt, NULL);
    profile_fleet(&f, &p, &receipt, 3);
    CHECK(receipt.exit_code == 19);
    CHECK(p.frames[0].total == (int64_t)receipt.gas_used * 1000);
    /* four constants, a call with its limiter (13 instructions), a call of an import */
    CHECK(find(&p, FVM_FRAME_FUNCTION, "invoke")->self == 18 * 4000);
    /* three instructions behind a loop of five, 40 times */
    const fvm_frame *work = find(&p, FVM_FRAME_FUNCTION, "func[1]");
    CHECK(work->self == 3 * 4000 + 40 * 5 * 4000 && work->total == work->self && work->count == 1);
    const fvm_frame *exit = find(&p, FVM_FRAME_SYSCALL, "vm::exit");
    CHECK(exit->self == 0 && exit->total == 14000000);
    CHECK(p.frames[exit->parent].kind == FVM_FRAME_FUNCTION);
    /* what enters the actor: the thunk */
    const fvm_frame *actor = find(&p, FVM_FRAME_ACTOR, "f01003 actor method 2");
    CHECK(actor->self == 14 * 4000);
    fvm_profile_deinit(&p);
    fvm_receipt_deinit(&receipt);
    fleet_close(&f);
}

TEST(plain_engines_tell_of_no_functions_and_compilers_cannot_profile)
{
    fvm_engine *engine;
    const fvm_engine_config jit = { .backend = FVM_ENGINE_JIT, .profile = true };
    CHECK_ERR(fvm_engine_new_with(&engine, &jit, NULL), FVM_ERR_INVALID);
}

TEST(outputs_are_well_formed_and_add_up)
{
    fleet f;
    fvm_profile p;
    fvm_receipt receipt;
    fleet_open(&f);
    fvm_receipt_init(&receipt, NULL);
    profile_fleet(&f, &p, &receipt, 1);
    char *svg = written(&p, write_svg);
    CHECK(count_of(svg, "<g>") == count_of(svg, "</g>") && count_of(svg, "<g>") > 4);
    CHECK(strstr(svg, "a &lt;title&gt; &amp; more") && strstr(svg, "</svg>"));
    free(svg);
    char *folded = written(&p, fvm_profile_folded);
    int64_t sum = 0;
    for (char *line = strtok(folded, "\n"); line; line = strtok(NULL, "\n"))
        sum += strtoll(strrchr(line, ' ') + 1, NULL, 10);
    CHECK(sum == p.frames[0].total);
    free(folded);
    char *text = written(&p, fvm_profile_json);
    json_t *json = json_loads(text, 0, NULL);
    CHECK(json && json_array_size(json_object_get(json, "frames")) == p.count);
    json_decref(json);
    free(text);
    fvm_profile_deinit(&p);
    fvm_receipt_deinit(&receipt);
    fleet_close(&f);
}

/* Events as no engine makes them. */
TEST(labels_of_any_bytes_make_good_text_and_events_in_any_order_do_no_harm)
{
    static const fvm_trace_kind kinds[] = {
        FVM_TRACE_WASM_LEAVE,  FVM_TRACE_SYSCALL_END, FVM_TRACE_RETURN,     FVM_TRACE_CALL,
        FVM_TRACE_WASM_ENTER,  FVM_TRACE_CHARGE,      FVM_TRACE_WASM_START, FVM_TRACE_SYSCALL,
        FVM_TRACE_SYSCALL,     FVM_TRACE_WASM_LEAVE,  FVM_TRACE_INVOKE,     FVM_TRACE_CALL_ERROR,
        FVM_TRACE_SYSCALL_END, FVM_TRACE_CALL,        FVM_TRACE_WASM_ENTER, FVM_TRACE_CHARGE,
    };
    fvm_profile p;
    fvm_cid code = { .codec = FVM_CODEC_RAW };
    test_rng rng = { 11 };
    CHECK_OK(fvm_profile_init(&p));
    fvm_run_watch watch = fvm_profile_watch(&p);
    watch.begin(watch.sink.ctx, 0, NULL);
    for (int i = 0; i < 3000; i++) {
        fvm_trace_event e = {
            .kind = kinds[test_rng_below(&rng, FVM_COUNT(kinds))],
            .name = FVM_STR("<&\">;\x01\xff\xed\xa0\x80\xef\xbf\xbf\xc3"),
            .data = FVM_STR("m"),
            .charged = test_rng_below(&rng, 1000),
            .func = (uint32_t)test_rng_below(&rng, 5),
            .milligas = (int64_t)test_rng_below(&rng, 1000),
            .cid = &code,
        };
        watch.sink.event(watch.sink.ctx, &e);
    }
    CHECK_OK(fvm_profile_end(&p, NULL, 0));
    char *svg = written(&p, write_svg);
    CHECK(strstr(svg, "&lt;&amp;&quot;&gt;;???") && !strchr(svg, '\x01') && !strchr(svg, '\xff'));
    free(svg);
    fvm_profile_deinit(&p);
}

/* --- vectors ---------------------------------------------------------------------------------- */

/* The gas that a message's frames have, and whether but for whole gas all of it was taken. */
static int64_t gas_of_message(const fvm_profile *p, uint32_t message, bool *all_taken)
{
    int64_t sum = 0;
    *all_taken = true;
    for (uint32_t i = message; i < p->count; i++) {
        uint32_t at = i;
        while (at > message) at = p->frames[at].parent;
        if (at != message) continue;
        sum += p->frames[i].self;
        if (p->frames[i].kind == FVM_FRAME_REST && p->frames[i].self >= 1000) *all_taken = false;
        if (p->frames[i].kind == FVM_FRAME_REST && p->frames[i].self < 0) *all_taken = false;
    }
    return sum;
}

#define FATAL 10 /* takes the whole limit */

static void check_vector(const char *file, fvm_context *profiling, fvm_context *plain)
{
    fvm_vector *vector;
    fvm_store_why why;
    CHECK_OK(fvm_vector_load(&vector, file, &why));
    for (size_t v = 0; v < vector->variant_count; v++) {
        fvm_vector_run run, want;
        fvm_profile p;
        CHECK_OK(fvm_profile_init(&p));
        fvm_run_watch watch = fvm_profile_watch(&p);
        fvm_vector_run_do(&run, vector, &vector->variants[v], profiling, &watch);
        fvm_vector_run_do(&want, vector, &vector->variants[v], plain, NULL);
        CHECK_AT(file, run.err == want.err && run.count == want.count);
        if (run.err == FVM_OK) {
            CHECK_OK(fvm_profile_end(&p, run.receipts, run.count));
            CHECK_AT(file, p.n_messages == run.count);
            for (size_t i = 0; i < run.count; i++) {
                bool all_taken;
                int64_t gas = gas_of_message(&p, p.messages[i].frame, &all_taken);
                CHECK_AT(file, run.receipts[i].gas_used == want.receipts[i].gas_used);
                CHECK_AT(file, run.receipts[i].exit_code == want.receipts[i].exit_code);
                CHECK_AT(file, gas == (int64_t)run.receipts[i].gas_used * 1000);
                CHECK_AT(file, all_taken || run.receipts[i].exit_code == FATAL);
            }
        }
        fvm_vector_run_deinit(&want);
        fvm_vector_run_deinit(&run);
        fvm_profile_deinit(&p);
    }
    fvm_vector_free(vector);
}

/* Each of these 7th files has all its variants run. */
TEST(frames_of_each_message_have_the_gas_of_its_receipt)
{
    fvm_paths paths = { 0 };
    fvm_store_why why;
    fvm_engine *engines[2];
    fvm_context *contexts[2];
    if (fvm_paths_add(&paths, "../shared/vectors/golden-kernel", &why) != FVM_OK) {
        fputs("the vectors are not here\n", stderr);
        return;
    }
    for (int i = 0; i < 2; i++) {
        const fvm_engine_config config = { .profile = i == 0 };
        CHECK_OK(fvm_engine_new_with(&engines[i], &config, NULL));
        CHECK_OK(fvm_context_new(&contexts[i], engines[i], NULL));
    }
    for (size_t i = 0; i < paths.count; i += 7)
        check_vector(paths.path[i], contexts[0], contexts[1]);
    for (int i = 0; i < 2; i++) {
        fvm_context_free(contexts[i]);
        fvm_engine_free(engines[i]);
    }
    fvm_paths_deinit(&paths);
}
