/* ledger_internal.h - what the files of the ledger share.
 *
 *   ledger.c          batches, reading, life
 *   ledger_range.c    going along a table
 *   ledger_disk.c     the folder: lock, journals, recovery, the thread that moves groups
 *   ledger_db.c       the database: opening, reading
 *   ledger_move.c     the database: writing a group
 *   ledger_late.c     the part of the index that waits
 *   ledger_cache.c    blocks above the database
 *   ledger_entries.c  entries in memory: ledger_list.c sorted, ledger_table.c hashed
 *   ledger_journal.c  the journal's format
 *
 * A key begins with a byte for the table, from 1 on, the blocks behind the tables; then comes the key itself.
 *
 *     open batch  ->  young  ->  old  ->  database        what is asked first
 *
 * young has what was committed since the journal was begun; old is on its way to the database and does
 * not change. In the database, a tree of LMDB, the first byte of a key tells what it is:
 *
 *     01 to 10   an entry of a table with order, under its key
 *     f0         the index: hash, place -> nothing
 *     f1         what is in the index late: group, part -> (hash, place) of 16 bytes each
 *     f2         how far it is: the last batch, the next place, the next group
 *     ff         the log: place -> a block, or an entry of a table without order, with its key
 *
 * numbers big endian in keys and little endian in values; values end with a sum. A key without order may
 * have several places: the last one counts, and may be a deletion.
 *
 * Locks, in the order in which they are taken:
 *
 *     writer   held from begin to commit or abort
 *     moving   the journal, young becoming old, what the mover is told and tells
 *     lists    read to look at the batch, young, old, and what is late, written to change them
 */
#ifndef FVM_CHAIN_LEDGER_INTERNAL_H
#define FVM_CHAIN_LEDGER_INTERNAL_H

#include "base/map.h"
#include "ledger.h"
#include "ledger_cache.h"
#include "ledger_entries.h"
#include "ledger_journal.h"
#include "ledger_late.h"
#include "store/lmdb_internal.h"

#define FVM__LEDGER_PATH_MAX 4096

/* First bytes of keys in the database. */
#define FVM__DB_INDEX 0xf0u
#define FVM__DB_LATE 0xf1u
#define FVM__DB_STATE 0xf2u
#define FVM__DB_LOG 0xffu
#define FVM__DB_SUM 8u

/** How far the database is. */
typedef struct fvm__db_state {
    uint64_t moved; /* the last batch that is in it; 0 in a new one */
    uint64_t place; /* the next of the log; from 1 on */
    uint64_t group; /* the next */
} fvm__db_state;

typedef struct fvm__ledger_db {
    fvm_blockstore store; /* ops NULL: there is none */
    fvm__lmdb *lmdb;
    fvm__db_state state; /* under `moving` */
    fvm__late late;      /* under the lock of lists */
    fvm__cache cache;
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
    fvm__entries young, old;
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
    uint64_t broken; /* a journal that has bytes of a batch that failed; 0: none */
    fvm_buf record;
    uint64_t committed, young_from; /* batches; when the first of young came, in ms */
    pthread_t mover;
    bool has_mover, stop, urgent, old_is_moving;
    fvm_err move_err;
    uint64_t attempt, failed;  /* to move: the newest, and the newest that failed */
    pthread_cond_t wake, done; /* with `moving` */
    fvm_ledger_stats stats;
};

/** Remembers why. */
fvm_err fvm__ledger_fail(fvm_ledger *ledger, fvm_err err, const fvm_store_why *why);

/** A key with the byte of its table in front, in `room`. */
static inline fvm_bytes fvm__ledger_key(uint8_t room[FVM__LEDGER_KEY_MAX], unsigned table,
                                        fvm_bytes key)
{
    room[0] = (uint8_t)(table + 1);
    if (key.len) memcpy(room + 1, key.ptr, key.len);
    return (fvm_bytes){ room, key.len + 1 };
}

/* --- the database --- */

FVM_NODISCARD fvm_err fvm__ledger_db_open(fvm__ledger_db *db, const char *folder, bool read_only,
                                          bool check, const fvm_allocator *alloc,
                                          fvm_store_why *why);
void fvm__ledger_db_close(fvm__ledger_db *db);
/** Appends the value of a key to `out` (NULL: just looks), of a table without order only if the index
 *  in the database has it. FVM_ERR_NOT_FOUND; FVM_ERR_IO when it is not what was put. */
FVM_NODISCARD fvm_err fvm__ledger_db_get(fvm__ledger_db *db, fvm_buf *out,
                                         const fvm__entry_key *key, fvm_store_why *why);
/** The same for what is at a place of the log. FVM_ERR_NOT_FOUND: a deletion. FVM_ERR_MISMATCH: the
 *  place has another key. */
FVM_NODISCARD fvm_err fvm__ledger_db_at(fvm__ledger_db *db, fvm_buf *out, const fvm__entry_key *key,
                                        uint64_t place, fvm_store_why *why);
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

/* --- writing it --- */

/** A group on its way. Zero-initialise. */
typedef struct fvm__ledger_move {
    const fvm__entries *entries;
    fvm__late_entry *fresh; /* of its hashed entries, in their order */
    size_t fresh_count, fresh_cap;
    fvm__late_entry *turn; /* the slice that goes to the index now */
    size_t turn_count, turn_cap;
    uint64_t bytes;
    fvm__db_state from, to;
} fvm__ledger_move;
/** Takes all memory that moving `entries`, up to batch `moved`, needs. `lists` is the lock of what is
 *  late, held now and then only; `entries` do not change. */
FVM_NODISCARD fvm_err fvm__ledger_move_prepare(fvm__ledger_move *move, fvm__ledger_db *db,
                                               const fvm__entries *entries, uint64_t moved,
                                               pthread_rwlock_t *lists);
/** Writes it, in one transaction. */
FVM_NODISCARD fvm_err fvm__ledger_move_write(fvm__ledger_move *move, fvm__ledger_db *db,
                                             fvm_store_why *why);
/** Afterwards, while readers still see `entries`: tells them what is late, and that the slice is not. */
void fvm__ledger_move_publish(const fvm__ledger_move *move, fvm__ledger_db *db,
                              pthread_rwlock_t *lists);
void fvm__ledger_move_deinit(fvm__ledger_move *move, const fvm_allocator *alloc);

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
