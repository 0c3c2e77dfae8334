/* upper.c - IPLD without a chain: walks the DAG under its root, writes every raw block again in
 * capitals and every DAG-CBOR block with the links that follow from that, and sets the new root. Run it
 * with fvm_sandbox_run (fvm/sandbox.h); examples/upper_actor.c is the same idea without the SDK. */
#include <fvm/actor.h>

#define DEPTH_MAX 64 /* blocks from the root to a leaf; the stack has room for these */

static void capitals(uint8_t *p, size_t n)
{
    for (; n; n--, p++)
        if (*p >= 'a' && *p <= 'z') *p = (uint8_t)(*p - 'a' + 'A');
}

static void transform(uint8_t cid[FVM_LINK_LEN], unsigned depth);

/* Replaces the links of a block, in place: new links are as long as the old ones. */
static void links(fvm_bytes block, unsigned depth)
{
    fvm_dec d = fvm_dec_of(block);
    while (d.at != d.end && !d.bad) { /* heads, one after the other: containers need no stack */
        unsigned major = *d.at >> 5;
        uint64_t argument = fvm_get_head(&d, major);
        if (major == 6 && argument == 42) {
            fvm_bytes link = fvm_get_bytes(&d);
            fvm_require(link.len == 1 + FVM_LINK_LEN, FVM_USR_ILLEGAL_STATE,
                        "a link that is not blake2b-256");
            transform((uint8_t *)link.ptr + 1, depth + 1);
        } else if (major == 2 || major == 3) {
            fvm_require(argument <= (size_t)(d.end - d.at), FVM_USR_SERIALIZATION, "cut off");
            d.at += argument;
        }
    }
    fvm_require(!d.bad, FVM_USR_SERIALIZATION, "not cbor");
}

/* Replaces a CID by that of what becomes of its block. */
static void transform(uint8_t cid[FVM_LINK_LEN], unsigned depth)
{
    uint64_t codec;
    void *mark = fvm_heap_mark();
    fvm_require(depth < DEPTH_MAX, FVM_USR_ILLEGAL_STATE, "too deep");
    fvm_bytes block = fvm_block_get(cid, &codec);
    if (codec == FVM_BLOCK_DAG_CBOR)
        links(block, depth);
    else
        capitals((uint8_t *)block.ptr, block.len);
    fvm_block_put(cid, codec, block);
    fvm_heap_release(mark);
}

FVM_ENTRY uint32_t invoke(uint32_t params)
{
    uint8_t cid[100];
    uint32_t len;
    fvm_params_none(params);
    fvm_check(fvm_sys_self_root(&len, cid, sizeof cid));
    fvm_require(len == FVM_LINK_LEN, FVM_USR_ILLEGAL_STATE, "a root that is not blake2b-256");
    transform(cid, 0);
    fvm_check(fvm_sys_self_set_root(cid));
    return 0;
}
