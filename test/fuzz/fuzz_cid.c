/* fuzz_cid.c - binary and text CIDs from hostile bytes. */
#include "ipld_props.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    prop_cid_reads_back((fvm_bytes){ data, size });
    prop_cid_text_reads_back((fvm_bytes){ data, size });
    return 0;
}
