/* cid_set.c - the CIDs that an invocation may name: a binary trie ("crit-bit tree") over the CIDs.
 *
 *          (byte 18, bit 80)             an inner node names the first bit in which its two subtrees
 *           /            \               differ; a leaf is a CID
 *      (30, 04)        cid c             a pointer to an inner node has its lowest bit set
 *       /    \
 *    cid a  cid b
 *
 * A hash table would do with less memory, but its hash is public: whoever writes state can search for
 * digests that collide in it, and make another's block_open cost milliseconds. Here a common prefix of n
 * bits costs 2^n hashes to find and adds at most n steps. Nothing is ever removed. */
#include "internal.h"

#include <stddef.h>

/* A key is the CID's struct up to the end of its digest: fixed length, so no key is the prefix of
 * another; padding is not reached, and digests are zero past their length. The order of bits does not
 * matter, hence neither does the byte order of the machine. */
#define KEY_LEN (offsetof(fvm_cid, digest) + FVM_CID_DIGEST_MAX)
_Static_assert(offsetof(fvm_cid, version) == 16 && offsetof(fvm_cid, digest) == 18,
               "no padding inside the key");

typedef struct fvm__cid_node {
    uintptr_t child[2];
    uint16_t byte;
    uint8_t mask; /* one bit */
} fvm__cid_node;

static inline const uint8_t *key_of(const fvm_cid *cid)
{
    return (const uint8_t *)cid;
}
static inline fvm__cid_node *as_node(uintptr_t p)
{
    return (fvm__cid_node *)(p - 1);
}
static inline unsigned direction(const fvm__cid_node *node, const uint8_t *key)
{
    return (key[node->byte] & node->mask) != 0;
}

/* The leaf that `key` leads to; the set is not empty. */
static const fvm_cid *closest(const fvm_cid_set *set, const uint8_t *key)
{
    uintptr_t p = set->root;
    while (p & 1) p = as_node(p)->child[direction(as_node(p), key)];
    return (const fvm_cid *)p;
}

bool fvm__cid_set_has(const fvm_cid_set *set, const fvm_cid *cid)
{
    return set->root && memcmp(closest(set, key_of(cid)), cid, KEY_LEN) == 0;
}

fvm_err fvm__cid_set_add(fvm_cid_set *set, fvm_arena *arena, const fvm_cid *cid)
{
    const uint8_t *key = key_of(cid);
    if (!set->root) {
        set->root = (uintptr_t)cid;
        set->count = 1;
        return FVM_OK;
    }
    const uint8_t *other = key_of(closest(set, key));
    uint16_t byte = 0;
    while (byte < KEY_LEN && key[byte] == other[byte]) byte++;
    if (byte == KEY_LEN) return FVM_OK; /* there already */

    unsigned differ = (unsigned)(key[byte] ^ other[byte]);
    uint8_t mask = (uint8_t)(0x80u >> (__builtin_clz(differ) - 24));
    fvm__cid_node *node = fvm_arena_alloc(arena, sizeof *node);
    if (!node) return FVM_ERR_NOMEM;
    node->byte = byte;
    node->mask = mask;

    /* It goes above the first node on the way that decides on a later bit. */
    uintptr_t *at = &set->root;
    while (*at & 1) {
        fvm__cid_node *here = as_node(*at);
        if (here->byte > byte || (here->byte == byte && here->mask < mask)) break;
        at = &here->child[direction(here, key)];
    }
    unsigned side = direction(node, key);
    node->child[side] = (uintptr_t)cid;
    node->child[!side] = *at;
    *at = (uintptr_t)node + 1;
    set->count++;
    return FVM_OK;
}

fvm_err fvm__cid_set_add_copy(fvm_cid_set *set, fvm_arena *arena, const fvm_cid *cid)
{
    if (fvm__cid_set_has(set, cid)) return FVM_OK;
    fvm_cid *copy = fvm_arena_alloc(arena, sizeof *copy);
    if (!copy) return FVM_ERR_NOMEM;
    *copy = *cid;
    return fvm__cid_set_add(set, arena, copy);
}
