/* regs.c - which register holds what: see x64.h. All of it is bounded by the number of registers
 * and by FVM__X_LAZY, whatever the body. */
#include "wasm/backend/x64/x64.h"
#ifdef FVM__X64

#define ALL_REGS ((1u << FVM__X_REGS) - 1)

const uint8_t fvm__x_hw[FVM__X_REGS] = { RSI, RDI, RBP, R8, R9, R10, R11, R13 };
#define HW(r) fvm__x_hw_of(r)
#define lowest fvm__x_lowest
#define cached fvm__x_cached
#define give_to_operand fvm__x_give_to_operand

static int32_t local_slot(uint32_t local)
{
    return (int32_t)(local * 8);
}

/* --- allocation ------------------------------------------------------------------------------- */

static void write_local(fvm__x64 *x, unsigned r)
{
    fvm__frame_mov(&x->a, true, 0x89, HW(r), local_slot(fvm__x_local_in(x, r)));
    x->dirty &= ~(1u << r);
}

static void drop_local(fvm__x64 *x, unsigned r)
{
    x->local_of |= UINT64_C(0xff) << 8 * r;
    x->locals &= ~(1u << r);
    x->dirty &= ~(1u << r);
    x->free |= 1u << r;
}

static void free_reg(fvm__x64 *x, unsigned r)
{
    x->free |= 1u << r;
}

/* The lowest operand in a register goes to its slot. */
static unsigned evict_operand(fvm__x64 *x, unsigned candidates)
{
    unsigned best = lowest(candidates);
    for (unsigned m = candidates; m; m &= m - 1)
        if (x->holds[lowest(m)] < x->holds[best]) best = lowest(m);
    uint32_t entry = x->holds[best];
    fvm__x_slot_mov(x, true, 0x89, HW(best), entry);
    x->stack[entry].kind = X_SLOT;
    free_reg(x, best);
    return best;
}

/* Locals go in turn, unchanged ones first. */
unsigned fvm__x_evict(fvm__x64 *x)
{
    unsigned locals = x->locals & ~x->pinned, clean = locals & ~x->dirty;
    unsigned from = clean ? clean : locals;
    if (!from) return evict_operand(x, ALL_REGS & ~x->locals & ~x->pinned & ~x->free);
    unsigned later = from >> x->turn << x->turn;
    unsigned r = lowest(later ? later : from);
    x->turn = (r + 1) % FVM__X_REGS;
    if (x->dirty >> r & 1) write_local(x, r);
    drop_local(x, r);
    return r;
}

static void give_to_local(fvm__x64 *x, unsigned r, uint32_t local, bool dirty)
{
    x->local_of = (x->local_of & ~(UINT64_C(0xff) << 8 * r)) | (uint64_t)local << 8 * r;
    x->locals |= 1u << r;
    if (dirty) x->dirty |= 1u << r;
}

/* --- values ----------------------------------------------------------------------------------- */

static void load_slot(fvm__x64 *x, unsigned hw, int32_t at, bool wide)
{
    fvm__frame_mov(&x->a, wide, 0x8b, hw, at);
}

void fvm__x_copy(fvm__x64 *x, unsigned hw, uint32_t entry)
{
    const fvm__x_value *v = &x->stack[entry];
    unsigned r;
    switch (v->kind) {
    case X_REG: fvm__mov_rr(&x->a, hw, HW(v->reg)); return;
    case X_CONST: fvm__mov_ri(&x->a, hw, v->bits); return;
    case X_LOCAL:
        r = cached(x, v->local);
        if (r != FVM__X_NO_REG)
            fvm__rr(&x->a, fvm__x_wide(v->type), 0x8b, hw, HW(r));
        else
            load_slot(x, hw, local_slot(v->local), fvm__x_wide(v->type));
        return;
    default: fvm__x_slot_mov(x, true, 0x8b, hw, entry); return;
    }
}

unsigned fvm__x_find_slow(fvm__x64 *x, uint32_t entry)
{
    const fvm__x_value v = x->stack[entry];
    unsigned r = fvm__x_alloc(x);
    if (v.kind == X_LOCAL && v.local < FVM__X_CACHED_LOCALS) {
        load_slot(x, HW(r), local_slot(v.local), fvm__x_wide(v.type));
        give_to_local(x, r, v.local, false);
    } else {
        fvm__x_copy(x, HW(r), entry);
        give_to_operand(x, r, entry);
    }
    return r;
}

unsigned fvm__x_own_slow(fvm__x64 *x, uint32_t entry)
{
    /* a local that is read is mostly read again */
    if (x->stack[entry].kind == X_LOCAL && (x->free & (x->free - 1))) (void)fvm__x_use(x, entry);
    unsigned r = fvm__x_alloc(x);
    fvm__x_copy(x, HW(r), entry);
    give_to_operand(x, r, entry);
    return HW(r);
}

fvm_err fvm__x_push_slow(fvm__x64 *x, fvm__x_value v)
{
    FVM_TRY(
        fvm__x_vector(x->alloc, &x->stack, &x->cap_stack, (uint64_t)x->h + 1, sizeof *x->stack));
    x->stack[x->h++] = v;
    if (x->h - x->lazy > FVM__X_LAZY) fvm__x_settle(x, x->lazy++);
    return FVM_OK;
}

/* Uses rdx at most, and leaves the flags alone: results wait in rax, comparisons in the flags. */
void fvm__x_settle(fvm__x64 *x, uint32_t entry)
{
    fvm__x_value *v = &x->stack[entry];
    unsigned r;
    switch (v->kind) {
    case X_SLOT: return;
    case X_REG:
        fvm__x_slot_mov(x, true, 0x89, HW(v->reg), entry);
        free_reg(x, v->reg);
        break;
    case X_LOCAL:
        r = cached(x, v->local);
        if (r == FVM__X_NO_REG) fvm__x_copy(x, RDX, entry);
        fvm__x_slot_mov(x, true, 0x89, r == FVM__X_NO_REG ? RDX : HW(r), entry);
        break;
    default:
        if (fvm__x_fits32(v->bits)) {
            fvm__x_rslot(x, true, 0xc7, 0, entry);
            fvm__e32(&x->a, (uint32_t)v->bits);
        } else {
            fvm__mov_ri(&x->a, RDX, v->bits);
            fvm__x_slot_mov(x, true, 0x89, RDX, entry);
        }
        break;
    }
    v->kind = X_SLOT;
}

void fvm__x_settle_all(fvm__x64 *x)
{
    for (; x->lazy < x->h; x->lazy++) fvm__x_settle(x, x->lazy);
}

fvm_err fvm__x_begin_slow(fvm__x64 *x)
{
    FVM_TRY(fvm__x_begin_keeping_flags(x));
    fvm__x_unflag(x);
    return FVM_OK;
}

void fvm__x_unflag_slow(fvm__x64 *x)
{
    uint32_t top = x->h - 1;
    fvm__x_no_flags(x);
    unsigned cc = x->stack[top].reg;
    fvm__rr8(&x->a, false, 0x0f90 | cc, 0, RAX);
    x->stack[top].kind = X_SLOT;
    unsigned hw = fvm__x_define(x, top);
    fvm__rr8(&x->a, false, 0x0fb6, hw, RAX);
}

/* --- locals ----------------------------------------------------------------------------------- */

/* Operands that name the local keep its old value. None of them needs to stay in a register. */
static void settle_aliases(fvm__x64 *x, uint32_t local, uint32_t top)
{
    unsigned r = cached(x, local), pinned = x->pinned;
    bool moved = false;
    for (uint32_t i = x->lazy; i < top; i++) {
        if (x->stack[i].kind != X_LOCAL || x->stack[i].local != local) continue;
        x->pinned = pinned;
        if (r == FVM__X_NO_REG) {
            unsigned own = fvm__x_alloc(x);
            fvm__x_copy(x, HW(own), i);
            give_to_operand(x, own, i);
        } else if (!moved) { /* the local's register is the operand's now: its value is to change */
            drop_local(x, r);
            x->free &= ~(1u << r);
            give_to_operand(x, r, i);
            pinned |= 1u << r;
            moved = true;
        } else {
            unsigned copy = fvm__x_alloc(x);
            fvm__mov_rr(&x->a, HW(copy), HW(r));
            give_to_operand(x, copy, i);
        }
    }
    x->pinned = pinned;
}

static void set_far_local(fvm__x64 *x, uint32_t local, uint32_t top)
{
    fvm__frame_mov(&x->a, true, 0x89, fvm__x_use(x, top), local_slot(local));
}

fvm_err fvm__x_local_set(fvm__backend *be, uint32_t local, char type, bool tee)
{
    fvm__x64 *x = (fvm__x64 *)be;
    FVM_TRY(fvm__x_begin(x));
    uint32_t top = x->h - 1;
    fvm__x_value v = x->stack[top];
    bool same = v.kind == X_LOCAL && v.local == local;
    if (!same) settle_aliases(x, local, top);
    v = x->stack[top];
    if (same || local >= FVM__X_CACHED_LOCALS) {
        if (!same) set_far_local(x, local, top);
        if (!tee) fvm__x_pop_one(x);
        return FVM_OK;
    }
    unsigned r = cached(x, local);
    if (v.kind == X_REG) {
        if (r != FVM__X_NO_REG) drop_local(x, r);
        r = v.reg;
    } else {
        if (r == FVM__X_NO_REG) r = fvm__x_alloc(x);
        unsigned from = v.kind == X_LOCAL ? cached(x, v.local) : FVM__X_NO_REG;
        fvm__x_copy(x, HW(r), top);
        x->checked[r] = from == FVM__X_NO_REG ? 0 : x->checked[from];
    }
    give_to_local(x, r, local, true);
    if (!tee) {
        x->h--; /* its register, if it had one, is the local's now */
        if (x->lazy > x->h) x->lazy = x->h;
    } else if (v.kind != X_CONST) {
        x->stack[top] = (fvm__x_value){ .kind = X_LOCAL, .local = local, .type = type };
        if (x->lazy > top) x->lazy = top;
    }
    return FVM_OK;
}

void fvm__x_flush(fvm__x64 *x)
{
    for (unsigned m = x->dirty; m; m &= m - 1) write_local(x, lowest(m));
}

void fvm__x_forget(fvm__x64 *x)
{
    x->free |= x->locals;
    x->locals = x->dirty = 0;
    x->local_of = FVM__X_NO_LOCALS;
}

/* --- where control meets ---------------------------------------------------------------------- */

fvm_err fvm__x_reset(fvm__x64 *x, uint32_t base, uint32_t n)
{
    if (FVM_UNLIKELY((uint64_t)base + n > x->cap_stack))
        FVM_TRY(fvm__x_vector(x->alloc, &x->stack, &x->cap_stack, (uint64_t)base + n,
                              sizeof *x->stack));
    if (x->h > base) fvm__x_pop(x, x->h - base);
    x->h = x->lazy = base + n;
    for (uint32_t i = base; i < x->h; i++) x->stack[i].kind = X_SLOT;
    return FVM_OK;
}

void fvm__x_state_set(fvm__x64 *x, const fvm__x_state *to)
{
    memset(x->checked, 0, sizeof x->checked);
    x->free = (x->free | x->locals) & ~(unsigned)to->has;
    x->locals = to->has;
    x->local_of = to->locals;
    x->dirty = to->dirty;
}

void fvm__x_load_state(fvm__x64 *x, const fvm__x_state *to)
{
    for (unsigned m = to->has; m; m &= m - 1) {
        unsigned r = lowest(m);
        load_slot(x, HW(r), local_slot(to->locals >> 8 * r & 0xff), true);
    }
}

/* Moves among registers, all at once: `from` of each register in `pending`. */
static void move_all(fvm__x64 *x, uint8_t from[FVM__X_REGS], unsigned pending)
{
    while (pending) {
        unsigned sources = 0;
        for (unsigned m = pending; m; m &= m - 1) sources |= 1u << from[lowest(m)];
        unsigned ready = pending & ~sources;
        if (ready) {
            unsigned r = lowest(ready);
            fvm__mov_rr(&x->a, HW(r), HW(from[r]));
            pending &= ~(1u << r);
            continue;
        }
        unsigned r = lowest(pending), q = from[r]; /* only cycles are left */
        fvm__rr(&x->a, true, 0x87, HW(r), HW(q));
        pending &= ~(1u << r);
        for (unsigned m = pending; m; m &= m - 1)
            if (from[lowest(m)] == r) from[lowest(m)] = (uint8_t)q;
        if ((pending >> q & 1) && from[q] == q) pending &= ~(1u << q);
    }
}

/* Whether each of these registers has to do with it is a toss-up, so what can be decided without a
 * branch is. */
void fvm__x_arrange(fvm__x64 *x, const fvm__x_state *to)
{
    uint8_t from[FVM__X_REGS];
    unsigned loads = 0, differ = fvm__x_differ(x, to), wanted = differ & to->has;
    for (unsigned m = x->dirty & (differ | ~(unsigned)to->dirty); m; m &= m - 1) {
        unsigned r = lowest(m);
        uint32_t local = fvm__x_local_in(x, r);
        uint8_t *before = x->a.p;
        fvm__frame_mov(&x->a, true, 0x89, HW(r), local_slot(local));
        bool stays_dirty = fvm__x_find(to->locals, local) & to->dirty;
        x->a.p = stays_dirty ? before : x->a.p;
    }
    for (unsigned m = wanted; m; m &= m - 1) {
        unsigned r = lowest(m), at = fvm__x_find(x->local_of, to->locals >> 8 * r & 0xff);
        loads |= (unsigned)!at << r;
        from[r] = (uint8_t)lowest(at | 1u << FVM__X_REGS);
    }
    if (wanted & ~loads) move_all(x, from, wanted & ~loads);
    for (unsigned m = loads; m; m &= m - 1) {
        unsigned r = lowest(m);
        load_slot(x, HW(r), local_slot(to->locals >> 8 * r & 0xff), true);
    }
}
#endif
