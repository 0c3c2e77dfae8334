/* cmd_actor_frc42.c - see cmd_actor_frc42.h. */
#include "cmd_actor_frc42.h"

#include "crypto/crypto.h"

#include <stdio.h>

#define NAME_MAX_LEN 200
#define FIRST_EXPORTED (UINT32_C(1) << 24)

fvm_err fvm_frc42(uint32_t *out, fvm_bytes name)
{
    uint8_t text[2 + NAME_MAX_LEN] = { '1', '|' }, digest[64];
    if (name.len == 0 || name.len > NAME_MAX_LEN) return FVM_ERR_INVALID;
    if (fvm_bytes_eq(name, FVM_STR("Constructor"))) {
        *out = 1;
        return FVM_OK;
    }
    memcpy(text + 2, name.ptr, name.len);
    fvm_blake2b_512(digest, (fvm_bytes){ text, 2 + name.len });
    for (size_t i = 0; i < sizeof digest; i += 4) {
        uint32_t v = (uint32_t)digest[i] << 24 | (uint32_t)digest[i + 1] << 16 |
                     (uint32_t)digest[i + 2] << 8 | digest[i + 3];
        if (v < FIRST_EXPORTED) continue;
        *out = v;
        return FVM_OK;
    }
    return FVM_ERR_INVALID;
}

static bool is_word(uint8_t c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static fvm_bytes take_word(fvm_bytes *in)
{
    fvm_bytes word = { in->ptr, 0 };
    while (word.len < in->len && is_word(in->ptr[word.len])) word.len++;
    in->ptr += word.len;
    in->len -= word.len;
    return word;
}

static void skip_space(fvm_bytes *in)
{
    while (in->len && (*in->ptr == ' ' || *in->ptr == '\n' || *in->ptr == '\t'))
        in->ptr++, in->len--;
}

/* Whether `header` has a line for the name already. */
static bool has(fvm_bytes header, fvm_bytes line)
{
    for (size_t at = 0; at + line.len <= header.len; at++)
        if (memcmp(header.ptr + at, line.ptr, line.len) == 0) return true;
    return false;
}

static fvm_err define(fvm_buf *out, fvm_bytes name)
{
    char line[NAME_MAX_LEN + 64];
    uint32_t number;
    FVM_TRY(fvm_frc42(&number, name));
    int key = snprintf(line, sizeof line, "#define FVM_FRC42_%.*s ", (int)name.len,
                       (const char *)name.ptr);
    if (has(fvm_buf_bytes(out), (fvm_bytes){ (const uint8_t *)line, (size_t)key })) return FVM_OK;
    int all = snprintf(line + key, sizeof line - (size_t)key, "%uu\n", number);
    return fvm_buf_append(out, (fvm_bytes){ (const uint8_t *)line, (size_t)(key + all) });
}

fvm_err fvm_frc42_header(fvm_buf *out, fvm_bytes source)
{
    static const char prefix[] = "FVM_FRC42_";
    fvm_bytes in = source;
    while (in.len) {
        fvm_bytes word = take_word(&in), name = { in.ptr, 0 };
        if (word.len == 0) {
            in.ptr++, in.len--;
            continue;
        }
        if (fvm_bytes_eq(word, FVM_STR("FVM_EXPORT")) || fvm_bytes_eq(word, FVM_STR("FVM_FRC42"))) {
            skip_space(&in);
            if (in.len == 0 || *in.ptr != '(') continue;
            in.ptr++, in.len--;
            skip_space(&in);
            name = take_word(&in);
        } else if (word.len > sizeof prefix - 1 &&
                   memcmp(word.ptr, prefix, sizeof prefix - 1) == 0) {
            name = (fvm_bytes){ word.ptr + sizeof prefix - 1, word.len - (sizeof prefix - 1) };
        }
        if (name.len) FVM_TRY(define(out, name));
    }
    return FVM_OK;
}
