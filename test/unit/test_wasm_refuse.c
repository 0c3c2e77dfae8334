/* test_wasm_refuse.c - what does not load, and with which error (reference/engine.md 2 and 3). */
#include "test.h"
#include "wasm/store.h"
#include "wasm_asm.h"

static const fvm_wasm_rules v4 = WASM_RULES_V4, v2 = WASM_RULES_V2;

static fvm_err load(const fvm_wasm_rules *rules, fvm_bytes wasm)
{
    fvm_wasm_module *m = NULL;
    char detail[FVM_WASM_DETAIL_MAX];
    fvm_err err = fvm_wasm_module_new(&m, rules, NULL, wasm, detail, NULL);
    CHECK((err == FVM_OK) == (m != NULL));
    CHECK((err == FVM_OK) == (detail[0] == '\0'));
    fvm_wasm_module_free(m);
    return err;
}

/* --- bytes -------------------------------------------------------------------------------------- */

#define HEAD 0, 'a', 's', 'm', 1, 0, 0, 0
static const struct {
    const char *why;
    fvm_bytes wasm;
    fvm_err err;
} bytes_refused[] = {
    { "nothing", { NULL, 0 }, FVM_ERR_WASM_MALFORMED },
    { "half a magic", FVM_BYTES(0, 'a'), FVM_ERR_WASM_MALFORMED },
    { "magic alone", FVM_BYTES(0, 'a', 's', 'm'), FVM_ERR_WASM_MALFORMED },
    { "version 2", FVM_BYTES(0, 'a', 's', 'm', 2, 0, 0, 0), FVM_ERR_WASM_MALFORMED },
    { "section 13", FVM_BYTES(HEAD, 13, 0), FVM_ERR_WASM_MALFORMED },
    { "section past the end", FVM_BYTES(HEAD, 1, 5, 0), FVM_ERR_WASM_MALFORMED },
    { "section size in six bytes", FVM_BYTES(HEAD, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0),
      FVM_ERR_WASM_MALFORMED },
    { "a byte left in a section", FVM_BYTES(HEAD, 1, 2, 0, 0), FVM_ERR_WASM_MALFORMED },
    { "two type sections", FVM_BYTES(HEAD, 1, 1, 0, 1, 1, 0), FVM_ERR_WASM_MALFORMED },
    { "types behind imports", FVM_BYTES(HEAD, 2, 1, 0, 1, 1, 0), FVM_ERR_WASM_MALFORMED },
    { "count that does not fit", FVM_BYTES(HEAD, 1, 1, 100), FVM_ERR_WASM_MALFORMED },
    { "type form", FVM_BYTES(HEAD, 1, 2, 1, 0x5f), FVM_ERR_WASM_MALFORMED },
    { "v128", FVM_BYTES(HEAD, 1, 5, 1, 0x60, 1, 0x7b, 0), FVM_ERR_WASM_MALFORMED },
    { "function of no type", FVM_BYTES(HEAD, 3, 2, 1, 0), FVM_ERR_WASM_INVALID },
    { "function without a body", FVM_BYTES(HEAD, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0),
      FVM_ERR_WASM_MALFORMED },
    { "custom section without a name", FVM_BYTES(HEAD, 0, 0), FVM_ERR_WASM_MALFORMED },
    { "custom name that is no UTF-8", FVM_BYTES(HEAD, 0, 2, 1, 0xff), FVM_ERR_WASM_MALFORMED },
    { "custom name with a surrogate", FVM_BYTES(HEAD, 0, 4, 3, 0xed, 0xa0, 0x80),
      FVM_ERR_WASM_MALFORMED },
    { "two memories", FVM_BYTES(HEAD, 5, 5, 2, 0, 1, 0, 1), FVM_ERR_WASM_INVALID },
    { "memory of 65537 pages", FVM_BYTES(HEAD, 5, 5, 1, 0, 0x81, 0x80, 4), FVM_ERR_WASM_INVALID },
    { "maximum below minimum", FVM_BYTES(HEAD, 5, 4, 1, 1, 2, 1), FVM_ERR_WASM_INVALID },
    { "64-bit memory", FVM_BYTES(HEAD, 5, 3, 1, 4, 1), FVM_ERR_WASM_MALFORMED },
    { "shared memory", FVM_BYTES(HEAD, 5, 4, 1, 3, 1, 1), FVM_ERR_WASM_MALFORMED },
    { "export of what is not there", FVM_BYTES(HEAD, 7, 4, 1, 0, 0, 0), FVM_ERR_WASM_INVALID },
    { "start of what is not there", FVM_BYTES(HEAD, 8, 1, 0), FVM_ERR_WASM_INVALID },
    { "data without a memory", FVM_BYTES(HEAD, 11, 6, 1, 0, I32_CONST, 0, END, 0),
      FVM_ERR_WASM_INVALID },
    { "data count alone", FVM_BYTES(HEAD, 12, 1, 1), FVM_ERR_WASM_MALFORMED },
    { "mutability 2", FVM_BYTES(HEAD, 6, 6, 1, 0x7f, 2, I32_CONST, 0, END),
      FVM_ERR_WASM_MALFORMED },
    { "initialiser of another type", FVM_BYTES(HEAD, 6, 6, 1, 0x7f, 0, I64_CONST, 0, END),
      FVM_ERR_WASM_INVALID },
    { "initialiser that computes",
      FVM_BYTES(HEAD, 6, 9, 1, 0x7f, 0, I32_CONST, 0, I32_CONST, 0, I32_ADD, END),
      FVM_ERR_WASM_INVALID },
    { "two exports of one name",
      FVM_BYTES(HEAD, 5, 3, 1, 0, 1, 7, 9, 2, 1, 'm', 2, 0, 1, 'm', 2, 0), FVM_ERR_WASM_INVALID },
};

TEST(bytes_that_are_no_module_are_refused_alike_by_all_rules)
{
    const fvm_wasm_rules *rules[] = { &v4, &v2, &fvm_wasm_rules_standard };
    for (size_t i = 0; i < FVM_COUNT(bytes_refused); i++)
        for (size_t r = 0; r < FVM_COUNT(rules); r++)
            CHECK_AT(bytes_refused[i].why,
                     load(rules[r], bytes_refused[i].wasm) == bytes_refused[i].err);
}

TEST(every_prefix_of_a_module_is_refused_unless_it_ends_a_section)
{
    wasm_asm a;
    wasm_begin(&a);
    uint32_t t = wasm_type(&a, "i", "i");
    uint32_t f = wasm_func(
        &a, t,
        BODY(1, 3, 0x7e, LOCAL_GET, 0, IF, RESULT_I32, I32_CONST, 1, ELSE, I32_CONST, 2, END, END));
    wasm_table(&a, 2, -1);
    wasm_memory(&a, 1, 2);
    wasm_global(&a, 'i', true, BODY(I32_CONST, 5, END));
    wasm_export(&a, "invoke", WASM_FUNC_KIND, f);
    wasm_elem(&a, 0, BODY(0));
    wasm_data(&a, 0, FVM_STR("text"));
    fvm_bytes wasm = wasm_finish(&a);
    CHECK_OK(load(&v4, wasm));
    size_t ok = 0;
    for (size_t n = 0; n < wasm.len; n++) ok += load(&v4, (fvm_bytes){ wasm.ptr, n }) == FVM_OK;
    CHECK(ok == 1); /* all but the data section */
    wasm_end(&a);
}

/* The compiler reads ahead where the module goes on. A data section begins as `end` does. */
static fvm_err load_cut(fvm_bytes body, size_t len, bool goes_on)
{
    wasm_asm a;
    wasm_begin(&a);
    wasm_func(&a, wasm_type(&a, "il", "i"), (fvm_bytes){ body.ptr, len });
    wasm_memory(&a, 1, -1);
    wasm_global(&a, 'i', true, BODY(I32_CONST, 0, END));
    if (goes_on) wasm_data(&a, 0, FVM_STR("more bytes than any instruction has, by far"));
    fvm_err err = load(&v4, wasm_finish(&a));
    wasm_end(&a);
    return err;
}

TEST(a_body_that_is_cut_anywhere_is_refused_whatever_stands_behind_it)
{
    fvm_bytes body = BODY(1, 2, 0x7f, LOCAL_GET, 0, I32_CONST, 0x80, 1, I32_ADD, LOCAL_SET, 2,
                          LOCAL_GET, 2, I32_LOAD, 2, 0x80, 2, DROP, LOCAL_GET, 0, LOCAL_GET, 1,
                          0x37, 3, 0x84, 0x80, 0, BLOCK, EMPTY, LOCAL_GET, 3, I32_CONST, 0xc0, 0,
                          BR_IF, 0, LOCAL_TEE, 3, DROP, END, LOOP, EMPTY, I64_CONST, 0x80, 0x80,
                          0x80, 0, DROP, END, 0x23, 0, 0x24, 0, LOCAL_GET, 0, LOCAL_GET, 1, CALL, 0,
                          IF, RESULT_I32, I32_CONST, 1, ELSE, LOCAL_GET, 2, END, END);
    CHECK_OK(load_cut(body, body.len, true));
    CHECK_OK(load_cut(body, body.len, false));
    for (size_t len = 0; len < body.len; len++) {
        CHECK(load_cut(body, len, true) != FVM_OK);
        CHECK_ERR(load_cut(body, len, true), load_cut(body, len, false));
    }
}

/* --- bodies ------------------------------------------------------------------------------------- */

static fvm_err load_body(const fvm_wasm_rules *rules, const char *params, const char *results,
                         fvm_bytes body)
{
    wasm_asm a;
    wasm_begin(&a);
    wasm_func(&a, wasm_type(&a, params, results), body);
    wasm_memory(&a, 1, -1);
    wasm_table(&a, 1, -1);
    wasm_global(&a, 'i', false, BODY(I32_CONST, 0, END));
    fvm_err err = load(rules, wasm_finish(&a));
    wasm_end(&a);
    return err;
}

static const struct {
    const char *why, *params, *results;
    fvm_bytes body;
    fvm_err err;
} bodies_refused[] = {
    { "no result", "", "i", BODY(0, END), FVM_ERR_WASM_INVALID },
    { "a result of another type", "", "i", BODY(0, I64_CONST, 0, END), FVM_ERR_WASM_INVALID },
    { "an operand left", "", "", BODY(0, I32_CONST, 0, END), FVM_ERR_WASM_INVALID },
    { "operand missing", "", "", BODY(0, I32_CONST, 0, I32_ADD, DROP, END), FVM_ERR_WASM_INVALID },
    { "operand of the outer block", "", "", BODY(0, I32_CONST, 0, BLOCK, EMPTY, DROP, END, END),
      FVM_ERR_WASM_INVALID },
    { "if without else but a result", "i", "i",
      BODY(0, LOCAL_GET, 0, IF, RESULT_I32, I32_CONST, 0, END, END), FVM_ERR_WASM_INVALID },
    { "arms of two types", "i", "i",
      BODY(0, LOCAL_GET, 0, IF, RESULT_I32, I32_CONST, 0, ELSE, I64_CONST, 0, END, END),
      FVM_ERR_WASM_INVALID },
    { "else without if", "", "", BODY(0, ELSE, END), FVM_ERR_WASM_MALFORMED },
    { "two elses", "i", "", BODY(0, LOCAL_GET, 0, IF, EMPTY, ELSE, ELSE, END, END),
      FVM_ERR_WASM_MALFORMED },
    { "no end", "", "", BODY(0, NOP), FVM_ERR_WASM_MALFORMED },
    { "bytes behind the end", "", "", BODY(0, END, NOP), FVM_ERR_WASM_MALFORMED },
    { "label that is not there", "", "", BODY(0, BR, 1, END), FVM_ERR_WASM_INVALID },
    { "local that is not there", "i", "", BODY(0, LOCAL_GET, 1, DROP, END), FVM_ERR_WASM_INVALID },
    { "global that is not there", "", "", BODY(0, GLOBAL_GET, 1, DROP, END), FVM_ERR_WASM_INVALID },
    { "global that is constant", "", "", BODY(0, I32_CONST, 0, GLOBAL_SET, 0, END),
      FVM_ERR_WASM_INVALID },
    { "function that is not there", "", "", BODY(0, CALL, 1, END), FVM_ERR_WASM_INVALID },
    { "type that is not there", "", "", BODY(0, I32_CONST, 0, CALL_INDIRECT, 1, 0, END),
      FVM_ERR_WASM_INVALID },
    { "table that is not there", "", "", BODY(0, I32_CONST, 0, CALL_INDIRECT, 0, 1, END),
      FVM_ERR_WASM_INVALID },
    { "alignment over the natural one", "", "", BODY(0, I32_CONST, 0, I32_LOAD, 3, 0, DROP, END),
      FVM_ERR_WASM_INVALID },
    { "memory index", "", "", BODY(0, MEMORY_SIZE, 1, DROP, END), FVM_ERR_WASM_MALFORMED },
    { "memory.init without a data count", "", "",
      BODY(0, I32_CONST, 0, I32_CONST, 0, I32_CONST, 0, PREFIX, 8, 0, 0, END),
      FVM_ERR_WASM_MALFORMED },
    { "opcode that is not there", "", "", BODY(0, 0x06, END), FVM_ERR_WASM_MALFORMED },
    { "prefixed opcode that is not there", "", "", BODY(0, PREFIX, 18, END),
      FVM_ERR_WASM_MALFORMED },
    { "vector instruction", "", "", BODY(0, 0xfd, 12, END), FVM_ERR_WASM_MALFORMED },
    { "tail call", "", "", BODY(0, 0x12, 0, END), FVM_ERR_WASM_MALFORMED },
    { "constant in six bytes", "", "",
      BODY(0, I32_CONST, 0x80, 0x80, 0x80, 0x80, 0x80, 0, DROP, END), FVM_ERR_WASM_MALFORMED },
    { "constant over 32 bits", "", "", BODY(0, I32_CONST, 0xff, 0xff, 0xff, 0xff, 0x0f, DROP, END),
      FVM_ERR_WASM_MALFORMED },
    { "50,001 locals", "i", "", BODY(1, 0xd0, 0x86, 3, 0x7f, END), FVM_ERR_WASM_MALFORMED },
    { "four thousand million locals", "", "", BODY(1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, END),
      FVM_ERR_WASM_MALFORMED },
};

TEST(bodies_that_are_not_valid_are_refused_alike_by_all_rules)
{
    const fvm_wasm_rules *rules[] = { &v4, &v2, &fvm_wasm_rules_standard };
    for (size_t i = 0; i < FVM_COUNT(bodies_refused); i++)
        for (size_t r = 0; r < FVM_COUNT(rules); r++)
            CHECK_AT(bodies_refused[i].why,
                     load_body(rules[r], bodies_refused[i].params, bodies_refused[i].results,
                               bodies_refused[i].body) == bodies_refused[i].err);
}

/* Whether a body loads depends on the rules. */
static const struct {
    const char *why;
    fvm_bytes body;
    fvm_err v2, v4; /* the standard loads all of them */
} features[] = {
    { "sign extension", BODY(0, I32_CONST, 0, I32_EXTEND8_S, DROP, END), FVM_ERR_WASM_UNSUPPORTED,
      FVM_OK },
    { "saturating conversion", BODY(0, 0x43, 0, 0, 0, 0, PREFIX, 0, DROP, END),
      FVM_ERR_WASM_UNSUPPORTED, FVM_OK },
    { "bulk memory", BODY(0, I32_CONST, 0, I32_CONST, 0, I32_CONST, 0, PREFIX, 11, 0, END), FVM_OK,
      FVM_OK },
    { "table.get", BODY(0, I32_CONST, 0, TABLE_GET, 0, DROP, END), FVM_ERR_WASM_UNSUPPORTED,
      FVM_OK },
    { "table.size", BODY(0, PREFIX, 16, 0, DROP, END), FVM_ERR_WASM_UNSUPPORTED, FVM_OK },
    { "ref.null", BODY(0, REF_NULL, 0x70, DROP, END), FVM_ERR_WASM_UNSUPPORTED,
      FVM_ERR_WASM_UNSUPPORTED },
    { "typed select", BODY(0, I32_CONST, 0, I32_CONST, 0, I32_CONST, 0, 0x1c, 1, 0x7f, DROP, END),
      FVM_ERR_WASM_UNSUPPORTED, FVM_ERR_WASM_UNSUPPORTED },
    { "funcref local", BODY(1, 1, 0x70, END), FVM_ERR_WASM_MALFORMED, FVM_OK },
    { "externref local", BODY(1, 1, 0x6f, END), FVM_ERR_WASM_MALFORMED, FVM_ERR_WASM_MALFORMED },
    { "block type by index", BODY(0, BLOCK, 0, END, END), FVM_ERR_WASM_INVALID,
      FVM_ERR_WASM_INVALID },
    { "negative constant in a charge",
      BODY(0, I32_CONST, 0, I32_CONST, 0, I32_CONST, 0x7f, PREFIX, 11, 0, END), FVM_OK,
      FVM_ERR_WASM_UNSUPPORTED },
    { "negative constant before memory.grow", BODY(0, I32_CONST, 0x7f, MEMORY_GROW, 0, DROP, END),
      FVM_OK, FVM_ERR_WASM_UNSUPPORTED },
    { "50,000 locals", BODY(1, 0xd0, 0x86, 3, 0x7f, END), FVM_OK, FVM_OK },
    { "50,000 locals and a charge at run time",
      BODY(1, 0xd0, 0x86, 3, 0x7f, LOCAL_GET, 0, MEMORY_GROW, 0, DROP, END), FVM_OK,
      FVM_ERR_WASM_UNSUPPORTED },
};

TEST(features_are_on_or_off_by_the_rules)
{
    for (size_t i = 0; i < FVM_COUNT(features); i++) {
        CHECK_AT(features[i].why, load_body(&v2, "", "", features[i].body) == features[i].v2);
        CHECK_AT(features[i].why, load_body(&v4, "", "", features[i].body) == features[i].v4);
        CHECK_AT(features[i].why,
                 load_body(&fvm_wasm_rules_standard, "", "", features[i].body) == FVM_OK);
    }
}

/* --- shape -------------------------------------------------------------------------------------- */

typedef struct shape {
    const char *why;
    void (*build)(wasm_asm *);
    fvm_err v2, v4, standard;
} shape;

static void no_code(wasm_asm *a)
{
    wasm_memory(a, 1, -1);
}
static void gas_imported(wasm_asm *a)
{
    wasm_import_raw(a, "gas", "gas_counter", BODY(3, 0x7e, 1));
    wasm_func(a, wasm_type(a, "", ""), BODY(0, END));
}
static void other_global_imported(wasm_asm *a)
{
    wasm_import_raw(a, "m", "g", BODY(3, 0x7e, 1));
    wasm_func(a, wasm_type(a, "", ""), BODY(0, END));
}
static void two_tables(wasm_asm *a)
{
    wasm_table(a, 1, -1);
    wasm_table(a, 1, -1);
    wasm_func(a, wasm_type(a, "", ""), BODY(0, END));
}
static void table_of_20001(wasm_asm *a)
{
    wasm_table(a, 20001, -1);
    wasm_func(a, wasm_type(a, "", ""), BODY(0, END));
}
static void memory_of_8193(wasm_asm *a)
{
    wasm_memory(a, 8193, -1);
    wasm_func(a, wasm_type(a, "", ""), BODY(0, END));
}
static void element_expressions(wasm_asm *a)
{
    wasm_table(a, 1, -1);
    wasm_raw(a, 9, BODY(5, 0x70, 1, REF_FUNC, 0, END));
    wasm_func(a, wasm_type(a, "", ""), BODY(0, END));
}
static void no_element_expressions(wasm_asm *a)
{
    wasm_table(a, 1, -1);
    wasm_raw(a, 9, BODY(5, 0x70, 0));
    wasm_func(a, wasm_type(a, "", ""), BODY(0, END));
}
static void two_results(wasm_asm *a)
{
    wasm_type(a, "", "ii");
}

static const shape shapes[] = {
    { "no function section", no_code, FVM_OK, FVM_ERR_WASM_UNSUPPORTED, FVM_OK },
    { "the gas counter imported", gas_imported, FVM_OK, FVM_ERR_WASM_UNSUPPORTED, FVM_OK },
    { "another global imported", other_global_imported, FVM_ERR_WASM_UNSUPPORTED, FVM_OK, FVM_OK },
    { "two tables", two_tables, FVM_ERR_WASM_INVALID, FVM_ERR_WASM_UNSUPPORTED, FVM_OK },
    { "a table of 20,001", table_of_20001, FVM_OK, FVM_ERR_WASM_UNSUPPORTED, FVM_OK },
    { "a memory of 8,193", memory_of_8193, FVM_OK, FVM_ERR_WASM_UNSUPPORTED, FVM_OK },
    { "elements by expressions", element_expressions, FVM_ERR_WASM_INVALID,
      FVM_ERR_WASM_UNSUPPORTED, FVM_OK },
    { "no elements by expressions", no_element_expressions, FVM_OK, FVM_OK, FVM_OK },
    { "two results", two_results, FVM_ERR_WASM_INVALID, FVM_ERR_WASM_INVALID, FVM_OK },
};

TEST(shapes_that_the_instrumentation_cannot_take_do_not_load)
{
    for (size_t i = 0; i < FVM_COUNT(shapes); i++) {
        wasm_asm a;
        wasm_begin(&a);
        shapes[i].build(&a);
        fvm_bytes wasm = wasm_finish(&a);
        CHECK_AT(shapes[i].why, load(&v2, wasm) == shapes[i].v2);
        CHECK_AT(shapes[i].why, load(&v4, wasm) == shapes[i].v4);
        CHECK_AT(shapes[i].why, load(&fvm_wasm_rules_standard, wasm) == shapes[i].standard);
        wasm_end(&a);
    }
}

/* --- linking ------------------------------------------------------------------------------------ */

static fvm_err host_nothing(fvm_wasm_instance *instance, void *host, uint64_t *slots)
{
    (void)instance;
    (void)host;
    (void)slots;
    return FVM_OK;
}
static const fvm_wasm_host_func funcs[] = { { "m", "f", "i", "i", host_nothing } };
static const fvm_wasm_host_table hosts = { funcs, FVM_COUNT(funcs) };

/* Loads with one import and says what making an instance gives. */
static fvm_err link_one(const fvm_wasm_rules *rules, const char *from, const char *name,
                        const char *params, fvm_bytes other)
{
    wasm_asm a;
    fvm_wasm_module *m = NULL;
    fvm_wasm_context *context = NULL;
    fvm_wasm_instance *instance = NULL;
    wasm_begin(&a);
    uint32_t t = wasm_type(&a, params, "i");
    if (other.len)
        wasm_import_raw(&a, from, name, other);
    else
        wasm_import_func(&a, from, name, t);
    wasm_func(&a, wasm_type(&a, "", ""), BODY(0, END));
    CHECK_OK(fvm_wasm_module_new(&m, rules, &hosts, wasm_finish(&a), NULL, NULL));
    CHECK_OK(fvm_wasm_context_new(&context, NULL));
    fvm_err err = fvm_wasm_instance_new(&instance, context, m, NULL, NULL, 1000000);
    CHECK((err == FVM_OK) == (instance != NULL));
    fvm_wasm_instance_free(instance);
    fvm_wasm_context_free(context);
    fvm_wasm_module_free(m);
    wasm_end(&a);
    return err;
}

TEST(imports_resolve_by_names_and_exact_type_or_fail_to_link)
{
    const fvm_bytes none = { NULL, 0 };
    CHECK_OK(link_one(&v4, "m", "f", "i", none));
    CHECK_ERR(link_one(&v4, "m", "g", "i", none), FVM_ERR_WASM_LINK);
    CHECK_ERR(link_one(&v4, "n", "f", "i", none), FVM_ERR_WASM_LINK);
    CHECK_ERR(link_one(&v4, "m", "f", "l", none), FVM_ERR_WASM_LINK);
    CHECK_ERR(link_one(&v4, "m", "f", "ii", none), FVM_ERR_WASM_LINK);
    CHECK_ERR(link_one(&v4, "m", "f", "i", BODY(1, 0x70, 0, 1)), FVM_ERR_WASM_LINK);
    CHECK_ERR(link_one(&v4, "m", "f", "i", BODY(2, 0, 1)), FVM_ERR_WASM_LINK);
    CHECK_ERR(link_one(&v4, "m", "f", "i", BODY(3, 0x7f, 0)), FVM_ERR_WASM_LINK);
    CHECK_ERR(link_one(&fvm_wasm_rules_standard, "m", "f", "i", BODY(2, 0, 1)), FVM_ERR_WASM_LINK);
}
