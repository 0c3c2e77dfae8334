/* host.c - instructions that ask the machine: addresses, balances, network, hashes, events. */
#include "evm.h"

#include "precompiles/precompiles.h"

/* --- addresses --- */

#define EAM_NAMESPACE 10
#define F410_LEN (2 + EVM_ADDRESS_LEN)

/* ff and 11 zero bytes: an ID in the last 8. */
static bool is_masked_id(const uint8_t address[EVM_ADDRESS_LEN])
{
    uint64_t middle;
    uint32_t middle2;
    __builtin_memcpy(&middle, address, 8);
    __builtin_memcpy(&middle2, address + 8, 4);
    return middle == 0xff && middle2 == 0;
}

bool evm_eth_address(uint8_t out[EVM_ADDRESS_LEN], uint64_t id)
{
    uint8_t address[FVM_ADDRESS_MAX];
    uint32_t len;
    if (fvm_sys_lookup_delegated(&len, id, address, sizeof address) == 0 && len >= 2 &&
        address[0] == FVM_PROTOCOL_DELEGATED && address[1] == EAM_NAMESPACE) {
        fvm_require(len == F410_LEN, FVM_USR_ASSERTION_FAILED, "subaddress is not 20 bytes");
        __builtin_memcpy(out, address + 2, EVM_ADDRESS_LEN);
        return !is_masked_id(out);
    }
    __builtin_memset(out, 0, EVM_ADDRESS_LEN);
    out[0] = 0xff;
    word_put_be64(out + 12, id);
    return false;
}

uint32_t evm_fil_address(uint8_t out[24], const uint8_t address[EVM_ADDRESS_LEN])
{
    if (is_masked_id(address)) {
        uint32_t len = 1;
        out[0] = FVM_PROTOCOL_ID;
        for (uint64_t id = word_be64(address + 12);; id >>= 7) {
            out[len++] = (uint8_t)(id & 0x7f) | (id >> 7 ? 0x80 : 0);
            if (id >> 7 == 0) return len;
        }
    }
    out[0] = FVM_PROTOCOL_DELEGATED;
    out[1] = EAM_NAMESPACE;
    __builtin_memcpy(out + 2, address, EVM_ADDRESS_LEN);
    return F410_LEN;
}

void evm_address_word(word *out, const uint8_t address[EVM_ADDRESS_LEN])
{
    uint32_t top;
    __builtin_memcpy(&top, address, 4);
    out->limb[3] = 0;
    out->limb[2] = __builtin_bswap32(top);
    out->limb[1] = word_be64(address + 4);
    out->limb[0] = word_be64(address + 12);
}

void evm_word_address(uint8_t out[EVM_ADDRESS_LEN], const word *w)
{
    uint32_t top = __builtin_bswap32((uint32_t)w->limb[2]);
    __builtin_memcpy(out, &top, 4);
    word_put_be64(out + 4, w->limb[1]);
    word_put_be64(out + 12, w->limb[0]);
}

const uint8_t *evm_self(evm *vm)
{
    if (!vm->has_self) (void)evm_eth_address(vm->self, fvm_call.receiver);
    vm->has_self = true;
    return vm->self;
}

const uint8_t *evm_caller(evm *vm)
{
    if (!vm->has_caller) (void)evm_eth_address(vm->caller, fvm_call.caller);
    vm->has_caller = true;
    return vm->caller;
}

void evm_origin(word *out)
{
    uint8_t address[EVM_ADDRESS_LEN];
    (void)evm_eth_address(address, fvm_call.origin);
    evm_address_word(out, address);
}

/* --- amounts --- */

static void from_token(word *out, const fvm_abi_token *amount)
{
    out->limb[0] = amount->lo;
    out->limb[1] = amount->hi;
    out->limb[2] = out->limb[3] = 0;
}

void evm_balance(word *out, const word *of)
{
    uint8_t address[EVM_ADDRESS_LEN], to[24];
    fvm_abi_token amount = { 0, 0 };
    uint64_t id;
    evm_word_address(address, of);
    uint32_t len = evm_fil_address(to, address);
    if (fvm_sys_resolve_address(&id, to, len) == 0 && fvm_sys_balance_of(&amount, id) != 0)
        amount = (fvm_abi_token){ 0, 0 };
    from_token(out, &amount);
}

void evm_self_balance(word *out)
{
    fvm_abi_token amount;
    fvm_check(fvm_sys_self_balance(&amount));
    from_token(out, &amount);
}

/* --- network --- */

const fvm_network_context *evm_network(evm *vm)
{
    if (!vm->has_network) fvm_check(fvm_sys_network_context(&vm->network));
    vm->has_network = true;
    return &vm->network;
}

void evm_gas_price(evm *vm, word *out)
{
    word premium;
    fvm_abi_token fee = evm_network(vm)->base_fee;
    from_token(out, &fee);
    from_token(&premium, &fvm_call.gas_premium);
    word_add(out, out, &premium);
}

void evm_base_fee(evm *vm, word *out)
{
    fvm_abi_token fee = evm_network(vm)->base_fee;
    from_token(out, &fee);
}

void evm_block_hash(evm *vm, word *out, const word *number)
{
    uint8_t cid[100], digest[32] = { 0 };
    uint32_t len;
    fvm_cid parsed;
    int64_t epoch = evm_network(vm)->epoch, n = (int64_t)number->limb[0];
    word_set(out, 0);
    if (!word_is_u64(number) || n < epoch - 256 || n >= epoch || n < 0) return;
    if (fvm_sys_tipset_cid(&len, n, cid, sizeof cid) != 0) return;
    if (fvm_cid_read(&parsed, NULL, (fvm_bytes){ cid, len }) != FVM_OK) return;
    unsigned size = parsed.digest_len < 32 ? parsed.digest_len : 32;
    __builtin_memcpy(digest + 32 - size, parsed.digest, size);
    word_read(out, digest);
}

/* blake2b-256 of the beacon's randomness with a domain (10), the epoch and "prevrandao" (evm.md 3). */
void evm_prev_randao(evm *vm, word *out)
{
    static const uint8_t entropy[] = "prevrandao";
    uint8_t in[8 + 32 + 8 + sizeof entropy - 1], digest[32];
    if (!vm->has_randomness) {
        int64_t epoch = evm_network(vm)->epoch;
        uint32_t error = fvm_sys_beacon_randomness(in + 8, epoch);
        if (error)
            evm_fail(error == FVM_E_LIMIT_EXCEEDED || error == FVM_E_ILLEGAL_ARGUMENT
                         ? FVM_USR_ILLEGAL_ARGUMENT
                         : FVM_USR_ASSERTION_FAILED);
        word_put_be64(in, 10);
        word_put_be64(in + 40, (uint64_t)epoch);
        __builtin_memcpy(in + 48, entropy, sizeof entropy - 1);
        (void)fvm_hash(digest, 32, FVM_HASHER_BLAKE2B_256, (fvm_bytes){ in, sizeof in });
        word_read(&vm->randomness, digest);
        vm->has_randomness = true;
    }
    word_copy(out, &vm->randomness);
}

/* --- hashes, events --- */

void evm_keccak(evm *vm, word *out, const word *offset, const word *size)
{
    uint8_t digest[32];
    uint32_t len, n;
    const uint8_t *in = evm_region(vm, &n, offset, size);
    fvm_check(fvm_sys_hash(&len, FVM_HASHER_KECCAK_256, in ? in : digest, n, digest, 32));
    word_read(out, digest);
}

/* evm.md 3.4: topics as t1.., data as d; all indexed, all RAW. */
void evm_log(evm *vm, const word *top, unsigned topics)
{
    static const uint8_t names[] = "t1t2t3t4d";
    fvm_event_entry entries[5];
    uint8_t keys[9], *values;
    uint32_t len, count = topics;
    if (vm->read_only) evm_fail(FVM_USR_READ_ONLY);
    const uint8_t *data = evm_region(vm, &len, top, top + 1);
    void *mark = fvm_heap_mark();
    values = evm_alloc(len + (size_t)32 * topics);
    __builtin_memcpy(keys, names, 2 * topics);
    for (unsigned i = 0; i < topics; i++) {
        entries[i] = (fvm_event_entry){ FVM_EVENT_INDEX_ALL, FVM_BLOCK_RAW, 2, 32 };
        word_write(values + 32 * i, top + 2 + i);
    }
    if (data) {
        entries[count++] = (fvm_event_entry){ FVM_EVENT_INDEX_ALL, FVM_BLOCK_RAW, 1, len };
        keys[2 * topics] = 'd';
        __builtin_memcpy(values + 32 * topics, data, len);
    }
    if (fvm_sys_emit_event(entries, count, keys, 2 * topics + (data != NULL), values,
                           32 * topics + len) != 0)
        evm_fail(FVM_USR_ASSERTION_FAILED);
    fvm_heap_release(mark);
}
