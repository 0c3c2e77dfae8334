/* chunked.c - see chunked.h. */
#include "chunked.h"

#define DIGITS_MAX 8u    /* 4 GiB, far beyond any body */
#define EXTRAS_MAX 8192u /* nobody looks at them */

enum {
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,
    TRAILER_REST,
    TRAILER_LF,
    LAST_LF,
    DONE
};

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if ((c | 32) >= 'a' && (c | 32) <= 'f') return (c | 32) - 'a' + 10;
    return -1;
}

static fvm_err expect(fvm_chunked *c, uint8_t got, uint8_t wanted, uint8_t next)
{
    if (got != wanted) return FVM_ERR_MALFORMED;
    c->state = next;
    return FVM_OK;
}

/* A line's end comes, or one byte more that is passed over. */
static fvm_err skip(fvm_chunked *c, uint8_t got, uint8_t rest, uint8_t at_end)
{
    c->state = got == '\r' ? at_end : rest;
    if (got == '\n' || ++c->extras > EXTRAS_MAX) return FVM_ERR_MALFORMED;
    return FVM_OK;
}

static fvm_err size_digit(fvm_chunked *c, uint8_t got)
{
    int d = hex_digit(got);
    if (d >= 0) {
        c->left = c->left << 4 | (uint64_t)d;
        return ++c->digits > DIGITS_MAX ? FVM_ERR_MALFORMED : FVM_OK;
    }
    if (!c->digits) return FVM_ERR_MALFORMED;
    if (got == ';' || got == ' ' || got == '\t') {
        c->state = EXTENSION;
        return FVM_OK;
    }
    return expect(c, got, '\r', SIZE_LF);
}

static fvm_err one_byte(fvm_chunked *c, uint8_t got)
{
    switch (c->state) {
    case SIZE: return size_digit(c, got);
    case EXTENSION: return skip(c, got, EXTENSION, SIZE_LF);
    case SIZE_LF: return expect(c, got, '\n', c->left ? DATA : TRAILER);
    case DATA_CR: return expect(c, got, '\r', DATA_LF);
    case DATA_LF: c->digits = 0; return expect(c, got, '\n', SIZE);
    case TRAILER: return skip(c, got, TRAILER_REST, LAST_LF);
    case TRAILER_REST: return skip(c, got, TRAILER_REST, TRAILER_LF);
    case TRAILER_LF: return expect(c, got, '\n', TRAILER);
    default: return expect(c, got, '\n', DONE);
    }
}

fvm_err fvm_chunked_read(fvm_chunked *c, fvm_buf *body, size_t max, bool *done, fvm_bytes part)
{
    for (size_t i = 0; i < part.len && c->state != DONE;) {
        if (c->state != DATA) {
            FVM_TRY(one_byte(c, part.ptr[i++]));
            continue;
        }
        size_t n = part.len - i < c->left ? part.len - i : (size_t)c->left;
        if (n > max - body->len) return FVM_ERR_LIMIT;
        FVM_TRY(fvm_buf_append(body, (fvm_bytes){ part.ptr + i, n }));
        i += n;
        c->left -= n;
        if (!c->left) c->state = DATA_CR;
    }
    *done = c->state == DONE;
    return FVM_OK;
}
