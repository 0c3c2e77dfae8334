/* The multisig actor under a debugger and sanitizers: what the outcome of a send becomes. */
#include <fvm/actor/mock.h>

static const fvm_bytes none = { 0 };

/* A wallet of f0100 alone. */
static void construct(void)
{
    static const uint8_t params[] = { 0x84, 0x81, 0x42, 0x00, 0x64, 0x01, 0x00, 0x00 };
    fvm_mock_reset();
    fvm_mock.context.caller = 1;
    fvm_mock.balance = 1000;
    fvm_mock_check(fvm_mock_call(1, (fvm_bytes){ params, sizeof params }).exit_code == 0);
    fvm_mock.context.caller = 100;
}

/* [f0101, 5 atto, method 7, params 01 02] */
static const uint8_t proposal[] = { 0x84, 0x42, 0x00, 0x65, 0x42, 0x00, 0x05, 0x07, 0x42, 1, 2 };

static fvm_mock_result propose(uint32_t exit_code, fvm_bytes answer)
{
    const fvm_address to = fvm_address_id(101);
    fvm_mock_expect_send(&to, 7, 5, exit_code, answer);
    return fvm_mock_call(2, (fvm_bytes){ proposal, sizeof proposal });
}

static void check_data(fvm_mock_result r, fvm_bytes want)
{
    fvm_mock_check(r.exit_code == 0 && r.codec == FVM_BLOCK_CBOR);
    fvm_mock_check(r.data.len == want.len && memcmp(r.data.ptr, want.ptr, want.len) == 0);
}
#define DATA(...)                                                                                  \
    ((fvm_bytes){ (const uint8_t[]){ __VA_ARGS__ }, sizeof(uint8_t[]){ __VA_ARGS__ } })

int main(void)
{
    construct();
    /* [id, applied, code, data]; the machine's codes become 23 and 24 */
    check_data(propose(0, none), DATA(0x84, 0x00, 0xf5, 0x00, 0x40));
    check_data(propose(0, DATA(0x81, 0x05)), DATA(0x84, 0x01, 0xf5, 0x00, 0x42, 0x81, 0x05));
    check_data(propose(33, DATA(0x41, 0x09)), DATA(0x84, 0x02, 0xf5, 0x18, 33, 0x42, 0x41, 0x09));
    check_data(propose(4, none), DATA(0x84, 0x03, 0xf5, 23, 0x40));
    check_data(propose(9, none), DATA(0x84, 0x04, 0xf5, 23, 0x40));
    check_data(propose(11, none), DATA(0x84, 0x05, 0xf5, 23, 0x40));
    check_data(propose(7, none), DATA(0x84, 0x06, 0xf5, 0x18, 24, 0x40));
    check_data(propose(15, none), DATA(0x84, 0x07, 0xf5, 0x18, 24, 0x40));
    check_data(propose(16, none), DATA(0x84, 0x08, 0xf5, 16, 0x40));
    fvm_mock_check(fvm_mock_sends_left() == 0);

    /* parameters: CBOR of either codec, and nothing else */
    fvm_bytes p = { proposal, sizeof proposal };
    fvm_mock_check(fvm_mock_call_codec(2, FVM_BLOCK_RAW, p).exit_code == FVM_USR_SERIALIZATION);
    fvm_mock_check(fvm_mock_call(2, none).exit_code == FVM_USR_ILLEGAL_ARGUMENT);
    for (size_t n = 1; n < p.len; n++)
        fvm_mock_check(fvm_mock_call(2, (fvm_bytes){ proposal, n }).exit_code ==
                       FVM_USR_SERIALIZATION);

    /* nothing is proposed, approved or cancelled by a read-only call */
    fvm_mock.context.flags = FVM_CALL_READ_ONLY;
    fvm_mock_check(fvm_mock_call(2, p).exit_code == FVM_USR_READ_ONLY);
    fvm_mock_check(fvm_mock_call(3, DATA(0x82, 0x00, 0x40)).exit_code == FVM_USR_NOT_FOUND);
    return 0;
}
