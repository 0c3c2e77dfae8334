/* Message bytes: what reads also writes, and what was written reads back as the same message. The
 * first byte chooses the network version. */
#include "test.h"
#include <fvm/message.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const fvm_message *a, const fvm_message *b)
{
    return a->version == b->version && fvm_address_eq(&a->to, &b->to) &&
           fvm_address_eq(&a->from, &b->from) && a->nonce == b->nonce &&
           fvm_big_cmp(&a->value, &b->value) == 0 && a->gas_limit == b->gas_limit &&
           fvm_big_cmp(&a->gas_fee_cap, &b->gas_fee_cap) == 0 &&
           fvm_big_cmp(&a->gas_premium, &b->gas_premium) == 0 && a->method == b->method &&
           fvm_bytes_eq(a->params, b->params);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fvm_message first, second;
    fvm_buf bytes, again;
    if (size == 0) return 0;
    uint32_t version = 17 + data[0] % 13;
    if (fvm_message_read(&first, (fvm_bytes){ data + 1, size - 1 }, version) != FVM_OK) return 0;
    /* nv17 has signed fields, which hold negative numbers as two's complement; the writer knows no
     * version and writes them as the u64 of later ones, which nv17 refuses. */
    if (version == 17 && (first.version > INT64_MAX || first.gas_limit > INT64_MAX)) return 0;
    fvm_buf_init(&bytes, NULL);
    fvm_buf_init(&again, NULL);
    CHECK_OK(fvm_message_write(&bytes, &first)); /* an amount that was read fits the wire */
    CHECK_OK(fvm_message_read(&second, fvm_buf_bytes(&bytes), version));
    CHECK(same(&first, &second));
    CHECK_OK(fvm_message_write(&again, &second));
    CHECK_BYTES(fvm_buf_bytes(&again), fvm_buf_bytes(&bytes));
    fvm_buf_deinit(&again);
    fvm_buf_deinit(&bytes);
    return 0;
}
