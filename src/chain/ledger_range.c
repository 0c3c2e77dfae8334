/* ledger_range.c - going along a table of the ledger: young, old and the database at once. */
#include "ledger_internal.h"

/* A range is read in pieces of this size: locks and the database's snapshot are not held while the
 * visitor works. */
#define PIECE_ENTRIES 256u
#define PIECE_BYTES ((size_t)256 << 10)

/* The entries of a piece: u32 length of the key, u32 of the value, key, value. */
static fvm_err piece_add(fvm_buf *piece, fvm_bytes key, fvm_bytes value)
{
    uint8_t head[8];
    fvm_store_le32(head, (uint32_t)key.len);
    fvm_store_le32(head + 4, (uint32_t)value.len);
    FVM_TRY(fvm_buf_append(piece, (fvm_bytes){ head, sizeof head }));
    FVM_TRY(fvm_buf_append(piece, key));
    return fvm_buf_append(piece, value);
}

static void piece_take(fvm_bytes *key, fvm_bytes *value, fvm_bytes *in)
{
    *key = (fvm_bytes){ in->ptr + 8, fvm_load_le32(in->ptr) };
    *value = (fvm_bytes){ key->ptr + key->len, fvm_load_le32(in->ptr + 4) };
    size_t size = 8 + key->len + value->len;
    *in = (fvm_bytes){ in->ptr + size, in->len - size };
}

/* Three sorted places that are gone along together; the earlier one counts where keys are equal. */
typedef struct merge {
    const fvm__entry_node *lists[2];
    fvm__ledger_cursor cursor;
    bool down;
} merge;

/* Whether `a` comes before `b` on the way. */
static bool comes_before(fvm_bytes a, fvm_bytes b, bool down)
{
    int c = fvm_bytes_cmp(a, b);
    return down ? c > 0 : c < 0;
}

/* The next entry; false: there is none. `*hidden`: it stands for a deletion. */
static bool merge_next(const merge *m, fvm_bytes *key, fvm_bytes *value, bool *hidden)
{
    bool has = false;
    *hidden = false;
    for (unsigned i = 0; i < 2; i++) {
        const fvm__entry_node *n = m->lists[i];
        if (!n || (has && !comes_before(n->key, *key, m->down))) continue;
        *key = n->key;
        *value = n->value;
        *hidden = n->deleted;
        has = true;
    }
    if (m->cursor.has && (!has || comes_before(m->cursor.key, *key, m->down))) {
        *key = m->cursor.key;
        *value = m->cursor.value;
        *hidden = false;
        has = true;
    }
    return has;
}

/* Goes past `key` everywhere. */
static fvm_err merge_pass(merge *m, const fvm_ledger *ledger, fvm_bytes key, fvm_store_why *why)
{
    const fvm__entry_list *lists[2] = { &ledger->young.sorted, &ledger->old.sorted };
    bool at_cursor = m->cursor.has && fvm_bytes_eq(m->cursor.key, key);
    for (unsigned i = 0; i < 2; i++)
        if (m->lists[i] && fvm_bytes_eq(m->lists[i]->key, key))
            m->lists[i] = m->down ? fvm__list_below(lists[i], key) : m->lists[i]->next[0];
    return at_cursor ? fvm__ledger_cursor_next(&m->cursor, why) : FVM_OK;
}

/* Gathers entries from `from` (down: below it) until `end` or the piece is full (`*more`). */
static fvm_err gather(fvm_ledger *ledger, merge *m, fvm_buf *piece, bool *more, fvm_bytes end,
                      fvm_store_why *why)
{
    fvm_bytes key, value;
    bool hidden;
    for (unsigned n = 0; merge_next(m, &key, &value, &hidden);) {
        int c = fvm_bytes_cmp(key, end);
        if (m->down ? c < 0 : c >= 0) return FVM_OK;
        if (!hidden) {
            FVM_TRY(piece_add(piece, key, value));
            *more = ++n == PIECE_ENTRIES || piece->len >= PIECE_BYTES;
            if (*more) return FVM_OK;
        }
        FVM_TRY(merge_pass(m, ledger, key, why));
    }
    return FVM_OK;
}

static fvm_err read_piece(fvm_ledger *ledger, fvm_buf *piece, bool *more, fvm_bytes from,
                          fvm_bytes end, bool down)
{
    fvm_store_why why = { "" };
    merge m = { .down = down };
    fvm_err err = FVM_OK;
    piece->len = 0;
    *more = false;
    (void)pthread_rwlock_rdlock(&ledger->lists);
    m.lists[0] = down ? fvm__list_below(&ledger->young.sorted, from)
                      : fvm__list_from(&ledger->young.sorted, from);
    m.lists[1] = down ? fvm__list_below(&ledger->old.sorted, from)
                      : fvm__list_from(&ledger->old.sorted, from);
    if (ledger->db.lmdb) err = fvm__ledger_cursor_open(&m.cursor, &ledger->db, from, down, &why);
    if (err == FVM_OK) err = gather(ledger, &m, piece, more, end, &why);
    fvm__ledger_cursor_close(&m.cursor);
    (void)pthread_rwlock_unlock(&ledger->lists);
    return why.text[0] ? fvm__ledger_fail(ledger, err, &why) : err;
}

/* Shows a piece to the visitor. `place` becomes where the next one begins. */
static fvm_err show_piece(fvm_buf *place, fvm_bytes piece, bool down, fvm_ledger_visit visit,
                          void *ctx)
{
    fvm_bytes key = { NULL, 0 }, value;
    while (piece.len > 0) {
        piece_take(&key, &value, &piece);
        FVM_TRY(visit(ctx, (fvm_bytes){ key.ptr + 1, key.len - 1 }, value));
    }
    place->len = 0;
    FVM_TRY(fvm_buf_append(place, key));
    return down ? FVM_OK : fvm_buf_put_u8(place, 0); /* the least key above it */
}

fvm_err fvm_ledger_range(fvm_ledger *ledger, unsigned table, fvm_bytes from, fvm_bytes to,
                         bool down, fvm_ledger_visit visit, void *ctx)
{
    uint8_t low_room[FVM__LEDGER_KEY_MAX], high_room[FVM__LEDGER_KEY_MAX];
    if (table >= FVM_LEDGER_ORDERED) return FVM_ERR_INVALID;
    if (from.len > FVM_LEDGER_KEY_MAX) from.len = FVM_LEDGER_KEY_MAX;
    if (to.len > FVM_LEDGER_KEY_MAX) to.len = FVM_LEDGER_KEY_MAX;
    fvm_bytes low = fvm__ledger_key(low_room, table, from);
    fvm_bytes high = fvm__ledger_key(high_room, to.len ? table : table + 1, to);
    fvm_buf piece, place;
    bool more = true;
    fvm_buf_init(&piece, ledger->alloc);
    fvm_buf_init(&place, ledger->alloc);
    fvm_err err = fvm_buf_append(&place, down ? high : low);
    while (err == FVM_OK && more) {
        err = read_piece(ledger, &piece, &more, fvm_buf_bytes(&place), down ? low : high, down);
        if (err == FVM_OK) err = show_piece(&place, fvm_buf_bytes(&piece), down, visit, ctx);
    }
    fvm_buf_deinit(&place);
    fvm_buf_deinit(&piece);
    return err;
}
