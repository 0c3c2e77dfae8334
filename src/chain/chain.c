/* chain.c - opening and closing, the head, the clock and what development methods set. */
#include "chain_internal.h"

#include <stdlib.h>
#include <time.h>

#define DEFAULT_INTERVAL_MS 30000u
#define DEFAULT_VIEWS 16
#define DEFAULT_POOL 100000
#define DEFAULT_POOL_SENDER 10000
#define DEFAULT_BLOCK_MESSAGES 2000
#define MINER_ID 1000 /* of the development miner; nobody lives there in a new chain */

static uint64_t system_clock_ms(void *ctx)
{
    struct timespec t;
    (void)ctx;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* --- opening --- */

static void make_locks(fvm_chain *c)
{
    pthread_mutex_init(&c->head_lock, NULL);
    pthread_mutex_init(&c->writer, NULL);
    pthread_mutex_init(&c->views_lock, NULL);
    pthread_cond_init(&c->views_free, NULL);
    pthread_mutex_init(&c->listeners_lock, NULL);
    pthread_mutex_init(&c->sealer_lock, NULL);
}

static size_t or_default(size_t given, size_t otherwise)
{
    return given ? given : otherwise;
}

static void take_options(fvm_chain *c, const fvm_chain_options *o)
{
    c->clock_ms = o->clock_ms ? o->clock_ms : system_clock_ms;
    c->clock_ctx = o->clock_ctx;
    c->pool_max = or_default(o->pool_max, DEFAULT_POOL);
    c->pool_sender_max = or_default(o->pool_sender_max, DEFAULT_POOL_SENDER);
    c->nonce_gap_max = or_default(o->nonce_gap_max, DEFAULT_POOL_SENDER);
    c->block_messages_max = or_default(o->block_messages_max, DEFAULT_BLOCK_MESSAGES);
    c->trust_signatures = o->trust_signatures;
    c->view_max = or_default(o->view_max, DEFAULT_VIEWS);
    c->sealing = o->sealing;
    c->interval_ms = o->interval_ms ? o->interval_ms : DEFAULT_INTERVAL_MS;
    c->dev.block_gas = FVM_CHAIN_BLOCK_GAS;
    c->miner = fvm_address_id(MINER_ID);
    fvm_buf_init(&c->record, c->alloc);
    fvm_buf_init(&c->key, c->alloc);
}

static fvm_err load_params(fvm_chain *c, fvm_store_why *why)
{
    c->record.len = 0;
    FVM_TRY(fvm_ledger_get(c->ledger, &c->record, FVM__TABLE_META, FVM_STR("chain"), false));
    fvm_err err = fvm__params_read(&c->params, fvm_buf_bytes(&c->record));
    if (err != FVM_OK)
        return fvm__why(why, err, "what the chain was made from does not decode: %s",
                        fvm_err_text(err));
    return FVM_OK;
}

static fvm_err take_head(void *ctx, fvm_bytes key, fvm_bytes value)
{
    fvm_chain *c = ctx;
    if (key.len != 8) return FVM_ERR_MALFORMED;
    fvm_err err = fvm__tipset_read(&c->head, fvm_load_be64(key.ptr), value);
    return err == FVM_OK ? FVM_ERR_EXTERN : err; /* found: the first one downwards is the last */
}

static fvm_err count_edit(void *ctx, fvm_bytes key, fvm_bytes value)
{
    (void)key, (void)value;
    ++*(uint32_t *)ctx;
    return FVM_OK;
}

fvm_err fvm__count_edits(fvm_chain *c, uint32_t *count, uint64_t number)
{
    uint8_t low[FVM__PLACE_LEN], high[FVM__PLACE_LEN];
    *count = 0;
    return fvm_ledger_range(c->ledger, FVM__TABLE_EDIT, fvm__place_write(low, number, 0),
                            fvm__place_write(high, number + 1, 0), false, count_edit, count);
}

static fvm_err load_head(fvm_chain *c, fvm_store_why *why)
{
    fvm_tipset genesis;
    fvm_bytes all = { NULL, 0 };
    fvm_err err = fvm_ledger_range(c->ledger, FVM__TABLE_TIPSET, all, all, true, take_head, c);
    if (err == FVM_OK) err = FVM_ERR_MALFORMED;
    if (err == FVM_ERR_EXTERN) err = fvm__count_edits(c, &c->head_edits, c->head.number);
    if (err == FVM_OK) err = fvm_chain_tipset(c, &genesis, 0);
    if (err != FVM_OK)
        return fvm__why(why, err, "the chain's head does not read: %s", fvm_err_text(err));
    c->genesis = genesis.block;
    c->serial = 1;
    return FVM_OK;
}

static fvm_err load_network(fvm_chain *c, fvm_store_why *why)
{
    fvm_cid data;
    fvm_state_view *state;
    const fvm_network *net = fvm_network_find(c->params.network_version);
    if (!net)
        return fvm__why(why, FVM_ERR_VERSION, "network version %u is not known",
                        (unsigned)c->params.network_version);
    c->net = *net;
    c->net.user_actors = c->params.user_actors;
    c->chain_id = c->params.chain_id;
    FVM_TRY(fvm_state_view_open(&state, c->blocks, &c->params.genesis_state, &c->net, c->alloc));
    fvm_err err = fvm_system_state_manifest(state, &data);
    if (err == FVM_OK) err = fvm_manifest_load(&c->manifest, c->blocks, &data, &c->net, c->alloc);
    fvm_state_view_free(state);
    return err;
}

static fvm_err open_engine(fvm_chain *c, const fvm_chain_options *o)
{
    c->engine = o->engine;
    if (!c->engine) {
        FVM_TRY(fvm_engine_new_with(&c->engine, &o->engine_config, c->alloc));
        c->own_engine = true;
    }
    return fvm__runner_init(&c->runner, c, NULL);
}

static fvm_err open_all(fvm_chain *c, const fvm_chain_options *o, const fvm__origin *origin,
                        fvm_store_why *why)
{
    FVM_TRY(fvm_ledger_open(&c->ledger, &o->ledger, c->alloc, why));
    c->blocks = fvm_ledger_blocks(c->ledger);
    fvm_err err = load_params(c, why);
    if (err == FVM_OK && origin)
        return fvm__why(why, FVM_ERR_INVALID, "there is a chain in that folder already");
    if (err == FVM_ERR_NOT_FOUND && o->ledger.read_only)
        return fvm__why(why, err, "there is no chain in that folder");
    if (err == FVM_ERR_NOT_FOUND) {
        FVM_TRY(origin ? fvm__genesis_copy(c, origin, why) : fvm__genesis_make(c, o, why));
        err = load_params(c, why);
    }
    FVM_TRY(err);
    FVM_TRY(load_network(c, why));
    FVM_TRY(load_head(c, why));
    FVM_TRY(fvm__index_load(c));
    FVM_TRY(open_engine(c, o));
    /* Compiles the built-in actors now, not at the first message. */
    FVM_TRY(fvm__runner_goto(&c->runner, &c->head.state, c->head.number));
    return o->ledger.read_only ? FVM_OK : fvm__sealer_start(c);
}

fvm_err fvm_chain_open(fvm_chain **out, const fvm_chain_options *options,
                       const fvm_allocator *alloc, fvm_store_why *why)
{
    return fvm__chain_open(out, options, NULL, alloc, why);
}

fvm_err fvm__chain_open(fvm_chain **out, const fvm_chain_options *options,
                        const fvm__origin *origin, const fvm_allocator *alloc, fvm_store_why *why)
{
    fvm_chain *c = fvm_mem_zalloc(alloc, sizeof *c);
    if (!c) return FVM_ERR_NOMEM;
    c->alloc = alloc;
    make_locks(c);
    take_options(c, options);
    fvm__mempool_init(c);
    fvm_err err = open_all(c, options, origin, why);
    if (err != FVM_OK) {
        fvm_chain_close(c);
        return err;
    }
    *out = c;
    return FVM_OK;
}

void fvm_chain_close(fvm_chain *c)
{
    if (!c) return;
    fvm__sealer_stop(c);
    fvm__snapshots_deinit(c);
    fvm__mempool_deinit(c);
    fvm__views_deinit(c);
    for (fvm__listener *next, *l = c->listeners; l; l = next) {
        next = l->next;
        fvm_mem_free(c->alloc, l, sizeof *l);
    }
    fvm__runner_deinit(&c->runner);
    fvm_buf_deinit(&c->record);
    fvm_buf_deinit(&c->key);
    fvm_manifest_free(c->manifest);
    if (c->own_engine) fvm_engine_free(c->engine);
    fvm_ledger_close(c->ledger);
    pthread_mutex_destroy(&c->head_lock);
    pthread_mutex_destroy(&c->writer);
    pthread_mutex_destroy(&c->views_lock);
    pthread_cond_destroy(&c->views_free);
    pthread_mutex_destroy(&c->listeners_lock);
    pthread_mutex_destroy(&c->sealer_lock);
    fvm_mem_free(c->alloc, c, sizeof *c);
}

/* --- what it is --- */

void fvm_chain_info_get(fvm_chain *c, fvm_chain_info *out)
{
    const fvm__params *p = &c->params;
    pthread_mutex_lock(&c->head_lock);
    *out = (fvm_chain_info){
        .chain_id = c->chain_id,
        .network_version = p->network_version,
        .network_name = p->network_name,
        .genesis_time = p->genesis_time,
        .epoch_seconds = p->epoch_seconds,
        .genesis = c->genesis,
        .manifest = p->manifest,
        .miner = c->miner,
        .user_actors = p->user_actors,
    };
    pthread_mutex_unlock(&c->head_lock);
}

fvm_engine *fvm_chain_engine(fvm_chain *c)
{
    return c->engine;
}

const fvm_blockstore *fvm_chain_blocks(fvm_chain *c)
{
    return c->blocks;
}

fvm_ledger *fvm_chain_ledger(fvm_chain *c)
{
    return c->ledger;
}

const fvm_cid *fvm__builtin_code(const fvm_chain *c, const char *name)
{
    fvm_bytes want = fvm_bytes_of(name), have;
    for (uint32_t type = 1; type <= fvm_manifest_count(c->manifest); type++) {
        const fvm_cid *code = fvm_manifest_code(c->manifest, type, &have);
        if (fvm_bytes_eq(have, want)) return code;
    }
    return NULL;
}

bool fvm__is_builtin(const fvm_chain *c, const fvm_cid *code, const char *name)
{
    const fvm_cid *builtin = fvm__builtin_code(c, name);
    return builtin && fvm_cid_eq(builtin, code);
}

/* --- the head --- */

uint64_t fvm__head(fvm_chain *c, fvm_tipset *out)
{
    pthread_mutex_lock(&c->head_lock);
    *out = c->head;
    uint64_t serial = c->serial;
    pthread_mutex_unlock(&c->head_lock);
    return serial;
}

void fvm__head_set(fvm_chain *c, const fvm_tipset *tipset, uint32_t edits)
{
    pthread_mutex_lock(&c->head_lock);
    c->head = *tipset;
    c->head_edits = edits;
    c->serial++;
    pthread_mutex_unlock(&c->head_lock);
}

void fvm_chain_head(fvm_chain *c, fvm_tipset *out)
{
    (void)fvm__head(c, out);
}

uint64_t fvm_chain_head_number(fvm_chain *c)
{
    pthread_mutex_lock(&c->head_lock);
    uint64_t number = c->head.number;
    pthread_mutex_unlock(&c->head_lock);
    return number;
}

/* --- the clock --- */

static uint64_t now_ms(const fvm_chain *c)
{
    uint64_t now = c->clock_ms(c->clock_ctx);
    int64_t offset = c->dev.time_offset;
    if (offset < 0) return fvm_sat_sub_u64(now, (uint64_t)0 - (uint64_t)offset);
    return fvm_sat_add_u64(now, (uint64_t)offset);
}

uint64_t fvm_chain_now(fvm_chain *c)
{
    pthread_mutex_lock(&c->head_lock);
    uint64_t now = now_ms(c) / 1000;
    pthread_mutex_unlock(&c->head_lock);
    return now;
}

#define TIME_MOVE_MAX (INT64_MAX / 4000) /* seconds; so that sums in ms fit */

int64_t fvm_chain_increase_time(fvm_chain *c, int64_t seconds)
{
    if (seconds > TIME_MOVE_MAX) seconds = TIME_MOVE_MAX;
    if (seconds < -TIME_MOVE_MAX) seconds = -TIME_MOVE_MAX;
    pthread_mutex_lock(&c->head_lock);
    int64_t sum = c->dev.time_offset / 1000 + seconds;
    if (sum > TIME_MOVE_MAX) sum = TIME_MOVE_MAX;
    if (sum < -TIME_MOVE_MAX) sum = -TIME_MOVE_MAX;
    c->dev.time_offset = sum * 1000;
    pthread_mutex_unlock(&c->head_lock);
    return sum;
}

fvm_err fvm_chain_set_time(fvm_chain *c, uint64_t timestamp)
{
    if (timestamp > (uint64_t)TIME_MOVE_MAX) return FVM_ERR_INVALID;
    pthread_mutex_lock(&c->head_lock);
    c->dev.time_offset = (int64_t)(timestamp * 1000) - (int64_t)c->clock_ms(c->clock_ctx);
    pthread_mutex_unlock(&c->head_lock);
    return FVM_OK;
}

fvm_err fvm_chain_set_next_timestamp(fvm_chain *c, uint64_t timestamp)
{
    if (timestamp > (uint64_t)TIME_MOVE_MAX) return FVM_ERR_INVALID;
    pthread_mutex_lock(&c->head_lock);
    fvm_err err = timestamp < c->head.timestamp ? FVM_ERR_INVALID : FVM_OK;
    if (err == FVM_OK) c->dev.next_timestamp = timestamp;
    pthread_mutex_unlock(&c->head_lock);
    return err;
}

void fvm_chain_set_timestamp_interval(fvm_chain *c, uint64_t seconds)
{
    pthread_mutex_lock(&c->head_lock);
    c->dev.timestamp_interval = seconds;
    pthread_mutex_unlock(&c->head_lock);
}

/* What the next tipset runs under, if it were made now. `timestamp` 0: as the clock says. */
void fvm__next_conditions(fvm_chain *c, fvm__conditions *out, uint64_t timestamp)
{
    pthread_mutex_lock(&c->head_lock);
    const fvm__dev *dev = &c->dev;
    *out = (fvm__conditions){ .chain_id = c->chain_id };
    out->epoch = c->head.number + 1 + dev->skip_rounds;
    if (timestamp == 0) timestamp = dev->next_timestamp;
    if (timestamp == 0 && dev->timestamp_interval)
        timestamp = fvm_sat_add_u64(c->head.timestamp, dev->timestamp_interval);
    if (timestamp == 0) timestamp = now_ms(c) / 1000;
    out->timestamp = timestamp > c->head.timestamp ? timestamp : c->head.timestamp;
    if (dev->has_base_fee)
        out->base_fee = dev->base_fee;
    else if (c->net.base_fee_by_premium)
        fvm_base_fee_by_premium(&out->base_fee, &c->head.base_fee, &c->head.premium);
    else
        fvm_base_fee_by_gas(&out->base_fee, &c->head.base_fee, c->head.gas_limit, dev->block_gas);
    if (dev->has_randomness)
        memcpy(out->randomness, dev->randomness, 32);
    else
        fvm__next_randomness(out->randomness, c->head.randomness, out->epoch);
    pthread_mutex_unlock(&c->head_lock);
}

/* What was set for one tipset is used up; a clock that was set from outside goes on from there. */
void fvm__conditions_used(fvm_chain *c, const fvm__conditions *used, bool timestamp_given)
{
    pthread_mutex_lock(&c->head_lock);
    if (c->dev.next_timestamp || timestamp_given) {
        uint64_t now = c->clock_ms(c->clock_ctx);
        c->dev.time_offset = (int64_t)(used->timestamp * 1000) - (int64_t)now;
    }
    c->dev.next_timestamp = c->dev.skip_rounds = 0;
    c->dev.has_base_fee = c->dev.has_randomness = false;
    pthread_mutex_unlock(&c->head_lock);
}

void fvm_chain_next_base_fee(fvm_chain *c, fvm_big *out)
{
    fvm__conditions next;
    fvm__next_conditions(c, &next, 0);
    *out = next.base_fee;
}

/* --- what development methods set --- */

void fvm__dev_get(fvm_chain *c, fvm__dev *out)
{
    pthread_mutex_lock(&c->head_lock);
    *out = c->dev;
    pthread_mutex_unlock(&c->head_lock);
}

uint64_t fvm__chain_id(fvm_chain *c)
{
    pthread_mutex_lock(&c->head_lock);
    uint64_t chain_id = c->chain_id;
    pthread_mutex_unlock(&c->head_lock);
    return chain_id;
}

void fvm_chain_set_chain_id(fvm_chain *c, uint64_t chain_id)
{
    pthread_mutex_lock(&c->head_lock);
    c->chain_id = chain_id;
    pthread_mutex_unlock(&c->head_lock);
}

void fvm_chain_set_next_base_fee(fvm_chain *c, const fvm_big *base_fee)
{
    pthread_mutex_lock(&c->head_lock);
    c->dev.base_fee = *base_fee;
    c->dev.has_base_fee = true;
    pthread_mutex_unlock(&c->head_lock);
}

void fvm_chain_set_next_randomness(fvm_chain *c, const uint8_t randomness[32])
{
    pthread_mutex_lock(&c->head_lock);
    memcpy(c->dev.randomness, randomness, 32);
    c->dev.has_randomness = true;
    pthread_mutex_unlock(&c->head_lock);
}

fvm_err fvm_chain_set_block_gas(fvm_chain *c, uint64_t gas)
{
    if (gas > FVM_CHAIN_BLOCK_GAS_MAX) return FVM_ERR_LIMIT;
    pthread_mutex_lock(&c->head_lock);
    c->dev.block_gas = gas ? gas : FVM_CHAIN_BLOCK_GAS;
    pthread_mutex_unlock(&c->head_lock);
    return FVM_OK;
}

uint64_t fvm_chain_block_gas(fvm_chain *c)
{
    pthread_mutex_lock(&c->head_lock);
    uint64_t gas = c->dev.block_gas;
    pthread_mutex_unlock(&c->head_lock);
    return gas;
}

#define SKIP_MAX 1000000 /* null rounds at once: cron runs in each */

void fvm_chain_skip_rounds(fvm_chain *c, uint64_t count)
{
    pthread_mutex_lock(&c->head_lock);
    uint64_t sum = fvm_sat_add_u64(c->dev.skip_rounds, count);
    c->dev.skip_rounds = sum > SKIP_MAX ? SKIP_MAX : sum;
    pthread_mutex_unlock(&c->head_lock);
}

void fvm_chain_stats_get(fvm_chain *c, fvm_chain_stats *out)
{
    *out = (fvm_chain_stats){ .tipsets = 0 };
    pthread_mutex_lock(&c->head_lock);
    out->tipsets = c->stat_tipsets;
    out->messages = c->stat_messages;
    out->gas = c->stat_gas;
    out->seal_ns = c->stat_seal_ns;
    out->execute_ns = c->stat_execute_ns;
    out->commit_ns = c->stat_commit_ns;
    pthread_mutex_unlock(&c->head_lock);
    pthread_mutex_lock(&c->pool.lock);
    out->pool = c->pool.count;
    out->refused = c->pool.refused;
    out->failures = c->pool.failures;
    pthread_mutex_unlock(&c->pool.lock);
    pthread_mutex_lock(&c->views_lock);
    out->views = c->view_count;
    pthread_mutex_unlock(&c->views_lock);
    fvm_ledger_stats_get(c->ledger, &out->ledger);
}

bool fvm_chain_failing(fvm_chain *c)
{
    pthread_mutex_lock(&c->pool.lock);
    bool failing = c->pool.seal_error != FVM_OK;
    pthread_mutex_unlock(&c->pool.lock);
    return failing;
}
