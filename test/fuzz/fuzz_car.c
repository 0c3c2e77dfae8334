/* fuzz_car.c - archives from hostile bytes. */
#include "ipld_props.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    prop_car_reads_back((fvm_bytes){ data, size });
    return 0;
}
