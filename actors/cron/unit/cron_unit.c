/* The cron actor: every entry is called, in order, whatever the ones before came to. */
#include <fvm/actor/mock.h>

int main(void)
{
    /* [[[f04, 5], [f05, 9], [f0999, 2]]] */
    static const uint8_t entries[] = { 0x81, 0x83, 0x82, 0x42, 0x00, 0x04, 0x05, 0x82, 0x42,
                                       0x00, 0x05, 0x09, 0x82, 0x43, 0x00, 0xe7, 0x07, 0x02 };
    fvm_bytes params = { entries, sizeof entries }, none = { 0 };
    const fvm_address first = fvm_address_id(4), second = fvm_address_id(5),
                      third = fvm_address_id(999);
    fvm_mock_reset();
    fvm_mock.context.caller = 0;
    fvm_mock_check(fvm_mock_call(1, params).exit_code == 0);
    fvm_mock_check(fvm_mock_state().len == params.len);
    fvm_mock_check(memcmp(fvm_mock_state().ptr, entries, sizeof entries) == 0);

    fvm_mock_expect_send(&first, 5, 0, 18, none);
    fvm_mock_expect_send(&second, 9, 0, 7, params);
    fvm_mock_expect_send(&third, 2, 0, 0, none);
    fvm_mock_check(fvm_mock_call(2, none).exit_code == 0);
    fvm_mock_check(fvm_mock_sends_left() == 0);

    fvm_mock.context.caller = 3;
    fvm_mock_check(fvm_mock_call(2, none).exit_code == FVM_USR_FORBIDDEN);
    return 0;
}
