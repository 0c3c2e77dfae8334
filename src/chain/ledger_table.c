/* ledger_table.c - see ledger_table.h.
 *
 *     buckets  0 .. 2^k-1 .. buckets-1        bucket of a hash: its low k + 1 bits, or, where there is no
 *              `--- split ---' |- to come -|  such bucket yet, its low k bits
 *
 * With each insertion beyond one entry a bucket, the next bucket is split in two. */
#include "ledger_table.h"

/* What the links of a node in a table are. */
enum { CHAIN, LATER, EARLIER, LINKS };

fvm__entry_node *fvm__table_entry_new(const fvm_allocator *alloc, uint64_t hash, fvm_bytes key,
                                      const fvm_bytes *value)
{
    fvm__entry_node *n = fvm__entry_make(alloc, LINKS, key, value);
    if (n) n->hash = hash;
    return n;
}

static fvm__entry_node **bucket_at(fvm__entry_table *t, size_t i)
{
    if (i < FVM__TABLE_FIRST) return &t->first[i];
    i -= FVM__TABLE_FIRST;
    return &t->segments[i / FVM__TABLE_SEGMENT][i % FVM__TABLE_SEGMENT];
}

/* The largest power of two that is not above `n`, which is not 0. */
static size_t power_below(size_t n)
{
    return (size_t)1 << (63 - __builtin_clzll((unsigned long long)n));
}

static size_t bucket_number(const fvm__entry_table *t, uint64_t hash)
{
    size_t count = FVM__TABLE_FIRST + t->more, low = power_below(count);
    size_t i = (size_t)hash & (2 * low - 1);
    return i < count ? i : i & (low - 1);
}

static fvm__entry_node **bucket_of(fvm__entry_table *t, uint64_t hash)
{
    return bucket_at(t, bucket_number(t, hash));
}

static bool add_segment(fvm__entry_table *t, const fvm_allocator *alloc)
{
    if (t->segment_count == t->segment_cap) {
        size_t cap = t->segment_cap ? t->segment_cap * 2 : 4;
        void *more = fvm_mem_resize(alloc, (void *)t->segments,
                                    t->segment_cap * sizeof *t->segments,
                                    cap * sizeof *t->segments);
        if (!more) return false;
        t->segments = more;
        t->segment_cap = cap;
    }
    fvm__entry_node **segment = fvm_mem_zalloc(alloc, FVM__TABLE_SEGMENT * sizeof *segment);
    if (segment) t->segments[t->segment_count++] = segment;
    return segment != NULL;
}

/* Splits the next bucket. Without memory the chains become a little longer. */
static void grow(fvm__entry_table *t, const fvm_allocator *alloc)
{
    if (t->more == t->segment_count * FVM__TABLE_SEGMENT && !add_segment(t, alloc)) return;
    size_t at = FVM__TABLE_FIRST + t->more++, low = power_below(at);
    fvm__entry_node **from = bucket_at(t, at - low), **to = bucket_at(t, at);
    while (*from) {
        fvm__entry_node *n = *from;
        if (((size_t)n->hash & (2 * low - 1)) == at) {
            *from = n->next[CHAIN];
            n->next[CHAIN] = *to;
            *to = n;
        } else {
            from = &n->next[CHAIN];
        }
    }
}

fvm__entry_node *fvm__table_get(const fvm__entry_table *t, uint64_t hash, fvm_bytes key)
{
    size_t i = bucket_number(t, hash), beyond = i - FVM__TABLE_FIRST;
    fvm__entry_node *n =
        i < FVM__TABLE_FIRST
            ? t->first[i]
            : t->segments[beyond / FVM__TABLE_SEGMENT][beyond % FVM__TABLE_SEGMENT];
    for (; n; n = n->next[CHAIN])
        if (n->hash == hash && fvm_bytes_eq(n->key, key)) return n;
    return NULL;
}

void fvm__table_take(fvm__entry_table *t, fvm__entry_node *node)
{
    fvm__entry_node **at = bucket_of(t, node->hash);
    while (*at != node) at = &(*at)->next[CHAIN];
    *at = node->next[CHAIN];
    fvm__entry_node *later = node->next[LATER], *earlier = node->next[EARLIER];
    *(later ? &later->next[EARLIER] : &t->newest) = earlier;
    *(earlier ? &earlier->next[LATER] : &t->oldest) = later;
    t->count--;
    t->bytes -= node->size;
}

void fvm__table_put(fvm__entry_table *t, const fvm_allocator *alloc, fvm__entry_node *node)
{
    fvm__entry_node *old = fvm__table_get(t, node->hash, node->key);
    if (old) {
        fvm__table_take(t, old);
        fvm__entry_free(alloc, old);
    }
    fvm__entry_node **bucket = bucket_of(t, node->hash);
    node->next[CHAIN] = *bucket;
    *bucket = node;
    node->next[LATER] = NULL;
    node->next[EARLIER] = t->newest;
    *(t->newest ? &t->newest->next[LATER] : &t->oldest) = node;
    t->newest = node;
    t->count++;
    t->bytes += node->size;
    if (t->count > FVM__TABLE_FIRST + t->more) grow(t, alloc);
}

fvm__entry_node *fvm__table_next(const fvm__entry_table *t, const fvm__entry_node *node)
{
    return node ? node->next[LATER] : t->oldest;
}

void fvm__table_clear(fvm__entry_table *t, const fvm_allocator *alloc)
{
    for (fvm__entry_node *later, *n = t->oldest; n; n = later) {
        later = n->next[LATER];
        fvm__entry_free(alloc, n);
    }
    for (size_t i = 0; i < t->segment_count; i++)
        fvm_mem_free(alloc, (void *)t->segments[i], FVM__TABLE_SEGMENT * sizeof **t->segments);
    fvm_mem_free(alloc, (void *)t->segments, t->segment_cap * sizeof *t->segments);
    *t = (fvm__entry_table){ .count = 0 };
}
