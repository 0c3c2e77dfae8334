/* ledger_internal.h - what the files of the ledger share.
 *
 *   ledger.c          batches, reading, life
 *   ledger_disk.c     the folder: lock, journals, recovery, the thread that moves groups
 *   ledger_db.c       the database
 *   ledger_list.c     sorted entries in memory
 *   ledger_journal.c  the journal's format
 *
 * One order of keys holds for all of it: a byte for the table, from 1 on (0 is the layout's in the
 * database), the blocks behind the tables, then the key itself.
 *
 *     open batch  ->  young  ->  old  ->  database        what is asked first
 *
 * young has what was committed since the journal was begun; old is on its way to the database and does
 * not change. Locks, in the order in which they are taken:
 *
 *     writer   held from begin to commit or abort
 *     moving   the journal, young becoming old, what the mover is told and tells
 *     lists    read to look at the batch and the lists, written to change them
 */
#ifndef FVM_CHAIN_LEDGER_INTERNAL_H
#define FVM_CHAIN_LEDGER_INTERNAL_H

#include "base/map.h"
#include "ledger.h"
#include "ledger_journal.h"
#include "ledger_list.h"
#include "store/lmdb_internal.h"

#define FVM__LEDGER_BLOCKS FVM_LEDGER_TABLES /* the table of blocks */
#define FVM__LEDGER_KEY_MAX (1 + FVM_LEDGER_KEY_MAX)
#define FVM__LEDGER_PATH_MAX 4096

typedef struct fvm__ledger_db {
    fvm_blockstore store; /* ops NULL: there is none */
    fvm__lmdb *lmdb;
} fvm__ledger_db;

struct fvm_ledger {
    const fvm_allocator *alloc;
    fvm_durability durability;
    uint64_t group_bytes;
    uint32_t group_ms;
    bool read_only;
    fvm_blockstore blocks;
    fvm_map batch; /* key -> fvm__entry_node */
    bool open;     /* a batch is */
    uint64_t random;
    fvm__entry_list young, old;
    pthread_mutex_t writer, moving, errors;
    pthread_rwlock_t lists;
    fvm_store_why last;

    /* with a folder */
    char folder[FVM__LEDGER_PATH_MAX];
    int lock_fd, folder_fd;
    fvm__ledger_db db;
    uint8_t boot[16];
    int journal_fd; /* -1: none is open */
    uint64_t journal_number, journal_len;
    bool journal_broken; /* bytes of a batch that failed could not be taken back */
    fvm_buf record;
    uint64_t committed, young_from; /* batches; when the first of young came, in ms */
    uint64_t moved;                 /* the last batch in the database */
    pthread_t mover;
    bool has_mover, stop, urgent, old_is_moving;
    fvm_err move_err;
    uint64_t attempt, failed;  /* to move: the newest, and the newest that failed */
    pthread_cond_t wake, done; /* with `moving` */
    fvm_ledger_stats stats;
};

/** Remembers why. */
fvm_err fvm__ledger_fail(fvm_ledger *ledger, fvm_err err, const fvm_store_why *why);

/* --- the database --- */

FVM_NODISCARD fvm_err fvm__ledger_db_open(fvm__ledger_db *db, const char *folder, bool read_only,
                                          bool check, const fvm_allocator *alloc,
                                          fvm_store_why *why);
void fvm__ledger_db_close(fvm__ledger_db *db);
/** The number of the last batch that is in it; 0 in a new one. */
FVM_NODISCARD fvm_err fvm__ledger_db_moved(fvm__ledger_db *db, uint64_t *out, fvm_store_why *why);
/** Writes all of a list, and `moved`, in one transaction. */
FVM_NODISCARD fvm_err fvm__ledger_db_move(fvm__ledger_db *db, const fvm__entry_list *list,
                                          uint64_t moved, fvm_store_why *why);
/** Appends the value of a key to `out` (NULL: just looks). FVM_ERR_NOT_FOUND; FVM_ERR_IO when it is not
 *  what was put. */
FVM_NODISCARD fvm_err fvm__ledger_db_get(fvm__ledger_db *db, fvm_buf *out, fvm_bytes key,
                                         fvm_store_why *why);
uint64_t fvm__ledger_db_bytes(fvm__ledger_db *db);

/** A place among the database's entries, within one read transaction. */
typedef struct fvm__ledger_cursor {
    fvm__ledger_db *db;
    MDB_txn *txn;
    MDB_cursor *cursor;
    bool has, down;
    fvm_bytes key, value;
} fvm__ledger_cursor;
/** Begins at the first entry from `key` on, or the last below it. */
FVM_NODISCARD fvm_err fvm__ledger_cursor_open(fvm__ledger_cursor *c, fvm__ledger_db *db,
                                              fvm_bytes key, bool down, fvm_store_why *why);
FVM_NODISCARD fvm_err fvm__ledger_cursor_next(fvm__ledger_cursor *c, fvm_store_why *why);
void fvm__ledger_cursor_close(fvm__ledger_cursor *c);

/* --- the folder --- */

/** Locks the folder, opens the database, recovers, and starts the mover. */
FVM_NODISCARD fvm_err fvm__ledger_disk_open(fvm_ledger *ledger, const fvm_ledger_options *options,
                                            fvm_store_why *why);
/** Moves what is left, and closes all that was opened, however far that came. */
void fvm__ledger_disk_close(fvm_ledger *ledger);
/** Writes the open batch to the journal, as durable as was chosen; with `moving` held. */
FVM_NODISCARD fvm_err fvm__ledger_disk_log(fvm_ledger *ledger);
/** Told after a batch came into young; with `moving` held. */
void fvm__ledger_disk_committed(fvm_ledger *ledger);
/** Waits until everything committed is in the database. */
FVM_NODISCARD fvm_err fvm__ledger_disk_sync(fvm_ledger *ledger);
#endif
