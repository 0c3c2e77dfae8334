/* test_sdk_tries.c - the collections inside an actor make the same blocks as the host's. */
#include "actor_world.h"

#include "ipld/cbor.h"
#include "kernel/network.h"
#include "kernel/state.h"
#include "tries_plan.h"

/* The actor's state root, as the machine has it. */
static fvm_cid actor_root(actor_world *w)
{
    fvm_state_view *view;
    const fvm_actor *actor;
    fvm_cid root, head;
    CHECK_OK(fvm_machine_root(w->machine, &root));
    CHECK_OK(fvm_state_view_open(&view, fvm_machine_blockstore(w->machine), &root,
                                 fvm_network_find(27), NULL));
    CHECK_OK(fvm_state_get(view, &actor, FVM_WORLD_ACTOR));
    head = actor->head;
    fvm_state_view_free(view);
    return head;
}

static fvm_cid want_root(const fvm_blockstore *bs, const fvm_cid roots[3], fvm_bytes bits)
{
    fvm_buf out;
    fvm_cid cid;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_cbor_put_array(&out, 4));
    for (int i = 0; i < 3; i++) CHECK_OK(fvm_cbor_put_cid(&out, &roots[i]));
    CHECK_OK(fvm_cbor_put_bytes(&out, bits));
    CHECK_OK(fvm_blockstore_put_new(bs, &cid, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&out)));
    fvm_buf_deinit(&out);
    return cid;
}

static void compare(uint64_t seed, uint64_t count)
{
    actor_world w;
    fvm_blockstore bs;
    fvm_buf params, bits;
    fvm_cid roots[3];
    actor_world_init(&w, "tries");
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    fvm_buf_init(&params, NULL);
    fvm_buf_init(&bits, NULL);
    CHECK_OK(fvm_cbor_put_array(&params, 2));
    CHECK_OK(fvm_cbor_put_uint(&params, seed));
    CHECK_OK(fvm_cbor_put_uint(&params, count));

    CHECK(actor_call_number(&w, 1, 0, fvm_buf_bytes(&params)) == 0);
    CHECK_OK(tries_make(&roots[0], &roots[1], &roots[2], &bits, &bs, NULL, seed, count));
    fvm_cid want = want_root(&bs, roots, fvm_buf_bytes(&bits)), got = actor_root(&w);
    CHECK(fvm_cid_eq(&got, &want));

    CHECK(actor_call_number(&w, 2, 0, fvm_buf_bytes(&params)) == 0);
    CHECK_OK(tries_thin(&roots[0], &roots[1], &roots[2], &bs, NULL, seed, count));
    want = want_root(&bs, roots, fvm_buf_bytes(&bits)), got = actor_root(&w);
    CHECK(fvm_cid_eq(&got, &want));

    fvm_buf_deinit(&bits);
    fvm_buf_deinit(&params);
    fvm_blockstore_free(&bs);
    actor_world_deinit(&w);
}

TEST(collections_in_an_actor_make_the_hosts_blocks)
{
    compare(1, 0);
    compare(2, 1);
    for (uint64_t seed = 3; seed < 8; seed++) compare(seed, 40);
    compare(9, 400);
}
