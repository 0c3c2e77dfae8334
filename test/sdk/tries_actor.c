/* tries_actor.c - for test_sdk_tries.c: makes each collection from a seed, stores the roots. Method 1:
 * [seed, count]; state afterwards [hamt, amt, kamt, bitfield]. Method 2 deletes every third entry. */
#include <fvm/actor.h>

#include "tries_plan.h"

#define STATE(F)                                                                                   \
    F(cid, hamt)                                                                                   \
    F(cid, amt)                                                                                    \
    F(cid, kamt)                                                                                   \
    F(bytes, bits)
FVM_STRUCT(state, STATE)
#define PLAN(F)                                                                                    \
    F(uint, seed)                                                                                  \
    F(uint, count)
FVM_STRUCT(plan, PLAN)

static uint32_t make(uint32_t params)
{
    plan p;
    state s;
    fvm_buf bits;
    FVM_PARAMS(plan, &p, params);
    fvm_buf_init(&bits, &fvm_heap_allocator);
    fvm_must(tries_make(&s.hamt, &s.amt, &s.kamt, &bits, fvm_blocks(), &fvm_heap_allocator, p.seed,
                        p.count));
    s.bits = (fvm_bytes){ bits.ptr, bits.len };
    FVM_STATE_SAVE(state, &s);
    return 0;
}

static uint32_t thin(uint32_t params)
{
    plan p;
    state s;
    FVM_PARAMS(plan, &p, params);
    FVM_STATE_LOAD(state, &s);
    fvm_must(
        tries_thin(&s.hamt, &s.amt, &s.kamt, fvm_blocks(), &fvm_heap_allocator, p.seed, p.count));
    FVM_STATE_SAVE(state, &s);
    return 0;
}

/* clang-format off */
FVM_ACTOR(
    FVM_METHOD(1, make)
    FVM_METHOD(2, thin)
)
