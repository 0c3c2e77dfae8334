/* Bodies in chunks: the same comes of them however they are cut, and never more than was allowed. The first
 * byte chooses the cuts. */
#include "rpc/chunked.h"
#include "test.h"

#define BODY_MAX 256u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads pieces whose lengths go round 1..step. */
static fvm_err read_cut(fvm_buf *body, bool *done, fvm_bytes in, size_t step)
{
    fvm_chunked c = { 0 };
    fvm_err err = FVM_OK;
    *done = false;
    for (size_t n = 1; in.len > 0 && err == FVM_OK; n = n % step + 1) {
        fvm_bytes part;
        CHECK_OK(fvm_bytes_take(&part, &in, n < in.len ? n : in.len));
        err = fvm_chunked_read(&c, body, BODY_MAX, done, part);
    }
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fvm_buf whole, cut;
    fvm_chunked c = { 0 };
    bool done = false, cut_done;
    if (size == 0) return 0;
    const fvm_bytes in = { data + 1, size - 1 };
    fvm_buf_init(&whole, NULL);
    fvm_buf_init(&cut, NULL);
    fvm_err err = fvm_chunked_read(&c, &whole, BODY_MAX, &done, in);
    CHECK(err == FVM_OK || err == FVM_ERR_MALFORMED || err == FVM_ERR_LIMIT);
    CHECK(whole.len <= BODY_MAX && whole.len <= size);
    fvm_err again = read_cut(&cut, &cut_done, in, 1 + data[0] % 16u);
    if (err == FVM_OK || err == FVM_ERR_MALFORMED) {
        CHECK(again == err && cut_done == done);
        CHECK(fvm_bytes_eq(fvm_buf_bytes(&cut), fvm_buf_bytes(&whole)));
    } else {
        CHECK(again == err); /* of the chunk that is too long, more may have come */
    }
    fvm_buf_deinit(&whole);
    fvm_buf_deinit(&cut);
    return 0;
}
