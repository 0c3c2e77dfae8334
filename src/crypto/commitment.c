/* commitment.c - CommD, the root of the binary tree over the pieces of a sector:
 *
 *                  CommD              sector size
 *               /         \
 *            h(l, r)    h(l, r)       a piece's root is its CommP, at the level of its size
 *            /    \      /   \
 *          256    256  128 0 512...   gaps are filled with roots of zeros
 *
 * h is sha2-256 with the top two bits of the last byte cleared, so that a node is a field element
 * of 254 bits. Pieces come in order, so the tree is built like a binary counter: `left[k]` waits
 * for its right neighbour of the same level.
 *
 * rust-fil-proofs' compute_comm_d computes sizes by way of unpadded ones (127/128), but accepts in
 * the end what is checked here: powers of two from 128, which fit into the sector once aligned.
 * (2^n - 1 bytes would pass its power-of-two test, as 2^n, but then exceed the sector, since the gaps
 * are filled by the true size; sizes below 128 never join with the rest.) */
#include "crypto.h"

#define NODE_SIZE 32
#define PIECE_SIZE_MIN 128
#define LEVELS 64

typedef uint8_t node[NODE_SIZE];

typedef struct tree {
    uint64_t filled; /* bytes so far; bit k + 5 set: left[k] is in use */
    node left[LEVELS];
    node zero[LEVELS]; /* roots of zeros by level, up to the sector's */
} tree;

static void join(node out, const node l, const node r)
{
    uint8_t both[2 * NODE_SIZE];
    memcpy(both, l, NODE_SIZE);
    memcpy(both + NODE_SIZE, r, NODE_SIZE);
    fvm_sha256(out, (fvm_bytes){ both, sizeof both });
    out[NODE_SIZE - 1] &= 0x3f;
}

static unsigned level_of(uint64_t size)
{
    return (unsigned)__builtin_ctzll(size) - 5; /* level 0: one node of 32 bytes */
}

/* Appends a root; the tree must be filled to a multiple of its size. */
static void append(tree *t, const node root, uint64_t size)
{
    node carry;
    memcpy(carry, root, NODE_SIZE);
    unsigned level = level_of(size);
    for (uint64_t s = size; t->filled & s; s <<= 1, level++) join(carry, t->left[level], carry);
    memcpy(t->left[level], carry, NODE_SIZE);
    t->filled += size;
}

/* Fills with zeros up to the next multiple of `size`. */
static void align(tree *t, uint64_t size)
{
    while (t->filled & (size - 1)) {
        uint64_t step = t->filled & (~t->filled + 1); /* the lowest bit: its left is waiting */
        append(t, t->zero[level_of(step)], step);
    }
}

static bool is_piece_size(uint64_t size)
{
    return size >= PIECE_SIZE_MIN && (size & (size - 1)) == 0;
}

fvm_err fvm_compute_comm_d(uint8_t out[32], uint64_t sector_size, const fvm_piece *pieces,
                           size_t count)
{
    if (!is_piece_size(sector_size) || sector_size > UINT64_C(1) << 62) return FVM_ERR_INVALID;
    unsigned top = level_of(sector_size);
    tree t;
    t.filled = 0;
    memset(t.zero[0], 0, NODE_SIZE);
    for (unsigned i = 0; i < top; i++) join(t.zero[i + 1], t.zero[i], t.zero[i]);
    for (size_t i = 0; i < count; i++) {
        uint64_t size = pieces[i].padded_size;
        if (!is_piece_size(size) || size > sector_size) return FVM_ERR_INVALID;
        align(&t, size);
        if (size > sector_size - t.filled) return FVM_ERR_INVALID;
        append(&t, pieces[i].commitment, size);
    }
    align(&t, sector_size);
    memcpy(out, t.filled ? t.left[top] : t.zero[top], NODE_SIZE);
    return FVM_OK;
}
