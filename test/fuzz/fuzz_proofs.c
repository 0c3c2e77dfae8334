/* Any bytes as the CBOR that actors hand to syscalls: proofs, pieces, and events before nv21. They end
 * in a verdict or an error number, and only arguments that decode reach the charge. */
#include "kernel_fixture.h"

static void try_all(uint32_t version, fvm_bytes in)
{
    static fvm__syscall_fn *const handlers[] = {
        fvm__crypto_verify_post, fvm__crypto_verify_aggregate,   fvm__crypto_verify_update,
        fvm__crypto_verify_seal, fvm__crypto_batch_verify_seals, fvm__event_emit_blob,
    };
    fixture f;
    fixture_open(&f, version);
    f.valid = true;
    for (size_t i = 0; i < FVM_COUNT(handlers); i++) {
        if (handlers[i] == fvm__event_emit_blob && version != 19) continue;
        fixture_poke(&f, 0, in);
        fixture_spent(&f);
        fvm_err err = CALL(&f, handlers[i], 0, in.len, 32768);
        CHECK(err == FVM_OK || err == FVM_ERR_OUT_OF_GAS ||
              fvm_err_class_of(err) == FVM_CLASS_SYSCALL);
        CHECK(err != FVM_OK || f.trace_len > 0 || handlers[i] == fvm__crypto_batch_verify_seals);
    }
    fixture_poke(&f, 0, in);
    fvm_err err = CALL(&f, fvm__crypto_unsealed_cid, 5, 0, in.len, 40000, 100);
    CHECK(err == FVM_OK || err == FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    fixture_close(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 16384) return 0;
    try_all(17, (fvm_bytes){ data, size });
    try_all(19, (fvm_bytes){ data, size });
    try_all(21, (fvm_bytes){ data, size });
    return 0;
}
