/* fuzz_chain_record.c - what the ledger's tables hold, from a broken database: the first byte says which
 * record. What decodes is written back and decodes again to the same bytes. */
#include "chain/chain_internal.h"
#include "test.h"

typedef struct record {
    fvm_tipset tipset;
    fvm_chain_message message;
    fvm_chain_event event;
    fvm_edit edit;
    fvm__params params;
    bool implicit;
} record;

static fvm_err read_one(record *r, unsigned which, fvm_bytes in)
{
    switch (which) {
    case 0: return fvm__tipset_read(&r->tipset, 7, in);
    case 1: return fvm__message_read(&r->message, &r->implicit, in);
    case 2: return fvm__event_read(&r->event, in);
    case 3: return fvm__edit_read(&r->edit, in);
    case 4: return fvm__params_read(&r->params, in);
    default: return fvm__event_take(&r->event, &in);
    }
}

static fvm_err write_one(fvm_buf *out, const record *r, unsigned which)
{
    switch (which) {
    case 0: return fvm__tipset_write(out, &r->tipset);
    case 1: return fvm__message_write(out, &r->message, r->implicit);
    case 2: return fvm__event_write(out, &r->event);
    case 3: return fvm__edit_write(out, &r->edit);
    default: return fvm__params_write(out, &r->params);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static record r;
    fvm_buf once, twice;
    if (!size) return 0;
    unsigned which = data[0] % 6;
    r = (record){ .implicit = false };
    if (read_one(&r, which, (fvm_bytes){ data + 1, size - 1 }) != FVM_OK || which == 5) return 0;
    fvm_buf_init(&once, NULL);
    fvm_buf_init(&twice, NULL);
    CHECK_OK(write_one(&once, &r, which));
    CHECK_OK(read_one(&r, which, (fvm_bytes){ once.ptr, once.len }));
    CHECK_OK(write_one(&twice, &r, which));
    CHECK_BYTES(((fvm_bytes){ once.ptr, once.len }), ((fvm_bytes){ twice.ptr, twice.len }));
    fvm_buf_deinit(&twice);
    fvm_buf_deinit(&once);
    return 0;
}
