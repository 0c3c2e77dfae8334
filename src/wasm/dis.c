/* dis.c - see dis.h. The module is made first, so that what is read here is valid; reading is bounded
 * all the same, and stops with an error where it does not understand. */
#include "wasm/dis.h"

#include "wasm/decoder.h"
#include "wasm/names.h"
#include "wasm/reader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define INDENT_MAX 60u /* deeper blocks are not shifted further */
#define FLUSH_BYTES 65536u

typedef struct op_text {
    const char *text;
    bool memory; /* alignment and offset follow */
} op_text;
enum { IMM_NONE, IMM_MEM, IMM_CUSTOM };
static const op_text ops[FVM__OP_COUNT] = {
#define OP(name, code, imm, pops, push, words)                                                     \
    [FVM__OP_NUMBER(code)] = { words, IMM_##imm == IMM_MEM },
#include "wasm/opcodes.def"
};

typedef struct lister {
    const fvm_wasm_module *m;
    fvm_wasm_names names;
    fvm_buf blocks; /* fvm__meter_block, in the order of function and start once sorted */
    fvm_err failed; /* of the listener */
    size_t next;    /* block */
    fvm__reader in; /* the body */
    fvm_buf out;
    fvm_err (*write)(void *ctx, fvm_bytes text);
    void *ctx;
    uint32_t depth, func, position;
} lister;

/* --- text ------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static fvm_err put(lister *l, const char *format, ...)
{
    char text[256];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    return fvm_buf_append(&l->out, (fvm_bytes){ (const uint8_t *)text, len });
}

static fvm_err flush(lister *l)
{
    FVM_TRY(l->write(l->ctx, fvm_buf_bytes(&l->out)));
    l->out.len = 0;
    return FVM_OK;
}

static fvm_err new_line(lister *l)
{
    if (l->out.len > FLUSH_BYTES) FVM_TRY(flush(l));
    uint32_t shift = 2 * (l->depth < INDENT_MAX ? l->depth : INDENT_MAX);
    return put(l, "\n%*s", (int)shift, "");
}

/* A string of the text format. */
static fvm_err put_quoted(lister *l, fvm_bytes text)
{
    FVM_TRY(put(l, "\""));
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c < ' ' || c == '"' || c == '\\' || c == 0x7f)
            FVM_TRY(put(l, "\\%02x", c));
        else
            FVM_TRY(fvm_buf_put_u8(&l->out, c));
    }
    return put(l, "\"");
}

static const char *type_word(char letter)
{
    switch (letter) {
    case FVM_WASM_LETTER_I32: return "i32";
    case FVM_WASM_LETTER_I64: return "i64";
    case FVM_WASM_LETTER_F32: return "f32";
    case FVM_WASM_LETTER_F64: return "f64";
    case FVM_WASM_LETTER_FUNCREF: return "funcref";
    default: return "externref";
    }
}

static fvm_err put_letters(lister *l, const char *word, const char *letters)
{
    if (!*letters) return FVM_OK;
    FVM_TRY(put(l, " (%s", word));
    for (; *letters; letters++) FVM_TRY(put(l, " %s", type_word(*letters)));
    return put(l, ")");
}
static fvm_err put_signature(lister *l, const fvm__functype *type)
{
    FVM_TRY(put_letters(l, "param", type->params));
    return put_letters(l, "result", type->results);
}

/* --- immediates ------------------------------------------------------------------------------- */

static fvm_err take_u32(lister *l, uint32_t *out)
{
    return fvm__read_u32(&l->in, out) ? FVM_OK : FVM_ERR_WASM_MALFORMED;
}

static fvm_err put_u32s(lister *l, unsigned n)
{
    for (uint32_t value; n-- > 0;) {
        FVM_TRY(take_u32(l, &value));
        FVM_TRY(put(l, " %" PRIu32, value));
    }
    return FVM_OK;
}

static fvm_err put_block_type(lister *l)
{
    int64_t n;
    if (!fvm__read_s33(&l->in, &n)) return FVM_ERR_WASM_MALFORMED;
    if (n >= 0) return put(l, " (type %" PRId64 ")", n);
    uint8_t byte = (uint8_t)(n & 0x7f);
    if (byte == 0x40) return FVM_OK;
    return put(l, " (result %s)", type_word(fvm__type_letter(&l->m->rules, byte)));
}

static fvm_err put_memory(lister *l)
{
    uint32_t align, offset;
    FVM_TRY(take_u32(l, &align));
    FVM_TRY(take_u32(l, &offset));
    if (offset) FVM_TRY(put(l, " offset=%" PRIu32, offset));
    return align < 32 ? put(l, " align=%u", 1u << align) : FVM_ERR_WASM_MALFORMED;
}

static fvm_err put_table_of_labels(lister *l)
{
    uint32_t n;
    FVM_TRY(take_u32(l, &n));
    for (uint64_t i = 0; i <= n; i++) FVM_TRY(put_u32s(l, 1));
    return FVM_OK;
}

static fvm_err put_const(lister *l, fvm__opcode code)
{
    int32_t s32;
    int64_t s64;
    fvm_bytes bits;
    switch (code) {
    case FVM__OP_I32_CONST:
        return fvm__read_s32(&l->in, &s32) ? put(l, " %" PRId32, s32) : FVM_ERR_WASM_MALFORMED;
    case FVM__OP_I64_CONST:
        return fvm__read_s64(&l->in, &s64) ? put(l, " %" PRId64, s64) : FVM_ERR_WASM_MALFORMED;
    case FVM__OP_F32_CONST: {
        if (!fvm__read_bytes(&l->in, &bits, 4)) return FVM_ERR_WASM_MALFORMED;
        uint32_t word = fvm_load_le32(bits.ptr);
        float value;
        memcpy(&value, &word, sizeof value);
        return value == value
                   ? put(l, " %a", (double)value)
                   : put(l, " nan:0x%" PRIx32 " (;0x%08" PRIx32 ";)", word & 0x7fffff, word);
    }
    default: {
        if (!fvm__read_bytes(&l->in, &bits, 8)) return FVM_ERR_WASM_MALFORMED;
        uint64_t word = fvm_load_le64(bits.ptr);
        double value;
        memcpy(&value, &word, sizeof value);
        return value == value ? put(l, " %a", value)
                              : put(l, " nan:0x%" PRIx64 " (;0x%016" PRIx64 ";)",
                                    word & UINT64_C(0xfffffffffffff), word);
    }
    }
}

static fvm_err put_call(lister *l)
{
    uint32_t func;
    FVM_TRY(take_u32(l, &func));
    FVM_TRY(put(l, " %" PRIu32, func));
    fvm_bytes name = fvm_wasm_names_func(&l->names, func);
    if (!name.len) return FVM_OK;
    FVM_TRY(put(l, " (;"));
    FVM_TRY(put_quoted(l, name));
    return put(l, ";)");
}

static fvm_err put_types(lister *l)
{
    uint32_t n;
    FVM_TRY(take_u32(l, &n));
    for (uint32_t i = 0; i < n; i++) {
        uint8_t byte;
        if (!fvm__read_u8(&l->in, &byte)) return FVM_ERR_WASM_MALFORMED;
        FVM_TRY(put(l, " (result %s)", type_word(fvm__type_letter(&l->m->rules, byte))));
    }
    return FVM_OK;
}

/* What follows the opcodes whose immediate is CUSTOM. */
static fvm_err put_custom(lister *l, fvm__opcode code)
{
    uint8_t byte;
    switch (code) {
    case FVM__OP_BLOCK:
    case FVM__OP_LOOP:
    case FVM__OP_IF: return put_block_type(l);
    case FVM__OP_BR_TABLE: return put_table_of_labels(l);
    case FVM__OP_CALL: return put_call(l);
    case FVM__OP_SELECT_T: return put_types(l);
    case FVM__OP_I32_CONST:
    case FVM__OP_I64_CONST:
    case FVM__OP_F32_CONST:
    case FVM__OP_F64_CONST: return put_const(l, code);
    case FVM__OP_REF_NULL:
        if (!fvm__read_u8(&l->in, &byte)) return FVM_ERR_WASM_MALFORMED;
        return put(l, " %s", byte == 0x70 ? "func" : "extern");
    case FVM__OP_BR:
    case FVM__OP_BR_IF:
    case FVM__OP_LOCAL_GET:
    case FVM__OP_LOCAL_SET:
    case FVM__OP_LOCAL_TEE:
    case FVM__OP_GLOBAL_GET:
    case FVM__OP_GLOBAL_SET:
    case FVM__OP_TABLE_GET:
    case FVM__OP_TABLE_SET:
    case FVM__OP_REF_FUNC:
    case FVM__OP_DATA_DROP:
    case FVM__OP_ELEM_DROP:
    case FVM__OP_MEMORY_SIZE:
    case FVM__OP_MEMORY_GROW:
    case FVM__OP_MEMORY_FILL:
    case FVM__OP_TABLE_GROW:
    case FVM__OP_TABLE_SIZE:
    case FVM__OP_TABLE_FILL: return put_u32s(l, 1);
    case FVM__OP_CALL_INDIRECT: /* type, table */
    case FVM__OP_MEMORY_INIT:
    case FVM__OP_MEMORY_COPY:
    case FVM__OP_TABLE_INIT:
    case FVM__OP_TABLE_COPY: return put_u32s(l, 2);
    default: return FVM_OK;
    }
}

/* --- bodies ----------------------------------------------------------------------------------- */

static const fvm__meter_block *block_at(const lister *l, size_t i)
{
    const fvm__meter_block *blocks = (const fvm__meter_block *)(const void *)l->blocks.ptr;
    return i < l->blocks.len / sizeof *blocks ? &blocks[i] : NULL;
}

/* The charges that stand before the instruction at hand. */
static fvm_err put_charges(lister *l)
{
    for (const fvm__meter_block *b; (b = block_at(l, l->next)) != NULL; l->next++) {
        if (b->func > l->func || (b->func == l->func && b->start > l->position)) break;
        if (b->func < l->func) continue; /* of a function that is not listed */
        FVM_TRY(new_line(l));
        FVM_TRY(put(l, ";; block: %" PRIu64 " milligas", b->milligas));
    }
    return FVM_OK;
}

static fvm_err take_opcode(lister *l, fvm__opcode *out)
{
    uint8_t byte;
    uint32_t sub;
    if (!fvm__read_u8(&l->in, &byte)) return FVM_ERR_WASM_MALFORMED;
    *out = (fvm__opcode)byte;
    if (byte == 0xfc) {
        FVM_TRY(take_u32(l, &sub));
        if (sub >= FVM__OP_COUNT - 0x100) return FVM_ERR_WASM_MALFORMED;
        *out = (fvm__opcode)(0x100 + sub);
    }
    return ops[*out].text ? FVM_OK : FVM_ERR_WASM_MALFORMED;
}

static fvm_err put_instruction(lister *l)
{
    fvm__opcode code;
    FVM_TRY(put_charges(l));
    FVM_TRY(take_opcode(l, &code));
    if (code == FVM__OP_END || code == FVM__OP_ELSE) l->depth--;
    FVM_TRY(new_line(l));
    FVM_TRY(put(l, "%s", ops[code].text));
    FVM_TRY(ops[code].memory ? put_memory(l) : put_custom(l, code));
    if (code == FVM__OP_BLOCK || code == FVM__OP_LOOP || code == FVM__OP_IF || code == FVM__OP_ELSE)
        l->depth++;
    l->position++;
    return FVM_OK;
}

static fvm_err put_locals(lister *l)
{
    uint32_t groups;
    FVM_TRY(take_u32(l, &groups));
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t count;
        uint8_t byte;
        FVM_TRY(take_u32(l, &count));
        if (!fvm__read_u8(&l->in, &byte)) return FVM_ERR_WASM_MALFORMED;
        FVM_TRY(new_line(l));
        FVM_TRY(put(l, "(local %s (;times %" PRIu32 ";))",
                    type_word(fvm__type_letter(&l->m->rules, byte)), count));
    }
    return FVM_OK;
}

static fvm_err put_function_head(lister *l)
{
    const fvm__func_def *func = &l->m->funcs[l->func];
    fvm_bytes name = fvm_wasm_names_func(&l->names, l->func);
    FVM_TRY(new_line(l));
    FVM_TRY(put(l, "(func $%" PRIu32, l->func));
    if (name.len) {
        FVM_TRY(put(l, " "));
        FVM_TRY(put_quoted(l, name));
    }
    FVM_TRY(put_signature(l, func->type));
    FVM_TRY(put(l, "  ;; "));
    if (fvm__is_metered(&l->m->rules))
        FVM_TRY(put(l, "limiter %" PRIu32 ", thunk %" PRIu64 " milligas, ", func->stack_cost,
                    func->thunk_milligas));
    return put(l, "frame %" PRIu32 " bytes", func->frame_bytes);
}

/* The last `end` closes the function, and is one of its instructions. */
static fvm_err put_function(lister *l)
{
    l->depth = 1;
    FVM_TRY(put_function_head(l));
    l->depth = 2;
    l->position = 0;
    FVM_TRY(put_locals(l));
    while (l->depth > 1) FVM_TRY(put_instruction(l));
    if (fvm__reader_left(&l->in)) return FVM_ERR_WASM_MALFORMED;
    return put(l, ")");
}

static fvm_err put_bodies(lister *l, fvm_bytes wasm, uint32_t only)
{
    fvm_bytes section, body;
    uint32_t count, size;
    if (!fvm_wasm_section(wasm, &section, 10, NULL)) return FVM_OK;
    fvm__reader in = { section.ptr, section.ptr + section.len };
    if (!fvm__read_u32(&in, &count)) return FVM_ERR_WASM_MALFORMED;
    for (uint32_t i = 0; i < count; i++) {
        if (!fvm__read_u32(&in, &size) || !fvm__read_bytes(&in, &body, size))
            return FVM_ERR_WASM_MALFORMED;
        l->func = l->m->n_func_imports + i;
        l->in = (fvm__reader){ body.ptr, body.ptr + body.len };
        if (only == FVM_WASM_DIS_ALL || only == l->func) FVM_TRY(put_function(l));
    }
    return FVM_OK;
}

/* --- the rest of the module ------------------------------------------------------------------- */

static fvm_err put_extern(lister *l, const fvm_wasm_extern_type *type, uint32_t index)
{
    switch (type->kind) {
    case FVM_WASM_FUNC:
        FVM_TRY(put(l, " (func $%" PRIu32, index));
        FVM_TRY(put_letters(l, "param", type->params));
        FVM_TRY(put_letters(l, "result", type->results));
        break;
    case FVM_WASM_TABLE:
        FVM_TRY(put(l, " (table $%" PRIu32 " %" PRIu32, index, type->min));
        if (type->has_max) FVM_TRY(put(l, " %" PRIu32, type->max));
        FVM_TRY(put(l, " %s", type_word(type->value)));
        break;
    case FVM_WASM_MEMORY:
        FVM_TRY(put(l, " (memory $%" PRIu32 " %" PRIu32, index, type->min));
        if (type->has_max) FVM_TRY(put(l, " %" PRIu32, type->max));
        break;
    case FVM_WASM_GLOBAL:
        FVM_TRY(put(l, " (global $%" PRIu32 " %s%s%s", index, type->is_mutable ? "(mut " : "",
                    type_word(type->value), type->is_mutable ? ")" : ""));
        break;
    }
    return put(l, ")");
}

static fvm_err put_outside(lister *l)
{
    fvm_wasm_extern_type type;
    fvm_bytes from, name;
    uint32_t index;
    l->depth = 1;
    for (size_t i = 0; fvm_wasm_module_import_at(l->m, &from, &name, &type, i); i++) {
        FVM_TRY(new_line(l));
        FVM_TRY(put(l, "(import "));
        FVM_TRY(put_quoted(l, from));
        FVM_TRY(put(l, " "));
        FVM_TRY(put_quoted(l, name));
        FVM_TRY(put_extern(l, &type, l->m->imports[i].index));
        FVM_TRY(put(l, ")"));
    }
    for (size_t i = 0; fvm_wasm_module_export_at(l->m, &name, &type, &index, i); i++) {
        FVM_TRY(new_line(l));
        FVM_TRY(put(l, "(export "));
        FVM_TRY(put_quoted(l, name));
        FVM_TRY(put_extern(l, &type, index));
        FVM_TRY(put(l, ")"));
    }
    return FVM_OK;
}

static fvm_err put_module(lister *l, fvm_bytes wasm, uint32_t only)
{
    if (only != FVM_WASM_DIS_ALL) {
        if (only < l->m->n_func_imports || only >= l->m->n_funcs) return FVM_ERR_NOT_FOUND;
    } else {
        FVM_TRY(put(l, "(module"));
        FVM_TRY(put_outside(l));
    }
    FVM_TRY(put_bodies(l, wasm, only));
    FVM_TRY(put(l, only == FVM_WASM_DIS_ALL ? ")\n" : "\n"));
    return flush(l);
}

/* --- costs ------------------------------------------------------------------------------------ */

static void hear(void *ctx, const fvm__meter_block *block)
{
    lister *l = ctx;
    if (l->failed == FVM_OK)
        l->failed = fvm_buf_append(&l->blocks,
                                   (fvm_bytes){ (const uint8_t *)block, sizeof *block });
}

static int by_place(const void *a, const void *b)
{
    const fvm__meter_block *x = a, *y = b;
    if (x->func != y->func) return x->func < y->func ? -1 : 1;
    return (x->start > y->start) - (x->start < y->start);
}

fvm_err fvm_wasm_dis(const fvm_wasm_rules *rules, const fvm_wasm_host_table *hosts, fvm_bytes wasm,
                     uint32_t func, fvm_err (*write)(void *ctx, fvm_bytes text), void *ctx,
                     char *detail, const fvm_allocator *alloc)
{
    lister l = { .write = write, .ctx = ctx };
    fvm_wasm_module *module = NULL;
    fvm_buf_init(&l.blocks, alloc);
    fvm_buf_init(&l.out, alloc);
    const fvm__meter_listener listener = { .block = hear, .ctx = &l };
    const fvm__module_options options = { .backend = FVM_WASM_BACKEND_INTERP,
                                          .listener = &listener };
    fvm_err err = fvm__module_new_on(&module, rules, hosts, wasm, detail, alloc, &options);
    if (err == FVM_OK) err = l.failed;
    if (err == FVM_OK) err = fvm_wasm_names_read(&l.names, wasm, alloc);
    if (err == FVM_OK) {
        l.m = module;
        if (l.blocks.len)
            qsort(l.blocks.ptr, l.blocks.len / sizeof(fvm__meter_block), sizeof(fvm__meter_block),
                  by_place);
        err = put_module(&l, wasm, func);
        fvm_wasm_names_deinit(&l.names);
    }
    fvm_wasm_module_free(module);
    fvm_buf_deinit(&l.out);
    fvm_buf_deinit(&l.blocks);
    return err;
}
