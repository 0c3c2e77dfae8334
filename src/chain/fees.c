/* fees.c - the base fee's rule, and what a premium should be (reference/rpc.md 8). */
#include "chain_internal.h"

#include <stdlib.h>

#define CHANGE_DENOMINATOR 8 /* per tipset at most */
#define PREMIUM_TIPSETS 10   /* looked at for an estimate */
#define PREMIUM_MESSAGES 512

/* floor(base * delta / target / 8), for a delta of at most the target either way: Go's division of big
 * integers, which the reference uses, rounds down also below zero. */
void fvm_base_fee_next(fvm_big *out, const fvm_big *base_fee, uint64_t gas_limit,
                       uint64_t block_gas)
{
    uint64_t target = block_gas / 2 ? block_gas / 2 : 1, hi, lo;
    bool down = gas_limit < target;
    uint64_t delta = down ? target - gas_limit : gas_limit - target;
    if (delta > target) delta = target;
    if (!fvm_big_to_u128(&hi, &lo, base_fee) || hi) {
        *out = *base_fee; /* 18 FIL per gas: nothing moves any more */
        return;
    }
    fvm_u128 product = (fvm_u128)lo * delta;
    fvm_u128 step = product / target;
    if (down && product % target) step++;
    fvm_u128 change = step / CHANGE_DENOMINATOR;
    if (down && step % CHANGE_DENOMINATOR) change++;
    fvm_u128 next = down ? (lo > change ? lo - change : 0) : lo + change;
    if (next < FVM_CHAIN_BASE_FEE_MIN) next = FVM_CHAIN_BASE_FEE_MIN;
    *out = fvm_big_u128((uint64_t)(next >> 64), (uint64_t)next);
}

/* --- premiums --- */

typedef struct premiums {
    uint64_t found[PREMIUM_MESSAGES];
    size_t count;
} premiums;

static fvm_err note_premium(void *ctx, const fvm_chain_message *m)
{
    premiums *p = ctx;
    uint64_t hi, lo;
    if (p->count == PREMIUM_MESSAGES) return FVM_ERR_LIMIT;
    if (fvm_big_to_u128(&hi, &lo, &m->message.gas_premium) && hi == 0) p->found[p->count++] = lo;
    return FVM_OK;
}

static int by_size(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

void fvm_chain_estimate_premium(fvm_chain *c, fvm_big *out)
{
    fvm_tipset t;
    premiums p = { .count = 0 };
    uint64_t premium = FVM_CHAIN_PREMIUM_MIN;
    fvm_chain_head(c, &t);
    /* Only full tipsets make anybody wait; elsewhere the floor is enough. */
    for (unsigned i = 0; i < PREMIUM_TIPSETS; i++) {
        if (t.gas_limit > fvm_chain_block_gas(c) / 2)
            if (fvm_chain_messages(c, t.number, note_premium, &p) != FVM_OK) break;
        if (t.number == 0 || fvm_chain_tipset(c, &t, t.parent_number) != FVM_OK) break;
    }
    if (p.count) {
        qsort(p.found, p.count, sizeof *p.found, by_size);
        if (p.found[p.count / 2] > premium) premium = p.found[p.count / 2];
    }
    *out = fvm_big_u64(premium);
}
