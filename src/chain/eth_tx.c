/* eth_tx.c - raw Ethereum transactions: bytes, hashes, signatures. */
#include "chain/eth_internal.h"
#include "chain/eth_rlp.h"
#include "crypto/crypto.h"

#define TYPE_1559 0x02

/* Order of secp256k1's group, and half of it rounded down: EIP-2 takes no s above that, since (r, n-s)
 * signs the same. */
static const uint8_t order[32] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
};
static const uint8_t half_order[32] = {
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
};

static bool is_zero(const uint8_t v[32])
{
    static const uint8_t zero[32] = { 0 };
    return memcmp(v, zero, 32) == 0;
}

static bool fits_u256(const fvm_big *v)
{
    return fvm_big_sign(v) >= 0 && v->count <= 4;
}

fvm_err fvm__eth_check(const fvm_eth_tx *tx, bool is_signed, const char **why)
{
    if (!fits_u256(&tx->max_fee) || !fits_u256(&tx->max_priority_fee) || !fits_u256(&tx->value))
        return fvm__say(why, FVM_ERR_RANGE, "an amount is negative or over 256 bits");
    if (fvm_big_cmp(&tx->max_priority_fee, &tx->max_fee) > 0)
        return fvm__say(why, FVM_ERR_RANGE, "max priority fee per gas higher than max fee per gas");
    if (tx->gas_limit > INT64_MAX) return fvm__say(why, FVM_ERR_RANGE, "gas limit over 2^63 - 1");
    if (tx->nonce == UINT64_MAX) /* EIP-2681 */
        return fvm__say(why, FVM_ERR_RANGE, "nonce over 2^64 - 2");
    if (!is_signed) return FVM_OK;
    if (is_zero(tx->r) || memcmp(tx->r, order, 32) >= 0 || is_zero(tx->s) ||
        memcmp(tx->s, half_order, 32) > 0)
        return fvm__say(why, FVM_ERR_RANGE, "invalid signature: r or s out of range (EIP-2)");
    return FVM_OK;
}

uint64_t fvm_eth_tx_v(const fvm_eth_tx *tx)
{
    if (tx->kind == FVM_ETH_HOMESTEAD) return 27 + (uint64_t)tx->y_odd;
    if (tx->kind == FVM_ETH_EIP155) return 35 + 2 * tx->chain_id + (uint64_t)tx->y_odd;
    return tx->y_odd;
}

/* --- reading --- */

static fvm_err read_to(fvm_eth_tx *tx, fvm_bytes *in)
{
    fvm_bytes raw;
    FVM_TRY(fvm_rlp_bytes_read(&raw, in));
    if (raw.len != 0 && raw.len != 20) return FVM_ERR_MALFORMED;
    tx->creates = raw.len == 0;
    if (raw.len) memcpy(tx->to.bytes, raw.ptr, 20);
    return FVM_OK;
}

/* r or s: a number, kept as 32 bytes. */
static fvm_err read_scalar(uint8_t out[32], fvm_bytes *in)
{
    fvm_bytes raw;
    FVM_TRY(fvm_rlp_bytes_read(&raw, in));
    if (raw.len && raw.ptr[0] == 0) return FVM_ERR_MALFORMED;
    if (raw.len > 32) return FVM_ERR_RANGE;
    memset(out, 0, 32);
    if (raw.len) memcpy(out + 32 - raw.len, raw.ptr, raw.len);
    return FVM_OK;
}

/* Gas limit, receiver, value, input: the middle of every kind. */
static fvm_err read_middle(fvm_eth_tx *tx, fvm_bytes *in)
{
    FVM_TRY(fvm_rlp_u64_read(&tx->gas_limit, in));
    FVM_TRY(read_to(tx, in));
    FVM_TRY(fvm_rlp_u256_read(&tx->value, in));
    return fvm_rlp_bytes_read(&tx->input, in);
}

static fvm_err read_end(fvm_eth_tx *tx, fvm_bytes *in)
{
    FVM_TRY(read_scalar(tx->r, in));
    FVM_TRY(read_scalar(tx->s, in));
    return in->len ? FVM_ERR_TRAILING : FVM_OK;
}

static fvm_err read_1559(fvm_eth_tx *tx, fvm_bytes in, const char **why)
{
    fvm_bytes access;
    uint64_t y;
    tx->kind = FVM_ETH_EIP1559;
    FVM_TRY(fvm_rlp_u64_read(&tx->chain_id, &in));
    FVM_TRY(fvm_rlp_u64_read(&tx->nonce, &in));
    FVM_TRY(fvm_rlp_u256_read(&tx->max_priority_fee, &in));
    FVM_TRY(fvm_rlp_u256_read(&tx->max_fee, &in));
    FVM_TRY(read_middle(tx, &in));
    FVM_TRY(fvm_rlp_list_read(&access, &in));
    if (access.len) return fvm__say(why, FVM_ERR_INVALID, "access lists are not supported");
    FVM_TRY(fvm_rlp_u64_read(&y, &in));
    if (y > 1) return fvm__say(why, FVM_ERR_RANGE, "invalid signature: y parity is not 0 or 1");
    tx->y_odd = y == 1;
    return read_end(tx, &in);
}

static fvm_err read_legacy(fvm_eth_tx *tx, fvm_bytes in, const char **why)
{
    uint64_t v;
    FVM_TRY(fvm_rlp_u64_read(&tx->nonce, &in));
    FVM_TRY(fvm_rlp_u256_read(&tx->max_fee, &in));
    tx->max_priority_fee = tx->max_fee;
    FVM_TRY(read_middle(tx, &in));
    FVM_TRY(fvm_rlp_u64_read(&v, &in));
    if (v == 27 || v == 28) {
        tx->kind = FVM_ETH_HOMESTEAD;
        tx->y_odd = v == 28;
    } else if (v >= 35) {
        tx->kind = FVM_ETH_EIP155;
        tx->chain_id = (v - 35) / 2;
        tx->y_odd = v % 2 == 0;
    } else {
        return fvm__say(why, FVM_ERR_RANGE, "invalid signature: v is not 27, 28 or from 35 on");
    }
    return read_end(tx, &in);
}

static fvm_err read_any(fvm_eth_tx *tx, fvm_bytes raw, const char **why)
{
    fvm_bytes items, type;
    if (raw.len == 0) return fvm__say(why, FVM_ERR_TRUNCATED, "empty transaction");
    uint8_t first = raw.ptr[0];
    if (first < 0xc0) {
        FVM_TRY(fvm_bytes_take(&type, &raw, 1));
        switch (first) {
        case 0x01:
            return fvm__say(why, FVM_ERR_INVALID,
                            "transaction type 1 (EIP-2930, access list) is not supported");
        case TYPE_1559: break;
        case 0x03:
            return fvm__say(why, FVM_ERR_INVALID,
                            "transaction type 3 (EIP-4844, blobs) is not supported");
        case 0x04:
            return fvm__say(why, FVM_ERR_INVALID,
                            "transaction type 4 (EIP-7702, set code) is not supported");
        default: return fvm__say(why, FVM_ERR_INVALID, "unknown transaction type");
        }
    }
    FVM_TRY(fvm_rlp_list_read(&items, &raw));
    if (raw.len) return FVM_ERR_TRAILING;
    return first < 0xc0 ? read_1559(tx, items, why) : read_legacy(tx, items, why);
}

fvm_err fvm_eth_tx_read(fvm_eth_tx *out, fvm_bytes raw, const char **why)
{
    fvm_eth_tx tx = { 0 };
    const char *words = NULL;
    fvm_err err = read_any(&tx, raw, &words);
    if (err == FVM_OK) err = fvm__eth_check(&tx, true, &words);
    if (err == FVM_OK) {
        *out = tx;
        return FVM_OK;
    }
    if (!words) {
        words = err == FVM_ERR_TRUNCATED  ? "transaction ends too early (RLP)"
                : err == FVM_ERR_TRAILING ? "more bytes or fields than a transaction has (RLP)"
                                          : "a field of the transaction has the wrong form (RLP)";
    }
    return fvm__say(why, err, words);
}

/* --- writing --- */

/* The fields up to the input, with the type's byte before; what is signed goes on differently from what is
 * sent. */
static fvm_err write_front(fvm_buf *out, const fvm_eth_tx *tx)
{
    if (tx->kind == FVM_ETH_EIP1559) FVM_TRY(fvm_rlp_u64_write(out, tx->chain_id));
    FVM_TRY(fvm_rlp_u64_write(out, tx->nonce));
    if (tx->kind == FVM_ETH_EIP1559) FVM_TRY(fvm_rlp_big_write(out, &tx->max_priority_fee));
    FVM_TRY(fvm_rlp_big_write(out, &tx->max_fee));
    FVM_TRY(fvm_rlp_u64_write(out, tx->gas_limit));
    FVM_TRY(fvm_rlp_bytes_write(out, (fvm_bytes){ tx->to.bytes, tx->creates ? 0 : 20 }));
    FVM_TRY(fvm_rlp_big_write(out, &tx->value));
    FVM_TRY(fvm_rlp_bytes_write(out, tx->input));
    /* the empty access list */
    return tx->kind == FVM_ETH_EIP1559 ? fvm_rlp_list_close(out, out->len) : FVM_OK;
}

static fvm_err write_scalar(fvm_buf *out, const uint8_t v[32])
{
    size_t skip = 0;
    while (skip < 32 && v[skip] == 0) skip++;
    return fvm_rlp_bytes_write(out, (fvm_bytes){ v + skip, 32 - skip });
}

static fvm_err write_signature(fvm_buf *out, const fvm_eth_tx *tx)
{
    FVM_TRY(fvm_rlp_u64_write(out, fvm_eth_tx_v(tx)));
    FVM_TRY(write_scalar(out, tx->r));
    return write_scalar(out, tx->s);
}

/* EIP-155: the chain id and two zeros stand where the signature will be. */
static fvm_err write_place_of_signature(fvm_buf *out, const fvm_eth_tx *tx)
{
    if (tx->kind != FVM_ETH_EIP155) return FVM_OK;
    FVM_TRY(fvm_rlp_u64_write(out, tx->chain_id));
    FVM_TRY(fvm_rlp_u64_write(out, 0));
    return fvm_rlp_u64_write(out, 0);
}

static fvm_err write_list(fvm_buf *out, const fvm_eth_tx *tx, bool is_signed)
{
    if (tx->kind == FVM_ETH_EIP1559) FVM_TRY(fvm_buf_put_u8(out, TYPE_1559));
    size_t start = out->len;
    FVM_TRY(write_front(out, tx));
    FVM_TRY(is_signed ? write_signature(out, tx) : write_place_of_signature(out, tx));
    return fvm_rlp_list_close(out, start);
}

fvm_err fvm_eth_tx_write(fvm_buf *out, const fvm_eth_tx *tx)
{
    size_t start = out->len;
    fvm_err err = write_list(out, tx, true);
    if (err != FVM_OK) out->len = start;
    return err;
}

static fvm_err hash_of(uint8_t out[32], const fvm_eth_tx *tx, bool is_signed,
                       const fvm_allocator *alloc)
{
    fvm_buf raw;
    fvm_buf_init(&raw, alloc);
    fvm_err err = write_list(&raw, tx, is_signed);
    if (err == FVM_OK) fvm_keccak256(out, fvm_buf_bytes(&raw));
    fvm_buf_deinit(&raw);
    return err;
}

fvm_err fvm_eth_tx_hash(uint8_t out[32], const fvm_eth_tx *tx, const fvm_allocator *alloc)
{
    return hash_of(out, tx, true, alloc);
}

fvm_err fvm_eth_tx_signing_hash(uint8_t out[32], const fvm_eth_tx *tx, const fvm_allocator *alloc)
{
    return hash_of(out, tx, false, alloc);
}

fvm_err fvm_eth_tx_sender(fvm_eth_address *out, const fvm_eth_tx *tx, const fvm_allocator *alloc)
{
    uint8_t hash[32], sig[65], key[65];
    FVM_TRY(fvm_eth_tx_signing_hash(hash, tx, alloc));
    memcpy(sig, tx->r, 32);
    memcpy(sig + 32, tx->s, 32);
    sig[64] = tx->y_odd;
    if (!fvm_secp256k1_recover(key, hash, sig)) return FVM_ERR_MISMATCH;
    *out = fvm_eth_address_of_key(key);
    return FVM_OK;
}

fvm_err fvm_eth_tx_sign(fvm_eth_tx *tx, const uint8_t key[32], const fvm_allocator *alloc)
{
    uint8_t hash[32], sig[65];
    FVM_TRY(fvm_eth_tx_signing_hash(hash, tx, alloc));
    if (!fvm_secp256k1_sign(sig, hash, key)) return FVM_ERR_INVALID;
    memcpy(tx->r, sig, 32); /* libsecp256k1 gives low s */
    memcpy(tx->s, sig + 32, 32);
    tx->y_odd = sig[64] & 1;
    return FVM_OK;
}
