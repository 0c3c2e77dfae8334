/* What a ledger promises: the same answers whatever is in memory, in the journal and in the database;
 * after a process dies all that was committed, or a clear error where something is damaged. */
#include "chain/ledger_journal.h"
#include "store_helpers.h"

#include "chain/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define NEVER_MS 3600000u
#define FIRST_JOURNAL "ledger/journal-0000000000000001"

/* Tables whose entries are only looked up. */
#define NAMES FVM_LEDGER_ORDERED
#define LATE_NAMES (FVM_LEDGER_ORDERED + 1)

static fvm_ledger *open_ledger(fvm_ledger_options options)
{
    fvm_ledger *ledger = NULL;
    fvm_store_why why = { "" };
    fvm_err err = fvm_ledger_open(&ledger, &options, NULL, &why);
    CHECK_AT(why.text, err == FVM_OK);
    return ledger;
}

static fvm_bytes number_bytes(uint8_t room[8], uint64_t v)
{
    for (unsigned i = 0; i < 8; i++) room[i] = (uint8_t)(v >> (56 - 8 * i));
    return (fvm_bytes){ room, 8 };
}

/* --- batches with contents that follow from their numbers --- */

/* Batch `n`: the count, an entry of its own with a long value, its name, and two blocks, of which one is
 * always the same. */
static void value_of(fvm_buf *out, uint64_t n)
{
    test_rng rng = { n };
    out->len = 0;
    for (size_t i = 0, len = n * 37 % 3000; i < len; i++)
        CHECK_OK(fvm_buf_put_u8(out, (uint8_t)test_rng_below(&rng, 256)));
}

static fvm_err put_batch(fvm_ledger *ledger, uint64_t n)
{
    uint8_t key[8], count[8];
    fvm_buf value;
    fvm_cid cid;
    fvm_buf_init(&value, NULL);
    value_of(&value, n);
    fvm_ledger_begin(ledger);
    fvm_err err = fvm_ledger_put(ledger, 0, FVM_STR("count"), number_bytes(count, n));
    if (err == FVM_OK) err = fvm_ledger_put(ledger, 1, number_bytes(key, n), fvm_buf_bytes(&value));
    if (err == FVM_OK && n > 2) err = fvm_ledger_delete(ledger, 2, number_bytes(key, n - 2));
    if (err == FVM_OK) err = fvm_ledger_put(ledger, 2, number_bytes(key, n), FVM_STR("late"));
    if (err == FVM_OK)
        err = fvm_ledger_put(ledger, NAMES, number_bytes(key, n), number_bytes(count, n * n));
    if (err == FVM_OK && n > 2)
        err = fvm_ledger_delete(ledger, LATE_NAMES, number_bytes(key, n - 2));
    if (err == FVM_OK)
        err = fvm_ledger_put(ledger, LATE_NAMES, number_bytes(key, n), FVM_STR("late"));
    if (err == FVM_OK)
        err = fvm_blockstore_put_new(fvm_ledger_blocks(ledger), &cid, FVM_CODEC_RAW,
                                     FVM_STR("in every batch"));
    if (err == FVM_OK)
        err = fvm_blockstore_put_new(fvm_ledger_blocks(ledger), &cid, FVM_CODEC_RAW,
                                     fvm_buf_bytes(&value));
    CHECK_OK(err);
    fvm_buf_deinit(&value);
    return fvm_ledger_commit(ledger);
}

static uint64_t count_of(fvm_ledger *ledger)
{
    uint64_t n = 0;
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    fvm_err err = fvm_ledger_get(ledger, &out, 0, FVM_STR("count"), false);
    CHECK(err == FVM_OK || err == FVM_ERR_NOT_FOUND);
    if (err == FVM_OK) n = fvm_load_be64(out.ptr);
    fvm_buf_deinit(&out);
    return n;
}

typedef struct numbers {
    uint64_t next, step, seen;
} numbers;

static fvm_err see_number(void *ctx, fvm_bytes key, fvm_bytes value)
{
    numbers *n = ctx;
    (void)value;
    CHECK(key.len == 8 && fvm_load_be64(key.ptr) == n->next);
    n->next += n->step;
    n->seen++;
    return FVM_OK;
}

/* What batches 1..n leave in the tables without order. */
static void check_names(fvm_ledger *ledger, uint64_t n)
{
    uint8_t key[8], square[8];
    fvm_buf got;
    fvm_buf_init(&got, NULL);
    for (uint64_t i = 1; i <= n + 1; i++) {
        got.len = 0;
        fvm_err err = fvm_ledger_get(ledger, &got, NAMES, number_bytes(key, i), false);
        CHECK(err == (i <= n ? FVM_OK : FVM_ERR_NOT_FOUND));
        if (i <= n) CHECK_BYTES(fvm_buf_bytes(&got), number_bytes(square, i * i));
        err = fvm_ledger_get(ledger, NULL, LATE_NAMES, number_bytes(key, i), false);
        CHECK(err == (i + 1 >= n && i <= n ? FVM_OK : FVM_ERR_NOT_FOUND));
    }
    fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, FVM_STR("in every batch"));
    bool there = false;
    CHECK_OK(fvm_blockstore_has(fvm_ledger_blocks(ledger), &there, &cid));
    CHECK(there == (n > 0));
    fvm_buf_deinit(&got);
}

/* Everything that batches 1..n leave is there, and nothing else. */
static void check_batches(fvm_ledger *ledger, uint64_t n)
{
    fvm_buf want, got;
    uint8_t key[8];
    fvm_buf_init(&want, NULL);
    fvm_buf_init(&got, NULL);
    CHECK(count_of(ledger) == n);
    check_names(ledger, n);
    for (uint64_t i = 1; i <= n; i++) {
        value_of(&want, i);
        got.len = 0;
        CHECK_OK(fvm_ledger_get(ledger, &got, 1, number_bytes(key, i), false));
        CHECK(fvm_bytes_eq(fvm_buf_bytes(&got), fvm_buf_bytes(&want)));
        fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, fvm_buf_bytes(&want));
        got.len = 0;
        CHECK_OK(fvm_blockstore_get(fvm_ledger_blocks(ledger), &got, &cid));
        CHECK(fvm_bytes_eq(fvm_buf_bytes(&got), fvm_buf_bytes(&want)));
    }
    const fvm_bytes all = { NULL, 0 };
    numbers up = { 1, 1, 0 }, down = { n, UINT64_MAX, 0 }, late = { n > 1 ? n - 1 : 1, 1, 0 };
    CHECK_OK(fvm_ledger_range(ledger, 1, all, all, false, see_number, &up));
    CHECK_OK(fvm_ledger_range(ledger, 1, all, all, true, see_number, &down));
    CHECK_OK(fvm_ledger_range(ledger, 2, all, all, false, see_number, &late));
    CHECK(up.seen == n && down.seen == n && late.seen == (n < 2 ? n : 2));
    fvm_buf_deinit(&want);
    fvm_buf_deinit(&got);
}

/* --- against a plain model --- */

enum { MODEL_KEYS = 40, MODEL_TABLES = 4 };
static const unsigned model_tables[MODEL_TABLES] = { 0, 1, NAMES, FVM_LEDGER_TABLES - 1 };
typedef struct model {
    int values[MODEL_TABLES][MODEL_KEYS]; /* -1: absent */
} model;

typedef struct range_check {
    const model *m;
    unsigned table;
    int at, end, step;
} range_check;

static void skip_absent(range_check *r)
{
    while (r->at != r->end && r->m->values[r->table][r->at] < 0) r->at += r->step;
}

static fvm_err see_model(void *ctx, fvm_bytes key, fvm_bytes value)
{
    range_check *r = ctx;
    skip_absent(r);
    CHECK(r->at != r->end && key.len == 2 && key.ptr[1] == r->at);
    CHECK(value.len == 1 + (size_t)r->at * 20 &&
          value.ptr[0] == (uint8_t)r->m->values[r->table][r->at]);
    r->at += r->step;
    return FVM_OK;
}

static void check_range(fvm_ledger *ledger, const model *m, unsigned table, int from, int to,
                        bool down)
{
    fvm_bytes low = FVM_BYTES('k', (uint8_t)from), high = FVM_BYTES('k', (uint8_t)to);
    if (to == MODEL_KEYS) high.len = 0;
    range_check r = { m, table, down ? to - 1 : from, down ? from - 1 : to, down ? -1 : 1 };
    if (from >= to) r.at = r.end = 0;
    fvm_err err = fvm_ledger_range(ledger, model_tables[table], low, high, down, see_model, &r);
    CHECK(err == (model_tables[table] < FVM_LEDGER_ORDERED ? FVM_OK : FVM_ERR_INVALID));
    if (err != FVM_OK) return;
    skip_absent(&r);
    CHECK(r.at == r.end);
}

static void check_model(fvm_ledger *ledger, const model *m, test_rng *rng)
{
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    for (unsigned i = 0; i < 12; i++) {
        unsigned table = (unsigned)test_rng_below(rng, MODEL_TABLES);
        uint8_t k = (uint8_t)test_rng_below(rng, MODEL_KEYS);
        out.len = 0;
        fvm_err err = fvm_ledger_get(ledger, &out, model_tables[table], FVM_BYTES('k', k), false);
        CHECK(err == (m->values[table][k] < 0 ? FVM_ERR_NOT_FOUND : FVM_OK));
        CHECK(err != FVM_OK || out.ptr[0] == (uint8_t)m->values[table][k]);
        check_range(ledger, m, table, (int)test_rng_below(rng, MODEL_KEYS),
                    (int)test_rng_below(rng, MODEL_KEYS + 1), test_rng_below(rng, 2));
    }
    fvm_buf_deinit(&out);
}

static void random_batch(fvm_ledger *ledger, model *m, test_rng *rng)
{
    static uint8_t bytes[1 + MODEL_KEYS * 20];
    model next = *m;
    fvm_ledger_begin(ledger);
    for (uint64_t n = test_rng_below(rng, 10); n > 0; n--) {
        unsigned table = (unsigned)test_rng_below(rng, MODEL_TABLES);
        uint8_t k = (uint8_t)test_rng_below(rng, MODEL_KEYS);
        if (test_rng_below(rng, 3) == 0) {
            CHECK_OK(fvm_ledger_delete(ledger, model_tables[table], FVM_BYTES('k', k)));
            next.values[table][k] = -1;
        } else {
            bytes[0] = (uint8_t)test_rng_below(rng, 256);
            fvm_bytes value = { bytes, 1 + (size_t)k * 20 };
            CHECK_OK(fvm_ledger_put(ledger, model_tables[table], FVM_BYTES('k', k), value));
            next.values[table][k] = bytes[0];
        }
    }
    if (test_rng_below(rng, 5) == 0) {
        fvm_ledger_abort(ledger);
        return;
    }
    CHECK_OK(fvm_ledger_commit(ledger));
    *m = next;
}

TEST(ledger_agrees_with_a_plain_table_in_every_mode)
{
    for (int mode = 0; mode < 5; mode++) {
        temp_folder t = temp_folder_new();
        temp_path path = in_folder(&t, "ledger");
        model m;
        test_rng rng = { (uint64_t)mode + 1 };
        fvm_ledger_options options = {
            .folder = mode < 4 ? path.text : NULL,
            .durability = mode == 1   ? FVM_DURABILITY_STRICT
                          : mode == 2 ? FVM_DURABILITY_NONE
                                      : FVM_DURABILITY_GROUP,
            .group_bytes = mode == 3 ? 0 : 3000,
            .group_ms = mode == 3 ? NEVER_MS : 1,
        };
        memset(&m, 0xff, sizeof m);
        fvm_ledger *ledger = open_ledger(options);
        for (size_t i = 0; i < test_rounds(300); i++) {
            random_batch(ledger, &m, &rng);
            check_model(ledger, &m, &rng);
            if (mode < 4 && test_rng_below(&rng, 40) == 0) {
                fvm_ledger_close(ledger);
                ledger = open_ledger(options);
            }
            if (test_rng_below(&rng, 50) == 0) CHECK_OK(fvm_ledger_sync(ledger));
        }
        fvm_ledger_close(ledger);
        temp_folder_free(&t);
    }
}

TEST(ledger_shows_a_batch_when_it_is_committed_and_not_before)
{
    fvm_ledger *ledger = open_ledger((fvm_ledger_options){ .folder = NULL });
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, FVM_STR("b"));
    CHECK_ERR(fvm_blockstore_put(fvm_ledger_blocks(ledger), &cid, FVM_STR("b")), FVM_ERR_READ_ONLY);
    fvm_ledger_begin(ledger);
    CHECK_OK(fvm_ledger_put(ledger, 3, FVM_STR("a"), FVM_STR("1")));
    CHECK_OK(fvm_blockstore_put(fvm_ledger_blocks(ledger), &cid, FVM_STR("b")));
    CHECK_ERR(fvm_ledger_put(ledger, 3, FVM_STR(""), FVM_STR("1")), FVM_ERR_LIMIT);
    CHECK_ERR(fvm_ledger_get(ledger, &out, 3, FVM_STR("a"), false), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_ledger_get(ledger, &out, 3, FVM_STR("a"), true));
    CHECK_OK(fvm_blockstore_get(fvm_ledger_blocks(ledger), &out, &cid));
    CHECK_BYTES(fvm_buf_bytes(&out), FVM_STR("1b"));
    CHECK_OK(fvm_ledger_delete(ledger, 3, FVM_STR("a")));
    CHECK_ERR(fvm_ledger_get(ledger, &out, 3, FVM_STR("a"), true), FVM_ERR_NOT_FOUND);
    fvm_ledger_abort(ledger);
    CHECK_ERR(fvm_blockstore_get(fvm_ledger_blocks(ledger), &out, &cid), FVM_ERR_NOT_FOUND);
    fvm_buf_deinit(&out);
    fvm_ledger_close(ledger);
}

TEST(ledger_has_what_was_moved_in_more_groups_than_its_index_has_slices)
{
    enum { GROUPS = 100, OF_A_GROUP = 3 };
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "ledger");
    fvm_ledger_options options = { .folder = path.text, .group_ms = NEVER_MS };
    fvm_ledger *ledger = open_ledger(options);
    uint64_t n = 0;
    for (unsigned i = 0; i < GROUPS; i++) {
        for (unsigned k = 0; k < OF_A_GROUP; k++) CHECK_OK(put_batch(ledger, ++n));
        CHECK_OK(fvm_ledger_sync(ledger));
        if (i % 17 == 0) check_batches(ledger, n);
        if (i % 23 == 0) {
            fvm_ledger_close(ledger);
            ledger = open_ledger(options);
            check_batches(ledger, n);
        }
    }
    check_batches(ledger, n);
    fvm_ledger_stats stats;
    fvm_ledger_stats_get(ledger, &stats);
    CHECK(stats.groups >= (GROUPS - 1) % 23); /* since it was opened */
    fvm_ledger_close(ledger);
    options.read_only = true;
    ledger = open_ledger(options);
    check_batches(ledger, n);
    fvm_ledger_close(ledger);
    temp_folder_free(&t);
}

/* --- opening --- */

TEST(ledger_is_of_one_process_at_a_time)
{
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "ledger");
    fvm_ledger_options options = { .folder = path.text };
    fvm_ledger_options reading = { .folder = path.text, .read_only = true };
    fvm_store_why why = { "" };
    fvm_ledger *other;
    char pid[32];
    CHECK_ERR(fvm_ledger_open(&other, &reading, NULL, &why), FVM_ERR_NOT_FOUND);
    fvm_ledger *ledger = open_ledger(options);
    CHECK_OK(put_batch(ledger, 1));
    (void)snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    CHECK_ERR(fvm_ledger_open(&other, &options, NULL, &why), FVM_ERR_INVALID);
    CHECK_AT(why.text, strstr(why.text, pid) != NULL);
    CHECK_ERR(fvm_ledger_open(&other, &reading, NULL, &why), FVM_ERR_INVALID);
    fvm_ledger_close(ledger);
    ledger = open_ledger(reading);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) _exit(fvm_ledger_open(&other, &reading, NULL, NULL) != FVM_OK);
    int status; /* readers of several processes get along */
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    fvm_ledger_begin(ledger);
    CHECK_OK(fvm_ledger_put(ledger, 0, FVM_STR("count"), FVM_STR("")));
    CHECK_ERR(fvm_ledger_commit(ledger), FVM_ERR_READ_ONLY);
    check_batches(ledger, 1);
    fvm_ledger_close(ledger);
    temp_folder_free(&t);
}

TEST(ledger_in_a_folder_that_cannot_be_is_an_error)
{
    static const struct {
        const char *folder;
        fvm_err err;
    } rows[] = {
        { "/proc/nothing/here", FVM_ERR_NOT_FOUND },
        { "/dev/null", FVM_ERR_IO },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fvm_ledger *ledger;
        fvm_store_why why = { "" };
        fvm_ledger_options options = { .folder = rows[i].folder };
        CHECK_AT(rows[i].folder, fvm_ledger_open(&ledger, &options, NULL, &why) == rows[i].err);
        CHECK(strstr(why.text, rows[i].folder) != NULL);
    }
}

/* --- a process that dies --- */

/* Commits `n` batches in a process that then is no more, without having closed anything. */
static void die_after(const char *folder, fvm_durability durability, uint64_t from, uint64_t n)
{
    int status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        fvm_ledger *ledger = open_ledger((fvm_ledger_options){
            .folder = folder, .durability = durability, .group_ms = NEVER_MS });
        for (uint64_t i = from; i < from + n; i++)
            if (put_batch(ledger, i) != FVM_OK) _exit(1);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(ledger_loses_nothing_when_its_process_dies)
{
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "ledger");
    fvm_ledger_options reading = { .folder = path.text, .read_only = true };
    for (uint64_t i = 0; i < 4; i++) {
        die_after(path.text, i % 2 ? FVM_DURABILITY_STRICT : FVM_DURABILITY_GROUP, 1 + i * 10, 10);
        fvm_ledger *ledger = open_ledger(reading); /* recovers without writing */
        check_batches(ledger, 10 * (i + 1));
        fvm_ledger_close(ledger);
    }
    fvm_ledger *ledger = open_ledger((fvm_ledger_options){ .folder = path.text });
    check_batches(ledger, 40);
    fvm_ledger_stats stats;
    fvm_ledger_stats_get(ledger, &stats);
    CHECK(stats.memory_bytes == 0 && stats.batches == 0 && stats.file_bytes > 0);
    fvm_ledger_close(ledger);
    temp_folder_free(&t);
}

/* What a journal of `file` bytes is found to be. */
static fvm_err reopen_with(const temp_path *path, const temp_path *journal, fvm_bytes file,
                           uint64_t *count, fvm_store_why *why)
{
    fvm_ledger *ledger;
    fvm_ledger_options options = { .folder = path->text, .read_only = true };
    write_file(journal->text, file);
    fvm_err err = fvm_ledger_open(&ledger, &options, NULL, why);
    if (err != FVM_OK) return err;
    *count = count_of(ledger);
    check_batches(ledger, *count);
    fvm_ledger_close(ledger);
    return FVM_OK;
}

TEST(ledger_drops_a_torn_record_and_names_a_damaged_one)
{
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "ledger"), journal = in_folder(&t, FIRST_JOURNAL);
    fvm_buf file;
    fvm_buf_init(&file, NULL);
    enum { BATCHES = 4 };
    die_after(path.text, FVM_DURABILITY_GROUP, 1, BATCHES);
    read_file_into(&file, journal.text);
    uint64_t last = BATCHES, count = 0;
    for (size_t len = file.len; len > 0; len--) { /* every place where a write may have ended */
        fvm_store_why why = { "" };
        fvm_err err = reopen_with(&path, &journal, (fvm_bytes){ file.ptr, len }, &count, &why);
        CHECK_AT(why.text, err == FVM_OK);
        CHECK(count <= last && last - count <= 1);
        last = count;
    }
    CHECK(last == 0);
    for (size_t i = 0; i < file.len; i++) {
        fvm_store_why why = { "" };
        bool boot = i >= 16 && i < 40; /* in the head, whose sum tells */
        file.ptr[i] ^= 0x10;
        fvm_err err = reopen_with(&path, &journal, fvm_buf_bytes(&file), &count, &why);
        file.ptr[i] ^= 0x10;
        CHECK_AT(boot ? "head" : "record", err == FVM_ERR_MALFORMED);
        CHECK(strstr(why.text, "journal-") && strstr(why.text, "offset"));
    }
    fvm_buf_deinit(&file);
    temp_folder_free(&t);
}

/* The same bytes under the boot id of another start of the system. */
static void other_boot(fvm_buf *file, bool strict)
{
    fvm__journal_file head = { .number = 1, .boot = { 1, 2, 3 }, .strict = strict };
    fvm__journal_head_write(file->ptr, &head);
}

TEST(ledger_after_a_loss_of_power_ends_before_what_was_lost)
{
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "ledger"), journal = in_folder(&t, FIRST_JOURNAL);
    fvm_buf file;
    uint64_t count = 99;
    fvm_store_why why = { "" };
    fvm_buf_init(&file, NULL);
    die_after(path.text, FVM_DURABILITY_GROUP, 1, 5);
    read_file_into(&file, journal.text);
    other_boot(&file, false);
    for (size_t i = FVM__JOURNAL_HEAD; i < file.len; i += 7) {
        uint8_t was = file.ptr[i];
        file.ptr[i] = (uint8_t)~was;
        CHECK_OK(reopen_with(&path, &journal, fvm_buf_bytes(&file), &count, &why));
        file.ptr[i] = was;
        CHECK(count < 5);
    }
    /* the whole journal was never written */
    memset(file.ptr, 0, file.len);
    CHECK_OK(reopen_with(&path, &journal, fvm_buf_bytes(&file), &count, &why));
    CHECK(count == 0);
    fvm_buf_deinit(&file);
    temp_folder_free(&t);
}

TEST(ledger_that_is_strict_lost_no_record_that_others_follow)
{
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "ledger"), journal = in_folder(&t, FIRST_JOURNAL);
    fvm_buf file;
    uint64_t count = 99;
    fvm_store_why why = { "" };
    fvm_buf_init(&file, NULL);
    die_after(path.text, FVM_DURABILITY_STRICT, 1, 5);
    read_file_into(&file, journal.text);
    other_boot(&file, true);
    file.ptr[FVM__JOURNAL_HEAD + 30] ^= 1; /* the first record's body */
    CHECK_ERR(reopen_with(&path, &journal, fvm_buf_bytes(&file), &count, &why), FVM_ERR_MALFORMED);
    file.ptr[FVM__JOURNAL_HEAD + 30] ^= 1;
    file.ptr[file.len - 1] ^= 1; /* the last one's sum: it may not have been committed */
    CHECK_OK(reopen_with(&path, &journal, fvm_buf_bytes(&file), &count, &why));
    CHECK(count == 4);
    fvm_buf_deinit(&file);
    temp_folder_free(&t);
}

/* --- kill -9 --- */

#define KILLS 200

/* Commits batches from `from` on and tells each, until it is killed. */
static void run_child(const char *folder, fvm_durability durability, uint64_t from, int out)
{
    fvm_ledger *ledger = open_ledger((fvm_ledger_options){
        .folder = folder, .durability = durability, .group_bytes = 20000, .group_ms = 2 });
    for (uint64_t n = from;; n++) {
        if (put_batch(ledger, n) != FVM_OK) _exit(1);
        if (write(out, &n, sizeof n) != sizeof n) _exit(2);
    }
}

/* Lets a child run for a while after it told its first batch; gives the last one it told. */
static uint64_t run_and_kill(const char *folder, fvm_durability durability, uint64_t from,
                             test_rng *rng)
{
    int ends[2], status;
    uint64_t told = from - 1, next;
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        run_child(folder, durability, from, ends[1]);
    }
    close(ends[1]);
    CHECK(read(ends[0], &told, sizeof told) == sizeof told);
    nanosleep(&(struct timespec){ 0, (long)test_rng_below(rng, 6000000) }, NULL);
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
    while (read(ends[0], &next, sizeof next) == sizeof next) told = next;
    close(ends[0]);
    return told;
}

TEST(ledger_killed_200_times_has_all_it_told)
{
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "ledger");
    test_rng rng = { 5 };
    uint64_t told = 0;
    for (unsigned i = 0; i < test_rounds(KILLS); i++) {
        fvm_durability durability = i % 4 ? FVM_DURABILITY_GROUP : FVM_DURABILITY_STRICT;
        uint64_t last = run_and_kill(path.text, durability, told + 1, &rng);
        fvm_ledger *ledger = open_ledger((fvm_ledger_options){ .folder = path.text });
        told = count_of(ledger);
        CHECK(told >= last && told <= last + 1); /* one may be committed and not told */
        if (i % 20 == 0) check_batches(ledger, told);
        fvm_ledger_close(ledger);
    }
    fvm_ledger *ledger = open_ledger((fvm_ledger_options){ .folder = path.text });
    check_batches(ledger, told);
    fvm_ledger_close(ledger);
    temp_folder_free(&t);
}

/* --- a disk that is full --- */

/* No file may be longer than this: what a full disk is like, without filling one. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = bytes;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

TEST(ledger_on_a_full_disk_refuses_and_goes_on_later)
{
    static const fvm_durability modes[] = { FVM_DURABILITY_GROUP, FVM_DURABILITY_STRICT,
                                            FVM_DURABILITY_NONE };
    (void)signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < FVM_COUNT(modes); i++) {
        temp_folder t = temp_folder_new();
        temp_path path = in_folder(&t, "ledger");
        fvm_ledger_options options = {
            .folder = path.text, .durability = modes[i], .group_bytes = 30000, .group_ms = 1
        };
        fvm_ledger *ledger = open_ledger(options);
        uint64_t n = 1;
        for (; n <= 20; n++) CHECK_OK(put_batch(ledger, n));
        limit_files(70000);
        fvm_err err = FVM_OK;
        for (; err == FVM_OK && n < 2000; n++) err = put_batch(ledger, n);
        CHECK(err == FVM_ERR_IO);
        n -= 2; /* the last that was committed */
        fvm_store_why why = { "" };
        fvm_ledger_last_error(ledger, &why);
        CHECK(strstr(why.text, path.text) != NULL);
        check_batches(ledger, n);
        limit_files(RLIM_INFINITY);
        CHECK_OK(fvm_ledger_sync(ledger));
        for (unsigned k = 0; k < 20; k++) CHECK_OK(put_batch(ledger, ++n));
        fvm_ledger_close(ledger);
        ledger = open_ledger(options);
        check_batches(ledger, n);
        fvm_ledger_close(ledger);
        temp_folder_free(&t);
    }
}

/* --- a database that is damaged --- */

/* Opens it, and if that works reads everything: each answer is right or an error. */
static bool damage_is_found(const char *folder, uint64_t batches)
{
    fvm_ledger *ledger;
    fvm_store_why why = { "" };
    fvm_ledger_options options = { .folder = folder, .read_only = true };
    fvm_err err = fvm_ledger_open(&ledger, &options, NULL, &why);
    if (err != FVM_OK) {
        CHECK(why.text[0] != 0);
        return true;
    }
    bool found = false;
    uint8_t key[8];
    fvm_buf want, got;
    fvm_buf_init(&want, NULL);
    fvm_buf_init(&got, NULL);
    for (uint64_t i = 1; i <= batches; i++) {
        value_of(&want, i);
        got.len = 0;
        err = fvm_ledger_get(ledger, &got, 1, number_bytes(key, i), false);
        if (err == FVM_OK) {
            CHECK(fvm_bytes_eq(fvm_buf_bytes(&got), fvm_buf_bytes(&want)));
        } else {
            found = true;
            CHECK(err == FVM_ERR_IO || err == FVM_ERR_NOT_FOUND);
        }
        fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, fvm_buf_bytes(&want));
        got.len = 0;
        err = fvm_blockstore_get(fvm_ledger_blocks(ledger), &got, &cid);
        CHECK(err == FVM_OK || err == FVM_ERR_IO || err == FVM_ERR_NOT_FOUND);
        CHECK(err != FVM_OK || fvm_bytes_eq(fvm_buf_bytes(&got), fvm_buf_bytes(&want)));
        found |= err != FVM_OK;
    }
    fvm_buf_deinit(&want);
    fvm_buf_deinit(&got);
    fvm_ledger_close(ledger);
    return found;
}

TEST(ledger_finds_bits_that_flipped_in_its_database)
{
    enum { BATCHES = 30 };
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "ledger"), data = in_folder(&t, "ledger/db/data.mdb");
    fvm_ledger *ledger = open_ledger((fvm_ledger_options){ .folder = path.text });
    for (uint64_t n = 1; n <= BATCHES; n++) CHECK_OK(put_batch(ledger, n));
    fvm_ledger_close(ledger);
    fvm_buf file;
    fvm_buf_init(&file, NULL);
    read_file_into(&file, data.text);
    test_rng rng = { 8 };
    unsigned found = 0;
    for (size_t i = 0; i < test_rounds(300); i++) {
        size_t at = test_rng_below(&rng, file.len);
        uint8_t bit = (uint8_t)(1u << test_rng_below(&rng, 8));
        file.ptr[at] ^= bit;
        write_file(data.text, fvm_buf_bytes(&file));
        found += damage_is_found(path.text, BATCHES);
        file.ptr[at] ^= bit;
    }
    CHECK(found > 0); /* others hit free pages, or what no entry uses */
    for (size_t len = file.len - 1; len > 4096; len -= 4096) {
        write_file(data.text, (fvm_bytes){ file.ptr, len });
        (void)damage_is_found(path.text, BATCHES);
    }
    fvm_buf_deinit(&file);
    temp_folder_free(&t);
}

/* --- threads --- */

typedef struct reading {
    fvm_ledger *ledger;
    atomic_bool stop;
} reading;

/* What is read fits together: the count, and the newest entry below or at it. */
static void *read_on(void *arg)
{
    reading *r = arg;
    fvm_buf want, got;
    uint8_t key[8];
    fvm_buf_init(&want, NULL);
    fvm_buf_init(&got, NULL);
    for (uint64_t before = 0; !atomic_load(&r->stop);) {
        uint64_t n = count_of(r->ledger);
        CHECK(n >= before);
        before = n;
        if (n == 0) continue;
        value_of(&want, n);
        got.len = 0;
        CHECK_OK(fvm_ledger_get(r->ledger, &got, 1, number_bytes(key, n), false));
        CHECK(fvm_bytes_eq(fvm_buf_bytes(&got), fvm_buf_bytes(&want)));
        numbers up = { 1, 1, 0 };
        CHECK_OK(fvm_ledger_range(r->ledger, 1, (fvm_bytes){ NULL, 0 }, (fvm_bytes){ NULL, 0 },
                                  false, see_number, &up));
        CHECK(up.seen >= n);
    }
    fvm_buf_deinit(&want);
    fvm_buf_deinit(&got);
    return NULL;
}

TEST(ledger_is_read_by_many_while_one_writes)
{
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "ledger");
    fvm_ledger *ledger = open_ledger(
        (fvm_ledger_options){ .folder = path.text, .group_bytes = 10000, .group_ms = 1 });
    reading r = { .ledger = ledger };
    pthread_t threads[3];
    for (unsigned i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, read_on, &r) == 0);
    for (uint64_t n = 1; n <= 300; n++) CHECK_OK(put_batch(ledger, n));
    atomic_store(&r.stop, true);
    for (unsigned i = 0; i < 3; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    check_batches(ledger, 300);
    fvm_ledger_close(ledger);
    temp_folder_free(&t);
}

/* --- no memory --- */

static fvm_err count_entry(void *ctx, fvm_bytes key, fvm_bytes value)
{
    (void)key, (void)value;
    (*(unsigned *)ctx)++;
    return FVM_OK;
}

/* A batch that succeeds and what reads it; on an error nothing of the batch is there. */
static fvm_err use_ledger(fvm_ledger *ledger, const fvm_ledger_options *options,
                          const fvm_allocator *alloc)
{
    unsigned seen = 0;
    fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, FVM_STR("b"));
    fvm_buf out;
    fvm_ledger_begin(ledger);
    fvm_err err = fvm_ledger_put(ledger, 0, FVM_STR("a"), FVM_STR("1"));
    if (err == FVM_OK) err = fvm_ledger_put(ledger, 0, FVM_STR("b"), FVM_STR("2"));
    if (err == FVM_OK) err = fvm_ledger_delete(ledger, 0, FVM_STR("c"));
    if (err == FVM_OK) err = fvm_ledger_put(ledger, NAMES, FVM_STR("d"), FVM_STR("4"));
    if (err == FVM_OK) err = fvm_blockstore_put(fvm_ledger_blocks(ledger), &cid, FVM_STR("b"));
    if (err == FVM_OK)
        err = fvm_ledger_commit(ledger);
    else
        fvm_ledger_abort(ledger);
    if (err != FVM_OK) {
        CHECK(fvm_ledger_get(ledger, NULL, 0, FVM_STR("a"), false) == FVM_ERR_NOT_FOUND);
        return err;
    }
    fvm_buf_init(&out, alloc);
    err = fvm_ledger_range(ledger, 0, FVM_STR("a"), FVM_STR("z"), true, count_entry, &seen);
    CHECK(err != FVM_OK || seen == 2);
    if (err == FVM_OK) err = fvm_ledger_get(ledger, &out, 0, FVM_STR("b"), false);
    if (err == FVM_OK && options->folder) err = fvm_ledger_sync(ledger);
    out.len = 0;
    if (err == FVM_OK) err = fvm_ledger_get(ledger, &out, NAMES, FVM_STR("d"), false);
    if (err == FVM_OK) CHECK_BYTES(fvm_buf_bytes(&out), FVM_STR("4"));
    out.len = 0;
    if (err == FVM_OK) err = fvm_blockstore_get(fvm_ledger_blocks(ledger), &out, &cid);
    fvm_buf_deinit(&out);
    return err;
}

static fvm_err use_new_ledger(const fvm_allocator *alloc, void *ctx)
{
    fvm_ledger_options options = { .folder = ctx,
                                   .durability = FVM_DURABILITY_GROUP,
                                   .group_ms = NEVER_MS };
    fvm_ledger *ledger;
    temp_path data = { "" };
    if (ctx) { /* a new one each time */
        snprintf(data.text, sizeof data.text, "%s", (const char *)ctx);
        remove_tree(data.text, 2);
        CHECK(mkdir(data.text, 0777) == 0);
    }
    FVM_TRY(fvm_ledger_open(&ledger, &options, alloc, NULL));
    fvm_err err = use_ledger(ledger, &options, alloc);
    fvm_ledger_close(ledger);
    return err;
}

TEST(ledger_survives_each_failing_allocation)
{
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "ledger");
    CHECK(mkdir(path.text, 0777) == 0);
    test_each_allocation_fails(use_new_ledger, NULL);
    test_each_allocation_fails(use_new_ledger, path.text);
    temp_folder_free(&t);
}
