/* fuzz_bitfield.c - RLE+ from hostile bytes, and operations on sets. */
#include "bitfield_props.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    prop_bitfield_reads_back((fvm_bytes){ data, size });
    prop_bitfield_operations((fvm_bytes){ data, size });
    return 0;
}
