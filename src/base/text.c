/* text.c - hex, base32 and base64 (RFC 4648), base58btc. */
#include "text.h"

#define BASE58_TEXT_MAX 512

/* Makes room for `n` more bytes and returns where they go; `len` stays. NULL: no memory. An `n` of 0
 * also may give NULL, so callers leave early for empty input. */
static uint8_t *room(fvm_buf *out, size_t n)
{
    return fvm_buf_reserve(out, n) == FVM_OK ? out->ptr + out->len : NULL;
}

/* The value of `c` in `alphabet` of `n` characters, or -1. */
static int digit_of(const char *alphabet, size_t n, uint8_t c)
{
    const char *p = memchr(alphabet, c, n);
    return p ? (int)(p - alphabet) : -1;
}

fvm_err fvm_hex_encode(fvm_buf *out, fvm_bytes in)
{
    static const char hex[] = "0123456789abcdef";
    if (in.len == 0) return FVM_OK;
    if (in.len > SIZE_MAX / 2) return FVM_ERR_NOMEM;
    uint8_t *p = room(out, in.len * 2);
    if (!p) return FVM_ERR_NOMEM;
    for (size_t i = 0; i < in.len; i++) {
        p[2 * i] = (uint8_t)hex[in.ptr[i] >> 4];
        p[2 * i + 1] = (uint8_t)hex[in.ptr[i] & 15];
    }
    out->len += in.len * 2;
    return FVM_OK;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

fvm_err fvm_hex_decode(fvm_buf *out, fvm_bytes text)
{
    if (text.len % 2) return FVM_ERR_MALFORMED;
    if (text.len == 0) return FVM_OK;
    uint8_t *p = room(out, text.len / 2);
    if (!p) return FVM_ERR_NOMEM;
    for (size_t i = 0; i < text.len / 2; i++) {
        int hi = hex_digit(text.ptr[2 * i]), lo = hex_digit(text.ptr[2 * i + 1]);
        if (hi < 0 || lo < 0) return FVM_ERR_MALFORMED;
        p[i] = (uint8_t)(hi << 4 | lo);
    }
    out->len += text.len / 2;
    return FVM_OK;
}

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Characters that `n` bytes take with `bits` per character, without padding; SIZE_MAX: too many. */
static size_t text_len(size_t n, unsigned bits)
{
    return n > SIZE_MAX / 8 - 1 ? SIZE_MAX : (n * 8 + bits - 1) / bits;
}

/* Writes text_len(in.len, bits) characters at `p`; the last one is filled with zero bits. */
static void pack(uint8_t *p, fvm_bytes in, const char *alphabet, unsigned bits)
{
    uint32_t acc = 0, mask = (1u << bits) - 1;
    unsigned have = 0;
    for (size_t i = 0; i < in.len; i++) {
        acc = (acc << 8 | in.ptr[i]) & 0xffff;
        for (have += 8; have >= bits;) {
            have -= bits;
            *p++ = (uint8_t)alphabet[acc >> have & mask];
        }
    }
    if (have) *p = (uint8_t)alphabet[acc << (bits - have) & mask];
}

#define NO_DIGIT 0xff

/* The inverse; `text` is without padding. Appends to `out`. */
static fvm_err unpack(fvm_buf *out, fvm_bytes text, const char *alphabet, unsigned bits)
{
    if (text.len > SIZE_MAX / 8) return FVM_ERR_NOMEM;
    size_t n = text.len * bits / 8;
    if (text_len(n, bits) != text.len) return FVM_ERR_MALFORMED; /* a character too many */
    if (text.len == 0) return FVM_OK;
    uint8_t *p = room(out, n);
    if (!p) return FVM_ERR_NOMEM;
    uint8_t digits[256]; /* by character; NO_DIGIT: none */
    memset(digits, NO_DIGIT, sizeof digits);
    for (int i = 0; i < 1 << bits; i++) digits[(uint8_t)alphabet[i]] = (uint8_t)i;
    uint32_t acc = 0;
    unsigned have = 0;
    size_t i = 0;
    for (; bits == 6 && text.len - i >= 4;
         i += 4) { /* state trees come as base64: four make three */
        const uint8_t *t = text.ptr + i;
        uint32_t high = (uint32_t)digits[t[0]] << 8 | digits[t[1]];
        uint32_t low = (uint32_t)digits[t[2]] << 8 | digits[t[3]];
        if ((high | low) & 0xc0c0) return FVM_ERR_MALFORMED;
        uint32_t word = (high >> 2 & 0xfc0) << 12 | (high & 0x3f) << 12 | (low >> 2 & 0xfc0) |
                        (low & 0x3f);
        *p++ = (uint8_t)(word >> 16);
        *p++ = (uint8_t)(word >> 8);
        *p++ = (uint8_t)word;
    }
    for (; i < text.len; i++) {
        uint32_t d = digits[text.ptr[i]];
        if (d == NO_DIGIT) return FVM_ERR_MALFORMED;
        acc = (acc << bits | d) & 0xffff;
        have += bits;
        if (have >= 8) {
            have -= 8;
            *p++ = (uint8_t)(acc >> have);
        }
    }
    if (acc & ((1u << have) - 1)) return FVM_ERR_MALFORMED;
    out->len += n;
    return FVM_OK;
}

fvm_err fvm_base32_encode(fvm_buf *out, fvm_bytes in)
{
    if (in.len == 0) return FVM_OK;
    size_t n = text_len(in.len, 5);
    uint8_t *p = room(out, n);
    if (!p) return FVM_ERR_NOMEM;
    pack(p, in, base32, 5);
    out->len += n;
    return FVM_OK;
}

fvm_err fvm_base32_decode(fvm_buf *out, fvm_bytes text)
{
    return unpack(out, text, base32, 5);
}

fvm_err fvm_base64_encode(fvm_buf *out, fvm_bytes in)
{
    if (in.len == 0) return FVM_OK;
    size_t n = text_len(in.len, 6);
    if (n > SIZE_MAX - 3) return FVM_ERR_NOMEM;
    size_t padded = (n + 3) / 4 * 4;
    uint8_t *p = room(out, padded);
    if (!p) return FVM_ERR_NOMEM;
    pack(p, in, base64, 6);
    memset(p + n, '=', padded - n);
    out->len += padded;
    return FVM_OK;
}

fvm_err fvm_base64_decode(fvm_buf *out, fvm_bytes text)
{
    if (text.len % 4) return FVM_ERR_MALFORMED;
    for (int i = 0; i < 2 && text.len && text.ptr[text.len - 1] == '='; i++) text.len--;
    return unpack(out, text, base64, 6);
}

static const char base58[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/* Rewrites the number that `in` spells in base `from` as digits of base `to`, most significant
 * first, into the `cap` bytes at `p`, right-aligned; returns the index of its first digit. */
static size_t change_base(uint8_t *p, size_t cap, fvm_bytes in, unsigned from, unsigned to)
{
    size_t first = cap;
    for (size_t i = 0; i < in.len; i++) {
        unsigned carry = in.ptr[i];
        for (size_t j = cap; j > first || carry;) {
            j--;
            if (j < first) {
                p[j] = 0;
                first = j;
            }
            carry += from * p[j];
            p[j] = (uint8_t)(carry % to);
            carry /= to;
        }
    }
    return first;
}

static size_t leading(fvm_bytes in, uint8_t c)
{
    size_t n = 0;
    while (n < in.len && in.ptr[n] == c) n++;
    return n;
}

fvm_err fvm_base58_encode(fvm_buf *out, fvm_bytes in)
{
    if (in.len == 0) return FVM_OK;
    if (in.len > SIZE_MAX / 2) return FVM_ERR_NOMEM;
    size_t zeros = leading(in, 0);
    fvm_bytes number = { in.ptr + zeros, in.len - zeros };
    size_t cap = number.len + number.len / 2 + 1; /* log 256 / log 58 = 1.37 */
    uint8_t *p = room(out, zeros + cap);
    if (!p) return FVM_ERR_NOMEM;
    size_t first = change_base(p + zeros, cap, number, 256, 58);
    memset(p, base58[0], zeros);
    for (size_t i = first; i < cap; i++) p[zeros + i - first] = (uint8_t)base58[p[zeros + i]];
    out->len += zeros + cap - first;
    return FVM_OK;
}

fvm_err fvm_base58_decode(fvm_buf *out, fvm_bytes text)
{
    uint8_t digits[BASE58_TEXT_MAX];
    if (text.len > sizeof digits) return FVM_ERR_LIMIT;
    if (text.len == 0) return FVM_OK;
    for (size_t i = 0; i < text.len; i++) {
        int d = digit_of(base58, sizeof base58 - 1, text.ptr[i]);
        if (d < 0) return FVM_ERR_MALFORMED;
        digits[i] = (uint8_t)d;
    }
    size_t zeros = leading((fvm_bytes){ digits, text.len }, 0);
    size_t cap = text.len - zeros; /* a digit holds less than a byte */
    uint8_t *p = room(out, text.len);
    if (!p) return FVM_ERR_NOMEM;
    size_t first = change_base(p + zeros, cap, (fvm_bytes){ digits + zeros, cap }, 58, 256);
    memset(p, 0, zeros);
    memmove(p + zeros, p + zeros + first, cap - first);
    out->len += zeros + cap - first;
    return FVM_OK;
}
