/* eam.c - actor f010, the Ethereum address manager: gives contracts the addresses that Ethereum's
 * rules give them, and has the init actor make them. It has no state. Reference: evm.md 5. */
#include "common/builtin.h"

#define INIT_EXEC4 3
#define EVM_RESURRECT 2
#define ACCOUNT_PUBKEY_ADDRESS 2

/* --- Ethereum addresses as a kind: exactly 20 bytes --- */

typedef struct eth_address {
    uint8_t bytes[20];
} eth_address;

static void enc_eth(fvm_enc *e, const eth_address *a)
{
    fvm_put_string(e, 2, a->bytes, sizeof a->bytes);
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++) any |= bytes[i];
    return any == 0;
}

/* Precompiles (00.. and fe..), the null address and masked IDs (ff..) are not given away. */
static bool is_reserved(const eth_address *a)
{
    uint8_t first = a->bytes[0];
    if (first == 0x00 || first == 0xfe) return is_zero(a->bytes + 1, 18);
    return first == 0xff && is_zero(a->bytes + 1, 11);
}

static eth_address masked_id(uint64_t id)
{
    eth_address a = { { 0xff } };
    for (int i = 0; i < 8; i++) a.bytes[19 - i] = (uint8_t)(id >> (8 * i));
    return a;
}

/* The last 20 bytes of keccak-256. */
static eth_address hash_20(fvm_bytes in)
{
    uint8_t digest[32];
    eth_address a;
    (void)fvm_hash(digest, sizeof digest, FVM_HASHER_KECCAK_256, in);
    __builtin_memcpy(a.bytes, digest + 12, sizeof a.bytes);
    return a;
}

/* CREATE: the hash of the RLP list [creator, nonce]. */
static eth_address create_address(const eth_address *creator, uint64_t nonce)
{
    uint8_t rlp[1 + 21 + 9];
    size_t at = 1;
    rlp[at++] = 0x80 + 20;
    __builtin_memcpy(rlp + at, creator->bytes, 20);
    at += 20;
    size_t n = 0;
    while (n < 8 && nonce >> (8 * n)) n++;
    if (nonce >= 0x80 || nonce == 0) rlp[at++] = (uint8_t)(0x80 + n);
    while (n) rlp[at++] = (uint8_t)(nonce >> (8 * --n));
    rlp[0] = (uint8_t)(0xc0 + at - 1);
    return hash_20((fvm_bytes){ rlp, at });
}

/* CREATE2: the hash of ff, creator, salt, hash of the initcode. */
static eth_address create2_address(const eth_address *creator, fvm_bytes salt, fvm_bytes initcode)
{
    uint8_t all[1 + 20 + 32 + 32] = { 0xff };
    __builtin_memcpy(all + 1, creator->bytes, 20);
    __builtin_memcpy(all + 21, salt.ptr, 32);
    (void)fvm_hash(all + 53, 32, FVM_HASHER_KECCAK_256, initcode);
    return hash_20((fvm_bytes){ all, sizeof all });
}

/* --- creation --- */

static uint32_t return_created(uint64_t id, const fvm_address *robust, const eth_address *eth)
{
    fvm_enc e = fvm_enc_heap(128);
    fvm_put_array(&e, 3);
    fvm_put_uint(&e, id);
    if (robust)
        fvm_put_address(&e, robust);
    else
        fvm_put_null(&e);
    enc_eth(&e, eth);
    return fvm_return(&e);
}

/* [creator, initcode], what the contract's constructor takes. */
static fvm_bytes constructor_params(const eth_address *creator, fvm_bytes initcode)
{
    fvm_enc e = fvm_enc_heap(initcode.len + 32);
    fvm_put_array(&e, 2);
    enc_eth(&e, creator);
    fvm_put_bytes(&e, initcode);
    return fvm_enc_done(&e);
}

/* The init actor's Exec4; [ID address, robust address] comes back. */
static uint32_t exec4(const eth_address *new_address, fvm_bytes constructor)
{
    fvm_address init = fvm_address_id(FVM_INIT_ACTOR), id_address, robust;
    uint8_t code[100];
    uint32_t len;
    uint64_t id;
    fvm_check(fvm_sys_code_for_type(&len, BUILTIN_EVM, code, sizeof code));
    fvm_enc e = fvm_enc_heap(constructor.len + 96);
    fvm_put_array(&e, 3);
    fvm_put_link(&e, code, len);
    fvm_put_bytes(&e, constructor);
    enc_eth(&e, new_address);
    fvm_send_result result = builtin_send_must(&init, INIT_EXEC4, fvm_return(&e), fvm_call.value,
                                               0);
    fvm_dec d = builtin_returned(&result);
    fvm_get_tuple(&d, 2);
    fvm_get_address(&d, &id_address);
    fvm_get_address(&d, &robust);
    fvm_dec_done(&d);
    fvm_require(fvm_address_to_id(&id, &id_address), FVM_USR_ASSERTION_FAILED, "not an ID");
    return return_created(id, &robust, new_address);
}

/* The type of an actor that must be there (24). */
static int32_t type_of(uint64_t id)
{
    uint8_t code[100];
    int32_t type;
    fvm_require(fvm_actor_code(code, id) != 0, FVM_USR_ASSERTION_FAILED, "no such actor");
    fvm_check(fvm_sys_builtin_type(&type, code));
    return type;
}

/* A contract that destroyed itself may be made anew at its address; a placeholder is replaced by the
 * init actor; nothing else is. */
static uint32_t create_actor(const eth_address *creator, const eth_address *new_address,
                             fvm_bytes initcode)
{
    fvm_address f4;
    uint64_t id;
    fvm_require(!is_reserved(new_address), FVM_USR_FORBIDDEN, "reserved address");
    fvm_bytes constructor = constructor_params(creator, initcode);
    fvm_must(fvm_address_delegated(&f4, FVM_EAM_ACTOR,
                                   (fvm_bytes){ new_address->bytes, sizeof new_address->bytes }));
    if (fvm_resolve(&id, &f4)) {
        int32_t type = type_of(id);
        if (type == BUILTIN_EVM) {
            fvm_address to = fvm_address_id(id);
            (void)builtin_send_must(&to, EVM_RESURRECT, builtin_raw_params(constructor),
                                    fvm_call.value, 0);
            return return_created(id, NULL, new_address);
        }
        fvm_require(type == BUILTIN_PLACEHOLDER, FVM_USR_FORBIDDEN, "address in use");
    }
    return exec4(new_address, constructor);
}

/* --- who creates --- */

/* The address of an actor that has one of ours. */
static eth_address eth_address_of(uint64_t id)
{
    fvm_address address;
    fvm_bytes sub = { 0 };
    uint64_t space;
    eth_address a;
    fvm_require(fvm_actor_delegated(&address, id) &&
                    fvm_address_to_delegated(&space, &sub, &address) && space == FVM_EAM_ACTOR &&
                    sub.len == sizeof a.bytes,
                FVM_USR_FORBIDDEN, "caller has no Ethereum address");
    __builtin_memcpy(a.bytes, sub.ptr, sizeof a.bytes);
    return a;
}

static eth_address calling_contract(void)
{
    fvm_require(type_of(fvm_call.caller) == BUILTIN_EVM, FVM_USR_FORBIDDEN, "not a contract");
    return eth_address_of(fvm_call.caller);
}

/* A native account stands for the hash of its key address. */
static eth_address key_hash_of(uint64_t id)
{
    fvm_address account = fvm_address_id(id), key;
    fvm_send_result result;
    uint32_t code = builtin_send(&result, &account, ACCOUNT_PUBKEY_ADDRESS, 0, builtin_amount(0),
                                 FVM_SEND_READ_ONLY);
    if (code && result.exit_code == 0) code = FVM_USR_ASSERTION_FAILED; /* there was no call */
    if (code) fvm_abort(code, "no key address");
    fvm_dec d = builtin_returned(&result);
    fvm_get_address(&d, &key);
    fvm_dec_done(&d);
    return hash_20((fvm_bytes){ key.bytes, key.len });
}

/* --- methods --- */

static uint32_t constructor(uint32_t params)
{
    fvm_params_none(params);
    fvm_require(fvm_call.receiver == FVM_EAM_ACTOR, FVM_USR_FORBIDDEN, "not f010");
    builtin_require_caller(FVM_SYSTEM_ACTOR);
    return 0;
}

#define CREATE(F)                                                                                  \
    F(bytes, initcode)                                                                             \
    F(uint, nonce)
FVM_STRUCT(create_params, CREATE)

static uint32_t create(uint32_t params)
{
    create_params p;
    FVM_PARAMS(create_params, &p, params);
    eth_address creator = calling_contract(), address = create_address(&creator, p.nonce);
    return create_actor(&creator, &address, p.initcode);
}

#define CREATE2(F)                                                                                 \
    F(bytes, initcode)                                                                             \
    F(bytes, salt)
FVM_STRUCT(create2_params, CREATE2)

static uint32_t create2(uint32_t params)
{
    create2_params p;
    FVM_PARAMS(create2_params, &p, params);
    fvm_require(p.salt.len == 32, FVM_USR_SERIALIZATION, "salt has 32 bytes");
    eth_address creator = calling_contract();
    eth_address address = create2_address(&creator, p.salt, p.initcode);
    return create_actor(&creator, &address, p.initcode);
}

/* Parameters that are one byte string: a block of raw bytes will do. */
static fvm_bytes bytes_of_params(uint32_t params)
{
    fvm_block_stats stats;
    fvm_bytes bytes;
    fvm_require(params != 0, FVM_USR_ILLEGAL_ARGUMENT, "params expected");
    fvm_check(fvm_sys_block_stat(&stats, params));
    if (stats.codec == FVM_BLOCK_RAW) return fvm_block_read_sized(params, stats.size);
    FVM_PARAMS(bytes, &bytes, params);
    return bytes;
}

/* From off chain: by the account that signed the message. */
static uint32_t create_external(uint32_t params)
{
    fvm_bytes initcode = bytes_of_params(params);
    eth_address creator, stable;
    builtin_require_caller(fvm_call.origin);
    int32_t type = type_of(fvm_call.caller);
    fvm_require(type == BUILTIN_ACCOUNT || type == BUILTIN_ETHACCOUNT, FVM_USR_FORBIDDEN,
                "not an account");
    if (type == BUILTIN_ACCOUNT) {
        stable = key_hash_of(fvm_call.caller);
        creator = masked_id(fvm_call.caller);
    } else {
        creator = stable = eth_address_of(fvm_call.caller);
    }
    eth_address address = create_address(&stable, fvm_call.nonce);
    return create_actor(&creator, &address, initcode);
}

/* Anybody may try, contracts too: the methods look at their callers themselves. */
/* clang-format off */
FVM_ACTOR(
    FVM_METHOD(FVM_METHOD_CONSTRUCTOR, constructor)
    FVM_METHOD(2, create)
    FVM_METHOD(3, create2)
    FVM_METHOD(4, create_external)
)
