/* mutate.c - real modules with a few instructions changed.
 *
 * The module is copied section by section. Bodies are walked instruction by instruction, which gives
 * the places for mutations, and are written anew with fuel: a global, appended; each loop header and
 * function entry takes one or is `unreachable`. */
#include "gen.h"

#include <stdio.h>

#define SECTIONS_MAX 13
#define FUEL 20000

/* What an instruction's immediates are. */
typedef enum shape {
    SHAPE_NONE,
    SHAPE_U32,    /* one index */
    SHAPE_U32_X2, /* two indices */
    SHAPE_BLOCK,  /* block type */
    SHAPE_TABLE,  /* br_table */
    SHAPE_MEMARG,
    SHAPE_S64, /* i32.const, i64.const */
    SHAPE_F32,
    SHAPE_F64,
    SHAPE_BYTE,
    SHAPE_UNKNOWN,
} shape;

static shape shape_of(uint8_t opcode)
{
    if (opcode == 0x02 || opcode == 0x03 || opcode == 0x04) return SHAPE_BLOCK;
    if (opcode == 0x0c || opcode == 0x0d || opcode == 0x10) return SHAPE_U32;
    if (opcode == 0x0e) return SHAPE_TABLE;
    if (opcode == 0x11) return SHAPE_U32_X2;
    if (opcode >= 0x20 && opcode <= 0x26) return SHAPE_U32;
    if (opcode >= 0x28 && opcode <= 0x3e) return SHAPE_MEMARG;
    if (opcode == 0x3f || opcode == 0x40) return SHAPE_BYTE;
    if (opcode == 0x41 || opcode == 0x42) return SHAPE_S64;
    if (opcode == 0x43) return SHAPE_F32;
    if (opcode == 0x44) return SHAPE_F64;
    if (opcode <= 0x01 || opcode == 0x05 || opcode == 0x0b || opcode == 0x0f || opcode == 0x1a ||
        opcode == 0x1b || (opcode >= 0x45 && opcode <= 0xc4))
        return SHAPE_NONE;
    return SHAPE_UNKNOWN; /* 0xfc is handled apart */
}

static bool take_u8(uint8_t *out, fvm_bytes *in)
{
    fvm_bytes one;
    if (fvm_bytes_take(&one, in, 1) != FVM_OK) return false;
    *out = one.ptr[0];
    return true;
}
static bool take_leb(uint64_t *out, fvm_bytes *in)
{
    uint8_t b;
    *out = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (!take_u8(&b, in)) return false;
        if (shift < 64) *out |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) return true;
    }
    return false;
}
static bool take_u32(uint32_t *out, fvm_bytes *in)
{
    uint64_t v;
    if (!take_leb(&v, in) || v > UINT32_MAX) return false;
    *out = (uint32_t)v;
    return true;
}
static bool skip(fvm_bytes *in, uint64_t n)
{
    fvm_bytes gone;
    return fvm_bytes_take(&gone, in, n) == FVM_OK;
}

typedef struct instruction {
    fvm_bytes raw;        /* opcode and immediates */
    fvm_bytes immediates; /* after the opcode (after the sub-opcode with 0xfc) */
    uint8_t opcode;
    uint32_t sub; /* with 0xfc */
    shape shape;
} instruction;

static bool take_immediates(instruction *i, fvm_bytes *in)
{
    uint64_t ignored;
    uint32_t n;
    switch (i->shape) {
    case SHAPE_NONE: return true;
    case SHAPE_U32:
    case SHAPE_S64:
    case SHAPE_BLOCK: return take_leb(&ignored, in);
    case SHAPE_U32_X2:
    case SHAPE_MEMARG: return take_leb(&ignored, in) && take_leb(&ignored, in);
    case SHAPE_BYTE: return skip(in, 1);
    case SHAPE_F32: return skip(in, 4);
    case SHAPE_F64: return skip(in, 8);
    case SHAPE_TABLE:
        if (!take_u32(&n, in) || n > in->len) return false;
        for (n++; n; n--)
            if (!take_leb(&ignored, in)) return false;
        return true;
    default: return false;
    }
}

static bool take_instruction(instruction *out, fvm_bytes *in)
{
    const uint8_t *start = in->ptr;
    memset(out, 0, sizeof *out);
    if (!take_u8(&out->opcode, in)) return false;
    if (out->opcode == 0xfc) {
        if (!take_u32(&out->sub, in)) return false;
        static const shape shapes[] = {
            [8] = SHAPE_U32_X2,  [9] = SHAPE_U32,  [10] = SHAPE_U32_X2, [11] = SHAPE_U32,
            [12] = SHAPE_U32_X2, [13] = SHAPE_U32, [14] = SHAPE_U32_X2, [15] = SHAPE_U32,
            [16] = SHAPE_U32,    [17] = SHAPE_U32,
        };
        if (out->sub >= FVM_COUNT(shapes)) return false;
        out->shape = shapes[out->sub]; /* 0..7: none */
    } else {
        out->shape = shape_of(out->opcode);
    }
    const uint8_t *immediates = in->ptr;
    if (!take_immediates(out, in)) return false;
    out->raw = (fvm_bytes){ start, (size_t)(in->ptr - start) };
    out->immediates = (fvm_bytes){ immediates, (size_t)(in->ptr - immediates) };
    return true;
}

/* --- the module as far as it must be known ------------------------------------------------------ */

typedef struct walk {
    diff_rng rng;
    fvm_bytes sections[SECTIONS_MAX]; /* contents; ptr NULL: absent */
    uint32_t type_count;
    fvm_bytes *types;         /* parameters and results, per type */
    uint32_t *function_types; /* of defined functions */
    uint32_t function_count, imported_functions, global_count;
    uint32_t fuel;              /* index of the global */
    uint32_t chance, mutations; /* one in `chance` instructions is changed; how many were */
    diff_case *out;
} walk;

static bool split_sections(walk *w, fvm_bytes in)
{
    if (in.len < 8 || memcmp(in.ptr, "\0asm\1\0\0\0", 8) != 0 || !skip(&in, 8)) return false;
    while (in.len) {
        uint8_t id;
        uint32_t size;
        fvm_bytes content;
        if (!take_u8(&id, &in) || !take_u32(&size, &in) ||
            fvm_bytes_take(&content, &in, size) != FVM_OK || id >= SECTIONS_MAX)
            return false;
        if (id) w->sections[id] = content;
    }
    return w->sections[1].ptr && w->sections[3].ptr && w->sections[10].ptr && w->sections[7].ptr;
}

static bool read_types(walk *w)
{
    fvm_bytes in = w->sections[1];
    if (!take_u32(&w->type_count, &in) || w->type_count > in.len) return false;
    w->types = fvm_mem_zalloc(NULL, (w->type_count + 1) * sizeof *w->types);
    if (!w->types) return false;
    for (uint32_t i = 0; i < w->type_count; i++) {
        uint8_t form;
        uint32_t n;
        if (!take_u8(&form, &in)) return false;
        const uint8_t *start = in.ptr;
        if (!take_u32(&n, &in) || !skip(&in, n) || !take_u32(&n, &in) || !skip(&in, n))
            return false;
        w->types[i] = (fvm_bytes){ start, (size_t)(in.ptr - start) };
    }
    return true;
}

static char letter_of(uint8_t type)
{
    return type == 0x7f ? 'i' : type == 0x7e ? 'l' : type == 0x7d ? 'f' : type == 0x7c ? 'd' : 0;
}

/* Describes a function type in letters. */
static bool letters(char *params, size_t max, char *result, fvm_bytes type)
{
    uint32_t n;
    if (!take_u32(&n, &type) || n >= max || n > type.len) return false;
    for (uint32_t i = 0; i < n; i++)
        if (!(params[i] = letter_of(type.ptr[i]))) return false;
    params[n] = 0;
    if (!skip(&type, n) || !take_u32(&n, &type) || n > 1) return false;
    *result = n ? letter_of(type.ptr[0]) : 'v';
    return *result != 0;
}

static bool read_imports(walk *w)
{
    fvm_bytes in = w->sections[2];
    uint32_t count = 0;
    if (in.ptr && !take_u32(&count, &in)) return false;
    if (count > DIFF_IMPORTS_MAX) return false;
    for (uint32_t i = 0; i < count; i++) {
        diff_import *import = &w->out->imports[i];
        fvm_bytes module, name;
        uint32_t n, type;
        uint8_t kind;
        if (!take_u32(&n, &in) || fvm_bytes_take(&module, &in, n) != FVM_OK || !take_u32(&n, &in) ||
            fvm_bytes_take(&name, &in, n) != FVM_OK || !take_u8(&kind, &in) || kind != 0 ||
            !take_u32(&type, &in) || type >= w->type_count || module.len >= sizeof import->module ||
            name.len >= sizeof import->name)
            return false;
        memset(import, 0, sizeof *import);
        memcpy(import->module, module.ptr, module.len);
        memcpy(import->name, name.ptr, name.len);
        if (!letters(import->params, sizeof import->params, &import->result, w->types[type]))
            return false;
    }
    w->imported_functions = w->out->import_count = count;
    return true;
}

static bool read_functions(walk *w)
{
    fvm_bytes in = w->sections[3];
    if (!take_u32(&w->function_count, &in) || w->function_count > in.len) return false;
    w->function_types = fvm_mem_zalloc(NULL, (w->function_count + 1) * sizeof(uint32_t));
    if (!w->function_types) return false;
    for (uint32_t i = 0; i < w->function_count; i++)
        if (!take_u32(&w->function_types[i], &in) || w->function_types[i] >= w->type_count)
            return false;
    in = w->sections[6];
    w->global_count = 0;
    return !in.ptr || take_u32(&w->global_count, &in);
}

/* Finds the export `invoke`; a module without is called through its first exported function of
 * numbers. */
static bool plan_call(walk *w)
{
    fvm_bytes in = w->sections[7];
    uint32_t count, n, index;
    diff_call *call = &w->out->calls[0];
    w->out->call_count = 0;
    if (!take_u32(&count, &in)) return false;
    for (uint32_t i = 0; i < count; i++) {
        fvm_bytes name;
        uint8_t kind;
        if (!take_u32(&n, &in) || fvm_bytes_take(&name, &in, n) != FVM_OK || !take_u8(&kind, &in) ||
            !take_u32(&index, &in))
            return false;
        if (kind != 0 || index < w->imported_functions || name.len >= sizeof call->name ||
            index - w->imported_functions >= w->function_count)
            continue;
        memset(call, 0, sizeof *call);
        memcpy(call->name, name.ptr, name.len);
        uint32_t type = w->function_types[index - w->imported_functions];
        if (!letters(call->params, sizeof call->params, &call->result, w->types[type])) continue;
        for (uint32_t p = 0; call->params[p]; p++)
            call->args[p] = diff_chance(&w->rng, 60) ? diff_below(&w->rng, 4)
                                                     : diff_interesting(&w->rng, call->params[p]);
        call->milligas = diff_milligas(&w->rng);
        w->out->call_count = 1;
        if (strcmp(call->name, "invoke") == 0) break;
    }
    return w->out->call_count == 1;
}

/* --- mutations ---------------------------------------------------------------------------------- */

static const struct {
    uint8_t first, last;
} alike[] = {
    /* runs of operators of one type */
    { 0x46, 0x4f }, { 0x51, 0x5a }, { 0x5b, 0x60 }, { 0x61, 0x66 }, { 0x67, 0x69 }, { 0x6a, 0x78 },
    { 0x79, 0x7b }, { 0x7c, 0x8a }, { 0x8b, 0x91 }, { 0x92, 0x98 }, { 0x99, 0x9f }, { 0xa0, 0xa6 },
    { 0xa8, 0xa9 }, { 0xaa, 0xab }, { 0xac, 0xad }, { 0xae, 0xaf }, { 0xb0, 0xb1 }, { 0xb2, 0xb3 },
    { 0xb4, 0xb5 }, { 0xb7, 0xb8 }, { 0xb9, 0xba }, { 0xc0, 0xc1 }, { 0xc2, 0xc4 },
};

static void mutate_index(walk *w, fvm_buf *out, const instruction *i)
{
    fvm_bytes in = i->immediates;
    uint32_t index = 0;
    (void)take_u32(&index, &in);
    diff_put(out, i->opcode);
    switch (diff_below(&w->rng, 4)) {
    case 0: index++; break;
    case 1: index = index ? index - 1 : 0; break;
    case 2: index = diff_below(&w->rng, 2 * index + 4); break;
    default: index ^= 1u << diff_below(&w->rng, 3); break;
    }
    diff_put_u32(out, index);
}

static void mutate_memarg(walk *w, fvm_buf *out, const instruction *i)
{
    static const uint8_t of_i32[] = { 0x28, 0x2c, 0x2d, 0x2e, 0x2f },
                         stores32[] = { 0x36, 0x3a, 0x3b };
    static const uint8_t of_i64[] = { 0x29, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35 };
    static const uint8_t stores64[] = { 0x37, 0x3c, 0x3d, 0x3e };
    static const struct {
        const uint8_t *opcodes;
        uint32_t count;
    } groups[] = { { of_i32, 5 }, { of_i64, 7 }, { stores32, 3 }, { stores64, 4 } };
    fvm_bytes in = i->immediates;
    uint32_t align = 0, offset = 0;
    (void)take_u32(&align, &in), (void)take_u32(&offset, &in);
    uint8_t opcode = i->opcode;
    for (size_t g = 0; g < FVM_COUNT(groups); g++)
        if (memchr(groups[g].opcodes, opcode, groups[g].count) && diff_chance(&w->rng, 60)) {
            opcode = groups[g].opcodes[diff_below(&w->rng, groups[g].count)];
            align = 0;
            break;
        }
    if (diff_chance(&w->rng, 50)) offset = diff_below(&w->rng, 2 * offset + 8);
    if (diff_chance(&w->rng, 5)) offset = (uint32_t)diff_interesting(&w->rng, 'i');
    if (diff_chance(&w->rng, 5)) align = diff_below(&w->rng, 5);
    diff_put(out, opcode);
    diff_put_u32(out, align);
    diff_put_u32(out, offset);
}

static void mutate(walk *w, fvm_buf *out, const instruction *i)
{
    size_t before = out->len;
    w->mutations++;
    if (diff_chance(&w->rng, 4)) { /* anything at all */
        diff_put_bytes(out, i->raw);
        out->ptr[before + diff_below(&w->rng, (uint32_t)i->raw.len)] ^= (uint8_t)(1u << diff_below(
                                                                                      &w->rng, 8));
        return;
    }
    switch (i->shape) {
    case SHAPE_S64:
        diff_put(out, i->opcode);
        diff_put_s64(out, i->opcode == 0x41 ? (int32_t)(uint32_t)diff_interesting(&w->rng, 'i')
                                            : (int64_t)diff_interesting(&w->rng, 'l'));
        return;
    case SHAPE_U32:
        if (i->opcode != 0xfc && diff_chance(&w->rng, 25)) { /* mostly makes the module invalid */
            mutate_index(w, out, i);
            return;
        }
        break;
    case SHAPE_MEMARG: mutate_memarg(w, out, i); return;
    case SHAPE_NONE:
        for (size_t k = 0; k < FVM_COUNT(alike) && i->opcode != 0xfc; k++)
            if (i->opcode >= alike[k].first && i->opcode <= alike[k].last) {
                uint32_t n = (uint32_t)(alike[k].last - alike[k].first) + 1;
                diff_put(out, (uint8_t)(alike[k].first + diff_below(&w->rng, n)));
                return;
            }
        break;
    default: break;
    }
    diff_put_bytes(out, i->raw);
    w->mutations--;
}

/* --- bodies ------------------------------------------------------------------------------------- */

static void put_fuel_check(fvm_buf *out, const walk *w)
{
    diff_put(out, 0x23), diff_put_u32(out, w->fuel);
    diff_put_bytes(out, FVM_BYTES(0x45, 0x04, 0x40, 0x00, 0x0b)); /* i32.eqz if unreachable end */
    diff_put(out, 0x23), diff_put_u32(out, w->fuel);
    diff_put_bytes(out, FVM_BYTES(0x41, 0x01, 0x6b)); /* i32.const 1 i32.sub */
    diff_put(out, 0x24), diff_put_u32(out, w->fuel);
}

static bool sets_fuel(const walk *w, fvm_bytes code)
{
    instruction i;
    uint32_t index;
    return take_instruction(&i, &code) && i.opcode == 0x24 && take_u32(&index, &i.immediates) &&
           index == w->fuel;
}

static bool rewrite_body(walk *w, fvm_buf *out, fvm_bytes in)
{
    uint32_t groups, n;
    const uint8_t *first = in.ptr;
    if (!take_u32(&groups, &in)) return false;
    for (uint32_t g = 0; g < groups; g++) {
        uint8_t type;
        if (!take_u32(&n, &in) || !take_u8(&type, &in)) return false;
    }
    diff_put_bytes(out, (fvm_bytes){ first, (size_t)(in.ptr - first) });
    put_fuel_check(out, w);
    while (in.len) {
        instruction i;
        if (!take_instruction(&i, &in)) return false;
        size_t at = out->len;
        if (in.len && diff_below(&w->rng, w->chance) == 0)
            mutate(w, out, &i);
        else
            diff_put_bytes(out, i.raw);
        if (sets_fuel(w, (fvm_bytes){ out->ptr + at, out->len - at })) {
            out->len = at; /* it would never end */
            diff_put_bytes(out, i.raw);
        }
        if (out->ptr[at] == 0x03) put_fuel_check(out, w);
    }
    return true;
}

static bool rewrite_code(walk *w, fvm_buf *out)
{
    fvm_bytes in = w->sections[10];
    fvm_buf body;
    uint32_t count, size;
    bool good = take_u32(&count, &in) && count == w->function_count;
    if (!good) return false;
    fvm_buf_init(&body, NULL);
    diff_put_u32(out, count);
    for (uint32_t i = 0; i < count && good; i++) {
        fvm_bytes content;
        good = take_u32(&size, &in) && fvm_bytes_take(&content, &in, size) == FVM_OK &&
               rewrite_body(w, &body, content);
        if (good) diff_put_sized(out, &body);
        body.len = 0;
    }
    fvm_buf_deinit(&body);
    return good;
}

static void rewrite_globals(const walk *w, fvm_buf *out)
{
    fvm_bytes in = w->sections[6];
    uint32_t count = 0;
    if (in.ptr) (void)take_u32(&count, &in);
    diff_put_u32(out, count + 1);
    diff_put_bytes(out, in);
    diff_put(out, 0x7f), diff_put(out, 1), diff_put(out, 0x41), diff_put_s64(out, FUEL),
        diff_put(out, 0x0b);
}

bool diff_mutate(diff_case *out, uint64_t seed, fvm_bytes original)
{
    walk w = { .rng = { seed }, .out = out };
    fvm_buf section;
    fvm_buf_init(&section, NULL);
    fvm_buf_init(&out->wasm, NULL);
    out->seed = seed;
    out->meterable = 2;
    bool good = split_sections(&w, original) && read_types(&w) && read_imports(&w) &&
                read_functions(&w) && plan_call(&w);
    if (good) {
        w.fuel = w.global_count; /* imported globals do not get past read_imports */
        /* a handful of changes whatever the size; large modules run little of their code, so more */
        w.chance = (uint32_t)(w.sections[10].len / 6 / (1 + diff_below(&w.rng, 16))) + 3;
        diff_put_bytes(&out->wasm, FVM_BYTES(0, 'a', 's', 'm', 1, 0, 0, 0));
        static const uint8_t order[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11 };
        for (size_t k = 0; k < sizeof order && good; k++) {
            uint8_t id = order[k];
            if (id == 6)
                rewrite_globals(&w, &section);
            else if (id == 10)
                good = rewrite_code(&w, &section);
            else if (w.sections[id].ptr)
                diff_put_bytes(&section, w.sections[id]);
            else
                continue;
            diff_put_section(&out->wasm, id, &section);
        }
    }
    if (!good) fvm_buf_deinit(&out->wasm);
    fvm_buf_deinit(&section);
    fvm_mem_free(NULL, w.types, (w.type_count + 1) * sizeof *w.types);
    fvm_mem_free(NULL, w.function_types, (w.function_count + 1) * sizeof *w.function_types);
    return good;
}
