/* eip712.c - typed structured data:
 *
 *   hash            keccak(19 01 domain-struct-hash message-struct-hash)
 *   struct-hash(s)  keccak(type-hash, encode of each member)
 *   type-hash       keccak("Mail(Person from,string contents)Person(string name)"): the type, then those
 *                   that it leads to, sorted
 *   encode          atomic: a word; bytes, string: keccak; struct: struct-hash; array: keccak of the
 *                   elements' encodings
 *
 * Types may lead to themselves, so depth is bounded by that of the values, which JSON's bound covers, and
 * the walk over types marks what it has seen. */
#include "eip712.h"

#include "base/map.h"
#include "crypto/crypto.h"
#include "eth_params.h"

#include <stdlib.h>

#define TYPES_MAX 256u
#define DEPTH_MAX FVM_RPC_JSON_DEPTH

typedef struct typed {
    const json_t *types;
    const fvm_allocator *alloc;
    const char *why;
} typed;

static fvm_err wrong(typed *t, const char *why)
{
    t->why = why;
    return FVM_ERR_MALFORMED;
}

/* The name of an array's elements' type at every depth: "Person[2][]" gives "Person". */
static size_t base_len(const char *type)
{
    return strcspn(type, "[");
}

static json_t *struct_of(const typed *t, const char *type, size_t len)
{
    char name[128];
    if (len >= sizeof name) return NULL;
    memcpy(name, type, len);
    name[len] = 0;
    json_t *members = json_object_get(t->types, name);
    return json_is_array(members) ? members : NULL;
}

static const char *member_text(const json_t *member, const char *key)
{
    const char *text = json_string_value(json_object_get(member, key));
    return text ? text : "";
}

/* --- types --- */

static bool listed(const char *const *names, const size_t *lens, size_t n, const char *type,
                   size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (lens[i] == len && memcmp(names[i], type, len) == 0) return true;
    return false;
}

typedef struct type_list {
    const char *names[TYPES_MAX];
    size_t lens[TYPES_MAX];
    size_t count;
} type_list;

/* Every struct that `type` leads to, itself first: a queue that is also the result. */
static fvm_err collect(typed *t, type_list *list, const char *type, size_t len)
{
    list->names[0] = type;
    list->lens[0] = len;
    list->count = 1;
    for (size_t at = 0; at < list->count; at++) {
        const json_t *members = struct_of(t, list->names[at], list->lens[at]);
        for (size_t i = 0; i < json_array_size(members); i++) {
            const char *m = member_text(json_array_get(members, i), "type");
            size_t n = base_len(m);
            if (!struct_of(t, m, n) || listed(list->names, list->lens, list->count, m, n)) continue;
            if (list->count == TYPES_MAX) return wrong(t, "too many types");
            list->names[list->count] = m;
            list->lens[list->count++] = n;
        }
    }
    return FVM_OK;
}

/* Sorts all but the first by name. */
static void sort_types(type_list *list)
{
    for (size_t i = 2; i < list->count; i++) {
        for (size_t j = i; j > 1; j--) {
            fvm_bytes a = { (const uint8_t *)list->names[j - 1], list->lens[j - 1] };
            fvm_bytes b = { (const uint8_t *)list->names[j], list->lens[j] };
            if (fvm_bytes_cmp(a, b) <= 0) break;
            const char *name = list->names[j];
            list->names[j] = list->names[j - 1];
            list->names[j - 1] = name;
            size_t len = list->lens[j];
            list->lens[j] = list->lens[j - 1];
            list->lens[j - 1] = len;
        }
    }
}

static fvm_err put_type(const typed *t, fvm_buf *out, const char *name, size_t len)
{
    const json_t *members = struct_of(t, name, len);
    FVM_TRY(fvm_buf_append(out, (fvm_bytes){ (const uint8_t *)name, len }));
    FVM_TRY(fvm_buf_put_u8(out, '('));
    for (size_t i = 0; i < json_array_size(members); i++) {
        const json_t *m = json_array_get(members, i);
        if (i) FVM_TRY(fvm_buf_put_u8(out, ','));
        FVM_TRY(fvm_buf_append(out, fvm_bytes_of(member_text(m, "type"))));
        FVM_TRY(fvm_buf_put_u8(out, ' '));
        FVM_TRY(fvm_buf_append(out, fvm_bytes_of(member_text(m, "name"))));
    }
    return fvm_buf_put_u8(out, ')');
}

static fvm_err type_hash(typed *t, uint8_t out[32], const char *type, size_t len)
{
    type_list list;
    fvm_buf text;
    fvm_buf_init(&text, t->alloc);
    fvm_err err = collect(t, &list, type, len);
    if (err == FVM_OK) sort_types(&list);
    for (size_t i = 0; err == FVM_OK && i < list.count; i++)
        err = put_type(t, &text, list.names[i], list.lens[i]);
    if (err == FVM_OK) fvm_keccak256(out, fvm_buf_bytes(&text));
    fvm_buf_deinit(&text);
    return err;
}

/* --- values --- */

static fvm_err encode(typed *t, uint8_t out[32], const char *type, size_t len, const json_t *v,
                      unsigned depth);

static fvm_err struct_hash(typed *t, uint8_t out[32], const char *type, size_t len,
                           const json_t *value, unsigned depth)
{
    const json_t *members = struct_of(t, type, len);
    fvm_buf words;
    uint8_t word[32];
    if (!members) return wrong(t, "a type is not described");
    if (!json_is_object(value)) return wrong(t, "a struct's value is no object");
    fvm_buf_init(&words, t->alloc);
    fvm_err err = type_hash(t, word, type, len);
    if (err == FVM_OK) err = fvm_buf_append(&words, (fvm_bytes){ word, 32 });
    for (size_t i = 0; err == FVM_OK && i < json_array_size(members); i++) {
        const json_t *m = json_array_get(members, i);
        const char *mt = member_text(m, "type");
        err = encode(t, word, mt, strlen(mt), json_object_get(value, member_text(m, "name")),
                     depth + 1);
        if (err == FVM_OK) err = fvm_buf_append(&words, (fvm_bytes){ word, 32 });
    }
    if (err == FVM_OK) fvm_keccak256(out, fvm_buf_bytes(&words));
    fvm_buf_deinit(&words);
    return err;
}

static fvm_err array_hash(typed *t, uint8_t out[32], const char *type, size_t len,
                          const json_t *value, unsigned depth)
{
    fvm_buf words;
    uint8_t word[32];
    size_t inner = len;
    while (inner && type[inner - 1] != '[') inner--;
    if (!inner || !json_is_array(value)) return wrong(t, "an array's value is no list");
    size_t want = strtoul(type + inner, NULL, 10);
    if (type[inner] != ']' && want != json_array_size(value)) return wrong(t, "an array's length");
    fvm_buf_init(&words, t->alloc);
    fvm_err err = FVM_OK;
    for (size_t i = 0; err == FVM_OK && i < json_array_size(value); i++) {
        err = encode(t, word, type, inner - 1, json_array_get(value, i), depth + 1);
        if (err == FVM_OK) err = fvm_buf_append(&words, (fvm_bytes){ word, 32 });
    }
    if (err == FVM_OK) fvm_keccak256(out, fvm_buf_bytes(&words));
    fvm_buf_deinit(&words);
    return err;
}

static fvm_err bytes_hash(typed *t, uint8_t out[32], const json_t *value)
{
    fvm_buf bytes;
    fvm_buf_init(&bytes, t->alloc);
    fvm_err err = fvm_rpc_bytes(&bytes, value);
    if (err == FVM_OK) fvm_keccak256(out, fvm_buf_bytes(&bytes));
    fvm_buf_deinit(&bytes);
    return err == FVM_ERR_MALFORMED ? wrong(t, "bytes are not hex") : err;
}

/* Whole numbers, signed ones in two's complement. */
static fvm_err number_word(typed *t, uint8_t out[32], bool is_signed, const json_t *value)
{
    fvm_big v;
    fvm_bytes text;
    bool negative = false;
    if (json_is_integer(value) && json_integer_value(value) < 0) {
        v = fvm_big_u64((uint64_t)0 - (uint64_t)json_integer_value(value));
        negative = true;
    } else if (fvm_rpc_json_text(&text, value) && text.len && text.ptr[0] == '-') {
        fvm_bytes digits = { text.ptr + 1, text.len - 1 };
        if (digits.len > 78 || fvm_big_from_text(&v, digits) != FVM_OK || v.negative)
            return wrong(t, "not a number");
        negative = !fvm_big_is_zero(&v);
    } else if (!fvm_rpc_u256(&v, value)) {
        return wrong(t, "not a number");
    }
    if (!fvm_rpc_word_of_big(out, &v) || (negative && !is_signed)) return wrong(t, "not a number");
    for (size_t i = 32, carry = 1; negative && i-- > 0;) {
        unsigned b = (uint8_t)~out[i] + (unsigned)carry;
        out[i] = (uint8_t)b;
        carry = b >> 8;
    }
    return FVM_OK;
}

/* bytes1 to bytes32: at the word's front. */
static fvm_err fixed_word(typed *t, uint8_t out[32], const char *type, size_t len,
                          const json_t *value)
{
    size_t n = strtoul(type + 5, NULL, 10);
    (void)len;
    memset(out, 0, 32);
    if (n < 1 || n > 32 || !fvm_rpc_fixed(out, n, value, false)) return wrong(t, "fixed bytes");
    return FVM_OK;
}

static bool starts(const char *type, size_t len, const char *with)
{
    size_t n = strlen(with);
    return len >= n && memcmp(type, with, n) == 0;
}

static fvm_err encode(typed *t, uint8_t out[32], const char *type, size_t len, const json_t *v,
                      unsigned depth)
{
    fvm_bytes text, name = { (const uint8_t *)type, len };
    bool truth;
    memset(out, 0, 32);
    if (depth > DEPTH_MAX) return FVM_ERR_DEPTH;
    if (len && type[len - 1] == ']') return array_hash(t, out, type, len, v, depth);
    if (struct_of(t, type, len))
        /* nothing there: a word of zeros, as wallets agree (a list that ends in itself) */
        return !v || json_is_null(v) ? FVM_OK : struct_hash(t, out, type, len, v, depth);
    if (fvm_bytes_eq(name, FVM_STR("string"))) {
        if (!fvm_rpc_json_text(&text, v)) return wrong(t, "not a string");
        fvm_keccak256(out, text);
        return FVM_OK;
    }
    if (fvm_bytes_eq(name, FVM_STR("bytes"))) return bytes_hash(t, out, v);
    if (fvm_bytes_eq(name, FVM_STR("address")))
        return fvm_rpc_fixed(out + 12, 20, v, false) ? FVM_OK : wrong(t, "not an address");
    if (fvm_bytes_eq(name, FVM_STR("bool"))) {
        if (!fvm_rpc_bool(&truth, v)) return wrong(t, "not a boolean");
        out[31] = truth;
        return FVM_OK;
    }
    if (starts(type, len, "uint")) return number_word(t, out, false, v);
    if (starts(type, len, "int")) return number_word(t, out, true, v);
    if (starts(type, len, "bytes")) return fixed_word(t, out, type, len, v);
    return wrong(t, "a type is not described");
}

fvm_err fvm_eip712_hash(uint8_t out[32], const json_t *data, const fvm_allocator *alloc,
                        const char **why)
{
    typed t = { json_object_get(data, "types"), alloc, "malformed" };
    uint8_t text[66] = { 0x19, 0x01 };
    const char *primary = json_string_value(json_object_get(data, "primaryType"));
    fvm_err err = FVM_ERR_MALFORMED;
    if (json_is_object(t.types) && primary)
        err = struct_hash(&t, text + 2, "EIP712Domain", strlen("EIP712Domain"),
                          json_object_get(data, "domain"), 0);
    size_t used = 34;
    if (err == FVM_OK && strcmp(primary, "EIP712Domain") != 0) {
        err = struct_hash(&t, text + 34, primary, strlen(primary), json_object_get(data, "message"),
                          0);
        used = 66;
    }
    if (err == FVM_OK) fvm_keccak256(out, (fvm_bytes){ text, used });
    *why = t.why;
    return err;
}
