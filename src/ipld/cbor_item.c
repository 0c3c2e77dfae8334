/* cbor_item.c - the exact reader of one whole item, as the reference decodes untyped IPLD: majors
 * are what they say, only tag 42, only the simple values of DAG-CBOR, keys of maps are text (read as
 * the typed reader does, so with masked majors) and not repeated. reference/ipld.md 7.2. */
#include "cbor.h"

#include "cbor_internal.h"
#include "cid_common.h"

#ifdef __wasm__
/* What an actor reads has passed the kernel's scan, so that items are whole and well formed; whether
 * it is what the reference would decode, their typed reader will say. */
fvm_err fvm_cbor_item(fvm_bytes *out, fvm_bytes *in)
{
    fvm_bytes rest = *in, skipped;
    for (uint64_t left = 1; left > 0; left--) {
        uint8_t major;
        uint64_t value;
        FVM_TRY(fvm_cbor_head(&major, &value, &rest));
        if (major == CBOR_BYTES || major == CBOR_TEXT)
            FVM_TRY(fvm_bytes_take(&skipped, &rest, value));
        if (major == CBOR_TAG) left++;
        if (major != CBOR_ARRAY && major != CBOR_MAP) continue;
        if (value > rest.len) return FVM_ERR_TRUNCATED; /* an item takes a byte at least */
        left += major == CBOR_MAP ? 2 * value : value;
    }
    *out = (fvm_bytes){ in->ptr, in->len - rest.len };
    *in = rest;
    return FVM_OK;
}
#else
/* An item below L arrays and maps takes 2 L + 1 recursion steps of the reference's 256, so that a
 * container may stand 127 deep and must be empty there. */
#define LEVELS_MAX (CBOR_STEPS_MAX / 2)

/* Repeated keys are found without memory of our own: keys in canonical order cannot repeat, and maps
 * in another order are compared key by key within this table, shared by all open maps. Maps that are
 * out of order and do not fit are refused (FVM_ERR_LIMIT): no encoder writes them, and the reference's
 * sorted tree is not to be had without allocating. */
#define KEYS_MAX 256

typedef struct level {
    uint64_t left;     /* items still to come; keys and values count apart */
    fvm_bytes last;    /* the newest key */
    size_t first_key;  /* where this map's keys start in the table */
    bool map, ordered; /* ordered: keys rise strictly so far */
    bool complete;     /* all keys so far are in the table */
} level;

typedef struct reader {
    fvm_bytes in;
    size_t depth; /* levels in use */
    size_t keys;  /* of the table in use */
    level levels[LEVELS_MAX];
    fvm_bytes table[KEYS_MAX];
} reader;

/* Canonical order: the shorter first, then bytewise. */
static int key_order(fvm_bytes a, fvm_bytes b)
{
    if (a.len != b.len) return a.len < b.len ? -1 : 1;
    return fvm_bytes_cmp(a, b);
}

static fvm_err take_key(reader *r, level *map)
{
    fvm_bytes key;
    FVM_TRY(fvm_cbor_text(&key, &r->in, NULL));
    bool first = r->keys == map->first_key && map->complete;
    if (!first && key_order(map->last, key) >= 0) map->ordered = false;
    if (!map->ordered) {
        if (!map->complete) return FVM_ERR_LIMIT;
        for (size_t i = map->first_key; i < r->keys; i++)
            if (fvm_bytes_eq(r->table[i], key)) return FVM_ERR_MALFORMED;
    }
    if (r->keys < KEYS_MAX) {
        r->table[r->keys++] = key;
    } else {
        map->complete = false;
        if (!map->ordered) return FVM_ERR_LIMIT;
    }
    map->last = key;
    return FVM_OK;
}

static fvm_err open_level(reader *r, bool map, uint64_t count)
{
    if (map && !fvm_mul_u64(&count, count, 2)) return FVM_ERR_TRUNCATED;
    if (count > r->in.len) return FVM_ERR_TRUNCATED; /* an item takes a byte at least */
    if (count == 0) return FVM_OK;
    if (r->depth + 1 == LEVELS_MAX) return FVM_ERR_DEPTH; /* items below it would be too deep */
    r->levels[r->depth++] = (level){
        .left = count, .first_key = r->keys, .map = map, .ordered = true, .complete = true
    };
    return FVM_OK;
}

static fvm_err take_simple(reader *r, uint8_t byte)
{
    fvm_bytes skipped;
    switch (byte) {
    case 0xf4:
    case 0xf5:
    case 0xf6: return fvm_bytes_take(&skipped, &r->in, 1);
    case 0xfa: return fvm_bytes_take(&skipped, &r->in, 5); /* the decoder takes f32 too */
    case 0xfb: return fvm_bytes_take(&skipped, &r->in, 9);
    default: return FVM_ERR_MALFORMED;
    }
}

/* One item up to its head; what a container holds comes later. */
static fvm_err take_item(reader *r)
{
    uint8_t major;
    uint64_t value;
    fvm_bytes text;
    fvm_cid cid;
    if (r->in.len == 0) return FVM_ERR_TRUNCATED;
    if ((r->in.ptr[0] & 0x1f) == 0x1f) return FVM_ERR_MALFORMED; /* indefinite */
    switch (r->in.ptr[0] >> 5) {
    case CBOR_SIMPLE: return take_simple(r, r->in.ptr[0]);
    case CBOR_TAG:
        if (fvm__link_is_common(r->in)) return fvm_bytes_take(&text, &r->in, FVM__LINK_COMMON_LEN);
        return fvm_cbor_cid(&cid, &r->in);
    case CBOR_BYTES:
        FVM_TRY(fvm__cbor_head(&major, &value, &r->in));
        return fvm_bytes_take(&text, &r->in, value);
    case CBOR_TEXT: return fvm_cbor_text(&text, &r->in, NULL);
    default: break;
    }
    FVM_TRY(fvm__cbor_head(&major, &value, &r->in));
    return major == CBOR_UINT || major == CBOR_NINT ? FVM_OK
                                                    : open_level(r, major == CBOR_MAP, value);
}

/* Steps over an item at `at` if it is one of those that states consist of: a number or a string with
 * a head of one or two bytes, null, a link of the common form. NULL: it is another, or not whole. */
static inline const uint8_t *skip_plain(const uint8_t *at, const uint8_t *end)
{
    if (end - at < 2) return NULL;
    unsigned head = *at, low = head & 0x1f;
    size_t len = low < 24 ? 1 : 2;
    if (head == 0xd8) {
        fvm_bytes link = { at, (size_t)(end - at) };
        return fvm__link_is_common(link) ? at + FVM__LINK_COMMON_LEN : NULL;
    }
    if (head == 0xf6) return at + 1;
    if (low > 24 || head >= 0x60) return NULL;
    if (head >= 0x40) len += low < 24 ? low : at[1];
    return len <= (size_t)(end - at) ? at + len : NULL;
}

/* The same for one such item, or an array of them, which is what nearly every value of a trie is. The
 * long way takes what ends with the input and is a single byte. */
static inline const uint8_t *skip_flat(const uint8_t *at, const uint8_t *end)
{
    if (end - at < 2 || (*at & 0xe0) != 0x80) return skip_plain(at, end);
    unsigned count = *at++ & 0x1f;
    if (count > 23) return NULL;
    while (at && count-- > 0) at = skip_plain(at, end);
    return at;
}

fvm_err fvm_cbor_item(fvm_bytes *out, fvm_bytes *in)
{
    const uint8_t *end = in->len ? skip_flat(in->ptr, in->ptr + in->len) : NULL;
    if (end) {
        *out = (fvm_bytes){ in->ptr, (size_t)(end - in->ptr) };
        *in = (fvm_bytes){ end, in->len - out->len };
        return FVM_OK;
    }
    if (in->len && in->ptr[0] <= 0x3b) { /* a number needs no levels */
        fvm_bytes rest = *in;
        uint8_t major;
        uint64_t value;
        FVM_TRY(fvm__cbor_head(&major, &value, &rest));
        *out = (fvm_bytes){ in->ptr, in->len - rest.len };
        *in = rest;
        return FVM_OK;
    }
    reader r; /* 8 KiB; levels and table are written before they are read */
    r.in = *in;
    r.depth = r.keys = 0;
    FVM_TRY(take_item(&r));
    while (r.depth > 0) {
        level *top = &r.levels[r.depth - 1];
        if (top->left == 0) {
            r.keys = top->first_key;
            r.depth--;
            continue;
        }
        bool key = top->map && top->left % 2 == 0;
        top->left--;
        FVM_TRY(key ? take_key(&r, top) : take_item(&r));
    }
    *out = (fvm_bytes){ in->ptr, in->len - r.in.len };
    *in = r.in;
    return FVM_OK;
}

#endif

/* --- UTF-8 --- */

/* Length of the well-formed sequence at the front of `p` (`len` bytes, not 0), 0 if there is none:
 * table 3-7 of the Unicode standard, which is what Rust's str checks. */
static size_t utf8_sequence(const uint8_t *p, size_t len)
{
    uint8_t a = p[0];
    if (a < 0x80) return 1;
    size_t n = a >= 0xc2 && a <= 0xdf ? 2 : (a & 0xf0) == 0xe0 ? 3 : a >= 0xf0 && a <= 0xf4 ? 4 : 0;
    if (n == 0 || n > len) return 0;
    uint8_t low = a == 0xe0 ? 0xa0 : a == 0xf0 ? 0x90 : 0x80;  /* no overlong forms */
    uint8_t high = a == 0xed ? 0x9f : a == 0xf4 ? 0x8f : 0xbf; /* no surrogates, none past 10ffff */
    if (p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    return n;
}

bool fvm_utf8_valid(fvm_bytes text)
{
    for (size_t i = 0; i < text.len;) {
        size_t n = utf8_sequence(text.ptr + i, text.len - i);
        if (n == 0) return false;
        i += n;
    }
    return true;
}
