/* puppet.c - an actor that does what it is told: it stands in the places of the storage actors in twin.c, so that
 * it is built in, may be made by the init actor, and can call whatever a test wants called, in any codec, and end
 * in ways that no other actor ends. Parameters (for all methods; none: nothing happens):
 *
 *     [0, to, method, codec, params, value, flags]  calls; returns [error, exit code, codec, data]. Codec 0: no
 *                                                   parameters; value: a token amount; flags 1: read-only.
 *                                                   DAG-CBOR may link the raw block "code"
 *     [1, code, data]                               ends with that exit code, and data as CBOR
 *     [2]                                           traps
 *     [3]                                           returns a block that is not there
 *     [4, codec, data]                              returns a block
 *     [5, instruction]                              deletes itself (what it has is burnt), then does that
 *
 * 1 (constructor), 5, 9 and 14 (what other actors call) do nothing. */
#include <fvm/actor.h>

/* Two modules are made of this file, and codes of built-in actors must differ. */
__attribute__((used, export_name(PUPPET_NAME))) void puppet_name(void);
void puppet_name(void) {}

static uint32_t obey(fvm_dec *d);

static uint32_t call(fvm_dec *d)
{
    fvm_address to;
    fvm_send_result result = { 0 };
    fvm_get_address(d, &to);
    uint64_t method = fvm_get_uint(d), codec = fvm_get_uint(d);
    fvm_bytes data = fvm_get_bytes(d), value = fvm_get_bytes(d);
    uint64_t flags = fvm_get_uint(d), amount = 0, high = 0;
    fvm_require(fvm_dec_good(d) && value.len <= 17, FVM_USR_SERIALIZATION, "call");
    for (size_t i = 1; i < value.len; i++) {
        high = high << 8 | amount >> 56;
        amount = amount << 8 | value.ptr[i];
    }
    uint8_t link[FVM_LINK_LEN];
    if (codec == FVM_BLOCK_DAG_CBOR) /* links must be to what this actor has seen */
        fvm_block_put(link, FVM_BLOCK_RAW, (fvm_bytes){ (const uint8_t *)"code", 4 });
    uint32_t params = codec ? fvm_block_new(codec, data) : 0;
    uint32_t error = fvm_sys_send(&result, to.bytes, to.len, method, params, high, amount,
                                  FVM_SEND_ALL_GAS, flags);
    fvm_bytes back = { 0 };
    if (error == 0 && result.return_id)
        back = fvm_block_read_sized(result.return_id, result.return_size);
    fvm_enc e = fvm_enc_heap(back.len + 64);
    fvm_put_array(&e, 4);
    fvm_put_uint(&e, error);
    fvm_put_uint(&e, error ? 0 : result.exit_code);
    fvm_put_uint(&e, error ? 0 : result.return_codec);
    fvm_put_bytes(&e, back);
    return fvm_return(&e);
}

static uint32_t leave(fvm_dec *d)
{
    uint32_t code = (uint32_t)fvm_get_uint(d);
    fvm_bytes data = fvm_get_bytes(d);
    fvm_sys_exit(code, data.len ? fvm_block_new(FVM_BLOCK_CBOR, data) : 0, NULL, 0);
}

static uint32_t give(fvm_dec *d)
{
    uint64_t codec = fvm_get_uint(d);
    fvm_bytes data = fvm_get_bytes(d);
    return fvm_block_new(codec, data);
}

static uint32_t obey(fvm_dec *d)
{
    (void)fvm_get_array(d);
    switch (fvm_get_uint(d)) {
    case 0: return call(d);
    case 1: return leave(d);
    case 2: __builtin_trap();
    case 3: return 999;
    case 4: return give(d);
    case 5: fvm_check(fvm_sys_self_destruct(true)); return obey(d);
    default: fvm_abort(FVM_USR_UNHANDLED_MESSAGE, "no such instruction");
    }
}

static uint32_t nothing(uint32_t params)
{
    (void)params;
    return 0;
}

static uint32_t told(uint32_t params)
{
    if (params == 0) return 0;
    fvm_dec d = fvm_dec_of(fvm_block_read(params));
    return obey(&d);
}

/* clang-format off */
FVM_ACTOR(
    FVM_METHOD(FVM_METHOD_CONSTRUCTOR, nothing)
    FVM_METHOD(5, nothing)
    FVM_METHOD(9, nothing)
    FVM_METHOD(14, nothing)
    FVM_FALLBACK(told)
)
