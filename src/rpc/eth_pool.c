/* eth_pool.c - txpool_*: what waits, by sender and nonce. */
#include "methods.h"

#include <inttypes.h>
#include <stdio.h>

typedef enum pool_shape { POOL_CONTENT, POOL_INSPECT } pool_shape;

typedef struct pool_walk {
    fvm_rpc_call *call;
    pool_shape shape;
    bool ready; /* which half is written */
    bool open;  /* an object of a sender */
    fvm_address sender;
} pool_walk;

static void eth_text(char out[FVM_ETH_ADDRESS_TEXT], const fvm_address *address)
{
    fvm_eth_address eth;
    if (!fvm_eth_address_of_fil(&eth, address)) eth = fvm_eth_address_masked(FVM_ETH_NOBODY);
    fvm_eth_address_to_text(out, &eth, false);
}

static fvm_err put_summary(fvm_rpc_call *call, const fvm_chain_message *m)
{
    fvm_eth_tx tx;
    fvm_buf input;
    bool native;
    char to[FVM_ETH_ADDRESS_TEXT] = "contract creation", value[FVM_BIG_TEXT_MAX],
         price[FVM_BIG_TEXT_MAX];
    fvm_buf_init(&input, call->alloc);
    fvm_err err = fvm_rpc_tx_of(call->node, &tx, &input, m, &native);
    if (err == FVM_OK) {
        if (!tx.creates) fvm_eth_address_to_text(to, &tx.to, false);
        (void)fvm_big_to_text(value, &tx.value);
        (void)fvm_big_to_text(price, &tx.max_fee);
        fvm_jo_format(call->out, "%s: %s wei + %" PRIu64 " gas \xc3\x97 %s wei", to, value,
                      tx.gas_limit, price);
    }
    fvm_buf_deinit(&input);
    return err;
}

static fvm_err put_waiting(void *ctx, const fvm_chain_message *m, bool ready)
{
    static const uint8_t no_hash[32];
    pool_walk *w = ctx;
    char key[24], sender[FVM_ETH_ADDRESS_TEXT];
    fvm_jo *o = w->call->out;
    if (ready != w->ready) return FVM_OK;
    if (o->buf.len > w->call->node->limits.reply_bytes) return FVM_ERR_LIMIT;
    if (!w->open || !fvm_address_eq(&w->sender, &m->message.from)) {
        if (w->open) fvm_jo_end(o, '}');
        eth_text(sender, &m->message.from);
        fvm_jo_key(o, sender);
        fvm_jo_begin(o, '{');
        w->open = true;
        w->sender = m->message.from;
    }
    (void)snprintf(key, sizeof key, "%" PRIu64, m->message.nonce);
    fvm_jo_key(o, key);
    return w->shape == POOL_CONTENT ? fvm_rpc_put_tx(w->call->node, o, m, no_hash)
                                    : put_summary(w->call, m);
}

static fvm_err put_half(fvm_rpc_call *call, pool_shape shape, bool ready)
{
    pool_walk w = { .call = call, .shape = shape, .ready = ready };
    fvm_jo_key(call->out, ready ? "pending" : "queued");
    fvm_jo_begin(call->out, '{');
    FVM_TRY(fvm_chain_pending(call->node->chain, NULL, put_waiting, &w));
    if (w.open) fvm_jo_end(call->out, '}');
    fvm_jo_end(call->out, '}');
    return FVM_OK;
}

static fvm_err put_pool(fvm_rpc_call *call, pool_shape shape)
{
    fvm_jo_begin(call->out, '{');
    FVM_TRY(put_half(call, shape, true));
    FVM_TRY(put_half(call, shape, false));
    fvm_jo_end(call->out, '}');
    return FVM_OK;
}

fvm_err fvm_txpool_content(fvm_rpc_call *call)
{
    return put_pool(call, POOL_CONTENT);
}

fvm_err fvm_txpool_inspect(fvm_rpc_call *call)
{
    return put_pool(call, POOL_INSPECT);
}

fvm_err fvm_txpool_status(fvm_rpc_call *call)
{
    size_t ready, waiting;
    fvm_chain_pool_stats(call->node->chain, &ready, &waiting);
    fvm_jo_begin(call->out, '{');
    fvm_jo_k_quantity(call->out, "pending", ready);
    fvm_jo_k_quantity(call->out, "queued", waiting);
    fvm_jo_end(call->out, '}');
    return FVM_OK;
}
