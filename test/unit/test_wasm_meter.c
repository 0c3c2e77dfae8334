/* test_wasm_meter.c - the metered blocks of reference/engine.md 6, examples A to G as exact lists,
 * and the limiter's costs of engine.md 4. */
#include "test.h"
#include "wasm/decoder.h"
#include "wasm_asm.h"

static const fvm_wasm_rules v4 = WASM_RULES_V4, v2 = WASM_RULES_V2;

#define BLOCKS_MAX 16
typedef struct found {
    fvm__meter_block blocks[BLOCKS_MAX]; /* by function and start */
    size_t n;
    uint32_t costs[8]; /* of the limiter, by function */
} found;

static void note(void *ctx, const fvm__meter_block *block)
{
    found *f = ctx;
    CHECK(f->n < BLOCKS_MAX);
    size_t at = f->n++;
    while (at > 0 &&
           (f->blocks[at - 1].func > block->func ||
            (f->blocks[at - 1].func == block->func && f->blocks[at - 1].start > block->start))) {
        f->blocks[at] = f->blocks[at - 1];
        at--;
    }
    f->blocks[at] = *block;
}

static void meter(found *f, const fvm_wasm_rules *rules, fvm_bytes wasm)
{
    char detail[FVM_WASM_DETAIL_MAX];
    fvm_wasm_module *m = NULL;
    fvm__meter_listener listener = { note, f };
    *f = (found){ 0 };
    fvm_err err = fvm__module_new(&m, rules, NULL, wasm, detail, NULL, &listener);
    CHECK_AT(detail, err == FVM_OK);
    for (uint32_t i = 0; i < m->n_funcs && i < FVM_COUNT(f->costs); i++)
        f->costs[i] = m->funcs[i].stack_cost;
    fvm_wasm_module_free(m);
}

/* One function of a type, with a memory, under the given rules. */
static void meter_body(found *f, const fvm_wasm_rules *rules, const char *params,
                       const char *results, fvm_bytes body)
{
    wasm_asm a;
    wasm_begin(&a);
    wasm_func(&a, wasm_type(&a, params, results), body);
    wasm_memory(&a, 1, -1);
    meter(f, rules, wasm_finish(&a));
    wasm_end(&a);
}

/* Blocks as (start, cost) pairs of function 0. */
typedef struct want {
    uint32_t start;
    uint64_t milligas;
} want;
static void check_blocks(const char *why, const found *f, uint32_t func, const want *w, size_t n)
{
    size_t seen = 0;
    for (size_t i = 0; i < f->n; i++) {
        if (f->blocks[i].func != func) continue;
        CHECK_AT(why, seen < n);
        CHECK_AT(why, f->blocks[i].start == w[seen].start);
        CHECK_AT(why, f->blocks[i].milligas == w[seen].milligas);
        seen++;
    }
    CHECK_AT(why, seen == n);
}
#define WANT(f, func, ...)                                                                         \
    check_blocks(NULL, f, func, (const want[]){ __VA_ARGS__ },                                     \
                 sizeof((const want[]){ __VA_ARGS__ }) / sizeof(want))

static fvm_bytes example_a(wasm_asm *a)
{
    wasm_begin(a);
    uint32_t t = wasm_type(a, "ii", "i"), invoke = wasm_type(a, "i", "i");
    wasm_func(a, t, BODY(2, 2, 0x7f, 1, 0x7e, LOCAL_GET, 0, LOCAL_GET, 1, I32_ADD, END));
    uint32_t f = wasm_func(a, invoke,
                           BODY(NO_LOCALS, I32_CONST, 1, I32_CONST, 2, CALL, 0, IF, RESULT_I32,
                                I32_CONST, 5, ELSE, I32_CONST, 6, I32_CONST, 7, I32_ADD, END, END));
    wasm_export(a, "invoke", WASM_FUNC_KIND, f);
    return wasm_finish(a);
}

TEST(example_a_blocks_of_a_call_and_of_both_arms)
{
    wasm_asm a;
    found f;
    meter(&f, &v4, example_a(&a));
    WANT(&f, 0, { 0, 12000 });
    WANT(&f, 1, { 0, 64000 }, { 4, 4000 }, { 6, 12000 });
    wasm_end(&a);
}

TEST(example_a_stack_costs_count_groups_of_locals_and_before_nv18_locals)
{
    wasm_asm a;
    found f;
    meter(&f, &v4, example_a(&a));
    CHECK(f.costs[0] == 6);
    CHECK(f.costs[1] == 5); /* the else-arm starts on the then-arm's result */
    wasm_end(&a);
    meter(&f, &v2, example_a(&a));
    CHECK(f.costs[0] == 7);
    wasm_end(&a);
}

TEST(example_b_code_behind_blocks_is_paid_at_entry)
{
    found f;
    meter_body(&f, &v4, "i", "",
               BODY(NO_LOCALS, BLOCK, EMPTY, LOOP, EMPTY, LOCAL_GET, 0, I32_EQZ, BR_IF, 1,
                    LOCAL_GET, 0, I32_CONST, 1, I32_SUB, LOCAL_SET, 0, BR, 0, END, END, NOP,
                    I32_CONST, 9, DROP, END));
    WANT(&f, 0, { 0, 4000 }, { 2, 12000 }, { 5, 20000 });
}

TEST(example_c_code_behind_an_inner_block_and_dead_code_count)
{
    found f;
    meter_body(&f, &v4, "i", "",
               BODY(NO_LOCALS, BLOCK, EMPTY, I32_CONST, 1, DROP, BLOCK, EMPTY, LOCAL_GET, 0, BR_IF,
                    0, I32_CONST, 2, DROP, END, I32_CONST, 3, DROP, UNREACHABLE, I32_CONST, 4, DROP,
                    END, END));
    WANT(&f, 0, { 0, 20000 }, { 6, 4000 });
}

TEST(example_d_a_return_cuts_what_follows)
{
    found f;
    meter_body(&f, &v4, "i", "i",
               BODY(NO_LOCALS, LOCAL_GET, 0, IF, EMPTY, I32_CONST, 1, RETURN, END, I32_CONST, 2,
                    I32_CONST, 3, DROP, END));
    WANT(&f, 0, { 0, 8000 }, { 2, 4000 }, { 5, 8000 });
}

TEST(example_e_a_branch_back_does_not_cut_the_outside)
{
    found f;
    meter_body(&f, &v4, "i", "",
               BODY(NO_LOCALS, I32_CONST, 5, DROP, LOOP, EMPTY, I32_CONST, 6, DROP, LOCAL_GET, 0,
                    BR_IF, 0, I32_CONST, 7, DROP, END, I32_CONST, 8, DROP, END));
    WANT(&f, 0, { 0, 8000 }, { 3, 12000 }, { 7, 4000 });
}

#define EXAMPLE_F                                                                                  \
    BODY(NO_LOCALS, BLOCK, EMPTY, BLOCK, EMPTY, LOCAL_GET, 0, BR_TABLE, 1, 0, 1, END, I32_CONST,   \
         1, DROP, END, I32_CONST, 2, DROP, END)

TEST(example_f_the_default_of_br_table_counts_before_nv18_only)
{
    found f;
    meter_body(&f, &v4, "i", "", EXAMPLE_F);
    WANT(&f, 0, { 0, 16000 });
    meter_body(&f, &v2, "i", "", EXAMPLE_F);
    WANT(&f, 0, { 0, 12000 }, { 5, 4000 });
}

TEST(example_f_with_three_blocks_is_cut_behind_the_inner_ones)
{
    found f;
    meter_body(&f, &v4, "i", "",
               BODY(NO_LOCALS, BLOCK, EMPTY, BLOCK, EMPTY, BLOCK, EMPTY, LOCAL_GET, 0, BR_TABLE, 2,
                    1, 2, 0, END, I32_CONST, 1, DROP, END, I32_CONST, 2, DROP, END, I32_CONST, 3,
                    DROP, END));
    WANT(&f, 0, { 0, 12000 }, { 6, 4000 }, { 9, 4000 });
}

TEST(example_g_constants_before_memory_grow_are_charged_with_the_block)
{
    found f;
    meter_body(&f, &v4, "i", "",
               BODY(NO_LOCALS, LOCAL_GET, 0, MEMORY_GROW, 0, DROP, I32_CONST, 2, MEMORY_GROW, 0,
                    DROP, END));
    WANT(&f, 0, { 0, 4000 + 4000 + 4000 + 4000 + 2 * UINT64_C(26214400) });
    meter_body(&f, &v2, "i", "",
               BODY(NO_LOCALS, LOCAL_GET, 0, MEMORY_GROW, 0, DROP, I32_CONST, 2, MEMORY_GROW, 0,
                    DROP, END));
    WANT(&f, 0, { 0, 16000 });
}

TEST(a_body_that_costs_nothing_has_no_block)
{
    found f;
    meter_body(&f, &v4, "", "",
               BODY(NO_LOCALS, NOP, BLOCK, EMPTY, LOOP, EMPTY, END, END, RETURN, END));
    CHECK(f.n == 0);
    CHECK(f.costs[0] == 2);
}

TEST(calls_of_imports_are_not_bracketed)
{
    wasm_asm a;
    found f;
    wasm_begin(&a);
    uint32_t t = wasm_type(&a, "", "");
    wasm_import_func(&a, "m", "f", t);
    wasm_func(&a, t, BODY(NO_LOCALS, CALL, 0, CALL, 1, END));
    meter(&f, &v4, wasm_finish(&a));
    WANT(&f, 1, { 0, 4000 + 52000 });
    CHECK(f.costs[0] == 0);
    CHECK(f.costs[1] == 2);
    wasm_end(&a);
}

TEST(a_block_is_not_cut_by_calls_and_unreachable)
{
    found f;
    meter_body(&f, &v4, "", "", BODY(NO_LOCALS, CALL, 0, UNREACHABLE, I32_CONST, 1, DROP, END));
    WANT(&f, 0, { 0, 56000 });
}

/* --- the limiter's simulation ------------------------------------------------------------------ */

static uint32_t cost_of(const char *params, const char *results, fvm_bytes body)
{
    found f;
    meter_body(&f, &v4, params, results, body);
    return f.costs[0];
}

TEST(heights_are_seen_before_an_instruction_and_at_the_final_end)
{
    CHECK(cost_of("", "", BODY(NO_LOCALS, END)) == 2);
    CHECK(cost_of("", "i", BODY(NO_LOCALS, I32_CONST, 1, END)) == 3);
    CHECK(cost_of("", "", BODY(NO_LOCALS, I32_CONST, 1, I32_CONST, 1, DROP, DROP, END)) == 4);
    CHECK(cost_of("iiii", "", BODY(NO_LOCALS, END)) == 2); /* parameters are free */
    CHECK(cost_of("", "", BODY(1, 100, 0x7f, END)) == 3);  /* a group is one */
}

TEST(dead_code_is_not_seen_but_blocks_in_it_are)
{
    CHECK(cost_of("", "",
                  BODY(NO_LOCALS, UNREACHABLE, I32_CONST, 1, I32_CONST, 1, DROP, DROP, END)) == 2);
    CHECK(cost_of("", "",
                  BODY(NO_LOCALS, UNREACHABLE, BLOCK, EMPTY, I32_CONST, 1, I32_CONST, 1, DROP, DROP,
                       END, END)) == 4);
}

TEST(an_else_arm_is_not_seen_when_the_then_arm_ends_in_a_jump)
{
    CHECK(cost_of("i", "",
                  BODY(NO_LOCALS, LOCAL_GET, 0, IF, EMPTY, RETURN, ELSE, I32_CONST, 1, I32_CONST, 1,
                       I32_CONST, 1, DROP, DROP, DROP, END, END)) == 3);
}

TEST(a_simulated_underflow_makes_a_valid_module_unloadable)
{
    wasm_asm a;
    fvm_wasm_module *m;
    wasm_begin(&a);
    wasm_func(&a, wasm_type(&a, "", ""), BODY(NO_LOCALS, UNREACHABLE, PREFIX, 10, 0, 0, END));
    wasm_memory(&a, 1, -1);
    fvm_bytes wasm = wasm_finish(&a);
    CHECK_ERR(fvm_wasm_module_new(&m, &v4, NULL, wasm, NULL, NULL), FVM_ERR_WASM_UNSUPPORTED);
    CHECK_OK(fvm_wasm_module_new(&m, &fvm_wasm_rules_standard, NULL, wasm, NULL, NULL));
    fvm_wasm_module_free(m);
    wasm_end(&a);
}
