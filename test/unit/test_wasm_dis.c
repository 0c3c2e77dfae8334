/* Listings: every instruction of the table can be listed, blocks cost what the meter says, and names
 * of any bytes are read without harm. */
#include "../test.h"

#include "wasm/decoder.h"
#include "wasm/dis.h"
#include "wasm/names.h"
#include "wasm_asm.h"

#include <stdlib.h>

static const fvm_wasm_rules v4 = WASM_RULES_V4;

static fvm_err append(void *ctx, fvm_bytes text)
{
    return fvm_buf_append(ctx, text);
}

/* The listing as a string; free it. */
static char *list(const fvm_wasm_rules *rules, fvm_bytes wasm, uint32_t func)
{
    fvm_buf out;
    char detail[FVM_WASM_DETAIL_MAX];
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_wasm_dis(rules, NULL, wasm, func, append, &out, detail, NULL));
    CHECK_OK(fvm_buf_put_u8(&out, 0));
    return (char *)out.ptr;
}

/* --- all instructions ------------------------------------------------------------------------- */

typedef struct row {
    unsigned code;
    bool memory;
    const char *text;
} row;
enum { IMM_NONE, IMM_MEM, IMM_CUSTOM };
static const row rows[] = {
#define OP(name, code, imm, pops, push, text) { code, IMM_##imm == IMM_MEM, text },
#include "wasm/opcodes.def"
};

/* Immediates of a form that is right for the module below. */
static void put_immediates(fvm_buf *body, const row *r)
{
    if (r->memory) {
        wasm_put(body, "\0\5", 2);
        return;
    }
    switch (r->code) {
    case 0x02:
    case 0x03:
    case 0x04: wasm_put(body, "\x40\x0b", 2); return; /* empty, ends at once */
    case 0x0e: wasm_put(body, "\1\0\0", 3); return;
    case 0x1c: wasm_put(body, "\1\x7f", 2); return;
    case 0x43: wasm_put(body, "\0\0\xc0\x7f", 4); return; /* a NaN */
    case 0x44: wasm_put(body, "\0\0\0\0\0\0\xf8\x3f", 8); return;
    case 0xd0: wasm_put(body, "\x70", 1); return;
    case 0x11:
    case 0xfc08:
    case 0xfc0a:
    case 0xfc0c:
    case 0xfc0e: wasm_put(body, "\0\0", 2); return;
    case 0x0c:
    case 0x0d:
    case 0x10:
    case 0x20:
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x24:
    case 0x25:
    case 0x26:
    case 0x3f:
    case 0x40:
    case 0x41:
    case 0x42:
    case 0xd2:
    case 0xfc09:
    case 0xfc0b:
    case 0xfc0d:
    case 0xfc0f:
    case 0xfc10:
    case 0xfc11: wasm_u8(body, 0); return;
    default: return;
    }
}

/* A function for each instruction, which stands where it cannot be reached: any types fit. */
static void add_function(wasm_asm *a, uint32_t type, const row *r)
{
    fvm_buf body;
    fvm_buf_init(&body, NULL);
    wasm_put(&body, "\1\1\x7f\0", 4); /* a local; unreachable */
    if (r->code == 0x05) wasm_put(&body, "\4\x40", 2);
    if (r->code > 0xff) wasm_u8(&body, 0xfc);
    wasm_u8(&body, (uint8_t)r->code);
    if (r->code != 0x0b) {
        put_immediates(&body, r);
        if (r->code == 0x05) wasm_u8(&body, END);
        wasm_put(&body, "\0\x0b", 2);
    }
    (void)wasm_func(a, type, fvm_buf_bytes(&body));
    fvm_buf_deinit(&body);
}

static void every_instruction(wasm_asm *a)
{
    wasm_begin(a);
    uint32_t type = wasm_type(a, "", "");
    wasm_table(a, 1, -1);
    wasm_memory(a, 1, -1);
    wasm_global(a, 'i', true, FVM_BYTES(I32_CONST, 0, END));
    wasm_export(a, "f", WASM_FUNC_KIND, 0);
    wasm_elem(a, 0, FVM_BYTES(0));
    wasm_data_count(a, 1);
    wasm_data(a, 0, FVM_BYTES(1));
    for (size_t i = 0; i < FVM_COUNT(rows); i++) add_function(a, type, &rows[i]);
}

TEST(every_instruction_of_the_table_is_listed_by_its_name)
{
    wasm_asm a;
    char want[64];
    every_instruction(&a);
    fvm_bytes wasm = wasm_finish(&a);
    for (uint32_t i = 0; i < FVM_COUNT(rows); i++) {
        char *text = list(&fvm_wasm_rules_standard, wasm, i);
        (void)snprintf(want, sizeof want, "\n    %s", rows[i].text);
        if (rows[i].code == 0x05) (void)snprintf(want, sizeof want, "\n    if\n    else");
        if (rows[i].code == 0x0b) (void)snprintf(want, sizeof want, "\n  end"); /* the last one */
        CHECK_AT(rows[i].text, strstr(text, want) != NULL);
        CHECK_AT(rows[i].text, strstr(text, "end)\n") != NULL);
        if (rows[i].memory) CHECK_AT(rows[i].text, strstr(text, "offset=5 align=1") != NULL);
        free(text);
    }
    wasm_end(&a);
}

/* --- costs ------------------------------------------------------------------------------------ */

typedef struct sum {
    uint64_t milligas;
    size_t blocks;
} sum;
static void add_block(void *ctx, const fvm__meter_block *block)
{
    sum *s = ctx;
    s->milligas += block->milligas;
    s->blocks++;
}

TEST(blocks_of_a_listing_are_those_of_the_meter)
{
    wasm_asm a;
    fvm_wasm_module *m;
    sum metered = { 0 }, listed = { 0 };
    wasm_begin(&a);
    uint32_t t = wasm_type(&a, "i", "i");
    uint32_t f = wasm_func(&a, t,
                           BODY(NO_LOCALS, BLOCK, EMPTY, LOOP, EMPTY, LOCAL_GET, 0, I32_EQZ, BR_IF,
                                1, LOCAL_GET, 0, I32_CONST, 1, I32_SUB, LOCAL_SET, 0, BR, 0, END,
                                END, I32_CONST, 9, END));
    (void)wasm_func(&a, t,
                    BODY(NO_LOCALS, LOCAL_GET, 0, IF, RESULT_I32, I32_CONST, 1, ELSE, I32_CONST, 2,
                         I32_CONST, 3, I32_ADD, END, END));
    wasm_export(&a, "invoke", WASM_FUNC_KIND, f);
    fvm_bytes wasm = wasm_finish(&a);
    const fvm__meter_listener listener = { add_block, &metered };
    CHECK_OK(fvm__module_new(&m, &v4, NULL, wasm, NULL, NULL, &listener));
    fvm_wasm_module_free(m);

    char *text = list(&v4, wasm, FVM_WASM_DIS_ALL);
    for (const char *at = text; (at = strstr(at, ";; block: ")) != NULL; at++) {
        listed.milligas += strtoull(at + strlen(";; block: "), NULL, 10);
        listed.blocks++;
    }
    CHECK(listed.blocks == metered.blocks && listed.milligas == metered.milligas);
    /* engine.md 6, example B: 4000 for the trailing constant, 12000 in the loop, 20000 behind br_if */
    CHECK(strstr(text,
                 "    ;; block: 4000 milligas\n    block\n      loop\n"
                 "        ;; block: 12000 milligas\n        local.get 0\n"
                 "        i32.eqz\n        br_if 1\n        ;; block: 20000 milligas\n") != NULL);
    free(text);
    wasm_end(&a);
}

TEST(listing_refuses_what_the_engine_refuses_and_says_where)
{
    wasm_asm a;
    fvm_buf out;
    char detail[FVM_WASM_DETAIL_MAX];
    fvm_buf_init(&out, NULL);
    wasm_begin(&a);
    (void)wasm_func(&a, wasm_type(&a, "", "i"), BODY(NO_LOCALS, END));
    fvm_bytes wasm = wasm_finish(&a);
    CHECK_ERR(fvm_wasm_dis(&v4, NULL, wasm, FVM_WASM_DIS_ALL, append, &out, detail, NULL),
              FVM_ERR_WASM_INVALID);
    CHECK(strstr(detail, "at byte") != NULL && out.len == 0);
    wasm_end(&a);
    wasm_begin(&a);
    (void)wasm_func(&a, wasm_type(&a, "", ""), BODY(NO_LOCALS, END));
    wasm = wasm_finish(&a);
    CHECK_ERR(fvm_wasm_dis(&v4, NULL, wasm, 1, append, &out, detail, NULL), FVM_ERR_NOT_FOUND);
    wasm_end(&a);
    fvm_buf_deinit(&out);
}

/* --- names ------------------------------------------------------------------------------------ */

#define NAMED(...) FVM_BYTES(0, 'a', 's', 'm', 1, 0, 0, 0, 0, __VA_ARGS__)

TEST(names_are_read_until_they_break)
{
    const struct {
        const char *why;
        fvm_bytes wasm;
        unsigned count;
    } cases[] = {
        { "two names", NAMED(14, 4, 'n', 'a', 'm', 'e', 1, 7, 2, 0, 1, 'x', 3, 1, 'y'), 2 },
        { "behind another part", NAMED(15, 4, 'n', 'a', 'm', 'e', 0, 2, 1, 'm', 1, 4, 1, 5, 1, 'z'),
          1 },
        { "the second index not above the first",
          NAMED(14, 4, 'n', 'a', 'm', 'e', 1, 7, 2, 3, 1, 'x', 3, 1, 'y'), 1 },
        { "fewer than announced", NAMED(11, 4, 'n', 'a', 'm', 'e', 1, 4, 9, 0, 1, 'x'), 1 },
        { "not UTF-8", NAMED(11, 4, 'n', 'a', 'm', 'e', 1, 4, 1, 0, 1, 0xff), 0 },
        { "a length past the end", NAMED(11, 4, 'n', 'a', 'm', 'e', 1, 4, 1, 0, 9, 'x'), 0 },
        { "no such section", NAMED(11, 4, 'n', 'a', 'm', 'f', 1, 4, 1, 0, 1, 'x'), 0 },
        { "no module", FVM_BYTES(0, 'a', 's'), 0 },
    };
    for (size_t i = 0; i < FVM_COUNT(cases); i++) {
        fvm_wasm_names names;
        CHECK_OK(fvm_wasm_names_read(&names, cases[i].wasm, NULL));
        CHECK_AT(cases[i].why, names.count == cases[i].count);
        if (i == 0) {
            CHECK_BYTES(fvm_wasm_names_func(&names, 3), FVM_STR("y"));
            CHECK(fvm_wasm_names_func(&names, 2).len == 0);
        }
        fvm_wasm_names_deinit(&names);
    }
}

static fvm_err list_all(const fvm_allocator *alloc, void *ctx)
{
    fvm_buf out;
    fvm_buf_init(&out, alloc);
    fvm_err err = fvm_wasm_dis(&fvm_wasm_rules_standard, NULL, *(fvm_bytes *)ctx, FVM_WASM_DIS_ALL,
                               append, &out, NULL, alloc);
    fvm_buf_deinit(&out);
    return err;
}
TEST(listing_survives_each_failing_allocation)
{
    wasm_asm a;
    wasm_begin(&a);
    (void)wasm_func(&a, wasm_type(&a, "", ""), BODY(NO_LOCALS, END));
    fvm_bytes wasm = wasm_finish(&a);
    test_each_allocation_fails(list_all, &wasm);
    wasm_end(&a);
}
