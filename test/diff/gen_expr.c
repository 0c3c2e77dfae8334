/* gen_expr.c - random expressions, blocks and calls.
 *
 * A body is made top down and typed: gen_expr leaves one value of a wanted type, gen_stmt none. Each
 * asks for its operands first, so what comes out is valid by construction. Sizes are held by a
 * budget per function and a depth per expression. */
#include "gen_code.h"

/* Numeric operators in runs of one signature. */
static const struct {
    uint8_t first, last;
    char params[3];
    char result;
} numeric[] = {
    { 0x45, 0x45, "i", 'i' },  { 0x46, 0x4f, "ii", 'i' }, { 0x50, 0x50, "l", 'i' },
    { 0x51, 0x5a, "ll", 'i' }, { 0x5b, 0x60, "ff", 'i' }, { 0x61, 0x66, "dd", 'i' },
    { 0x67, 0x69, "i", 'i' },  { 0x6a, 0x78, "ii", 'i' }, { 0x79, 0x7b, "l", 'l' },
    { 0x7c, 0x8a, "ll", 'l' }, { 0x8b, 0x91, "f", 'f' },  { 0x92, 0x97, "ff", 'f' },
    { 0x99, 0x9f, "d", 'd' },  { 0xa0, 0xa5, "dd", 'd' }, { 0xa7, 0xa7, "l", 'i' },
    { 0xa8, 0xa9, "f", 'i' },  { 0xaa, 0xab, "d", 'i' },  { 0xac, 0xad, "i", 'l' },
    { 0xae, 0xaf, "f", 'l' },  { 0xb0, 0xb1, "d", 'l' },  { 0xb2, 0xb3, "i", 'f' },
    { 0xb4, 0xb5, "l", 'f' },  { 0xb6, 0xb6, "d", 'f' },  { 0xb7, 0xb8, "i", 'd' },
    { 0xb9, 0xba, "l", 'd' },  { 0xbb, 0xbb, "f", 'd' },  { 0xbe, 0xbe, "i", 'f' },
    { 0xbf, 0xbf, "l", 'd' },  { 0xc0, 0xc1, "i", 'i' },  { 0xc2, 0xc4, "l", 'l' },
};

/* Loads: natural alignment and type of the value. */
static const struct {
    uint8_t opcode, align;
    char type;
} loads[] = {
    { 0x28, 2, 'i' }, { 0x29, 3, 'l' }, { 0x2a, 2, 'f' }, { 0x2b, 3, 'd' }, { 0x2c, 0, 'i' },
    { 0x2d, 0, 'i' }, { 0x2e, 1, 'i' }, { 0x2f, 1, 'i' }, { 0x30, 0, 'l' }, { 0x31, 0, 'l' },
    { 0x32, 1, 'l' }, { 0x33, 1, 'l' }, { 0x34, 2, 'l' }, { 0x35, 2, 'l' },
};

void gen_const(gen_code *c, char type, uint64_t bits)
{
    switch (type) {
    case 'i':
        gen_op(c, 0x41);
        diff_put_s64(c->out, (int32_t)(uint32_t)bits);
        break;
    case 'l':
        gen_op(c, 0x42);
        diff_put_s64(c->out, (int64_t)bits);
        break;
    case 'f':
        gen_op(c, 0x43);
        for (int i = 0; i < 4; i++) diff_put(c->out, (uint8_t)(bits >> (8 * i)));
        break;
    case 'd':
        gen_op(c, 0x44);
        for (int i = 0; i < 8; i++) diff_put(c->out, (uint8_t)(bits >> (8 * i)));
        break;
    case 'r': gen_op_u32(c, 0xd0, 0x70); break;
    default: gen_op_u32(c, 0xd0, 0x6f); break;
    }
}

/* An address within the first page, mostly; near the end of memory or anywhere at times. */
void gen_address(gen_code *c, uint32_t *offset, int depth)
{
    uint32_t kind = gen_below(c, 200);
    *offset = gen_below(c, 3) ? gen_below(c, 64) : gen_below(c, 4096);
    if (kind < 4) {
        uint32_t end = c->m->memory_pages * 65536;
        *offset = gen_below(c, 16);
        gen_const(c, 'i', end - gen_below(c, 32) + gen_below(c, 4));
        if (gen_chance(c, 30)) *offset = (uint32_t)diff_interesting(c->rng, 'i');
    } else if (kind < 6) {
        gen_expr(c, 'i', depth - 1);
    } else if (kind < 40) {
        gen_const(c, 'i', gen_below(c, 2048));
    } else {
        gen_expr(c, 'i', depth - 1);
        gen_const(c, 'i', gen_chance(c, 80) ? 0x3ff : 0xbfff);
        gen_op(c, 0x71);
    }
}

void gen_memarg(gen_code *c, uint32_t align_max, uint32_t offset)
{
    diff_put_u32(c->out, gen_below(c, align_max + 1));
    diff_put_u32(c->out, offset);
}

static bool load(gen_code *c, char type, int depth)
{
    uint32_t first = gen_below(c, (uint32_t)FVM_COUNT(loads)), offset;
    for (uint32_t i = 0; i < FVM_COUNT(loads); i++) {
        uint32_t k = (first + i) % (uint32_t)FVM_COUNT(loads);
        if (loads[k].type != type) continue;
        gen_address(c, &offset, depth);
        gen_op(c, loads[k].opcode);
        gen_memarg(c, loads[k].align, offset);
        return true;
    }
    return false;
}

/* Operators that trap on some operands mostly get others. */
static void protect(gen_code *c, uint8_t opcode)
{
    bool divides = (opcode >= 0x6d && opcode <= 0x70) || (opcode >= 0x7f && opcode <= 0x82);
    if (!divides || gen_chance(c, c->careful ? 1 : 15)) return;
    char type = opcode < 0x79 ? 'i' : 'l';
    gen_const(c, type, 1 + gen_below(c, 7) * 2);
    gen_op(c, type == 'i' ? 0x72 : 0x84); /* or 1: not zero; -1 stays likely enough to matter */
}

/* An operator with a result of `type`, every one as likely as the others; its row in `numeric`. */
static uint8_t pick_operator(gen_code *c, uint32_t *row, char type)
{
    uint32_t rows = c->m->plain ? FVM_COUNT(numeric) - 2 : FVM_COUNT(numeric), count = 0;
    for (uint32_t k = 0; k < rows; k++)
        if (numeric[k].result == type) count += (uint32_t)(numeric[k].last - numeric[k].first) + 1;
    uint32_t nth = gen_below(c, count);
    for (uint32_t k = 0; k < rows; k++) {
        uint32_t run = (uint32_t)(numeric[k].last - numeric[k].first) + 1;
        if (numeric[k].result != type) continue;
        if (nth < run) {
            *row = k;
            return (uint8_t)(numeric[k].first + nth);
        }
        nth -= run;
    }
    return 0x01; /* not reached: each type has operators */
}

void gen_numeric(gen_code *c, char type, int depth)
{
    uint32_t row = 0;
    uint8_t opcode = pick_operator(c, &row, type);
    bool truncates = (opcode >= 0xa8 && opcode <= 0xab) || (opcode >= 0xae && opcode <= 0xb1);
    for (const char *p = numeric[row].params; *p; p++) gen_expr(c, *p, depth - 1);
    protect(c, opcode);
    if (truncates && !c->m->plain && gen_chance(c, c->careful ? 99 : 85))
        gen_op_fc(c, opcode < 0xac ? opcode - 0xa8u : opcode - 0xaeu + 4);
    else
        gen_op(c, opcode);
}

/* --- control ---------------------------------------------------------------------------------- */

void gen_open(gen_code *c, uint8_t opcode, const char *results)
{
    gen_op(c, opcode);
    if (!results[0])
        diff_put(c->out, 0x40);
    else if (!results[1])
        diff_put(c->out, gen_type_byte(results[0]));
    else
        diff_put_s64(c->out, gen_type_index(c->m, "", results));
    /* a branch to a loop goes to its start and takes what the loop takes: nothing */
    strcpy(c->labels[c->label_count++].operands, opcode == OP_LOOP ? "" : results);
}
void gen_close(gen_code *c)
{
    gen_op(c, OP_END);
    c->label_count--;
}

/* A label whose branch takes `operands`, as a relative depth; -1 if there is none. */
int gen_pick_label(gen_code *c, const char *operands)
{
    if (!c->label_count) return -1;
    uint32_t first = gen_below(c, c->label_count);
    for (uint32_t i = 0; i < c->label_count; i++) {
        uint32_t k = (first + i) % c->label_count;
        if (strcmp(c->labels[k].operands, operands) == 0) return (int)(c->label_count - 1 - k);
    }
    return -1;
}

void gen_exprs(gen_code *c, const char *types, int depth)
{
    for (; *types; types++) gen_expr(c, *types, depth);
}

/* Code that nothing reaches; its operands come out of nowhere. */
static void dead_code(gen_code *c)
{
    uint32_t n;
    switch (gen_below(c, 8)) {
    case 6: /* higher than live code gets, which the limiter must not count */
        n = 2 + gen_below(c, 9);
        for (uint32_t i = 0; i < n; i++) gen_const(c, 'l', i);
        for (uint32_t i = 0; i < n; i++) gen_op(c, OP_DROP);
        break;
    case 0:
        gen_op(c, 0x6a);
        gen_op(c, OP_DROP);
        break;
    case 1:
        gen_op(c, OP_SELECT);
        gen_op(c, OP_DROP);
        break;
    case 2:
        gen_const(c, 'i', 1);
        gen_op(c, 0x6a);
        gen_op(c, OP_DROP);
        break;
    case 3:
        gen_op(c, 0x28);
        gen_memarg(c, 2, gen_below(c, 100));
        gen_op(c, 0xac);
        gen_op(c, OP_DROP);
        break;
    case 4:
        if (c->budget > 0) gen_stmt(c, 1);
        break;
    case 5:
        gen_op(c, OP_DROP);
        gen_op(c, OP_DROP);
        break;
    default: break;
    }
}

/* An unconditional branch of some kind; what follows is dead. */
static void jump(gen_code *c, int depth)
{
    uint32_t k = c->label_count ? gen_below(c, c->label_count) : 0;
    /* "-" is the label of a loop without fuel: not to be gone back to */
    switch (c->labels[k].operands[0] == '-' ? 0 : gen_below(c, 8)) {
    case 0: gen_op(c, 0x00); break;
    case 1:
        gen_exprs(c, c->results, depth - 1);
        gen_op(c, OP_RETURN);
        break;
    case 2:
    case 3:
        if (c->label_count) {
            char operands[4];
            strcpy(operands, c->labels[k].operands);
            uint32_t n = gen_below(c, 5), targets[5];
            for (uint32_t i = 0; i <= n; i++) targets[i] = (uint32_t)gen_pick_label(c, operands);
            gen_exprs(c, operands, depth - 1);
            gen_expr(c, 'i', depth - 1);
            gen_op_u32(c, OP_BR_TABLE, n);
            for (uint32_t i = 0; i <= n; i++) diff_put_u32(c->out, targets[i]);
            break;
        }
        /* fall through */
    default:
        if (c->label_count) {
            gen_exprs(c, c->labels[k].operands, depth - 1);
            gen_op_u32(c, OP_BR, c->label_count - 1 - k);
        } else {
            gen_op(c, 0x00);
        }
        break;
    }
    dead_code(c);
}

void gen_if(gen_code *c, const char *results, int depth)
{
    gen_expr(c, 'i', depth - 1);
    gen_open(c, OP_IF, results);
    if (gen_chance(c, 40)) gen_stmts(c, depth - 1);
    if (gen_chance(c, 8))
        jump(c, depth - 1);
    else
        gen_exprs(c, results, depth - 1);
    if (results[0] || gen_chance(c, 50)) {
        gen_op(c, OP_ELSE);
        if (gen_chance(c, 30)) gen_stmts(c, depth - 1);
        if (gen_chance(c, 8))
            jump(c, depth - 1);
        else
            gen_exprs(c, results, depth - 1);
    }
    gen_close(c);
}

void gen_block(gen_code *c, const char *results, int depth)
{
    gen_open(c, OP_BLOCK, results);
    if (gen_chance(c, 60)) gen_stmts(c, depth - 1);
    gen_exprs(c, results, depth - 1);
    if (gen_chance(c, 60)) {
        int label = gen_pick_label(c, results);
        if (label >= 0) {
            gen_expr(c, 'i', depth - 1);
            gen_op_u32(c, OP_BR_IF, (uint32_t)label);
        }
    }
    gen_close(c);
}

/* --- calls ------------------------------------------------------------------------------------ */

void gen_drop(gen_code *c, const char *results, uint32_t keep)
{
    for (size_t n = strlen(results); n > keep; n--) gen_op(c, OP_DROP);
}

/* Calls something whose first result is `type` ('v': anything, dropped); false if nothing fits. */
bool gen_call(gen_code *c, char type, int depth)
{
    gen_module *m = c->m;
    uint32_t first = gen_below(c, m->func_count);
    bool indirect = gen_chance(c, 40);
    for (uint32_t i = 0; i < m->func_count; i++) {
        uint32_t k = (first + i) % m->func_count;
        const gen_type *t = &m->types[m->func_types[k]];
        if (type != 'v' && t->results[0] != type) continue;
        gen_exprs(c, t->params, depth - 1);
        uint32_t slot = gen_below(c, GEN_TABLE_SIZE), tried = 0;
        while (tried < GEN_TABLE_SIZE && m->table_slots[slot] != k)
            slot = (slot + 1) % GEN_TABLE_SIZE, tried++;
        if (indirect && (tried < GEN_TABLE_SIZE || gen_chance(c, 3))) {
            if (gen_chance(c, 95)) {
                gen_const(c, 'i', slot);
            } else {
                gen_expr(c, 'i', depth - 1);
                gen_const(c, 'i', 31);
                gen_op(c, 0x71);
            }
            gen_op_u32(c, OP_CALL_INDIRECT, m->func_types[k]);
            diff_put_u32(c->out, m->refs && gen_chance(c, 5) ? 1 : 0);
        } else {
            gen_op_u32(c, OP_CALL, k);
        }
        gen_drop(c, t->results, type == 'v' ? 0 : 1);
        return true;
    }
    return false;
}

/* --- variables -------------------------------------------------------------------------------- */

bool gen_local_of(gen_code *c, uint32_t *out, char type)
{
    uint32_t first = gen_below(c, c->local_count);
    for (uint32_t i = 0; i < c->local_count; i++) {
        uint32_t k = (first + i) % c->local_count;
        if (c->locals[k] != type) continue;
        *out = k;
        return true;
    }
    return false;
}

bool gen_global_of(gen_code *c, uint32_t *out, char type, bool to_write)
{
    gen_module *m = c->m;
    uint32_t usable = m->global_count - 2; /* not fuel, not depth */
    uint32_t first = gen_below(c, usable);
    for (uint32_t i = 0; i < usable; i++) {
        uint32_t k = (first + i) % usable;
        if (m->globals[k] != type || (to_write && !m->global_mutable[k])) continue;
        *out = k;
        return true;
    }
    return false;
}

static void leaf(gen_code *c, char type)
{
    uint32_t index;
    uint32_t kind = gen_below(c, 10);
    if (kind < 5 && c->local_count && gen_local_of(c, &index, type))
        gen_op_u32(c, OP_LOCAL_GET, index);
    else if (kind < 7 && c->m->global_count > 2 && gen_global_of(c, &index, type, false))
        gen_op_u32(c, OP_GLOBAL_GET, index);
    else if (type == 'r' && kind < 9)
        gen_op_u32(c, 0xd2, gen_below(c, c->m->func_count));
    else
        gen_const(c, type, diff_interesting(c->rng, type));
}

/* --- references ------------------------------------------------------------------------------- */

static uint32_t table_of(gen_code *c, char type)
{
    return type == 'x' ? 2 : gen_below(c, 2);
}
void gen_table_index(gen_code *c, int depth)
{
    if (gen_chance(c, 4)) {
        gen_expr(c, 'i', depth - 1);
        return;
    }
    gen_expr(c, 'i', depth - 1);
    gen_const(c, 'i', GEN_TABLE_SIZE - 1);
    gen_op(c, 0x71);
}

static void ref_expr(gen_code *c, char type, int depth)
{
    switch (gen_below(c, 6)) {
    case 0:
    case 1: {
        uint32_t table = table_of(c, type);
        gen_table_index(c, depth);
        gen_op_u32(c, OP_TABLE_GET, table);
        break;
    }
    case 2:
        gen_expr(c, type, depth - 1);
        gen_expr(c, type, depth - 1);
        gen_expr(c, 'i', depth - 1);
        gen_op_u32(c, OP_SELECT_TYPED, 1);
        diff_put(c->out, gen_type_byte(type));
        break;
    case 3: {
        char results[2] = { type, 0 };
        gen_if(c, results, depth);
        break;
    }
    default: leaf(c, type); break;
    }
}

/* --- expressions ------------------------------------------------------------------------------ */

static void int_extra(gen_code *c, char type, int depth)
{
    uint32_t kind = gen_below(c, 12);
    if (type == 'l' || kind < 4) {
        char from = type == 'i' ? 'f' : 'd';
        gen_expr(c, from, depth - 1);
        gen_op(c, from == 'f' ? 0xbc : 0xbd);
    } else if (kind < 6) {
        gen_op(c, 0x3f); /* memory.size */
        diff_put(c->out, 0);
    } else if (kind < 8) {
        gen_const(c, 'i',
                  gen_chance(c, 90) ? gen_below(c, 3) : (uint32_t)diff_interesting(c->rng, 'i'));
        gen_op(c, 0x40); /* memory.grow */
        diff_put(c->out, 0);
    } else if (c->m->refs && kind < 10) {
        gen_expr(c, gen_chance(c, 70) ? 'r' : 'x', depth - 1);
        gen_op(c, 0xd1); /* ref.is_null */
    } else if (c->m->refs) {
        uint32_t table = gen_below(c, 3);
        if (gen_chance(c, 60)) {
            gen_op_fc(c, 16); /* table.size */
        } else {
            gen_expr(c, table == 2 ? 'x' : 'r', depth - 1);
            gen_const(c, 'i', gen_below(c, 4));
            gen_op_fc(c, 15); /* table.grow */
        }
        diff_put_u32(c->out, table);
    } else {
        leaf(c, type);
    }
}

static void select_expr(gen_code *c, char type, int depth)
{
    gen_expr(c, type, depth - 1);
    gen_expr(c, type, depth - 1);
    gen_expr(c, 'i', depth - 1);
    if (c->m->refs && gen_chance(c, 40)) {
        gen_op_u32(c, OP_SELECT_TYPED, 1);
        diff_put(c->out, gen_type_byte(type));
    } else {
        gen_op(c, OP_SELECT);
    }
}

void gen_expr(gen_code *c, char type, int depth)
{
    char results[2] = { type, 0 };
    uint32_t index;
    if (depth <= 0 || c->budget <= 0 || c->label_count >= GEN_LABELS_MAX - 4) {
        leaf(c, type);
        return;
    }
    if (type == 'r' || type == 'x') {
        ref_expr(c, type, depth);
        return;
    }
    uint32_t kind = gen_below(c, 100);
    if (kind < 2 && (type == 'f' || type == 'd')) {
        gen_const(c, type, diff_next(c->rng) | (type == 'f' ? 0x7f800000u : 0x7ff0000000000000u));
    } else if (kind < 42) {
        gen_numeric(c, type, depth);
    } else if (kind < 52) {
        leaf(c, type);
    } else if (kind < 62) {
        (void)load(c, type, depth);
    } else if (kind < 68) {
        select_expr(c, type, depth);
    } else if (kind < 74) {
        gen_if(c, results, depth);
    } else if (kind < 79) {
        gen_block(c, results, depth);
    } else if (kind < 82) {
        gen_open(c, OP_LOOP, results); /* a loop that nothing branches back to unless by chance */
        c->label_count--;              /* and nothing may: it has no fuel */
        strcpy(c->labels[c->label_count++].operands, "-");
        gen_exprs(c, results, depth - 1);
        gen_close(c);
    } else if (kind < 87) {
        if (!gen_call(c, type, depth)) leaf(c, type);
    } else if (kind < 91) {
        gen_expr(c, type, depth - 1);
        if (gen_local_of(c, &index, type)) gen_op_u32(c, OP_LOCAL_TEE, index);
    } else if (kind < 93) {
        gen_stmt(c, depth - 1);
        gen_expr(c, type, depth - 1);
    } else if (type == 'i' || type == 'l') {
        int_extra(c, type, depth);
    } else {
        gen_expr(c, type, depth - 1);
        gen_expr(c, type, depth - 1);
        gen_op(c, type == 'f' ? 0x98 : 0xa6); /* copysign */
    }
}
