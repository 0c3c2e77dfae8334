/* test_wasm_run.c - instances and calls: gas to the unit, limits, traps, hosts, memory. What single
 * instructions compute is the core suite's business. */
#include "test.h"
#include "wasm/store.h"
#include "wasm_asm.h"

#include <pthread.h>

static const fvm_wasm_rules v4 = WASM_RULES_V4, v2 = WASM_RULES_V2;
#define PLENTY INT64_C(1000000000000)

/* --- a host to run with ------------------------------------------------------------------------- */

typedef struct bench {
    wasm_asm a;
    const fvm_wasm_rules *rules;
    fvm_wasm_backend backend; /* default: the library's */
    fvm_wasm_module *module;
    fvm_wasm_context *context;
    fvm_wasm_instance *instance;
    fvm_wasm_limiter limiter;
    uint64_t memory_left, asked; /* of the limiter */
    int64_t gas_seen;            /* by the host function */
    size_t memory_seen;
    uint32_t nest;  /* how often the host function calls back */
    fvm_err fail;   /* what the host function returns */
    uint32_t index; /* of the call */
    uint64_t args[4], result;
} bench;

static fvm_err host_look(fvm_wasm_instance *instance, void *host, uint64_t *slots)
{
    bench *b = host;
    b->gas_seen = fvm_wasm_instance_gas(instance);
    b->memory_seen = fvm_wasm_instance_memory(instance).len;
    slots[0] = slots[0] + 1;
    if (b->nest) {
        uint64_t arg = 7, result;
        b->nest--;
        FVM_TRY(fvm_wasm_instance_call(instance, &result, b->index, &arg));
        slots[0] = result;
    }
    return b->fail;
}
static const fvm_wasm_host_func funcs[] = { { "h", "look", "i", "i", host_look } };
static const fvm_wasm_host_table hosts = { funcs, FVM_COUNT(funcs) };

static bool grow(void *ctx, uint64_t bytes)
{
    bench *b = ctx;
    b->asked += bytes;
    if (bytes > b->memory_left) return false;
    b->memory_left -= bytes;
    return true;
}

static void begin(bench *b, const fvm_wasm_rules *rules)
{
    *b = (bench){ .rules = rules, .memory_left = UINT64_MAX };
    b->limiter = (fvm_wasm_limiter){ grow, b };
    wasm_begin(&b->a);
}

static fvm_err make_inside(void *arg)
{
    bench *b = arg;
    return fvm_wasm_instance_new(&b->instance, b->context, b->module, b, &b->limiter,
                                 (int64_t)b->args[0]);
}

static fvm_err make(bench *b, int64_t gas)
{
    char detail[FVM_WASM_DETAIL_MAX];
    fvm_err err = fvm_wasm_module_new_on(&b->module, b->rules, &hosts, wasm_finish(&b->a), detail,
                                         NULL, b->backend);
    CHECK_AT(detail, err == FVM_OK);
    CHECK_OK(fvm_wasm_context_new(&b->context, NULL));
    b->args[0] = (uint64_t)gas;
    return fvm_wasm_context_run(b->context, make_inside, b);
}

static fvm_err call_inside(void *arg)
{
    bench *b = arg;
    return fvm_wasm_instance_call(b->instance, &b->result, b->index, b->args);
}

static fvm_err call(bench *b, uint32_t index, uint64_t arg)
{
    b->index = index;
    b->args[0] = arg;
    return fvm_wasm_context_run(b->context, call_inside, b);
}

static fvm_wasm_trap trap(const bench *b)
{
    return fvm_wasm_instance_trap(b->instance);
}
static int64_t gas(const bench *b)
{
    return fvm_wasm_instance_gas(b->instance);
}

static void end(bench *b)
{
    fvm_wasm_instance_free(b->instance);
    fvm_wasm_context_free(b->context);
    fvm_wasm_module_free(b->module);
    wasm_end(&b->a);
}

/* --- gas ---------------------------------------------------------------------------------------- */

TEST(exactly_enough_gas_is_enough)
{
    bench b;
    begin(&b, &v4);
    uint32_t f = wasm_func(&b.a, wasm_type(&b.a, "i", "i"), BODY(0, LOCAL_GET, 0, END));
    CHECK_OK(make(&b, 60000));
    CHECK_OK(call(&b, f, 42));
    CHECK(b.result == 42 && gas(&b) == 0); /* thunk 56000, block 4000 */
    fvm_wasm_instance_set_gas(b.instance, 59999);
    CHECK_ERR(call(&b, f, 42), FVM_ERR_TRAP);
    CHECK(trap(&b) == FVM_WASM_TRAP_OUT_OF_GAS && gas(&b) == -1);
    fvm_wasm_instance_set_gas(b.instance, 55999);
    CHECK_ERR(call(&b, f, 42), FVM_ERR_TRAP);
    CHECK(gas(&b) == -1); /* the thunk alone */
    end(&b);
}

TEST(a_loop_pays_for_each_round)
{
    bench b;
    begin(&b, &v4);
    uint32_t f = wasm_func(&b.a, wasm_type(&b.a, "i", ""),
                           BODY(0, LOOP, EMPTY, LOCAL_GET, 0, I32_CONST, 1, I32_SUB, LOCAL_TEE, 0,
                                BR_IF, 0, END, END));
    CHECK_OK(make(&b, PLENTY));
    CHECK_OK(call(&b, f, 10));
    CHECK(PLENTY - gas(&b) == 56000 + 10 * 20000);
    end(&b);
}

TEST(a_block_is_charged_before_any_of_it_happens)
{
    bench b;
    begin(&b, &v4);
    uint32_t f = wasm_func(&b.a, wasm_type(&b.a, "i", "i"),
                           BODY(0, I32_CONST, 8, I32_CONST, 5, I32_STORE, 2, 0, I32_CONST, 1,
                                LOCAL_GET, 0, I32_DIV_S, END));
    wasm_memory(&b.a, 1, -1);
    CHECK_OK(make(&b, PLENTY));
    CHECK_ERR(call(&b, f, 0), FVM_ERR_TRAP);
    CHECK(trap(&b) == FVM_WASM_TRAP_INT_DIVIDE_BY_ZERO);
    CHECK(PLENTY - gas(&b) == 56000 + 24000);
    CHECK(fvm_wasm_instance_memory(b.instance).ptr[8] == 5);
    fvm_wasm_instance_set_gas(b.instance, 56000 + 23999);
    fvm_wasm_instance_memory(b.instance).ptr[8] = 0;
    CHECK_ERR(call(&b, f, 1), FVM_ERR_TRAP);
    CHECK(trap(&b) == FVM_WASM_TRAP_OUT_OF_GAS);
    CHECK(fvm_wasm_instance_memory(b.instance).ptr[8] == 0);
    end(&b);
}

TEST(growth_is_charged_by_the_page_whether_or_not_it_succeeds)
{
    bench b;
    begin(&b, &v4);
    uint32_t f = wasm_func(&b.a, wasm_type(&b.a, "i", "i"),
                           BODY(0, LOCAL_GET, 0, MEMORY_GROW, 0, END));
    wasm_memory(&b.a, 1, 3);
    CHECK_OK(make(&b, PLENTY));
    CHECK_OK(call(&b, f, 2));
    CHECK(b.result == 1 && PLENTY - gas(&b) == 56000 + 8000 + 2 * 26214400);
    fvm_wasm_instance_set_gas(b.instance, PLENTY);
    CHECK_OK(call(&b, f, 1));
    CHECK(b.result == UINT32_MAX && PLENTY - gas(&b) == 56000 + 8000 + 26214400);
    fvm_wasm_instance_set_gas(b.instance, PLENTY);
    CHECK_ERR(call(&b, f, UINT32_MAX), FVM_ERR_TRAP);
    CHECK(trap(&b) == FVM_WASM_TRAP_OUT_OF_GAS);
    end(&b);
}

TEST(before_nv18_growth_costs_one_instruction)
{
    bench b;
    begin(&b, &v2);
    uint32_t f = wasm_func(&b.a, wasm_type(&b.a, "i", "i"),
                           BODY(0, LOCAL_GET, 0, MEMORY_GROW, 0, END));
    wasm_memory(&b.a, 1, -1);
    CHECK_OK(make(&b, PLENTY));
    CHECK_OK(call(&b, f, 2));
    CHECK(b.result == 1 && PLENTY - gas(&b) == 56000 + 8000);
    end(&b);
}

TEST(bulk_instructions_are_charged_by_length_even_when_out_of_bounds)
{
    bench b;
    begin(&b, &v4);
    uint32_t f = wasm_func(&b.a, wasm_type(&b.a, "i", ""),
                           BODY(0, I32_CONST, 0, I32_CONST, 1, LOCAL_GET, 0, PREFIX, 11, 0, END));
    wasm_memory(&b.a, 1, -1);
    CHECK_OK(make(&b, PLENTY));
    CHECK_OK(call(&b, f, 1000));
    CHECK(PLENTY - gas(&b) == 56000 + 16000 + 1000 * 400);
    fvm_wasm_instance_set_gas(b.instance, PLENTY);
    CHECK_ERR(call(&b, f, 65537), FVM_ERR_TRAP);
    CHECK(trap(&b) == FVM_WASM_TRAP_MEMORY_BOUNDS);
    CHECK(PLENTY - gas(&b) == 56000 + 16000 + 65537 * 400);
    end(&b);
}

TEST(an_indirect_call_enters_through_the_thunk)
{
    bench b;
    begin(&b, &v4);
    uint32_t t = wasm_type(&b.a, "i", "i");
    uint32_t f = wasm_func(&b.a, t, BODY(0, LOCAL_GET, 0, END));
    uint32_t g = wasm_func(&b.a, t, BODY(0, LOCAL_GET, 0, I32_CONST, 0, CALL_INDIRECT, 0, 0, END));
    wasm_table(&b.a, 1, -1);
    wasm_elem(&b.a, 0, BODY((uint8_t)f));
    CHECK_OK(make(&b, PLENTY));
    CHECK_OK(call(&b, g, 9));
    CHECK(b.result == 9);
    CHECK(PLENTY - gas(&b) == 56000 + 12000 + 56000 + 4000);
    end(&b);
}

TEST(a_function_by_ref_func_is_entered_without_thunk)
{
    bench b;
    begin(&b, &v4);
    uint32_t t = wasm_type(&b.a, "i", "i");
    uint32_t f = wasm_func(&b.a, t, BODY(0, LOCAL_GET, 0, END));
    uint32_t g = wasm_func(&b.a, t,
                           BODY(0, I32_CONST, 0, GLOBAL_GET, 0, TABLE_SET, 0, LOCAL_GET, 0,
                                I32_CONST, 0, CALL_INDIRECT, 0, 0, END));
    wasm_table(&b.a, 1, -1);
    wasm_global(&b.a, 'r', false, BODY(REF_FUNC, (uint8_t)f, END));
    CHECK_OK(make(&b, PLENTY));
    CHECK_OK(call(&b, g, 9));
    CHECK(b.result == 9);
    CHECK(PLENTY - gas(&b) == 56000 + 24000 + 4000);
    end(&b);
}

/* --- limits ------------------------------------------------------------------------------------- */

/* f(n) = n ? f(n - 1) : 0; its cost of the limiter is 4 */
static uint32_t recursive(bench *b)
{
    return wasm_func(&b->a, wasm_type(&b->a, "i", "i"),
                     BODY(0, LOCAL_GET, 0, IF, RESULT_I32, LOCAL_GET, 0, I32_CONST, 1, I32_SUB,
                          CALL, 0, ELSE, I32_CONST, 0, END, END));
}

TEST(the_limiter_stops_recursion_at_a_height_of_2048)
{
    bench b;
    begin(&b, &v4);
    uint32_t f = recursive(&b);
    CHECK_OK(make(&b, PLENTY));
    CHECK_OK(call(&b, f, 511)); /* 512 frames of 4 */
    CHECK_ERR(call(&b, f, 512), FVM_ERR_TRAP);
    CHECK(trap(&b) == FVM_WASM_TRAP_STACK_LIMIT);
    CHECK_OK(call(&b, f, 511)); /* heights of one call do not count in the next */
    end(&b);
}

TEST(the_frame_budget_stops_what_the_limiter_does_not)
{
    bench b;
    fvm_wasm_rules rules = v4;
    rules.frame_budget_bytes = 10000;
    begin(&b, &rules);
    uint32_t f = recursive(&b);
    CHECK_OK(make(&b, PLENTY));
    CHECK_OK(call(&b, f, 90));
    CHECK_ERR(call(&b, f, 200), FVM_ERR_TRAP);
    CHECK(trap(&b) == FVM_WASM_TRAP_STACK_OVERFLOW);
    end(&b);
}

TEST(unused_locals_take_nothing_of_the_frame_budget)
{
    bench b;
    begin(&b, &v4);
    uint32_t f = wasm_func(&b.a, wasm_type(&b.a, "i", "i"),
                           BODY(1, 0xd0, 0x86, 2, 0x7e, /* 33,616 locals */
                                LOCAL_GET, 0, IF, RESULT_I32, LOCAL_GET, 0, I32_CONST, 1, I32_SUB,
                                CALL, 0, ELSE, LOCAL_GET, 0x85, 0x86, 1, 0xa7, END, END));
    CHECK_OK(make(&b, PLENTY));
    CHECK_OK(call(&b, f, 400));
    CHECK(b.result == 0);
    end(&b);
}

/* f(p): 300 locals, all used in a block that is left at once unless p is 0; then one of them is
 * read. With p = 0 the locals are written, so that a next frame finds the values on the stack. */
static uint32_t with_many_locals(bench *b)
{
    fvm_buf body;
    fvm_buf_init(&body, NULL);
    wasm_put(&body, (const uint8_t[]){ 1, 0xac, 2, 0x7f, BLOCK, EMPTY, LOCAL_GET, 0, BR_IF, 0 },
             10);
    for (uint32_t i = 1; i <= 300; i++) {
        wasm_u8(&body, I32_CONST);
        wasm_sleb(&body, (int32_t)i);
        wasm_u8(&body, LOCAL_SET);
        wasm_uleb(&body, i);
    }
    wasm_put(&body, (const uint8_t[]){ END, LOCAL_GET, 0xfa, 1, LOCAL_GET, 0x90, 2, I32_ADD, END },
             9);
    uint32_t f = wasm_func(&b->a, wasm_type(&b->a, "i", "i"), fvm_buf_bytes(&body));
    fvm_buf_deinit(&body);
    return f;
}

TEST(locals_are_zero_where_nothing_was_written_however_many_there_are)
{
    const fvm_wasm_backend backends[] = { FVM_WASM_BACKEND_INTERP, FVM_WASM_BACKEND_X64,
                                          FVM_WASM_BACKEND_X64_GUARD };
    for (size_t i = 0; i < FVM_COUNT(backends); i++) {
        bench b;
        if (!fvm_wasm_backend_available(backends[i])) continue;
        begin(&b, &v4);
        b.backend = backends[i];
        uint32_t f = with_many_locals(&b);
        CHECK_OK(make(&b, PLENTY));
        CHECK_OK(call(&b, f, 0));
        CHECK(b.result == 250 + 272);
        CHECK_OK(call(&b, f, 1));
        CHECK(b.result == 0);
        end(&b);
    }
}

TEST(the_limiter_of_memory_is_asked_for_initial_sizes_and_growth)
{
    bench b;
    begin(&b, &v4);
    uint32_t f = wasm_func(&b.a, wasm_type(&b.a, "i", "i"),
                           BODY(0, LOCAL_GET, 0, MEMORY_GROW, 0, END));
    wasm_memory(&b.a, 2, -1);
    wasm_table(&b.a, 10, -1);
    b.memory_left = 3 * 65536 + 80;
    CHECK_OK(make(&b, PLENTY));
    CHECK(b.asked == 2 * 65536 + 80);
    CHECK_OK(call(&b, f, 0));
    CHECK(b.result == 2 && b.asked == 2 * 65536 + 80);
    CHECK_OK(call(&b, f, 1));
    CHECK(b.result == 2 && b.memory_left == 0);
    CHECK_OK(call(&b, f, 1));
    CHECK(b.result == UINT32_MAX);
    end(&b);
}

TEST(growth_past_the_slot_fails_but_stays_counted)
{
    bench b;
    fvm_wasm_rules rules = v4;
    rules.memory_max_pages = 4;
    begin(&b, &rules);
    uint32_t f = wasm_func(&b.a, wasm_type(&b.a, "i", "i"),
                           BODY(0, LOCAL_GET, 0, MEMORY_GROW, 0, END));
    wasm_memory(&b.a, 1, -1);
    b.memory_left = 10 * 65536;
    CHECK_OK(make(&b, PLENTY));
    CHECK_OK(call(&b, f, 4));
    CHECK(b.result == UINT32_MAX && b.memory_left == 5 * 65536);
    CHECK_OK(call(&b, f, 3));
    CHECK(b.result == 1 && b.memory_left == 2 * 65536);
    end(&b);
}

TEST(an_initial_size_that_the_limiter_refuses_ends_instantiation)
{
    bench b;
    begin(&b, &v4);
    wasm_func(&b.a, wasm_type(&b.a, "", ""), BODY(0, END));
    wasm_memory(&b.a, 2, -1);
    b.memory_left = 65536;
    CHECK_ERR(make(&b, 5), FVM_ERR_WASM_INSTANTIATE);
    CHECK(gas(&b) == 5);
    end(&b);
}

/* --- start and segments --------------------------------------------------------------------------- */

TEST(start_runs_with_gas_and_shows_the_host_no_memory)
{
    bench b;
    begin(&b, &v4);
    uint32_t t = wasm_type(&b.a, "i", "i");
    wasm_import_func(&b.a, "h", "look", t);
    uint32_t f = wasm_func(&b.a, wasm_type(&b.a, "", ""),
                           BODY(0, I32_CONST, 1, CALL, 0, DROP, END));
    wasm_memory(&b.a, 1, -1);
    wasm_start(&b.a, f);
    CHECK_OK(make(&b, PLENTY));
    CHECK(PLENTY - gas(&b) == 52000 + 8000);
    CHECK(b.gas_seen == gas(&b) && b.memory_seen == 0);
    CHECK_OK(call(&b, f, 0));
    CHECK(b.memory_seen == 65536);
    end(&b);
}

TEST(a_start_that_traps_leaves_an_instance_to_read_the_gas_of)
{
    bench b;
    begin(&b, &v4);
    uint32_t f = wasm_func(&b.a, wasm_type(&b.a, "", ""), BODY(0, UNREACHABLE, END));
    wasm_start(&b.a, f);
    CHECK_ERR(make(&b, PLENTY), FVM_ERR_TRAP);
    CHECK(trap(&b) == FVM_WASM_TRAP_UNREACHABLE && PLENTY - gas(&b) == 52000);
    end(&b);
}

TEST(segments_reach_to_the_end_and_no_further)
{
    for (int over = 0; over < 2; over++) {
        bench b;
        begin(&b, &v4);
        wasm_func(&b.a, wasm_type(&b.a, "", ""), BODY(0, END));
        wasm_memory(&b.a, 1, -1);
        wasm_data(&b.a, 65536 - 4 + over, FVM_STR("tail"));
        CHECK_ERR(make(&b, PLENTY), over ? FVM_ERR_WASM_INSTANTIATE : FVM_OK);
        if (!over) CHECK(memcmp(fvm_wasm_instance_memory(b.instance).ptr + 65532, "tail", 4) == 0);
        end(&b);
    }
}

TEST(memories_are_zero_again_when_they_are_used_again)
{
    bench b;
    begin(&b, &v4);
    uint32_t f = wasm_func(&b.a, wasm_type(&b.a, "i", "i"),
                           BODY(1, 1, 0x7f, LOCAL_GET, 0, I32_LOAD, 2, 0, LOCAL_SET, 1, LOCAL_GET,
                                0, I32_CONST, 1, I32_STORE, 2, 0, LOCAL_GET, 1, END));
    wasm_memory(&b.a, 4, -1);
    CHECK_OK(make(&b, PLENTY));
    CHECK_OK(call(&b, f, 200000));
    CHECK(b.result == 0);
    CHECK_OK(call(&b, f, 200000));
    CHECK(b.result == 1);
    for (int i = 0; i < 3; i++) {
        fvm_wasm_instance_free(b.instance);
        b.args[0] = (uint64_t)PLENTY;
        CHECK_OK(fvm_wasm_context_run(b.context, make_inside, &b));
        CHECK_OK(call(&b, f, 200000));
        CHECK(b.result == 0);
    }
    end(&b);
}

/* --- hosts -------------------------------------------------------------------------------------- */

TEST(a_host_function_sees_and_sets_the_gas)
{
    bench b;
    begin(&b, &v4);
    uint32_t t = wasm_type(&b.a, "i", "i");
    wasm_import_func(&b.a, "h", "look", t);
    uint32_t f = wasm_func(&b.a, t, BODY(0, LOCAL_GET, 0, CALL, 0, END));
    CHECK_OK(make(&b, PLENTY));
    CHECK_OK(call(&b, f, 4));
    CHECK(b.result == 5);
    CHECK(b.gas_seen == PLENTY - 56000 - 8000 && gas(&b) == b.gas_seen);
    end(&b);
}

TEST(an_error_of_a_host_function_unwinds_the_wasm)
{
    bench b;
    begin(&b, &v4);
    uint32_t t = wasm_type(&b.a, "i", "i");
    wasm_import_func(&b.a, "h", "look", t);
    wasm_func(&b.a, t, BODY(0, LOCAL_GET, 0, CALL, 0, END));
    uint32_t f = wasm_func(&b.a, t, BODY(0, LOCAL_GET, 0, CALL, 1, END));
    CHECK_OK(make(&b, PLENTY));
    b.fail = FVM_ERR_EXIT;
    CHECK_ERR(call(&b, f, 4), FVM_ERR_EXIT);
    CHECK(trap(&b) == FVM_WASM_TRAP_NONE);
    b.fail = FVM_OK;
    CHECK_OK(call(&b, f, 4));
    CHECK(b.result == 5);
    end(&b);
}

TEST(calls_nest_through_the_host_a_thousand_deep)
{
    bench b;
    begin(&b, &v4);
    uint32_t t = wasm_type(&b.a, "i", "i");
    wasm_import_func(&b.a, "h", "look", t);
    uint32_t f = wasm_func(&b.a, t, BODY(0, LOCAL_GET, 0, CALL, 0, LOCAL_GET, 0, I32_ADD, END));
    fvm_wasm_rules rules = v4;
    rules.stack_limit = 1u << 20;
    b.rules = &rules;
    CHECK_OK(make(&b, PLENTY));
    b.nest = 1024;
    CHECK_OK(call(&b, f, 4));
    /* the innermost gives 7 + 1 + 7, each one above it 7 more, the outermost 4 */
    CHECK(b.nest == 0 && b.result == 15 + 1023 * 7 + 4);
    end(&b);
}

/* --- externs ------------------------------------------------------------------------------------ */

TEST(externs_are_found_by_name_and_can_be_read)
{
    bench b;
    begin(&b, &fvm_wasm_rules_standard);
    uint32_t f = wasm_func(&b.a, wasm_type(&b.a, "i", "i"), BODY(0, LOCAL_GET, 0, END));
    wasm_table(&b.a, 3, 9);
    wasm_memory(&b.a, 1, 2);
    wasm_global(&b.a, 'l', true, BODY(I64_CONST, 5, END));
    wasm_export(&b.a, "f", WASM_FUNC_KIND, f);
    wasm_export(&b.a, "t", WASM_TABLE_KIND, 0);
    wasm_export(&b.a, "m", WASM_MEMORY_KIND, 0);
    wasm_export(&b.a, "g", WASM_GLOBAL_KIND, 0);
    wasm_elem(&b.a, 1, BODY((uint8_t)f));
    CHECK_OK(make(&b, 0));
    fvm_wasm_extern ext;
    CHECK(fvm_wasm_module_export_count(b.module) == 4);
    CHECK(!fvm_wasm_instance_extern(b.instance, &ext, FVM_STR("x")));
    CHECK(fvm_wasm_instance_extern(b.instance, &ext, FVM_STR("g")));
    CHECK(fvm_wasm_global_get(ext) == 5 && fvm_wasm_extern_type_of(ext).is_mutable);
    fvm_wasm_global_set(ext, 6);
    CHECK(fvm_wasm_global_get(ext) == 6);
    CHECK(fvm_wasm_instance_extern(b.instance, &ext, FVM_STR("m")));
    CHECK(fvm_wasm_memory_of(ext).len == 65536 && fvm_wasm_extern_type_of(ext).max == 2);
    CHECK(fvm_wasm_instance_extern(b.instance, &ext, FVM_STR("t")));
    CHECK(fvm_wasm_table_size(ext) == 3 && fvm_wasm_table_get(ext, 0) == FVM_WASM_REF_NULL);
    uint64_t ref = fvm_wasm_table_get(ext, 1);
    CHECK(fvm_wasm_instance_extern(b.instance, &ext, FVM_STR("f")));
    CHECK(fvm_wasm_extern_funcref(ext) == ref && fvm_wasm_funcref_extern(ref).object == ext.object);
    CHECK(strcmp(fvm_wasm_extern_type_of(ext).params, "i") == 0);
    end(&b);
}

/* A module that exports f, and one that imports it, on back ends of their own. */
static fvm_err link_across(fvm_wasm_backend one, fvm_wasm_backend other)
{
    wasm_asm a, i;
    fvm_wasm_module *exporter = NULL, *importer = NULL;
    fvm_wasm_context *context = NULL;
    fvm_wasm_instance *first = NULL, *second = NULL;
    fvm_wasm_extern ext;
    const fvm_wasm_rules *rules = &fvm_wasm_rules_standard;
    wasm_begin(&a);
    uint32_t f = wasm_func(&a, wasm_type(&a, "", ""), BODY(0, END));
    wasm_export(&a, "f", WASM_FUNC_KIND, f);
    wasm_begin(&i);
    wasm_import_func(&i, "m", "f", wasm_type(&i, "", ""));
    fvm_bytes wasm = wasm_finish(&a);
    CHECK_OK(fvm_wasm_module_new_on(&exporter, rules, NULL, wasm, NULL, NULL, one));
    wasm = wasm_finish(&i);
    CHECK_OK(fvm_wasm_module_new_on(&importer, rules, NULL, wasm, NULL, NULL, other));
    CHECK_OK(fvm_wasm_context_new(&context, NULL));
    CHECK_OK(fvm_wasm_instance_new(&first, context, exporter, NULL, NULL, 0));
    CHECK(fvm_wasm_instance_extern(first, &ext, FVM_STR("f")));
    fvm_err err = fvm_wasm_instance_new_with(&second, context, importer, NULL, NULL, 0, &ext, 1,
                                             NULL);
    fvm_wasm_instance_free(second);
    fvm_wasm_instance_free(first);
    fvm_wasm_context_free(context);
    fvm_wasm_module_free(importer);
    fvm_wasm_module_free(exporter);
    wasm_end(&i);
    wasm_end(&a);
    return err;
}

TEST(functions_are_not_shared_between_back_ends)
{
    CHECK_OK(link_across(FVM_WASM_BACKEND_INTERP, FVM_WASM_BACKEND_INTERP));
    if (!fvm_wasm_backend_available(FVM_WASM_BACKEND_X64)) return;
    CHECK_OK(link_across(FVM_WASM_BACKEND_X64, FVM_WASM_BACKEND_X64));
    CHECK_ERR(link_across(FVM_WASM_BACKEND_INTERP, FVM_WASM_BACKEND_X64), FVM_ERR_WASM_LINK);
    CHECK_ERR(link_across(FVM_WASM_BACKEND_X64, FVM_WASM_BACKEND_INTERP), FVM_ERR_WASM_LINK);
}

/* --- threads ------------------------------------------------------------------------------------ */

static void *run_often(void *arg)
{
    bench *b = arg;
    for (int i = 0; i < 50; i++) {
        b->args[0] = (uint64_t)PLENTY;
        CHECK_OK(fvm_wasm_context_run(b->context, make_inside, b));
        CHECK_OK(call(b, 0, 100));
        CHECK(b->result == 0);
        fvm_wasm_instance_free(b->instance);
        b->instance = NULL;
    }
    return NULL;
}

TEST(one_module_runs_on_several_threads)
{
    bench b, others[3];
    pthread_t threads[3];
    begin(&b, &v4);
    recursive(&b);
    wasm_memory(&b.a, 1, -1);
    CHECK_OK(make(&b, PLENTY));
    for (size_t i = 0; i < FVM_COUNT(others); i++) {
        others[i] = (bench){ .rules = &v4, .module = b.module, .memory_left = UINT64_MAX };
        others[i].limiter = (fvm_wasm_limiter){ grow, &others[i] };
        CHECK_OK(fvm_wasm_context_new(&others[i].context, NULL));
        CHECK(pthread_create(&threads[i], NULL, run_often, &others[i]) == 0);
    }
    for (size_t i = 0; i < FVM_COUNT(others); i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        fvm_wasm_context_free(others[i].context);
    }
    end(&b);
}

/* --- memory of this node ------------------------------------------------------------------------ */

typedef struct small_run {
    fvm_bytes wasm;
    fvm_wasm_context *context;
    const fvm_wasm_module *module;
    bench host;
} small_run;

static fvm_err small_inside(void *arg)
{
    small_run *r = arg;
    fvm_wasm_instance *instance;
    uint64_t value = 3;
    fvm_wasm_export export;
    fvm_err err = fvm_wasm_instance_new(&instance, r->context, r->module, &r->host, NULL, PLENTY);
    if (err == FVM_OK) {
        CHECK(fvm_wasm_module_export(r->module, &export, FVM_STR("f")));
        err = fvm_wasm_instance_call(instance, &value, export.index, &value);
    }
    fvm_wasm_instance_free(instance);
    return err;
}

static fvm_err load_and_run(const fvm_allocator *alloc, void *ctx)
{
    small_run *r = ctx;
    fvm_wasm_module *module = NULL;
    fvm_wasm_context *context = NULL;
    fvm_err err = fvm_wasm_module_new(&module, r->host.rules, &hosts, r->wasm, NULL, alloc);
    if (err == FVM_OK) err = fvm_wasm_context_new(&context, alloc);
    if (err == FVM_OK) {
        r->module = module;
        r->context = context;
        err = fvm_wasm_context_run(context, small_inside, r);
    }
    fvm_wasm_context_free(context);
    fvm_wasm_module_free(module);
    return err;
}

TEST(each_failing_allocation_is_an_error_and_leaks_nothing)
{
    const fvm_wasm_rules *rules[] = { &v4, &fvm_wasm_rules_standard };
    for (size_t i = 0; i < FVM_COUNT(rules); i++) {
        wasm_asm a;
        wasm_begin(&a);
        uint32_t t = wasm_type(&a, "i", "i");
        wasm_import_func(&a, "h", "look", t);
        uint32_t f = wasm_func(&a, t,
                               BODY(2, 1, 0x7f, 0xac, 2, 0x7e, BLOCK, EMPTY, LOOP, EMPTY, LOCAL_GET,
                                    0, BR_TABLE, 2, 0, 1, 1, END, END, LOCAL_GET, 0x20, DROP,
                                    LOCAL_GET, 0, CALL, 0, I32_CONST, 0, CALL_INDIRECT, 0, 0, END));
        wasm_table(&a, 4, -1);
        wasm_memory(&a, 1, -1);
        wasm_global(&a, 'i', true, BODY(I32_CONST, 5, END));
        wasm_export(&a, "f", WASM_FUNC_KIND, f);
        wasm_elem(&a, 0, BODY(0, 1));
        wasm_data(&a, 0, FVM_STR("data"));
        small_run r = { .wasm = wasm_finish(&a), .host = { .rules = rules[i] } };
        test_each_allocation_fails(load_and_run, &r);
        wasm_end(&a);
    }
}

/* --- hostile modules ---------------------------------------------------------------------------- */

/* A body of `n` times `unit`, then `tail`. */
static fvm_bytes repeated(fvm_buf *buf, fvm_bytes head, fvm_bytes unit, size_t n, fvm_bytes tail)
{
    fvm_buf_init(buf, NULL);
    CHECK_OK(fvm_buf_append(buf, head));
    for (size_t i = 0; i < n; i++) CHECK_OK(fvm_buf_append(buf, unit));
    CHECK_OK(fvm_buf_append(buf, tail));
    return fvm_buf_bytes(buf);
}

TEST(deep_and_long_bodies_load)
{
    const struct {
        const char *why;
        fvm_bytes head, unit, tail;
        size_t n;
    } bodies[] = {
        { "300,000 operands", BODY(0), BODY(I32_CONST, 1), BODY(UNREACHABLE, END), 300000 },
        { "300,000 lazy operands", BODY(1, 1, 0x7f), BODY(LOCAL_GET, 0, LOCAL_GET, 0, LOCAL_SET, 0),
          BODY(UNREACHABLE, END), 300000 },
        { "300,000 dead calls", BODY(0, UNREACHABLE), BODY(CALL, 0), BODY(END), 300000 },
        { "300,000 branches", BODY(0), BODY(I32_CONST, 0, BR_IF, 0), BODY(END), 300000 },
    };
    for (size_t i = 0; i < FVM_COUNT(bodies); i++) {
        wasm_asm a;
        fvm_buf body;
        fvm_wasm_module *m = NULL;
        wasm_begin(&a);
        wasm_func(&a, wasm_type(&a, "", ""),
                  repeated(&body, bodies[i].head, bodies[i].unit, bodies[i].n, bodies[i].tail));
        CHECK_AT(bodies[i].why,
                 fvm_wasm_module_new(&m, &v4, NULL, wasm_finish(&a), NULL, NULL) == FVM_OK);
        CHECK_AT(bodies[i].why, fvm_wasm_module_size(m) < 100 * body.len);
        fvm_wasm_module_free(m);
        fvm_buf_deinit(&body);
        wasm_end(&a);
    }
}

TEST(blocks_nest_a_hundred_thousand_deep)
{
    wasm_asm a;
    fvm_buf half, body;
    fvm_wasm_module *m = NULL;
    wasm_begin(&a);
    (void)repeated(&half, BODY(0), BODY(BLOCK, EMPTY), 100000, (fvm_bytes){ NULL, 0 });
    wasm_func(&a, wasm_type(&a, "", ""),
              repeated(&body, fvm_buf_bytes(&half), BODY(END), 100000, BODY(END)));
    CHECK_OK(fvm_wasm_module_new(&m, &v4, NULL, wasm_finish(&a), NULL, NULL));
    fvm_wasm_module_free(m);
    fvm_buf_deinit(&half);
    fvm_buf_deinit(&body);
    wasm_end(&a);
}
