/* What the scripts cannot do: let time pass, look at events, make the payment fail. */
#include <fvm/actor/mock.h>

static void begin(void)
{
    static const uint8_t terms[] = { 0x83, 0x42, 0x00, 101, 0x42, 0x00, 102, 0x18, 200 };
    fvm_mock_reset();
    fvm_mock_check(fvm_mock_call(1, (fvm_bytes){ terms, sizeof terms }).exit_code == 0);
    fvm_mock.context.value.lo = 7;
    fvm_mock_check(fvm_mock_call(FVM_FRC42_Deposit, (fvm_bytes){ 0 }).exit_code == 0);
    fvm_mock.context.value.lo = 0;
}

int main(void)
{
    fvm_address buyer = fvm_address_id(100), seller = fvm_address_id(101);

    begin();
    fvm_mock_check(fvm_mock_events() == 1);
    fvm_bytes what = fvm_mock_event(0, "escrow");
    fvm_mock_check(what.len == 8 && what.ptr[0] == 0x67 && what.ptr[1] == 'd');

    /* the buyer alone gets a refund only after the deadline */
    fvm_mock_check(fvm_mock_call(FVM_FRC42_Refund, (fvm_bytes){ 0 }).exit_code == 18);
    fvm_mock.network.epoch = 201;
    fvm_mock_expect_send(&buyer, 0, 7, 0, (fvm_bytes){ 0 });
    fvm_mock_check(fvm_mock_call(FVM_FRC42_Refund, (fvm_bytes){ 0 }).exit_code == 0);
    fvm_mock_check(fvm_mock_sends_left() == 0 && fvm_mock.balance == 0);

    /* when the seller cannot be paid, nothing has happened */
    begin();
    fvm_mock_expect_send(&seller, 0, 7, 33, (fvm_bytes){ 0 });
    fvm_mock_check(fvm_mock_call(FVM_FRC42_Release, (fvm_bytes){ 0 }).exit_code == 33);
    fvm_mock_check(fvm_mock.balance == 7 && fvm_mock_events() == 1);
    fvm_mock_expect_send(&seller, 0, 7, 0, (fvm_bytes){ 0 });
    fvm_mock_check(fvm_mock_call(FVM_FRC42_Release, (fvm_bytes){ 0 }).exit_code == 0);
    return 0;
}
