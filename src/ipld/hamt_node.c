/* hamt_node.c - nodes of a HAMT: reading with the reference's checks, encoding, memory.
 *
 *     node    = [bitfield bytes, [pointer, ...]]
 *     pointer = link | [[key bytes, value], ...]          reference/ipld.md 2 */
#include "hamt_node.h"

#include "cbor.h"
#include "cbor_internal.h"
#include "cid_common.h"
#include "fixedbuf.h"
#include "slotarray.h"

/* In a module code is weight, and nodes are few: there they are always encoded. */
#ifdef __wasm__
#define PATCHES false
#else
#define PATCHES true
#endif

/* --- memory --- */

hamt_node *hamt_node_new(const fvm_allocator *alloc)
{
    hamt_node *node = fvm_mem_zalloc(alloc, sizeof *node);
    if (!node) return NULL;
    node->size = sizeof *node;
    node->dirty = true;
    return node;
}

static size_t bucket_size(const hamt_slot *slot)
{
    size_t size = slot->count * sizeof(hamt_entry);
    for (unsigned i = 0; i < slot->count; i++)
        size += (size_t)slot->u.entries[i].key_len + slot->u.entries[i].value_len;
    return size;
}

void hamt_slot_free(const fvm_allocator *alloc, hamt_slot *slot)
{
    if (slot->kind == HAMT_CHILD) hamt_node_free(alloc, slot->u.child);
    if (slot->kind == HAMT_BUCKET && slot->owned)
        fvm_mem_free(alloc, slot->u.entries, bucket_size(slot));
}

/* Recursion goes over nodes in memory, so at most HAMT_LEVELS_MAX deep. */
void hamt_node_free(const fvm_allocator *alloc, hamt_node *node)
{
    if (!node) return;
    for (uint32_t i = 0; i < node->count; i++) hamt_slot_free(alloc, &node->slots[i]);
    if (node->cap) fvm_mem_free(alloc, node->slots, node->cap * sizeof *node->slots);
    fvm_mem_free(alloc, node, node->size);
}

fvm_err hamt_bucket_make(hamt_slot *out, const hamt_pair *pairs, size_t count,
                         const fvm_allocator *alloc)
{
    size_t size = count * sizeof(hamt_entry);
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].key.len > UINT32_MAX || pairs[i].value.len > UINT32_MAX) return FVM_ERR_LIMIT;
        size += pairs[i].key.len + pairs[i].value.len;
    }
    hamt_entry *entries = fvm_mem_alloc(alloc, size);
    if (!entries) return FVM_ERR_NOMEM;
    uint8_t *p = (uint8_t *)(entries + count);
    for (size_t i = 0; i < count; i++) {
        const hamt_pair *pair = &pairs[i];
        entries[i] = (hamt_entry){ p, (uint32_t)pair->key.len, (uint32_t)pair->value.len };
        if (pair->key.len) memcpy(p, pair->key.ptr, pair->key.len);
        p += pair->key.len;
        if (pair->value.len) memcpy(p, pair->value.ptr, pair->value.len);
        p += pair->value.len;
    }
    *out = (hamt_slot){
        .u.entries = entries, .kind = HAMT_BUCKET, .count = (uint8_t)count, .owned = true
    };
    return FVM_OK;
}

fvm_err hamt_node_reserve(hamt_node *node, const fvm_allocator *alloc)
{
    return fvm__slots_reserve(alloc, &node->slots, &node->cap, node->count, 1, sizeof *node->slots,
                              4);
}

void hamt_node_replace(const fvm_allocator *alloc, hamt_node *node, hamt_slot *slot,
                       const hamt_slot *other)
{
    hamt_slot_free(alloc, slot);
    *slot = *other;
    if (PATCHES) node->whole = false;
}

void hamt_node_insert(hamt_node *node, unsigned index, const hamt_slot *slot)
{
    unsigned at = fvm__slotset_rank(&node->used, index);
    fvm__slots_insert(node->slots, node->count, at, slot, sizeof *slot);
    fvm__slotset_add(&node->used, index);
    node->count++;
    if (PATCHES) node->whole = false;
}

void hamt_node_remove(hamt_node *node, unsigned index)
{
    unsigned at = fvm__slotset_rank(&node->used, index);
    fvm__slots_remove(node->slots, node->count, at, sizeof *node->slots);
    fvm__slotset_remove(&node->used, index);
    node->count--;
    if (PATCHES) node->whole = false;
}

/* --- reading --- */

/* What a block says, with pointers into the block, before there is memory to keep it in. */
typedef struct parsed {
    fvm__slotset used;
    size_t slot_count, entry_count;
    bool canonical;                  /* encoding it again gives the same bytes */
    hamt_slot slots[FVM__SLOTS_MAX]; /* of a bucket: without its entries, which come in order */
    hamt_entry entries[FVM__SLOTS_MAX * HAMT_BUCKET_MAX];
} parsed;

/* Whether what was taken between `from` and `in` is `head`, the way it is encoded here. */
static bool is_head(const uint8_t *from, fvm_bytes in, unsigned head)
{
    return in.ptr == from + 1 && *from == head;
}

static fvm_err parse_link(parsed *p, hamt_slot *slot, fvm_bytes *in)
{
    fvm_bytes cid;
    uint64_t codec;
    if (PATCHES) p->canonical = p->canonical && fvm__link_is_common(*in);
    FVM_TRY(fvm__cbor_link(&cid, &codec, in));
    if (codec != FVM_CODEC_DAG_CBOR) return FVM_ERR_BAD_STATE;
    *slot = (hamt_slot){ .u.link = cid.ptr, .kind = HAMT_LINK, .cid_len = (uint8_t)cid.len };
    return FVM_OK;
}

static fvm_err parse_exact_array(uint64_t *count, fvm_bytes *in)
{
    uint8_t major;
    FVM_TRY(fvm__cbor_head(&major, count, in));
    return major == CBOR_ARRAY ? FVM_OK : FVM_ERR_BAD_STATE;
}

static fvm_err parse_entry(parsed *p, hamt_entry *entry, fvm_bytes *in)
{
    uint8_t major;
    uint64_t len;
    fvm_bytes key, value;
    const uint8_t *from = in->ptr;
    FVM_TRY(parse_exact_array(&len, in));
    if (len != 2) return FVM_ERR_BAD_STATE;
    if (PATCHES) p->canonical = p->canonical && is_head(from, *in, 0x82);
    from = in->ptr;
    FVM_TRY(fvm__cbor_head(&major, &len, in));
    if (major != CBOR_BYTES) return FVM_ERR_BAD_STATE;
    /* keys of 24 bytes and more are rare */
    if (PATCHES)
        p->canonical = p->canonical && len < 24 && is_head(from, *in, 0x40 | (unsigned)len);
    FVM_TRY(fvm_bytes_take(&key, in, len));
    FVM_TRY(fvm_cbor_item(&value, in));
    if (key.len > UINT32_MAX || value.len > UINT32_MAX) return FVM_ERR_BAD_STATE;
    *entry = (hamt_entry){ value.ptr - key.len, (uint32_t)key.len, (uint32_t)value.len };
    return FVM_OK;
}

static fvm_err parse_bucket(parsed *p, hamt_slot *slot, fvm_bytes *in)
{
    uint64_t count;
    const uint8_t *from = in->ptr;
    FVM_TRY(parse_exact_array(&count, in));
    if (count == 0 || count > HAMT_BUCKET_MAX) return FVM_ERR_BAD_STATE;
    if (PATCHES) p->canonical = p->canonical && is_head(from, *in, 0x80 | (unsigned)count);
    *slot = (hamt_slot){ .kind = HAMT_BUCKET, .count = (uint8_t)count };
    for (uint64_t i = 0; i < count; i++) {
        hamt_entry *entry = &p->entries[p->entry_count++];
        FVM_TRY(parse_entry(p, entry, in));
        if (i == 0) continue;
        hamt_pair before = hamt_entry_pair(entry - 1), now = hamt_entry_pair(entry);
        if (fvm_bytes_cmp(before.key, now.key) >= 0) return FVM_ERR_BAD_STATE;
    }
    return FVM_OK;
}

/* The heads at the front of a node: what there is before the slots. */
static fvm_err encode_head(fvm_buf *out, const fvm__slotset *used, uint64_t count)
{
    FVM_TRY(fvm_cbor_put_array(out, 2));
    FVM_TRY(fvm__slotset_put(out, used));
    return fvm_cbor_put_array(out, count);
}

static bool head_is_canonical(const parsed *p, fvm_bytes head)
{
    uint8_t room[3 * 9 + FVM__SLOTS_MAX / 8];
    fvm_buf out = fvm__fixed_buf(room, sizeof room);
    return encode_head(&out, &p->used, p->slot_count) == FVM_OK &&
           fvm_bytes_eq(fvm_buf_bytes(&out), head);
}

static fvm_err parse(parsed *p, fvm_bytes in, unsigned bit_width, bool is_root)
{
    uint64_t count;
    const fvm_bytes block = in;
    FVM_TRY(fvm_cbor_tuple(2, &in));
    FVM_TRY(fvm__slotset_read(&p->used, &in));
    FVM_TRY(fvm_cbor_array(&count, &in));
    if (count > (uint64_t)1 << bit_width) return FVM_ERR_BAD_STATE;
    if (count == 0 && !is_root) return FVM_ERR_BAD_STATE;
    if (count != fvm__slotset_count(&p->used)) return FVM_ERR_BAD_STATE;

    p->entry_count = 0;
    p->slot_count = (size_t)count;
    if (PATCHES) p->canonical = head_is_canonical(p, (fvm_bytes){ block.ptr, block.len - in.len });
    for (size_t i = 0; i < p->slot_count; i++) {
        if (in.len == 0) return FVM_ERR_TRUNCATED;
        if (in.ptr[0] >> 5 == CBOR_TAG)
            FVM_TRY(parse_link(p, &p->slots[i], &in));
        else
            FVM_TRY(parse_bucket(p, &p->slots[i], &in));
    }
    return fvm_cbor_end(in);
}

/* The node in one stretch of memory; pointers are moved from `block` to its copy. */
static hamt_node *build(const parsed *p, fvm_bytes block, const fvm_allocator *alloc)
{
    size_t slots_size = p->slot_count * sizeof(hamt_slot);
    size_t entries_size = p->entry_count * sizeof(hamt_entry);
    size_t head = sizeof(hamt_node) + slots_size + entries_size;
    if (block.len > SIZE_MAX - head) return NULL;
    hamt_node *node = fvm_mem_alloc(alloc, head + block.len);
    if (!node) return NULL;
    *node = (hamt_node){ .used = p->used,
                         .slots = (hamt_slot *)(node + 1),
                         .count = (uint32_t)p->slot_count,
                         .size = head + block.len,
                         .block_len = block.len,
                         .whole = PATCHES && p->canonical && block.len <= UINT32_MAX };
    if (slots_size) memcpy(node->slots, p->slots, slots_size);
    hamt_entry *entries = (hamt_entry *)(node->slots + p->slot_count);
    uint8_t *copy = (uint8_t *)(entries + p->entry_count);
    memcpy(copy, block.ptr, block.len);
    node->block = copy;
    for (size_t i = 0; i < p->entry_count; i++) {
        entries[i] = p->entries[i];
        entries[i].key = copy + (p->entries[i].key - block.ptr);
    }
    for (size_t i = 0; i < p->slot_count; i++) {
        hamt_slot *slot = &node->slots[i];
        if (slot->kind == HAMT_LINK) {
            /* of use while the node is whole */
            if (PATCHES) slot->at = (uint32_t)(slot->u.link - block.ptr);
            slot->u.link = copy + (slot->u.link - block.ptr);
        } else {
            slot->u.entries = entries;
            entries += slot->count;
        }
    }
    return node;
}

/* Not to be inlined: its frame is large, and iteration recurses around calls of it. */
__attribute__((noinline)) fvm_err hamt_node_read(hamt_node **out, const fvm_blockstore *bs,
                                                 const fvm_cid *cid, unsigned bit_width,
                                                 bool is_root, fvm_buf *spare,
                                                 const fvm_allocator *alloc)
{
    parsed p; /* 20 KiB; what is read of it is written first */
    fvm_bytes block;
    spare->len = 0;
    fvm_err err = fvm_blockstore_view(bs, &block, spare, cid);
    if (err == FVM_ERR_NOT_FOUND) return FVM_ERR_MISSING_BLOCK;
    if (err != FVM_OK) return err;

    if (parse(&p, block, bit_width, is_root) != FVM_OK) return FVM_ERR_BAD_STATE;
    hamt_node *node = build(&p, block, alloc);
    if (!node) return FVM_ERR_NOMEM;
    node->cid = *cid;
    *out = node;
    return FVM_OK;
}

fvm_cid hamt_slot_link(const hamt_slot *slot)
{
    fvm_cid cid = { 0 };
    fvm_err err = fvm_cid_read(&cid, NULL, (fvm_bytes){ slot->u.link, slot->cid_len });
    (void)err; /* read once already, when the node was */
    return cid;
}

/* --- encoding --- */

static fvm_err encode_bucket(fvm_buf *out, const hamt_slot *slot)
{
    /* heads included, so that nothing below moves the buffer */
    FVM_TRY(fvm_buf_reserve(out, bucket_size(slot) + 16 * (size_t)slot->count));
    FVM_TRY(fvm_cbor_put_array(out, slot->count));
    for (unsigned i = 0; i < slot->count; i++) {
        hamt_pair pair = hamt_entry_pair(&slot->u.entries[i]);
        FVM_TRY(fvm_cbor_put_array(out, 2));
        FVM_TRY(fvm_cbor_put_bytes(out, pair.key));
        FVM_TRY(fvm_cbor_put_raw(out, pair.value));
    }
    return FVM_OK;
}

static fvm_err encode_slot(fvm_buf *out, const hamt_slot *slot)
{
    fvm_cid cid;
    switch ((hamt_slot_kind)slot->kind) {
    case HAMT_BUCKET: return encode_bucket(out, slot);
    case HAMT_CHILD: return fvm_cbor_put_cid(out, &slot->u.child->cid);
    case HAMT_LINK: break;
    }
    fvm_bytes bytes = { slot->u.link, slot->cid_len };
    if (fvm__cid_is_common(bytes)) return fvm__cbor_put_link(out, bytes);
    cid = hamt_slot_link(slot);
    return fvm_cbor_put_cid(out, &cid);
}

bool hamt_node_patch(hamt_node *node)
{
    uint8_t cid[FVM_CID_BYTES_MAX];
    if (!PATCHES || !node->whole) return false;
    for (uint32_t i = 0; i < node->count; i++) {
        const hamt_slot *slot = &node->slots[i];
        if (slot->kind != HAMT_CHILD) continue;
        /* read or written just now, so of the common form like the link that is there */
        (void)fvm_cid_write(cid, &slot->u.child->cid);
        memcpy(node->block + slot->at, cid, FVM__CID_COMMON_LEN);
    }
    return true;
}

fvm_err hamt_node_encode(fvm_buf *out, const hamt_node *node)
{
    FVM_TRY(encode_head(out, &node->used, node->count));
    for (uint32_t i = 0; i < node->count; i++) FVM_TRY(encode_slot(out, &node->slots[i]));
    return FVM_OK;
}
