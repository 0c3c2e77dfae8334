/* kamt_node.c - nodes of a KAMT: reading with the reference's checks, encoding, memory.
 *
 *     node    = [bitfield bytes, [pointer, ...]]
 *     pointer = {"v": [[key bytes, value]]} | {"l": [link, bits skipped, their bytes]}
 *
 * reference/ipld.md 4. The pointer is an enum of the typed decoder: its map head is exactly a1, or it
 * is left out; everything inside has masked majors. */
#include "kamt_node.h"

#include "cbor.h"
#include "cbor_internal.h"
#include "fixedbuf.h"
#include "slotarray.h"

/* --- bits --- */

unsigned kamt_bits(const uint8_t *bytes, unsigned at, unsigned n)
{
    unsigned window = (unsigned)bytes[at / 8] << 8;
    if (at % 8 + n > 8) window |= bytes[at / 8 + 1];
    return window >> (16 - at % 8 - n) & ((1u << n) - 1);
}

bool kamt_path_add(kamt_path *path, unsigned value, unsigned n)
{
    if (path->bits + n >= KAMT_KEY_BITS) return false;
    for (unsigned i = 0; i < n; i++, path->bits++)
        if (value >> (n - 1 - i) & 1)
            path->bytes[path->bits / 8] |= (uint8_t)(0x80 >> path->bits % 8);
    path->len = (uint8_t)((path->bits + 7) / 8);
    return true;
}

bool kamt_path_append(kamt_path *path, const uint8_t *bytes, unsigned from, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!kamt_path_add(path, kamt_bits(bytes, from + i, 1), 1)) return false;
    return true;
}

/* --- memory --- */

kamt_node *kamt_node_new(const fvm_allocator *alloc)
{
    kamt_node *node = fvm_mem_zalloc(alloc, sizeof *node);
    if (!node) return NULL;
    node->size = sizeof *node;
    node->dirty = true;
    return node;
}

void kamt_slot_free(const fvm_allocator *alloc, kamt_slot *slot)
{
    if (slot->kind == KAMT_CHILD)
        kamt_node_free(alloc, slot->u.child);
    else if (slot->owned)
        fvm_mem_free(alloc, (void *)(uintptr_t)slot->u.bytes, slot->len);
}

/* Recursion goes over nodes in memory; each takes a bit of the key at least. */
void kamt_node_free(const fvm_allocator *alloc, kamt_node *node)
{
    if (!node) return;
    for (uint32_t i = 0; i < node->count; i++) kamt_slot_free(alloc, &node->slots[i]);
    if (node->cap) fvm_mem_free(alloc, node->slots, node->cap * sizeof *node->slots);
    fvm_mem_free(alloc, node, node->size);
}

fvm_err kamt_slot_detach(kamt_slot *out, const kamt_slot *slot, const fvm_allocator *alloc)
{
    kamt_slot copy = *slot;
    if (slot->kind != KAMT_CHILD) {
        uint8_t *bytes = fvm_mem_alloc(alloc, slot->len);
        if (!bytes) return FVM_ERR_NOMEM;
        memcpy(bytes, slot->u.bytes, slot->len);
        copy.u.bytes = bytes;
        copy.owned = true;
    }
    *out = copy;
    return FVM_OK;
}

fvm_err kamt_value_make(kamt_slot *out, const uint8_t key[KAMT_KEY_LEN], fvm_bytes value,
                        const fvm_allocator *alloc)
{
    if (value.len == 0 || value.len > UINT32_MAX) return FVM_ERR_INVALID; /* not a CBOR item */
    kamt_slot slot = { .u.bytes = value.ptr, .len = (uint32_t)value.len, .kind = KAMT_VALUE };
    memcpy(slot.path.bytes, key, KAMT_KEY_LEN);
    return kamt_slot_detach(out, &slot, alloc);
}

fvm_err kamt_node_reserve(kamt_node *node, uint32_t extra, const fvm_allocator *alloc)
{
    return fvm__slots_reserve(alloc, &node->slots, &node->cap, node->count, extra,
                              sizeof *node->slots, 2);
}

void kamt_node_insert(kamt_node *node, unsigned index, const kamt_slot *slot)
{
    unsigned at = fvm__slotset_rank(&node->used, index);
    fvm__slots_insert(node->slots, node->count, at, slot, sizeof *slot);
    fvm__slotset_add(&node->used, index);
    node->count++;
}

void kamt_node_remove(kamt_node *node, unsigned index)
{
    unsigned at = fvm__slotset_rank(&node->used, index);
    fvm__slots_remove(node->slots, node->count, at, sizeof *node->slots);
    fvm__slotset_remove(&node->used, index);
    node->count--;
}

/* --- reading --- */

/* [[key, value]], exactly one: the bucket size is 1. */
static fvm_err take_value(kamt_slot *slot, fvm_bytes *in)
{
    uint8_t joined[KAMT_KEY_LEN];
    fvm_buf spare = fvm__fixed_buf(joined, sizeof joined);
    fvm_bytes key, value;
    FVM_TRY(fvm_cbor_tuple(1, in));
    FVM_TRY(fvm_cbor_tuple(2, in));
    FVM_TRY(fvm_cbor_bytes(&key, in, &spare));
    if (key.len > KAMT_KEY_LEN) return FVM_ERR_BAD_STATE;
    FVM_TRY(fvm_cbor_item(&value, in));
    if (value.len > UINT32_MAX) return FVM_ERR_BAD_STATE;
    *slot = (kamt_slot){ .u.bytes = value.ptr, .len = (uint32_t)value.len, .kind = KAMT_VALUE };
    if (key.len) memcpy(slot->path.bytes + KAMT_KEY_LEN - key.len, key.ptr, key.len);
    return FVM_OK;
}

/* The length of the path in bytes and its spare bits are not checked, and are written back as they
 * are; but there must be as many bits as are used (the reference panics), and no more than a key has. */
static fvm_err take_link(kamt_slot *slot, fvm_bytes *in, unsigned bit_width, unsigned depth)
{
    uint8_t joined[KAMT_KEY_LEN];
    fvm_buf spare = fvm__fixed_buf(joined, sizeof joined);
    fvm_bytes cid, path;
    uint64_t codec;
    uint32_t bits;
    FVM_TRY(fvm_cbor_tuple(3, in));
    FVM_TRY(fvm__cbor_link(&cid, &codec, in));
    FVM_TRY(fvm_cbor_u32(&bits, in));
    FVM_TRY(fvm_cbor_bytes(&path, in, &spare));
    if (codec != FVM_CODEC_DAG_CBOR || bits % bit_width != 0) return FVM_ERR_BAD_STATE;
    if ((uint64_t)bits + (depth + 1) * bit_width >= KAMT_KEY_BITS) return FVM_ERR_BAD_STATE;
    if (path.len > KAMT_KEY_LEN || path.len * 8 < bits) return FVM_ERR_BAD_STATE;
    *slot = (kamt_slot){ .u.bytes = cid.ptr, .len = (uint32_t)cid.len, .kind = KAMT_LINK };
    slot->path.bits = (uint16_t)bits;
    slot->path.len = (uint8_t)path.len;
    if (path.len) memcpy(slot->path.bytes, path.ptr, path.len);
    return FVM_OK;
}

static fvm_err take_pointer(kamt_slot *slot, fvm_bytes *in, unsigned bit_width, unsigned depth)
{
    uint8_t joined[1];
    fvm_buf spare = fvm__fixed_buf(joined, sizeof joined);
    fvm_bytes name;
    if (in->len == 0) return FVM_ERR_TRUNCATED;
    if (in->ptr[0] == 0xa1)
        FVM_TRY(fvm_bytes_take(&name, in, 1));
    else if (in->ptr[0] >> 5 != CBOR_TEXT)
        return FVM_ERR_BAD_STATE;
    FVM_TRY(fvm_cbor_text(&name, in, &spare));
    if (fvm_bytes_eq(name, FVM_STR("v"))) return take_value(slot, in);
    if (fvm_bytes_eq(name, FVM_STR("l"))) return take_link(slot, in, bit_width, depth);
    return FVM_ERR_BAD_STATE;
}

/* Heads of the node, then the slots from a copy of the rest, in one stretch with it. */
static fvm_err parse(kamt_node **out, fvm_bytes in, unsigned bit_width, unsigned depth,
                     const fvm_allocator *alloc)
{
    fvm__slotset used;
    uint64_t count;
    if (fvm_cbor_tuple(2, &in) != FVM_OK) return FVM_ERR_BAD_STATE;
    FVM_TRY(fvm__slotset_read(&used, &in));
    if (fvm_cbor_array(&count, &in) != FVM_OK) return FVM_ERR_BAD_STATE;
    if (count > (uint64_t)1 << bit_width || (count == 0 && depth > 0)) return FVM_ERR_BAD_STATE;
    if (count != fvm__slotset_count(&used) || count > in.len) return FVM_ERR_BAD_STATE;

    size_t head = sizeof(kamt_node) + (size_t)count * sizeof(kamt_slot);
    if (in.len > SIZE_MAX - head) return FVM_ERR_NOMEM;
    kamt_node *node = fvm_mem_alloc(alloc, head + in.len);
    if (!node) return FVM_ERR_NOMEM;
    *node = (kamt_node){ .used = used, .slots = (kamt_slot *)(node + 1), .size = head + in.len };
    uint8_t *copy = (uint8_t *)node + head;
    if (in.len) memcpy(copy, in.ptr, in.len);
    in.ptr = copy;
    fvm_err err = FVM_OK;
    for (; err == FVM_OK && node->count < count; node->count += err == FVM_OK)
        err = take_pointer(&node->slots[node->count], &in, bit_width, depth);
    if (err == FVM_OK) err = fvm_cbor_end(in);
    if (err != FVM_OK) {
        kamt_node_free(alloc, node);
        return FVM_ERR_BAD_STATE;
    }
    *out = node;
    return FVM_OK;
}

fvm_err kamt_node_read(kamt_node **out, const fvm_blockstore *bs, const fvm_cid *cid,
                       unsigned bit_width, unsigned depth, fvm_buf *spare,
                       const fvm_allocator *alloc)
{
    fvm_bytes block;
    spare->len = 0;
    fvm_err err = fvm_blockstore_view(bs, &block, spare, cid);
    if (err == FVM_ERR_NOT_FOUND) return FVM_ERR_MISSING_BLOCK;
    if (err != FVM_OK) return err;
    FVM_TRY(parse(out, block, bit_width, depth, alloc));
    (*out)->cid = *cid;
    return FVM_OK;
}

fvm_cid kamt_slot_link(const kamt_slot *slot)
{
    fvm_cid cid = { 0 };
    fvm_err err = fvm_cid_read(&cid, NULL, (fvm_bytes){ slot->u.bytes, slot->len });
    (void)err; /* read once already, when the node was */
    return cid;
}

/* --- encoding --- */

static fvm_err encode_value(fvm_buf *out, const kamt_slot *slot)
{
    size_t zeros = 0;
    while (zeros < KAMT_KEY_LEN && slot->path.bytes[zeros] == 0) zeros++;
    FVM_TRY(fvm_cbor_put_text(out, FVM_STR("v")));
    FVM_TRY(fvm_cbor_put_array(out, 1));
    FVM_TRY(fvm_cbor_put_array(out, 2));
    FVM_TRY(fvm_cbor_put_bytes(out, (fvm_bytes){ slot->path.bytes + zeros, KAMT_KEY_LEN - zeros }));
    return fvm_cbor_put_raw(out, (fvm_bytes){ slot->u.bytes, slot->len });
}

static fvm_err encode_slot(fvm_buf *out, const kamt_slot *slot)
{
    FVM_TRY(fvm_cbor_put_map(out, 1));
    if (slot->kind == KAMT_VALUE) return encode_value(out, slot);
    fvm_cid cid = slot->kind == KAMT_CHILD ? slot->u.child->cid : kamt_slot_link(slot);
    FVM_TRY(fvm_cbor_put_text(out, FVM_STR("l")));
    FVM_TRY(fvm_cbor_put_array(out, 3));
    FVM_TRY(fvm_cbor_put_cid(out, &cid));
    FVM_TRY(fvm_cbor_put_uint(out, slot->path.bits));
    return fvm_cbor_put_bytes(out, (fvm_bytes){ slot->path.bytes, slot->path.len });
}

fvm_err kamt_node_encode(fvm_buf *out, const kamt_node *node)
{
    FVM_TRY(fvm_cbor_put_array(out, 2));
    FVM_TRY(fvm__slotset_put(out, &node->used));
    FVM_TRY(fvm_cbor_put_array(out, node->count));
    for (uint32_t i = 0; i < node->count; i++) FVM_TRY(encode_slot(out, &node->slots[i]));
    return FVM_OK;
}
