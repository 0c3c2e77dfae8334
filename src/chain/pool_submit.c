/* pool_submit.c - which messages the pool takes. All that is costly, the signature above all, is done on
 * the submitting thread before the pool's lock. */
#include "chain_internal.h"

#include "base/vector.h"
#include "kernel/prices.h"

#include <stdarg.h>
#include <stdio.h>

/* --- refusing --- */

__attribute__((format(printf, 3, 4))) static void refuse(fvm_submission *out, fvm_refusal refusal,
                                                         const char *format, ...)
{
    va_list args;
    out->refusal = refusal;
    va_start(args, format);
    (void)vsnprintf(out->why, sizeof out->why, format, args);
    va_end(args);
}

static bool refused(const fvm_submission *out)
{
    return out->refusal != FVM_REFUSAL_NONE;
}

/* --- the message by itself --- */

/* The form that has the CID: signed, or for BLS and unsigned ones the message alone. */
static fvm_err encode(fvm__pooled *p, const fvm_signed_message *message)
{
    bool bare = message->signature.type == FVM_SIGNATURE_BLS || message->signature.type == 0;
    FVM_TRY(bare ? fvm_message_write(&p->bytes, &message->message)
                 : fvm_signed_message_write(&p->bytes, message));
    p->signed_message = *message;
    p->chain_length = p->bytes.len;
    p->cid = fvm_cid_of(FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&p->bytes));
    /* params are the message's last field, and a signature is behind it */
    fvm_signed_message copy;
    if (bare) {
        FVM_TRY(fvm_message_read(&copy.message, fvm_buf_bytes(&p->bytes), FVM_NETWORK_VERSION_MAX));
    } else {
        FVM_TRY(fvm_signed_message_read(&copy, fvm_buf_bytes(&p->bytes)));
    }
    p->signed_message.message.params = copy.message.params;
    return FVM_OK;
}

static fvm_err hash(fvm_chain *c, fvm__pooled *p)
{
    if (p->signed_message.signature.type == FVM_SIGNATURE_DELEGATED)
        return fvm_eth_hash_of_message(p->eth_hash, &p->signed_message, fvm__chain_id(c), c->alloc);
    memcpy(p->eth_hash, p->cid.digest, 32);
    return FVM_OK;
}

fvm_err fvm__pooled_of(fvm_chain *c, fvm__pooled **out, const fvm_chain_message *m, bool implicit)
{
    fvm_signed_message message = { .message = m->message, .signature = m->signature };
    fvm__pooled *p = fvm_mem_zalloc(c->alloc, sizeof *p);
    if (!p) return FVM_ERR_NOMEM;
    fvm_buf_init(&p->bytes, c->alloc);
    fvm_err err = encode(p, &message);
    if (err != FVM_OK) {
        fvm__pooled_free(c, p);
        return err;
    }
    memcpy(p->eth_hash, m->eth_hash, 32);
    p->from_id = m->from_id;
    p->implicit = implicit;
    *out = p;
    return FVM_OK;
}

static void check_amounts(fvm_chain *c, fvm_submission *out, const fvm_message *m)
{
    if (m->version != 0)
        refuse(out, FVM_REFUSAL_MALFORMED, "message version is not 0");
    else if (m->from.len == 0 || m->to.len == 0)
        refuse(out, FVM_REFUSAL_MALFORMED, "message without sender or receiver");
    else if (m->nonce == UINT64_MAX)
        refuse(out, FVM_REFUSAL_MALFORMED, "nonce is at its end");
    else if (fvm_big_sign(&m->value) < 0 || fvm_big_sign(&m->gas_fee_cap) < 0 ||
             fvm_big_sign(&m->gas_premium) < 0)
        refuse(out, FVM_REFUSAL_MALFORMED, "negative amount");
    else if (fvm_big_cmp(&m->gas_premium, &m->gas_fee_cap) > 0)
        refuse(out, FVM_REFUSAL_FEE_CAP,
               "max priority fee per gas higher than max fee per gas (gas premium above fee cap)");
    else if (m->gas_limit > fvm_chain_block_gas(c))
        refuse(out, FVM_REFUSAL_GAS_HIGH, "exceeds block gas limit: %llu of %llu",
               (unsigned long long)m->gas_limit, (unsigned long long)fvm_chain_block_gas(c));
}

static void check_size(fvm_chain *c, fvm_submission *out, const fvm__pooled *p)
{
    uint64_t milligas = fvm_price_inclusion(&c->net, p->chain_length);
    uint64_t gas = milligas / FVM_MILLIGAS + (milligas % FVM_MILLIGAS != 0);
    if (p->bytes.len > FVM_CHAIN_MESSAGE_MAX)
        refuse(out, FVM_REFUSAL_SIZE, "message of %zu bytes is over %zu", p->bytes.len,
               FVM_CHAIN_MESSAGE_MAX);
    else if (p->signed_message.message.gas_limit < gas)
        refuse(out, FVM_REFUSAL_GAS_LOW, "intrinsic gas too low: inclusion alone takes %llu",
               (unsigned long long)gas);
}

static void check_base_fee(fvm_chain *c, fvm_submission *out, const fvm_message *m)
{
    fvm_big base_fee;
    char cap[FVM_BIG_TEXT_MAX], base[FVM_BIG_TEXT_MAX];
    if (fvm_chain_sealing(c, NULL) != FVM_SEALING_INSTANT) return;
    fvm_chain_next_base_fee(c, &base_fee);
    if (fvm_big_cmp(&m->gas_fee_cap, &base_fee) >= 0) return;
    (void)fvm_big_to_text(cap, &m->gas_fee_cap);
    (void)fvm_big_to_text(base, &base_fee);
    refuse(out, FVM_REFUSAL_FEE_CAP,
           "max fee per gas less than block base fee: fee cap %.40s, base fee %.40s", cap, base);
}

/* --- the message and the state --- */

typedef struct sender_look {
    fvm_chain *chain;
    fvm__pooled *pooled;
    bool known;   /* there is such an actor */
    bool account; /* and it may send by itself */
    uint64_t nonce;
    fvm_big balance;
    fvm_address key;
} sender_look;

static fvm_err key_of_account(fvm_chain *c, fvm_address *out, fvm_state_view *state,
                              const fvm_cid *head)
{
    fvm_buf block;
    fvm_buf_init(&block, c->alloc);
    fvm_err err = fvm_blockstore_get(fvm_state_blockstore(state), &block, head);
    if (err == FVM_OK) err = fvm_account_state_address(out, fvm_buf_bytes(&block), true);
    fvm_buf_deinit(&block);
    return fvm__ledger_err(err);
}

/* Which actors may send, and the address that stands for their key. */
static fvm_err look_at_account(sender_look *l, fvm_state_view *state, const fvm_actor *actor)
{
    fvm_chain *c = l->chain;
    const fvm_cid *account = fvm_manifest_builtin(c->manifest, FVM_BUILTIN_ACCOUNT);
    const fvm_cid *eth = fvm_manifest_builtin(c->manifest, FVM_BUILTIN_ETHACCOUNT);
    const fvm_cid *placeholder = fvm_manifest_builtin(c->manifest, FVM_BUILTIN_PLACEHOLDER);
    const fvm_address *from = &l->pooled->signed_message.message.from;
    l->key = *from;
    if (fvm_cid_eq(&actor->code, account)) {
        l->account = true;
        if (fvm_address_protocol(from) != FVM_PROTOCOL_ID) return FVM_OK;
        fvm_cid head = actor->head;
        return key_of_account(c, &l->key, state, &head);
    }
    if (fvm_cid_eq(&actor->code, eth) ||
        (fvm_cid_eq(&actor->code, placeholder) && actor->nonce == 0)) {
        l->account = true;
        if (actor->delegated.len) l->key = actor->delegated;
    }
    return FVM_OK;
}

static fvm_err look_at_sender(void *ctx, fvm_state_view *state)
{
    sender_look *l = ctx;
    fvm__pooled *p = l->pooled;
    const fvm_message *m = &p->signed_message.message;
    const fvm_actor *actor;
    uint64_t id;
    bool known;
    FVM_TRY(fvm__eth_of_address(p->to_eth, &p->to_known, &p->to_id, state, &m->to));
    FVM_TRY(fvm__eth_of_address(p->from_eth, &known, &id, state, &m->from));
    if (!known) return FVM_OK;
    FVM_TRY(fvm_state_get(state, &actor, id));
    l->known = true;
    p->from_id = id;
    l->nonce = actor->nonce;
    l->balance = actor->balance;
    return look_at_account(l, state, actor);
}

/* `have` NULL: there is no such actor. */
static void check_funds(fvm_submission *out, const fvm_big *have, const fvm_big *need)
{
    char have_text[FVM_BIG_TEXT_MAX] = "0", need_text[FVM_BIG_TEXT_MAX];
    if (have && fvm_big_cmp(have, need) >= 0) return;
    if (have) (void)fvm_big_to_text(have_text, have);
    (void)fvm_big_to_text(need_text, need);
    refuse(out, FVM_REFUSAL_FUNDS,
           "insufficient funds for gas * price + value: balance %.40s, tx cost %.40s", have_text,
           need_text);
}

/* Whether the sender may speak so, this nonce is not used up, and the money is there. */
static fvm_err check_sender(fvm_submission *out, sender_look *l)
{
    const fvm_message *m = &l->pooled->signed_message.message;
    fvm_big need;
    FVM_TRY(fvm_big_mul_u64(&l->pooled->max_cost, &m->gas_fee_cap, m->gas_limit));
    FVM_TRY(fvm_big_add(&need, &l->pooled->max_cost, &m->value));
    l->pooled->implicit = l->known && !l->account;
    if (l->pooled->implicit && l->pooled->signed_message.signature.type != 0)
        refuse(out, FVM_REFUSAL_SENDER, "sender is not an externally owned account");
    else if (l->known && m->nonce < l->nonce)
        refuse(out, FVM_REFUSAL_NONCE_LOW, "nonce too low: next nonce %llu, tx nonce %llu",
               (unsigned long long)l->nonce, (unsigned long long)m->nonce);
    else
        check_funds(out, l->known ? &l->balance : NULL, l->pooled->implicit ? &m->value : &need);
    return FVM_OK;
}

static fvm_err check_signature(fvm_chain *c, fvm_submission *out, const sender_look *l,
                               unsigned flags)
{
    const fvm_signed_message *s = &l->pooled->signed_message;
    const char *why = "signature is not the sender's";
    if (s->signature.type == 0) {
        if ((flags & FVM_SUBMIT_UNSIGNED) || c->trust_signatures ||
            fvm_chain_is_impersonated(c, &s->message.from))
            return FVM_OK;
        refuse(out, FVM_REFUSAL_SIGNATURE, "no signature, and the sender is not impersonated");
        return FVM_OK;
    }
    if (flags & FVM_SUBMIT_CHECKED) return FVM_OK;
    fvm_err err = fvm_signed_message_verify(s, &l->key, fvm__chain_id(c), c->alloc, &why);
    if (err != FVM_ERR_MISMATCH && err != FVM_ERR_INVALID) return err;
    refuse(out, FVM_REFUSAL_SIGNATURE, "%s", why ? why : "signature is not the sender's");
    return FVM_OK;
}

/* --- into the pool; under its lock --- */

/* Whether `fresh` pays enough more than `old` to take its place: 1.25 times the premium. */
static bool outbids(const fvm_message *fresh, const fvm_message *old)
{
    fvm_big four, five, one = fvm_big_u64(1), more;
    if (fvm_big_mul_u64(&four, &fresh->gas_premium, 4) != FVM_OK ||
        fvm_big_mul_u64(&five, &old->gas_premium, 5) != FVM_OK ||
        fvm_big_add(&more, &old->gas_premium, &one) != FVM_OK)
        return false;
    return fvm_big_cmp(&four, &five) >= 0 && fvm_big_cmp(&fresh->gas_premium, &more) >= 0;
}

static fvm_err replace(fvm_chain *c, fvm_submission *out, fvm__sender *s, uint32_t at,
                       fvm__pooled *p)
{
    fvm__pooled *old = s->messages[at];
    if (!outbids(&p->signed_message.message, &old->signed_message.message)) {
        refuse(out, FVM_REFUSAL_UNDERPRICED,
               "replacement transaction underpriced: a premium 1.25 times as high is needed");
        return FVM_OK;
    }
    FVM_TRY(fvm__mempool_index(c, p));
    out->replaced = old->cid;
    fvm__mempool_unindex(c, old);
    s->messages[at] = p;
    fvm__pooled_release(c, old);
    return FVM_OK;
}

static fvm_err insert(fvm_chain *c, fvm_submission *out, const sender_look *l, fvm__pooled *p)
{
    uint64_t nonce = p->signed_message.message.nonce;
    if (fvm_map_get(&c->pool.by_cid, (fvm_bytes){ p->cid.digest, p->cid.digest_len })) {
        refuse(out, FVM_REFUSAL_KNOWN, "already known");
        return FVM_OK;
    }
    fvm__sender *s = fvm__mempool_sender(c, p->from_id);
    uint32_t at = s ? fvm__sender_seek(s, nonce) : 0;
    if (s && at < s->count && s->messages[at]->signed_message.message.nonce == nonce)
        return replace(c, out, s, at, p);
    uint64_t next = fvm__sender_next(s, l->nonce);
    if (nonce > next && nonce - next > c->nonce_gap_max)
        refuse(out, FVM_REFUSAL_NONCE_GAP,
               "nonce too high: next nonce %llu, tx nonce %llu; the gap is over %llu",
               (unsigned long long)next, (unsigned long long)nonce,
               (unsigned long long)c->nonce_gap_max);
    else if (c->pool.count >= c->pool_max)
        refuse(out, FVM_REFUSAL_FULL, "txpool is full: %zu messages wait", c->pool.count);
    else if (s && s->count >= c->pool_sender_max)
        refuse(out, FVM_REFUSAL_FULL, "account limit exceeded: %u messages of this sender wait",
               (unsigned)s->count);
    else
        return fvm__mempool_insert(c, p);
    return FVM_OK;
}

static fvm_err enter(fvm_chain *c, fvm_submission *out, const sender_look *l, fvm__pooled *p)
{
    pthread_mutex_lock(&c->pool.lock);
    fvm_err err = insert(c, out, l, p);
    if (err == FVM_OK && !refused(out)) {
        p->refs = 1;
        p->ticket = out->ticket = ++c->pool.last_ticket;
        c->pool.work = true;
        pthread_cond_signal(&c->pool.arrived);
    }
    pthread_mutex_unlock(&c->pool.lock);
    return err;
}

/* --- all of it --- */

static void tell(fvm_chain *c, const uint8_t eth_hash[32])
{
    fvm_chain_message m;
    if (!fvm__anybody_listens(c)) return;
    fvm_chain_message_init(&m, c->alloc);
    if (fvm_chain_message_by_eth_hash(c, &m, eth_hash) == FVM_OK) fvm__tell_pending(c, &m);
    fvm_chain_message_deinit(&m);
}

static fvm_err examine(fvm_chain *c, fvm_submission *out, sender_look *l,
                       const fvm_signed_message *message, unsigned flags)
{
    fvm__pooled *p = l->pooled;
    const char *malformed = "message stands for no transaction";
    check_amounts(c, out, &message->message);
    if (refused(out)) return FVM_OK;
    fvm_err err = encode(p, message);
    if (err == FVM_OK) err = hash(c, p);
    if (fvm_err_class_of(err) == FVM_CLASS_INPUT) {
        refuse(out, FVM_REFUSAL_MALFORMED, "%s", malformed);
        return FVM_OK;
    }
    FVM_TRY(err);
    out->cid = p->cid;
    memcpy(out->eth_hash, p->eth_hash, 32);
    check_size(c, out, p);
    if (!refused(out)) check_base_fee(c, out, &message->message);
    if (refused(out)) return FVM_OK;
    FVM_TRY(fvm__mempool_look(c, look_at_sender, l));
    FVM_TRY(check_sender(out, l));
    return refused(out) ? FVM_OK : check_signature(c, out, l, flags);
}

fvm_err fvm_chain_submit(fvm_chain *c, fvm_submission *out, const fvm_signed_message *message,
                         unsigned flags)
{
    *out = (fvm_submission){ .refusal = FVM_REFUSAL_NONE };
    fvm__pooled *p = fvm_mem_zalloc(c->alloc, sizeof *p);
    if (!p) return FVM_ERR_NOMEM;
    fvm_buf_init(&p->bytes, c->alloc);
    sender_look l = { .chain = c, .pooled = p };
    fvm_err err = examine(c, out, &l, message, flags);
    if (err == FVM_OK && !refused(out)) err = enter(c, out, &l, p);
    if (err != FVM_OK || refused(out)) {
        fvm__pooled_free(c, p);
        if (err == FVM_OK) {
            pthread_mutex_lock(&c->pool.lock);
            c->pool.refused++;
            pthread_mutex_unlock(&c->pool.lock);
        }
        return fvm__ledger_err(err);
    }
    tell(c, out->eth_hash);
    return FVM_OK;
}
