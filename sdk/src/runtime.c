/* runtime.c - what the host's sources that the SDK shares (ipld, addresses) need from the layers that
 * a module does not have: hashes by syscall, and an allocator. Natively libfvm has its own. */
#ifdef __wasm__
#include <fvm/actor/exit.h>
#include <fvm/actor/heap.h>

#include "crypto/crypto.h"

const fvm_allocator *fvm_allocator_libc(void)
{
    return &fvm_heap_allocator;
}

/* The functions have digests of their own lengths, so `len` is what comes back, too. */
static void hash(uint8_t *out, uint32_t len, uint64_t function, fvm_bytes in)
{
    fvm_check(fvm_sys_hash(&len, function, in.ptr, (uint32_t)in.len, out, len));
}

void fvm_blake2b_256(uint8_t out[32], fvm_bytes in)
{
    hash(out, 32, FVM_HASHER_BLAKE2B_256, in);
}
void fvm_blake2b_512(uint8_t out[64], fvm_bytes in)
{
    hash(out, 64, FVM_HASHER_BLAKE2B_512, in);
}
void fvm_sha256(uint8_t out[32], fvm_bytes in)
{
    hash(out, 32, FVM_HASHER_SHA2_256, in);
}
void fvm_keccak256(uint8_t out[32], fvm_bytes in)
{
    hash(out, 32, FVM_HASHER_KECCAK_256, in);
}
void fvm_ripemd160(uint8_t out[20], fvm_bytes in)
{
    hash(out, 20, FVM_HASHER_RIPEMD_160, in);
}
#endif
