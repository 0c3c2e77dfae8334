/* ledger_disk.c - a ledger's folder, and the thread that moves groups of batches to the database.
 *
 *     lock              held while the folder is open; the pid of who holds it
 *     db/               LMDB
 *     journal-NUMBER    batches that are not in the database yet; NUMBER in 16 hex digits
 *
 * A journal belongs to one group: young becomes old together with it, and when old is in the database
 * the journal is removed. Killed between the two, recovery finds batches that are there already,
 * by their numbers. */
#include "base/clock.h"
#include "ledger_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_MAX_LEN 32
#define CHECK_BYTES                                                                                \
    ((int64_t)64 << 20) /* a database up to this is looked at whole when it is opened */
#define WAITING 4u      /* groups that may pile up before commits wait */
#define RETRY_MS 1000u  /* after a move that failed */
#define RECORD_KEEP ((size_t)1 << 20)

static fvm_err errno_err(int number)
{
    return number == EROFS || number == EACCES || number == EPERM ? FVM_ERR_READ_ONLY
           : number == ENOENT                                     ? FVM_ERR_NOT_FOUND
           : number == ENOMEM                                     ? FVM_ERR_NOMEM
                                                                  : FVM_ERR_IO;
}

static fvm_err system_fail(fvm_store_why *why, const fvm_ledger *ledger, const char *name)
{
    int number = errno;
    return fvm__why(why, errno_err(number), "%s/%s: %s", ledger->folder, name, strerror(number));
}

static void journal_name(char out[NAME_MAX_LEN], uint64_t number)
{
    (void)snprintf(out, NAME_MAX_LEN, "journal-%016" PRIx64, number);
}

/* --- the journal --- */

static void remove_journal(const fvm_ledger *ledger, uint64_t number)
{
    char name[NAME_MAX_LEN];
    journal_name(name, number);
    (void)unlinkat(ledger->folder_fd, name, 0); /* one that stays is passed over by its numbers */
}

static fvm_err start_journal(fvm_ledger *ledger, fvm_store_why *why)
{
    char name[NAME_MAX_LEN];
    uint8_t head[FVM__JOURNAL_HEAD];
    bool strict = ledger->durability == FVM_DURABILITY_STRICT;
    fvm__journal_file file = { .number = ledger->journal_number + 1, .strict = strict };
    memcpy(file.boot, ledger->boot, sizeof file.boot);
    fvm__journal_head_write(head, &file);
    journal_name(name, file.number);
    int fd = openat(ledger->folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC,
                    0644);
    if (fd < 0) return system_fail(why, ledger, name);
    fvm_err err = fvm__write_full(fd, (fvm_bytes){ head, sizeof head });
    if (err == FVM_OK && strict && (fdatasync(fd) != 0 || fsync(ledger->folder_fd) != 0))
        err = FVM_ERR_IO;
    if (err != FVM_OK) {
        err = system_fail(why, ledger, name);
        close(fd);
        remove_journal(ledger, file.number);
        return err;
    }
    ledger->journal_fd = fd;
    ledger->journal_number = file.number;
    ledger->journal_len = sizeof head;
    return FVM_OK;
}

static fvm_err make_record(fvm_ledger *ledger)
{
    fvm_buf *out = &ledger->record;
    size_t at = 0;
    out->len = 0;
    FVM_TRY(fvm__journal_record_begin(out));
    for (const fvm_map_entry *e; (e = fvm_map_next(&ledger->batch, &at));) {
        const fvm__entry_node *n = e->value.ptr;
        FVM_TRY(fvm__journal_change(out, n->key, n->deleted ? NULL : &n->value));
    }
    return fvm__journal_record_end(out, 0, ledger->committed + 1);
}

/* Takes back what a commit that fails has written. */
static void take_back(fvm_ledger *ledger)
{
    if (ftruncate(ledger->journal_fd, (off_t)ledger->journal_len) != 0)
        ledger->broken = ledger->journal_number;
}

static fvm_err write_record(fvm_ledger *ledger, fvm_store_why *why)
{
    char name[NAME_MAX_LEN];
    if (ledger->journal_fd < 0) FVM_TRY(start_journal(ledger, why));
    FVM_TRY(make_record(ledger));
    journal_name(name, ledger->journal_number);
    fvm_err err = fvm__write_full(ledger->journal_fd, fvm_buf_bytes(&ledger->record));
    if (err != FVM_OK) {
        err = system_fail(why, ledger, name);
        take_back(ledger);
        return err;
    }
    if (ledger->durability == FVM_DURABILITY_STRICT && fdatasync(ledger->journal_fd) != 0) {
        err = system_fail(why, ledger, name);
        take_back(ledger);
        ledger->broken = ledger->journal_number; /* what is on the disk is not known */
        return err;
    }
    ledger->journal_len += ledger->record.len;
    return FVM_OK;
}

fvm_err fvm__ledger_disk_log(fvm_ledger *ledger)
{
    fvm_store_why why = { "" };
    while (fvm__entries_bytes(&ledger->young) >= WAITING * ledger->group_bytes &&
           ledger->old_is_moving && ledger->move_err == FVM_OK)
        (void)pthread_cond_wait(&ledger->done, &ledger->moving);
    if (ledger->move_err != FVM_OK || ledger->broken) {
        ledger->urgent = true; /* perhaps it works now */
        (void)pthread_cond_signal(&ledger->wake);
        return ledger->move_err != FVM_OK ? ledger->move_err : FVM_ERR_IO;
    }
    if (ledger->durability == FVM_DURABILITY_NONE) return FVM_OK;
    fvm_err err = write_record(ledger, &why);
    if (ledger->record.cap > RECORD_KEEP) fvm_buf_deinit(&ledger->record);
    return err == FVM_OK || err == FVM_ERR_NOMEM ? err : fvm__ledger_fail(ledger, err, &why);
}

/* --- the mover --- */

static bool is_full(const fvm_ledger *ledger)
{
    return fvm__entries_bytes(&ledger->young) >= ledger->group_bytes ||
           ledger->journal_len >= ledger->group_bytes;
}

void fvm__ledger_disk_committed(fvm_ledger *ledger)
{
    bool first = ledger->young_from == 0;
    if (first) ledger->young_from = fvm_clock_ms();
    if (first || is_full(ledger)) (void)pthread_cond_signal(&ledger->wake);
}

static void wait_until(fvm_ledger *ledger, uint64_t ms)
{
    struct timespec until = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
    (void)pthread_cond_timedwait(&ledger->wake, &ledger->moving, &until);
}

/* Waits until there is something to do. */
static void wait_for_work(fvm_ledger *ledger)
{
    while (!ledger->stop && !ledger->urgent && !is_full(ledger)) {
        if (ledger->young_from == 0) {
            (void)pthread_cond_wait(&ledger->wake, &ledger->moving);
            continue;
        }
        uint64_t due = ledger->young_from + ledger->group_ms;
        if (fvm_clock_ms() >= due) return;
        wait_until(ledger, due);
    }
}

/* Young becomes old, and its journal is not written to any more. */
static void turn(fvm_ledger *ledger)
{
    (void)pthread_rwlock_wrlock(&ledger->lists);
    ledger->old = ledger->young;
    ledger->young = (fvm__entries){ .hashed.count = 0 };
    (void)pthread_rwlock_unlock(&ledger->lists);
    if (ledger->journal_fd >= 0) close(ledger->journal_fd);
    ledger->journal_fd = -1;
    ledger->journal_len = 0;
    ledger->young_from = 0;
    ledger->old_is_moving = true;
}

/* Blocks are likely to be read soon. */
static void keep_blocks(fvm_ledger *ledger, fvm__entry_table *hashed)
{
    for (fvm__entry_node *next, *n = fvm__table_next(hashed, NULL); n; n = next) {
        next = fvm__table_next(hashed, n);
        if (n->key.ptr[0] != FVM__LEDGER_BLOCKS + 1) continue;
        fvm__table_take(hashed, n);
        fvm__cache_give(&ledger->db.cache, n);
    }
}

/* Old is in the database: from now on it is read there. No lock is held, so that commits go on. */
static void let_go(fvm_ledger *ledger, const fvm__ledger_move *m, uint64_t journal)
{
    fvm__ledger_move_publish(m, &ledger->db, &ledger->lists);
    (void)pthread_rwlock_wrlock(&ledger->lists);
    fvm__entries gone = ledger->old;
    ledger->old = (fvm__entries){ .hashed.count = 0 };
    (void)pthread_rwlock_unlock(&ledger->lists);
    if (journal) remove_journal(ledger, journal);
    keep_blocks(ledger, &gone.hashed);
    fvm__entries_clear(&gone, ledger->alloc);
}

/* One attempt, with no lock held. */
static fvm_err try_move(fvm_ledger *ledger, fvm__ledger_move *m, uint64_t upto)
{
    fvm_store_why why = { "" };
    fvm_err err = fvm__ledger_move_prepare(m, &ledger->db, &ledger->old, upto, &ledger->lists);
    if (err == FVM_OK) err = fvm__ledger_move_write(m, &ledger->db, &why);
    if (err == FVM_OK) return FVM_OK;
    fvm__ledger_move_deinit(m, ledger->alloc);
    return fvm__ledger_fail(ledger, err, &why);
}

/* Moves what there is; with `moving` held, but not while the database is written. */
static void move(fvm_ledger *ledger)
{
    fvm__ledger_move m = { .entries = NULL };
    if (!ledger->old_is_moving) turn(ledger);
    const uint64_t upto = ledger->committed, journal = ledger->journal_number;
    for (;;) {
        ledger->attempt++;
        (void)pthread_mutex_unlock(&ledger->moving);
        fvm_err err = try_move(ledger, &m, upto);
        if (err == FVM_OK) let_go(ledger, &m, journal);
        (void)pthread_mutex_lock(&ledger->moving);
        if (err == FVM_OK) break;
        ledger->move_err = err;
        ledger->failed = ledger->attempt;
        ledger->urgent = false;
        (void)pthread_cond_broadcast(&ledger->done);
        if (ledger->stop) return; /* the journal has it */
        wait_until(ledger, fvm_clock_ms() + RETRY_MS);
    }
    ledger->db.state = m.to;
    ledger->old_is_moving = false;
    if (ledger->broken <= journal) ledger->broken = 0;
    ledger->move_err = FVM_OK;
    ledger->stats.groups++;
    fvm__ledger_move_deinit(&m, ledger->alloc);
}

static void *mover_main(void *arg)
{
    fvm_ledger *ledger = arg;
    (void)pthread_mutex_lock(&ledger->moving);
    for (;;) {
        wait_for_work(ledger);
        ledger->urgent = false;
        bool empty = ledger->db.state.moved == ledger->committed && !ledger->broken;
        if (!empty) move(ledger);
        (void)pthread_cond_broadcast(&ledger->done);
        if (ledger->stop && (empty || ledger->move_err != FVM_OK)) break;
    }
    (void)pthread_mutex_unlock(&ledger->moving);
    return NULL;
}

/* Signals are for the host's threads. */
static fvm_err start_mover(fvm_ledger *ledger, fvm_store_why *why)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&ledger->mover, NULL, mover_main, ledger);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) return fvm__why(why, FVM_ERR_NOMEM, "no thread can be made: %s", strerror(rc));
    ledger->has_mover = true;
    return FVM_OK;
}

/* An attempt that is on its way may fail for what has passed by now: one more is waited for. */
fvm_err fvm__ledger_disk_sync(fvm_ledger *ledger)
{
    (void)pthread_mutex_lock(&ledger->moving);
    const uint64_t target = ledger->committed, before = ledger->attempt;
    while (ledger->db.state.moved < target && ledger->failed <= before) {
        ledger->urgent = true;
        (void)pthread_cond_signal(&ledger->wake);
        (void)pthread_cond_wait(&ledger->done, &ledger->moving);
    }
    fvm_err err = ledger->db.state.moved < target ? ledger->move_err : FVM_OK;
    (void)pthread_mutex_unlock(&ledger->moving);
    return err;
}

/* --- recovery --- */

typedef struct recovery {
    fvm_ledger *ledger;
    uint64_t last; /* the last batch known */
    bool same_boot, gap;
    fvm__journal_file file;
    const char *name;
    fvm_store_why *why;
} recovery;

static fvm_err recover_batch(void *ctx, uint64_t number, bool *wanted)
{
    recovery *r = ctx;
    *wanted = !r->gap && number == r->last + 1;
    if (*wanted) r->last = number;
    if (*wanted || number <= r->last || r->gap) return FVM_OK;
    r->gap = true; /* with the power an earlier journal was lost */
    if (!r->same_boot) return FVM_OK;
    return fvm__why(r->why, FVM_ERR_MALFORMED, "%s/%s: batch %" PRIu64 " follows batch %" PRIu64,
                    r->ledger->folder, r->name, number, r->last);
}

static fvm_err recover_change(void *ctx, fvm_bytes key, const fvm_bytes *value)
{
    const recovery *r = ctx;
    fvm_ledger *ledger = r->ledger;
    if (key.len < 2 || key.len > FVM__LEDGER_KEY_MAX || key.ptr[0] == 0 ||
        key.ptr[0] > FVM__LEDGER_BLOCKS + 1)
        return fvm__why(r->why, FVM_ERR_MALFORMED, "%s/%s: a key is of no table", ledger->folder,
                        r->name);
    const fvm__entry_key whole = fvm__entry_key_of(key);
    fvm__entry_node *n = fvm__entries_new(ledger->alloc, &ledger->random, &whole, value);
    if (!n) return FVM_ERR_NOMEM;
    fvm__entries_put(&ledger->young, ledger->alloc, n);
    return FVM_OK;
}

static fvm_err read_all(const fvm_ledger *ledger, fvm_buf *out, const char *name,
                        fvm_store_why *why)
{
    struct stat st;
    int fd = openat(ledger->folder_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return system_fail(why, ledger, name);
    fvm_err err = fstat(fd, &st) == 0 ? FVM_OK : system_fail(why, ledger, name);
    if (err == FVM_OK) err = fvm_buf_reserve(out, (size_t)st.st_size);
    if (err == FVM_OK && st.st_size) {
        err = fvm__pread_full(fd, out->ptr, (size_t)st.st_size, 0);
        if (err != FVM_OK) err = system_fail(why, ledger, name);
        if (err == FVM_OK) out->len = (size_t)st.st_size;
    }
    close(fd);
    return err;
}

static fvm_err recover_journal(recovery *r, uint64_t number, bool newest)
{
    char name[NAME_MAX_LEN], path[FVM__LEDGER_PATH_MAX + NAME_MAX_LEN];
    const fvm__journal_reader reader = { recover_batch, recover_change, r };
    const fvm_ledger *ledger = r->ledger;
    fvm_buf bytes;
    bool whole;
    journal_name(name, number);
    (void)snprintf(path, sizeof path, "%s/%s", ledger->folder, name);
    fvm_buf_init(&bytes, ledger->alloc);
    fvm_err err = read_all(ledger, &bytes, name, r->why);
    /* the boot id is wanted before the first batch is heard of */
    r->name = name;
    r->same_boot = bytes.len >= FVM__JOURNAL_HEAD &&
                   fvm__journal_same_boot(bytes.ptr + 16, ledger->boot);
    if (err == FVM_OK)
        err = fvm__journal_read(&r->file, &whole, fvm_buf_bytes(&bytes), ledger->boot, &reader,
                                path, r->why);
    if (err == FVM_OK && r->file.number != 0 && r->file.number != number)
        err = fvm__why(r->why, FVM_ERR_MALFORMED, "%s: is journal %" PRIu64, path, r->file.number);
    if (err == FVM_OK && !whole && !newest && r->file.number != 0 && r->same_boot)
        err = fvm__why(r->why, FVM_ERR_MALFORMED, "%s: cut off, and there is a later one", path);
    r->name = NULL; /* it lies in `name` */
    fvm_buf_deinit(&bytes);
    return err;
}

/* The numbers of the journals there are, as u64s in order. */
static fvm_err list_journals(fvm_ledger *ledger, fvm_buf *out, fvm_store_why *why)
{
    int fd = openat(ledger->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        fvm_err err = system_fail(why, ledger, ".");
        if (fd >= 0) close(fd);
        return err;
    }
    fvm_err err = FVM_OK;
    for (const struct dirent *e; err == FVM_OK && (e = readdir(dir)) != NULL;) {
        char name[NAME_MAX_LEN];
        uint64_t number = strncmp(e->d_name, "journal-", 8) ? 0 : strtoull(e->d_name + 8, NULL, 16);
        journal_name(name, number);
        if (number == 0 || strcmp(name, e->d_name) != 0) continue;
        err = fvm_buf_append(out, (fvm_bytes){ (const uint8_t *)&number, sizeof number });
        uint64_t *all = (uint64_t *)(void *)out->ptr;
        size_t i = out->len / sizeof number;
        if (err != FVM_OK || i == 0) break;
        for (i--; i > 0 && all[i - 1] > number; i--) all[i] = all[i - 1];
        all[i] = number;
    }
    (void)closedir(dir);
    return err;
}

static fvm_err move_recovered(fvm_ledger *ledger, uint64_t last, fvm_store_why *why)
{
    fvm__ledger_move m;
    FVM_TRY(fvm__ledger_move_prepare(&m, &ledger->db, &ledger->young, last, &ledger->lists));
    fvm_err err = fvm__ledger_move_write(&m, &ledger->db, why);
    if (err == FVM_OK) {
        fvm__ledger_move_publish(&m, &ledger->db, &ledger->lists);
        ledger->db.state = m.to;
        fvm__entries_clear(&ledger->young, ledger->alloc);
    }
    fvm__ledger_move_deinit(&m, ledger->alloc);
    return err;
}

/* Batches that the database lacks come into young; unless the ledger is only read, they are moved on at
 * once and the journals removed. */
static fvm_err recover(fvm_ledger *ledger, fvm_store_why *why)
{
    fvm_buf list;
    recovery r = { .ledger = ledger, .why = why };
    r.last = ledger->db.state.moved;
    fvm_buf_init(&list, ledger->alloc);
    fvm_err err = list_journals(ledger, &list, why);
    const uint64_t *numbers = (const uint64_t *)(const void *)list.ptr;
    size_t count = list.len / sizeof *numbers;
    for (size_t i = 0; err == FVM_OK && i < count; i++)
        err = recover_journal(&r, numbers[i], i + 1 == count);
    if (count > 0) ledger->journal_number = numbers[count - 1];
    ledger->committed = r.last;
    if (err == FVM_OK && !ledger->read_only) {
        if (r.last > ledger->db.state.moved) err = move_recovered(ledger, r.last, why);
        for (size_t i = 0; err == FVM_OK && i < count; i++) remove_journal(ledger, numbers[i]);
    }
    fvm_buf_deinit(&list);
    return err;
}

/* --- opening and closing --- */

static fvm_err take_lock(fvm_ledger *ledger, fvm_store_why *why)
{
    char pid[24];
    int flags = ledger->read_only ? O_RDONLY : O_RDWR | O_CREAT;
    ledger->lock_fd = openat(ledger->folder_fd, "lock", flags | O_CLOEXEC, 0644);
    if (ledger->lock_fd < 0 && ledger->read_only) return FVM_OK; /* nobody ever wrote */
    if (ledger->lock_fd < 0) return system_fail(why, ledger, "lock");
    if (flock(ledger->lock_fd, (ledger->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return system_fail(why, ledger, "lock");
        ssize_t n = pread(ledger->lock_fd, pid, sizeof pid - 1, 0);
        pid[n > 0 ? n : 0] = 0;
        return fvm__why(why, FVM_ERR_INVALID, "%s: in use by process %ld", ledger->folder,
                        strtol(pid, NULL, 10));
    }
    if (ledger->read_only) return FVM_OK;
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(ledger->lock_fd, 0) != 0 || pwrite(ledger->lock_fd, pid, (size_t)n, 0) != n)
        return system_fail(why, ledger, "lock");
    return FVM_OK;
}

static fvm_err open_folder(fvm_ledger *ledger, const char *folder, fvm_store_why *why)
{
    int n = snprintf(ledger->folder, sizeof ledger->folder, "%s", folder);
    if (n < 0 || (size_t)n >= sizeof ledger->folder - NAME_MAX_LEN)
        return fvm__why(why, FVM_ERR_LIMIT, "the name of the folder is too long");
    if (!ledger->read_only && mkdir(folder, 0777) != 0 && errno != EEXIST)
        return fvm__why(why, errno_err(errno), "%s: %s", folder, strerror(errno));
    ledger->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (ledger->folder_fd >= 0) return FVM_OK;
    return fvm__why(why, errno_err(errno), "%s: %s", folder, strerror(errno));
}

fvm_err fvm__ledger_disk_open(fvm_ledger *ledger, const fvm_ledger_options *options,
                              fvm_store_why *why)
{
    char db[FVM__LEDGER_PATH_MAX + NAME_MAX_LEN];
    struct stat st;
    ledger->read_only = options->read_only;
    fvm__journal_boot(ledger->boot);
    FVM_TRY(open_folder(ledger, options->folder, why));
    FVM_TRY(take_lock(ledger, why));
    (void)snprintf(db, sizeof db, "%s/db", ledger->folder);
    bool small = fstatat(ledger->folder_fd, "db/data.mdb", &st, 0) != 0 ||
                 st.st_size <= CHECK_BYTES;
    FVM_TRY(fvm__ledger_db_open(&ledger->db, db, ledger->read_only, options->check || small,
                                ledger->alloc, why));
    FVM_TRY(recover(ledger, why));
    return ledger->read_only ? FVM_OK : start_mover(ledger, why);
}

void fvm__ledger_disk_close(fvm_ledger *ledger)
{
    if (ledger->has_mover) {
        (void)pthread_mutex_lock(&ledger->moving);
        ledger->stop = true;
        (void)pthread_cond_signal(&ledger->wake);
        (void)pthread_mutex_unlock(&ledger->moving);
        (void)pthread_join(ledger->mover, NULL);
    }
    if (ledger->db.lmdb) fvm__ledger_db_close(&ledger->db);
    if (ledger->journal_fd >= 0) close(ledger->journal_fd);
    if (ledger->folder_fd >= 0) close(ledger->folder_fd);
    if (ledger->lock_fd >= 0) close(ledger->lock_fd); /* and with it the lock */
}
