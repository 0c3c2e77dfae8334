/* precompiles_double.c - stands for the precompiles: those of Ethereum return what they are given, those
 * of Filecoin fail. */
#include "evm/precompiles/precompiles.h"

bool fvm_evm_is_reserved(const uint8_t address[20])
{
    for (int i = 1; i < 19; i++)
        if (address[i]) return false;
    return (address[0] == 0 || address[0] == 0xfe) && address[19];
}

bool fvm_evm_is_precompile(const uint8_t address[20])
{
    return fvm_evm_is_reserved(address) && address[19] < 0x12;
}

int fvm_evm_precompile(const uint8_t **out, uint32_t *out_len, const uint8_t address[20],
                       const fvm_evm_call_context *ctx, const uint8_t *in, uint32_t in_len)
{
    (void)ctx;
    if (address[0]) return 1;
    *out = in;
    *out_len = in_len;
    return 0;
}
