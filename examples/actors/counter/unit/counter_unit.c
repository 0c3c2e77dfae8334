/* The counter under a debugger and sanitizers. */
#include <fvm/actor/mock.h>

int main(void)
{
    static const uint8_t add[] = { 0x81, 0x18, 0x2a };
    fvm_mock_reset();
    fvm_mock_check(fvm_mock_call(1, (fvm_bytes){ 0 }).exit_code == 0);
    fvm_mock_check(fvm_mock_call(FVM_FRC42_Add, (fvm_bytes){ add, sizeof add }).exit_code == 0);
    fvm_bytes state = fvm_mock_state();
    fvm_mock_check(state.len == 3 && state.ptr[0] == 0x81 && state.ptr[2] == 42);

    /* a read-only call may look, not change */
    fvm_mock.context.flags = FVM_CALL_READ_ONLY;
    fvm_mock_check(fvm_mock_call(FVM_FRC42_Get, (fvm_bytes){ 0 }).exit_code == 0);
    fvm_mock_result r = fvm_mock_call(FVM_FRC42_Add, (fvm_bytes){ add, sizeof add });
    fvm_mock_check(r.exit_code == FVM_USR_READ_ONLY);
    return 0;
}
