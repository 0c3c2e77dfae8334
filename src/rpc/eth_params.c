/* eth_params.c - see eth_params.h. */
#include "eth_params.h"

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool strip_0x(fvm_bytes *text)
{
    if (text->len < 2 || text->ptr[0] != '0' || (text->ptr[1] | 32) != 'x') return false;
    *text = (fvm_bytes){ text->ptr + 2, text->len - 2 };
    return true;
}

/* --- numbers --- */

/* Big endian words of 64 bits out of hexadecimal digits; false when it is not, or too long. */
static bool hex_number(uint64_t limbs[4], fvm_bytes digits)
{
    memset(limbs, 0, 4 * sizeof limbs[0]);
    while (digits.len && digits.ptr[0] == '0') digits.ptr++, digits.len--;
    if (digits.len > 64) return false;
    for (size_t i = 0; i < digits.len; i++) {
        int d = hex_digit(digits.ptr[digits.len - 1 - i]);
        if (d < 0) return false;
        limbs[i / 16] |= (uint64_t)d << 4 * (i % 16);
    }
    return true;
}

bool fvm_rpc_u256(fvm_big *out, const json_t *value)
{
    fvm_bytes text;
    uint64_t limbs[4];
    if (json_is_integer(value)) {
        if (json_integer_value(value) < 0) return false;
        *out = fvm_big_u64((uint64_t)json_integer_value(value));
        return true;
    }
    if (!fvm_rpc_json_text(&text, value) || !text.len) return false;
    if (!strip_0x(&text)) {
        fvm_big v;
        if (text.ptr[0] == '-' || text.len > 78 || fvm_big_from_text(&v, text) != FVM_OK)
            return false;
        uint8_t word[32];
        if (!fvm_rpc_word_of_big(word, &v)) return false;
        *out = v;
        return true;
    }
    if (!hex_number(limbs, text)) return false;
    *out = fvm_big_zero();
    for (uint8_t i = 0; i < 4; i++) {
        out->limb[i] = limbs[i];
        if (limbs[i]) out->count = (uint8_t)(i + 1);
    }
    return true;
}

bool fvm_rpc_u64(uint64_t *out, const json_t *value)
{
    fvm_big v;
    if (!fvm_rpc_u256(&v, value) || v.count > 1) return false;
    *out = v.count ? v.limb[0] : 0;
    return true;
}

bool fvm_rpc_i64(int64_t *out, const json_t *value)
{
    uint64_t v;
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    if (!fvm_rpc_u64(&v, value) || v > INT64_MAX) return false;
    *out = (int64_t)v;
    return true;
}

bool fvm_rpc_bool(bool *out, const json_t *value)
{
    if (!json_is_boolean(value)) return false;
    *out = json_is_true(value);
    return true;
}

bool fvm_rpc_word_of_big(uint8_t out[32], const fvm_big *v)
{
    if (v->negative || v->count > 4) return false;
    for (size_t i = 0; i < 4; i++) fvm_store_be64(out + 8 * (3 - i), i < v->count ? v->limb[i] : 0);
    return true;
}

fvm_big fvm_rpc_big_of_word(const uint8_t word[32])
{
    fvm_big v = fvm_big_zero();
    for (uint8_t i = 0; i < 4; i++) {
        v.limb[i] = fvm_load_be64(word + 8 * (3 - i));
        if (v.limb[i]) v.count = (uint8_t)(i + 1);
    }
    return v;
}

/* --- bytes --- */

/* Digits, an odd number of which lack a zero in front, to bytes at `out` (room for half, rounded up). */
static bool hex_bytes(uint8_t *out, fvm_bytes digits)
{
    size_t odd = digits.len % 2, at = 0;
    if (odd) {
        int d = hex_digit(digits.ptr[0]);
        if (d < 0) return false;
        out[at++] = (uint8_t)d;
    }
    for (size_t i = odd; i < digits.len; i += 2) {
        int hi = hex_digit(digits.ptr[i]), lo = hex_digit(digits.ptr[i + 1]);
        if (hi < 0 || lo < 0) return false;
        out[at++] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}

fvm_err fvm_rpc_bytes(fvm_buf *out, const json_t *value)
{
    fvm_bytes text;
    if (!fvm_rpc_json_text(&text, value)) return FVM_ERR_MALFORMED;
    if (!strip_0x(&text)) return text.len ? FVM_ERR_MALFORMED : FVM_OK;
    size_t n = (text.len + 1) / 2;
    FVM_TRY(fvm_buf_reserve(out, n + 1));
    if (!hex_bytes(out->ptr + out->len, text)) return FVM_ERR_MALFORMED;
    out->len += n;
    return FVM_OK;
}

bool fvm_rpc_fixed(uint8_t *out, size_t n, const json_t *value, bool shorter)
{
    fvm_bytes text;
    uint8_t bytes[64];
    if (!fvm_rpc_json_text(&text, value) || !strip_0x(&text)) return false;
    size_t len = (text.len + 1) / 2;
    if (len > n || len > sizeof bytes || (len < n && !shorter)) return false;
    if (!shorter && text.len % 2) return false;
    if (!hex_bytes(bytes, text)) return false;
    memset(out, 0, n - len);
    memcpy(out + n - len, bytes, len);
    return true;
}

/* --- blocks --- */

static bool read_tag(fvm_rpc_block *out, fvm_bytes text)
{
    static const struct {
        const char *tag;
        fvm_rpc_block_kind kind;
    } tags[] = { { "latest", FVM_RPC_BLOCK_LATEST },       { "pending", FVM_RPC_BLOCK_PENDING },
                 { "earliest", FVM_RPC_BLOCK_EARLIEST },   { "safe", FVM_RPC_BLOCK_SAFE },
                 { "finalized", FVM_RPC_BLOCK_FINALIZED }, { "", FVM_RPC_BLOCK_LATEST } };
    for (size_t i = 0; i < FVM_COUNT(tags); i++) {
        if (!fvm_bytes_eq(text, fvm_bytes_of(tags[i].tag))) continue;
        out->kind = tags[i].kind;
        return true;
    }
    return false;
}

bool fvm_rpc_block_read(fvm_rpc_block *out, const json_t *value)
{
    fvm_bytes text;
    memset(out, 0, sizeof *out);
    if (!value || json_is_null(value)) return true;
    if (json_is_object(value)) { /* EIP-1898; one chain has no other canonical blocks */
        const json_t *hash = fvm_rpc_json_get(value, "blockHash");
        const json_t *number = fvm_rpc_json_get(value, "blockNumber");
        if (!hash == !number) return false;
        if (hash) {
            out->kind = FVM_RPC_BLOCK_HASH;
            return fvm_rpc_fixed(out->hash, 32, hash, false);
        }
        return !json_is_object(number) && fvm_rpc_block_read(out, number);
    }
    if (fvm_rpc_json_text(&text, value)) {
        if (read_tag(out, text)) return true;
        if (text.len == 66) {
            out->kind = FVM_RPC_BLOCK_HASH;
            return fvm_rpc_fixed(out->hash, 32, value, false);
        }
    }
    out->kind = FVM_RPC_BLOCK_NUMBER;
    return fvm_rpc_u64(&out->number, value) && out->number <= INT64_MAX;
}

/* --- parameters --- */

fvm_err fvm_rpc_get_u64(fvm_rpc_call *call, size_t i, uint64_t *out)
{
    return fvm_rpc_u64(out, fvm_rpc_param(call, i)) ? FVM_OK
                                                    : fvm_rpc_bad_param(call, i, "not a quantity");
}

fvm_err fvm_rpc_get_u256(fvm_rpc_call *call, size_t i, fvm_big *out)
{
    return fvm_rpc_u256(out, fvm_rpc_param(call, i)) ? FVM_OK
                                                     : fvm_rpc_bad_param(call, i, "not a quantity");
}

fvm_err fvm_rpc_get_bool(fvm_rpc_call *call, size_t i, bool *out)
{
    return fvm_rpc_bool(out, fvm_rpc_param(call, i)) ? FVM_OK
                                                     : fvm_rpc_bad_param(call, i, "not a boolean");
}

fvm_err fvm_rpc_get_bytes(fvm_rpc_call *call, size_t i, fvm_buf *out)
{
    fvm_err err = fvm_rpc_bytes(out, fvm_rpc_param(call, i));
    return err == FVM_ERR_MALFORMED ? fvm_rpc_bad_param(call, i, "not bytes in hex with 0x") : err;
}

fvm_err fvm_rpc_get_hash(fvm_rpc_call *call, size_t i, uint8_t out[32])
{
    return fvm_rpc_fixed(out, 32, fvm_rpc_param(call, i), false)
               ? FVM_OK
               : fvm_rpc_bad_param(call, i, "not a hash of 32 bytes");
}

fvm_err fvm_rpc_get_eth_address(fvm_rpc_call *call, size_t i, fvm_eth_address *out)
{
    return fvm_rpc_eth_address(out, fvm_rpc_param(call, i))
               ? FVM_OK
               : fvm_rpc_bad_param(call, i, "not an address of 20 bytes");
}

fvm_err fvm_rpc_get_block(fvm_rpc_call *call, size_t i, fvm_rpc_block *out)
{
    return fvm_rpc_block_read(out, fvm_rpc_param(call, i))
               ? FVM_OK
               : fvm_rpc_bad_param(call, i, "not a block number, hash or tag");
}

fvm_err fvm_rpc_get_text(fvm_rpc_call *call, size_t i, fvm_bytes *out)
{
    return fvm_rpc_json_text(out, fvm_rpc_param(call, i))
               ? FVM_OK
               : fvm_rpc_bad_param(call, i, "not a string");
}

/* --- call objects --- */

static fvm_err bad_field(fvm_rpc_call *call, const char *name)
{
    return fvm_rpc_fail(call, FVM_RPC_PARAMS, "invalid argument: field '%s' of the transaction",
                        name);
}

static fvm_err read_address(fvm_rpc_call *call, bool *has, fvm_eth_address *out,
                            const json_t *object, const char *name)
{
    const json_t *v = fvm_rpc_json_get(object, name);
    fvm_bytes text;
    if (!v || (fvm_rpc_json_text(&text, v) && (text.len == 0 || fvm_bytes_eq(text, FVM_STR("0x")))))
        return FVM_OK;
    *has = true;
    return fvm_rpc_eth_address(out, v) ? FVM_OK : bad_field(call, name);
}

static fvm_err read_u64(fvm_rpc_call *call, bool *has, uint64_t *out, const json_t *object,
                        const char *name)
{
    const json_t *v = fvm_rpc_json_get(object, name);
    if (!v) return FVM_OK;
    *has = true;
    return fvm_rpc_u64(out, v) ? FVM_OK : bad_field(call, name);
}

static fvm_err read_big(fvm_rpc_call *call, bool *has, fvm_big *out, const json_t *object,
                        const char *name)
{
    const json_t *v = fvm_rpc_json_get(object, name);
    if (!v) return FVM_OK;
    *has = true;
    return fvm_rpc_u256(out, v) ? FVM_OK : bad_field(call, name);
}

/* `input` wins over `data`. */
static fvm_err read_input(fvm_rpc_call *call, fvm_buf *out, const json_t *object)
{
    const json_t *v = fvm_rpc_json_get(object, "input");
    if (!v) v = fvm_rpc_json_get(object, "data");
    if (!v) return FVM_OK;
    fvm_err err = fvm_rpc_bytes(out, v);
    return err == FVM_ERR_MALFORMED ? bad_field(call, "input") : err;
}

/* Access lists, blobs, delegations: a call may name them, as nothing depends on them. */
static const char *foreign_field(const json_t *object)
{
    static const char *const names[] = { "accessList", "blobVersionedHashes", "blobs",
                                         "maxFeePerBlobGas", "authorizationList" };
    for (size_t i = 0; i < FVM_COUNT(names); i++) {
        const json_t *v = fvm_rpc_json_get(object, names[i]);
        if (v && !(json_is_array(v) && json_array_size(v) == 0)) return names[i];
    }
    return NULL;
}

fvm_err fvm_rpc_tx_request_read(fvm_rpc_call *call, fvm_rpc_tx_request *r, const json_t *v)
{
    memset(r, 0, sizeof *r);
    fvm_buf_init(&r->input, call->alloc);
    if (!json_is_object(v))
        return fvm_rpc_fail(call, FVM_RPC_PARAMS, "invalid argument: the transaction is no object");
    FVM_TRY(read_address(call, &r->has_from, &r->from, v, "from"));
    FVM_TRY(read_address(call, &r->has_to, &r->to, v, "to"));
    FVM_TRY(read_u64(call, &r->has_gas, &r->gas, v, "gas"));
    FVM_TRY(read_u64(call, &r->has_nonce, &r->nonce, v, "nonce"));
    FVM_TRY(read_u64(call, &r->has_chain_id, &r->chain_id, v, "chainId"));
    FVM_TRY(read_u64(call, &r->has_type, &r->type, v, "type"));
    r->foreign = foreign_field(v);
    FVM_TRY(read_big(call, &r->has_gas_price, &r->gas_price, v, "gasPrice"));
    FVM_TRY(read_big(call, &r->has_max_fee, &r->max_fee, v, "maxFeePerGas"));
    FVM_TRY(read_big(call, &r->has_priority, &r->priority, v, "maxPriorityFeePerGas"));
    FVM_TRY(read_big(call, &r->has_value, &r->value, v, "value"));
    return read_input(call, &r->input, v);
}

void fvm_rpc_tx_request_deinit(fvm_rpc_tx_request *r)
{
    fvm_buf_deinit(&r->input);
}
