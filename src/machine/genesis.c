/* genesis.c - states from parts. The encodings are mainnet's (reference/executor.md 6): system state
 * [manifest data], init state [address map, next id, network name]. */
#include <fvm/genesis.h>

#include "ipld/cbor.h"
#include "ipld/hamt.h"
#include "kernel/state.h"

#define FIRST_USER_ID 100
#define ADDRESS_MAP_BIT_WIDTH 5

/** A genesis being built. */
typedef struct builder {
    const fvm_genesis *genesis;
    const fvm_blockstore *bs;
    const fvm_network *net;
    const fvm_allocator *alloc;
    fvm_state_view *view;
    fvm_buf scratch; /* the block being written */
} builder;

static const fvm_cid *find_builtin(const fvm_genesis *g, const char *name)
{
    for (size_t i = 0; i < g->builtin_count; i++)
        if (strcmp(g->builtins[i].name, name) == 0) return &g->builtins[i].code;
    return NULL;
}

static fvm_err put_scratch(builder *b, fvm_cid *out)
{
    return fvm_blockstore_put_new(b->bs, out, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&b->scratch));
}

/* The manifest's data, [[name, code]...], and the system actor's state, [manifest data]. */
static fvm_err write_system_state(builder *b, fvm_cid *head)
{
    fvm_cid data;
    b->scratch.len = 0;
    FVM_TRY(fvm_cbor_put_array(&b->scratch, b->genesis->builtin_count));
    for (size_t i = 0; i < b->genesis->builtin_count; i++) {
        FVM_TRY(fvm_cbor_put_array(&b->scratch, 2));
        FVM_TRY(fvm_cbor_put_text(&b->scratch, fvm_bytes_of(b->genesis->builtins[i].name)));
        FVM_TRY(fvm_cbor_put_cid(&b->scratch, &b->genesis->builtins[i].code));
    }
    FVM_TRY(put_scratch(b, &data));
    b->scratch.len = 0;
    FVM_TRY(fvm_cbor_put_array(&b->scratch, 1));
    FVM_TRY(fvm_cbor_put_cid(&b->scratch, &data));
    return put_scratch(b, head);
}

static fvm_err fill_address_map(builder *b, fvm_hamt *map)
{
    for (size_t i = 0; i < b->genesis->actor_count; i++) {
        const fvm_genesis_actor *a = &b->genesis->actors[i];
        bool fresh;
        if (a->address.len == 0) continue;
        if (fvm_address_protocol(&a->address) == FVM_PROTOCOL_ID) return FVM_ERR_INVALID;
        b->scratch.len = 0;
        FVM_TRY(fvm_cbor_put_uint(&b->scratch, a->id));
        FVM_TRY(fvm_hamt_set_if_absent(map, &fresh, (fvm_bytes){ a->address.bytes, a->address.len },
                                       fvm_buf_bytes(&b->scratch)));
        if (!fresh) return FVM_ERR_INVALID;
    }
    return FVM_OK;
}

static uint64_t next_id(const fvm_genesis *g)
{
    uint64_t next = g->next_id > FIRST_USER_ID ? g->next_id : FIRST_USER_ID;
    for (size_t i = 0; i < g->actor_count; i++)
        if (g->actors[i].id >= next) next = g->actors[i].id + 1;
    return next;
}

static fvm_err write_init_state(builder *b, fvm_cid *head)
{
    const char *name = b->genesis->network_name ? b->genesis->network_name : "libfvm";
    fvm_hamt *map;
    fvm_cid map_root;
    FVM_TRY(fvm_hamt_new(&map, b->bs, ADDRESS_MAP_BIT_WIDTH, b->alloc));
    fvm_err err = fill_address_map(b, map);
    if (err == FVM_OK) err = fvm_hamt_flush(map, &map_root);
    fvm_hamt_free(map);
    if (err != FVM_OK) return err;

    b->scratch.len = 0;
    FVM_TRY(fvm_cbor_put_array(&b->scratch, 3));
    FVM_TRY(fvm_cbor_put_cid(&b->scratch, &map_root));
    FVM_TRY(fvm_cbor_put_uint(&b->scratch, next_id(b->genesis)));
    FVM_TRY(fvm_cbor_put_text(&b->scratch, fvm_bytes_of(name)));
    return put_scratch(b, head);
}

static fvm_err add_actor(builder *b, uint64_t id, const fvm_actor *actor)
{
    const fvm_actor *found;
    fvm_err err = fvm_state_get(b->view, &found, id);
    if (err == FVM_OK) return FVM_ERR_INVALID; /* twice */
    if (err != FVM_ERR_NOT_FOUND) return err;
    return fvm_state_set(b->view, id, actor);
}

static fvm_err add_actors(builder *b)
{
    for (size_t i = 0; i < b->genesis->actor_count; i++) {
        const fvm_genesis_actor *a = &b->genesis->actors[i];
        bool no_head = a->head.version == 0 && a->head.digest_len == 0;
        fvm_actor actor = {
            .code = a->code,
            .head = no_head ? fvm_empty_array_cid() : a->head,
            .nonce = a->nonce,
            .balance = a->balance,
        };
        if (a->address.len && fvm_address_protocol(&a->address) == FVM_PROTOCOL_DELEGATED &&
            b->net->era != FVM_ERA_V2)
            actor.delegated = a->address;
        FVM_TRY(add_actor(b, a->id, &actor));
    }
    return FVM_OK;
}

static fvm_err build(builder *b, fvm_cid *root)
{
    static const uint8_t empty_array[] = { 0x80 };
    const fvm_cid *system = find_builtin(b->genesis, "system");
    const fvm_cid *init = find_builtin(b->genesis, "init");
    fvm_cid ignored;
    if (!system || !init) return FVM_ERR_INVALID;
    FVM_TRY(fvm_blockstore_put_new(b->bs, &ignored, FVM_CODEC_DAG_CBOR,
                                   (fvm_bytes){ empty_array, sizeof empty_array }));
    fvm_actor actor = { .code = *system };
    FVM_TRY(write_system_state(b, &actor.head));
    FVM_TRY(add_actor(b, FVM_ID_SYSTEM, &actor));
    actor = (fvm_actor){ .code = *init };
    FVM_TRY(write_init_state(b, &actor.head));
    FVM_TRY(add_actor(b, FVM_ID_INIT, &actor));
    FVM_TRY(add_actors(b));
    return fvm_state_flush(b->view, root);
}

fvm_err fvm_genesis_build(fvm_cid *root, const fvm_blockstore *bs, const fvm_genesis *genesis,
                          const fvm_allocator *alloc)
{
    fvm_cid built;
    builder b = { .genesis = genesis, .bs = bs, .alloc = alloc };
    b.net = fvm_network_find(genesis->network_version);
    if (!b.net) return FVM_ERR_VERSION;
    FVM_TRY(fvm_state_view_new(&b.view, bs, b.net, alloc));
    fvm_buf_init(&b.scratch, alloc);
    fvm_err err = build(&b, &built);
    fvm_buf_deinit(&b.scratch);
    fvm_state_view_free(b.view);
    if (err == FVM_OK) *root = built;
    return err;
}
