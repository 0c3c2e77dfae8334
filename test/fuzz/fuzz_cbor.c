/* fuzz_cbor.c - every reader of CBOR, and the link scanner, on hostile bytes. */
#include "ipld_props.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    prop_cbor_readers((fvm_bytes){ data, size });
    prop_cbor_round_trip((fvm_bytes){ data, size });
    return 0;
}
