/* fees.c - the base fee's rule, and what a premium should be (reference/rpc.md 8). */
#include "chain_internal.h"

#include <stdlib.h>

#define CHANGE_DENOMINATOR 8 /* per tipset at most */
#define PREMIUM_TIPSETS 10   /* looked at for an estimate */
#define PREMIUM_MESSAGES 512

/* floor(base * delta / target / 8), for a delta of at most the target either way: Go's division of big
 * integers, which the reference uses, rounds down also below zero. */
void fvm_base_fee_by_gas(fvm_big *out, const fvm_big *base_fee, uint64_t gas_limit,
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

void fvm_base_fee_by_premium(fvm_big *out, const fvm_big *base_fee, const fvm_big *premium)
{
    uint64_t hi, base, paid;
    if (!fvm_big_to_u128(&hi, &base, base_fee) || hi) {
        *out = *base_fee;
        return;
    }
    if (!fvm_big_to_u128(&hi, &paid, premium) || hi) paid = UINT64_MAX;
    uint64_t most = base / CHANGE_DENOMINATOR + (base % CHANGE_DENOMINATOR != 0);
    fvm_u128 next = paid / 2 >= most ? (fvm_u128)base + most : (fvm_u128)base + paid - most;
    if (next < FVM_CHAIN_BASE_FEE_MIN) next = FVM_CHAIN_BASE_FEE_MIN;
    *out = fvm_big_u128((uint64_t)(next >> 64), (uint64_t)next);
}

/* --- what is paid for a place in a full block --- */

fvm_err fvm__bid_put(fvm_buf *bids, const fvm_message *m, const fvm_big *base_fee)
{
    fvm__bid bid = { .gas_limit = m->gas_limit };
    fvm_big room;
    FVM_TRY(fvm_big_sub(&room, &m->gas_fee_cap, base_fee));
    if (fvm_big_sign(&room) > 0)
        bid.premium = fvm_big_cmp(&m->gas_premium, &room) <= 0 ? m->gas_premium : room;
    return fvm_buf_append(bids, (fvm_bytes){ (const uint8_t *)&bid, sizeof bid });
}

static int by_premium_down(const void *a, const void *b)
{
    const fvm__bid *x = a, *y = b;
    return fvm_big_cmp(&y->premium, &x->premium);
}

void fvm__premium_of(fvm_big *out, fvm_buf *bids, uint64_t gas_limit, uint64_t block_gas)
{
    fvm__bid *bid = (fvm__bid *)(void *)bids->ptr;
    size_t count = bids->len / sizeof *bid;
    uint64_t place = block_gas * 80 / 100, sum = 0; /* at most FVM_CHAIN_BLOCK_GAS_MAX */
    *out = fvm_big_zero();
    if (gas_limit < place) return;
    qsort(bid, count, sizeof *bid, by_premium_down);
    for (size_t i = 0; i < count && sum < place; i++) {
        sum = fvm_sat_add_u64(sum, bid[i].gas_limit);
        if (sum >= place) *out = bid[i].premium;
    }
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
