/* ledger_journal.h - the journal of a ledger: batches that were committed and are not in the database
 * yet, one file per group.
 *
 *     file     head | record | record | ...
 *     head     "fvmjrnl1" | u64 number of the file | boot id (16) | u64 1: strict | u64 sum
 *     record   u64 length of the body | u64 number of the batch | u64 sum of these | body | u64 sum
 *     body     change | change | ...
 *     change   u8 0: delete, 1: put | u16 length of the key | u32 length of the value | key | value
 *
 * Numbers are little endian; sums are SipHash-1-3. Batches are numbered without gaps, over all files.
 *
 * What may a crash leave? When the process dies, what it wrote is there: the last record may be cut off,
 * nothing else. When power is lost, what was not synced may be missing, zero or old, in any places. Which
 * of the two it was tells the boot id of the system, which is another one afterwards. So a record
 * whose sum is wrong is damage if the system is the same, or if the journal is strict and whole records
 * follow; otherwise the journal ends before it. */
#ifndef FVM_CHAIN_LEDGER_JOURNAL_H
#define FVM_CHAIN_LEDGER_JOURNAL_H

#include "store/source.h"

#define FVM__JOURNAL_HEAD 48u
#define FVM__JOURNAL_CHANGE 7u /* bytes before a change's key */

/** Sum of a key and its value, and of two numbers and bytes. */
uint64_t fvm__ledger_sum(fvm_bytes key, fvm_bytes value);

typedef struct fvm__journal_file {
    uint64_t number;
    uint8_t boot[16];
    bool strict;
} fvm__journal_file;

/** The system's boot id; zeros where there is none. */
void fvm__journal_boot(uint8_t out[16]);
/** Two that are known, and the same. */
bool fvm__journal_same_boot(const uint8_t a[16], const uint8_t b[16]);
void fvm__journal_head_write(uint8_t out[FVM__JOURNAL_HEAD], const fvm__journal_file *file);

/** Appends the head of a record, to be completed by fvm__journal_record_end. */
FVM_NODISCARD fvm_err fvm__journal_record_begin(fvm_buf *out);
/** Appends one change; `value` NULL: deletes. */
FVM_NODISCARD fvm_err fvm__journal_change(fvm_buf *out, fvm_bytes key, const fvm_bytes *value);
/** Completes the record that begins at `start`, as batch `number`. */
FVM_NODISCARD fvm_err fvm__journal_record_end(fvm_buf *out, size_t start, uint64_t number);

/** What a reader does with it. */
typedef struct fvm__journal_reader {
    /** A batch begins; `*wanted` false skips its changes. */
    fvm_err (*batch)(void *ctx, uint64_t number, bool *wanted);
    fvm_err (*change)(void *ctx, fvm_bytes key, const fvm_bytes *value);
    void *ctx;
} fvm__journal_reader;

/** Reads a journal's bytes. Each batch is known to be whole before the reader hears of it.
 *  In:     boot    of the system now.
 *  Out:    file    what the head says; number 0: the head itself was not finished.
 *          whole   false: the journal ends before its bytes do, as a crash may have left it.
 *  Errors: FVM_ERR_MALFORMED, with the offset in `why`; those of the reader. */
FVM_NODISCARD fvm_err fvm__journal_read(fvm__journal_file *file, bool *whole, fvm_bytes in,
                                        const uint8_t boot[16], const fvm__journal_reader *reader,
                                        const char *name, fvm_store_why *why);
#endif
