/* gen_stmt.c - random statements, loops and whole function bodies. */
#include "gen_code.h"

static const struct {
    uint8_t opcode, align;
    char type;
} stores[] = {
    { 0x36, 2, 'i' }, { 0x37, 3, 'l' }, { 0x38, 2, 'f' }, { 0x39, 3, 'd' }, { 0x3a, 0, 'i' },
    { 0x3b, 1, 'i' }, { 0x3c, 0, 'l' }, { 0x3d, 1, 'l' }, { 0x3e, 2, 'l' },
};

static void loop_stmt(gen_code *c, int depth)
{
    gen_open(c, OP_BLOCK, "");
    gen_open(c, OP_LOOP, "");
    gen_op_u32(c, OP_GLOBAL_GET, c->m->fuel);
    gen_op(c, 0x45);
    gen_op_u32(c, OP_BR_IF, 1);
    gen_op_u32(c, OP_GLOBAL_GET, c->m->fuel);
    gen_const(c, 'i', 1);
    gen_op(c, 0x6b);
    gen_op_u32(c, OP_GLOBAL_SET, c->m->fuel);
    gen_stmts(c, depth - 1);
    gen_expr(c, 'i', depth - 1);
    gen_op_u32(c, OP_BR_IF, 0);
    gen_close(c);
    gen_close(c);
}

/* --- statements ------------------------------------------------------------------------------- */

static char any_type(gen_code *c)
{
    static const char all[] = "iiillffddrx";
    return all[gen_below(c, c->m->refs ? 11 : 9)];
}

static void store(gen_code *c, int depth)
{
    uint32_t k = gen_below(c, (uint32_t)FVM_COUNT(stores)), offset;
    gen_address(c, &offset, depth);
    gen_expr(c, stores[k].type, depth - 1);
    gen_op(c, stores[k].opcode);
    gen_memarg(c, stores[k].align, offset);
}

/* A length or a place for bulk operations: small, now and then too much. */
static void small(gen_code *c, uint32_t limit, int depth)
{
    if (gen_chance(c, 50)) {
        gen_const(c, 'i', gen_below(c, limit));
    } else if (gen_chance(c, 97)) {
        gen_expr(c, 'i', depth - 1);
        gen_const(c, 'i', limit);
        gen_op(c, 0x70); /* rem_u */
    } else {
        gen_const(c, 'i', diff_interesting(c->rng, 'i'));
    }
}

static void bulk_memory(gen_code *c, int depth)
{
    gen_module *m = c->m;
    switch (gen_below(c, 4)) {
    case 0:
        small(c, 4096, depth), gen_expr(c, 'i', depth - 1), small(c, 600, depth);
        gen_op_fc(c, 11); /* memory.fill */
        diff_put(c->out, 0);
        break;
    case 1:
        small(c, 4096, depth), small(c, 4096, depth), small(c, 600, depth);
        gen_op_fc(c, 10); /* memory.copy */
        diff_put(c->out, 0), diff_put(c->out, 0);
        break;
    case 2:
        if (!m->passive_data) break;
        small(c, 4096, depth), small(c, 16, depth), small(c, 10, depth);
        gen_op_fc(c, 8); /* memory.init */
        diff_put_u32(c->out, gen_below(c, m->passive_data)), diff_put(c->out, 0);
        break;
    default:
        if (!m->passive_data || gen_chance(c, 70)) break;
        gen_op_fc(c, 9); /* data.drop */
        diff_put_u32(c->out, gen_below(c, m->passive_data));
        break;
    }
}

/* What metered modules may do with references: move them about in table 0. */
static void move_references(gen_code *c, int depth)
{
    bool grows = gen_chance(c, 30), fills = !grows && gen_chance(c, 40);
    if (gen_chance(c, 20)) {
        gen_op_fc(c, 16); /* table.size */
        diff_put_u32(c->out, 0);
        gen_op(c, OP_DROP);
    }
    if (fills)
        small(c, 12, depth);
    else if (!grows)
        gen_table_index(c, depth);
    gen_table_index(c, depth);
    gen_op_u32(c, OP_TABLE_GET, 0);
    if (!grows && !fills) {
        gen_op_u32(c, OP_TABLE_SET, 0);
        return;
    }
    small(c, 4, depth);
    gen_op_fc(c, grows ? 15 : 17); /* table.grow, table.fill */
    diff_put_u32(c->out, 0);
    if (grows) gen_op(c, OP_DROP);
}

static void bulk_table(gen_code *c, int depth)
{
    gen_module *m = c->m;
    if (!m->refs && !m->plain && gen_chance(c, 40)) {
        move_references(c, depth);
        return;
    }
    uint32_t to = m->refs ? gen_below(c, 2) : 0, from = m->refs ? gen_below(c, 2) : 0;
    switch (gen_below(c, m->refs ? 5 : 3)) {
    case 0:
        small(c, 12, depth), small(c, 12, depth), small(c, 5, depth);
        gen_op_fc(c, 14); /* table.copy */
        diff_put_u32(c->out, to), diff_put_u32(c->out, from);
        break;
    case 1:
        if (!m->passive_elem) break;
        small(c, 12, depth), small(c, 3, depth), small(c, 3, depth);
        gen_op_fc(c, 12); /* table.init */
        diff_put_u32(c->out, gen_below(c, m->passive_elem)), diff_put_u32(c->out, to);
        break;
    case 2:
        if (!m->passive_elem || gen_chance(c, 70)) break;
        gen_op_fc(c, 13); /* elem.drop */
        diff_put_u32(c->out, gen_below(c, m->passive_elem));
        break;
    case 3: {
        uint32_t table = gen_below(c, 3);
        small(c, 12, depth), gen_expr(c, table == 2 ? 'x' : 'r', depth - 1), small(c, 4, depth);
        gen_op_fc(c, 17); /* table.fill */
        diff_put_u32(c->out, table);
        break;
    }
    default: {
        uint32_t table = gen_below(c, 3);
        gen_table_index(c, depth);
        gen_expr(c, table == 2 ? 'x' : 'r', depth - 1);
        gen_op_u32(c, OP_TABLE_SET, table);
        break;
    }
    }
}

/* Blocks that take parameters and leave several results. */
static void multi_value(gen_code *c, int depth)
{
    static const char *const shapes[][2] = {
        { "il", "di" }, { "i", "ii" }, { "fd", "" }, { "dli", "fi" }, { "r", "ir" },
    };
    uint32_t k = gen_below(c, (uint32_t)FVM_COUNT(shapes));
    const char *params = shapes[k][0], *results = shapes[k][1];
    bool is_if = gen_chance(c, 40);
    gen_exprs(c, params, depth - 1);
    if (is_if) gen_expr(c, 'i', depth - 1);
    gen_op(c, is_if ? OP_IF : OP_BLOCK);
    diff_put_s64(c->out, gen_type_index(c->m, params, results));
    strcpy(c->labels[c->label_count++].operands, results);
    for (int arm = 0; arm < (is_if ? 2 : 1); arm++) {
        if (arm) gen_op(c, OP_ELSE);
        gen_drop(c, params, 0);
        if (gen_chance(c, 50)) gen_stmts(c, depth - 1);
        gen_exprs(c, results, depth - 1);
        if (gen_chance(c, 50)) {
            gen_expr(c, 'i', depth - 1);
            gen_op_u32(c, OP_BR_IF, 0);
        }
    }
    gen_close(c);
    gen_drop(c, results, 0);
}

static void assign(gen_code *c, int depth)
{
    uint32_t index;
    char type = any_type(c);
    if (gen_chance(c, 60) && gen_local_of(c, &index, type)) {
        gen_expr(c, type, depth - 1);
        gen_op_u32(c, OP_LOCAL_SET, index);
    } else if (c->m->global_count > 2 && gen_global_of(c, &index, type, true)) {
        gen_expr(c, type, depth - 1);
        gen_op_u32(c, OP_GLOBAL_SET, index);
    } else {
        gen_expr(c, type, depth - 1);
        gen_op(c, OP_DROP);
    }
}

static void branch_if(gen_code *c, int depth)
{
    int label = gen_pick_label(c, "");
    if (label < 0) return;
    gen_expr(c, 'i', depth - 1);
    gen_op_u32(c, OP_BR_IF, (uint32_t)label);
}

static void switch_stmt(gen_code *c, int depth)
{
    uint32_t n = 1 + gen_below(c, 4);
    for (uint32_t i = 0; i <= n; i++) gen_open(c, OP_BLOCK, "");
    gen_expr(c, 'i', depth - 1);
    if (gen_chance(c, 70)) gen_const(c, 'i', 7), gen_op(c, 0x71);
    gen_op_u32(c, OP_BR_TABLE, n);
    for (uint32_t i = 0; i <= n; i++) diff_put_u32(c->out, gen_below(c, n + 1));
    for (uint32_t i = 0; i <= n; i++) {
        gen_close(c);
        gen_stmt(c, depth - 1);
    }
}

void gen_stmt(gen_code *c, int depth)
{
    if (c->budget <= 0 || depth <= 0 || c->label_count >= GEN_LABELS_MAX - 8) {
        diff_put(c->out, 0x01); /* nop */
        return;
    }
    uint32_t kind = gen_below(c, 100);
    if (kind < 30)
        assign(c, depth);
    else if (kind < 48)
        store(c, depth);
    else if (kind < 58)
        gen_if(c, "", depth);
    else if (kind < 63)
        gen_block(c, "", depth);
    else if (kind < 70)
        loop_stmt(c, depth);
    else if (kind < 75)
        branch_if(c, depth);
    else if (kind < 79)
        switch_stmt(c, depth);
    else if (kind < 86)
        (void)gen_call(c, 'v', depth);
    else if (kind < 91)
        bulk_memory(c, depth);
    else if (kind < 95)
        bulk_table(c, depth);
    else if (kind < 97 && c->m->refs)
        multi_value(c, depth);
    else
        gen_expr(c, any_type(c), depth - 1), gen_op(c, OP_DROP);
}

void gen_stmts(gen_code *c, int depth)
{
    for (uint32_t n = 1 + gen_below(c, 3); n; n--) gen_stmt(c, depth);
}

/* Straight code in which every result is seen: operators on interesting values, each stored to a
 * place of its own. */
static void dense_stores(gen_code *c)
{
    static const struct {
        char type;
        uint8_t store;
    } kinds[] = { { 'i', 0x36 }, { 'l', 0x37 }, { 'f', 0x38 }, { 'd', 0x39 } };
    uint32_t at = 32768 + 8 * gen_below(c, 512);
    int budget = c->budget;
    c->careful = true;
    for (uint32_t n = 8 + gen_below(c, 24); n; n--, at += 8) {
        uint32_t k = gen_below(c, (uint32_t)FVM_COUNT(kinds));
        gen_const(c, 'i', at);
        gen_numeric(c, kinds[k].type, 1 + (int)gen_below(c, 2));
        gen_op(c, kinds[k].store);
        gen_memarg(c, 0, 0);
    }
    c->careful = false;
    c->budget = budget;
}

/* --- bodies ----------------------------------------------------------------------------------- */

static void declare_locals(gen_code *c, const gen_type *type)
{
    char extra[GEN_LOCALS_MAX];
    uint32_t n = gen_below(c, 10), params = (uint32_t)strlen(type->params);
    for (uint32_t i = 0; i < n; i++) extra[i] = any_type(c);
    memcpy(c->locals, type->params, params);
    memcpy(c->locals + params, extra, n);
    c->local_count = params + n;

    fvm_buf groups;
    uint32_t group_count = 0;
    fvm_buf_init(&groups, NULL);
    for (uint32_t i = 0, run; i < n; i += run, group_count++) {
        for (run = 1; i + run < n && extra[i + run] == extra[i]; run++) {}
        diff_put_u32(&groups, run);
        diff_put(&groups, gen_type_byte(extra[i]));
    }
    diff_put_u32(c->out, group_count);
    diff_put_bytes(c->out, fvm_buf_bytes(&groups));
    fvm_buf_deinit(&groups);
}

static void add_to_global(gen_code *c, uint32_t global, uint8_t opcode)
{
    gen_op_u32(c, OP_GLOBAL_GET, global);
    gen_const(c, 'i', 1);
    gen_op(c, opcode);
    gen_op_u32(c, OP_GLOBAL_SET, global);
}

void gen_body(gen_module *module, fvm_buf *body, uint32_t index)
{
    const gen_type *type = &module->types[module->func_types[index]];
    char results[4];
    gen_code c = { .m = module, .rng = &module->rng, .out = body, .results = results };
    strcpy(results, type->results);
    declare_locals(&c, type);

    /* without fuel, or too deep: zeros */
    gen_op_u32(&c, OP_GLOBAL_GET, module->fuel);
    gen_op(&c, 0x45);
    gen_op_u32(&c, OP_GLOBAL_GET, module->depth);
    gen_const(&c, 'i', module->depth_limit);
    gen_op(&c, 0x4f); /* ge_u */
    gen_op(&c, 0x72);
    gen_op(&c, OP_IF);
    diff_put(body, 0x40);
    for (const char *r = results; *r; r++) gen_const(&c, *r, 0);
    gen_op(&c, OP_RETURN);
    gen_op(&c, OP_END);
    add_to_global(&c, module->fuel, 0x6b);
    add_to_global(&c, module->depth, 0x6a);

    c.budget = 30 + (int)gen_below(&c, 250);
    gen_open(&c, OP_BLOCK, results);
    if (gen_chance(&c, 40)) dense_stores(&c);
    int depth = 3 + (int)gen_below(&c, 4);
    for (uint32_t n = 1 + gen_below(&c, 6); n && c.budget > 0; n--) gen_stmt(&c, depth);
    gen_exprs(&c, results, depth);
    gen_close(&c);
    add_to_global(&c, module->depth, 0x6b);
    gen_op(&c, OP_END);
}
