/* fuzz_kamt.c - a KAMT over hostile blocks, and against its model; the first byte chooses. */
#include "ipld_kamt_props.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    fvm_bytes rest = { data + 1, size - 1 };
    if (data[0] % 2 == 0)
        prop_kamt_over_hostile_blocks(rest);
    else
        prop_kamt(rest);
    return 0;
}
