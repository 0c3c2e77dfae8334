/* abi.c - head and tail: a value of fixed size stands in the head, the place of any other one does, and the
 * value itself in the tail. An array is encoded as parameters of its own, after its length if it has
 * none in its type. */
#include "abi.h"

#include "base/text.h"
#include "chain/eth_tx.h"
#include "client.h"
#include "crypto/crypto.h"

#include <ctype.h>
#include <stdlib.h>

#define ELEMENTS_MAX 4096

/* --- types --- */

typedef struct type {
    char base[16]; /* of the elements, if it is an array */
    bool is_array;
    uint64_t fixed; /* length of T[n]; UINT64_MAX: T[] */
} type;

/* Bits or bytes behind the name, `usual` without; 0 when there is something else. */
static unsigned number_behind(const char *name, size_t skip, unsigned usual)
{
    const char *digits = name + skip;
    char *end = NULL;
    if (*digits == '\0') return usual;
    if (!isdigit((unsigned char)*digits) || *digits == '0') return 0;
    unsigned long v = strtoul(digits, &end, 10);
    return *end == '\0' && v <= 256 ? (unsigned)v : 0;
}

static unsigned bits_of(const char *base)
{
    bool is_int = strncmp(base, "int", 3) == 0, is_uint = strncmp(base, "uint", 4) == 0;
    unsigned bits = is_int || is_uint ? number_behind(base, is_uint ? 4 : 3, 256) : 0;
    return bits % 8 == 0 ? bits : 0;
}

/* n of bytesN, 0 for everything else. */
static unsigned fixed_bytes_of(const char *base)
{
    if (strncmp(base, "bytes", 5) != 0 || base[5] == '\0') return 0;
    unsigned n = number_behind(base, 5, 0);
    return n <= 32 ? n : 0;
}

static bool is_dynamic(const char *base)
{
    return strcmp(base, "bytes") == 0 || strcmp(base, "string") == 0;
}

static bool is_elementary(const char *base)
{
    return strcmp(base, "address") == 0 || strcmp(base, "bool") == 0 || is_dynamic(base) ||
           bits_of(base) || fixed_bytes_of(base);
}

static bool take_apart(type *out, const char *text)
{
    const char *bracket = strchr(text, '[');
    size_t n = bracket ? (size_t)(bracket - text) : strlen(text);
    char *end = NULL;
    *out = (type){ .is_array = bracket != NULL, .fixed = UINT64_MAX };
    if (n >= sizeof out->base) return false;
    memcpy(out->base, text, n);
    if (!is_elementary(out->base)) return false;
    if (!bracket || strcmp(bracket, "[]") == 0) return true;
    if (!isdigit((unsigned char)bracket[1])) return false;
    out->fixed = strtoull(bracket + 1, &end, 10);
    return strcmp(end, "]") == 0 && out->fixed > 0 && out->fixed <= ELEMENTS_MAX;
}

fvm_err fvm_abi_add(fvm_abi_types *types, const char *text, fvm_store_why *why)
{
    type t;
    if (types->count == FVM_ABI_PARAMS_MAX)
        return fvm__why(why, FVM_ERR_MALFORMED, "more than %d parameters", FVM_ABI_PARAMS_MAX);
    if (strlen(text) > 20 || !take_apart(&t, text))
        return fvm__why(why, FVM_ERR_MALFORMED,
                        "'%.60s' is no type that is taken here (elementary ones, and arrays of "
                        "these)",
                        text);
    bool bare = strcmp(t.base, "uint") == 0 || strcmp(t.base, "int") == 0;
    size_t n = strlen(t.base);
    (void)snprintf(types->type[types->count++], sizeof types->type[0], "%s%s%s", t.base,
                   bare ? "256" : "", text + n);
    return FVM_OK;
}

/* Types up to the closing bracket; `*text` is behind it afterwards. */
static fvm_err read_types(fvm_abi_types *out, const char **text, fvm_store_why *why)
{
    const char *p = *text;
    char word[40];
    while (*p == ' ') p++;
    if (*p == ')') {
        *text = p + 1;
        return FVM_OK;
    }
    for (;;) {
        size_t n = strcspn(p, ",)"), used = n;
        if (p[n] == '\0' || n >= sizeof word)
            return fvm__why(why, FVM_ERR_MALFORMED, "a bracket or a type is missing");
        memcpy(word, p, n);
        word[n] = '\0';
        char *w = word;
        while (*w == ' ') w++;
        w[strcspn(w, " ")] = '\0'; /* a name after the type does not matter */
        FVM_TRY(fvm_abi_add(out, w, why));
        p += used + 1;
        if (p[-1] == ')') break;
    }
    *text = p;
    return FVM_OK;
}

fvm_err fvm_abi_hash(uint8_t hash[32], fvm_abi_types *in, fvm_abi_types *out, const char *text,
                     fvm_store_why *why)
{
    char canonical[FVM_ABI_PARAMS_MAX * 42 + 200];
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
    int n = snprintf(canonical, sizeof canonical, "%.*s(", (int)(open - text), text);
    for (size_t i = 0; i < in->count; i++)
        n += snprintf(canonical + n, sizeof canonical - (size_t)n, "%s%s", i ? "," : "",
                      in->type[i]);
    n += snprintf(canonical + n, sizeof canonical - (size_t)n, ")");
    fvm_keccak256(hash, (fvm_bytes){ (const uint8_t *)canonical, (size_t)n });
    return FVM_OK;
}

fvm_err fvm_abi_signature(uint8_t selector[4], fvm_abi_types *in, fvm_abi_types *out,
                          const char *text, fvm_store_why *why)
{
    uint8_t hash[32];
    FVM_TRY(fvm_abi_hash(hash, in, out, text, why));
    memcpy(selector, hash, 4);
    return FVM_OK;
}

/* --- encoding --- */

static fvm_err put_word(fvm_buf *out, uint64_t value)
{
    uint8_t word[32] = { 0 };
    fvm_store_be64(word + 24, value);
    return fvm_buf_append(out, (fvm_bytes){ word, 32 });
}

/* Two's complement of the magnitude that wire bytes hold. */
static fvm_err put_number(fvm_buf *out, const char *base, const char *text, fvm_store_why *why)
{
    uint8_t word[32] = { 0 }, wire[FVM_BIG_WIRE_MAX];
    fvm_big v;
    unsigned bits = bits_of(base);
    bool is_signed = base[0] == 'i';
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
        return fvm__why(why, FVM_ERR_RANGE, "%s does not fit %s", text, base);
    if (n) memcpy(word + (33 - n), wire + 1, n - 1);
    /* The highest bit of `bits` is the sign's; only -2^(bits-1) may have it in its magnitude. */
    unsigned top = 0;
    while (top < 256 && !(word[top / 8] >> (7 - top % 8) & 1)) top++;
    unsigned used = 256 - top, lowest = 0;
    while (lowest < 256 && !(word[31 - lowest / 8] >> (lowest % 8) & 1)) lowest++;
    bool is_least = v.negative && used == bits && lowest == bits - 1;
    if (used > bits - (is_signed ? 1 : 0) && !is_least)
        return fvm__why(why, FVM_ERR_RANGE, "%s does not fit %s", text, base);
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

static fvm_err put_bytes(fvm_buf *out, const char *base, const char *text, fvm_store_why *why)
{
    static const uint8_t zero[32] = { 0 };
    unsigned fixed = fixed_bytes_of(base);
    fvm_buf bytes;
    fvm_buf_init(&bytes, NULL);
    fvm_err err = FVM_OK;
    if (strcmp(base, "string") == 0) {
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

static fvm_err put_elementary(fvm_buf *out, const char *base, const char *text, fvm_store_why *why)
{
    if (bits_of(base)) return put_number(out, base, text, why);
    if (strcmp(base, "address") == 0) {
        fvm_address fil;
        fvm_eth_address eth;
        uint8_t word[32] = { 0 };
        if (!fvm_cli_address(&fil, text) || !fvm_eth_address_of_fil(&eth, &fil))
            return fvm__why(why, FVM_ERR_MALFORMED, "'%.100s' is no Ethereum address", text);
        memcpy(word + 12, eth.bytes, 20);
        return fvm_buf_append(out, (fvm_bytes){ word, 32 });
    }
    if (strcmp(base, "bool") == 0) {
        bool yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
        if (!yes && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
            return fvm__why(why, FVM_ERR_MALFORMED, "'%.60s' is neither true nor false", text);
        return put_word(out, yes);
    }
    return put_bytes(out, base, text, why);
}

/* Head and tail of values that are all of elementary types. */
static fvm_err put_sequence(fvm_buf *out, const char *base, char **values, size_t count,
                            fvm_store_why *why)
{
    fvm_buf tail;
    fvm_buf_init(&tail, NULL);
    fvm_err err = FVM_OK;
    for (size_t i = 0; i < count && err == FVM_OK; i++) {
        if (is_dynamic(base)) err = put_word(out, 32 * count + tail.len);
        if (err == FVM_OK)
            err = put_elementary(is_dynamic(base) ? &tail : out, base, values[i], why);
    }
    if (err == FVM_OK) err = fvm_buf_append(out, fvm_buf_bytes(&tail));
    fvm_buf_deinit(&tail);
    return err;
}

/* Cuts "[a,b,c]" in place; `values` has room for ELEMENTS_MAX. */
static bool split(char **values, size_t *count, char *text)
{
    size_t n = strlen(text);
    *count = 0;
    if (n < 2 || text[0] != '[' || text[n - 1] != ']') return false;
    text[n - 1] = '\0';
    char *p = text + 1;
    while (*p == ' ') p++;
    if (*p == '\0') return true;
    for (;;) {
        size_t len = strcspn(p, ",");
        bool more = p[len] == ',';
        if (*count == ELEMENTS_MAX) return false;
        values[(*count)++] = p;
        char *end = p + len;
        *end = '\0';
        while (end > p && end[-1] == ' ') *--end = '\0';
        if (!more) return true;
        p += len + 1;
        while (*p == ' ') p++;
    }
}

static fvm_err put_array(fvm_buf *out, const type *t, const char *text, fvm_store_why *why)
{
    size_t count = 0;
    char *copy = strdup(text), **values = calloc(ELEMENTS_MAX, sizeof *values);
    fvm_err err = copy && values ? FVM_OK : FVM_ERR_NOMEM;
    if (err == FVM_OK && !split(values, &count, copy))
        err = fvm__why(why, FVM_ERR_MALFORMED, "'%.60s' is no list, as [1,2,3]", text);
    if (err == FVM_OK && t->fixed != UINT64_MAX && count != t->fixed)
        err = fvm__why(why, FVM_ERR_MALFORMED, "%.60s has %zu elements, not %llu", text, count,
                       (unsigned long long)t->fixed);
    if (err == FVM_OK && t->fixed == UINT64_MAX) err = put_word(out, count);
    if (err == FVM_OK) err = put_sequence(out, t->base, values, count, why);
    free(values);
    free(copy);
    return err;
}

/* Bytes in the head: a place for what is dynamic, else the value. */
static size_t head_size(const type *t)
{
    bool dynamic = is_dynamic(t->base) || (t->is_array && t->fixed == UINT64_MAX);
    return dynamic || !t->is_array ? 32 : 32 * (size_t)t->fixed;
}

fvm_err fvm_abi_encode(fvm_buf *out, const fvm_abi_types *types, char **values, size_t count,
                       fvm_store_why *why)
{
    fvm_buf tail;
    size_t head = 0;
    type t;
    if (count != types->count)
        return fvm__why(why, FVM_ERR_MALFORMED, "%zu values, but %zu parameters", count,
                        types->count);
    for (size_t i = 0; i < count; i++)
        if (take_apart(&t, types->type[i])) head += head_size(&t);
    fvm_buf_init(&tail, NULL);
    fvm_err err = FVM_OK;
    for (size_t i = 0; i < count && err == FVM_OK; i++) {
        (void)take_apart(&t, types->type[i]); /* it did before */
        bool dynamic = is_dynamic(t.base) || (t.is_array && t.fixed == UINT64_MAX);
        if (dynamic) err = put_word(out, head + tail.len);
        fvm_buf *to = dynamic ? &tail : out;
        if (err == FVM_OK)
            err = t.is_array ? put_array(to, &t, values[i], why)
                             : put_elementary(to, t.base, values[i], why);
    }
    if (err == FVM_OK) err = fvm_buf_append(out, fvm_buf_bytes(&tail));
    fvm_buf_deinit(&tail);
    return err;
}

/* --- decoding --- */

static bool word_at(const uint8_t **out, fvm_bytes data, uint64_t at)
{
    if (at > data.len || data.len - at < 32) return false;
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

static json_t *elementary_json(const char *base, fvm_bytes data, uint64_t at)
{
    const uint8_t *word;
    uint64_t len;
    unsigned fixed = fixed_bytes_of(base);
    if (is_dynamic(base)) {
        if (!size_at(&len, data, at) || data.len - at - 32 < len) return NULL;
        fvm_bytes bytes = { data.ptr + at + 32, (size_t)len };
        return strcmp(base, "string") == 0 ? fvm_json_from_bytes(bytes)
                                           : fvm_client_hex_json(bytes);
    }
    if (!word_at(&word, data, at)) return NULL;
    if (fixed) return fvm_client_hex_json((fvm_bytes){ word, fixed });
    if (bits_of(base)) return number_json(word, base[0] == 'i');
    if (strcmp(base, "bool") == 0) return json_boolean(word[31] != 0);
    fvm_eth_address eth;
    char text[FVM_ETH_ADDRESS_TEXT];
    memcpy(eth.bytes, word + 12, 20);
    fvm_eth_address_to_text(text, &eth, true);
    return json_string(text);
}

/* Element `i` of a sequence that begins at `at`. */
static json_t *element_json(const char *base, fvm_bytes data, uint64_t at, uint64_t i)
{
    uint64_t place;
    if (!is_dynamic(base)) return elementary_json(base, data, at + 32 * i);
    if (at > data.len || !size_at(&place, data, at + 32 * i)) return NULL;
    return elementary_json(base, data, at + place);
}

static json_t *value_json(const type *t, fvm_bytes data, uint64_t at)
{
    uint64_t count = t->fixed;
    bool dynamic = is_dynamic(t->base) || (t->is_array && t->fixed == UINT64_MAX);
    if (dynamic && !size_at(&at, data, at)) return NULL;
    if (!t->is_array) return elementary_json(t->base, data, at);
    if (count == UINT64_MAX) {
        if (!size_at(&count, data, at)) return NULL;
        at += 32;
    }
    if (count > data.len / 32) return NULL; /* each element takes a word at least */
    json_t *list = json_array();
    for (uint64_t i = 0; i < count; i++) {
        if (json_array_append_new(list, element_json(t->base, data, at, i)) == 0) continue;
        json_decref(list);
        return NULL;
    }
    return list;
}

fvm_err fvm_abi_decode(json_t **out, const fvm_abi_types *types, fvm_bytes data)
{
    json_t *list = json_array();
    uint64_t at = 0;
    if (!list) return FVM_ERR_NOMEM;
    for (size_t i = 0; i < types->count; i++) {
        type t;
        if (!take_apart(&t, types->type[i]) ||
            json_array_append_new(list, value_json(&t, data, at)) != 0) {
            json_decref(list);
            return FVM_ERR_MALFORMED;
        }
        at += head_size(&t);
    }
    *out = list;
    return FVM_OK;
}
