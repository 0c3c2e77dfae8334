/* Vector files are untrusted: whatever the bytes, reading ends with a vector or an error in words. */
#include "cli/vector.h"
#include "test.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fvm_vector *vector;
    fvm_store_why why = { .text = "" };
    fvm_err err = fvm_vector_parse(&vector, "fuzz", (fvm_bytes){ data, size }, &why);
    if (err != FVM_OK) {
        CHECK(strncmp(why.text, "fuzz: ", 6) == 0); /* names the file, and says something */
        CHECK(why.text[6] != '\0');
        return 0;
    }
    json_t *receipts;
    fvm_cid root;
    if (fvm_vector_expected(vector, &receipts, &root, &why) == FVM_OK)
        CHECK(json_is_array(receipts));
    fvm_vector_free(vector);
    return 0;
}
