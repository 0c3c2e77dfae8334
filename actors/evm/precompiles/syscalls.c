/* syscalls.c - the precompiles that are a syscall and little more: ecrecover, SHA-256, RIPEMD-160, and
 * Filecoin's own. */
#include "internal.h"

#define EVM_MAX_RESERVED_METHOD 1023

static const uint8_t secp256k1_n[32] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
};

/* 1 <= scalar < n */
static bool in_range(const uint8_t scalar[32])
{
    static const uint8_t zero[32];
    return memcmp(scalar, zero, 32) != 0 && memcmp(scalar, secp256k1_n, 32) < 0;
}

/* hash, v, r, s. All that is wrong gives empty output, not failure; s may be in the upper half. */
bool fvm__pre_ecrecover(fvm_bytes *out, fvm_bytes in)
{
    uint8_t hash[32], signature[65], key[65];
    uint64_t v;
    uint32_t len;
    fvm__pre_read(hash, 32, in, 0);
    fvm__pre_read(signature, 64, in, 64);
    if (!fvm__pre_uint(&v, in, 32, 1) || v < 27 || v > 28) return true;
    if (!in_range(signature) || !in_range(signature + 32)) return true;
    signature[64] = (uint8_t)(v - 27);
    if (fvm_sys_recover_secp(key, hash, signature) != 0) return true;
    uint8_t *digest = fvm__pre_output(out, 32);
    fvm_check(fvm_sys_hash(&len, FVM_HASHER_KECCAK_256, key + 1, 64, digest, 32));
    memset(digest, 0, 12);
    return true;
}

bool fvm__pre_hash(fvm_bytes *out, fvm_bytes in, uint64_t function, uint32_t digest_len)
{
    uint32_t len;
    uint8_t *word = fvm__pre_output(out, 32);
    fvm_check(
        fvm_sys_hash(&len, function, in.ptr, (uint32_t)in.len, word + 32 - digest_len, digest_len));
    return true;
}

static void put_uint(uint8_t word[32], uint64_t v)
{
    for (unsigned i = 0; i < 8; i++) word[31 - i] = (uint8_t)(v >> 8 * i);
}

/* A Filecoin address as bytes to its ID as a word; empty when it has none. */
bool fvm__pre_resolve_address(fvm_bytes *out, fvm_bytes in)
{
    uint64_t id;
    uint32_t error = fvm_sys_resolve_address(&id, in.ptr, (uint32_t)in.len);
    if (error == FVM_E_NOT_FOUND) return true;
    if (error) return false; /* not an address */
    put_uint(fvm__pre_output(out, 32), id);
    return true;
}

/* An ID as a word to the actor's f4 address as bytes; empty when there is none. */
bool fvm__pre_lookup_delegated(fvm_bytes *out, fvm_bytes in)
{
    uint64_t id;
    uint32_t len, error;
    if (!fvm__pre_uint(&id, in, 0, 8)) return false;
    uint8_t *address = (uint8_t *)fvm_heap_alloc(FVM_ADDRESS_MAX);
    error = fvm_sys_lookup_delegated(&len, id, address, FVM_ADDRESS_MAX);
    if (error != FVM_E_NOT_FOUND) {
        fvm_check(error);
        *out = (fvm_bytes){ address, len };
    }
    return true;
}

/* The beacon's randomness of an epoch, a word whose low 8 bytes are a signed number. */
bool fvm__pre_get_randomness(fvm_bytes *out, fvm_bytes in)
{
    uint64_t epoch;
    if (!fvm__pre_uint(&epoch, in, 0, 8)) return false;
    return fvm_sys_beacon_randomness(fvm__pre_output(out, 32), (int64_t)epoch) == 0;
}

/* A byte string of the ABI: its length as a word at `at`, then the bytes. Nothing is checked against
 * the end of the input: zeros follow it. */
static bool abi_bytes(fvm_bytes *out, fvm_bytes in, uint64_t at)
{
    uint64_t len;
    if (!fvm__pre_uint(&len, in, at, 4)) return false;
    if (at + 32 + len <= in.len) {
        *out = (fvm_bytes){ in.ptr + at + 32, (size_t)len };
    } else {
        /* The reference panics at a capacity of 2^31, and traps when memory ends before. */
        fvm_require(len <= INT32_MAX, FVM_USR_ASSERTION_FAILED, "length");
        uint8_t *copy = (uint8_t *)fvm_heap_alloc((size_t)len);
        fvm__pre_read(copy, (uint32_t)len, in, at + 32);
        *out = (fvm_bytes){ copy, (size_t)len };
    }
    return true;
}

static uint32_t put_id_address(uint8_t out[11], uint64_t id)
{
    uint32_t n = 0;
    out[n++] = 0;
    for (; id >= 0x80; id >>= 7) out[n++] = (uint8_t)(id | 0x80);
    out[n++] = (uint8_t)id;
    return n;
}

/* exit code or minus the error number as a word; codec; 0x60; length; the returned block, padded. */
static void put_result(fvm_bytes *out, uint32_t error, const fvm_send_result *sent)
{
    bool block = !error && sent->return_id;
    uint32_t len = block ? sent->return_size : 0;
    uint8_t *p = fvm__pre_output(out, 128 + (len + 31) / 32 * 32);
    put_uint(p, error ? (uint64_t)0 - error : sent->exit_code);
    if (error) memset(p, 0xff, 24);
    put_uint(p + 32, block ? sent->return_codec : 0);
    put_uint(p + 64, 0x60);
    put_uint(p + 96, len);
    int32_t rest;
    if (block) fvm_check(fvm_sys_block_read(&rest, sent->return_id, 0, p + 128, len));
}

/* method, value, flags, codec, offset of the parameters, offset of the address (or the ID); these two
 * lie anywhere. What the call gives is output: only calls that cannot be made fail. */
bool fvm__pre_call_actor(fvm_bytes *out, fvm_bytes in, const fvm_evm_call_context *ctx, bool by_id)
{
    fvm_evm_send what;
    fvm_bytes to;
    fvm_send_result sent = { 0 };
    uint64_t params_at, to_at;
    uint8_t value[32], id_address[11];
    if (ctx->kind != FVM_EVM_DELEGATECALL) return false;
    fvm__pre_read(value, 32, in, 32);
    fvm_u256_read(&what.value, value);
    if (!fvm__pre_uint(&what.method, in, 0, 8) || !fvm__pre_uint(&what.flags, in, 64, 8) ||
        what.flags > FVM_SEND_READ_ONLY || !fvm__pre_uint(&what.codec, in, 96, 8) ||
        !fvm__pre_uint(&params_at, in, 128, 4) || !fvm__pre_uint(&to_at, in, 160, 8) ||
        !abi_bytes(&what.params, in, params_at))
        return false;
    if (by_id) {
        to = (fvm_bytes){ id_address, put_id_address(id_address, to_at) };
    } else {
        fvm_address parsed;
        if (to_at > UINT32_MAX || !abi_bytes(&to, in, to_at)) return false;
        if (fvm_address_read(&parsed, to, true) != FVM_OK) return false;
    }
    if (what.method <= EVM_MAX_RESERVED_METHOD && what.method != FVM_METHOD_SEND) return false;
    if (what.codec != FVM_BLOCK_CBOR && (what.codec != 0 || what.params.len)) return false;
    bool gas_above = (ctx->gas.limb[1] | ctx->gas.limb[2] | ctx->gas.limb[3]) != 0;
    what.gas = gas_above ? UINT64_MAX : ctx->gas.limb[0];
    what.to = to.ptr;
    what.to_len = (uint32_t)to.len;
    uint32_t error = ctx->send(ctx->system, &sent, &what);
    put_result(out, error, &sent);
    return true;
}
