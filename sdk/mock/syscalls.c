/* syscalls.c - the mock kernel's syscalls: reference/kernel.md 3 to 6, without gas. */
#include "mock_internal.h"

#include "crypto/crypto.h"

#include <string.h>

#define BLOCK_MAX ((size_t)1 << 20)

static bool read_only(void)
{
    return fvm_mock.context.flags & FVM_CALL_READ_ONLY;
}

static fvm_abi_token abi_token(fvm_token v)
{
    return (fvm_abi_token){ (uint64_t)v, (uint64_t)((fvm_uint128)v >> 64) };
}

static uint32_t write_cid(uint32_t *len_out, uint8_t *out, uint32_t cap, const fvm_cid *cid)
{
    uint8_t bytes[FVM_CID_BYTES_MAX];
    size_t len = fvm_cid_write(bytes, cid);
    if (len > cap) return FVM_E_BUFFER_TOO_SMALL;
    memcpy(out, bytes, len);
    *len_out = (uint32_t)len;
    return 0;
}

/* A CID has no length at the ABI: it ends where it ends. */
static bool read_cid(fvm_cid *cid, const uint8_t *bytes)
{
    return fvm_cid_read(cid, NULL, (fvm_bytes){ bytes, FVM_CID_BYTES_MAX }) == FVM_OK;
}

/* --- vm --- */

uint32_t fvm_sys_exit(uint32_t code, uint32_t block, const char *message, uint32_t message_len)
{
    mock_kernel *k = &fvm__mock;
    size_t n = message_len < sizeof k->message - 1 ? message_len : sizeof k->message - 1;
    if (n) memcpy(k->message, message, n);
    k->message[n] = '\0';
    k->exit_code = code >= 1 && code <= 15 ? 9 : code;
    k->exit_block = block;
    longjmp(k->exit, 1);
}

uint32_t fvm_sys_message_context(fvm_message_context *out)
{
    *out = fvm_mock.context;
    return 0;
}

/* --- network --- */

uint32_t fvm_sys_network_context(fvm_network_context *out)
{
    *out = fvm_mock.network;
    return 0;
}

uint32_t fvm_sys_circulating_supply(fvm_abi_token *out)
{
    *out = abi_token(fvm_mock.circulating_supply);
    return 0;
}

uint32_t fvm_sys_tipset_cid(uint32_t *len_out, int64_t epoch, uint8_t *cid, uint32_t cid_cap)
{
    if (epoch < 0 || epoch >= fvm_mock.network.epoch) return FVM_E_ILLEGAL_ARGUMENT;
    fvm_cid made = fvm_cid_of(FVM_BLOCK_DAG_CBOR,
                              (fvm_bytes){ (const uint8_t *)&epoch, sizeof epoch });
    return write_cid(len_out, cid, cid_cap, &made);
}

/* --- ipld --- */

uint32_t fvm_sys_block_open(fvm_block_opened *out, const uint8_t *cid)
{
    fvm_cid c;
    fvm_bytes data;
    fvm_buf spare;
    if (!read_cid(&c, cid)) return FVM_E_ILLEGAL_ARGUMENT;
    if (!fvm__mock_reaches(&c)) return FVM_E_NOT_FOUND;
    if (fvm__mock.block_count == MOCK_BLOCKS_MAX) return FVM_E_LIMIT_EXCEEDED;
    fvm_buf_init(&spare, NULL);
    if (fvm_blockstore_view(&fvm__mock.store, &data, &spare, &c) != FVM_OK) {
        fvm_buf_deinit(&spare);
        if (fvm_mock.missing_block) return fvm_mock.missing_block;
        fvm__mock_die("a reachable block is missing");
    }
    fvm__mock_reach_links(c.codec, data);
    out->codec = c.codec;
    out->size = (uint32_t)data.len;
    out->id = fvm__mock_add_block(c.codec, data); /* copies */
    fvm_buf_deinit(&spare);
    return 0;
}

static fvm_err check_link(void *ctx, const fvm_cid *cid)
{
    (void)ctx;
    return fvm__mock_reaches(cid) ? FVM_OK : FVM_ERR_NOT_FOUND;
}

uint32_t fvm_sys_block_create(uint32_t *id_out, uint64_t codec, const uint8_t *data, uint32_t len)
{
    fvm_bytes bytes = { data, len };
    if (len > BLOCK_MAX || fvm__mock.block_count == MOCK_BLOCKS_MAX) return FVM_E_LIMIT_EXCEEDED;
    if (codec != FVM_BLOCK_CBOR && codec != FVM_BLOCK_RAW && codec != FVM_BLOCK_DAG_CBOR)
        return FVM_E_ILLEGAL_CODEC;
    if (codec == FVM_BLOCK_DAG_CBOR) {
        fvm_err err = fvm_cbor_links(bytes, check_link, NULL);
        if (err != FVM_OK) return err == FVM_ERR_NOT_FOUND ? FVM_E_NOT_FOUND : FVM_E_SERIALIZATION;
    }
    *id_out = fvm__mock_add_block(codec, bytes);
    return 0;
}

uint32_t fvm_sys_block_read(int32_t *rest_out, uint32_t id, uint32_t offset, uint8_t *out,
                            uint32_t len)
{
    const mock_block *block = fvm__mock_block(id);
    if (!block) return FVM_E_INVALID_HANDLE;
    size_t left = offset < block->len ? block->len - offset : 0, n = left < len ? left : len;
    if (n) memcpy(out, block->data + offset, n);
    *rest_out = (int32_t)((int64_t)block->len - (int64_t)offset - (int64_t)len);
    return 0;
}

uint32_t fvm_sys_block_stat(fvm_block_stats *out, uint32_t id)
{
    const mock_block *block = fvm__mock_block(id);
    if (!block) return FVM_E_INVALID_HANDLE;
    out->codec = block->codec;
    out->size = (uint32_t)block->len;
    return 0;
}

uint32_t fvm_sys_block_link(uint32_t *len_out, uint32_t id, uint64_t hash, uint32_t hash_len,
                            uint8_t *cid, uint32_t cid_cap)
{
    const mock_block *block = fvm__mock_block(id);
    fvm_cid made;
    if (hash != FVM_HASHER_BLAKE2B_256 || hash_len != 32) return FVM_E_ILLEGAL_CID;
    if (!block) return FVM_E_INVALID_HANDLE;
    if (fvm_blockstore_put_new(&fvm__mock.store, &made, block->codec,
                               (fvm_bytes){ block->data, block->len }) != FVM_OK)
        fvm__mock_die("out of memory");
    fvm__mock_reach(&made);
    return write_cid(len_out, cid, cid_cap, &made);
}

/* --- self --- */

uint32_t fvm_sys_self_root(uint32_t *len_out, uint8_t *cid, uint32_t cid_cap)
{
    if (fvm_mock.deleted) return FVM_E_ILLEGAL_OPERATION;
    fvm__mock_reach(&fvm__mock.root);
    return write_cid(len_out, cid, cid_cap, &fvm__mock.root);
}

uint32_t fvm_sys_self_set_root(const uint8_t *cid)
{
    fvm_cid c;
    if (!read_cid(&c, cid)) return FVM_E_ILLEGAL_ARGUMENT;
    if (read_only()) return FVM_E_READ_ONLY;
    if (!fvm__mock_reaches(&c)) return FVM_E_NOT_FOUND;
    if (fvm_mock.deleted) return FVM_E_ILLEGAL_OPERATION;
    fvm__mock.root = c;
    return 0;
}

uint32_t fvm_sys_self_balance(fvm_abi_token *out)
{
    *out = abi_token(fvm_mock.deleted ? 0 : fvm_mock.balance);
    return 0;
}

uint32_t fvm_sys_self_destruct(uint32_t burn)
{
    if (read_only()) return FVM_E_READ_ONLY;
    if (fvm_mock.balance && !burn) return FVM_E_ILLEGAL_OPERATION;
    fvm_mock.balance = 0;
    fvm_mock.deleted = true;
    return 0;
}

/* --- actor --- */

uint32_t fvm_sys_resolve_address(uint64_t *id_out, const uint8_t *address, uint32_t len)
{
    fvm_address a;
    if (fvm_address_read(&a, (fvm_bytes){ address, len }, true) != FVM_OK)
        return FVM_E_ILLEGAL_ARGUMENT;
    if (fvm_address_to_id(id_out, &a)) return 0;
    for (size_t i = 0; i < fvm__mock.address_count; i++) {
        if (!fvm_address_eq(&fvm__mock.addresses[i].address, &a)) continue;
        *id_out = fvm__mock.addresses[i].id;
        return 0;
    }
    return FVM_E_NOT_FOUND;
}

uint32_t fvm_sys_lookup_delegated(uint32_t *len_out, uint64_t id, uint8_t *address,
                                  uint32_t address_cap)
{
    *len_out = 0;
    for (size_t i = 0; i < fvm__mock.address_count; i++) {
        const fvm_address *a = &fvm__mock.addresses[i].address;
        if (fvm__mock.addresses[i].id != id || fvm_address_protocol(a) != FVM_PROTOCOL_DELEGATED)
            continue;
        if (a->len > address_cap) return FVM_E_BUFFER_TOO_SMALL;
        memcpy(address, a->bytes, a->len);
        *len_out = a->len;
    }
    return 0;
}

static fvm_cid code_of(uint64_t number)
{
    return fvm_cid_of(FVM_BLOCK_RAW, (fvm_bytes){ (const uint8_t *)&number, sizeof number });
}

uint32_t fvm_sys_actor_code(uint32_t *len_out, uint64_t id, uint8_t *cid, uint32_t cid_cap)
{
    fvm_cid code = code_of(id);
    return write_cid(len_out, cid, cid_cap, &code);
}

uint32_t fvm_sys_next_actor_address(uint32_t *len_out, uint8_t *address, uint32_t address_cap)
{
    fvm_address a = fvm_address_actor(FVM_STR("next"));
    if (address_cap < a.len) return FVM_E_BUFFER_TOO_SMALL;
    memcpy(address, a.bytes, a.len);
    *len_out = a.len;
    return 0;
}

uint32_t fvm_sys_create_actor(uint64_t id, const uint8_t *code_cid, const uint8_t *address,
                              uint32_t address_len)
{
    (void)id, (void)code_cid, (void)address, (void)address_len;
    if (fvm_mock.context.receiver != FVM_INIT_ACTOR) return FVM_E_FORBIDDEN;
    return read_only() ? FVM_E_READ_ONLY : 0;
}

uint32_t fvm_sys_builtin_type(int32_t *type_out, const uint8_t *code_cid)
{
    fvm_cid code, caller = code_of(fvm_mock.context.caller);
    if (!read_cid(&code, code_cid)) return FVM_E_ILLEGAL_ARGUMENT;
    *type_out = fvm_cid_eq(&code, &caller) ? fvm_mock.caller_type : 0;
    return 0;
}

uint32_t fvm_sys_code_for_type(uint32_t *len_out, int32_t type, uint8_t *cid, uint32_t cid_cap)
{
    fvm_cid code = code_of((uint64_t)type);
    if (type <= 0) return FVM_E_ILLEGAL_ARGUMENT;
    return write_cid(len_out, cid, cid_cap, &code);
}

uint32_t fvm_sys_balance_of(fvm_abi_token *out, uint64_t id)
{
    if (id != fvm_mock.context.receiver) return FVM_E_NOT_FOUND;
    return fvm_sys_self_balance(out);
}

/* --- crypto --- */

uint32_t fvm_sys_hash(uint32_t *len_out, uint64_t function, const uint8_t *data, uint32_t len,
                      uint8_t *digest, uint32_t digest_cap)
{
    fvm_cid made; /* makes digests of all the functions */
    if (function == FVM_HASH_IDENTITY ||
        fvm_cid_make(&made, FVM_BLOCK_RAW, function, (fvm_bytes){ data, len }) != FVM_OK)
        return FVM_E_ILLEGAL_ARGUMENT;
    *len_out = made.digest_len < digest_cap ? made.digest_len : digest_cap;
    memcpy(digest, made.digest, *len_out);
    return 0;
}

uint32_t fvm_sys_verify_signature(int32_t *verdict_out, uint32_t type, const uint8_t *signature,
                                  uint32_t signature_len, const uint8_t *address,
                                  uint32_t address_len, const uint8_t *plaintext,
                                  uint32_t plaintext_len)
{
    uint8_t hash[32], key[65];
    fvm_address a, signer;
    fvm_bytes text = { plaintext, plaintext_len };
    bool valid = false;
    if (type != FVM_SIG_SECP256K1 && type != FVM_SIG_BLS) return FVM_E_ILLEGAL_ARGUMENT;
    if (fvm_address_read(&a, (fvm_bytes){ address, address_len }, true) != FVM_OK)
        return FVM_E_ILLEGAL_ARGUMENT;
    if (type == FVM_SIG_SECP256K1 && signature_len == 65) {
        fvm_blake2b_256(hash, text);
        valid = fvm_secp256k1_recover(key, hash, signature);
        if (valid) signer = fvm_address_secp256k1(key);
        valid = valid && fvm_address_eq(&signer, &a);
    } else if (type == FVM_SIG_BLS && signature_len == 96) {
        valid = fvm_address_protocol(&a) == FVM_PROTOCOL_BLS &&
                fvm_bls_verify(signature, a.bytes + 1, text);
    }
    *verdict_out = valid ? 0 : -1;
    return 0;
}

uint32_t fvm_sys_recover_secp(uint8_t key_out[65], const uint8_t hash[32],
                              const uint8_t signature[65])
{
    return fvm_secp256k1_recover(key_out, hash, signature) ? 0 : FVM_E_ILLEGAL_ARGUMENT;
}

uint32_t fvm_sys_verify_bls_aggregate(int32_t *verdict_out, uint32_t count,
                                      const uint8_t *signature, const uint8_t *keys,
                                      const uint8_t *plaintexts, const uint32_t *plaintext_lens)
{
    fvm_bytes *messages = calloc(count ? count : 1, sizeof *messages);
    bool valid = false;
    if (!messages) fvm__mock_die("out of memory");
    for (uint32_t i = 0; i < count; i++) {
        messages[i] = (fvm_bytes){ plaintexts, plaintext_lens[i] };
        plaintexts += plaintext_lens[i];
    }
    if (fvm_bls_verify_aggregate(&valid, signature, keys, messages, count) != FVM_OK)
        fvm__mock_die("out of memory");
    free(messages);
    *verdict_out = valid ? 0 : -1;
    return 0;
}

/* Proofs of storage are not made up in a unit test: the test says what the verdict is. */
uint32_t fvm_sys_verify_post(int32_t *verdict_out, const uint8_t *info, uint32_t len)
{
    (void)info, (void)len;
    *verdict_out = fvm_mock.proof_verdict;
    return 0;
}

uint32_t fvm_sys_verify_aggregate_seals(int32_t *verdict_out, const uint8_t *info, uint32_t len)
{
    return fvm_sys_verify_post(verdict_out, info, len);
}

uint32_t fvm_sys_verify_replica_update(int32_t *verdict_out, const uint8_t *info, uint32_t len)
{
    return fvm_sys_verify_post(verdict_out, info, len);
}

uint32_t fvm_sys_batch_verify_seals(const uint8_t *infos, uint32_t len, uint8_t *results)
{
    fvm_bytes in = { infos, len };
    uint64_t count;
    if (fvm_cbor_array(&count, &in) != FVM_OK || count > len) return FVM_E_ILLEGAL_ARGUMENT;
    memset(results, fvm_mock.proof_verdict == 0, (size_t)count);
    return 0;
}

uint32_t fvm_sys_unsealed_cid(uint32_t *len_out, int64_t proof, const uint8_t *pieces,
                              uint32_t pieces_len, uint8_t *cid, uint32_t cid_cap)
{
    (void)proof;
    fvm_cid made = { .codec = FVM_CODEC_COMM_UNSEALED,
                     .hash = FVM_HASH_SHA2_256_TRUNC254,
                     .version = 1,
                     .digest_len = 32 };
    fvm_sha256(made.digest, (fvm_bytes){ pieces, pieces_len });
    made.digest[31] &= 0x3f;
    return write_cid(len_out, cid, cid_cap, &made);
}

uint32_t fvm_sys_verify_consensus_fault(fvm_consensus_fault *out, const uint8_t *header1,
                                        uint32_t len1, const uint8_t *header2, uint32_t len2,
                                        const uint8_t *extra, uint32_t extra_len)
{
    (void)header1, (void)len1, (void)header2, (void)len2, (void)extra, (void)extra_len;
    *out = (fvm_consensus_fault){ 0 };
    return 0;
}

/* --- event, rand, gas, send, debug --- */

uint32_t fvm_sys_emit_event(const fvm_event_entry *entries, uint32_t count, const uint8_t *keys,
                            uint32_t keys_len, const uint8_t *values, uint32_t values_len)
{
    mock_kernel *k = &fvm__mock;
    uint64_t key_sum = 0, value_sum = 0;
    if (read_only()) return FVM_E_READ_ONLY;
    if (count > 255 || values_len > 8192) return FVM_E_LIMIT_EXCEEDED;
    for (uint32_t i = 0; i < count; i++) {
        if (entries[i].flags > 3) return FVM_E_ILLEGAL_ARGUMENT;
        if (entries[i].key_len > 31) return FVM_E_LIMIT_EXCEEDED;
        if (entries[i].codec != FVM_BLOCK_RAW && entries[i].codec != FVM_BLOCK_CBOR)
            return FVM_E_ILLEGAL_CODEC;
        key_sum += entries[i].key_len;
        value_sum += entries[i].value_len;
    }
    if (key_sum != keys_len || value_sum != values_len) return FVM_E_ILLEGAL_ARGUMENT;
    if (k->event_count == MOCK_EVENTS_MAX)
        return FVM_E_LIMIT_EXCEEDED; /* ours; gas is the machine's */
    mock_event *event = &k->events[k->event_count++];
    event->count = count;
    event->keys_len = keys_len;
    if (count) memcpy(event->entries, entries, count * sizeof *entries);
    event->bytes = malloc((size_t)keys_len + values_len + 1);
    if (!event->bytes) fvm__mock_die("out of memory");
    if (keys_len) memcpy(event->bytes, keys, keys_len);
    if (values_len) memcpy(event->bytes + keys_len, values, values_len);
    return 0;
}

uint32_t fvm_sys_chain_randomness(uint8_t out[32], int64_t epoch)
{
    if (epoch > fvm_mock.network.epoch) return FVM_E_ILLEGAL_ARGUMENT;
    memcpy(out, fvm_mock.randomness, 32);
    for (int i = 0; i < 8; i++) out[i] = (uint8_t)(out[i] ^ (uint64_t)epoch >> (8 * i));
    return 0;
}

uint32_t fvm_sys_beacon_randomness(uint8_t out[32], int64_t epoch)
{
    return fvm_sys_chain_randomness(out, epoch);
}

uint32_t fvm_sys_gas_charge(const char *name, uint32_t name_len, uint64_t gas)
{
    (void)name, (void)name_len;
    fvm_mock.gas_available -= gas < fvm_mock.gas_available ? gas : fvm_mock.gas_available;
    return 0;
}

uint32_t fvm_sys_gas_available(uint64_t *out)
{
    *out = fvm_mock.gas_available;
    return 0;
}

uint32_t fvm_sys_send(fvm_send_result *out, const uint8_t *address, uint32_t address_len,
                      uint64_t method, uint32_t params, uint64_t value_hi, uint64_t value_lo,
                      uint64_t gas_limit, uint64_t flags)
{
    mock_kernel *k = &fvm__mock;
    fvm_token value = (fvm_token)((fvm_uint128)value_hi << 64 | value_lo);
    const mock_block *block = fvm__mock_block(params);
    fvm_address to;
    (void)gas_limit;
    if (fvm_address_read(&to, (fvm_bytes){ address, address_len }, true) != FVM_OK || flags > 1)
        return FVM_E_ILLEGAL_ARGUMENT;
    if (params && !block) return FVM_E_INVALID_HANDLE;
    if ((read_only() || flags) && value) return FVM_E_READ_ONLY;
    if (value > fvm_mock.balance) return FVM_E_INSUFFICIENT_FUNDS;
    if (k->expected_at == k->expected_count) {
        if (fvm_mock.unexpected_send) return fvm_mock.unexpected_send;
        fvm__mock_die("a send that nothing expects");
    }
    const mock_send *s = &k->expected[k->expected_at++];
    if (!fvm_address_eq(&s->to, &to) || s->method != method || s->value != value)
        fvm__mock_die("a send to another receiver, method or value than expected");
    k->sent_len = block && block->len <= sizeof k->sent ? block->len : 0;
    if (k->sent_len) memcpy(k->sent, block->data, k->sent_len);
    if (s->exit_code == 0) fvm_mock.balance -= value;
    *out = (fvm_send_result){ .exit_code = s->exit_code };
    if (s->answer_len) {
        out->return_id = fvm__mock_add_block(FVM_BLOCK_CBOR,
                                             (fvm_bytes){ s->answer, s->answer_len });
        out->return_codec = FVM_BLOCK_CBOR;
        out->return_size = (uint32_t)s->answer_len;
    }
    return 0;
}

uint32_t fvm_sys_debug_log(const char *message, uint32_t len)
{
    fprintf(stderr, "actor: %.*s\n", (int)len, message);
    return 0;
}

uint32_t fvm_sys_debug_enabled(int32_t *verdict_out)
{
    *verdict_out = 0;
    return 0;
}

uint32_t fvm_sys_store_artifact(const char *name, uint32_t name_len, const uint8_t *data,
                                uint32_t len)
{
    (void)name, (void)name_len, (void)data, (void)len;
    return 0;
}
