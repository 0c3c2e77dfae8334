/* cmd_actor_value.c - values of test scripts: CBOR's diagnostic notation both ways. */
#include "cmd_actor.h"

#include "base/text.h"
#include "ipld/cbor.h"

#include <ctype.h>
#include <inttypes.h>

#define DEPTH_MAX 16

static void skip_space(fvm_bytes *in)
{
    while (in->len && isspace(*in->ptr)) in->ptr++, in->len--;
}

static bool take_char(fvm_bytes *in, char c)
{
    skip_space(in);
    if (in->len == 0 || *in->ptr != (uint8_t)c) return false;
    in->ptr++, in->len--;
    return true;
}

static fvm_bytes take_word(fvm_bytes *in)
{
    fvm_bytes word = { in->ptr, 0 };
    while (in->len && (isalnum(*in->ptr) || *in->ptr == '_' || *in->ptr == '-' || *in->ptr == '.'))
        in->ptr++, in->len--, word.len++;
    return word;
}

static fvm_err quoted(fvm_bytes *out, fvm_bytes *in, char quote)
{
    *out = (fvm_bytes){ in->ptr, 0 };
    while (out->len < in->len && in->ptr[out->len] != (uint8_t)quote) out->len++;
    if (out->len == in->len) return FVM_ERR_MALFORMED;
    in->ptr += out->len + 1;
    in->len -= out->len + 1;
    return FVM_OK;
}

static fvm_err put_token(fvm_buf *out, fvm_bytes digits, bool fil)
{
    uint8_t wire[FVM_BIG_WIRE_MAX];
    fvm_big amount;
    FVM_TRY(fvm_big_from_text(&amount, digits));
    if (fil) FVM_TRY(fvm_big_mul_u64(&amount, &amount, UINT64_C(1000000000000000000)));
    size_t len = fvm_big_write(wire, &amount);
    if (len > sizeof wire) return FVM_ERR_RANGE;
    return fvm_cbor_put_bytes(out, (fvm_bytes){ wire, len });
}

static bool ends(fvm_bytes *word, const char *end)
{
    size_t n = strlen(end);
    if (word->len <= n || memcmp(word->ptr + word->len - n, end, n) != 0) return false;
    word->len -= n;
    return true;
}

static fvm_err put_number(fvm_buf *out, fvm_bytes word)
{
    fvm_big v;
    uint64_t hi, lo;
    if (ends(&word, "FIL")) return put_token(out, word, true);
    if (ends(&word, "atto")) return put_token(out, word, false);
    FVM_TRY(fvm_big_from_text(&v, word));
    bool negative = fvm_big_sign(&v) < 0;
    fvm_big one = fvm_big_u64(1);
    if (negative) {
        FVM_TRY(fvm_big_add(&v, &v, &one)); /* CBOR has -1 - n */
        v.negative = false;
    }
    if (!fvm_big_to_u128(&hi, &lo, &v) || hi) return FVM_ERR_RANGE;
    if (!negative) return fvm_cbor_put_uint(out, lo);
    if (lo > INT64_MAX) return FVM_ERR_RANGE;
    return fvm_cbor_put_int(out, -1 - (int64_t)lo);
}

static fvm_err put_name(fvm_buf *out, fvm_bytes word, const fvm_actor_names *names)
{
    bool key = ends(&word, ".key"), number = !key && ends(&word, ".id");
    for (size_t i = 0; i < names->count; i++) {
        if (!fvm_bytes_eq(word, fvm_bytes_of(names->name[i]))) continue;
        if (number) return fvm_cbor_put_uint(out, names->id[i]);
        fvm_address id = fvm_address_id(names->id[i]);
        const fvm_address *a = key ? &names->address[i] : &id;
        return fvm_cbor_put_bytes(out, (fvm_bytes){ a->bytes, a->len });
    }
    return FVM_ERR_NOT_FOUND;
}

static fvm_err value(fvm_buf *out, fvm_bytes *in, const fvm_actor_names *names, unsigned depth);

/* The items up to `close`, each followed by a comma or that; in a map also the ones behind colons.
 * Their number is known only at the end, so they are collected first. */
static fvm_err container(fvm_buf *out, fvm_bytes *in, const fvm_actor_names *names, unsigned depth,
                         char close)
{
    fvm_buf items;
    fvm_err err = FVM_OK;
    uint64_t count = 0;
    fvm_buf_init(&items, NULL);
    while (err == FVM_OK && !take_char(in, close)) {
        if (count && !take_char(in, ',')) err = FVM_ERR_MALFORMED;
        if (err == FVM_OK) err = value(&items, in, names, depth);
        if (err == FVM_OK && close == '}') {
            err = take_char(in, ':') ? value(&items, in, names, depth) : FVM_ERR_MALFORMED;
        }
        count++;
    }
    if (err == FVM_OK)
        err = close == ']' ? fvm_cbor_put_array(out, count) : fvm_cbor_put_map(out, count);
    if (err == FVM_OK) err = fvm_buf_append(out, fvm_buf_bytes(&items));
    fvm_buf_deinit(&items);
    return err;
}

static fvm_err value(fvm_buf *out, fvm_bytes *in, const fvm_actor_names *names, unsigned depth)
{
    fvm_bytes word;
    if (depth == DEPTH_MAX) return FVM_ERR_DEPTH;
    if (take_char(in, '[')) return container(out, in, names, depth + 1, ']');
    if (take_char(in, '{')) return container(out, in, names, depth + 1, '}');
    if (take_char(in, '"')) {
        FVM_TRY(quoted(&word, in, '"'));
        return fvm_cbor_put_text(out, word);
    }
    if (take_char(in, '@')) return put_name(out, take_word(in), names);
    word = take_word(in);
    if (fvm_bytes_eq(word, FVM_STR("h")) && in->len && *in->ptr == '\'') {
        fvm_buf bytes;
        in->ptr++, in->len--;
        FVM_TRY(quoted(&word, in, '\''));
        fvm_buf_init(&bytes, NULL);
        fvm_err err = fvm_hex_decode(&bytes, word);
        if (err == FVM_OK) err = fvm_cbor_put_bytes(out, fvm_buf_bytes(&bytes));
        fvm_buf_deinit(&bytes);
        return err;
    }
    if (fvm_bytes_eq(word, FVM_STR("true"))) return fvm_cbor_put_bool(out, true);
    if (fvm_bytes_eq(word, FVM_STR("false"))) return fvm_cbor_put_bool(out, false);
    if (fvm_bytes_eq(word, FVM_STR("null"))) return fvm_cbor_put_null(out);
    return put_number(out, word);
}

fvm_err fvm_actor_value(fvm_buf *out, fvm_bytes *text, const fvm_actor_names *names)
{
    return value(out, text, names, 0);
}

/* --- the other way --- */

static fvm_err put_text(fvm_buf *out, const char *text)
{
    return fvm_buf_append(out, fvm_bytes_of(text));
}

static fvm_err put_hex(fvm_buf *out, fvm_bytes bytes)
{
    FVM_TRY(put_text(out, "h'"));
    FVM_TRY(fvm_hex_encode(out, bytes));
    return put_text(out, "'");
}

static fvm_err item(fvm_buf *out, fvm_bytes *in, unsigned depth);

static fvm_err items(fvm_buf *out, fvm_bytes *in, uint64_t count, bool pairs, unsigned depth)
{
    FVM_TRY(put_text(out, pairs ? "{" : "["));
    for (uint64_t i = 0; i < count; i++) {
        if (i) FVM_TRY(put_text(out, ", "));
        FVM_TRY(item(out, in, depth));
        if (!pairs) continue;
        FVM_TRY(put_text(out, ": "));
        FVM_TRY(item(out, in, depth));
    }
    return put_text(out, pairs ? "}" : "]");
}

static fvm_err item(fvm_buf *out, fvm_bytes *in, unsigned depth)
{
    char number[32];
    uint8_t major;
    uint64_t v;
    fvm_bytes bytes;
    if (depth == DEPTH_MAX) return FVM_ERR_DEPTH;
    FVM_TRY(fvm_cbor_head(&major, &v, in));
    (void)snprintf(number, sizeof number, "%" PRIu64, v);
    switch (major) {
    case 0: return put_text(out, number);
    case 1:
        if (v > INT64_MAX) return FVM_ERR_RANGE;
        (void)snprintf(number, sizeof number, "%" PRId64, -1 - (int64_t)v);
        return put_text(out, number);
    case 2: FVM_TRY(fvm_bytes_take(&bytes, in, v)); return put_hex(out, bytes);
    case 3:
        FVM_TRY(fvm_bytes_take(&bytes, in, v));
        FVM_TRY(put_text(out, "\""));
        FVM_TRY(fvm_buf_append(out, bytes));
        return put_text(out, "\"");
    case 4: return items(out, in, v, false, depth + 1);
    case 5: return items(out, in, v, true, depth + 1);
    case 6:
        FVM_TRY(put_text(out, number));
        FVM_TRY(put_text(out, "("));
        FVM_TRY(item(out, in, depth + 1));
        return put_text(out, ")");
    default: break;
    }
    if (v == 20) return put_text(out, "false");
    if (v == 21) return put_text(out, "true");
    return v == 22 ? put_text(out, "null") : FVM_ERR_MALFORMED;
}

fvm_err fvm_actor_notation(fvm_buf *out, fvm_bytes cbor)
{
    size_t start = out->len;
    fvm_bytes in = cbor;
    fvm_err err = item(out, &in, 0);
    if (err == FVM_ERR_NOMEM) return err;
    if (err == FVM_OK && in.len == 0) return FVM_OK;
    out->len = start;
    return put_hex(out, cbor);
}
