/* eth_fees.c - what gas costs (reference rpc.md 8). */
#include "methods.h"

#include <stdlib.h>

#define HISTORY_MAX 1024u
#define PERCENTILES_MAX 100u

fvm_err fvm_eth_max_priority_fee(fvm_rpc_call *call)
{
    fvm_big premium;
    fvm_chain_estimate_premium(call->node->chain, &premium);
    fvm_jo_quantity_big(call->out, &premium);
    return FVM_OK;
}

fvm_err fvm_eth_gas_price(fvm_rpc_call *call)
{
    fvm_big premium, fee;
    fvm_chain_estimate_premium(call->node->chain, &premium);
    fvm_chain_next_base_fee(call->node->chain, &fee);
    FVM_TRY(fvm_big_add(&fee, &fee, &premium));
    fvm_jo_quantity_big(call->out, &fee);
    return FVM_OK;
}

fvm_err fvm_eth_base_fee(fvm_rpc_call *call)
{
    fvm_big fee;
    fvm_chain_next_base_fee(call->node->chain, &fee);
    fvm_jo_quantity_big(call->out, &fee);
    return FVM_OK;
}

fvm_err fvm_eth_blob_base_fee(fvm_rpc_call *call)
{
    fvm_jo_quantity(call->out, 0); /* Filecoin has no blobs */
    return FVM_OK;
}

/* --- the history --- */

typedef struct round {
    uint64_t number, gas_used;
    fvm_big base_fee;
    bool has_messages;
} round_info;

typedef struct history {
    fvm_rpc_call *call;
    round_info *rounds; /* newest first */
    size_t count, wanted;
    double percentiles[PERCENTILES_MAX];
    size_t percentile_count;
    bool rewards;
} history;

static fvm_err read_percentiles(fvm_rpc_call *call, history *h)
{
    const json_t *list = fvm_rpc_param(call, 2);
    h->rewards = list != NULL;
    if (!list) return FVM_OK;
    if (!json_is_array(list) || json_array_size(list) > PERCENTILES_MAX)
        return fvm_rpc_bad_param(call, 2, "not a list of at most 100 percentiles");
    h->percentile_count = json_array_size(list);
    for (size_t i = 0; i < h->percentile_count; i++) {
        const json_t *v = json_array_get(list, i);
        double p = json_number_value(v);
        if (!json_is_number(v) || !(p >= 0 && p <= 100) || (i && p < h->percentiles[i - 1]))
            return fvm_rpc_bad_param(call, 2, "percentiles go from 0 to 100, ascending");
        h->percentiles[i] = p;
    }
    return FVM_OK;
}

static fvm_err add_round(void *ctx, const fvm_tipset *t)
{
    history *h = ctx;
    if (h->count == h->wanted) return FVM_ERR_LIMIT; /* enough */
    h->rounds[h->count++] = (round_info){ t->number, t->gas_used, t->base_fee,
                                          t->message_count > 0 };
    return FVM_OK;
}

/* A message's premium, as it was paid, and its weight. */
typedef struct paid {
    fvm_big premium;
    uint64_t gas;
} paid;
typedef struct paid_list {
    const fvm_allocator *alloc;
    const fvm_big *base_fee;
    fvm_buf items;
    uint64_t gas;
} paid_list;

static fvm_err add_paid(void *ctx, const fvm_chain_message *m)
{
    paid_list *list = ctx;
    paid p = { m->message.gas_premium, m->gas_used };
    fvm_big most;
    if (fvm_big_sub(&most, &m->message.gas_fee_cap, list->base_fee) != FVM_OK || most.negative)
        most = fvm_big_zero();
    if (fvm_big_cmp(&p.premium, &most) > 0) p.premium = most;
    list->gas = fvm_sat_add_u64(list->gas, p.gas);
    return fvm_buf_append(&list->items, (fvm_bytes){ (const uint8_t *)&p, sizeof p });
}

static int by_premium(const void *a, const void *b)
{
    return fvm_big_cmp(&((const paid *)a)->premium, &((const paid *)b)->premium);
}

/* The premiums below which the given parts of the round's gas were paid. */
static void put_percentiles(const history *h, const paid_list *list)
{
    fvm_jo *o = h->call->out;
    const paid *items = (const paid *)(const void *)list->items.ptr;
    size_t n = list->items.len / sizeof *items, at = 0;
    uint64_t sum = n ? items[0].gas : 0;
    for (size_t i = 0; i < h->percentile_count; i++) {
        double want = (double)list->gas * h->percentiles[i] / 100;
        while (at + 1 < n && (double)sum < want) sum += items[++at].gas;
        if (n)
            fvm_jo_quantity_big(o, &items[at].premium);
        else
            fvm_jo_quantity(o, FVM_CHAIN_PREMIUM_MIN);
    }
}

static fvm_err put_reward(const history *h, const round_info *r)
{
    paid_list list = { .alloc = h->call->alloc, .base_fee = &r->base_fee };
    fvm_err err = FVM_OK;
    fvm_buf_init(&list.items, h->call->alloc);
    if (r->has_messages && h->percentile_count)
        err = fvm_chain_messages(h->call->node->chain, r->number, add_paid, &list);
    if (list.items.len)
        qsort(list.items.ptr, list.items.len / sizeof(paid), sizeof(paid), by_premium);
    fvm_jo_begin(h->call->out, '[');
    if (err == FVM_OK) put_percentiles(h, &list);
    fvm_jo_end(h->call->out, ']');
    fvm_buf_deinit(&list.items);
    return err;
}

static fvm_err put_history(const history *h)
{
    fvm_jo *o = h->call->out;
    double most = (double)fvm_chain_block_gas(h->call->node->chain);
    fvm_jo_begin(o, '{');
    fvm_jo_k_quantity(o, "oldestBlock", h->count ? h->rounds[h->count - 1].number : 0);
    fvm_jo_key(o, "baseFeePerGas");
    fvm_jo_begin(o, '[');
    for (size_t i = h->count; i-- > 0;) fvm_jo_quantity_big(o, &h->rounds[i].base_fee);
    if (h->count) fvm_jo_quantity_big(o, &h->rounds[0].base_fee);
    fvm_jo_end(o, ']');
    fvm_jo_key(o, "gasUsedRatio");
    fvm_jo_begin(o, '[');
    for (size_t i = h->count; i-- > 0;) fvm_jo_double(o, (double)h->rounds[i].gas_used / most);
    fvm_jo_end(o, ']');
    if (h->rewards) {
        fvm_jo_key(o, "reward");
        fvm_jo_begin(o, '[');
        for (size_t i = h->count; i-- > 0;) FVM_TRY(put_reward(h, &h->rounds[i]));
        fvm_jo_end(o, ']');
    }
    fvm_jo_end(o, '}');
    return FVM_OK;
}

fvm_err fvm_eth_fee_history(fvm_rpc_call *call)
{
    history h = { .call = call };
    fvm_rpc_block newest;
    fvm_tipset t;
    uint64_t count;
    FVM_TRY(fvm_rpc_get_u64(call, 0, &count));
    FVM_TRY(fvm_rpc_get_block(call, 1, &newest));
    if (count < 1 || count > HISTORY_MAX)
        return fvm_rpc_bad_param(call, 0, "the block count goes from 1 to 1024");
    FVM_TRY(read_percentiles(call, &h));
    FVM_TRY(fvm_rpc_tipset_state(call, &t, &newest));
    h.wanted = (size_t)count;
    size_t bytes = h.wanted * sizeof *h.rounds;
    h.rounds = fvm_mem_zalloc(call->alloc, bytes);
    if (!h.rounds) return FVM_ERR_NOMEM;
    fvm_err err = fvm_chain_tipsets(call->node->chain, 0, t.number, true, add_round, &h);
    if (err == FVM_OK || (err == FVM_ERR_LIMIT && h.count == h.wanted)) err = put_history(&h);
    fvm_mem_free(call->alloc, h.rounds, bytes);
    return err;
}
