/* fuzz_ledger_journal.c - the reader of a ledger's journal. Records are under sums, so that changing bytes
 * finds nothing behind them; the input's first byte says what the rest is:
 *
 *     0   a journal
 *     1   bodies of records, each behind its length (a byte): they get heads and sums here
 *     2   the same, and what is made of it is cut off where the second byte says
 */
#include "chain/ledger_journal.h"
#include "test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t boot[16] = { 1, 2, 3 };

typedef struct heard {
    fvm_buf again; /* what was heard, as a journal */
    uint64_t last;
    size_t start; /* of the record that is open in `again` */
} heard;

static void end_record(heard *h)
{
    if (h->last) CHECK_OK(fvm__journal_record_end(&h->again, h->start, h->last));
}

static fvm_err hear_batch(void *ctx, uint64_t number, bool *wanted)
{
    heard *h = ctx;
    end_record(h);
    h->last = number;
    h->start = h->again.len;
    *wanted = true;
    return number == 0 ? FVM_ERR_INVALID : fvm__journal_record_begin(&h->again);
}

static fvm_err hear_change(void *ctx, fvm_bytes key, const fvm_bytes *value)
{
    heard *h = ctx;
    return fvm__journal_change(&h->again, key, value);
}

/* What is heard, written again, is what was read; but deletions need not have brought a value along. */
static void read_and_compare(fvm_bytes in, bool cut)
{
    heard h = { .last = 0 };
    const fvm__journal_reader reader = { hear_batch, hear_change, &h };
    fvm__journal_file file;
    fvm_store_why why = { "" };
    bool whole = false;
    uint8_t head[FVM__JOURNAL_HEAD];
    fvm_buf_init(&h.again, NULL);
    fvm_err err = fvm__journal_read(&file, &whole, in, boot, &reader, "journal", &why);
    CHECK(err == FVM_OK || err == FVM_ERR_MALFORMED || err == FVM_ERR_INVALID);
    CHECK(err != FVM_ERR_MALFORMED || why.text[0] != 0);
    if (err == FVM_OK) {
        end_record(&h);
        CHECK(h.again.len <= in.len);
        if (whole && file.number) {
            fvm__journal_head_write(head, &file);
            CHECK(memcmp(head, in.ptr, 32) == 0);
        }
        CHECK(!whole || !cut || in.len >= FVM__JOURNAL_HEAD);
    }
    fvm_buf_deinit(&h.again);
}

/* A journal of records with these bodies. */
static void make_journal(fvm_buf *out, fvm_bytes bodies)
{
    uint8_t head[FVM__JOURNAL_HEAD];
    fvm__journal_file file = { .number = 1, .strict = bodies.len % 2 };
    memcpy(file.boot, boot, sizeof boot);
    fvm__journal_head_write(head, &file);
    CHECK_OK(fvm_buf_append(out, (fvm_bytes){ head, sizeof head }));
    for (uint64_t number = 1; bodies.len > 0; number++) {
        fvm_bytes len, body;
        size_t start = out->len;
        CHECK_OK(fvm_bytes_take(&len, &bodies, 1));
        size_t n = len.ptr[0] < bodies.len ? len.ptr[0] : bodies.len;
        CHECK_OK(fvm_bytes_take(&body, &bodies, n));
        CHECK_OK(fvm__journal_record_begin(out));
        CHECK_OK(fvm_buf_append(out, body));
        CHECK_OK(fvm__journal_record_end(out, start, number));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fvm_bytes in = { data, size };
    fvm_buf journal;
    if (size < 2) return 0;
    if (data[0] == 0) {
        read_and_compare((fvm_bytes){ data + 1, size - 1 }, false);
        return 0;
    }
    fvm_buf_init(&journal, NULL);
    make_journal(&journal, (fvm_bytes){ in.ptr + 2, in.len - 2 });
    bool cut = data[0] == 2;
    size_t len = cut ? journal.len * data[1] / 256 : journal.len;
    read_and_compare((fvm_bytes){ journal.ptr, len }, cut);
    fvm_buf_deinit(&journal);
    return 0;
}
