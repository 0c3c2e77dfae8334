/* abi_type.c - types of Solidity's ABI: reading them and what follows from them. */
#include "abi_type.h"

#include "crypto/crypto.h"

#include <ctype.h>
#include <stdlib.h>

#define ELEMENTS_MAX 4096u /* of T[n] */

/* --- elementary types --- */

bool fvm_abi_is(fvm_abi_type t, const char *name)
{
    return t.len == strlen(name) && memcmp(t.text, name, t.len) == 0;
}

/* The number behind a name; 0 when there is something else, or none. */
static unsigned number_behind(fvm_abi_type t, const char *name)
{
    size_t n = strlen(name);
    unsigned v = 0;
    if (t.len <= n || t.len > n + 3 || memcmp(t.text, name, n) != 0 || t.text[n] == '0') return 0;
    for (size_t i = n; i < t.len; i++) {
        if (!isdigit((unsigned char)t.text[i])) return 0;
        v = v * 10 + (unsigned)(t.text[i] - '0');
    }
    return v;
}

unsigned fvm_abi_bits(fvm_abi_type t)
{
    unsigned bits = number_behind(t, t.len && t.text[0] == 'u' ? "uint" : "int");
    return bits % 8 == 0 && bits <= 256 ? bits : 0;
}

unsigned fvm_abi_fixed_bytes(fvm_abi_type t)
{
    unsigned n = number_behind(t, "bytes");
    return n <= 32 ? n : 0;
}

static bool is_elementary(fvm_abi_type t)
{
    return fvm_abi_is(t, "address") || fvm_abi_is(t, "bool") || fvm_abi_is(t, "bytes") ||
           fvm_abi_is(t, "string") || fvm_abi_bits(t) || fvm_abi_fixed_bytes(t);
}

/* --- shapes --- */

fvm_abi_shape fvm_abi_shape_of(fvm_abi_type t)
{
    fvm_abi_shape s = { .inner = t, .fixed = UINT64_MAX };
    if (t.len && t.text[t.len - 1] == ']') {
        size_t open = t.len - 1;
        while (open && t.text[open] != '[') open--;
        s.is_array = true;
        s.inner.len = open;
        if (open + 2 < t.len) s.fixed = strtoull(t.text + open + 1, NULL, 10);
    } else if (t.len >= 2 && t.text[0] == '(') {
        s.is_tuple = true;
        s.inner = (fvm_abi_type){ t.text + 1, t.len - 2 };
    }
    return s;
}

bool fvm_abi_next(fvm_abi_type *out, fvm_abi_type *list)
{
    size_t n = 0, depth = 0;
    if (!list->len) return false;
    for (; n < list->len && (depth || list->text[n] != ','); n++) {
        if (list->text[n] == '(') depth++;
        if (list->text[n] == ')') depth--;
    }
    *out = (fvm_abi_type){ list->text, n };
    n += n < list->len;
    *list = (fvm_abi_type){ list->text + n, list->len - n };
    return true;
}

bool fvm_abi_is_dynamic(fvm_abi_type t)
{
    fvm_abi_shape s = fvm_abi_shape_of(t);
    fvm_abi_type part;
    if (s.is_array) return s.fixed == UINT64_MAX || fvm_abi_is_dynamic(s.inner);
    if (!s.is_tuple) return fvm_abi_is(t, "bytes") || fvm_abi_is(t, "string");
    while (fvm_abi_next(&part, &s.inner))
        if (fvm_abi_is_dynamic(part)) return true;
    return false;
}

uint64_t fvm_abi_head_size(fvm_abi_type t)
{
    fvm_abi_shape s = fvm_abi_shape_of(t);
    fvm_abi_type part;
    uint64_t size = 0;
    if (fvm_abi_is_dynamic(t)) return 32;
    if (s.is_array) return fvm_sat_mul_u64(s.fixed, fvm_abi_head_size(s.inner));
    if (!s.is_tuple) return 32;
    while (fvm_abi_next(&part, &s.inner)) size = fvm_sat_add_u64(size, fvm_abi_head_size(part));
    return size;
}

/* --- reading --- */

typedef struct reading {
    const char *p;
    char *out; /* canonical */
    size_t len, room;
    unsigned depth;
} reading;

static bool put(reading *r, const char *text, size_t n)
{
    if (n >= r->room - r->len) return false;
    memcpy(r->out + r->len, text, n);
    r->len += n;
    r->out[r->len] = '\0';
    return true;
}

static void skip_blanks(reading *r)
{
    while (*r->p == ' ') r->p++;
}

static bool read_type(reading *r);

/* Types, each with or without a name, up to the closing bracket; at least one. */
static bool read_tuple(reading *r)
{
    if (!put(r, "(", 1)) return false;
    for (;;) {
        r->p++;
        if (!read_type(r)) return false;
        skip_blanks(r);
        while (isalnum((unsigned char)*r->p) || *r->p == '_' || *r->p == '$') r->p++;
        skip_blanks(r);
        if (*r->p == ')') break;
        if (*r->p != ',' || !put(r, ",", 1)) return false;
    }
    r->p++;
    return put(r, ")", 1);
}

static bool read_elementary(reading *r)
{
    size_t n = 0, start = r->len;
    while (isalnum((unsigned char)r->p[n])) n++;
    fvm_abi_type t = { r->p, n };
    bool bare = fvm_abi_is(t, "uint") || fvm_abi_is(t, "int");
    if (!put(r, r->p, n) || (bare && !put(r, "256", 3))) return false;
    r->p += n;
    return is_elementary((fvm_abi_type){ r->out + start, r->len - start });
}

/* [] and [n] behind a type. */
static bool read_lengths(reading *r, unsigned depth)
{
    for (char *end; *r->p == '['; r->p = end + 1) {
        if (++depth > FVM_ABI_DEPTH_MAX) return false;
        end = (char *)(uintptr_t)r->p + 1;
        if (*end != ']') {
            if (!isdigit((unsigned char)*end) || *end == '0') return false;
            unsigned long long n = strtoull(end, &end, 10);
            if (*end != ']' || n > ELEMENTS_MAX) return false;
        }
        if (!put(r, r->p, (size_t)(end + 1 - r->p))) return false;
    }
    return true;
}

static bool read_type(reading *r)
{
    unsigned depth = r->depth;
    skip_blanks(r);
    if (strncmp(r->p, "tuple(", 6) == 0) r->p += 5; /* as ethers writes it */
    if (*r->p == '(') {
        if (++r->depth > FVM_ABI_DEPTH_MAX) return false;
        bool good = read_tuple(r);
        r->depth = depth;
        if (!good) return false;
        depth++;
    } else if (!read_elementary(r)) {
        return false;
    }
    return read_lengths(r, depth);
}

static fvm_err no_type(const char *text, fvm_store_why *why)
{
    return fvm__why(why, FVM_ERR_MALFORMED,
                    "'%.60s' is no type (elementary ones, tuples in brackets, arrays), or too "
                    "long a one",
                    text);
}

static fvm_err add_type(fvm_abi_types *types, const char **text, fvm_store_why *why)
{
    if (types->count == FVM_ABI_PARAMS_MAX)
        return fvm__why(why, FVM_ERR_MALFORMED, "more than %d parameters", FVM_ABI_PARAMS_MAX);
    reading r = { .p = *text, .out = types->type[types->count], .room = FVM_ABI_TYPE_MAX };
    if (!read_type(&r)) return no_type(*text, why);
    types->count++;
    *text = r.p;
    return FVM_OK;
}

fvm_err fvm_abi_add(fvm_abi_types *types, const char *text, fvm_store_why *why)
{
    const char *p = text;
    FVM_TRY(add_type(types, &p, why));
    if (*p == '\0') return FVM_OK;
    types->count--;
    return no_type(text, why);
}

/* Writes a parameter's type; "tuple" becomes its components. */
static bool write_json(reading *r, const json_t *param)
{
    const char *type = json_string_value(json_object_get(param, "type"));
    const json_t *part;
    size_t i;
    if (!type || ++r->depth > FVM_ABI_DEPTH_MAX) return false;
    if (strncmp(type, "tuple", 5) == 0) {
        json_array_foreach(json_object_get(param, "components"), i, part)
        {
            if (!put(r, i ? "," : "(", 1) || !write_json(r, part)) return false;
        }
        if (!put(r, ")", 1)) return false;
        type += 5;
    }
    r->depth--;
    return put(r, type, strlen(type));
}

fvm_err fvm_abi_add_json(fvm_abi_types *types, const json_t *param, fvm_store_why *why)
{
    char text[FVM_ABI_TYPE_MAX] = "";
    reading r = { .out = text, .room = sizeof text };
    if (!write_json(&r, param)) return no_type(text, why);
    return fvm_abi_add(types, text, why);
}

/* --- signatures --- */

/* Types up to the closing bracket; `*text` is behind it afterwards. */
static fvm_err read_types(fvm_abi_types *out, const char **text, fvm_store_why *why)
{
    reading r = { .p = *text };
    skip_blanks(&r);
    if (*r.p == ')') {
        *text = r.p + 1;
        return FVM_OK;
    }
    for (;;) {
        FVM_TRY(add_type(out, &r.p, why));
        while (*r.p == ' ' || isalnum((unsigned char)*r.p) || *r.p == '_' || *r.p == '$')
            r.p++; /* "indexed" and a name do not matter */
        if (*r.p == ')') break;
        if (*r.p++ != ',')
            return fvm__why(why, FVM_ERR_MALFORMED, "a bracket or a type is missing");
    }
    *text = r.p + 1;
    return FVM_OK;
}

/* The canonical form, hashed. */
static fvm_err hash_signature(uint8_t hash[32], const char *name, size_t name_len,
                              const fvm_abi_types *in)
{
    fvm_buf text;
    fvm_buf_init(&text, NULL);
    fvm_err err = fvm_buf_append(&text, (fvm_bytes){ (const uint8_t *)name, name_len });
    if (err == FVM_OK) err = fvm_buf_put_u8(&text, '(');
    for (size_t i = 0; i < in->count && err == FVM_OK; i++) {
        if (i) err = fvm_buf_put_u8(&text, ',');
        if (err == FVM_OK) err = fvm_buf_append(&text, fvm_bytes_of(in->type[i]));
    }
    if (err == FVM_OK) err = fvm_buf_put_u8(&text, ')');
    if (err == FVM_OK) fvm_keccak256(hash, fvm_buf_bytes(&text));
    fvm_buf_deinit(&text);
    return err;
}

fvm_err fvm_abi_hash(uint8_t hash[32], fvm_abi_types *in, fvm_abi_types *out, const char *text,
                     fvm_store_why *why)
{
    const char *open = strchr(text, '('), *p = open ? open + 1 : NULL;
    in->count = out->count = 0;
    if (!open || open - text > 128)
        return fvm__why(why, FVM_ERR_MALFORMED,
                        "'%.60s' is no signature, as transfer(address,uint256)", text);
    FVM_TRY(read_types(in, &p, why));
    while (*p == ' ') p++;
    if (*p == '(') {
        p++;
        FVM_TRY(read_types(out, &p, why));
    }
    if (*p != '\0') return fvm__why(why, FVM_ERR_MALFORMED, "'%.60s' stands after it", p);
    return hash_signature(hash, text, (size_t)(open - text), in);
}

fvm_err fvm_abi_signature(uint8_t selector[4], fvm_abi_types *in, fvm_abi_types *out,
                          const char *text, fvm_store_why *why)
{
    uint8_t hash[32];
    FVM_TRY(fvm_abi_hash(hash, in, out, text, why));
    memcpy(selector, hash, 4);
    return FVM_OK;
}
