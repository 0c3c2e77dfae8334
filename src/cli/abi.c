/* abi.c - head and tail: a value of fixed size stands in the head, the place of any other one does, and the
 * value itself in the tail. Tuples and arrays are encoded as parameters of their own, arrays after their
 * length if it is not in their type. */
#include "abi.h"

#include "abi_type.h"
#include "base/text.h"
#include "base/vector.h"
#include "chain/eth_tx.h"
#include "client.h"

#include <assert.h>
#include <stdlib.h>

#define VALUES_MAX 1000000u /* of one result: places may name the same bytes again and again */

/* --- encoding --- */

static fvm_err put_word(fvm_buf *out, uint64_t value)
{
    uint8_t word[32] = { 0 };
    fvm_store_be64(word + 24, value);
    return fvm_buf_append(out, (fvm_bytes){ word, 32 });
}

/* Two's complement of the magnitude that wire bytes hold. */
static fvm_err put_number(fvm_buf *out, fvm_abi_type type, const char *text, fvm_store_why *why)
{
    uint8_t word[32] = { 0 }, wire[FVM_BIG_WIRE_MAX];
    fvm_big v;
    unsigned bits = fvm_abi_bits(type);
    bool is_signed = type.text[0] == 'i';
    fvm_buf hex;
    if (strncmp(text, "0x", 2) == 0) {
        char even[80];
        (void)snprintf(even, sizeof even, "%s%s", strlen(text) % 2 ? "0" : "", text + 2);
        fvm_buf_init(&hex, NULL);
        fvm_err err = fvm_buf_put_u8(&hex, 0);
        if (err == FVM_OK) err = fvm_hex_decode(&hex, fvm_bytes_of(even));
        if (err == FVM_OK) err = fvm_big_read(&v, fvm_buf_bytes(&hex));
        fvm_buf_deinit(&hex);
        if (err != FVM_OK) return fvm__why(why, FVM_ERR_MALFORMED, "'%s' is no number", text);
    } else if (fvm_big_from_text(&v, fvm_bytes_of(text)) != FVM_OK) {
        return fvm__why(why, FVM_ERR_MALFORMED, "'%s' is no number", text);
    }
    size_t n = fvm_big_write(wire, &v);
    if (n > 33 || (v.negative && !is_signed))
        return fvm__why(why, FVM_ERR_RANGE, "%s does not fit %.*s", text, (int)type.len, type.text);
    if (n) memcpy(word + (33 - n), wire + 1, n - 1);
    /* The highest bit of `bits` is the sign's; only -2^(bits-1) may have it in its magnitude. */
    unsigned top = 0;
    while (top < 256 && !(word[top / 8] >> (7 - top % 8) & 1)) top++;
    unsigned used = 256 - top, lowest = 0;
    while (lowest < 256 && !(word[31 - lowest / 8] >> (lowest % 8) & 1)) lowest++;
    bool is_least = v.negative && used == bits && lowest == bits - 1;
    if (used > bits - (is_signed ? 1 : 0) && !is_least)
        return fvm__why(why, FVM_ERR_RANGE, "%s does not fit %.*s", text, (int)type.len, type.text);
    if (v.negative) {
        unsigned carry = 1;
        for (size_t i = 32; i-- > 0;) {
            carry += (uint8_t)~word[i];
            word[i] = (uint8_t)carry;
            carry >>= 8;
        }
    }
    return fvm_buf_append(out, (fvm_bytes){ word, 32 });
}

static fvm_err put_bytes(fvm_buf *out, fvm_abi_type type, const char *text, fvm_store_why *why)
{
    static const uint8_t zero[32] = { 0 };
    unsigned fixed = fvm_abi_fixed_bytes(type);
    fvm_buf bytes;
    fvm_buf_init(&bytes, NULL);
    fvm_err err = FVM_OK;
    if (fvm_abi_is(type, "string")) {
        err = fvm_buf_append(&bytes, fvm_bytes_of(text));
    } else if (strncmp(text, "0x", 2) != 0 ||
               fvm_hex_decode(&bytes, fvm_bytes_of(text + 2)) != FVM_OK) {
        err = fvm__why(why, FVM_ERR_MALFORMED, "'%.60s' is not 0x and hexadecimal digits", text);
    }
    if (err == FVM_OK && fixed && bytes.len != fixed)
        err = fvm__why(why, FVM_ERR_RANGE, "%.80s is not of %u bytes", text, fixed);
    if (err == FVM_OK && !fixed) err = put_word(out, bytes.len);
    if (err == FVM_OK) err = fvm_buf_append(out, fvm_buf_bytes(&bytes));
    if (err == FVM_OK) err = fvm_buf_append(out, (fvm_bytes){ zero, (32 - bytes.len % 32) % 32 });
    fvm_buf_deinit(&bytes);
    return err;
}

static fvm_err put_elementary(fvm_buf *out, fvm_abi_type type, const char *text, fvm_store_why *why)
{
    if (fvm_abi_bits(type)) return put_number(out, type, text, why);
    if (fvm_abi_is(type, "address")) {
        fvm_address fil;
        fvm_eth_address eth;
        uint8_t word[32] = { 0 };
        if (!fvm_cli_address(&fil, text) || !fvm_eth_address_of_fil(&eth, &fil))
            return fvm__why(why, FVM_ERR_MALFORMED, "'%.100s' is no Ethereum address", text);
        memcpy(word + 12, eth.bytes, 20);
        return fvm_buf_append(out, (fvm_bytes){ word, 32 });
    }
    if (fvm_abi_is(type, "bool")) {
        bool yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
        if (!yes && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
            return fvm__why(why, FVM_ERR_MALFORMED, "'%.60s' is neither true nor false", text);
        return put_word(out, yes);
    }
    return put_bytes(out, type, text, why);
}

/* --- values of several parts --- */

typedef struct parts {
    char **text;
    uint32_t count, cap;
} parts;

static void forget_parts(parts *p)
{
    for (uint32_t i = 0; i < p->count; i++) free(p->text[i]);
    fvm_mem_free(NULL, p->text, p->cap * sizeof *p->text);
}

/* Takes `text`, which may be NULL: there was no memory for it. */
static fvm_err add_part(parts *p, char *text)
{
    if (!text) return FVM_ERR_NOMEM;
    fvm_err err = fvm_vector_grow(NULL, &p->text, &p->cap, (uint64_t)p->count + 1, sizeof *p->text,
                                  16, INT32_MAX);
    if (err != FVM_OK) {
        free(text);
        return err;
    }
    p->text[p->count++] = text;
    return FVM_OK;
}

/* The end of a part: a comma or the end of the text, neither in brackets nor in quotes. NULL: brackets do
 * not match, or a string does not end. */
static const char *part_end(const char *p, const char *end)
{
    char open[FVM_ABI_DEPTH_MAX + 1];
    size_t depth = 0;
    bool quoted = false;
    for (; p < end && (depth || quoted || *p != ','); p++) {
        if (quoted && *p == '\\' && p + 1 < end)
            p++;
        else if (*p == '"')
            quoted = !quoted;
        else if (quoted)
            continue;
        else if (*p == '[' || *p == '(') {
            if (depth == sizeof open) return NULL;
            open[depth++] = *p == '[' ? ']' : ')';
        } else if (*p == ']' || *p == ')') {
            if (depth == 0 || open[depth - 1] != *p) return NULL;
            depth--;
        }
    }
    return depth || quoted ? NULL : p;
}

/* A part as it is, or what its JSON string says. */
static fvm_err add_text(parts *p, const char *from, const char *end)
{
    while (from < end && *from == ' ') from++;
    while (end > from && end[-1] == ' ') end--;
    if (from == end || *from != '"') return add_part(p, strndup(from, (size_t)(end - from)));
    json_t *value = json_loadb(from, (size_t)(end - from), JSON_DECODE_ANY, NULL);
    const char *text = json_string_value(value);
    fvm_err err = text ? add_part(p, strdup(text)) : FVM_ERR_MALFORMED;
    json_decref(value);
    return err;
}

/* Cuts "[a,b,c]" or "(a,b,c)". */
static fvm_err split(parts *out, const char *text, char open, char close)
{
    size_t n = strlen(text);
    if (n < 2 || text[0] != open || text[n - 1] != close) return FVM_ERR_MALFORMED;
    const char *p = text + 1, *end = text + n - 1;
    while (p < end && *p == ' ') p++;
    if (p == end) return FVM_OK;
    for (;;) {
        const char *stop = part_end(p, end);
        if (!stop) return FVM_ERR_MALFORMED;
        FVM_TRY(add_text(out, p, stop));
        if (stop == end) return FVM_OK;
        p = stop + 1;
    }
}

/* --- sequences --- */

/* The types of a sequence: those of a list, or one again and again. */
typedef struct types {
    fvm_abi_type list, same;
} types;

static bool next_type(fvm_abi_type *out, types *t)
{
    if (!t->same.len) return fvm_abi_next(out, &t->list);
    *out = t->same;
    return true;
}

static fvm_err put_value(fvm_buf *out, fvm_abi_type type, const char *text, fvm_store_why *why);

static fvm_err put_sequence(fvm_buf *out, types of, char *const *values, size_t count,
                            fvm_store_why *why)
{
    uint64_t head = 0;
    fvm_abi_type type = { "", 0 };
    types look = of;
    fvm_buf tail;
    for (size_t i = 0; i < count && next_type(&type, &look); i++)
        head = fvm_sat_add_u64(head, fvm_abi_head_size(type));
    fvm_buf_init(&tail, NULL);
    fvm_err err = FVM_OK;
    for (size_t i = 0; i < count && err == FVM_OK && next_type(&type, &of); i++) {
        bool dynamic = fvm_abi_is_dynamic(type);
        if (dynamic) err = put_word(out, head + tail.len);
        if (err == FVM_OK) err = put_value(dynamic ? &tail : out, type, values[i], why);
    }
    if (err == FVM_OK) err = fvm_buf_append(out, fvm_buf_bytes(&tail));
    fvm_buf_deinit(&tail);
    return err;
}

static size_t count_types(fvm_abi_type list)
{
    fvm_abi_type type;
    size_t n = 0;
    while (fvm_abi_next(&type, &list)) n++;
    return n;
}

/* An array or a tuple. */
static fvm_err put_composite(fvm_buf *out, const fvm_abi_shape *s, const char *text,
                             fvm_store_why *why)
{
    parts p = { .count = 0 };
    types of = { .list = s->inner, .same = { "", 0 } };
    if (s->is_array) of = (types){ .same = s->inner, .list = { "", 0 } };
    uint64_t wanted = s->is_array ? s->fixed : count_types(s->inner);
    fvm_err err = split(&p, text, s->is_array ? '[' : '(', s->is_array ? ']' : ')');
    if (err == FVM_ERR_MALFORMED)
        err = fvm__why(why, err, "'%.60s' is no %s", text,
                       s->is_array ? "list, as [1,2,3]" : "tuple, as (1,0xab,\"text\")");
    if (err == FVM_OK && wanted != UINT64_MAX && p.count != wanted)
        err = fvm__why(why, FVM_ERR_MALFORMED, "%.60s has %u elements, not %llu", text, p.count,
                       (unsigned long long)wanted);
    if (err == FVM_OK && wanted == UINT64_MAX) err = put_word(out, p.count);
    if (err == FVM_OK) err = put_sequence(out, of, p.text, p.count, why);
    forget_parts(&p);
    return err;
}

static fvm_err put_value(fvm_buf *out, fvm_abi_type type, const char *text, fvm_store_why *why)
{
    fvm_abi_shape s = fvm_abi_shape_of(type);
    return s.is_array || s.is_tuple ? put_composite(out, &s, text, why)
                                    : put_elementary(out, type, text, why);
}

/* The parameters as a list of types with commas between. */
static fvm_err list_of(fvm_buf *out, const fvm_abi_types *params)
{
    for (size_t i = 0; i < params->count; i++) {
        if (i) FVM_TRY(fvm_buf_put_u8(out, ','));
        FVM_TRY(fvm_buf_append(out, fvm_bytes_of(params->type[i])));
    }
    return FVM_OK;
}

static types types_of(const fvm_buf *list)
{
    return (types){ .list = { (const char *)list->ptr, list->len }, .same = { "", 0 } };
}

fvm_err fvm_abi_encode(fvm_buf *out, const fvm_abi_types *params, char **values, size_t count,
                       fvm_store_why *why)
{
    fvm_buf list;
    if (count != params->count)
        return fvm__why(why, FVM_ERR_MALFORMED, "%zu values, but %zu parameters", count,
                        params->count);
    fvm_buf_init(&list, NULL);
    fvm_err err = list_of(&list, params);
    if (err == FVM_OK) err = put_sequence(out, types_of(&list), values, count, why);
    fvm_buf_deinit(&list);
    return err;
}

/* --- decoding --- */

static bool word_at(const uint8_t **out, fvm_bytes data, uint64_t at)
{
    if (at > data.len || data.len - at < 32) return false;
    assert(data.ptr);
    *out = data.ptr + at;
    return true;
}

/* A place or a length: a word that is a small number. */
static bool size_at(uint64_t *out, fvm_bytes data, uint64_t at)
{
    const uint8_t *word;
    if (!word_at(&word, data, at)) return false;
    for (size_t i = 0; i < 24; i++)
        if (word[i]) return false;
    *out = fvm_load_be64(word + 24);
    return *out <= data.len;
}

static json_t *number_json(const uint8_t word[32], bool is_signed)
{
    uint8_t wire[33] = { 0 };
    char text[FVM_BIG_TEXT_MAX];
    fvm_big v;
    memcpy(wire + 1, word, 32);
    if (is_signed && word[0] & 0x80) {
        unsigned carry = 1;
        for (size_t i = 33; i-- > 1;) {
            carry += (uint8_t)~wire[i];
            wire[i] = (uint8_t)carry;
            carry >>= 8;
        }
        wire[0] = 1;
    }
    if (fvm_big_read(&v, (fvm_bytes){ wire, 33 }) != FVM_OK) return NULL;
    (void)fvm_big_to_text(text, &v);
    return json_string(text);
}

static json_t *elementary_json(fvm_abi_type type, fvm_bytes data, uint64_t at)
{
    const uint8_t *word;
    uint64_t len;
    unsigned fixed = fvm_abi_fixed_bytes(type);
    if (fvm_abi_is_dynamic(type)) {
        if (!size_at(&len, data, at) || data.len - at - 32 < len) return NULL;
        fvm_bytes bytes = { data.ptr + at + 32, (size_t)len };
        return fvm_abi_is(type, "string") ? fvm_json_from_bytes(bytes) : fvm_client_hex_json(bytes);
    }
    if (!word_at(&word, data, at)) return NULL;
    if (fixed) return fvm_client_hex_json((fvm_bytes){ word, fixed });
    if (fvm_abi_bits(type)) return number_json(word, type.text[0] == 'i');
    if (fvm_abi_is(type, "bool")) return json_boolean(word[31] != 0);
    fvm_eth_address eth;
    char text[FVM_ETH_ADDRESS_TEXT];
    memcpy(eth.bytes, word + 12, 20);
    fvm_eth_address_to_text(text, &eth, true);
    return json_string(text);
}

static json_t *value_json(fvm_abi_type type, fvm_bytes data, uint64_t at, size_t *room);

/* `count` values whose heads begin at the front of `data`, from which places count. NULL: they are not
 * there, or there is no memory. */
static json_t *sequence_json(types of, uint64_t count, fvm_bytes data, size_t *room)
{
    fvm_abi_type type;
    uint64_t at = 0;
    json_t *list = json_array();
    for (uint64_t i = 0; i < count && list && next_type(&type, &of); i++) {
        uint64_t place = at;
        bool there = *room && (!fvm_abi_is_dynamic(type) || size_at(&place, data, at));
        if (there) --*room;
        if (!there || json_array_append_new(list, value_json(type, data, place, room)) != 0) {
            json_decref(list);
            return NULL;
        }
        at = fvm_sat_add_u64(at, fvm_abi_head_size(type));
    }
    return list;
}

/* The value itself, at `at`. */
static json_t *value_json(fvm_abi_type type, fvm_bytes data, uint64_t at, size_t *room)
{
    fvm_abi_shape s = fvm_abi_shape_of(type);
    uint64_t count = s.fixed;
    if (!s.is_array && !s.is_tuple) return elementary_json(type, data, at);
    if (at > data.len) return NULL;
    fvm_bytes rest = { data.ptr ? data.ptr + at : NULL, data.len - (size_t)at };
    types of = { .list = s.inner, .same = { "", 0 } };
    if (s.is_tuple) return sequence_json(of, UINT64_MAX, rest, room);
    if (count == UINT64_MAX) {
        if (!size_at(&count, rest, 0)) return NULL;
        rest = (fvm_bytes){ rest.ptr + 32, rest.len - 32 };
    }
    if (count > rest.len / 32) return NULL; /* each element takes a word at least */
    of = (types){ .same = s.inner, .list = { "", 0 } };
    return sequence_json(of, count, rest, room);
}

fvm_err fvm_abi_decode(json_t **out, const fvm_abi_types *params, fvm_bytes data)
{
    fvm_buf list;
    size_t room = VALUES_MAX;
    fvm_buf_init(&list, NULL);
    fvm_err err = list_of(&list, params);
    json_t *values = err == FVM_OK ? sequence_json(types_of(&list), UINT64_MAX, data, &room) : NULL;
    fvm_buf_deinit(&list);
    if (err == FVM_OK && !values) err = FVM_ERR_MALFORMED;
    if (err == FVM_OK) *out = values;
    return err;
}
