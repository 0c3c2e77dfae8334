/* ledger_list.c - see ledger_list.h. A node's height is drawn: a quarter of the nodes of a level are in
 * the next one. */
#include "ledger_list.h"

fvm__entry_node *fvm__entry_make(const fvm_allocator *alloc, unsigned levels, fvm_bytes key,
                                 const fvm_bytes *value)
{
    size_t head = sizeof(fvm__entry_node) + levels * sizeof(fvm__entry_node *);
    fvm_bytes data = value ? *value : (fvm_bytes){ NULL, 0 };
    if (data.len > SIZE_MAX / 2 || key.len > SIZE_MAX / 4) return NULL;
    fvm__entry_node *n = fvm_mem_alloc(alloc, head + key.len + data.len);
    if (!n) return NULL;
    uint8_t *room = (uint8_t *)n + head;
    *n = (fvm__entry_node){ .key = { room, key.len },
                            .value = { room + key.len, data.len },
                            .size = head + key.len + data.len,
                            .levels = levels,
                            .deleted = !value };
    if (key.len) memcpy(room, key.ptr, key.len);
    if (data.len) memcpy(room + key.len, data.ptr, data.len);
    return n;
}

fvm__entry_node *fvm__entry_new(const fvm_allocator *alloc, uint64_t *random, fvm_bytes key,
                                const fvm_bytes *value)
{
    unsigned levels = 1;
    *random = *random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    for (uint64_t r = *random >> 33; (r & 3) == 0 && levels < FVM__LIST_LEVELS; r >>= 2) levels++;
    return fvm__entry_make(alloc, levels, key, value);
}

void fvm__entry_free(const fvm_allocator *alloc, fvm__entry_node *node)
{
    if (node) fvm_mem_free(alloc, node, node->size);
}

/* Where the links stand that lead to the first node whose key is not below `key`. */
static fvm__entry_node *seek(fvm__entry_list *list, fvm__entry_node **links[FVM__LIST_LEVELS],
                             fvm_bytes key)
{
    fvm__entry_node **at = list->first;
    for (unsigned i = FVM__LIST_LEVELS; i-- > 0;) {
        while (at[i] && fvm_bytes_cmp(at[i]->key, key) < 0) at = at[i]->next;
        links[i] = &at[i];
    }
    return at[0];
}

static void unlink_node(fvm__entry_list *list, const fvm_allocator *alloc,
                        fvm__entry_node **links[FVM__LIST_LEVELS], fvm__entry_node *n)
{
    for (unsigned i = 0; i < n->levels; i++) *links[i] = n->next[i];
    list->bytes -= n->size;
    fvm__entry_free(alloc, n);
}

void fvm__list_remove(fvm__entry_list *list, const fvm_allocator *alloc, fvm_bytes key)
{
    fvm__entry_node **links[FVM__LIST_LEVELS], *n = seek(list, links, key);
    if (n && fvm_bytes_eq(n->key, key)) unlink_node(list, alloc, links, n);
}

void fvm__list_put(fvm__entry_list *list, const fvm_allocator *alloc, fvm__entry_node *node)
{
    fvm__entry_node **links[FVM__LIST_LEVELS], *n = seek(list, links, node->key);
    if (n && fvm_bytes_eq(n->key, node->key)) unlink_node(list, alloc, links, n);
    for (unsigned i = 0; i < node->levels; i++) {
        node->next[i] = *links[i];
        *links[i] = node;
    }
    list->bytes += node->size;
}

const fvm__entry_node *fvm__list_below(const fvm__entry_list *list, fvm_bytes key)
{
    fvm__entry_node *const *at = list->first;
    const fvm__entry_node *below = NULL;
    for (unsigned i = FVM__LIST_LEVELS; i-- > 0;) {
        while (at[i] && fvm_bytes_cmp(at[i]->key, key) < 0) {
            below = at[i];
            at = at[i]->next;
        }
    }
    return below;
}

const fvm__entry_node *fvm__list_from(const fvm__entry_list *list, fvm_bytes key)
{
    const fvm__entry_node *below = fvm__list_below(list, key);
    return below ? below->next[0] : list->first[0];
}

const fvm__entry_node *fvm__list_get(const fvm__entry_list *list, fvm_bytes key)
{
    const fvm__entry_node *n = fvm__list_from(list, key);
    return n && fvm_bytes_eq(n->key, key) ? n : NULL;
}

void fvm__list_clear(fvm__entry_list *list, const fvm_allocator *alloc)
{
    for (fvm__entry_node *next, *n = list->first[0]; n; n = next) {
        next = n->next[0];
        fvm__entry_free(alloc, n);
    }
    *list = (fvm__entry_list){ .bytes = 0 };
}
