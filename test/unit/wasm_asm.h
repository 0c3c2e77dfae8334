/* wasm_asm.h - modules put together byte by byte, for tests: sections of counted entries, written in
 * order. No tool is needed to build or run the tests, and what a test loads can be read off.
 *
 *     wasm_asm a;
 *     wasm_begin(&a);
 *     uint32_t t = wasm_type(&a, "ii", "i");
 *     uint32_t f = wasm_func(&a, t, BODY(NO_LOCALS, LOCAL_GET, 0, LOCAL_GET, 1, I32_ADD, END));
 *     wasm_export(&a, "add", 0, f);
 *     fvm_bytes wasm = wasm_finish(&a);
 *
 * Indexes and constants in a BODY are LEB128 bytes; below 64 that is the number itself. */
#ifndef FVM_TEST_WASM_ASM_H
#define FVM_TEST_WASM_ASM_H

#include "base/util.h"
#include "kernel/wasm_rules.h"

#include <stdlib.h>

enum {
    UNREACHABLE = 0x00,
    NOP,
    BLOCK,
    LOOP,
    IF,
    ELSE,
    END = 0x0b,
    BR,
    BR_IF,
    BR_TABLE,
    RETURN,
    CALL,
    CALL_INDIRECT,
    DROP = 0x1a,
    SELECT,
    LOCAL_GET = 0x20,
    LOCAL_SET,
    LOCAL_TEE,
    GLOBAL_GET,
    GLOBAL_SET,
    TABLE_GET,
    TABLE_SET,
    I32_LOAD = 0x28,
    I64_LOAD,
    I32_STORE = 0x36,
    I64_STORE,
    I32_STORE8 = 0x3a,
    MEMORY_SIZE = 0x3f,
    MEMORY_GROW,
    I32_CONST,
    I64_CONST,
    I32_EQZ = 0x45,
    I32_LT_U = 0x49,
    I32_ADD = 0x6a,
    I32_SUB,
    I32_MUL,
    I32_DIV_S,
    I64_ADD = 0x7c,
    I32_TRUNC_F32_S = 0xa8,
    I32_EXTEND8_S = 0xc0,
    REF_NULL = 0xd0,
    REF_FUNC = 0xd2,
    PREFIX = 0xfc,
    EMPTY = 0x40,
    RESULT_I32 = 0x7f,
};

enum { WASM_FUNC_KIND, WASM_TABLE_KIND, WASM_MEMORY_KIND, WASM_GLOBAL_KIND };

/* What a body declares: groups of (count, type) with their number in front. */
#define NO_LOCALS 0
#define BODY(...) FVM_BYTES(__VA_ARGS__)

typedef struct wasm_asm {
    fvm_buf sections[13];
    uint32_t counts[13];
    uint32_t n_func_imports;
    uint32_t n_funcs;
    fvm_buf out;
} wasm_asm;

static inline void wasm_put(fvm_buf *buf, const void *p, size_t n)
{
    if (fvm_buf_append(buf, (fvm_bytes){ p, n }) != FVM_OK) abort();
}
static inline void wasm_u8(fvm_buf *buf, uint8_t byte)
{
    wasm_put(buf, &byte, 1);
}
static inline void wasm_uleb(fvm_buf *buf, uint64_t n)
{
    do {
        uint8_t byte = n & 0x7f;
        n >>= 7;
        wasm_u8(buf, n ? byte | 0x80 : byte);
    } while (n);
}
static inline void wasm_sleb(fvm_buf *buf, int64_t n)
{
    for (;;) {
        uint8_t byte = (uint8_t)n & 0x7f;
        n >>= 7;
        bool done = (n == 0 && !(byte & 0x40)) || (n == -1 && (byte & 0x40));
        wasm_u8(buf, done ? byte : byte | 0x80);
        if (done) return;
    }
}
static inline void wasm_name(fvm_buf *buf, const char *s)
{
    wasm_uleb(buf, strlen(s));
    wasm_put(buf, s, strlen(s));
}
static inline uint8_t wasm_type_byte(char letter)
{
    switch (letter) {
    case 'i': return 0x7f;
    case 'l': return 0x7e;
    case 'f': return 0x7d;
    case 'd': return 0x7c;
    case 'r': return 0x70;
    default: return 0x6f;
    }
}
static inline void wasm_letters(fvm_buf *buf, const char *letters)
{
    wasm_uleb(buf, strlen(letters));
    for (; *letters; letters++) wasm_u8(buf, wasm_type_byte(*letters));
}

static inline void wasm_begin(wasm_asm *a)
{
    *a = (wasm_asm){ 0 };
    for (size_t i = 0; i < FVM_COUNT(a->sections); i++) fvm_buf_init(&a->sections[i], NULL);
    fvm_buf_init(&a->out, NULL);
}
static inline fvm_buf *wasm_entry(wasm_asm *a, int section)
{
    a->counts[section]++;
    return &a->sections[section];
}
static inline uint32_t wasm_type(wasm_asm *a, const char *params, const char *results)
{
    fvm_buf *s = wasm_entry(a, 1);
    wasm_u8(s, 0x60);
    wasm_letters(s, params);
    wasm_letters(s, results);
    return a->counts[1] - 1;
}
/* Imports come before functions. */
static inline uint32_t wasm_import_func(wasm_asm *a, const char *from, const char *name,
                                        uint32_t type)
{
    fvm_buf *s = wasm_entry(a, 2);
    wasm_name(s, from);
    wasm_name(s, name);
    wasm_u8(s, 0);
    wasm_uleb(s, type);
    a->n_func_imports++;
    return a->n_funcs++;
}
static inline void wasm_import_raw(wasm_asm *a, const char *from, const char *name, fvm_bytes desc)
{
    fvm_buf *s = wasm_entry(a, 2);
    wasm_name(s, from);
    wasm_name(s, name);
    wasm_put(s, desc.ptr, desc.len);
}
static inline uint32_t wasm_func(wasm_asm *a, uint32_t type, fvm_bytes body)
{
    wasm_uleb(wasm_entry(a, 3), type);
    fvm_buf *s = wasm_entry(a, 10);
    wasm_uleb(s, body.len);
    wasm_put(s, body.ptr, body.len);
    return a->n_funcs++;
}
static inline void wasm_limits(fvm_buf *s, uint32_t min, int64_t max)
{
    wasm_u8(s, max >= 0);
    wasm_uleb(s, min);
    if (max >= 0) wasm_uleb(s, (uint64_t)max);
}
static inline void wasm_table(wasm_asm *a, uint32_t min, int64_t max)
{
    fvm_buf *s = wasm_entry(a, 4);
    wasm_u8(s, 0x70);
    wasm_limits(s, min, max);
}
static inline void wasm_memory(wasm_asm *a, uint32_t min, int64_t max)
{
    wasm_limits(wasm_entry(a, 5), min, max);
}
static inline void wasm_global(wasm_asm *a, char type, bool is_mutable, fvm_bytes init)
{
    fvm_buf *s = wasm_entry(a, 6);
    wasm_u8(s, wasm_type_byte(type));
    wasm_u8(s, is_mutable);
    wasm_put(s, init.ptr, init.len);
}
static inline void wasm_export(wasm_asm *a, const char *name, uint8_t kind, uint32_t index)
{
    fvm_buf *s = wasm_entry(a, 7);
    wasm_name(s, name);
    wasm_u8(s, kind);
    wasm_uleb(s, index);
}
static inline void wasm_start(wasm_asm *a, uint32_t func)
{
    wasm_uleb(&a->sections[8], func);
    a->counts[8] = UINT32_MAX; /* no count is written */
}
/* An entry as it is, for what has no helper. */
static inline void wasm_raw(wasm_asm *a, int section, fvm_bytes entry)
{
    wasm_put(wasm_entry(a, section), entry.ptr, entry.len);
}
/* Function indexes (below 128) into table 0. */
static inline void wasm_elem(wasm_asm *a, int32_t offset, fvm_bytes funcs)
{
    fvm_buf *s = wasm_entry(a, 9);
    wasm_u8(s, 0);
    wasm_u8(s, I32_CONST);
    wasm_sleb(s, offset);
    wasm_u8(s, END);
    wasm_uleb(s, funcs.len);
    wasm_put(s, funcs.ptr, funcs.len);
}
static inline void wasm_data(wasm_asm *a, int32_t offset, fvm_bytes bytes)
{
    fvm_buf *s = wasm_entry(a, 11);
    wasm_u8(s, 0);
    wasm_u8(s, I32_CONST);
    wasm_sleb(s, offset);
    wasm_u8(s, END);
    wasm_uleb(s, bytes.len);
    wasm_put(s, bytes.ptr, bytes.len);
}
static inline void wasm_data_count(wasm_asm *a, uint32_t count)
{
    wasm_uleb(&a->sections[12], count);
    a->counts[12] = UINT32_MAX;
}

/* The bytes of the module; they live until wasm_end. */
static inline fvm_bytes wasm_finish(wasm_asm *a)
{
    static const uint8_t order[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11 };
    wasm_put(&a->out, "\0asm\1\0\0\0", 8);
    for (size_t i = 0; i < FVM_COUNT(order); i++) {
        fvm_buf *s = &a->sections[order[i]], head;
        uint32_t count = a->counts[order[i]];
        if (count == 0) continue;
        fvm_buf_init(&head, NULL);
        if (count != UINT32_MAX) wasm_uleb(&head, count);
        wasm_u8(&a->out, order[i]);
        wasm_uleb(&a->out, head.len + s->len);
        wasm_put(&a->out, head.ptr, head.len);
        wasm_put(&a->out, s->ptr, s->len);
        fvm_buf_deinit(&head);
    }
    return fvm_buf_bytes(&a->out);
}
static inline void wasm_end(wasm_asm *a)
{
    for (size_t i = 0; i < FVM_COUNT(a->sections); i++) fvm_buf_deinit(&a->sections[i]);
    fvm_buf_deinit(&a->out);
}

#define WASM_RULES_V4 FVM__WASM_RULES_V4
#define WASM_RULES_V2 FVM__WASM_RULES_V2
#endif
