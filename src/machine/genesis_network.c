/* genesis_network.c - the first state of a whole network: which actors there are and what their states
 * say (reference/actors.md 3 to 10). genesis.c puts them together. */
#include <fvm/genesis.h>

#include "ipld/cbor.h"
#include "ipld/hamt.h"
#include "kernel/state.h"

#define ID_CRON 3
#define MAP_BIT_WIDTH 5
#define SIGNERS_MAX 256

typedef struct network_builder {
    const fvm_genesis_network *net;
    const fvm_blockstore *bs;
    const fvm_allocator *alloc;
    fvm_manifest *manifest;
    fvm_buf block;    /* being written or copied */
    fvm_buf builtins; /* array of fvm_genesis_builtin */
    fvm_buf names;    /* NUL-terminated, which those point into */
    fvm_buf actors;   /* array of fvm_genesis_actor */
    fvm_cid empty_map;
} network_builder;

/* --- the bundle --- */

static fvm_err view_bundle(network_builder *b, fvm_bytes *out, const fvm_cid *cid)
{
    b->block.len = 0;
    fvm_err err = fvm_blockstore_view(b->net->bundle, out, &b->block, cid);
    return err == FVM_ERR_NOT_FOUND ? FVM_ERR_MISSING_BLOCK : err;
}

static fvm_err read_manifest_root(fvm_cid *data, fvm_bytes in)
{
    uint64_t version;
    if (fvm_cbor_tuple(2, &in) != FVM_OK || fvm_cbor_uint(&version, &in) != FVM_OK ||
        version != 1 || fvm_cbor_cid(data, &in) != FVM_OK || in.len != 0)
        return FVM_ERR_BAD_STATE;
    return FVM_OK;
}

static fvm_err copy_code(network_builder *b, const fvm_cid *code)
{
    fvm_bytes data;
    FVM_TRY(view_bundle(b, &data, code));
    return fvm_blockstore_put(b->bs, code, data);
}

static fvm_err load_bundle(network_builder *b, const fvm_network *version)
{
    fvm_bytes block, name;
    fvm_cid data;
    FVM_TRY(view_bundle(b, &block, &b->net->manifest));
    FVM_TRY(read_manifest_root(&data, block));
    FVM_TRY(fvm_manifest_load(&b->manifest, b->net->bundle, &data, version, b->alloc));
    uint32_t count = fvm_manifest_count(b->manifest);
    for (uint32_t type = 1; type <= count; type++) {
        FVM_TRY(copy_code(b, fvm_manifest_code(b->manifest, type, &name)));
        FVM_TRY(fvm_buf_append(&b->names, name));
        FVM_TRY(fvm_buf_put_u8(&b->names, 0));
    }
    const char *next = (const char *)b->names.ptr; /* stays where it is from now on */
    for (uint32_t type = 1; type <= count; type++) {
        fvm_genesis_builtin row = { next, *fvm_manifest_code(b->manifest, type, NULL) };
        FVM_TRY(fvm_buf_append(&b->builtins, (fvm_bytes){ (const uint8_t *)&row, sizeof row }));
        next += strlen(next) + 1;
    }
    return FVM_OK;
}

static const fvm_cid *find_code(const network_builder *b, const char *name)
{
    const fvm_genesis_builtin *rows = (const fvm_genesis_builtin *)(const void *)b->builtins.ptr;
    for (size_t i = 0; i < b->builtins.len / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0) return &rows[i].code;
    return NULL;
}

/* --- parts of states --- */

static fvm_err put_big(fvm_buf *out, const fvm_big *v)
{
    uint8_t wire[FVM_BIG_WIRE_MAX];
    size_t len = fvm_big_write(wire, v);
    if (len > sizeof wire) return FVM_ERR_INVALID;
    return fvm_cbor_put_bytes(out, (fvm_bytes){ wire, len });
}

static fvm_err put_decimal(fvm_buf *out, const char *digits)
{
    fvm_big v;
    FVM_TRY(fvm_big_from_text(&v, fvm_bytes_of(digits)));
    return put_big(out, &v);
}

static fvm_err put_address(fvm_buf *out, const fvm_address *a)
{
    return fvm_cbor_put_bytes(out, (fvm_bytes){ a->bytes, a->len });
}

/* Adds an actor; the block being written, if there is one, is its state. */
static fvm_err add(network_builder *b, const char *type, uint64_t id, const fvm_address *address,
                   const fvm_big *balance)
{
    const fvm_cid *code = find_code(b, type);
    if (!code) return FVM_ERR_INVALID;
    fvm_genesis_actor actor = { .id = id, .code = *code };
    if (address) actor.address = *address;
    if (balance) actor.balance = *balance;
    if (b->block.len)
        FVM_TRY(fvm_blockstore_put_new(b->bs, &actor.head, FVM_CODEC_DAG_CBOR,
                                       fvm_buf_bytes(&b->block)));
    b->block.len = 0;
    return fvm_buf_append(&b->actors, (fvm_bytes){ (const uint8_t *)&actor, sizeof actor });
}

/* --- actors that every network has --- */

/* What the reward actor's constructor leaves for a power of 0. Decimal numbers stand for amounts, the two
 * of the estimate are in Q.128. */
static fvm_err put_reward_state(fvm_buf *out)
{
    FVM_TRY(fvm_cbor_put_array(out, 11));
    FVM_TRY(put_decimal(out, "0"));                    /* cumsum_baseline */
    FVM_TRY(put_decimal(out, "0"));                    /* cumsum_realized */
    FVM_TRY(fvm_cbor_put_int(out, 0));                 /* effective_network_time */
    FVM_TRY(put_decimal(out, "2888888880000000000"));  /* effective_baseline_power */
    FVM_TRY(put_decimal(out, "36266264293777134739")); /* this_epoch_reward */
    FVM_TRY(fvm_cbor_put_array(out, 2));               /* this_epoch_reward_smoothed */
    FVM_TRY(put_decimal(out, "12340768897043811082913117521041414330876498465539749838848"));
    FVM_TRY(put_decimal(out, "-37396269384748225153347462373739139597454335279104"));
    FVM_TRY(put_decimal(out, "2888888879999999999"));         /* this_epoch_baseline_power */
    FVM_TRY(fvm_cbor_put_int(out, 0));                        /* epoch */
    FVM_TRY(put_decimal(out, "0"));                           /* total_storage_power_reward */
    FVM_TRY(put_decimal(out, "330000000000000000000000000")); /* simple_total */
    return put_decimal(out, "770000000000000000000000000");   /* baseline_total */
}

static fvm_err add_account(network_builder *b, uint64_t id, const fvm_address *address,
                           const fvm_big *balance)
{
    fvm_address self = fvm_address_id(id);
    FVM_TRY(fvm_cbor_put_array(&b->block, 1));
    FVM_TRY(put_address(&b->block, address ? address : &self));
    return add(b, "account", id, address, balance);
}

static fvm_err add_singletons(network_builder *b)
{
    b->block.len = 0;
    FVM_TRY(put_reward_state(&b->block));
    FVM_TRY(add(b, "reward", FVM_ID_REWARD, NULL, &b->net->reward_balance));
    FVM_TRY(fvm_cbor_put_array(&b->block, 1)); /* cron's state: [[entries]] */
    FVM_TRY(fvm_cbor_put_array(&b->block, 0));
    FVM_TRY(add(b, "cron", ID_CRON, NULL, NULL));
    FVM_TRY(add(b, "eam", FVM_ID_EAM, NULL, NULL));
    return add_account(b, FVM_ID_BURNT, NULL, NULL);
}

/* --- accounts --- */

static bool is_eth_address(const fvm_address *a)
{
    uint64_t space;
    fvm_bytes sub;
    return fvm_address_to_delegated(&space, &sub, a) && space == FVM_ADDRESS_EAM_NAMESPACE &&
           sub.len == 20;
}

/* As the init actor would have made it for message `index` of f00. */
static fvm_address multisig_address(size_t index)
{
    uint8_t preimage[3 + 16] = { 0x42, 0x00, 0x00 };
    for (int i = 0; i < 8; i++) preimage[3 + i] = (uint8_t)((uint64_t)index >> (56 - 8 * i));
    return fvm_address_actor((fvm_bytes){ preimage, sizeof preimage });
}

/* The ID of a signer: given, or of an account in the list. */
static fvm_err signer_id(const network_builder *b, uint64_t *id, const fvm_address *signer)
{
    if (signer->len == 0) return FVM_ERR_INVALID;
    if (fvm_address_to_id(id, signer)) {
        bool account = *id >= FVM_GENESIS_FIRST_ID &&
                       *id - FVM_GENESIS_FIRST_ID < b->net->account_count;
        return account ? FVM_OK : FVM_ERR_INVALID;
    }
    for (size_t i = 0; i < b->net->account_count; i++) {
        if (!fvm_address_eq(&b->net->accounts[i].address, signer)) continue;
        *id = FVM_GENESIS_FIRST_ID + i;
        return FVM_OK;
    }
    return FVM_ERR_INVALID;
}

static fvm_err put_signers(network_builder *b, const fvm_genesis_account *a)
{
    uint64_t ids[SIGNERS_MAX];
    FVM_TRY(fvm_cbor_put_array(&b->block, a->signer_count));
    for (size_t i = 0; i < a->signer_count; i++) {
        FVM_TRY(signer_id(b, &ids[i], &a->signers[i]));
        for (size_t j = 0; j < i; j++)
            if (ids[j] == ids[i]) return FVM_ERR_INVALID;
        fvm_address id = fvm_address_id(ids[i]);
        FVM_TRY(put_address(&b->block, &id));
    }
    return FVM_OK;
}

static fvm_err add_multisig(network_builder *b, uint64_t id, const fvm_address *address,
                            const fvm_genesis_account *a)
{
    bool locked = a->unlock_duration != 0;
    fvm_big none = fvm_big_zero();
    if (a->signer_count == 0 || a->signer_count > SIGNERS_MAX || a->threshold == 0 ||
        a->threshold > a->signer_count || a->unlock_duration < 0)
        return FVM_ERR_INVALID;
    FVM_TRY(fvm_cbor_put_array(&b->block, 7));
    FVM_TRY(put_signers(b, a));
    FVM_TRY(fvm_cbor_put_uint(&b->block, a->threshold));
    FVM_TRY(fvm_cbor_put_int(&b->block, 0)); /* next transaction */
    FVM_TRY(put_big(&b->block, locked ? &a->balance : &none));
    FVM_TRY(fvm_cbor_put_int(&b->block, locked ? a->start_epoch : 0));
    FVM_TRY(fvm_cbor_put_int(&b->block, a->unlock_duration));
    FVM_TRY(fvm_cbor_put_cid(&b->block, &b->empty_map));
    return add(b, "multisig", id, address, &a->balance);
}

static fvm_err add_one(network_builder *b, size_t index, fvm_address *address)
{
    const fvm_genesis_account *a = &b->net->accounts[index];
    uint64_t id = FVM_GENESIS_FIRST_ID + index;
    if (fvm_big_sign(&a->balance) < 0) return FVM_ERR_INVALID;
    if (a->address.len == 0) {
        *address = multisig_address(index);
        return add_multisig(b, id, address, a);
    }
    *address = a->address;
    switch (fvm_address_protocol(&a->address)) {
    case FVM_PROTOCOL_SECP256K1:
    case FVM_PROTOCOL_BLS: return add_account(b, id, address, &a->balance);
    case FVM_PROTOCOL_DELEGATED:
        if (is_eth_address(&a->address)) return add(b, "ethaccount", id, address, &a->balance);
        return FVM_ERR_INVALID;
    default: return FVM_ERR_INVALID;
    }
}

/* The Ethereum account at the null address, unless somebody has it. */
static fvm_err add_null_address(network_builder *b)
{
    static const uint8_t zeros[20] = { 0 };
    fvm_address null;
    FVM_TRY(fvm_address_delegated(&null, FVM_ADDRESS_EAM_NAMESPACE,
                                  (fvm_bytes){ zeros, sizeof zeros }));
    for (size_t i = 0; i < b->net->account_count; i++)
        if (fvm_address_eq(&b->net->accounts[i].address, &null)) return FVM_OK;
    return add(b, "ethaccount", FVM_GENESIS_FIRST_ID + b->net->account_count, &null, NULL);
}

static fvm_err build_network(network_builder *b, fvm_cid *root, fvm_address *addresses,
                             const fvm_network *version)
{
    fvm_hamt *map;
    FVM_TRY(load_bundle(b, version));
    FVM_TRY(fvm_hamt_new(&map, b->bs, MAP_BIT_WIDTH, b->alloc));
    fvm_err err = fvm_hamt_flush(map, &b->empty_map);
    fvm_hamt_free(map);
    if (err != FVM_OK) return err;
    FVM_TRY(add_singletons(b));
    for (size_t i = 0; i < b->net->account_count; i++) {
        fvm_address address;
        FVM_TRY(add_one(b, i, &address));
        if (addresses) addresses[i] = address;
    }
    FVM_TRY(add_null_address(b));
    FVM_TRY(fvm_buf_append(&b->actors, (fvm_bytes){ (const uint8_t *)b->net->extra,
                                                    b->net->extra_count * sizeof *b->net->extra }));
    fvm_genesis genesis = {
        .network_version = b->net->network_version,
        .network_name = b->net->network_name,
        .builtins = (const fvm_genesis_builtin *)(const void *)b->builtins.ptr,
        .builtin_count = b->builtins.len / sizeof(fvm_genesis_builtin),
        .actors = (const fvm_genesis_actor *)(const void *)b->actors.ptr,
        .actor_count = b->actors.len / sizeof(fvm_genesis_actor),
    };
    return fvm_genesis_build(root, b->bs, &genesis, b->alloc);
}

fvm_err fvm_genesis_network_build(fvm_cid *root, fvm_address *addresses, const fvm_blockstore *bs,
                                  const fvm_genesis_network *network, const fvm_allocator *alloc)
{
    network_builder b = { .net = network, .bs = bs, .alloc = alloc };
    const fvm_network *version = fvm_network_find(network->network_version);
    if (!version || version->era == FVM_ERA_V2) return FVM_ERR_VERSION;
    fvm_buf_init(&b.block, alloc);
    fvm_buf_init(&b.builtins, alloc);
    fvm_buf_init(&b.names, alloc);
    fvm_buf_init(&b.actors, alloc);
    fvm_err err = build_network(&b, root, addresses, version);
    fvm_manifest_free(b.manifest);
    fvm_buf_deinit(&b.actors);
    fvm_buf_deinit(&b.names);
    fvm_buf_deinit(&b.builtins);
    fvm_buf_deinit(&b.block);
    return err;
}
