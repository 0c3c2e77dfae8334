/* compile.c - blocks, branches, charges and functions: the back end's side of the seam. */
#include "base/vector.h"
#include "wasm/backend/x64/x64.h"
#include "wasm/guard.h"
#ifndef FVM__X64
bool fvm__x64_supported(void)
{
    return false;
}

fvm_err fvm__x64_backend_new(fvm__backend **out, fvm_wasm_module *module, size_t wasm_bytes)
{
    (void)module, (void)wasm_bytes;
    *out = NULL;
    return FVM_ERR_WASM_UNSUPPORTED;
}

uint32_t fvm__x64_features(void)
{
    return 0;
}

bool fvm__x64_owns(const fvm_wasm_module *module)
{
    (void)module;
    return false;
}

fvm_err fvm__x64_install(fvm_wasm_module *module, const uint8_t *code, size_t len,
                         uint32_t enter_at)
{
    (void)module, (void)code, (void)len, (void)enter_at;
    return FVM_ERR_WASM_UNSUPPORTED;
}
#else

#include <stddef.h>
#include <sys/mman.h>

#define AT(type, field) ((int32_t)offsetof(struct type, field))
#define NONE FVM__X_NONE

/* --- room ------------------------------------------------------------------------------------- */

/* By fours: what is not used is not touched, and several that grow in turn are copied each time. */
fvm_err fvm__x_more(const fvm_allocator *alloc, void *vector, uint32_t *cap, uint64_t need,
                    size_t size)
{
    uint64_t ample = (uint64_t)*cap * 4;
    if (ample > need && ample <= INT32_MAX) need = ample;
    return fvm_vector_grow(alloc, vector, cap, need, size, 64, INT32_MAX);
}

/* Each displacement to an operand is noted behind an instruction of three bytes at least. */
#define PAGES_LEAST (1u << 16)
#define SLOTS_PER_ROOM (FVM__X_ROOM / 3 + 1)
#define JUMPS_PER_ROOM (FVM__X_ROOM / 5 + 1) /* likewise */

/* The next pages of code, a sixteenth of what there is: made at once they cost half as much as one by
 * one when they are written to. Where the system does not know how, nothing is lost. */
static void make_pages(fvm__x64 *x)
{
    uint32_t end = fvm__at(&x->a) + FVM__X_ROOM;
    if (end < x->made) return;
    uint32_t to = (end + end / 16 + PAGES_LEAST) & ~(PAGES_LEAST - 1);
    if (to > x->a.cap) to = x->a.cap;
#ifdef MADV_POPULATE_WRITE
    (void)madvise(x->a.base + x->made, to - x->made, MADV_POPULATE_WRITE);
#endif
    x->made = to;
}

static void set_limit(fvm__x64 *x)
{
    make_pages(x);
    uint32_t at = fvm__at(&x->a), most = x->made - FVM__X_ROOM;
    uint64_t noted = at + 3 * (uint64_t)(x->cap_slots - x->n_slots - SLOTS_PER_ROOM);
    uint64_t jumped = at + 5 * (uint64_t)(x->cap_jumps - x->n_jumps - JUMPS_PER_ROOM);
    bool flags = x->hurdle != x->limit;
    if (jumped < noted) noted = jumped;
    x->limit = x->a.base + (noted < most ? (uint32_t)noted : most);
    x->hurdle = flags ? x->a.base : x->limit;
}

/* The code grows where it will run: pages that are moved need not be copied, or made again; but those
 * of which some are huge are two mappings to the system, which only moves one at a time. */
static fvm_err grow_code(fvm__x64 *x, size_t bytes)
{
    uint32_t at = fvm__at(&x->a);
    void *grown = mremap(x->a.base, x->a.cap, bytes, MREMAP_MAYMOVE);
    if (grown == MAP_FAILED) {
        grown = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (grown == MAP_FAILED) return FVM_ERR_NOMEM;
        (void)madvise(grown, bytes, MADV_HUGEPAGE);
        memcpy(grown, x->a.base, at);
        (void)munmap(x->a.base, x->a.cap);
        x->made = at & ~(PAGES_LEAST - 1);
    }
    x->a.base = grown;
    x->a.p = x->a.base + at;
    x->a.cap = (uint32_t)bytes;
    return FVM_OK;
}

/* Code stays below 2 GiB, so that all distances have 32 bits. */
fvm_err fvm__x_room(fvm__x64 *x, uint64_t extra)
{
    uint32_t at = fvm__at(&x->a);
    uint64_t need = (uint64_t)at + extra + FVM__X_ROOM;
    FVM_TRY(fvm__x_vector(x->alloc, &x->slots, &x->cap_slots,
                          (uint64_t)x->n_slots + 2 * SLOTS_PER_ROOM, sizeof *x->slots));
    FVM_TRY(fvm__x_vector(x->alloc, &x->jumps, &x->cap_jumps,
                          (uint64_t)x->n_jumps + 2 * JUMPS_PER_ROOM, sizeof *x->jumps));
    if (need > x->a.cap) {
        uint64_t more = (uint64_t)x->a.cap * 2;
        while (more < need) more *= 2;
        if (more > FVM__X_CODE_MAX) return FVM_ERR_NOMEM;
        FVM_TRY(grow_code(x, (size_t)more));
    }
    set_limit(x);
    return FVM_OK;
}

/* --- labels ----------------------------------------------------------------------------------- */

/* All jumps of a chain come here. */
static void bind(fvm__x64 *x, uint32_t chain)
{
    uint32_t here = fvm__at(&x->a);
    for (; chain != NONE; chain = x->jumps[chain].next)
        fvm__set_rel32(&x->a, x->jumps[chain].at, here);
}

static void aim(fvm__x64 *x, fvm__x_label *l, uint32_t place)
{
    if (l->code == FVM__OP_LOOP) {
        fvm__set_rel32(&x->a, place, l->at);
    } else { /* fvm__x_room has seen to it that there is one more */
        x->jumps[x->n_jumps] = (fvm__x_jump){ .at = place, .next = l->forward };
        l->forward = x->n_jumps++;
    }
}

static bool is_function(const fvm__x64 *x, const fvm__x_label *l)
{
    return l == x->labels;
}

static uint32_t arity(const fvm__x_label *l)
{
    return l->code == FVM__OP_LOOP ? l->n_params : l->n_results;
}

/* Copies `n` operands down the frame, to operand `to` or, where a callee's results are, to its
 * begin. Registers of the copy are given back, as locals may be in them. */
#define TO_FRAME UINT32_MAX
static void move_operands(fvm__x64 *x, uint32_t to, uint32_t from, uint32_t n)
{
    fvm__asm *a = &x->a;
    if (to == from) return;
    if (n <= 4) {
        for (uint32_t i = 0; i < n; i++) {
            fvm__x_rslot(x, true, 0x8b, RAX, from + i);
            if (to == TO_FRAME)
                fvm__store64(a, FVM__X_FRAME, (int32_t)i * 8, RAX);
            else
                fvm__x_rslot(x, true, 0x89, RAX, to + i);
        }
        return;
    }
    fvm__e8(a, 0x56); /* push rsi, rdi */
    fvm__e8(a, 0x57);
    fvm__x_rslot(x, true, 0x8d, RSI, from);
    if (to == TO_FRAME)
        fvm__mov_rr(a, RDI, FVM__X_FRAME);
    else
        fvm__x_rslot(x, true, 0x8d, RDI, to);
    fvm__mov_ri(a, RCX, n);
    fvm__e8(a, 0xf3); /* rep movsq */
    fvm__e8(a, 0x48);
    fvm__e8(a, 0xa5);
    fvm__e8(a, 0x5f);
    fvm__e8(a, 0x5e);
}

/* The results of the function: the first one in rax, others in slots as well. */
static void place_results(fvm__x64 *x, uint32_t n)
{
    if (n == 1) {
        fvm__x_copy(x, RAX, x->h - 1);
    } else if (n > 1) {
        move_operands(x, TO_FRAME, x->h - n, n);
        fvm__load64(&x->a, RAX, FVM__X_FRAME, 0);
    }
}

/* The values that a branch carries: one in rax, except to a loop; more in the label's slots. */
static void place_values(fvm__x64 *x, const fvm__x_label *l, uint32_t n)
{
    if (n == 0) return;
    if (n == 1) {
        fvm__x_copy(x, RAX, x->h - 1);
        if (l->code == FVM__OP_LOOP) fvm__x_rslot(x, true, 0x89, RAX, l->base);
    } else {
        move_operands(x, l->base, x->h - n, n);
    }
}

static fvm__x_state state_of(const fvm__x_label *l)
{
    return (fvm__x_state){ .locals = l->locals, .has = l->has, .dirty = l->dirty };
}

static void set_state(fvm__x_label *l, uint64_t locals, unsigned has, unsigned dirty)
{
    l->locals = locals;
    l->has = (uint8_t)has;
    l->dirty = (uint8_t)dirty;
    l->has_state = true;
}

static void expect_state(fvm__x64 *x, fvm__x_label *l)
{
    if (!l->has_state) set_state(l, x->local_of, x->locals, x->dirty);
}

/* Brings locals to where the label has them. */
static void arrange(fvm__x64 *x, const fvm__x_label *l)
{
    fvm__x_state to = state_of(l);
    fvm__x_arrange(x, &to);
}

static bool matches(const fvm__x64 *x, const fvm__x_label *l)
{
    fvm__x_state to = state_of(l);
    return fvm__x_state_matches(x, &to);
}

/* Jumps with the top `n` operands, of which more than one are settled; the pass's view stays. */
static void emit_jump(fvm__x64 *x, fvm__x_label *l, uint32_t n)
{
    if (is_function(x, l)) {
        place_results(x, n);
    } else {
        place_values(x, l, n);
        expect_state(x, l);
        arrange(x, l);
    }
    aim(x, l, fvm__jmp(&x->a));
}

/* Pops the condition of br_if or if: jumps on the condition returned do so when it holds. */
static unsigned take_condition(fvm__x64 *x)
{
    unsigned cc = CC_NE;
    if (x->stack[x->h - 1].kind == X_FLAGS) {
        cc = x->stack[x->h - 1].reg;
        fvm__x_no_flags(x);
    } else {
        unsigned c = fvm__x_use(x, x->h - 1);
        fvm__rr(&x->a, false, 0x85, c, c);
    }
    fvm__x_pop_one(x);
    return cc;
}

/* --- blocks ----------------------------------------------------------------------------------- */

fvm_err fvm__x_block(fvm__backend *be, fvm__opcode code, const fvm__functype *type)
{
    fvm__x64 *x = (fvm__x64 *)be;
    unsigned cc = 0;
    FVM_TRY(fvm__x_begin_keeping_flags(x));
    FVM_TRY(fvm__x_vector(x->alloc, &x->labels, &x->cap_labels, (uint64_t)x->n_labels + 1,
                          sizeof *x->labels));
    FVM_TRY(fvm__x_vector(x->alloc, &x->elses, &x->cap_elses, (uint64_t)x->n_elses + 1,
                          sizeof *x->elses));
    if (code == FVM__OP_IF)
        cc = take_condition(x);
    else
        fvm__x_unflag(x);
    fvm__x_settle_all(x); /* moves only */
    fvm__x_label *l = &x->labels[x->n_labels++];
    *l = (fvm__x_label){ .code = (uint8_t)code,
                         .n_params = (uint16_t)type->n_params,
                         .n_results = (uint16_t)type->n_results,
                         .base = x->h - type->n_params,
                         .at = NONE,
                         .forward = NONE,
                         .ways = NONE };
    if (code == FVM__OP_IF) {
        l->at = fvm__jcc(&x->a, cc ^ 1);
        fvm__x_state_get(x, &x->elses[x->n_elses++]);
    } else if (code == FVM__OP_LOOP) {
        expect_state(x, l);
        memset(x->checked, 0, sizeof x->checked);
        l->at = fvm__at(&x->a);
    }
    return FVM_OK;
}

fvm_err fvm__x_else(fvm__backend *be, bool live)
{
    fvm__x64 *x = (fvm__x64 *)be;
    fvm__x_label *l = &x->labels[x->n_labels - 1];
    FVM_TRY(fvm__x_begin(x));
    if (live) {
        if (l->n_results > 1) fvm__x_settle_all(x);
        emit_jump(x, l, l->n_results);
    }
    fvm__set_rel32(&x->a, l->at, fvm__at(&x->a));
    FVM_TRY(fvm__x_reset(x, l->base, l->n_params));
    fvm__x_state_set(x, &x->elses[--x->n_elses]);
    return FVM_OK;
}

/* The way past an `if` without else joins, after the arm, which falls through when `live`. */
static fvm_err join_missing_else(fvm__x64 *x, const fvm__x_label *l, const fvm__x_state *from,
                                 bool live)
{
    if (l->n_results == 0 && from->dirty == l->dirty && from->locals == l->locals) {
        fvm__set_rel32(&x->a, l->at, fvm__at(&x->a));
        return FVM_OK;
    }
    uint32_t skip = live ? fvm__jmp(&x->a) : NONE;
    fvm__set_rel32(&x->a, l->at, fvm__at(&x->a));
    FVM_TRY(fvm__x_reset(x, l->base, l->n_params));
    fvm__x_state_set(x, from);
    place_values(x, l, l->n_results);
    arrange(x, l);
    if (live) fvm__set_rel32(&x->a, skip, fvm__at(&x->a));
    return FVM_OK;
}

/* Behind a label: its state, its values. */
static fvm_err arrive(fvm__x64 *x, const fvm__x_label *l)
{
    bool in_rax = l->n_results == 1;
    unsigned d;
    FVM_TRY(fvm__x_reset(x, l->base, in_rax ? 0 : l->n_results));
    fvm__x_state to = state_of(l);
    fvm__x_state_set(x, &to);
    if (!in_rax) return FVM_OK;
    FVM_TRY(fvm__x_push_reg(x, &d));
    fvm__mov_rr(&x->a, d, RAX);
    return FVM_OK;
}

fvm_err fvm__x_end(fvm__backend *be, bool live, bool no_else)
{
    fvm__x64 *x = (fvm__x64 *)be;
    FVM_TRY(fvm__x_begin(x));
    fvm__x_label *l = &x->labels[x->n_labels - 1];
    if (live && l->n_results > 1) fvm__x_settle_all(x);
    if (is_function(x, l)) { /* func_end goes on */
        if (live) place_results(x, l->n_results);
        return FVM_OK;
    }
    x->n_labels--;
    const fvm__x_state *else_state = no_else ? &x->elses[--x->n_elses] : NULL;
    if (no_else && !l->has_state)
        set_state(l, else_state->locals, else_state->has, else_state->dirty);
    bool loop = l->code == FVM__OP_LOOP; /* nothing else arrives at its end */
    if (loop || !l->has_state) {
        if (live) return FVM_OK;
        fvm__x_forget(x);
        return fvm__x_reset(x, l->base, l->n_results);
    }
    if (live) {
        place_values(x, l, l->n_results);
        arrange(x, l);
    }
    if (no_else) FVM_TRY(join_missing_else(x, l, else_state, live));
    bind(x, l->forward);
    return arrive(x, l);
}

/* --- branches --------------------------------------------------------------------------------- */

fvm_err fvm__x_br(fvm__backend *be, fvm__opcode code, uint32_t depth)
{
    fvm__x64 *x = (fvm__x64 *)be;
    fvm__x_label *l = &x->labels[x->n_labels - 1 - depth];
    uint32_t n = arity(l);
    FVM_TRY(fvm__x_begin_keeping_flags(x));
    if (code == FVM__OP_BR) {
        fvm__x_unflag(x);
        if (n > 1) fvm__x_settle_all(x);
        emit_jump(x, l, n);
        return FVM_OK;
    }
    unsigned cc = take_condition(x);
    if (n > 1) fvm__x_settle_all(x);
    if (!is_function(x, l)) expect_state(x, l);
    if (n == 0 && (is_function(x, l) || matches(x, l))) {
        aim(x, l, fvm__jcc(&x->a, cc));
        return FVM_OK;
    }
    uint32_t over = fvm__jcc(&x->a, cc ^ 1);
    emit_jump(x, l, n);
    fvm__set_rel32(&x->a, over, fvm__at(&x->a));
    return FVM_OK;
}

/* The way of a br_table to a label: its place. If many labels are to be reached (`shared`), all
 * locals are in their slots, and the way to a label that expects other registers is one for all
 * br_tables. */
static uint32_t emit_table_way(fvm__x64 *x, fvm__x_label *l, uint32_t values, bool shared)
{
    bool same = is_function(x, l) || !l->has_state || matches(x, l);
    uint32_t *cold = &x->ways[l->ways].cold;
    if (!shared || same) {
        uint32_t stub = fvm__at(&x->a);
        emit_jump(x, l, values);
        return stub;
    }
    if (*cold == NONE) {
        fvm__x_state to = state_of(l);
        *cold = fvm__at(&x->a);
        if (values == 1 && l->code == FVM__OP_LOOP) fvm__x_rslot(x, true, 0x89, RAX, l->base);
        fvm__x_load_state(x, &to);
        aim(x, l, fvm__jmp(&x->a));
    }
    return *cold;
}

static fvm_err ways_of(fvm__x64 *x, fvm__x_label *l, fvm__x_ways **out)
{
    if (l->ways == NONE) {
        FVM_TRY(fvm__x_vector(x->alloc, &x->ways, &x->cap_ways, (uint64_t)x->n_ways + 1,
                              sizeof *x->ways));
        x->ways[x->n_ways] = (fvm__x_ways){ .cold = NONE };
        l->ways = x->n_ways++;
    }
    *out = &x->ways[l->ways];
    return FVM_OK;
}

/* Jumps by ecx: entries of the table are distances from its begin. Returns its place. */
static uint32_t emit_table_jump(fvm__x64 *x, uint32_t n)
{
    fvm__asm *a = &x->a;
    fvm__mov_ri(a, RDX, n);
    fvm__rr(a, false, 0x3b, RCX, RDX);
    fvm__rr(a, false, 0x0f40 | CC_A, RCX, RDX);
    fvm__e8(a, 0x48); /* lea rdx, [rip + table] */
    fvm__e8(a, 0x8d);
    fvm__e8(a, 0x15);
    fvm__e32(a, 0);
    uint32_t lea = fvm__at(a) - 4;
    fvm__rmx(a, true, 0x63, RCX, RDX, RCX, 2, 0, false);
    fvm__rr(a, true, 0x03, RDX, RCX);
    fvm__rr(a, false, 0xff, 4, RDX);
    uint32_t table = fvm__at(a);
    fvm__set_rel32(a, lea, table);
    a->p += ((size_t)n + 1) * 4;
    return table;
}

/* With so few entries each gets a way of its own, which is faster. */
#define SMALL_TABLE 4

static fvm_err be_br_table(fvm__backend *be, const uint32_t *depths, uint32_t n)
{
    fvm__x64 *x = (fvm__x64 *)be;
    uint32_t values = arity(&x->labels[x->n_labels - 1 - depths[n]]);
    bool shared = n > SMALL_TABLE && values <= 1;
    FVM_TRY(fvm__x_begin(x));
    FVM_TRY(fvm__x_room(x, ((uint64_t)n + 1) * 4));
    fvm__x_copy(x, RCX, x->h - 1);
    fvm__x_pop_one(x);
    if (values > 1) fvm__x_settle_all(x);
    if (shared) fvm__x_flush(x);
    if (shared && values == 1) fvm__x_copy(x, RAX, x->h - 1);
    uint32_t table = emit_table_jump(x, n), name = ++x->n_tables;
    for (uint32_t i = 0; i <= n; i++) {
        fvm__x_label *l = &x->labels[x->n_labels - 1 - depths[i]];
        fvm__x_ways *ways;
        FVM_TRY(ways_of(x, l, &ways));
        if (ways->stub_of != name) {
            FVM_TRY(fvm__x_room(x, 0));
            ways->stub_of = name;
            ways->stub = emit_table_way(x, l, values, shared);
        }
        (void)fvm__put32(x->a.base + table + (size_t)i * 4, ways->stub - table);
    }
    return FVM_OK;
}

/* --- charges ---------------------------------------------------------------------------------- */

/* sub r15, imm32; jl out of gas. Without a cost it stays a nop of as many bytes. */
#define CHARGE_BYTES 13
static const uint8_t no_charge[16] = { 0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0, 0x0f, 0x1f, 0x40, 0 };

static fvm_err be_charge_begin(fvm__backend *be, uint32_t id)
{
    fvm__x64 *x = (fvm__x64 *)be;
    FVM_TRY(fvm__x_begin(x));
    if (FVM_UNLIKELY(id >= x->cap_charges))
        FVM_TRY(fvm__x_vector(x->alloc, &x->charges, &x->cap_charges, (uint64_t)id + 1,
                              sizeof *x->charges));
    x->charges[id] = fvm__at(&x->a);
    x->n_charges = id + 1;
    memcpy(x->a.p, no_charge, sizeof no_charge);
    x->a.p += CHARGE_BYTES;
    return FVM_OK;
}

/* Two words make the thirteen bytes. */
static void be_charge_cost(fvm__backend *be, uint32_t id, uint64_t milligas)
{
    fvm__x64 *x = (fvm__x64 *)be;
    uint32_t at = x->charges[id];
    if (FVM_UNLIKELY(milligas > INT32_MAX)) { /* needs code of its own, behind the function's */
        memcpy(x->a.base + at, &milligas, 8);
        x->charges[id] |= FVM__X_DEAR;
        x->n_dear++;
        return;
    }
    uint32_t by = x->stubs.traps[FVM_WASM_TRAP_OUT_OF_GAS] - (at + CHARGE_BYTES);
    uint64_t sub = UINT64_C(0x0f00000000ef8149) | milligas << 24; /* ..., 0f */
    uint64_t jump = milligas >> 16 | UINT64_C(0x8c0f) << 16 | (uint64_t)by << 32;
    _Static_assert(FVM__X_GAS == R15 && CC_L == 0xc, "sub r15, imm32; jl");
    memcpy(x->a.base + at, &sub, 8);
    memcpy(x->a.base + at + 5, &jump, 8);
}

static fvm_err patch_dear_charge(fvm__x64 *x, uint32_t place)
{
    fvm__asm *a = &x->a;
    uint32_t out_of_gas = x->stubs.traps[FVM_WASM_TRAP_OUT_OF_GAS];
    uint64_t cost;
    FVM_TRY(fvm__x_room(x, 0));
    memcpy(&cost, a->base + place, 8);
    uint32_t far = fvm__at(a);
    fvm__mov_ri(a, RAX, cost);
    fvm__rr(a, true, 0x2b, FVM__X_GAS, RAX);
    fvm__jcc_to(a, CC_S, out_of_gas);
    fvm__jmp_to(a, place + CHARGE_BYTES);
    uint8_t *at = a->base + place;
    at[0] = 0xe9;
    (void)fvm__put32(at + 1, far - (place + 5));
    return FVM_OK;
}

/* --- functions -------------------------------------------------------------------------------- */

/* Adds to a counter of the instance, by an amount that is known at the end of the function only.
 * Returns the place of that; *distance is that of the distance to the trap. */
static uint32_t emit_limit(fvm__x64 *x, int32_t field, uint32_t limit, fvm_wasm_trap trap,
                           uint32_t *distance)
{
    fvm__asm *a = &x->a;
    fvm__load32(a, RAX, FVM__X_INSTANCE, field);
    fvm__e8(a, 0x05); /* add eax, imm32 */
    fvm__e32(a, 0);
    uint32_t place = fvm__at(a) - 4;
    fvm__alu_ri(a, false, 7, RAX, (int32_t)limit);
    fvm__x_trap_if(x, CC_A, trap);
    *distance = fvm__at(a) - 4;
    fvm__rm(a, false, 0x89, RAX, FVM__X_INSTANCE, field);
    return place;
}

/* Written once, at the begin of the code, where distances are those that a function has there. */
static void make_prologue(fvm__x64 *x)
{
    fvm__x_prologue *pro = &x->prologue;
    fvm__asm *a = &x->a;
    uint8_t *code = a->p;
    _Static_assert(offsetof(fvm_wasm_instance, height) < 0x80 &&
                       offsetof(fvm_wasm_instance, frames_used) < 0x80,
                   "it fits");
    a->p = a->base;
    uint8_t kept[sizeof pro->code];
    memcpy(kept, a->base, sizeof kept);
    fvm__e8(a, 0x50); /* push rax: aligns */
    if (x->metered)
        pro->height = emit_limit(x, AT(fvm_wasm_instance, height), x->m->rules.stack_limit,
                                 FVM_WASM_TRAP_STACK_LIMIT, &pro->height_trap);
    pro->budget = emit_limit(x, AT(fvm_wasm_instance, frames_used), x->m->rules.frame_budget_bytes,
                             FVM_WASM_TRAP_STACK_OVERFLOW, &pro->budget_trap);
    pro->len = fvm__at(a);
    memcpy(pro->code, a->base, sizeof pro->code);
    memcpy(a->base, kept, sizeof kept);
    a->p = code;
}

/* A distance to what is at the begin, from a prologue that stands elsewhere. */
static uint32_t distance_in(const fvm__x_prologue *pro, uint32_t offset, uint32_t at)
{
    uint32_t distance;
    memcpy(&distance, pro->code + offset, 4);
    return distance - at;
}

static void put_prologue(fvm__x64 *x)
{
    const fvm__x_prologue *pro = &x->prologue;
    uint8_t *p = x->a.p;
    uint32_t at = fvm__at(&x->a);
    memcpy(p, pro->code, sizeof pro->code);
    if (pro->height) (void)fvm__put32(p + pro->height_trap, distance_in(pro, pro->height_trap, at));
    (void)fvm__put32(p + pro->budget_trap, distance_in(pro, pro->budget_trap, at));
    x->a.p = p + pro->len;
}

/* A movups, or the count of rep stosq, is taken back by func_end for locals that are not in use.
 * One slot more than needed may be zeroed: each frame counts some to spare. */
static void emit_zero_locals(fvm__x64 *x, uint32_t first, uint32_t n)
{
    fvm__asm *a = &x->a;
    if (n == 0) return;
    if (n > 2 * FVM__X_ZERO_PAIRS) {
        fvm__lea(a, true, RDI, FVM__X_FRAME, (int32_t)(first * 8));
        fvm__mov_ri(a, RCX, n);
        x->zero_at[0] = fvm__at(a) - 4;
        fvm__rr(a, false, 0x31, RAX, RAX);
        fvm__e8(a, 0xf3); /* rep stosq */
        fvm__e8(a, 0x48);
        fvm__e8(a, 0xab);
        return;
    }
    uint32_t pairs = (n + 1) / 2;
    fvm__rr(a, false, 0x0f57, 0, 0);
    for (uint32_t i = pairs; i-- > 0;) {
        x->zero_at[i + 1] = fvm__at(a);
        fvm__rm(a, false, 0x0f11, 0, FVM__X_FRAME, (int32_t)((first + 2 * i) * 8));
    }
    x->zero_at[0] = fvm__at(a);
}

/* `n` of the `declared` locals are in use. */
static void trim_zero_locals(fvm__x64 *x, uint32_t declared, uint32_t n)
{
    fvm__asm *a = &x->a;
    if (declared > 2 * FVM__X_ZERO_PAIRS) {
        (void)fvm__put32(a->base + x->zero_at[0], n);
        return;
    }
    uint32_t had = (declared + 1) / 2, pairs = (n + 1) / 2;
    if (had == pairs) return;
    uint8_t *from = a->base + x->zero_at[had]; /* jumps over the first ones */
    from[0] = 0xeb;
    from[1] = (uint8_t)(x->zero_at[pairs] - x->zero_at[had] - 2);
}

/* Operands lie behind the declared locals until it is known how many of those are in use. */
static void close_gap(fvm__x64 *x, uint32_t gap)
{
    for (uint32_t i = 0; i < x->n_slots; i++) {
        uint8_t *at = x->a.base + (x->slots[i] >> 1);
        if (x->slots[i] & 1)
            *at = (uint8_t)(*at - gap * 8);
        else
            (void)fvm__put32(at, fvm__get_u32_at(&x->a, x->slots[i] >> 1) - gap * 8);
    }
}

/* Locals in registers are written first, and read again afterwards: where control met, a local that
 * another way had in use may be in a register on this one with what its slot happened to hold. */
static fvm_err be_zero_locals(fvm__backend *be, uint32_t first, uint32_t bitmap, uint32_t bit)
{
    fvm__x64 *x = (fvm__x64 *)be;
    fvm__asm *a = &x->a;
    int32_t word = (int32_t)(bitmap * 8 + bit / 32 * 4);
    FVM_TRY(fvm__x_begin(x));
    fvm__x_flush(x);
    fvm__x_forget(x);
    fvm__rm(a, false, 0xf7, 0, FVM__X_FRAME, word); /* test */
    fvm__e32(a, 1u << bit % 32);
    fvm__e8(a, 0x75); /* jne */
    uint8_t *over = a->p++;
    fvm__rm(a, false, 0x81, 1, FVM__X_FRAME, word); /* or */
    fvm__e32(a, 1u << bit % 32);
    fvm__e8(a, 0x57); /* push rdi */
    fvm__lea(a, true, RDI, FVM__X_FRAME, (int32_t)(first * 8));
    fvm__mov_ri(a, RCX, FVM__ZERO_CHUNK);
    fvm__rr(a, false, 0x31, RAX, RAX);
    fvm__e8(a, 0xf3); /* rep stosq */
    fvm__e8(a, 0x48);
    fvm__e8(a, 0xab);
    fvm__e8(a, 0x5f); /* pop rdi */
    *over = (uint8_t)(a->p - (over + 1));
    return FVM_OK;
}

static fvm_err be_func_begin(fvm__backend *be, uint32_t func)
{
    fvm__x64 *x = (fvm__x64 *)be;
    fvm__func_def *def = &x->m->funcs[func];
    FVM_TRY(fvm__x_vector(x->alloc, &x->labels, &x->cap_labels, 1, sizeof *x->labels));
    x->h = x->lazy = 0;
    FVM_TRY(fvm__x_begin(x));
    memset(x->a.p, 0x90, 16);
    x->a.p += -fvm__at(&x->a) & 15;
    x->func = func;
    x->n_locals = def->n_locals;
    x->n_charges = x->n_dear = x->n_slots = x->n_jumps = x->n_elses = x->n_ways = 0;
    x->free = (1u << FVM__X_REGS) - 1;
    def->code_at = fvm__at(&x->a);
    x->n_labels = 1;
    x->labels[0] = (fvm__x_label){ .code = FVM__OP_BLOCK,
                                   .n_results = (uint16_t)def->type->n_results,
                                   .at = NONE,
                                   .forward = NONE,
                                   .ways = NONE };
    put_prologue(x);
    x->n_zeroed = def->n_zeroed;
    emit_zero_locals(x, def->n_params, def->n_zeroed - def->n_params);
    return FVM_OK;
}

static fvm_err be_func_end(fvm__backend *be, uint32_t max_height)
{
    fvm__x64 *x = (fvm__x64 *)be;
    fvm__asm *a = &x->a;
    fvm__func_def *def = &x->m->funcs[x->func];
    uint64_t slots = (uint64_t)x->n_locals + max_height;
    if (slots > INT32_MAX / 16) return FVM_ERR_WASM_UNSUPPORTED;
    FVM_TRY(fvm__x_begin_keeping_flags(x));
    def->frame_slots = def->n_locals + max_height;
    if (def->n_zeroed < x->n_zeroed)
        trim_zero_locals(x, x->n_zeroed - def->n_params, def->n_zeroed - def->n_params);
    if (def->n_locals < x->n_locals) close_gap(x, x->n_locals - def->n_locals);
    bind(x, x->labels[0].forward);
    uint8_t *begin = a->base + def->code_at;
    if (x->metered) {
        (void)fvm__put32(begin + x->prologue.height, def->stack_cost);
        fvm__alu_mi(a, false, 5, FVM__X_INSTANCE, AT(fvm_wasm_instance, height),
                    (int32_t)def->stack_cost);
    }
    (void)fvm__put32(begin + x->prologue.budget, def->frame_bytes);
    fvm__alu_mi(a, false, 5, FVM__X_INSTANCE, AT(fvm_wasm_instance, frames_used),
                (int32_t)def->frame_bytes);
    fvm__e8(a, 0x59); /* pop rcx */
    fvm__e8(a, 0xc3);
    for (uint32_t i = 0; x->n_dear && i < x->n_charges; i++)
        if (x->charges[i] & FVM__X_DEAR)
            FVM_TRY(patch_dear_charge(x, x->charges[i] & ~FVM__X_DEAR));
    fvm__x_pop(x, x->h);
    fvm__x_forget(x);
    return FVM_OK;
}

/* In the order in which they were written: through chains by function it was waiting for memory. */
static void aim_calls(fvm__x64 *x)
{
    for (uint32_t i = 0; i < x->n_calls; i++) {
        uint32_t callee = fvm__get_u32_at(&x->a, x->calls[i]);
        fvm__set_rel32(&x->a, x->calls[i], x->m->funcs[callee].code_at);
    }
}

static fvm_err be_finish(fvm__backend *be)
{
    fvm__x64 *x = (fvm__x64 *)be;
    x->m->bounds_trap_at = x->stubs.traps[FVM_WASM_TRAP_MEMORY_BOUNDS];
    aim_calls(x);
    uint8_t *map = x->a.base;
    size_t mapped = x->a.cap;
    x->a.base = NULL;
    return fvm__x64_adopt(x->m, map, mapped, (size_t)(x->a.p - map), x->stubs.enter);
}

static void be_free(fvm__backend *be)
{
    fvm__x64 *x = (fvm__x64 *)be;
    const fvm_allocator *alloc = x->alloc;
    if (x->a.base) (void)munmap(x->a.base, x->a.cap);
    fvm_mem_free(alloc, x->stack, x->cap_stack * sizeof *x->stack);
    fvm_mem_free(alloc, x->labels, x->cap_labels * sizeof *x->labels);
    fvm_mem_free(alloc, x->elses, x->cap_elses * sizeof *x->elses);
    fvm_mem_free(alloc, x->jumps, x->cap_jumps * sizeof *x->jumps);
    fvm_mem_free(alloc, x->ways, x->cap_ways * sizeof *x->ways);
    fvm_mem_free(alloc, x->slots, x->cap_slots * sizeof *x->slots);
    fvm_mem_free(alloc, x->charges, x->cap_charges * sizeof *x->charges);
    fvm_mem_free(alloc, x->calls, x->cap_calls * sizeof *x->calls);
    fvm_mem_free(alloc, x, sizeof *x);
}

static const fvm__backend_ops x64_ops = {
    .func_begin = be_func_begin,
    .common = fvm__x_common,
    .local_get = fvm__x_local_get,
    .local_set = fvm__x_local_set,
    .constant = fvm__x_constant,
    .plain = fvm__x_plain,
    .access = fvm__x_access,
    .op = fvm__x_op,
    .zero_locals = be_zero_locals,
    .block = fvm__x_block,
    .else_ = fvm__x_else,
    .end = fvm__x_end,
    .br = fvm__x_br,
    .br_table = be_br_table,
    .charge_begin = be_charge_begin,
    .charge_cost = be_charge_cost,
    .func_end = be_func_end,
    .finish = be_finish,
    .free = be_free,
};

bool fvm__x64_supported(void)
{
    return true;
}

enum { HAS_LZCNT = 1, HAS_TZCNT = 2, HAS_POPCNT = 4, HAS_SSE41 = 8 };

uint32_t fvm__x64_features(void)
{
    return (__builtin_cpu_supports("lzcnt") ? HAS_LZCNT : 0u) |
           (__builtin_cpu_supports("bmi") ? HAS_TZCNT : 0u) |
           (__builtin_cpu_supports("popcnt") ? HAS_POPCNT : 0u) |
           (__builtin_cpu_supports("sse4.1") ? HAS_SSE41 : 0u);
}

/* Bytes of code for each of wasm: what actors make, and room, so that code hardly ever moves. Pages
 * that are not written to cost nothing; where that much cannot be had it begins small. */
#define BYTES_LIKELY 3u
#define BYTES_MOST 8u
#define HUGE_PAGE ((size_t)1 << 21)

/* A page of 2 MiB costs little more than it takes to clear it; 512 small ones cost four times as much.
 * Only where most of it will likely be used. */
static void ask_for_huge_pages(uint8_t *map, size_t cap, size_t wasm_bytes)
{
    size_t likely = wasm_bytes * BYTES_LIKELY + HUGE_PAGE / 4;
    size_t before = (HUGE_PAGE - ((uintptr_t)map & (HUGE_PAGE - 1))) & (HUGE_PAGE - 1);
    if (likely > cap) likely = cap;
    if (likely < before + HUGE_PAGE) return;
    (void)madvise(map, before + ((likely - before) & ~(HUGE_PAGE - 1)), MADV_HUGEPAGE);
}

static uint8_t *map_code(uint32_t *cap, size_t wasm_bytes)
{
    *cap = FVM__X_CODE_FIRST;
    while (*cap < FVM__X_CODE_MAX / 64 && *cap < (uint64_t)wasm_bytes * BYTES_MOST) *cap *= 2;
    for (;;) {
        void *map = mmap(NULL, *cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (map != MAP_FAILED) {
            ask_for_huge_pages(map, *cap, wasm_bytes);
            return map;
        }
        if (*cap == FVM__X_CODE_FIRST) return NULL;
        *cap = FVM__X_CODE_FIRST;
    }
}

fvm_err fvm__x64_backend_new(fvm__backend **out, fvm_wasm_module *module, size_t wasm_bytes)
{
    const fvm_allocator *alloc = module->alloc;
    if (module->guarded && !fvm__guard_install()) return FVM_ERR_WASM_UNSUPPORTED;
    fvm__x64 *x = fvm_mem_zalloc(alloc, sizeof *x);
    if (!x) return FVM_ERR_NOMEM;
    x->be = (fvm__backend){ .ops = &x64_ops, .module = module };
    x->alloc = alloc;
    x->m = module;
    x->metered = fvm__is_metered(&module->rules);
    x->has_memory = module->n_memories > 0;
    x->own_memory = module->n_memories > module->n_memory_imports;
    uint32_t features = fvm__x64_features();
    x->lzcnt = features & HAS_LZCNT;
    x->tzcnt = features & HAS_TZCNT;
    x->popcnt = features & HAS_POPCNT;
    x->sse41 = features & HAS_SSE41;
    x->a.base = x->a.p = map_code(&x->a.cap, wasm_bytes);
    if (!x->a.base) {
        be_free(&x->be);
        return FVM_ERR_NOMEM;
    }
    x->local_of = FVM__X_NO_LOCALS;
    x->limit = x->hurdle = x->a.base; /* slots are still to come */
    fvm__x_emit_stubs(x);
    make_prologue(x);
    module->runner = &fvm__x64_runner;
    *out = &x->be;
    return FVM_OK;
}
#endif
