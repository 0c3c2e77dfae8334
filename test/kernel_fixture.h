/* kernel_fixture.h - one invocation of a kernel with nothing around it: a state of a few actors in
 * memory, a manifest, externs that answer what a test sets, and a memory of 64 KiB. Handlers are
 * called as the entry calls them, without gas for wasm or the host call. */
#ifndef FVM_TEST_KERNEL_FIXTURE_H
#define FVM_TEST_KERNEL_FIXTURE_H

#include "ipld/cbor.h"
#include "kernel/internal.h"
#include "state_helpers.h"
#include "test.h"

#define SELF 100u  /* the running actor: balance 1000, no delegated address */
#define PEER 101u  /* has an f4 address, balance 5 */
#define KEYED 102u /* an account with the f1 address below */
#define FIXTURE_GAS UINT64_C(1000000000000)

static const char *const fixture_names[] = {
    "system",       "init",          "account",          "placeholder",
    "eam",          "ethaccount",    "reward",           "cron",
    "storagepower", "storagemarket", "verifiedregistry", "multisig"
};

typedef struct fixture {
    fvm_blockstore base, blocks;
    fvm_manifest *manifest;
    fvm_state_view *state;
    fvm_network net; /* a copy, so that a test can change it */
    fvm_tipset_context tipset;
    fvm_externs externs;
    fvm_kernel_ops ops;
    fvm_arena arena;
    fvm_message_env env;
    fvm_invocation inv;
    fvm_big value;
    fvm_address key, f4;
    uint8_t out[FVM__SYSCALL_OUT_MAX];
    uint8_t mem[65536];
    fvm_trace_sink sink;
    char trace[4096]; /* names of charges and kinds of events, separated by spaces */
    size_t trace_len;
    /* externs */
    bool valid;         /* what verify_proof says */
    fvm_err extern_err; /* what externs return */
    fvm_buf proof_params;
    unsigned proofs_asked;
} fixture;

static inline fvm_cid fixture_code(unsigned i)
{
    uint8_t b[2] = { 'c', (uint8_t)i };
    return fvm_cid_of(FVM_CODEC_RAW, (fvm_bytes){ b, 2 });
}
static inline fvm_cid fixture_link(unsigned i)
{
    uint8_t b[2] = { 'l', (uint8_t)i };
    return fvm_cid_of(FVM_CODEC_DAG_CBOR, (fvm_bytes){ b, 2 });
}

static inline void fixture_note(void *ctx, const fvm_trace_event *event)
{
    fixture *f = ctx;
    const char *text = event->kind == FVM_TRACE_CHARGE     ? NULL
                       : event->kind == FVM_TRACE_IPLD_GET ? "Get"
                       : event->kind == FVM_TRACE_IPLD_PUT ? "Put"
                       : event->kind == FVM_TRACE_LOG      ? "Log"
                                                           : "?";
    fvm_bytes name = text ? fvm_bytes_of(text) : event->name;
    if (f->trace_len + name.len + 2 > sizeof f->trace) return;
    if (f->trace_len) f->trace[f->trace_len++] = ' ';
    if (name.len) memcpy(f->trace + f->trace_len, name.ptr, name.len);
    f->trace_len += name.len;
    f->trace[f->trace_len] = 0;
}

static inline fvm_err fixture_random(void *ctx, uint8_t out[32], int64_t epoch)
{
    fixture *f = ctx;
    memset(out, (int)epoch, 32);
    return f->extern_err;
}
static inline fvm_err fixture_tipset(void *ctx, fvm_cid *out, int64_t epoch)
{
    fixture *f = ctx;
    *out = fixture_link((unsigned)epoch);
    return f->extern_err;
}
static inline fvm_err fixture_proof(void *ctx, bool *valid, fvm_proof_kind kind, fvm_bytes params)
{
    fixture *f = ctx;
    (void)kind;
    f->proofs_asked++;
    f->proof_params.len = 0;
    CHECK_OK(fvm_buf_append(&f->proof_params, params));
    *valid = f->valid;
    return f->extern_err;
}
static inline fvm_err fixture_fault(void *ctx, fvm_consensus_fault *out, fvm_bytes h1, fvm_bytes h2,
                                    fvm_bytes extra)
{
    fixture *f = ctx;
    (void)h2;
    (void)extra;
    *out = (fvm_consensus_fault){ .target = 7, .epoch = 9, .type = (uint32_t)h1.len };
    return f->extern_err;
}

static inline fvm_cid fixture_manifest(const fvm_blockstore *bs)
{
    fvm_buf out;
    fvm_cid cid;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_cbor_put_array(&out, FVM_COUNT(fixture_names)));
    for (unsigned i = 0; i < FVM_COUNT(fixture_names); i++) {
        fvm_cid code = fixture_code(i);
        CHECK_OK(fvm_cbor_put_array(&out, 2));
        CHECK_OK(fvm_cbor_put_text(&out, fvm_bytes_of(fixture_names[i])));
        CHECK_OK(fvm_cbor_put_cid(&out, &code));
    }
    CHECK_OK(fvm_blockstore_put_new(bs, &cid, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&out)));
    fvm_buf_deinit(&out);
    return cid;
}

static inline void fixture_actor(fixture *f, uint64_t id, unsigned code, const fvm_cid *head,
                                 uint64_t balance, const fvm_address *delegated)
{
    fvm_actor actor = { .code = fixture_code(code),
                        .head = *head,
                        .balance = fvm_big_u64(balance) };
    if (delegated) actor.delegated = *delegated;
    CHECK_OK(fvm_state_set(f->state, id, &actor));
}

/* A new kernel of network version `version`, tracing. Close it after. */
static inline void fixture_open(fixture *f, uint32_t version)
{
    static const uint8_t public_key[65] = { 4, 1, 2, 3 };
    memset(f, 0, sizeof *f);
    f->net = *fvm_network_find(version);
    f->key = fvm_address_secp256k1(public_key);
    CHECK_OK(fvm_address_delegated(&f->f4, 10, FVM_STR("an address of 20 b")));
    CHECK_OK(fvm_blockstore_memory_new(&f->base, NULL));
    CHECK_OK(fvm_blockstore_buffered_new(&f->blocks, &f->base, NULL));
    fvm_cid data = fixture_manifest(&f->blocks), empty = fvm_empty_array_cid();
    fvm_cid init = init_state(&f->blocks, 5000, "test");
    CHECK_OK(fvm_manifest_load(&f->manifest, &f->blocks, &data, &f->net, NULL));
    CHECK_OK(fvm_state_view_new(&f->state, &f->blocks, &f->net, NULL));
    f->extern_err = FVM_OK;
    fvm_buf_init(&f->proof_params, NULL);

    uint8_t account[32] = { 0x81, (uint8_t)(0x40 | f->key.len) };
    memcpy(account + 2, f->key.bytes, f->key.len);
    fvm_cid account_state;
    CHECK_OK(fvm_blockstore_put_new(&f->blocks, &account_state, FVM_CODEC_DAG_CBOR,
                                    (fvm_bytes){ account, 2u + f->key.len }));
    fixture_actor(f, FVM_ID_INIT, 1, &init, 0, NULL);
    fixture_actor(f, FVM_ID_BURNT, 2, &empty, 0, NULL);
    fixture_actor(f, SELF, 11, &empty, 1000, NULL);
    fixture_actor(f, PEER, 11, &empty, 5, version >= 18 ? &f->f4 : NULL);
    fixture_actor(f, KEYED, 2, &account_state, 0, NULL);
    fvm_state_access_reset(f->state);

    f->tipset = (fvm_tipset_context){ .epoch = 2000,
                                      .timestamp = 77,
                                      .base_fee = fvm_big_u64(100),
                                      .circulating_supply = fvm_big_u128(1, 2),
                                      .chain_id = 314 };
    f->externs = (fvm_externs){ .ctx = f,
                                .chain_randomness = fixture_random,
                                .beacon_randomness = fixture_random,
                                .tipset_cid = fixture_tipset,
                                .consensus_fault = fixture_fault,
                                .verify_proof = fixture_proof };
    fvm_arena_init(&f->arena, NULL);
    f->sink = (fvm_trace_sink){ fixture_note, f };
    f->env = (fvm_message_env){ .net = &f->net,
                                .tipset = &f->tipset,
                                .externs = &f->externs,
                                .manifest = f->manifest,
                                .blocks = &f->blocks,
                                .state = f->state,
                                .arena = &f->arena,
                                .ops = &f->ops,
                                .origin = KEYED,
                                .origin_address = f->key,
                                .nonce = 3,
                                .gas_premium = fvm_big_u64(4) };
    fvm_gas_init(&f->env.gas, FIXTURE_GAS, &f->sink);
    f->value = fvm_big_u64(6);
    f->inv = (fvm_invocation){ .env = &f->env,
                               .depth = 1,
                               .caller = KEYED,
                               .receiver = SELF,
                               .method = 8,
                               .value = &f->value };
}

static inline void fixture_close(fixture *f)
{
    fvm_env_deinit(&f->env);
    fvm_arena_deinit(&f->arena);
    fvm_state_view_free(f->state);
    fvm_manifest_free(f->manifest);
    fvm_blockstore_free(&f->blocks);
    fvm_blockstore_free(&f->base);
    fvm_buf_deinit(&f->proof_params);
}

/* Milligas used so far; restarts the count and the trace. */
static inline int64_t fixture_spent(fixture *f)
{
    int64_t used = f->env.gas.used;
    f->env.gas.used = 0;
    f->trace_len = 0;
    f->trace[0] = 0;
    return used;
}

/* Puts bytes into the actor's memory. */
static inline void fixture_poke(fixture *f, uint32_t at, fvm_bytes bytes)
{
    CHECK(at + bytes.len <= sizeof f->mem);
    if (bytes.len) memcpy(f->mem + at, bytes.ptr, bytes.len);
}
static inline uint32_t fixture_poke_cid(fixture *f, uint32_t at, const fvm_cid *cid)
{
    uint8_t bytes[FVM_CID_BYTES_MAX];
    size_t n = fvm_cid_write(bytes, cid);
    fixture_poke(f, at, (fvm_bytes){ bytes, n });
    return (uint32_t)n;
}

static inline fvm_err fixture_call(fixture *f, fvm__syscall_fn *handler, const uint64_t *args)
{
    fvm_syscall c = { .inv = &f->inv, .env = &f->env, .mem = { f->mem, sizeof f->mem } };
    return handler(&c, args, f->out);
}
/* A handler called with arguments; the value is in f->out. */
#define CALL(f, handler, ...) fixture_call((f), (handler), (const uint64_t[]){ __VA_ARGS__ })
#define OUT32(f, at) fvm_load_le32((f)->out + (at))
#define OUT64(f, at) fvm_load_le64((f)->out + (at))
#endif
