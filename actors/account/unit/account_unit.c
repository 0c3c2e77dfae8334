/* The account actor under a debugger and sanitizers: what it takes as parameters, and who may call. */
#include <fvm/actor/mock.h>

static const uint8_t address[] = {
    0x55, 0x01, 0xdf, 0x03, 0x4b, 0x21, 0x56, 0x62, 0x5e, 0xba, 0xc9,
    0xd8, 0xf7, 0xc7, 0xaf, 0x61, 0xef, 0xf4, 0x3a, 0x45, 0x1e, 0x9f
};
static const fvm_bytes params = { address, sizeof address };

static uint32_t construct(uint64_t caller, uint64_t codec, fvm_bytes bytes)
{
    fvm_mock_reset();
    fvm_mock.context.caller = caller;
    return fvm_mock_call_codec(1, codec, bytes).exit_code;
}

int main(void)
{
    static const uint8_t id[] = { 0x42, 0x00, 0x64 };
    fvm_mock_check(construct(0, FVM_BLOCK_CBOR, params) == 0);
    fvm_bytes state = fvm_mock_state();
    fvm_mock_check(state.len == 23 && state.ptr[0] == 0x81);
    fvm_mock_check(memcmp(state.ptr + 1, address, sizeof address) == 0);

    fvm_mock_result r = fvm_mock_call(2, (fvm_bytes){ 0 });
    fvm_mock_check(r.exit_code == 0 && r.codec == FVM_BLOCK_CBOR && r.data.len == params.len);
    fvm_mock_check(memcmp(r.data.ptr, address, sizeof address) == 0);

    /* constructed already; by another; without parameters, of other codecs, of other addresses */
    fvm_mock_check(fvm_mock_call(1, params).exit_code == FVM_USR_ILLEGAL_STATE);
    fvm_mock_check(construct(100, FVM_BLOCK_CBOR, params) == FVM_USR_FORBIDDEN);
    fvm_mock_check(construct(0, FVM_BLOCK_CBOR, (fvm_bytes){ 0 }) == FVM_USR_ILLEGAL_ARGUMENT);
    fvm_mock_check(construct(0, FVM_BLOCK_RAW, params) == FVM_USR_SERIALIZATION);
    fvm_mock_check(construct(0, FVM_BLOCK_DAG_CBOR, params) == 0);
    fvm_mock_check(construct(0, FVM_BLOCK_CBOR, (fvm_bytes){ address, 21 }) ==
                   FVM_USR_SERIALIZATION);
    fvm_mock_check(construct(0, FVM_BLOCK_CBOR, (fvm_bytes){ id, sizeof id }) ==
                   FVM_USR_ILLEGAL_ARGUMENT);

    /* low numbers are for built-in actors; contracts and strangers are none */
    (void)construct(0, FVM_BLOCK_CBOR, params);
    fvm_mock.context.caller = 100;
    for (int32_t type = 0; type <= 17; type++) {
        fvm_mock.caller_type = type;
        uint32_t want = type == 0 || type == 14 || type == 17 ? FVM_USR_FORBIDDEN : 0;
        fvm_mock_check(fvm_mock_call(2, (fvm_bytes){ 0 }).exit_code == want);
        want = want ? want : FVM_USR_UNHANDLED_MESSAGE;
        fvm_mock_check(fvm_mock_call(3, (fvm_bytes){ 0 }).exit_code == want);
        fvm_mock_check(fvm_mock_call(UINT32_C(1) << 24, params).exit_code == 0);
    }

    /* a read-only call may ask */
    fvm_mock.caller_type = 4;
    fvm_mock.context.flags = FVM_CALL_READ_ONLY;
    fvm_mock_check(fvm_mock_call(2, (fvm_bytes){ 0 }).exit_code == 0);
    return 0;
}
