/* The Ethereum address manager: addresses by Ethereum's rules (vectors made elsewhere: EIP-1014 and
 * clients), and which are not given away. */
#include <fvm/actor/mock.h>

#include "../eam.c"

static void check_address(eth_address got, const char *hex)
{
    char text[41];
    for (int i = 0; i < 20; i++) (void)snprintf(text + 2 * i, 3, "%02x", got.bytes[i]);
    if (strcmp(text, hex) != 0) fprintf(stderr, "%s instead of %s\n", text, hex);
    fvm_mock_check(strcmp(text, hex) == 0);
}

/* As the actor would: hashes are syscalls, so all runs inside a call. */
static void check_addresses(void)
{
    static const uint8_t zeros[32] = { 0 };
    eth_address from = { { 0 } };
    uint8_t salt[32];
    check_address(create_address(&from, 0), "bd770416a3345f91e4b34576cb804a576fa48eb1");
    check_address(create_address(&from, 200), "a6b14387c1356b443061155e9c3e17f72c1777e5");
    memset(from.bytes, 123, sizeof from.bytes);
    check_address(create_address(&from, 12345), "809a9ab0471e78ee5100e96ca4d0828d1b97e2ba");

    memset(from.bytes, 0, sizeof from.bytes);
    check_address(create2_address(&from, (fvm_bytes){ zeros, 32 }, (fvm_bytes){ 0 }),
                  "e33c0c7f7df4809055c3eba6c09cfe4baf1bd9e0");
    memset(from.bytes, 0x99, sizeof from.bytes);
    memset(salt, 0x42, sizeof salt);
    check_address(create2_address(&from, (fvm_bytes){ salt, 32 }, FVM_STR("foobar")),
                  "64425c93a90901271fa355c2bc462190803b97d4");
    check_address(masked_id(0x1234), "ff00000000000000000000000000000000001234");
}

static void check_reserved(void)
{
    eth_address a = { { 0 } };
    for (int first = 0; first < 256; first++) {
        a.bytes[0] = (uint8_t)first;
        fvm_mock_check(is_reserved(&a) == (first == 0 || first >= 0xfe));
        a.bytes[19] = 0x20;
        fvm_mock_check(is_reserved(&a) == (first == 0 || first >= 0xfe));
        a.bytes[18] = 1; /* the low byte of no precompile; still a masked ID */
        fvm_mock_check(is_reserved(&a) == (first == 0xff));
        a.bytes[11] = 1;
        fvm_mock_check(!is_reserved(&a));
        a.bytes[11] = a.bytes[18] = a.bytes[19] = 0;
    }
}

int main(void)
{
    static const uint8_t pair[] = { 0x82, 0x40, 0x00 };
    fvm_mock_reset();
    check_addresses();
    check_reserved();

    fvm_mock.context.receiver = FVM_EAM_ACTOR;
    fvm_mock.context.caller = 0;
    fvm_mock_check(fvm_mock_call(1, (fvm_bytes){ 0 }).exit_code == 0);
    fvm_mock.context.receiver = 11;
    fvm_mock_check(fvm_mock_call(1, (fvm_bytes){ 0 }).exit_code == FVM_USR_FORBIDDEN);

    /* only contracts create; a contract without an address of ours does not either */
    fvm_mock.context.receiver = FVM_EAM_ACTOR;
    fvm_mock.context.caller = 100;
    fvm_mock_check(fvm_mock_call(2, (fvm_bytes){ pair, sizeof pair }).exit_code ==
                   FVM_USR_FORBIDDEN);
    fvm_mock.caller_type = BUILTIN_EVM;
    fvm_mock_check(fvm_mock_call(2, (fvm_bytes){ pair, sizeof pair }).exit_code ==
                   FVM_USR_FORBIDDEN);

    /* initcode comes as raw bytes, too; other codecs do not decode */
    fvm_mock.caller_type = BUILTIN_MULTISIG;
    fvm_mock_check(fvm_mock_call_codec(4, FVM_BLOCK_RAW, FVM_STR("x")).exit_code ==
                   FVM_USR_FORBIDDEN);
    fvm_mock_check(fvm_mock_call_codec(4, FVM_BLOCK_CBOR, FVM_STR("x")).exit_code ==
                   FVM_USR_SERIALIZATION);
    return 0;
}
