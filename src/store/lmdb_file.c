/* lmdb_file.c - the format of LMDB 0.9 (data version 1), 64 bit, little endian.
 *
 *     page    u64 number | u16 pad | u16 flags | u16 lower, u16 upper  (overflow: u32 pages)  | ...
 *     meta    page head | u32 magic | u32 version | u64 address | u64 map size | tree free | tree main
 *             | u64 last page | u64 transaction
 *     tree    u32 pad (free: page size) | u16 flags | u16 depth | u64 branch, leaf, overflow pages
 *             | u64 entries | u64 root
 *     branch, leaf: u16 offsets of nodes behind the head, up to `lower`; nodes from `upper` on
 *     node    u16 lo, u16 hi, u16 flags, u16 key length | key | data
 *             branch: child = lo | hi << 16 | flags << 32, the first key is not used
 *             leaf: lo | hi << 16 bytes of data; with flag 1 the data is the u64 number of the first
 *             of the overflow pages, of which only the first has a head
 *     free    key u64 transaction, data u64 count and that many page numbers
 *
 * In order, branch keys and leaf keys never fall: every key of a leaf is below the branch key that
 * follows and not below the one before. That is all that a lookup relies on. */
#include "lmdb_file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#define HEAD 16u
#define NODE 8u
#define META_LEN (HEAD + 24 + 2 * 48 + 16)
#define MAGIC 0xBEEFC0DEu
#define DATA_VERSION 1u
#define P_BRANCH 0x01u
#define P_LEAF 0x02u
#define P_OVERFLOW 0x04u
#define P_META 0x08u
#define P_KINDS 0x6fu
#define F_BIGDATA 0x01u
#define MDB_FLAG_INTEGERKEY 0x08u
#define DEPTH_MAX 32u /* LMDB's cursors are no deeper */
#define NO_PAGE UINT64_MAX

static uint16_t load16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

/* --- meta pages --- */

static void read_tree(struct fvm__lmdb_tree *tree, const uint8_t *p)
{
    tree->flags = load16(p + 4);
    tree->depth = load16(p + 6);
    tree->branches = fvm_load_le64(p + 8);
    tree->leaves = fvm_load_le64(p + 16);
    tree->overflows = fvm_load_le64(p + 24);
    tree->entries = fvm_load_le64(p + 32);
    tree->root = fvm_load_le64(p + 40);
}

static fvm_err wrong_meta(fvm_store_why *why, const char *name, unsigned page, fvm_err err,
                          const char *what)
{
    return fvm__why(why, err, "%s: meta page %u: %s", name, page, what);
}

static bool tree_is_sane(const struct fvm__lmdb_tree *tree, uint64_t last_page, uint16_t flags)
{
    if (tree->flags != flags || tree->depth > DEPTH_MAX) return false;
    if (tree->root == NO_PAGE) return tree->depth == 0 && tree->entries == 0;
    return tree->root >= 2 && tree->root <= last_page && tree->depth > 0;
}

static fvm_err parse_meta(fvm__lmdb_meta *out, const uint8_t *p, unsigned page, const char *name,
                          fvm_store_why *why)
{
    if (fvm_load_le32(p + HEAD) != MAGIC || (load16(p + 10) & P_META) == 0)
        return wrong_meta(why, name, page, FVM_ERR_MALFORMED, "not an LMDB database");
    if (fvm_load_le32(p + HEAD + 4) != DATA_VERSION)
        return wrong_meta(why, name, page, FVM_ERR_VERSION, "another version of LMDB's format");
    const uint8_t *trees = p + HEAD + 24;
    *out = (fvm__lmdb_meta){
        .map_size = fvm_load_le64(p + HEAD + 16),
        .page_size = fvm_load_le32(trees),
        .last_page = fvm_load_le64(trees + 96),
        .txn = fvm_load_le64(trees + 104),
    };
    read_tree(&out->trees[0], trees);
    read_tree(&out->trees[1], trees + 48);
    uint32_t size = out->page_size;
    if (size < 512 || size > 65536 || (size & (size - 1)) || fvm_load_le64(p) != page ||
        out->last_page < 1 || out->last_page > UINT64_MAX / 65536 - 1 ||
        !tree_is_sane(&out->trees[0], out->last_page, MDB_FLAG_INTEGERKEY) ||
        !tree_is_sane(&out->trees[1], out->last_page, 0))
        return wrong_meta(why, name, page, FVM_ERR_MALFORMED, "its fields contradict each other");
    return FVM_OK;
}

fvm_err fvm__lmdb_meta_read(fvm__lmdb_meta *out, uint64_t *short_by, int fd, uint64_t txn,
                            const char *name, fvm_store_why *why)
{
    uint8_t page[META_LEN];
    fvm__lmdb_meta metas[2] = { { 0 } };
    struct stat st;
    for (unsigned i = 0; i < 2; i++) {
        fvm_err err = fvm__pread_full(fd, page, sizeof page, i ? metas[0].page_size : 0);
        if (err == FVM_ERR_TRUNCATED)
            return wrong_meta(why, name, i, err, "the file ends before it");
        if (err != FVM_OK) return wrong_meta(why, name, i, err, fvm_err_text(err));
        FVM_TRY(parse_meta(&metas[i], page, i, name, why));
    }
    if (metas[0].page_size != metas[1].page_size)
        return wrong_meta(why, name, 1, FVM_ERR_MALFORMED,
                          "another size of pages than meta page 0");
    unsigned pick = metas[1].txn > metas[0].txn;
    if (txn != 0 && metas[pick].txn != txn) pick = !pick;
    if (txn != 0 && metas[pick].txn != txn) return FVM_ERR_NOT_FOUND;
    /* afterwards: another process may be making the file longer */
    if (fstat(fd, &st) != 0) return fvm__why(why, FVM_ERR_IO, "%s: cannot be read", name);
    uint64_t want = (metas[pick].last_page + 1) * metas[pick].page_size,
             have = (uint64_t)st.st_size;
    if (short_by) *short_by = want > have ? want - have : 0;
    *out = metas[pick];
    return FVM_OK;
}

/* --- the walk --- */

typedef struct level {
    uint8_t *page;
    uint64_t number;
    unsigned count, next; /* nodes, and the one to look at next */
} level;

typedef struct walk {
    int fd;
    const fvm__lmdb_meta *meta;
    const fvm__lmdb_visitor *visitor;
    const fvm_allocator *alloc;
    uint8_t *used; /* a bit for each page */
    size_t used_len;
    level levels[DEPTH_MAX];
    struct fvm__lmdb_tree found; /* counts */
    const struct fvm__lmdb_tree *tree;
    bool free_tree;
    bool broken; /* a page could not be followed: counts will not match */
    bool
        exclusive; /* the last key came from a leaf: the next must be above it, else may be equal */
    bool has_last;
    uint8_t last[FVM__LMDB_KEY_MAX];
    size_t last_len;
    fvm_buf value;
} walk;

__attribute__((format(printf, 2, 3))) static void problem(walk *w, const char *format, ...)
{
    char text[400];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    w->broken = true;
    if (w->visitor->problem) w->visitor->problem(w->visitor->ctx, text);
}

/* Marks pages as used; false after telling what is wrong with them. */
static bool use_pages(walk *w, uint64_t first, uint64_t count, const char *as)
{
    if (first < 2 || first > w->meta->last_page || count > w->meta->last_page - first + 1) {
        problem(w, "page %" PRIu64 " (%s): beyond the last page", first, as);
        return false;
    }
    for (uint64_t n = first; n < first + count; n++) {
        uint8_t bit = (uint8_t)(1u << (n % 8));
        if (w->used[n / 8] & bit) {
            problem(w, "page %" PRIu64 " (%s): has another use already", n, as);
            return false;
        }
        w->used[n / 8] |= bit;
    }
    return true;
}

/* Reads a page; `*ok` false after telling that the file ends before it. */
static fvm_err read_page(walk *w, bool *ok, uint8_t *out, uint64_t number, const char *as)
{
    fvm_err err = fvm__pread_full(w->fd, out, w->meta->page_size, number * w->meta->page_size);
    *ok = err == FVM_OK;
    if (err != FVM_ERR_TRUNCATED) return err;
    problem(w, "page %" PRIu64 " (%s): the file is cut off before its end", number, as);
    return FVM_OK;
}

/* The node `i` of a page: its key and where it lies. False when it does not lie in the page. */
static bool node_at(const walk *w, const level *l, unsigned i, const uint8_t **node, fvm_bytes *key)
{
    uint32_t offset = load16(l->page + HEAD + 2 * (size_t)i), size = w->meta->page_size;
    uint32_t upper = load16(l->page + 14);
    if (offset < upper || offset > size || size - offset < NODE) return false;
    *node = l->page + offset;
    *key = (fvm_bytes){ *node + NODE, load16(*node + 6) };
    return key->len <= FVM__LMDB_KEY_MAX && key->len <= size - offset - NODE;
}

/* The keys of the free tree are numbers, the others bytes. */
static int compare_keys(const walk *w, fvm_bytes a, fvm_bytes b)
{
    if (!w->free_tree || a.len != 8 || b.len != 8) return fvm_bytes_cmp(a, b);
    uint64_t x = fvm_load_le64(a.ptr), y = fvm_load_le64(b.ptr);
    return (x > y) - (x < y);
}

static bool key_in_order(walk *w, fvm_bytes key, bool leaf)
{
    if (w->has_last) {
        int c = compare_keys(w, (fvm_bytes){ w->last, w->last_len }, key);
        if (c > 0 || (c == 0 && w->exclusive)) return false;
    }
    memcpy(w->last, key.ptr, key.len);
    w->last_len = key.len;
    w->has_last = true;
    w->exclusive = leaf;
    return true;
}

/* Loads a page as level `depth`; `*ok` false when it is not what it should be. */
static fvm_err enter(walk *w, bool *ok, unsigned depth, uint64_t number)
{
    bool leaf = depth + 1 == w->tree->depth;
    const char *as = leaf ? "leaf" : "branch";
    level *l = &w->levels[depth];
    *ok = false;
    if (!use_pages(w, number, 1, as)) return FVM_OK;
    if (!l->page && !(l->page = fvm_mem_alloc(w->alloc, w->meta->page_size))) return FVM_ERR_NOMEM;
    FVM_TRY(read_page(w, ok, l->page, number, as));
    if (!*ok) return FVM_OK;
    uint32_t lower = load16(l->page + 12), upper = load16(l->page + 14);
    uint16_t kind = load16(l->page + 10) & P_KINDS;
    l->number = number;
    l->count = (lower - HEAD) / 2;
    l->next = 0;
    *ok = fvm_load_le64(l->page) == number && kind == (leaf ? P_LEAF : P_BRANCH) && lower >= HEAD &&
          lower % 2 == 0 && lower <= upper && upper <= w->meta->page_size && l->count > 0;
    if (!*ok) problem(w, "page %" PRIu64 ": is not the %s that belongs here", number, as);
    if (leaf)
        w->found.leaves++;
    else
        w->found.branches++;
    return FVM_OK;
}

/* The page numbers that an entry of the free tree lists. */
static void free_list(walk *w, fvm_bytes value)
{
    uint64_t count = value.len >= 8 ? fvm_load_le64(value.ptr) : 0;
    if (value.len < 8 || value.len % 8 || count > value.len / 8 - 1) {
        problem(w, "the list of free pages does not decode");
        return;
    }
    for (uint64_t i = 0; i < count; i++)
        if (!use_pages(w, fvm_load_le64(value.ptr + 8 + 8 * i), 1, "free")) return;
}

/* Reads a value out of overflow pages. */
static fvm_err read_overflow(walk *w, bool *ok, uint64_t number, uint64_t len)
{
    uint8_t head[HEAD];
    uint64_t size = w->meta->page_size, pages = (HEAD - 1 + len) / size + 1;
    *ok = use_pages(w, number, pages, "overflow");
    if (!*ok) return FVM_OK;
    w->found.overflows += pages;
    fvm_err err = fvm__pread_full(w->fd, head, HEAD, number * size);
    if (err == FVM_OK &&
        (fvm_load_le64(head) != number || (load16(head + 10) & P_KINDS) != P_OVERFLOW ||
         fvm_load_le32(head + 12) != pages)) {
        problem(w, "page %" PRIu64 ": is not the overflow page that belongs here", number);
        *ok = false;
        return FVM_OK;
    }
    if (err == FVM_OK && (w->visitor->entry || w->free_tree)) {
        struct stat st; /* nothing is allocated for bytes that are not there */
        if (fstat(w->fd, &st) != 0) return FVM_ERR_IO;
        if (number * size + HEAD + len > (uint64_t)st.st_size) err = FVM_ERR_TRUNCATED;
        if (err == FVM_OK) FVM_TRY(fvm_buf_reserve(&w->value, (size_t)len));
        if (err == FVM_OK && len)
            err = fvm__pread_full(w->fd, w->value.ptr, (size_t)len, number * size + HEAD);
        if (err == FVM_OK) w->value.len = (size_t)len;
    } else if (err == FVM_OK) {
        /* the last byte must be there at least */
        err = fvm__pread_full(w->fd, head, 1, number * size + HEAD + (len ? len - 1 : 0));
    }
    *ok = err == FVM_OK;
    if (err != FVM_ERR_TRUNCATED) return err;
    problem(w, "page %" PRIu64 " (overflow): the file is cut off before its end", number);
    return FVM_OK;
}

static fvm_err leaf_entry(walk *w, const level *l, const uint8_t *node, fvm_bytes key)
{
    uint64_t len = load16(node) | (uint64_t)load16(node + 2) << 16;
    uint16_t flags = load16(node + 4);
    size_t room = (size_t)(l->page + w->meta->page_size - (key.ptr + key.len));
    fvm_bytes value = { key.ptr + key.len, (size_t)len };
    w->found.entries++;
    if (flags > F_BIGDATA || room < (flags & F_BIGDATA ? 8 : len)) {
        problem(w, "page %" PRIu64 ": an entry does not lie inside it", l->number);
        return FVM_OK;
    }
    if (flags & F_BIGDATA) {
        bool ok;
        w->value.len = 0;
        FVM_TRY(read_overflow(w, &ok, fvm_load_le64(value.ptr), len));
        if (!ok && w->visitor->entry && !w->free_tree) {
            /* names the block that is lost with it */
            return w->visitor->entry(w->visitor->ctx, key, (fvm_bytes){ NULL, 0 });
        }
        if (!ok) return FVM_OK;
        value = fvm_buf_bytes(&w->value);
    }
    if (w->free_tree) {
        free_list(w, value);
        return FVM_OK;
    }
    return w->visitor->entry ? w->visitor->entry(w->visitor->ctx, key, value) : FVM_OK;
}

/* Looks at the next node of level `depth`. Gives the child to enter, or NO_PAGE. */
static fvm_err step(walk *w, uint64_t *child, unsigned depth)
{
    level *l = &w->levels[depth];
    bool leaf = depth + 1 == w->tree->depth;
    unsigned i = l->next++;
    const uint8_t *node;
    fvm_bytes key;
    *child = NO_PAGE;
    if (!node_at(w, l, i, &node, &key)) {
        problem(w, "page %" PRIu64 ": an entry does not lie inside it", l->number);
        return FVM_OK;
    }
    /* the first key of a branch is not used */
    if ((leaf || i > 0) && !key_in_order(w, key, leaf))
        problem(w, "page %" PRIu64 ": its keys are out of order", l->number);
    if (leaf) return leaf_entry(w, l, node, key);
    *child = load16(node) | (uint64_t)load16(node + 2) << 16 | (uint64_t)load16(node + 4) << 32;
    return FVM_OK;
}

static fvm_err walk_tree(walk *w, const struct fvm__lmdb_tree *tree, bool free_tree)
{
    bool ok;
    unsigned depth = 0;
    w->tree = tree;
    w->free_tree = free_tree;
    w->found = (struct fvm__lmdb_tree){ .root = tree->root };
    w->broken = w->has_last = w->exclusive = false;
    if (tree->root == NO_PAGE) return FVM_OK;
    FVM_TRY(enter(w, &ok, 0, tree->root));
    if (!ok) return FVM_OK;
    for (;;) {
        if (w->levels[depth].next == w->levels[depth].count) {
            if (depth == 0) break;
            depth--;
            continue;
        }
        uint64_t child;
        FVM_TRY(step(w, &child, depth));
        if (child == NO_PAGE) continue;
        if (depth + 1 >= w->tree->depth) continue; /* not reached: leaves give no child */
        FVM_TRY(enter(w, &ok, depth + 1, child));
        if (ok) depth++;
    }
    if (!w->broken && (w->found.entries != tree->entries || w->found.branches != tree->branches ||
                       w->found.leaves != tree->leaves || w->found.overflows != tree->overflows))
        problem(w, "the meta page counts %" PRIu64 " entries, the %s tree has %" PRIu64,
                tree->entries, free_tree ? "free" : "block", w->found.entries);
    return FVM_OK;
}

fvm_err fvm__lmdb_walk(int fd, const fvm__lmdb_meta *meta, const fvm__lmdb_visitor *visitor,
                       const fvm_allocator *alloc)
{
    walk w = { .fd = fd, .meta = meta, .visitor = visitor, .alloc = alloc };
    struct stat st;
    if (fstat(fd, &st) != 0) return FVM_ERR_IO;
    /* a page number that the file cannot hold costs no memory here */
    if (meta->last_page > (uint64_t)st.st_size / meta->page_size * 2 + 65536) {
        problem(&w, "the meta page's last page %" PRIu64 " is far beyond the end of the file",
                meta->last_page);
        return FVM_OK;
    }
    w.used_len = (size_t)(meta->last_page / 8 + 1);
    w.used = fvm_mem_zalloc(alloc, w.used_len);
    fvm_buf_init(&w.value, alloc);
    fvm_err err = w.used ? FVM_OK : FVM_ERR_NOMEM;
    if (err == FVM_OK) err = walk_tree(&w, &meta->trees[1], false);
    if (err == FVM_OK) err = walk_tree(&w, &meta->trees[0], true);
    for (unsigned i = 0; i < DEPTH_MAX; i++) fvm_mem_free(alloc, w.levels[i].page, meta->page_size);
    fvm_buf_deinit(&w.value);
    fvm_mem_free(alloc, w.used, w.used_len);
    return err;
}
