/* ledger_journal.c - the journal's format; see ledger_journal.h. */
#include "ledger_journal.h"

#include "base/map.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#define RECORD_HEAD 24u
#define SUM 8u

static const uint8_t magic[8] = { 'f', 'v', 'm', 'j', 'r', 'n', 'l', '1' };

static uint64_t sum_of(uint64_t salt, fvm_bytes in)
{
    return fvm_siphash(0x6c65646765722073 ^ salt, 0x756d206f66206974, in);
}

uint64_t fvm__ledger_sum(fvm_bytes key, fvm_bytes value)
{
    return sum_of(sum_of(key.len, key), value);
}

void fvm__journal_boot(uint8_t out[16])
{
    char text[37];
    size_t n = 0;
    memset(out, 0, 16);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t got = read(fd, text, sizeof text);
    close(fd);
    for (ssize_t i = 0; i < got && n < 32; i++) {
        char c = text[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                : 16;
        if (digit == 16) continue;
        out[n / 2] = (uint8_t)((unsigned)out[n / 2] << 4 | digit);
        n++;
    }
}

/* --- writing --- */

void fvm__journal_head_write(uint8_t out[FVM__JOURNAL_HEAD], const fvm__journal_file *file)
{
    memcpy(out, magic, 8);
    fvm_store_le64(out + 8, file->number);
    memcpy(out + 16, file->boot, 16);
    fvm_store_le64(out + 32, file->strict);
    fvm_store_le64(out + 40, sum_of(0, (fvm_bytes){ out, 40 }));
}

fvm_err fvm__journal_record_begin(fvm_buf *out)
{
    static const uint8_t zeros[RECORD_HEAD] = { 0 };
    return fvm_buf_append(out, (fvm_bytes){ zeros, sizeof zeros });
}

fvm_err fvm__journal_change(fvm_buf *out, fvm_bytes key, const fvm_bytes *value)
{
    uint8_t head[FVM__JOURNAL_CHANGE] = { value != NULL };
    if (key.len > UINT16_MAX || (value && value->len > UINT32_MAX)) return FVM_ERR_LIMIT;
    head[1] = (uint8_t)key.len;
    head[2] = (uint8_t)(key.len >> 8);
    fvm_store_le32(head + 3, value ? (uint32_t)value->len : 0);
    FVM_TRY(fvm_buf_append(out, (fvm_bytes){ head, sizeof head }));
    FVM_TRY(fvm_buf_append(out, key));
    return value ? fvm_buf_append(out, *value) : FVM_OK;
}

fvm_err fvm__journal_record_end(fvm_buf *out, size_t start, uint64_t number)
{
    uint8_t sum[SUM];
    uint8_t *head = out->ptr + start;
    fvm_bytes body = { head + RECORD_HEAD, out->len - start - RECORD_HEAD };
    fvm_store_le64(head, body.len);
    fvm_store_le64(head + 8, number);
    fvm_store_le64(head + 16, sum_of(1, (fvm_bytes){ head, 16 }));
    fvm_store_le64(sum, sum_of(number, body));
    return fvm_buf_append(out, (fvm_bytes){ sum, sizeof sum });
}

/* --- reading --- */

typedef enum found {
    WHOLE,  /* a record whose sums are right */
    CUT,    /* the bytes end inside what may be a record */
    BROKEN, /* anything else */
} found;

/* The record at the front of `in`. */
static found look_at_record(uint64_t *number, fvm_bytes *body, size_t *size, fvm_bytes in)
{
    *size = 0;
    if (in.len < RECORD_HEAD) return CUT;
    uint64_t len = fvm_load_le64(in.ptr);
    if (fvm_load_le64(in.ptr + 16) != sum_of(1, (fvm_bytes){ in.ptr, 16 })) return BROKEN;
    *number = fvm_load_le64(in.ptr + 8);
    if (len > in.len - RECORD_HEAD || in.len - RECORD_HEAD - len < SUM) return CUT;
    *body = (fvm_bytes){ in.ptr + RECORD_HEAD, (size_t)len };
    *size = RECORD_HEAD + (size_t)len + SUM;
    return fvm_load_le64(body->ptr + len) == sum_of(*number, *body) ? WHOLE : BROKEN;
}

/* Takes a change off the front of a body. */
static fvm_err take_change(fvm_bytes *key, fvm_bytes *value, bool *put, fvm_bytes *body)
{
    fvm_bytes head;
    FVM_TRY(fvm_bytes_take(&head, body, FVM__JOURNAL_CHANGE));
    if (head.ptr[0] > 1) return FVM_ERR_MALFORMED;
    *put = head.ptr[0] == 1;
    FVM_TRY(fvm_bytes_take(key, body, head.ptr[1] | (uint64_t)head.ptr[2] << 8));
    return fvm_bytes_take(value, body, fvm_load_le32(head.ptr + 3));
}

static fvm_err read_body(const fvm__journal_reader *reader, uint64_t number, fvm_bytes body,
                         bool *broken)
{
    fvm_bytes key, value, rest = body;
    bool put, wanted = true;
    while (rest.len > 0) { /* all of it, before the reader hears of any */
        *broken = take_change(&key, &value, &put, &rest) != FVM_OK;
        if (*broken) return FVM_OK;
    }
    FVM_TRY(reader->batch(reader->ctx, number, &wanted));
    while (wanted && body.len > 0) {
        FVM_TRY(take_change(&key, &value, &put, &body));
        FVM_TRY(reader->change(reader->ctx, key, put ? &value : NULL));
    }
    return FVM_OK;
}

/* Whether a record that is whole follows `size` bytes on. */
static bool record_follows(fvm_bytes in, size_t size)
{
    uint64_t number;
    fvm_bytes body;
    if (size == 0) return false; /* where it would begin is not known */
    return look_at_record(&number, &body, &size, (fvm_bytes){ in.ptr + size, in.len - size }) ==
           WHOLE;
}

bool fvm__journal_same_boot(const uint8_t a[16], const uint8_t b[16])
{
    static const uint8_t unknown[16] = { 0 };
    return memcmp(a, b, 16) == 0 && memcmp(a, unknown, 16) != 0;
}

fvm_err fvm__journal_read(fvm__journal_file *file, bool *whole, fvm_bytes in,
                          const uint8_t boot[16], const fvm__journal_reader *reader,
                          const char *name, fvm_store_why *why)
{
    const fvm_bytes all = in;
    *file = (fvm__journal_file){ 0 };
    *whole = false;
    if (in.len < FVM__JOURNAL_HEAD) return FVM_OK;
    if (fvm_load_le64(in.ptr + 40) != sum_of(0, (fvm_bytes){ in.ptr, 40 }) ||
        memcmp(in.ptr, magic, 8) != 0) {
        /* the first page may be missing after a loss of power, but then it is zero */
        if (in.ptr[0] == 0 && memcmp(in.ptr, in.ptr + 1, FVM__JOURNAL_HEAD - 1) == 0) return FVM_OK;
        return fvm__why(why, FVM_ERR_MALFORMED, "%s: offset 0: not a journal", name);
    }
    file->number = fvm_load_le64(in.ptr + 8);
    memcpy(file->boot, in.ptr + 16, 16);
    file->strict = fvm_load_le64(in.ptr + 32) == 1;
    bool same_boot = fvm__journal_same_boot(boot, file->boot);
    in = (fvm_bytes){ in.ptr + FVM__JOURNAL_HEAD, in.len - FVM__JOURNAL_HEAD };
    while (in.len > 0) {
        uint64_t number = 0;
        fvm_bytes body = { NULL, 0 };
        size_t size;
        bool broken = false;
        found what = look_at_record(&number, &body, &size, in);
        if (what == WHOLE) FVM_TRY(read_body(reader, number, body, &broken));
        if (what == BROKEN) broken = same_boot || (file->strict && record_follows(in, size));
        if (broken)
            return fvm__why(why, FVM_ERR_MALFORMED, "%s: offset %zu: a record is damaged", name,
                            all.len - in.len);
        if (what != WHOLE) return FVM_OK;
        in = (fvm_bytes){ in.ptr + size, in.len - size };
    }
    *whole = true;
    return FVM_OK;
}
