/* Any bytes as an address and as the text of one: what is accepted reads back the same. */
#include "test.h"

#include <fvm/address.h>

static void reads_back(const fvm_address *a)
{
    fvm_address b, c;
    char text[FVM_ADDRESS_TEXT_MAX];
    CHECK_OK(fvm_address_read(&b, (fvm_bytes){ a->bytes, a->len }, true));
    CHECK(fvm_address_eq(a, &b));
    size_t len = fvm_address_to_text(text, a, 'f');
    CHECK(len == strlen(text) && len <= 138);
    CHECK_OK(fvm_address_from_text(&c, fvm_bytes_of(text), 'f'));
    CHECK(fvm_address_eq(a, &c));
    for (size_t i = a->len; i < FVM_ADDRESS_MAX; i++) CHECK(a->bytes[i] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fvm_bytes in = { data, size };
    fvm_address a;
    if (fvm_address_read(&a, in, true) == FVM_OK) {
        uint64_t space;
        fvm_bytes sub;
        reads_back(&a);
        /* nv17 accepts the same but delegated ones */
        fvm_address old;
        bool f4 = fvm_address_to_delegated(&space, &sub, &a);
        CHECK((fvm_address_read(&old, in, false) == FVM_OK) == !f4);
    }
    if (fvm_address_from_text(&a, in, 'f') == FVM_OK) reads_back(&a);
    return 0;
}
