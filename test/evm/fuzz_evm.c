/* fuzz_evm.c - hostile bytecode: as init code, as a contract's code called twice, as call data. The
 * first byte says how much of the rest is call data. */
#include "evm_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[EVM_WORLD_CODE_MAX];
    if (size < 1 || size > 8192) return 0;
    size_t input_len = (size_t)(data[0] & 0x7f) < size - 1 ? data[0] & 0x7f : size - 1;
    fvm_bytes input = { data + 1, input_len };
    fvm_bytes code = { data + 1 + input_len, size - 1 - input_len };
    evm_world_reset();
    if (data[0] & 0x80) {
        fvm_mock.context.value.lo = 5;
        if (evm_construct(code).exit_code) return 0;
        fvm_mock.context.value.lo = 0;
    } else if (evm_construct(evm_init_code(room, code)).exit_code) {
        return 0;
    }
    (void)evm_invoke(input);
    fvm_mock.context.nonce++; /* another message */
    fvm_mock_result r = fvm_mock_call_codec(5000, FVM_BLOCK_CBOR, input);
    CHECK(r.exit_code != 11);
    /* whatever ran, the state is one that can be read */
    CHECK(fvm_mock_call(3, (fvm_bytes){ 0 }).exit_code == 0);
    CHECK(fvm_mock_call(4, (fvm_bytes){ 0 }).exit_code == 0);
    return 0;
}
