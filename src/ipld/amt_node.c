/* amt_node.c - nodes of an AMT: reading with the reference's checks, encoding, memory.
 *
 *     node = [bitmap bytes, [link, ...], [value, ...]]        reference/ipld.md 3
 *
 * Bit i of the bitmap is bit i % 8 from the least significant of byte i / 8. One of the arrays is
 * empty. Read by the typed reader (bytes, arrays and links with masked majors); values are any item. */
#include "amt_node.h"

#include "cbor.h"
#include "cbor_internal.h"
#include "cid_common.h"
#include "slotarray.h"

static uint32_t bitmap_words(unsigned bit_width)
{
    return bit_width <= 6 ? 1 : 1u << (bit_width - 6);
}
static uint32_t bitmap_bytes(unsigned bit_width)
{
    return bit_width <= 3 ? 1 : 1u << (bit_width - 3);
}

/* --- memory --- */

/* An empty node with room inside for `slots` slots and `bytes` bytes, which begin at `*tail`. */
static amt_node *make(unsigned bit_width, size_t slots, size_t bytes, uint8_t **tail,
                      const fvm_allocator *alloc)
{
    uint32_t words = bitmap_words(bit_width);
    size_t head = sizeof(amt_node) + words * sizeof(uint64_t) + slots * sizeof(amt_slot);
    if (bytes > SIZE_MAX - head) return NULL;
    amt_node *node = fvm_mem_alloc(alloc, head + bytes);
    if (!node) return NULL;
    *node = (amt_node){ .bitmap = (uint64_t *)(node + 1), .words = words, .size = head + bytes };
    memset(node->bitmap, 0, words * sizeof(uint64_t));
    node->slots = (amt_slot *)(node->bitmap + words);
    *tail = (uint8_t *)node + head;
    return node;
}

amt_node *amt_node_new(unsigned bit_width, bool leaf, const fvm_allocator *alloc)
{
    uint8_t *tail;
    amt_node *node = make(bit_width, 0, 0, &tail, alloc);
    if (!node) return NULL;
    node->leaf = leaf;
    node->dirty = true;
    return node;
}

void amt_slot_free(const fvm_allocator *alloc, amt_slot *slot)
{
    if (slot->kind == AMT_CHILD) amt_node_free(alloc, slot->u.child);
    if (slot->kind == AMT_VALUE && slot->owned)
        fvm_mem_free(alloc, (void *)(uintptr_t)slot->u.bytes, slot->len);
}

/* Recursion goes over nodes in memory, so at most as deep as the tallest array (64). */
void amt_node_free(const fvm_allocator *alloc, amt_node *node)
{
    if (!node) return;
    for (uint32_t i = 0; i < node->count; i++) amt_slot_free(alloc, &node->slots[i]);
    if (node->cap) fvm_mem_free(alloc, node->slots, node->cap * sizeof *node->slots);
    fvm_mem_free(alloc, node, node->size);
}

fvm_err amt_value_make(amt_slot *out, fvm_bytes value, const fvm_allocator *alloc)
{
    if (value.len == 0 || value.len > UINT32_MAX) return FVM_ERR_INVALID; /* not a CBOR item */
    if (value.len <= sizeof out->u.small) {
        *out = (amt_slot){ .len = (uint32_t)value.len, .kind = AMT_SMALL };
        memcpy(out->u.small, value.ptr, value.len);
        return FVM_OK;
    }
    uint8_t *copy = fvm_mem_alloc(alloc, value.len);
    if (!copy) return FVM_ERR_NOMEM;
    memcpy(copy, value.ptr, value.len);
    *out = (amt_slot){
        .u.bytes = copy, .len = (uint32_t)value.len, .kind = AMT_VALUE, .owned = true
    };
    return FVM_OK;
}

fvm_err amt_node_reserve(amt_node *node, uint32_t extra, const fvm_allocator *alloc)
{
    return fvm__slots_reserve(alloc, &node->slots, &node->cap, node->count, extra,
                              sizeof *node->slots, 4);
}

void amt_node_insert(amt_node *node, uint64_t index, const amt_slot *slot)
{
    uint32_t at = amt_node_position(node, index);
    fvm__slots_insert(node->slots, node->count, at, slot, sizeof *slot);
    node->bitmap[index / 64] |= (uint64_t)1 << (index % 64);
    node->count++;
}

void amt_node_remove(amt_node *node, uint64_t index)
{
    uint32_t at = amt_node_position(node, index);
    fvm__slots_remove(node->slots, node->count, at, sizeof *node->slots);
    node->bitmap[index / 64] &= ~((uint64_t)1 << (index % 64));
    node->count--;
}

/* --- reading --- */

/* Bits past the width are not looked at, as in the reference. */
static uint32_t set_bitmap(amt_node *node, fvm_bytes bitmap, unsigned bit_width)
{
    uint32_t set = 0;
    for (size_t i = 0; i < bitmap.len; i++)
        node->bitmap[i / 8] |= (uint64_t)bitmap.ptr[i] << (8 * (i % 8));
    if (bit_width < 6) node->bitmap[0] &= ((uint64_t)1 << (1u << bit_width)) - 1;
    for (uint32_t i = 0; i < node->words; i++) set += fvm_popcount64(node->bitmap[i]);
    return set;
}

/* The slots of `array` (`total` items, links or values) from a copy of it. `*in` is moved past it. */
static fvm_err fill_slots(amt_node *node, fvm_bytes *in, uint32_t total)
{
    while (node->count < total) {
        amt_slot *slot = &node->slots[node->count];
        fvm_bytes item;
        uint64_t codec;
        if (node->leaf)
            FVM_TRY(fvm_cbor_item(&item, in));
        else
            FVM_TRY(fvm__cbor_link(&item, &codec, in));
        if (item.len > UINT32_MAX) return FVM_ERR_BAD_STATE;
        *slot = (amt_slot){ .u.bytes = item.ptr,
                            .len = (uint32_t)item.len,
                            .kind = node->leaf ? AMT_VALUE : AMT_LINK };
        node->count++;
    }
    return FVM_OK;
}

/* How many links and values there are. `in` stands at the array that has some, after its head, or at
 * the end of the node if neither has. */
static fvm_err take_counts(uint64_t *links, uint64_t *values, fvm_bytes *in)
{
    FVM_TRY(fvm_cbor_array(links, in));
    *values = 0;
    return *links == 0 ? fvm_cbor_array(values, in) : FVM_OK;
}

fvm_err amt_node_take(amt_node **out, fvm_bytes *in, unsigned bit_width, fvm_buf *spare,
                      const fvm_allocator *alloc)
{
    fvm_bytes rest = *in, bitmap;
    uint64_t links, values, trailing = 0;
    spare->len = 0;
    if (fvm_cbor_tuple(3, &rest) != FVM_OK) return FVM_ERR_BAD_STATE;
    fvm_err err = fvm_cbor_bytes(&bitmap, &rest, spare);
    if (err == FVM_ERR_NOMEM) return err;
    if (err != FVM_OK || bitmap.len != bitmap_bytes(bit_width)) return FVM_ERR_BAD_STATE;
    if (take_counts(&links, &values, &rest) != FVM_OK) return FVM_ERR_BAD_STATE;
    uint64_t total = links + values; /* one of them is 0 */
    if (total > (uint64_t)1 << bit_width || total > rest.len) return FVM_ERR_BAD_STATE;

    uint8_t *copy;
    amt_node *node = make(bit_width, (size_t)total, rest.len, &copy, alloc);
    if (!node) return FVM_ERR_NOMEM;
    if (rest.len) memcpy(copy, rest.ptr, rest.len);
    node->leaf = links == 0;
    fvm_bytes items = { copy, rest.len };
    err = set_bitmap(node, bitmap, bit_width) == total ? FVM_OK : FVM_ERR_BAD_STATE;
    if (err == FVM_OK) err = fill_slots(node, &items, (uint32_t)total);
    if (err == FVM_OK && links > 0) err = fvm_cbor_array(&trailing, &items);
    if (err != FVM_OK || trailing != 0) {
        amt_node_free(alloc, node);
        return FVM_ERR_BAD_STATE;
    }
    size_t used = rest.len - items.len;
    *in = (fvm_bytes){ rest.ptr + used, items.len };
    *out = node;
    return FVM_OK;
}

fvm_cid amt_slot_link(const amt_slot *slot)
{
    fvm_cid cid = { 0 };
    fvm_err err = fvm_cid_read(&cid, NULL, (fvm_bytes){ slot->u.bytes, slot->len });
    (void)err; /* read once already, when the node was */
    return cid;
}

/* --- encoding --- */

static fvm_err encode_bitmap(fvm_buf *out, const amt_node *node, unsigned bit_width)
{
    uint8_t small[8];
    uint32_t len = bitmap_bytes(bit_width);
    if (len <= sizeof small) {
        fvm_store_le64(small, node->bitmap[0]);
        return fvm_cbor_put_bytes(out, (fvm_bytes){ small, len });
    }
    /* the head of a byte string of `len`, then the words */
    FVM_TRY(fvm_buf_reserve(out, 9 + (size_t)len));
    size_t at = out->len;
    FVM_TRY(fvm_cbor_put_uint(out, len));
    out->ptr[at] |= CBOR_BYTES << 5;
    for (uint32_t i = 0; i < node->words; i++) {
        fvm_store_le64(small, node->bitmap[i]);
        FVM_TRY(fvm_buf_append(out, (fvm_bytes){ small, sizeof small }));
    }
    return FVM_OK;
}

static fvm_err encode_slot(fvm_buf *out, const amt_slot *slot)
{
    fvm_cid cid;
    switch ((amt_slot_kind)slot->kind) {
    case AMT_VALUE:
    case AMT_SMALL: return fvm_cbor_put_raw(out, amt_slot_value(slot));
    case AMT_CHILD: return fvm_cbor_put_cid(out, &slot->u.child->cid);
    case AMT_LINK: break;
    }
    fvm_bytes bytes = { slot->u.bytes, slot->len };
    if (fvm__cid_is_common(bytes)) return fvm__cbor_put_link(out, bytes);
    cid = amt_slot_link(slot);
    return fvm_cbor_put_cid(out, &cid);
}

fvm_err amt_node_encode(fvm_buf *out, const amt_node *node, unsigned bit_width)
{
    FVM_TRY(fvm_cbor_put_array(out, 3));
    FVM_TRY(encode_bitmap(out, node, bit_width));
    FVM_TRY(fvm_cbor_put_array(out, node->leaf ? 0 : node->count));
    if (node->leaf) FVM_TRY(fvm_cbor_put_array(out, node->count));
    for (uint32_t i = 0; i < node->count; i++) FVM_TRY(encode_slot(out, &node->slots[i]));
    return node->leaf ? FVM_OK : fvm_cbor_put_array(out, 0);
}
