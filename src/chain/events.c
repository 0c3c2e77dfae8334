/* events.c - events of actors, and which of them Ethereum's clients see as logs (FIP-0049, FIP-0083;
 * reference/rpc.md 7): all values raw, keys t1..t4 without gaps or repeats, 32 bytes each, and d. */
#include "chain_internal.h"

#include "crypto/crypto.h"
#include "ipld/cbor.h"

#include <stdlib.h>

/* --- decoding --- */

typedef struct shape {
    fvm_chain_event *out;
    unsigned seen; /* bits of topics */
    bool data, log;
} shape;

/* One entry, [flags, key, codec, value]. */
static fvm_err take_entry(shape *s, fvm_bytes *in)
{
    uint64_t flags, codec;
    fvm_bytes key, value;
    FVM_TRY(fvm_cbor_tuple(4, in));
    FVM_TRY(fvm_cbor_uint(&flags, in));
    FVM_TRY(fvm_cbor_text(&key, in, NULL));
    FVM_TRY(fvm_cbor_uint(&codec, in));
    FVM_TRY(fvm_cbor_bytes(&value, in, NULL));
    if (codec != FVM_CODEC_RAW) {
        s->log = false;
    } else if (key.len == 2 && key.ptr[0] == 't' && key.ptr[1] >= '1' && key.ptr[1] <= '4') {
        unsigned topic = key.ptr[1] - (unsigned)'1';
        if (value.len != 32 || (s->seen & 1u << topic)) {
            s->log = false;
            return FVM_OK;
        }
        s->seen |= 1u << topic;
        memcpy(s->out->topics[topic], value.ptr, 32);
    } else if (key.len == 1 && key.ptr[0] == 'd' && !s->data) {
        s->data = true;
        s->out->data = value;
    } else {
        s->log = false;
    }
    return FVM_OK;
}

static fvm_err take_entries(fvm_chain_event *out, fvm_bytes *in)
{
    uint64_t count;
    fvm_bytes start = *in;
    shape s = { .out = out, .log = true };
    out->data = (fvm_bytes){ NULL, 0 };
    FVM_TRY(fvm_cbor_array(&count, in));
    for (uint64_t i = 0; i < count; i++) FVM_TRY(take_entry(&s, in));
    out->entries = (fvm_bytes){ start.ptr, start.len - in->len };
    out->topic_count = (unsigned)__builtin_popcount(s.seen);
    out->is_log = s.log && s.seen == (1u << out->topic_count) - 1;
    if (!out->is_log) out->topic_count = 0;
    return FVM_OK;
}

fvm_err fvm__event_entries(fvm_chain_event *out, fvm_bytes in)
{
    FVM_TRY(take_entries(out, &in));
    return fvm_cbor_end(in);
}

fvm_err fvm__event_take(fvm_chain_event *out, fvm_bytes *in)
{
    FVM_TRY(fvm_cbor_tuple(2, in));
    FVM_TRY(fvm_cbor_uint(&out->emitter, in));
    return take_entries(out, in);
}

void fvm_bloom_add(uint8_t bloom[256], fvm_bytes item)
{
    uint8_t hash[32];
    fvm_keccak256(hash, item);
    for (unsigned i = 0; i < 6; i += 2) {
        unsigned bit = ((unsigned)hash[i] << 8 | hash[i + 1]) & 2047;
        bloom[255 - bit / 8] |= (uint8_t)(1u << bit % 8);
    }
}

/* --- filters --- */

static bool among(const uint8_t (*list)[32], size_t count, const uint8_t item[32])
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(list[i], item, 32) == 0) return true;
    return false;
}

bool fvm_event_matches(const fvm_event_filter *f, const fvm_chain_event *e)
{
    if (!e->is_log && !f->native) return false;
    bool emitter = f->address_count + f->emitter_count == 0;
    for (size_t i = 0; i < f->address_count && !emitter; i++)
        emitter = memcmp(f->addresses[i], e->emitter_eth, 20) == 0;
    for (size_t i = 0; i < f->emitter_count && !emitter; i++)
        emitter = f->emitters[i] == e->emitter;
    if (!emitter) return false;
    for (unsigned i = 0; i < 4; i++) {
        if (f->topics[i].count == 0) continue;
        if (i >= e->topic_count || !among(f->topics[i].any, f->topics[i].count, e->topics[i]))
            return false;
    }
    return true;
}

/* --- queries ---
 *
 * Events lie in the ledger by number and index in the tipset. A narrow range is simply read. For a wide one
 * with an emitter or a first topic to look for, the places of their events come from the index: a sorted
 * list of them is gathered, and each is then looked at. */

#define NARROW 8u /* tipsets that are read without an index */

typedef struct query {
    fvm_chain *chain;
    const fvm_event_filter *filter;
    fvm_chain_event_visit visit;
    void *ctx;
    size_t scanned;
    fvm_tipset tipset; /* of the events at hand */
    bool have_tipset;
    fvm_chain_message message; /* likewise */
    bool have_message;
    fvm_buf places, record;
} query;

/* Tells of one event, with what tipset and message add to it. */
static fvm_err offer(query *q, fvm__place place, fvm_bytes record)
{
    fvm_chain_event e = { .number = place.number, .event_index = place.index };
    if (q->filter->max_scan && ++q->scanned > q->filter->max_scan) return FVM_ERR_LIMIT;
    FVM_TRY(fvm__ledger_err(fvm__event_read(&e, record)));
    if (!fvm_event_matches(q->filter, &e)) return FVM_OK;
    if (!q->have_tipset || q->tipset.number != place.number) {
        q->have_tipset = q->have_message = false;
        FVM_TRY(fvm_chain_tipset(q->chain, &q->tipset, place.number));
        q->have_tipset = true;
    }
    if (!q->have_message || q->message.index != e.message_index) {
        q->have_message = false;
        FVM_TRY(fvm_chain_message_at(q->chain, &q->message, place.number, e.message_index));
        q->have_message = true;
    }
    memcpy(e.block_hash, q->tipset.hash, 32);
    memcpy(e.eth_hash, q->message.eth_hash, 32);
    e.message = q->message.cid;
    return q->visit(q->ctx, &e);
}

static fvm_err offer_entry(void *ctx, fvm_bytes key, fvm_bytes value)
{
    if (key.len != FVM__PLACE_LEN) return FVM_ERR_BAD_STATE;
    return offer(ctx, fvm__place_read(key.ptr), value);
}

/* [from, to] of numbers as keys behind `prefix`; `to` is exclusive. */
static fvm_err read_range(query *q, uint64_t from, uint64_t to)
{
    uint8_t low[FVM__PLACE_LEN], high[FVM__PLACE_LEN];
    fvm_bytes first = fvm__place_write(low, from, 0);
    fvm_bytes end = to == UINT64_MAX ? (fvm_bytes){ NULL, 0 } : fvm__place_write(high, to + 1, 0);
    return fvm_ledger_range(q->chain->ledger, FVM__TABLE_EVENT, first, end, false, offer_entry, q);
}

static fvm_err gather(void *ctx, fvm_bytes key, fvm_bytes value)
{
    query *q = ctx;
    (void)value;
    if (key.len < FVM__PLACE_LEN) return FVM_ERR_BAD_STATE;
    if (q->filter->max_scan && q->places.len / FVM__PLACE_LEN >= q->filter->max_scan)
        return FVM_ERR_LIMIT;
    return fvm_buf_append(&q->places,
                          (fvm_bytes){ key.ptr + key.len - FVM__PLACE_LEN, FVM__PLACE_LEN });
}

static fvm_err gather_prefix(query *q, unsigned table, fvm_bytes prefix)
{
    uint8_t low[32 + FVM__PLACE_LEN], high[32 + FVM__PLACE_LEN];
    uint64_t to = q->filter->to;
    memcpy(low, prefix.ptr, prefix.len);
    memcpy(high, prefix.ptr, prefix.len);
    (void)fvm__place_write(low + prefix.len, q->filter->from, 0);
    (void)fvm__place_write(high + prefix.len, to == UINT64_MAX ? to : to + 1, 0);
    return fvm_ledger_range(q->chain->ledger, table,
                            (fvm_bytes){ low, prefix.len + FVM__PLACE_LEN },
                            (fvm_bytes){ high, prefix.len + FVM__PLACE_LEN }, false, gather, q);
}

static fvm_err gather_emitter(query *q, uint64_t id)
{
    uint8_t key[8];
    fvm_store_be64(key, id);
    return gather_prefix(q, FVM__TABLE_EMITTER, (fvm_bytes){ key, 8 });
}

typedef struct find_id {
    fvm_address address;
    uint64_t id;
} find_id;

static fvm_err look_for_id(void *ctx, fvm_state_view *state)
{
    find_id *f = ctx;
    return fvm_state_lookup_id(state, &f->id, &f->address);
}

/* An address's actor keeps its ID for good, but for rewinds: the head knows all that ever emitted. */
static fvm_err gather_address(query *q, const uint8_t eth[20])
{
    fvm_eth_address a;
    memcpy(a.bytes, eth, 20);
    find_id f = { .address = fvm_eth_address_to_fil(&a) };
    fvm_err err = fvm__mempool_look(q->chain, look_for_id, &f);
    if (err == FVM_ERR_NOT_FOUND) return FVM_OK;
    return err == FVM_OK ? gather_emitter(q, f.id) : err;
}

static int by_place(const void *a, const void *b)
{
    return memcmp(a, b, FVM__PLACE_LEN);
}

static fvm_err visit_places(query *q)
{
    size_t count = q->places.len / FVM__PLACE_LEN;
    const uint8_t *at = q->places.ptr;
    if (count) qsort(q->places.ptr, count, FVM__PLACE_LEN, by_place);
    for (size_t i = 0; i < count; i++, at += FVM__PLACE_LEN) {
        if (i && by_place(at - FVM__PLACE_LEN, at) == 0) continue;
        q->record.len = 0;
        fvm_err err = fvm_ledger_get(q->chain->ledger, &q->record, FVM__TABLE_EVENT,
                                     (fvm_bytes){ at, FVM__PLACE_LEN }, false);
        if (err == FVM_ERR_NOT_FOUND) continue; /* went away by a rewind since */
        FVM_TRY(err);
        FVM_TRY(offer(q, fvm__place_read(at), fvm_buf_bytes(&q->record)));
    }
    return FVM_OK;
}

static fvm_err run_query(query *q)
{
    const fvm_event_filter *f = q->filter;
    bool wide = f->to - f->from >= NARROW;
    if (wide && f->address_count + f->emitter_count) {
        for (size_t i = 0; i < f->address_count; i++) FVM_TRY(gather_address(q, f->addresses[i]));
        for (size_t i = 0; i < f->emitter_count; i++) FVM_TRY(gather_emitter(q, f->emitters[i]));
        return visit_places(q);
    }
    if (wide && f->topics[0].count) {
        for (size_t i = 0; i < f->topics[0].count; i++)
            FVM_TRY(gather_prefix(q, FVM__TABLE_TOPIC, (fvm_bytes){ f->topics[0].any[i], 32 }));
        return visit_places(q);
    }
    return read_range(q, f->from, f->to);
}

fvm_err fvm_chain_events(fvm_chain *chain, const fvm_event_filter *filter,
                         fvm_chain_event_visit visit, void *ctx)
{
    query q = { .chain = chain, .filter = filter, .visit = visit, .ctx = ctx };
    if (filter->from > filter->to) return FVM_OK;
    fvm_chain_message_init(&q.message, chain->alloc);
    fvm_buf_init(&q.places, chain->alloc);
    fvm_buf_init(&q.record, chain->alloc);
    fvm_err err = run_query(&q);
    fvm_buf_deinit(&q.record);
    fvm_buf_deinit(&q.places);
    fvm_chain_message_deinit(&q.message);
    return err;
}

/* --- events of one message --- */

typedef struct message_query {
    const fvm_chain_message *message;
    const fvm_tipset *tipset;
    bool native;
    fvm_chain_event_visit visit;
    void *ctx;
} message_query;

static fvm_err offer_own(void *ctx, fvm_bytes key, fvm_bytes value)
{
    message_query *q = ctx;
    if (key.len != FVM__PLACE_LEN) return FVM_ERR_BAD_STATE;
    fvm__place place = fvm__place_read(key.ptr);
    fvm_chain_event e = { .number = place.number, .event_index = place.index };
    FVM_TRY(fvm__ledger_err(fvm__event_read(&e, value)));
    if (!e.is_log && !q->native) return FVM_OK;
    memcpy(e.block_hash, q->tipset->hash, 32);
    memcpy(e.eth_hash, q->message->eth_hash, 32);
    e.message = q->message->cid;
    return q->visit(q->ctx, &e);
}

fvm_err fvm_chain_message_events(fvm_chain *chain, const fvm_chain_message *message, bool native,
                                 fvm_chain_event_visit visit, void *ctx)
{
    uint8_t low[FVM__PLACE_LEN], high[FVM__PLACE_LEN];
    fvm_tipset t;
    if (message->number == FVM_CHAIN_PENDING || message->event_count == 0) return FVM_OK;
    FVM_TRY(fvm_chain_tipset(chain, &t, message->number));
    message_query q = { message, &t, native, visit, ctx };
    uint32_t first = message->first_event;
    return fvm_ledger_range(chain->ledger, FVM__TABLE_EVENT,
                            fvm__place_write(low, message->number, first),
                            fvm__place_write(high, message->number, first + message->event_count),
                            false, offer_own, &q);
}

/* --- how Ethereum's clients see actors --- */

fvm_err fvm__eth_of_actor(uint8_t out[20], fvm_state_view *state, uint64_t id)
{
    const fvm_actor *actor;
    fvm_eth_address eth = fvm_eth_address_masked(id);
    fvm_err err = fvm_state_get(state, &actor, id);
    if (err == FVM_OK && actor->delegated.len)
        (void)fvm_eth_address_of_fil(&eth, &actor->delegated);
    if (err == FVM_OK || err == FVM_ERR_NOT_FOUND) {
        memcpy(out, eth.bytes, 20);
        err = FVM_OK;
    }
    return err;
}

fvm_err fvm__eth_of_address(uint8_t out[20], bool *known, uint64_t *id, fvm_state_view *state,
                            const fvm_address *address)
{
    fvm_eth_address eth;
    const fvm_actor *actor;
    *known = false;
    *id = 0;
    fvm_err err = fvm_state_lookup_id(state, id, address);
    if (err == FVM_OK) err = fvm_state_get(state, &actor, *id);
    if (err == FVM_OK) {
        *known = true;
        return fvm__eth_of_actor(out, state, *id);
    }
    if (err != FVM_ERR_NOT_FOUND) return err;
    if (!fvm_eth_address_of_fil(&eth, address)) eth = fvm_eth_address_masked(FVM_ETH_NOBODY);
    memcpy(out, eth.bytes, 20);
    return FVM_OK;
}
