/* fuzz_dagjson.c - the input as text, and as a block: whatever is accepted comes back. */
#include "ipld/cbor.h"
#include "ipld/dagjson.h"
#include "test.h"

static void prop_text(fvm_bytes text)
{
    fvm_buf block, out, again;
    fvm_buf_init(&block, NULL);
    fvm_buf_init(&out, NULL);
    fvm_buf_init(&again, NULL);
    size_t at = 0;
    fvm_err err = fvm_dagjson_read(&block, text, &at);
    CHECK(err == FVM_OK || at <= text.len);
    if (err == FVM_OK) {
        /* what was read is canonical, so it can be written unless it means something else then */
        err = fvm_dagjson_write(&out, fvm_buf_bytes(&block), 0);
        CHECK(err == FVM_OK || err == FVM_ERR_INVALID);
        if (err == FVM_OK) {
            CHECK_OK(fvm_dagjson_read(&again, fvm_buf_bytes(&out), NULL));
            CHECK_BYTES(fvm_buf_bytes(&again), fvm_buf_bytes(&block));
        }
    }
    fvm_buf_deinit(&block);
    fvm_buf_deinit(&out);
    fvm_buf_deinit(&again);
}

static void prop_block(fvm_bytes block)
{
    fvm_buf text, canonical, again;
    fvm_buf_init(&text, NULL);
    fvm_buf_init(&canonical, NULL);
    fvm_buf_init(&again, NULL);
    if (fvm_dagjson_write(&text, block, 0) == FVM_OK) {
        CHECK(fvm_utf8_valid(fvm_buf_bytes(&text)));
        fvm_err err = fvm_dagjson_read(&canonical, fvm_buf_bytes(&text), NULL);
        CHECK(err == FVM_OK || err == FVM_ERR_RANGE || err == FVM_ERR_MALFORMED); /* no NaN, inf */
        if (err == FVM_OK) {
            CHECK_OK(fvm_dagjson_write(&again, fvm_buf_bytes(&canonical), 0));
            CHECK_BYTES(fvm_buf_bytes(&again), fvm_buf_bytes(&text));
        }
    }
    fvm_buf_deinit(&text);
    fvm_buf_deinit(&canonical);
    fvm_buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    prop_text((fvm_bytes){ data, size });
    prop_block((fvm_bytes){ data, size });
    return 0;
}
