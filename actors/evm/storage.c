/* storage.c - see storage.h.
 *
 *     key:  | 5 bits: entry of the root | bits that its link skips | 5 bits: entry of the child | ...
 *
 * Bit 255, the last, is a group of its own. Skipped bits are whole groups. */
#include "storage.h"

#define KEY_BITS 256u
#define GROUP 5u
#define LEVELS 52u /* groups in a key */

/* a1 61 'v' 81 82 key value; a1 61 'l' 83, then d8 2a 58 27 00 before the CID's 38 bytes */
#define VALUE_HEAD 5u
#define LINK_CID 9u
#define LINK_SKIP (LINK_CID + FVM_LINK_LEN)
#define LINK_MAX (LINK_SKIP + 2u + 2u + 32u)
#define VALUE_MAX (VALUE_HEAD + 2u * 34u)

static __attribute__((noreturn)) void broken(void)
{
    fvm_abort(FVM_USR_ILLEGAL_STATE, "storage");
    __builtin_unreachable();
}

/* --- keys --- */

/* The group at bit `at`, a multiple of 5. */
static uint32_t group(const word *key, uint32_t at)
{
    if (at == KEY_BITS - 1) return (uint32_t)key->limb[0] & 1;
    uint32_t shift = KEY_BITS - GROUP - at, limb = shift / 64, bit = shift % 64;
    uint64_t v = key->limb[limb] >> bit;
    if (bit > 64 - GROUP) v |= key->limb[limb + 1] << (64 - bit);
    return (uint32_t)v & (STORAGE_SLOTS - 1);
}

static uint32_t group_end(uint32_t at)
{
    return at == KEY_BITS - 1 ? KEY_BITS : at + GROUP;
}

/* The first `n` bits, zeros after them. */
static void first_bits(word *out, const word *w, uint32_t n)
{
    fvm_u256_shr(out, w, KEY_BITS - n);
    fvm_u256_shl(out, out, KEY_BITS - n);
}

/* The number of bits that two words begin with alike. */
static uint32_t alike(const word *a, const word *b)
{
    word differ;
    for (int i = 0; i < 4; i++) differ.limb[i] = a->limb[i] ^ b->limb[i];
    return KEY_BITS - fvm_u256_bits(&differ);
}

/* --- CBOR, as far as nodes have it --- */

/* A byte string of at most 32 bytes as a word, its bytes at the end (`high` false) or the front. */
static const uint8_t *read_string(word *out, const uint8_t *at, bool high)
{
    uint32_t n = *at++ - 0x40u;
    uint8_t bytes[32];
    if (n == 24) n = *at++;
    if (n > 32) broken();
    __builtin_memset(bytes, 0, sizeof bytes);
    __builtin_memcpy(bytes + (high ? 0 : 32 - n), at, n);
    word_read(out, bytes);
    return at + n;
}

/* A byte string: the `n` bytes of `w` from `from` on. Returns its end. */
static uint8_t *write_string(uint8_t *at, const word *w, uint32_t from, uint32_t n)
{
    uint8_t bytes[32];
    word_write(bytes, w);
    if (n < 24) {
        *at++ = (uint8_t)(0x40 + n);
    } else {
        *at++ = 0x58;
        *at++ = (uint8_t)n;
    }
    __builtin_memcpy(at, bytes + from, n);
    return at + n;
}

/* A number without leading zeros. */
static uint8_t *write_number(uint8_t *at, const word *w)
{
    uint32_t n = (fvm_u256_bits(w) + 7) / 8;
    return write_string(at, w, 32 - n, n);
}

/* The end of a byte string or a number below 256; NULL past `end`. */
static const uint8_t *skip_item(const uint8_t *at, const uint8_t *end)
{
    if (at >= end) broken();
    uint32_t major = *at >> 5, n = *at & 31;
    at++;
    if (n == 24 && at < end)
        n = *at++;
    else if (n >= 24)
        broken();
    if (major == 2)
        at += n;
    else if (major != 0)
        broken();
    return at;
}

/* --- entries --- */

static bool is_link(const storage_entry *e)
{
    return e->raw[2] == 'l';
}

static void make_value(storage_entry *e, const word *key, const word *value)
{
    static const uint8_t head[VALUE_HEAD] = { 0xa1, 0x61, 'v', 0x81, 0x82 };
    e->raw = fvm_heap_alloc(VALUE_MAX);
    __builtin_memcpy(e->raw, head, sizeof head);
    e->len = (uint32_t)(write_number(write_number(e->raw + VALUE_HEAD, key), value) - e->raw);
    e->child = NULL;
}

/* A link that skips the first `skip` bits of `path`. `cid` may be NULL: the child is dirty. */
static void make_link(storage_entry *e, const uint8_t *cid, uint32_t skip, const word *path,
                      storage_node *child)
{
    static const uint8_t head[LINK_CID] = { 0xa1, 0x61, 'l', 0x83, 0xd8, 0x2a, 0x58, 0x27, 0 };
    uint8_t *at = fvm_heap_alloc(LINK_MAX);
    word bits;
    e->raw = at;
    __builtin_memcpy(at, head, sizeof head);
    if (cid) __builtin_memcpy(at + LINK_CID, cid, FVM_LINK_LEN);
    at += LINK_SKIP;
    if (skip < 24) {
        *at++ = (uint8_t)skip;
    } else {
        *at++ = 0x18;
        *at++ = (uint8_t)skip;
    }
    first_bits(&bits, path, skip);
    e->len = (uint32_t)(write_string(at, &bits, 0, (skip + 7) / 8) - e->raw);
    e->child = child;
}

/* How many bits a link skips; the bits, at the front of `path`, if there are any. */
static uint32_t link_skip(const storage_entry *e, word *path)
{
    const uint8_t *at = e->raw + LINK_SKIP;
    uint32_t skip = *at++;
    if (skip == 0) return 0;
    if (skip == 0x18) skip = *at++;
    (void)read_string(path, at, true);
    return skip;
}

/* --- nodes --- */

storage_node *storage_new(void)
{
    storage_node *node = fvm_heap_alloc(sizeof *node);
    node->used = 0;
    node->dirty = true;
    return node;
}

/* An entry at `at`: its end. */
static const uint8_t *read_entry(storage_entry *e, uint8_t *at, const uint8_t *end)
{
    e->raw = at;
    e->child = NULL;
    const uint8_t *rest;
    if ((size_t)(end - at) > LINK_SKIP && is_link(e)) {
        if (at[3] != 0x83 || at[6] != 0x58 || at[7] != FVM_LINK_LEN + 1) broken();
        rest = skip_item(skip_item(at + LINK_SKIP, end), end);
    } else {
        if (end - at < (ptrdiff_t)VALUE_HEAD || at[2] != 'v' || at[3] != 0x81) broken();
        rest = skip_item(skip_item(at + VALUE_HEAD, end), end);
    }
    if (rest > end) broken();
    e->len = (uint32_t)(rest - at);
    return rest;
}

/* [bitfield, [entry...]] */
storage_node *storage_load(const uint8_t root[FVM_LINK_LEN])
{
    fvm_block_opened block;
    int32_t left;
    uint32_t error = fvm_sys_block_open(&block, root);
    if (error == FVM_E_NOT_FOUND || block.size < 3) broken();
    fvm_check(error);
    storage_node *node = fvm_heap_alloc(sizeof *node);
    uint8_t *at = fvm_heap_alloc(block.size), *end = at + block.size;
    fvm_check(fvm_sys_block_read(&left, block.id, 0, at, block.size));
    uint32_t n = at[1] - 0x40u, used = 0;
    if (at[0] != 0x82 || n > 4 || block.size < 3 + n) broken();
    for (at += 2; n; n--) used = used << 8 | *at++;
    n = *at++ - 0x80u;
    if (n == 24 && at < end) n = *at++;
    if (n != (uint32_t)__builtin_popcount(used)) broken();
    node->used = used;
    node->dirty = false;
    for (; used; used &= used - 1)
        at = (uint8_t *)(uintptr_t)read_entry(&node->entry[__builtin_ctz(used)], at, end);
    if (at != end) broken();
    return node;
}

/* Writes a node whose children are written. */
static void write_node(storage_node *node, uint8_t cid[FVM_LINK_LEN])
{
    uint32_t len = 8, n = 4, used = node->used;
    for (uint32_t rest = used; rest; rest &= rest - 1) len += node->entry[__builtin_ctz(rest)].len;
    void *mark = fvm_heap_mark();
    uint8_t *start = fvm_heap_alloc(len), *at = start;
    while (n && used >> (8 * (n - 1)) == 0) n--;
    *at++ = 0x82;
    *at++ = (uint8_t)(0x40 + n);
    while (n) *at++ = (uint8_t)(used >> (8 * --n));
    n = (uint32_t)__builtin_popcount(used);
    if (n >= 24) *at++ = 0x98;
    *at++ = (uint8_t)(n < 24 ? 0x80 + n : n);
    for (; used; used &= used - 1) {
        const storage_entry *e = &node->entry[__builtin_ctz(used)];
        __builtin_memcpy(at, e->raw, e->len);
        at += e->len;
    }
    fvm_block_put(cid, FVM_BLOCK_DAG_CBOR, (fvm_bytes){ start, (size_t)(at - start) });
    fvm_heap_release(mark);
    node->dirty = false;
}

/* Depth first, with a stack: a trie is at most LEVELS deep. */
void storage_flush(storage_node *root, uint8_t cid[FVM_LINK_LEN])
{
    storage_node *nodes[LEVELS + 1];
    uint32_t rest[LEVELS + 1], depth = 0;
    nodes[0] = root;
    rest[0] = root->used;
    for (;;) {
        storage_node *node = nodes[depth];
        storage_entry *e = NULL;
        while (rest[depth]) {
            e = &node->entry[__builtin_ctz(rest[depth])];
            if (e->child && e->child->dirty) break;
            rest[depth] &= rest[depth] - 1;
        }
        if (rest[depth]) {
            depth++;
            nodes[depth] = e->child;
            rest[depth] = e->child->used;
        } else if (depth == 0) {
            write_node(root, cid);
            return;
        } else {
            depth--;
            e = &nodes[depth]->entry[__builtin_ctz(rest[depth])];
            write_node(node, e->raw + LINK_CID);
        }
    }
}

/* --- ways to keys --- */

typedef enum way_end {
    END_FREE,    /* the entry is free */
    END_VALUE,   /* it has this key */
    END_OTHER,   /* it has another key */
    END_SKIPPED, /* it is a link that skips bits which the key has otherwise */
} way_end;

typedef struct way {
    way_end end;
    uint32_t depth;        /* of the node where it ends */
    uint32_t at;           /* key bits up to and with the entry's group */
    uint32_t skip, common; /* END_SKIPPED: bits of the link, and those that the key shares */
    word path;             /* END_SKIPPED: the link's bits */
    word key, value;       /* END_VALUE, END_OTHER: what is there */
    storage_node *node[LEVELS];
    uint8_t index[LEVELS];
} way;

static storage_entry *way_entry(const way *w, uint32_t depth)
{
    return &w->node[depth]->entry[w->index[depth]];
}

static void find(way *w, storage_node *node, const word *key)
{
    uint32_t at = 0;
    for (w->depth = 0;; w->depth++) {
        uint32_t index = group(key, at);
        at = group_end(at);
        w->at = at;
        w->node[w->depth] = node;
        w->index[w->depth] = (uint8_t)index;
        if (!(node->used >> index & 1)) {
            w->end = END_FREE;
            return;
        }
        storage_entry *e = &node->entry[index];
        if (!is_link(e)) {
            (void)read_string(&w->value, read_string(&w->key, e->raw + VALUE_HEAD, false), false);
            w->end = fvm_u256_eq(&w->key, key) ? END_VALUE : END_OTHER;
            return;
        }
        w->skip = link_skip(e, &w->path);
        if (w->skip) {
            word rest;
            fvm_u256_shl(&rest, key, at);
            w->common = alike(&rest, &w->path) / GROUP * GROUP;
            if (w->common < w->skip) {
                w->end = END_SKIPPED;
                return;
            }
            at += w->skip;
        }
        if (at >= KEY_BITS) broken();
        if (!e->child) e->child = storage_load(e->raw + LINK_CID);
        node = e->child;
    }
}

void storage_get(storage_node *root, word *out, const word *key)
{
    way w;
    find(&w, root, key);
    if (w.end == END_VALUE)
        word_copy(out, &w.value);
    else
        word_set(out, 0);
}

static storage_entry *put_entry(storage_node *node, uint32_t index)
{
    node->used |= 1u << index;
    return &node->entry[index];
}

/* Another key is there: both go to a new node, where their first groups differ. */
static void split_value(way *w, const word *key, const word *value)
{
    storage_entry *e = way_entry(w, w->depth);
    uint32_t from = alike(key, &w->key) / GROUP * GROUP;
    word rest;
    if (from < w->at) broken(); /* that key does not belong here */
    storage_node *fork = storage_new();
    *put_entry(fork, group(&w->key, from)) = *e;
    make_value(put_entry(fork, group(key, from)), key, value);
    fvm_u256_shl(&rest, key, w->at);
    make_link(e, NULL, from - w->at, &rest, fork);
}

/* The link skips what the key has otherwise: a new node where they part. */
static void split_link(way *w, const word *key, const word *value)
{
    storage_entry *e = way_entry(w, w->depth), *moved;
    word rest;
    storage_node *fork = storage_new();
    fvm_u256_shl(&rest, &w->path, w->common);
    moved = put_entry(fork, group(&rest, 0));
    fvm_u256_shl(&rest, &rest, GROUP);
    make_link(moved, e->raw + LINK_CID, w->skip - w->common - GROUP, &rest, e->child);
    make_value(put_entry(fork, group(key, w->at + w->common)), key, value);
    make_link(e, NULL, w->common, &w->path, fork);
}

/* A node other than the root with one entry left goes: the entry takes the place of the link to it, and
 * if it is a link itself it skips what both skipped and the group between. */
static void collapse(const way *w)
{
    storage_node *node = w->node[w->depth];
    if (w->depth == 0 || (node->used & (node->used - 1))) return;
    uint32_t index = (uint32_t)__builtin_ctz(node->used);
    storage_entry *link = way_entry(w, w->depth - 1), *left = &node->entry[index];
    if (!is_link(left)) {
        *link = *left;
        return;
    }
    word path, below, between;
    word_set(&path, 0);
    word_set(&below, 0);
    word_set(&between, index);
    uint32_t skip = link_skip(link, &path), more = link_skip(left, &below);
    fvm_u256_shl(&between, &between, KEY_BITS - GROUP - skip);
    fvm_u256_shr(&below, &below, skip + GROUP);
    for (int i = 0; i < 4; i++) path.limb[i] |= between.limb[i] | below.limb[i];
    make_link(link, left->raw + LINK_CID, skip + GROUP + more, &path, left->child);
}

bool storage_set(storage_node *root, const word *key, const word *value)
{
    way w;
    bool erase = fvm_u256_is_zero(value);
    find(&w, root, key);
    if (erase ? w.end != END_VALUE : w.end == END_VALUE && fvm_u256_eq(&w.value, value))
        return false;
    for (uint32_t i = 0; i <= w.depth; i++) w.node[i]->dirty = true;
    storage_node *node = w.node[w.depth];
    if (erase) {
        node->used &= ~(1u << w.index[w.depth]);
        collapse(&w);
        return true;
    }
    switch (w.end) {
    case END_FREE:
    case END_VALUE: make_value(put_entry(node, w.index[w.depth]), key, value); break;
    case END_OTHER: split_value(&w, key, value); break;
    case END_SKIPPED: split_link(&w, key, value); break;
    }
    return true;
}
