/* gen_module.c - what surrounds the random bodies: types, imports, tables, memory, globals, exports,
 * segments, and the list of calls to make. */
#include "gen.h"

#include <stdio.h>
#include <stdlib.h>

void diff_put_bytes(fvm_buf *buf, fvm_bytes bytes)
{
    if (fvm_buf_append(buf, bytes) != FVM_OK) abort();
}
void diff_put(fvm_buf *buf, uint8_t byte)
{
    if (fvm_buf_put_u8(buf, byte) != FVM_OK) abort();
}
void diff_put_u32(fvm_buf *buf, uint32_t value)
{
    for (; value >= 0x80; value >>= 7) diff_put(buf, (uint8_t)(value | 0x80));
    diff_put(buf, (uint8_t)value);
}
void diff_put_s64(fvm_buf *buf, int64_t value)
{
    for (;;) {
        uint8_t byte = value & 0x7f;
        value >>= 7;
        if ((value == 0 && !(byte & 0x40)) || (value == -1 && (byte & 0x40))) {
            diff_put(buf, byte);
            return;
        }
        diff_put(buf, byte | 0x80);
    }
}
void diff_put_sized(fvm_buf *buf, const fvm_buf *content)
{
    diff_put_u32(buf, (uint32_t)content->len);
    diff_put_bytes(buf, fvm_buf_bytes(content));
}
void diff_put_name(fvm_buf *buf, const char *name)
{
    diff_put_u32(buf, (uint32_t)strlen(name));
    diff_put_bytes(buf, fvm_bytes_of(name));
}
void diff_put_section(fvm_buf *module, uint8_t id, fvm_buf *content)
{
    diff_put(module, id);
    diff_put_sized(module, content);
    content->len = 0;
}

static uint64_t interesting_f64(diff_rng *rng)
{
    static const uint64_t bits[] = {
        0,
        1u << 31 | 1,
        0x8000000000000000u,
        0x3ff0000000000000u,
        0xbff0000000000000u,
        0x3fe0000000000000u,
        0x7ff0000000000000u,
        0xfff0000000000000u,
        1,
        0x000fffffffffffffu,
        0x0010000000000000u,
        0x7fefffffffffffffu,
        0x41dfffffffc00000u /* 2^31-1 */,
        0x41e0000000000000u /* 2^31 */,
        0xc1e0000000000000u,
        0xc1e0000000200000u /* below -2^31 */,
        0x41efffffffe00000u,
        0x41f0000000000000u,
        0x43e0000000000000u /* 2^63 */,
        0x43dfffffffffffffu,
        0xc3e0000000000000u,
        0x43f0000000000000u,
        0x43efffffffffffffu,
        0x3fdfffffffffffffu,
        0x4330000000000001u,
        0xbfefffffffffffffu,
        0x47efffffe0000000u /* largest f32 */,
        0x47effffff0000000u,
        0x36a0000000000000u /* smallest f32 */,
    };
    if (diff_chance(rng, 60)) return bits[diff_below(rng, (uint32_t)FVM_COUNT(bits))];
    double d = (double)(int64_t)diff_next(rng) / (double)(1ull << diff_below(rng, 63));
    uint64_t out;
    memcpy(&out, &d, 8);
    return out;
}

uint64_t diff_interesting(diff_rng *rng, char type)
{
    static const uint32_t f32_bits[] = {
        0,           0x80000000u, 0x3f800000u, 0xbf800000u, 0x3f000000u, 0x7f800000u, 0xff800000u,
        1,           0x007fffffu, 0x00800000u, 0x7f7fffffu, 0x4effffffu, 0x4f000000u, 0xcf000000u,
        0xcf000001u, 0x4f7fffffu, 0x4f800000u, 0x5effffffu, 0x5f000000u, 0xdf000000u, 0x5f800000u,
        0x5f7fffffu, 0x3effffffu, 0x4b000001u, 0xbf7fffffu,
    };
    uint64_t bits = diff_next(rng);
    uint32_t kind = diff_below(rng, 10);
    switch (type) {
    case 'i':
    case 'l':
        if (kind < 4)
            return type == 'i' ? diff_below(rng, 40)
                               : (uint64_t)diff_below(rng, 40) - (kind & 1) * 20;
        if (kind < 7) {
            uint64_t power = 1ull << (bits & (type == 'i' ? 31 : 63));
            uint64_t v = power + (bits >> 8 & 3) - 1;
            return type == 'i' ? (uint32_t)v : v;
        }
        if (kind == 7) bits = ~0ull << (bits & 63);
        return type == 'i' ? (uint32_t)bits : bits;
    case 'f': {
        if (kind < 7) return f32_bits[diff_below(rng, (uint32_t)FVM_COUNT(f32_bits))];
        float f = (float)(int32_t)(uint32_t)bits / (float)(1u << diff_below(rng, 31));
        uint32_t out;
        memcpy(&out, &f, 4);
        return out;
    }
    case 'd': return interesting_f64(rng);
    default: return 0;
    }
}

uint64_t diff_milligas(diff_rng *rng)
{
    static const uint32_t limits[] = { 200000, 2000000, 20000000, 100000000 };
    if (diff_chance(rng, 80)) return 10000000000000u;
    return diff_below(rng, limits[diff_below(rng, 4)]);
}

uint8_t gen_type_byte(char letter)
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

uint32_t gen_type_index(gen_module *module, const char *params, const char *results)
{
    uint32_t i;
    for (i = 0; i < module->type_count; i++)
        if (!strcmp(module->types[i].params, params) && !strcmp(module->types[i].results, results))
            return i;
    if (i == GEN_TYPES_MAX) abort();
    strcpy(module->types[i].params, params);
    strcpy(module->types[i].results, results);
    module->type_count++;
    return i;
}

/* --- sections --------------------------------------------------------------------------------- */

static const gen_type host_types[GEN_HOST_FUNCS] = {
    { "i", "i" }, { "l", "l" }, { "d", "d" }, { "fi", "f" }, { "", "" },
};

static void plan(gen_module *m)
{
    diff_rng *r = &m->rng;
    m->host_count = GEN_HOST_FUNCS;
    for (uint32_t i = 0; i < GEN_HOST_FUNCS; i++)
        m->func_types[i] = gen_type_index(m, host_types[i].params, host_types[i].results);
    m->func_count = m->host_count + 2 + diff_below(r, 7);
    for (uint32_t i = m->host_count; i < m->func_count; i++) {
        char params[GEN_PARAMS_MAX + 1] = "", results[4] = "";
        uint32_t n = diff_below(r, GEN_PARAMS_MAX + 1);
        for (uint32_t p = 0; p < n; p++)
            params[p] = "ilfdrx"[diff_below(r, m->refs && diff_chance(r, 25) ? 6 : 4)];
        if (diff_chance(r, 85)) results[0] = "ilfd"[diff_below(r, 4)];
        if (m->refs && results[0] && diff_chance(r, 15)) results[1] = "ilfdr"[diff_below(r, 5)];
        m->func_types[i] = gen_type_index(m, params, results);
    }
    uint32_t n = diff_below(r, GEN_GLOBALS_MAX - 2);
    for (uint32_t i = 0; i < n; i++) {
        m->globals[i] = "ilfdr"[diff_below(r, m->refs ? 5 : 4)];
        m->global_mutable[i] = diff_chance(r, 80);
    }
    m->fuel = n, m->depth = n + 1;
    m->globals[n] = m->globals[n + 1] = 'i';
    m->global_mutable[n] = m->global_mutable[n + 1] = true;
    m->global_count = n + 2;
    m->depth_limit = diff_chance(r, 15) ? 250
                                        : 12; /* deep ones meet the stack limit when metered */
    m->memory_pages = 1 + diff_below(r, 2);
    m->memory_max = m->memory_pages + diff_below(r, 4);
    m->table_count = m->refs ? 3 : 1;
    for (uint32_t i = 0; i < GEN_TABLE_SIZE; i++) m->table_slots[i] = UINT32_MAX;
    m->passive_data = m->plain ? 0 : diff_below(r, 3);
    m->passive_elem = m->plain ? 0 : diff_below(r, 3);
}

static void put_const_expr(fvm_buf *s, gen_module *m, char type)
{
    uint64_t v = diff_interesting(&m->rng, type);
    int bytes = type == 'f' ? 4 : type == 'd' ? 8 : 0;
    switch (type) {
    case 'i': diff_put(s, 0x41), diff_put_s64(s, (int32_t)(uint32_t)v); break;
    case 'l': diff_put(s, 0x42), diff_put_s64(s, (int64_t)v); break;
    case 'f': diff_put(s, 0x43); break;
    case 'd': diff_put(s, 0x44); break;
    default: diff_put(s, 0xd0), diff_put(s, 0x70); break;
    }
    for (int i = 0; i < bytes; i++) diff_put(s, (uint8_t)(v >> (8 * i)));
    diff_put(s, 0x0b);
}

static void types_section(fvm_buf *s, const gen_module *m)
{
    diff_put_u32(s, m->type_count);
    for (uint32_t i = 0; i < m->type_count; i++) {
        diff_put(s, 0x60);
        diff_put_u32(s, (uint32_t)strlen(m->types[i].params));
        for (const char *p = m->types[i].params; *p; p++) diff_put(s, gen_type_byte(*p));
        diff_put_u32(s, (uint32_t)strlen(m->types[i].results));
        for (const char *p = m->types[i].results; *p; p++) diff_put(s, gen_type_byte(*p));
    }
}

static void imports_section(fvm_buf *s, const gen_module *m)
{
    char name[] = "h0";
    diff_put_u32(s, m->host_count);
    for (uint32_t i = 0; i < m->host_count; i++) {
        name[1] = (char)('0' + i);
        diff_put_name(s, "host");
        diff_put_name(s, name);
        diff_put(s, 0);
        diff_put_u32(s, m->func_types[i]);
    }
}

static void tables_section(fvm_buf *s, const gen_module *m)
{
    diff_put_u32(s, m->table_count);
    for (uint32_t i = 0; i < m->table_count; i++) {
        diff_put(s, i == 2 ? 0x6f : 0x70);
        diff_put(s, 1);
        diff_put_u32(s, GEN_TABLE_SIZE);
        diff_put_u32(s, GEN_TABLE_SIZE + 8 * i);
    }
}

static void globals_section(fvm_buf *s, gen_module *m)
{
    diff_put_u32(s, m->global_count);
    for (uint32_t i = 0; i < m->global_count; i++) {
        diff_put(s, gen_type_byte(m->globals[i]));
        diff_put(s, m->global_mutable[i]);
        put_const_expr(s, m, m->globals[i]);
    }
}

static void elements_section(fvm_buf *s, gen_module *m)
{
    /* passive ones first, so that their indices are 0..passive_elem-1; then an active one for
     * table 0; with refs one for table 1, made of expressions, and the declarative one */
    diff_put_u32(s, m->passive_elem + 1 + (m->refs ? 2 : 0));
    for (uint32_t i = 0; i < m->passive_elem; i++) {
        uint32_t n = diff_below(&m->rng, 6);
        diff_put(s, 1), diff_put(s, 0), diff_put_u32(s, n);
        for (uint32_t k = 0; k < n; k++) diff_put_u32(s, diff_below(&m->rng, m->func_count));
    }
    uint32_t from = diff_below(&m->rng, 3), count = GEN_TABLE_SIZE - 4;
    diff_put(s, 0), diff_put(s, 0x41), diff_put_s64(s, from), diff_put(s, 0x0b),
        diff_put_u32(s, count);
    for (uint32_t k = 0; k < count; k++) {
        uint32_t func = diff_below(&m->rng, m->func_count);
        m->table_slots[from + k] = func;
        diff_put_u32(s, func);
    }
    if (!m->refs) return;
    diff_put(s, 6), diff_put_u32(s, 1), diff_put(s, 0x41), diff_put_s64(s, 2), diff_put(s, 0x0b);
    diff_put(s, 0x70), diff_put_u32(s, 4);
    for (uint32_t k = 0; k < 4; k++) {
        if (k == 2) {
            diff_put(s, 0xd0), diff_put(s, 0x70);
        } else {
            diff_put(s, 0xd2), diff_put_u32(s, diff_below(&m->rng, m->func_count));
        }
        diff_put(s, 0x0b);
    }
    diff_put(s, 3), diff_put(s, 0), diff_put_u32(s, m->func_count);
    for (uint32_t k = 0; k < m->func_count; k++) diff_put_u32(s, k);
}

static void data_section(fvm_buf *s, gen_module *m)
{
    uint32_t active = 1 + diff_below(&m->rng, 2);
    diff_put_u32(s, m->passive_data + active);
    for (uint32_t i = 0; i < m->passive_data + active; i++) {
        uint32_t n = diff_below(&m->rng, 300);
        diff_put(s, i < m->passive_data ? 1 : 0);
        if (i >= m->passive_data) {
            diff_put(s, 0x41), diff_put_s64(s, diff_below(&m->rng, 1024)), diff_put(s, 0x0b);
        }
        diff_put_u32(s, n);
        for (uint32_t k = 0; k < n; k++) diff_put(s, (uint8_t)diff_next(&m->rng));
    }
}

/* --- exported functions and calls --------------------------------------------------------------- */

/* An exported function: refills fuel, resets depth, calls function `index` and keeps its first
 * result, if that is a number. */
static void wrapper_body(fvm_buf *b, const gen_module *m, uint32_t index)
{
    const gen_type *t = &m->types[m->func_types[index]];
    uint32_t next = 0;
    diff_put(b, 0);
    diff_put(b, 0x41), diff_put_s64(b, 300), diff_put(b, 0x24), diff_put_u32(b, m->fuel);
    diff_put(b, 0x41), diff_put_s64(b, 0), diff_put(b, 0x24), diff_put_u32(b, m->depth);
    for (const char *p = t->params; *p; p++) {
        if (*p == 'r' || *p == 'x')
            diff_put(b, 0xd0), diff_put(b, *p == 'r' ? 0x70 : 0x6f);
        else
            diff_put(b, 0x20), diff_put_u32(b, next++);
    }
    diff_put(b, 0x10), diff_put_u32(b, index);
    for (size_t n = strlen(t->results); n > 1; n--) diff_put(b, 0x1a);
    diff_put(b, 0x0b);
}

static uint32_t wrapper_type(gen_module *m, uint32_t index)
{
    const gen_type *t = &m->types[m->func_types[index]];
    char params[GEN_PARAMS_MAX + 1] = "", results[4] = "";
    uint32_t n = 0;
    for (const char *p = t->params; *p; p++)
        if (*p != 'r' && *p != 'x') params[n++] = *p;
    results[0] = t->results[0];
    return gen_type_index(m, params, results);
}

static void list_imports(diff_case *out, const gen_module *m)
{
    out->import_count = m->host_count;
    for (uint32_t i = 0; i < m->host_count; i++) {
        diff_import *import = &out->imports[i];
        memset(import, 0, sizeof *import);
        strcpy(import->module, "host");
        snprintf(import->name, sizeof import->name, "h%u", i);
        strcpy(import->params, host_types[i].params);
        import->result = host_types[i].results[0] ? host_types[i].results[0] : 'v';
    }
}

static void plan_calls(diff_case *out, gen_module *m, const uint32_t *types, uint32_t own)
{
    uint32_t rounds = 1 + diff_below(&m->rng, 3);
    out->call_count = 0;
    for (uint32_t round = 0; round < rounds; round++)
        for (uint32_t i = 0; i < own && out->call_count < DIFF_CALLS_MAX - GEN_GLOBALS_MAX; i++) {
            const gen_type *t = &m->types[types[i]];
            diff_call *call = &out->calls[out->call_count++];
            memset(call, 0, sizeof *call);
            snprintf(call->name, sizeof call->name, "e%u", i);
            strcpy(call->params, t->params);
            call->result = t->results[0] ? t->results[0] : 'v';
            call->milligas = diff_milligas(&m->rng);
            for (uint32_t p = 0; t->params[p]; p++)
                call->args[p] = diff_interesting(&m->rng, t->params[p]);
        }
    for (uint32_t i = 0; i < m->global_count; i++) { /* how the globals end */
        if (m->globals[i] == 'r') continue;
        diff_call *call = &out->calls[out->call_count++];
        memset(call, 0, sizeof *call);
        snprintf(call->name, sizeof call->name, "g%u", i);
        call->result = m->globals[i];
        call->milligas = diff_milligas(&m->rng);
    }
}

void diff_generate(diff_case *out, uint64_t seed)
{
    gen_module module = { .rng = { seed } }, *m = &module;
    uint32_t wrapper_types[GEN_FUNCS_MAX];
    fvm_buf code, sections[13], body;
    m->refs = diff_chance(&m->rng, 35);
    m->plain = !m->refs && diff_chance(&m->rng, 30);
    plan(m);
    uint32_t own = m->func_count - m->host_count;

    fvm_buf_init(&code, NULL);
    fvm_buf_init(&body, NULL);
    for (int i = 0; i < 13; i++) fvm_buf_init(&sections[i], NULL);

    /* elements first: bodies want to know what is in the table */
    elements_section(&sections[9], m);
    bool start = diff_chance(&m->rng, 15);
    uint32_t getters = m->global_count, start_count = start ? 1 : 0;
    diff_put_u32(&code, own * 2 + getters + start_count);
    for (uint32_t i = 0; i < own; i++) wrapper_types[i] = wrapper_type(m, m->host_count + i);
    uint32_t start_type = gen_type_index(m, "", "");
    fvm_buf *functions = &sections[3], *exports = &sections[7];
    diff_put_u32(functions, own * 2 + getters + start_count);
    diff_put_u32(exports, 1 + own + getters);
    diff_put_name(exports, "memory"), diff_put(exports, 2), diff_put_u32(exports, 0);
    for (uint32_t i = 0; i < own; i++) {
        gen_body(m, &body, m->host_count + i);
        diff_put_sized(&code, &body);
        body.len = 0;
        diff_put_u32(functions, m->func_types[m->host_count + i]);
    }
    for (uint32_t i = 0; i < own; i++) {
        char name[16];
        wrapper_body(&body, m, m->host_count + i);
        diff_put_sized(&code, &body);
        body.len = 0;
        diff_put_u32(functions, wrapper_types[i]);
        snprintf(name, sizeof name, "e%u", i);
        diff_put_name(exports, name), diff_put(exports, 0),
            diff_put_u32(exports, m->func_count + i);
    }
    for (uint32_t i = 0; i < getters; i++) {
        char name[16], results[2] = { m->globals[i], 0 };
        diff_put(&body, 0), diff_put(&body, 0x23), diff_put_u32(&body, i), diff_put(&body, 0x0b);
        diff_put_sized(&code, &body);
        body.len = 0;
        diff_put_u32(functions, gen_type_index(m, "", results));
        snprintf(name, sizeof name, "g%u", i);
        diff_put_name(exports, name), diff_put(exports, 0),
            diff_put_u32(exports, m->func_count + own + i);
    }
    if (start) { /* runs the first function with zeros */
        const gen_type *t = &m->types[m->func_types[m->host_count]];
        diff_put(&body, 0), diff_put(&body, 0x41), diff_put_s64(&body, 100);
        diff_put(&body, 0x24), diff_put_u32(&body, m->fuel);
        for (const char *p = t->params; *p; p++) {
            int zeros = *p == 'f' ? 4 : *p == 'd' ? 8 : 1;
            static const char letters[] = "ilfdrx";
            static const uint8_t opcodes[] = { 0x41, 0x42, 0x43, 0x44, 0xd0, 0xd0 };
            diff_put(&body, opcodes[strchr(letters, *p) - letters]);
            for (int z = 0; z < zeros; z++)
                diff_put(&body, *p == 'r' ? 0x70 : *p == 'x' ? 0x6f : 0);
        }
        diff_put(&body, 0x10), diff_put_u32(&body, m->host_count);
        for (size_t n = strlen(t->results); n; n--) diff_put(&body, 0x1a);
        diff_put(&body, 0x0b);
        diff_put_sized(&code, &body);
        diff_put_u32(functions, start_type);
        diff_put_u32(&sections[8], m->func_count + own + getters);
    }
    types_section(&sections[1], m);
    imports_section(&sections[2], m);
    tables_section(&sections[4], m);
    diff_put_u32(&sections[5], 1), diff_put(&sections[5], 1);
    diff_put_u32(&sections[5], m->memory_pages), diff_put_u32(&sections[5], m->memory_max);
    globals_section(&sections[6], m);
    data_section(&sections[11], m);
    if (m->passive_data) diff_put(&sections[12], sections[11].ptr[0]); /* the count of segments */
    list_imports(out, m);
    plan_calls(out, m, wrapper_types, own);

    out->seed = seed;
    out->meterable = m->refs ? 0 : m->plain ? 3 : 1;
    fvm_buf_init(&out->wasm, NULL);
    diff_put_bytes(&out->wasm, FVM_BYTES(0, 'a', 's', 'm', 1, 0, 0, 0));
    static const uint8_t order[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11 };
    for (size_t i = 0; i < sizeof order; i++) {
        if (order[i] == 10)
            diff_put_section(&out->wasm, 10, &code);
        else if (sections[order[i]].len)
            diff_put_section(&out->wasm, order[i], &sections[order[i]]);
    }
    for (int i = 0; i < 13; i++) fvm_buf_deinit(&sections[i]);
    fvm_buf_deinit(&code);
    fvm_buf_deinit(&body);
}
