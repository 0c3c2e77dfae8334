/* gen_code.h - what the makers of expressions and of statements share. */
#ifndef FVM_TEST_DIFF_GEN_CODE_H
#define FVM_TEST_DIFF_GEN_CODE_H

#include "gen.h"

#define GEN_LOCALS_MAX 24
#define GEN_LABELS_MAX 20

/** A body in the making. */
typedef struct gen_code {
    gen_module *m;
    diff_rng *rng;
    fvm_buf *out;
    char locals[GEN_LOCALS_MAX + 1]; /* letters; parameters first */
    uint32_t local_count;
    const char *results; /* of the function */
    struct {
        char operands[4]; /* what a branch to it takes; "-": not to be branched to */
    } labels[GEN_LABELS_MAX];
    uint32_t label_count;
    int budget;   /* instructions left, about */
    bool careful; /* few traps */
} gen_code;

enum {
    OP_BLOCK = 0x02,
    OP_LOOP,
    OP_IF,
    OP_ELSE,
    OP_END = 0x0b,
    OP_BR,
    OP_BR_IF,
    OP_BR_TABLE,
    OP_RETURN,
    OP_CALL,
    OP_CALL_INDIRECT,
    OP_DROP = 0x1a,
    OP_SELECT,
    OP_SELECT_TYPED,
    OP_LOCAL_GET = 0x20,
    OP_LOCAL_SET,
    OP_LOCAL_TEE,
    OP_GLOBAL_GET,
    OP_GLOBAL_SET,
    OP_TABLE_GET,
    OP_TABLE_SET
};

static inline uint32_t gen_below(gen_code *c, uint32_t n)
{
    return diff_below(c->rng, n);
}
static inline bool gen_chance(gen_code *c, uint32_t percent)
{
    return diff_chance(c->rng, percent);
}
static inline void gen_op(gen_code *c, uint8_t opcode)
{
    diff_put(c->out, opcode);
    c->budget--;
}
static inline void gen_op_u32(gen_code *c, uint8_t opcode, uint32_t immediate)
{
    gen_op(c, opcode);
    diff_put_u32(c->out, immediate);
}
static inline void gen_op_fc(gen_code *c, uint32_t sub)
{
    gen_op(c, 0xfc);
    diff_put_u32(c->out, sub);
}

/* Expressions, in gen_expr.c. `depth` bounds how deep they nest. */

/** Leaves one value of a type. */
void gen_expr(gen_code *c, char type, int depth);
void gen_exprs(gen_code *c, const char *types, int depth);
void gen_const(gen_code *c, char type, uint64_t bits);
/** Leaves the result of an operator whose operands nest up to `depth` - 1. */
void gen_numeric(gen_code *c, char type, int depth);
/** Leaves an i32 to load from or store to, and chooses the offset. */
void gen_address(gen_code *c, uint32_t *offset, int depth);
void gen_memarg(gen_code *c, uint32_t align_max, uint32_t offset);
void gen_open(gen_code *c, uint8_t opcode, const char *results);
void gen_close(gen_code *c);
int gen_pick_label(gen_code *c, const char *operands);
void gen_if(gen_code *c, const char *results, int depth);
void gen_block(gen_code *c, const char *results, int depth);
bool gen_call(gen_code *c, char type, int depth);
void gen_drop(gen_code *c, const char *results, uint32_t keep);
bool gen_local_of(gen_code *c, uint32_t *out, char type);
bool gen_global_of(gen_code *c, uint32_t *out, char type, bool to_write);
void gen_table_index(gen_code *c, int depth);

/* Statements, in gen_stmt.c: they leave the stack as it was. */

void gen_stmt(gen_code *c, int depth);
void gen_stmts(gen_code *c, int depth);
#endif
