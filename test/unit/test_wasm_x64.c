/* test_wasm_x64.c - the compiler beside the interpreter on modules made for it, and its bounds on
 * hostile ones. What both do with real and random modules: test/diff, test/wasm. */
#include "../hostile.h"
#include "test.h"
#include "wasm/instance.h"
#include "wasm_asm.h"

#include <inttypes.h>
#include <stdlib.h>

static const fvm_wasm_rules metered = WASM_RULES_V4;

/* --- one call on one engine --------------------------------------------------------------------- */

typedef struct outcome {
    fvm_err err;
    fvm_wasm_trap trap;
    int64_t gas;
    uint64_t result, global;
} outcome;

typedef struct call {
    const fvm_wasm_module *module;
    fvm_wasm_context *context;
    uint64_t args[4];
    int64_t milligas;
    outcome out;
} call;

static fvm_err make_call(void *arg)
{
    call *c = arg;
    fvm_wasm_instance *instance;
    fvm_wasm_export entry;
    CHECK_OK(fvm_wasm_instance_new(&instance, c->context, c->module, NULL, NULL, c->milligas));
    CHECK(fvm_wasm_module_export(c->module, &entry, FVM_STR("f")));
    c->out.err = fvm_wasm_instance_call(instance, &c->out.result, entry.index, c->args);
    c->out.trap = fvm_wasm_instance_trap(instance);
    c->out.gas = fvm_wasm_instance_gas(instance);
    c->out.global = c->module->n_globals ? instance->globals[0] : 0;
    fvm_wasm_instance_free(instance);
    return FVM_OK;
}

static outcome run_on(fvm_wasm_backend backend, const fvm_wasm_rules *rules, fvm_bytes wasm,
                      uint64_t arg, int64_t milligas)
{
    call c = { .args = { arg }, .milligas = milligas };
    fvm_wasm_module *module;
    char detail[FVM_WASM_DETAIL_MAX];
    CHECK_OK(fvm_wasm_module_new_on(&module, rules, NULL, wasm, detail, NULL, backend));
    c.module = module;
    CHECK_OK(fvm_wasm_context_new(&c.context, NULL));
    CHECK_OK(fvm_wasm_context_run(c.context, make_call, &c));
    fvm_wasm_context_free(c.context);
    fvm_wasm_module_free(module);
    return c.out;
}

static void check_alike(const outcome *a, const outcome *b)
{
    CHECK(a->err == b->err);
    CHECK(a->trap == b->trap);
    CHECK(a->gas == b->gas);
    CHECK(a->global == b->global);
    CHECK(a->err != FVM_OK || a->result == b->result);
}

/* What the compiler does, with either kind of memory, which is what the interpreter does. */
static outcome run_both(const fvm_wasm_rules *rules, fvm_bytes wasm, uint64_t arg, int64_t milligas)
{
    outcome a = run_on(FVM_WASM_BACKEND_INTERP, rules, wasm, arg, milligas);
    outcome b = run_on(FVM_WASM_BACKEND_X64, rules, wasm, arg, milligas);
    check_alike(&a, &b);
    if (fvm_wasm_backend_available(FVM_WASM_BACKEND_X64_GUARD)) {
        outcome c = run_on(FVM_WASM_BACKEND_X64_GUARD, rules, wasm, arg, milligas);
        check_alike(&a, &c);
    }
    return b;
}

static bool no_compiler(void)
{
    return !fvm_wasm_backend_available(FVM_WASM_BACKEND_X64);
}

static void put(fvm_buf *body, fvm_bytes piece, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) wasm_put(body, piece.ptr, piece.len);
}

/* --- limits --------------------------------------------------------------------------------------- */

/* f(n) counts a global up and calls itself, without end. */
static fvm_bytes endless_recursion(wasm_asm *a)
{
    wasm_begin(a);
    uint32_t type = wasm_type(a, "i", "i");
    wasm_global(a, 'i', true, FVM_BYTES(I32_CONST, 0, END));
    uint32_t f = wasm_func(a, type,
                           BODY(NO_LOCALS, GLOBAL_GET, 0, I32_CONST, 1, I32_ADD, GLOBAL_SET, 0,
                                LOCAL_GET, 0, CALL, 0, END));
    wasm_export(a, "f", WASM_FUNC_KIND, f);
    return wasm_finish(a);
}

TEST(recursion_ends_at_the_same_depth_of_the_frame_budget)
{
    wasm_asm a;
    if (no_compiler()) return;
    fvm_bytes wasm = endless_recursion(&a);
    outcome out = run_both(&fvm_wasm_rules_standard, wasm, 1, 0);
    CHECK(out.err == FVM_ERR_TRAP && out.trap == FVM_WASM_TRAP_STACK_OVERFLOW);
    CHECK(out.global > 1000);
    wasm_end(&a);
}

TEST(recursion_ends_at_the_same_height_of_the_limiter)
{
    wasm_asm a;
    if (no_compiler()) return;
    fvm_bytes wasm = endless_recursion(&a);
    outcome out = run_both(&metered, wasm, 1, INT64_MAX);
    CHECK(out.err == FVM_ERR_TRAP && out.trap == FVM_WASM_TRAP_STACK_LIMIT);
    wasm_end(&a);
}

TEST(gas_short_by_any_amount_ends_both_at_the_same_place)
{
    wasm_asm a;
    if (no_compiler()) return;
    wasm_begin(&a);
    uint32_t type = wasm_type(&a, "i", "i");
    wasm_global(&a, 'i', true, FVM_BYTES(I32_CONST, 0, END));
    wasm_memory(&a, 1, -1);
    /* loop: global += 1, store, memory.grow by the argument if odd, until the argument is zero */
    uint32_t f = wasm_func(&a, type,
                           BODY(1, 1, 0x7f, LOOP, EMPTY, GLOBAL_GET, 0, I32_CONST, 1, I32_ADD,
                                GLOBAL_SET, 0, LOCAL_GET, 0, LOCAL_GET, 0, I32_STORE, 2, 0,
                                LOCAL_GET, 0, IF, EMPTY, LOCAL_GET, 1, MEMORY_GROW, 0, LOCAL_SET, 1,
                                LOCAL_GET, 0, I32_CONST, 1, I32_SUB, LOCAL_TEE, 0, BR_IF, 1, END,
                                END, GLOBAL_GET, 0, END));
    wasm_export(&a, "f", WASM_FUNC_KIND, f);
    fvm_bytes wasm = wasm_finish(&a);
    outcome out = run_both(&metered, wasm, 3, INT64_C(1) << 40);
    CHECK_OK(out.err);
    int64_t used = (INT64_C(1) << 40) - out.gas;
    for (int64_t gas = 0; gas <= used; gas += gas < used - 500000 && gas > 500000 ? 999000 : 1000) {
        out = run_both(&metered, wasm, 3, gas);
        CHECK((out.err == FVM_OK) == (gas >= used));
    }
    wasm_end(&a);
}

TEST(charges_beyond_32_bits_are_exact)
{
    wasm_asm a;
    fvm_wasm_rules dear = metered;
    if (no_compiler()) return;
    dear.instruction_milligas = 0x70000000;
    wasm_begin(&a);
    uint32_t type = wasm_type(&a, "i", "i");
    uint32_t f = wasm_func(&a, type,
                           BODY(NO_LOCALS, LOCAL_GET, 0, I32_CONST, 5, I32_ADD, LOCAL_GET, 0, IF,
                                EMPTY, NOP, END, END));
    wasm_export(&a, "f", WASM_FUNC_KIND, f);
    fvm_bytes wasm = wasm_finish(&a);
    outcome out = run_both(&dear, wasm, 1, INT64_C(1) << 45);
    CHECK_OK(out.err);
    CHECK(out.result == 6);
    int64_t used = (INT64_C(1) << 45) - out.gas;
    CHECK(used > UINT32_MAX);
    out = run_both(&dear, wasm, 1, used - 1);
    CHECK(out.trap == FVM_WASM_TRAP_OUT_OF_GAS && out.gas == -1);
    wasm_end(&a);
}

/* --- branch tables ---------------------------------------------------------------------------------
 * Random machines: nested loops and blocks that have different locals in registers, and tables that
 * go from anywhere to any of them. Local 0 is the argument, 13 the fuel, 14 what a block left. */

static void put_arithmetic(fvm_buf *body, test_rng *rng, unsigned n)
{
    static const uint8_t ops[] = { I32_ADD, I32_SUB, I32_MUL };
    while (n--) {
        uint8_t a = (uint8_t)test_rng_below(rng, 13), b = (uint8_t)test_rng_below(rng, 13);
        uint8_t op = ops[test_rng_below(rng, 3)], to = (uint8_t)test_rng_below(rng, 13);
        put(body, FVM_BYTES(LOCAL_GET, a, LOCAL_GET, b, op, I32_CONST, 7, I32_ADD, LOCAL_SET, to),
            1);
    }
}

/* Ends the function when the fuel does; then jumps to one of the `open` labels. */
static void put_table(fvm_buf *body, test_rng *rng, uint8_t open, bool with_value)
{
    uint8_t entries = (uint8_t)test_rng_below(rng, 12);
    put(body,
        FVM_BYTES(LOCAL_GET, 13, I32_CONST, 1, I32_SUB, LOCAL_TEE, 13, I32_EQZ, IF, EMPTY,
                  LOCAL_GET, 0, RETURN, END),
        1);
    if (with_value) put(body, FVM_BYTES(LOCAL_GET, (uint8_t)test_rng_below(rng, 13)), 1);
    put(body, FVM_BYTES(LOCAL_GET, (uint8_t)test_rng_below(rng, 13), I32_CONST, 15, 0x71), 1);
    put(body, FVM_BYTES(BR_TABLE, entries), 1);
    for (unsigned e = 0; e <= entries; e++) wasm_u8(body, (uint8_t)test_rng_below(rng, open));
}

static void put_machine(fvm_buf *body, test_rng *rng, bool with_value)
{
    uint8_t depth = (uint8_t)(1 + test_rng_below(rng, 14));
    wasm_put(body, "\1\x0e\x7f", 3);
    put(body, FVM_BYTES(I32_CONST, 60, LOCAL_SET, 13), 1);
    for (uint8_t d = 0; d < depth; d++) {
        uint8_t kind = !with_value && test_rng_below(rng, 2) ? LOOP : BLOCK;
        put(body, FVM_BYTES(kind, with_value ? RESULT_I32 : EMPTY), 1);
        put_arithmetic(body, rng, (unsigned)test_rng_below(rng, 4));
    }
    for (uint8_t open = depth; open > 0; open--) {
        put_table(body, rng, open, with_value);
        wasm_u8(body, END);
        if (with_value) put(body, FVM_BYTES(LOCAL_SET, 14), 1);
        put_arithmetic(body, rng, 1 + (unsigned)test_rng_below(rng, 4));
    }
    wasm_put(body, (const uint8_t[]){ LOCAL_GET, 14 }, 2);
    for (uint8_t i = 0; i < 13; i++)
        put(body, FVM_BYTES(LOCAL_GET, i, I32_ADD, I32_CONST, 3, I32_MUL), 1);
    wasm_u8(body, END);
}

TEST(branch_tables_go_the_same_ways)
{
    test_rng rng = { 17 };
    if (no_compiler()) return;
    for (size_t round = 0; round < test_rounds(600); round++) {
        wasm_asm a;
        fvm_buf body;
        fvm_buf_init(&body, NULL);
        put_machine(&body, &rng, round % 3 == 0);
        wasm_begin(&a);
        uint32_t f = wasm_func(&a, wasm_type(&a, "i", "i"), fvm_buf_bytes(&body));
        wasm_export(&a, "f", WASM_FUNC_KIND, f);
        fvm_bytes wasm = wasm_finish(&a);
        outcome out = run_both(&metered, wasm, test_rng_next(&rng) >> 32, INT64_C(1) << 40);
        CHECK_OK(out.err);
        fvm_buf_deinit(&body);
        wasm_end(&a);
    }
}

/* --- code pages ----------------------------------------------------------------------------------- */

TEST(code_pages_are_never_writable_and_executable)
{
    wasm_asm a;
    fvm_wasm_module *module;
    char line[512];
    bool found = false;
    if (no_compiler()) return;
    CHECK_OK(fvm_wasm_module_new_on(&module, &metered, NULL, endless_recursion(&a), NULL, NULL,
                                    FVM_WASM_BACKEND_X64));
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps)) {
        uint64_t from, to;
        char may[5];
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &from, &to, may) != 3) continue;
        CHECK_AT(line, !(strchr(may, 'w') && strchr(may, 'x')));
        uint64_t code = (uint64_t)(uintptr_t)module->code;
        if (code >= from && code < to) found = strcmp(may, "r-xp") == 0;
    }
    fclose(maps);
    CHECK(found);
    fvm_wasm_module_free(module);
    wasm_end(&a);
}

/* --- hostile modules ------------------------------------------------------------------------------ */

/* Counts the most that was held at once. */
typedef struct peak_alloc {
    fvm_allocator allocator;
    size_t now, peak;
} peak_alloc;

static void *peak_resize(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    peak_alloc *p = ctx;
    void *grown = fvm_allocator_libc()->resize(NULL, ptr, old_size, new_size);
    if (!grown && new_size) return NULL;
    p->now = p->now - old_size + new_size;
    if (p->now > p->peak) p->peak = p->now;
    return grown;
}

/* Bytes of code, and of memory while compiling, for each byte of the module. */
static void measure(double *code, double *memory, hostile_shape shape, size_t size)
{
    fvm_buf wasm;
    peak_alloc p = { .now = 0 };
    p.allocator = (fvm_allocator){ .ctx = &p, .resize = peak_resize };
    fvm_wasm_module *module;
    char detail[FVM_WASM_DETAIL_MAX];
    hostile_build(&wasm, shape, size);
    fvm_err err = fvm_wasm_module_new_on(&module, &metered, NULL, fvm_buf_bytes(&wasm), detail,
                                         &p.allocator, FVM_WASM_BACKEND_X64);
    if (err != FVM_OK) test_fail(__FILE__, __LINE__, hostile_names[shape], detail);
    /* code is made where it stays, in a mapping of its own */
    *code = (double)module->code_bytes / (double)wasm.len;
    *memory = (double)(p.peak + module->code_bytes) / (double)wasm.len;
    fvm_wasm_module_free(module);
    fvm_buf_deinit(&wasm);
}

/* The constants of the linear bound: ARCHITECTURE.md names them. */
#define CODE_BYTES_MAX 40
#define MEMORY_BYTES_MAX 240

TEST(code_and_memory_are_linear_in_hostile_modules)
{
    if (no_compiler()) return;
    for (int shape = 0; shape < HOSTILE_COUNT; shape++) {
        const char *name = hostile_names[shape];
        double code[2], memory[2];
        measure(&code[0], &memory[0], (hostile_shape)shape, 60000);
        measure(&code[1], &memory[1], (hostile_shape)shape, 240000);
        printf("  %-24s %5.1f bytes of code, %5.1f of memory per byte\n", name, code[1], memory[1]);
        CHECK_AT(name, code[1] < CODE_BYTES_MAX && code[1] < code[0] * 2 + 0.1);
        CHECK_AT(name, memory[1] < MEMORY_BYTES_MAX && memory[1] < memory[0] * 2.5);
    }
}

/* --- no memory ------------------------------------------------------------------------------------ */

static fvm_err compile_with(const fvm_allocator *alloc, void *ctx)
{
    fvm_wasm_module *module;
    char detail[FVM_WASM_DETAIL_MAX];
    FVM_TRY(fvm_wasm_module_new_on(&module, &metered, NULL, *(fvm_bytes *)ctx, detail, alloc,
                                   FVM_WASM_BACKEND_X64));
    fvm_wasm_module_free(module);
    return FVM_OK;
}

TEST(each_allocation_of_the_compiler_may_fail)
{
    if (no_compiler()) return;
    for (int shape = 0; shape < HOSTILE_COUNT; shape++) {
        fvm_buf wasm;
        hostile_build(&wasm, (hostile_shape)shape, 900);
        fvm_bytes bytes = fvm_buf_bytes(&wasm);
        test_each_allocation_fails(compile_with, &bytes);
        fvm_buf_deinit(&wasm);
    }
}
