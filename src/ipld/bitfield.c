/* bitfield.c - see bitfield.h. RLE+ is a string of bits, the least significant of each byte first:
 *
 *     00 | value of the first run | runs of alternating value
 *     run:  1                  one
 *           01 | 4 bits        2..15
 *           00 | varint        16 or more
 *
 * Bits after the last byte are zeros, and trailing zero bytes are dropped. The last run is of ones. */
#include "bitfield.h"

#include "base/varint.h"

void fvm_bitfield_init(fvm_bitfield *set, const fvm_allocator *alloc)
{
    *set = (fvm_bitfield){ .alloc = alloc };
}

void fvm_bitfield_deinit(fvm_bitfield *set)
{
    fvm_mem_free(set->alloc, set->ranges, set->cap * sizeof *set->ranges);
    fvm_bitfield_init(set, set->alloc);
}

static fvm_err reserve(fvm_bitfield *set, size_t extra)
{
    if (extra <= set->cap - set->count) return FVM_OK;
    size_t cap = set->cap < 4 ? 4 : set->cap * 2;
    if (cap < set->count + extra) cap = set->count + extra;
    if (cap > SIZE_MAX / sizeof *set->ranges) return FVM_ERR_NOMEM;
    fvm_range *ranges = fvm_mem_resize(set->alloc, set->ranges, set->cap * sizeof *ranges,
                                       cap * sizeof *ranges);
    if (!ranges) return FVM_ERR_NOMEM;
    set->ranges = ranges;
    set->cap = cap;
    return FVM_OK;
}

/* Appends a range at or behind the end, joined to the last one if they touch. */
static fvm_err append(fvm_bitfield *set, uint64_t first, uint64_t end)
{
    if (set->count > 0 && set->ranges[set->count - 1].end == first) {
        set->ranges[set->count - 1].end = end;
        return FVM_OK;
    }
    FVM_TRY(reserve(set, 1));
    set->ranges[set->count++] = (fvm_range){ first, end };
    return FVM_OK;
}

/* --- reading --- */

typedef struct bit_reader {
    fvm_bytes in;
    size_t at; /* bits */
} bit_reader;

/* Up to 8 bits; zeros behind the end. */
static unsigned peek(const bit_reader *r, unsigned n)
{
    size_t byte = r->at / 8;
    unsigned window = byte < r->in.len ? r->in.ptr[byte] : 0;
    if (byte + 1 < r->in.len) window |= (unsigned)r->in.ptr[byte + 1] << 8;
    return window >> (r->at % 8) & ((1u << n) - 1);
}

static unsigned take(bit_reader *r, unsigned n)
{
    unsigned bits = peek(r, n);
    r->at += n;
    return bits;
}

/* Whether a one is left. The last byte is not 0, so only the byte at hand needs a look. */
static bool has_more(const bit_reader *r)
{
    size_t byte = r->at / 8;
    return byte + 1 < r->in.len || (byte < r->in.len && r->in.ptr[byte] >> (r->at % 8));
}

/* Unlike other varints, this one has no bits to spare in its tenth byte. */
static fvm_err take_varint(bit_reader *r, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 10; i++) {
        unsigned byte = take(r, 8);
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80) continue;
        if ((i == 9 && byte > 1) || (byte == 0 && i > 0)) return FVM_ERR_MALFORMED;
        *out = v;
        return FVM_OK;
    }
    return FVM_ERR_MALFORMED;
}

static fvm_err take_run(bit_reader *r, uint64_t *len)
{
    if (take(r, 1)) {
        *len = 1;
        return FVM_OK;
    }
    if (take(r, 1)) {
        *len = take(r, 4);
        return *len < 2 ? FVM_ERR_MALFORMED : FVM_OK;
    }
    FVM_TRY(take_varint(r, len));
    return *len < 16 ? FVM_ERR_MALFORMED : FVM_OK;
}

static fvm_err read_runs(fvm_bitfield *set, bit_reader *r)
{
    if (take(r, 2) != 0) return FVM_ERR_VERSION;
    bool ones = take(r, 1);
    uint64_t at = 0, len, end;
    while (has_more(r)) {
        FVM_TRY(take_run(r, &len));
        if (!fvm_add_u64(&end, at, len)) return FVM_ERR_RANGE;
        if (ones) FVM_TRY(append(set, at, end));
        at = end;
        ones = !ones;
    }
    return ones ? FVM_ERR_MALFORMED : FVM_OK; /* the last run was of zeros, or there is none */
}

fvm_err fvm_bitfield_read(fvm_bitfield *set, fvm_bytes rle)
{
    if (rle.len > FVM_BITFIELD_ENCODED_MAX) return FVM_ERR_LIMIT;
    if (rle.len > 0 && rle.ptr[rle.len - 1] == 0) return FVM_ERR_MALFORMED;
    bit_reader r = { .in = rle };
    fvm_bitfield fresh;
    fvm_bitfield_init(&fresh, set->alloc);
    fvm_err err = read_runs(&fresh, &r);
    if (err != FVM_OK) {
        fvm_bitfield_deinit(&fresh);
        return err;
    }
    fvm_bitfield_deinit(set);
    *set = fresh;
    return FVM_OK;
}

/* --- writing --- */

typedef struct bit_writer {
    fvm_buf *out;
    unsigned bits, count; /* not yet written: fewer than 8 */
} bit_writer;

static fvm_err put(bit_writer *w, unsigned bits, unsigned n)
{
    w->bits |= bits << w->count;
    w->count += n;
    if (w->count < 8) return FVM_OK;
    FVM_TRY(fvm_buf_put_u8(w->out, (uint8_t)w->bits));
    w->bits >>= 8;
    w->count -= 8;
    return FVM_OK;
}

static fvm_err put_run(bit_writer *w, uint64_t len)
{
    uint8_t varint[FVM_VARINT_MAX];
    if (len == 1) return put(w, 1, 1);
    if (len < 16) return put(w, 2 | (unsigned)len << 2, 6);
    FVM_TRY(put(w, 0, 2));
    for (size_t i = 0, n = fvm_varint_write(varint, len); i < n; i++) FVM_TRY(put(w, varint[i], 8));
    return FVM_OK;
}

static fvm_err write_runs(fvm_buf *out, const fvm_bitfield *set)
{
    bit_writer w = { .out = out };
    uint64_t at = 0;
    FVM_TRY(put(&w, set->ranges[0].first == 0 ? 4 : 0, 3)); /* version 0, value of the first run */
    for (size_t i = 0; i < set->count; i++) {
        if (set->ranges[i].first > at) FVM_TRY(put_run(&w, set->ranges[i].first - at));
        at = set->ranges[i].end;
        FVM_TRY(put_run(&w, at - set->ranges[i].first));
    }
    return w.bits ? fvm_buf_put_u8(out, (uint8_t)w.bits) : FVM_OK;
}

fvm_err fvm_bitfield_write(fvm_buf *out, const fvm_bitfield *set)
{
    size_t start = out->len;
    if (set->count == 0) return FVM_OK;
    fvm_err err = write_runs(out, set);
    /* A varint may end in zero bits only if its last byte is 0, which 16 and more never have; but a
     * short run's high bits can be zeros, alone in the last byte. */
    while (err == FVM_OK && out->len > start && out->ptr[out->len - 1] == 0) out->len--;
    if (err == FVM_OK && out->len - start > FVM_BITFIELD_ENCODED_MAX) err = FVM_ERR_LIMIT;
    if (err != FVM_OK) out->len = start;
    return err;
}

/* --- looking --- */

/* Number of ranges that end before `bit` is reached: the first one with end > bit. */
static size_t find(const fvm_bitfield *set, uint64_t bit)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (set->ranges[mid].end > bit)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

bool fvm_bitfield_has(const fvm_bitfield *set, uint64_t bit)
{
    size_t i = find(set, bit);
    return i < set->count && set->ranges[i].first <= bit;
}

uint64_t fvm_bitfield_count(const fvm_bitfield *set)
{
    uint64_t n = 0;
    for (size_t i = 0; i < set->count; i++) n += set->ranges[i].end - set->ranges[i].first;
    return n;
}

bool fvm_bitfield_eq(const fvm_bitfield *a, const fvm_bitfield *b)
{
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->ranges[i].first != b->ranges[i].first || a->ranges[i].end != b->ranges[i].end)
            return false;
    return true;
}

/* --- changing --- */

/* Puts `count` (0..2) ranges in the place of those from `from` to before `to`. There is room. */
static void splice(fvm_bitfield *set, size_t from, size_t to, const fvm_range *with, size_t count)
{
    if (set->count > to)
        memmove(set->ranges + from + count, set->ranges + to, (set->count - to) * sizeof *with);
    for (size_t i = 0; i < count; i++) set->ranges[from + i] = with[i];
    set->count = set->count - (to - from) + count;
}

fvm_err fvm_bitfield_add(fvm_bitfield *set, uint64_t first, uint64_t end)
{
    if (first > end) return FVM_ERR_RANGE;
    if (first == end) return FVM_OK;
    FVM_TRY(reserve(set, 1));
    /* all ranges that overlap or touch become one */
    size_t from = first == 0 ? 0 : find(set, first - 1), to = from;
    fvm_range joined = { first, end };
    for (; to < set->count && set->ranges[to].first <= end; to++) {
        if (set->ranges[to].first < joined.first) joined.first = set->ranges[to].first;
        if (set->ranges[to].end > joined.end) joined.end = set->ranges[to].end;
    }
    splice(set, from, to, &joined, 1);
    return FVM_OK;
}

fvm_err fvm_bitfield_remove(fvm_bitfield *set, uint64_t first, uint64_t end)
{
    if (first > end) return FVM_ERR_RANGE;
    if (first == end) return FVM_OK;
    FVM_TRY(reserve(set, 1));
    size_t from = find(set, first), to = from, count = 0;
    fvm_range left[2];
    for (; to < set->count && set->ranges[to].first < end; to++) {
        fvm_range r = set->ranges[to];
        if (r.first < first) left[count++] = (fvm_range){ r.first, first };
        if (r.end > end) left[count++] = (fvm_range){ end, r.end };
    }
    splice(set, from, to, left, count);
    return FVM_OK;
}

/* Whether a number belongs to the result, by whether it is in a and in b: bit 2 in_a + in_b. */
enum { KEEP_UNION = 0xe, KEEP_BOTH = 0x8, KEEP_FIRST_ONLY = 0x4 };

static bool inside(const fvm_bitfield *set, size_t i, uint64_t at)
{
    return i < set->count && set->ranges[i].first <= at;
}

/* Where membership changes next, behind `at`; `i` is the first range with end > at. */
static uint64_t next_change(const fvm_bitfield *set, size_t i, uint64_t at)
{
    if (i == set->count) return UINT64_MAX;
    return set->ranges[i].first > at ? set->ranges[i].first : set->ranges[i].end;
}

static fvm_err combine(fvm_bitfield *a, const fvm_bitfield *b, unsigned keep)
{
    fvm_bitfield out;
    size_t i = 0, j = 0;
    uint64_t at = 0;
    fvm_err err = FVM_OK;
    fvm_bitfield_init(&out, a->alloc);
    while (err == FVM_OK && (i < a->count || j < b->count)) {
        uint64_t x = next_change(a, i, at), y = next_change(b, j, at), next = x < y ? x : y;
        unsigned which = 2u * inside(a, i, at) + inside(b, j, at);
        if (keep >> which & 1) err = append(&out, at, next);
        at = next;
        if (i < a->count && a->ranges[i].end == at) i++;
        if (j < b->count && b->ranges[j].end == at) j++;
    }
    if (err != FVM_OK) {
        fvm_bitfield_deinit(&out);
        return err;
    }
    fvm_bitfield_deinit(a);
    *a = out;
    return FVM_OK;
}

fvm_err fvm_bitfield_union(fvm_bitfield *a, const fvm_bitfield *b)
{
    return combine(a, b, KEEP_UNION);
}

fvm_err fvm_bitfield_intersect(fvm_bitfield *a, const fvm_bitfield *b)
{
    return combine(a, b, KEEP_BOTH);
}

fvm_err fvm_bitfield_subtract(fvm_bitfield *a, const fvm_bitfield *b)
{
    return combine(a, b, KEEP_FIRST_ONLY);
}
