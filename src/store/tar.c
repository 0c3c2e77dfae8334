/* tar.c - POSIX ustar and what GNU and BSD tar make of it: 512-byte headers with octal numbers (or
 * base 256), data padded to 512 bytes. Extended headers (pax 'x' and 'g', GNU 'L') are members that
 * nobody asks for; they matter only for names beyond 256 bytes and sizes beyond 8 GiB. */
#include "tar.h"

#define BLOCK 512

/* An octal number with spaces or NULs around it, or base 256 marked by the top bit. */
static fvm_err read_number(uint64_t *out, const uint8_t *field, size_t len)
{
    uint64_t v = 0;
    size_t i = 0;
    if (field[0] & 0x80) {
        v = field[0] & 0x7f;
        for (i = 1; i < len; i++) {
            if (v >> 56) return FVM_ERR_MALFORMED;
            v = v << 8 | field[i];
        }
        *out = v;
        return FVM_OK;
    }
    while (i < len && field[i] == ' ') i++;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++) {
        if (v >> 60) return FVM_ERR_MALFORMED;
        v = v << 3 | (uint64_t)(field[i] - '0');
    }
    for (; i < len; i++)
        if (field[i] != ' ' && field[i] != 0) return FVM_ERR_MALFORMED;
    *out = v;
    return FVM_OK;
}

/* The sum of the header's bytes, its own field taken as spaces. */
static bool checksum_holds(const uint8_t *h)
{
    uint64_t want, sum = 0;
    if (read_number(&want, h + 148, 8) != FVM_OK) return false;
    for (size_t i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? ' ' : h[i];
    return sum == want;
}

static bool is_zero(const uint8_t *h)
{
    for (size_t i = 0; i < BLOCK; i++)
        if (h[i]) return false;
    return true;
}

bool fvm__tar_is(fvm_bytes head)
{
    return head.len >= BLOCK && !is_zero(head.ptr) && checksum_holds(head.ptr);
}

void fvm__tar_init(fvm__tar *tar, fvm__window *w)
{
    *tar = (fvm__tar){ .w = w };
}

static size_t field_len(const uint8_t *field, size_t max)
{
    size_t n = 0;
    while (n < max && field[n]) n++;
    return n;
}

static void read_name(char out[FVM__TAR_NAME_MAX], const uint8_t *h)
{
    size_t n = 0, prefix = memcmp(h + 257, "ustar\0", 6) == 0 ? field_len(h + 345, 155) : 0;
    if (prefix) {
        memcpy(out, h + 345, prefix);
        out[prefix] = '/';
        n = prefix + 1;
    }
    size_t name = field_len(h, 100);
    memcpy(out + n, h, name);
    out[n + name] = 0;
}

fvm_err fvm__tar_next(fvm__tar *tar, fvm__tar_member *out)
{
    fvm_bytes head;
    fvm__tar_member member = { 0 };
    FVM_TRY(fvm__window_skip(tar->w, tar->left));
    FVM_TRY(fvm__window_skip(tar->w, tar->pad));
    tar->left = tar->pad = 0;
    FVM_TRY(fvm__window_peek(tar->w, &head, BLOCK));
    if (head.len == 0) return FVM_ERR_NOT_FOUND;
    if (head.len < BLOCK) return FVM_ERR_TRUNCATED;
    if (is_zero(head.ptr)) return FVM_ERR_NOT_FOUND;
    if (!checksum_holds(head.ptr)) return FVM_ERR_MALFORMED;
    FVM_TRY(read_number(&member.size, head.ptr + 124, 12));
    uint8_t type = head.ptr[156];
    member.regular = type == '0' || type == 0 || type == '7';
    /* links and folders have no data, whatever their size field says */
    bool has_data = !(type >= '1' && type <= '6');
    if (!has_data) member.size = 0;
    read_name(member.name, head.ptr);
    fvm__window_take(tar->w, BLOCK);
    tar->left = member.size;
    tar->pad = (BLOCK - member.size % BLOCK) % BLOCK;
    *out = member;
    return FVM_OK;
}

static fvm_err read_member(void *ctx, uint8_t *out, size_t max, size_t *got)
{
    fvm__tar *tar = ctx;
    fvm_bytes view;
    *got = 0;
    if (tar->left == 0) return FVM_OK;
    FVM_TRY(fvm__window_peek(tar->w, &view, 1));
    if (view.len == 0) return FVM_ERR_TRUNCATED;
    size_t n = view.len < max ? view.len : max;
    if (n > tar->left) n = (size_t)tar->left;
    memcpy(out, view.ptr, n);
    fvm__window_take(tar->w, n);
    tar->left -= n;
    *got = n;
    return FVM_OK;
}

fvm__source fvm__tar_source(fvm__tar *tar)
{
    return (fvm__source){ read_member, tar };
}
