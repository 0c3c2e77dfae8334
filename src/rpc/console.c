/* console.c - hardhat's console.sol: contracts call an address where nobody is, with the input of
 * log(string,uint256) and the like; a node that knows it prints that. The call is seen by a trace sink.
 *
 * Which of the signatures it is, is found by hashing them until the selector fits: all of them are
 * combinations of four types at up to four places, and nobody prints in a hurry. */
#include "crypto/crypto.h"
#include "log.h"
#include "methods.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const fvm_eth_address fvm_rpc_console_address = {
    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x63, 0x6f, 0x6e, 0x73, 0x6f, 0x6c, 0x65, 0x2e, 0x6c, 0x6f, 0x67 }
};

#define ARGS_MAX 4u
#define TEXT_MAX 4096u

typedef enum abi_type {
    ABI_UINT,
    ABI_STRING,
    ABI_BOOL,
    ABI_ADDRESS,
    ABI_INT,
    ABI_BYTES,
    ABI_FIXED
} abi_type;

typedef struct signature {
    abi_type types[ARGS_MAX];
    size_t count;
    size_t fixed; /* N of bytesN */
} signature;

static bool fits(const uint8_t selector[4], const char *text)
{
    uint8_t hash[32];
    fvm_keccak256(hash, fvm_bytes_of(text));
    return memcmp(hash, selector, 4) == 0;
}

/* Combination number `which` of `count` types; `uint` is what some versions wrote for uint256. */
static bool fits_combination(signature *out, const uint8_t selector[4], size_t count, size_t which,
                             bool old)
{
    static const char *const names[] = { "uint256", "string", "bool", "address" };
    char text[64] = "log(";
    size_t n = 4;
    out->count = count;
    for (size_t i = 0; i < count; i++, which /= 4) {
        out->types[i] = (abi_type)(which % 4);
        const char *name = old && which % 4 == 0 ? "uint" : names[which % 4];
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i ? "," : "", name);
    }
    (void)snprintf(text + n, sizeof text - n, ")");
    return fits(selector, text);
}

static bool fits_single(signature *out, const uint8_t selector[4])
{
    char text[24];
    out->count = 1;
    out->types[0] = ABI_INT;
    if (fits(selector, "log(int256)") || fits(selector, "log(int)")) return true;
    out->types[0] = ABI_BYTES;
    if (fits(selector, "log(bytes)")) return true;
    out->types[0] = ABI_FIXED;
    for (out->fixed = 1; out->fixed <= 32; out->fixed++) {
        (void)snprintf(text, sizeof text, "log(bytes%zu)", out->fixed);
        if (fits(selector, text)) return true;
    }
    return false;
}

static bool find_signature(signature *out, const uint8_t selector[4])
{
    for (size_t old = 0; old < 2; old++)
        for (size_t count = 0, all = 1; count <= ARGS_MAX; count++, all *= 4)
            for (size_t which = 0; which < all; which++)
                if (fits_combination(out, selector, count, which, old)) return true;
    return fits_single(out, selector);
}

/* --- arguments as text --- */

/* The bytes of a string or bytes at argument `i`. */
static bool tail(fvm_bytes *out, fvm_bytes args, size_t i)
{
    if (args.len / 32 <= i) return false;
    fvm_big at = fvm_rpc_big_of_word(args.ptr + 32 * i);
    uint64_t offset = at.count ? at.limb[0] : 0;
    if (at.count > 1 || offset > args.len || args.len - offset < 32) return false;
    fvm_big len = fvm_rpc_big_of_word(args.ptr + offset);
    uint64_t n = len.count ? len.limb[0] : 0;
    if (len.count > 1 || n > args.len - offset - 32) return false;
    *out = (fvm_bytes){ args.ptr + offset + 32, (size_t)n };
    return true;
}

static size_t put_hex(char *out, size_t room, fvm_bytes bytes)
{
    size_t n = (size_t)snprintf(out, room, "0x");
    for (size_t i = 0; i < bytes.len && n + 3 < room; i++)
        n += (size_t)snprintf(out + n, room - n, "%02x", bytes.ptr[i]);
    return n;
}

static size_t put_int(char *out, size_t room, const uint8_t *word)
{
    uint8_t magnitude[32];
    char text[FVM_BIG_TEXT_MAX];
    bool negative = word[0] >> 7;
    unsigned carry = 1;
    for (size_t i = 32; i-- > 0;) {
        unsigned b = negative ? (uint8_t)~word[i] + carry : word[i];
        magnitude[i] = (uint8_t)b;
        carry = b >> 8;
    }
    fvm_big v = fvm_rpc_big_of_word(magnitude);
    (void)fvm_big_to_text(text, &v);
    return (size_t)snprintf(out, room, "%s%s", negative ? "-" : "", text);
}

/* Argument i as text of at most `room` - 1 bytes. */
static size_t put_argument(char *out, size_t room, const signature *s, fvm_bytes args, size_t i)
{
    char text[FVM_BIG_TEXT_MAX];
    fvm_bytes bytes = { NULL, 0 };
    const uint8_t *word = args.ptr + 32 * i;
    bool is_tail = s->types[i] == ABI_STRING || s->types[i] == ABI_BYTES;
    if (args.len / 32 <= i || (is_tail && !tail(&bytes, args, i)))
        return (size_t)snprintf(out, room, "?");
    size_t n = 0;
    fvm_big v;
    switch (s->types[i]) {
    case ABI_STRING:
        n = bytes.len < room - 1 ? bytes.len : room - 1;
        memcpy(out, bytes.ptr, n);
        out[n] = 0;
        return n;
    case ABI_BYTES: return put_hex(out, room, bytes);
    case ABI_FIXED: return put_hex(out, room, (fvm_bytes){ word, s->fixed });
    case ABI_ADDRESS: return put_hex(out, room, (fvm_bytes){ word + 12, 20 });
    case ABI_BOOL: return (size_t)snprintf(out, room, "%s", word[31] ? "true" : "false");
    case ABI_INT: return put_int(out, room, word);
    default:
        v = fvm_rpc_big_of_word(word);
        (void)fvm_big_to_text(text, &v);
        return (size_t)snprintf(out, room, "%s", text);
    }
}

/* As JavaScript's console.log: %s, %d, %i and %o of a first string take arguments, the rest follows
 * with blanks between. */
static size_t put_line(char *out, size_t room, const signature *s, fvm_bytes args)
{
    size_t n = 0, next = 0;
    fvm_bytes format;
    if (s->count > 1 && s->types[0] == ABI_STRING && tail(&format, args, 0)) {
        next = 1;
        for (size_t i = 0; i < format.len && n + 1 < room; i++) {
            bool mark = format.ptr[i] == '%' && i + 1 < format.len;
            if (mark && strchr("sdio", format.ptr[i + 1]) && format.ptr[i + 1] && next < s->count) {
                n += put_argument(out + n, room - n, s, args, next++);
                i++;
            } else {
                if (mark && format.ptr[i + 1] == '%') i++;
                out[n++] = (char)format.ptr[i];
            }
            if (n >= room) n = room - 1;
        }
    }
    for (; next < s->count && n + 2 < room; next++) {
        if (next) out[n++] = ' ';
        n += put_argument(out + n, room - n, s, args, next);
        if (n >= room) n = room - 1;
    }
    return n;
}

/* --- the sink --- */

/* Control characters of strangers do not reach the terminal. */
static void clean(char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 && text[i] != '\n' && text[i] != '\t') text[i] = '.';
}

static void print_input(fvm_node *node, fvm_bytes input)
{
    signature s;
    char text[TEXT_MAX];
    if (input.len < 4 || !find_signature(&s, input.ptr)) return;
    size_t n = put_line(text, sizeof text, &s, (fvm_bytes){ input.ptr + 4, input.len - 4 });
    clean(text, n);
    const fvm_log_field field = { "text", { (const uint8_t *)text, n }, 0 };
    fvm_log_write(node->log, FVM_LOG_INFO, "console.log", &field, 1);
}

static void see(void *ctx, const fvm_trace_event *e)
{
    fvm_node *node = ctx;
    uint64_t space;
    fvm_bytes sub, input;
    if (e->kind != FVM_TRACE_CALL || e->method != FVM_ETH_METHOD_INVOKE || !e->to) return;
    if (!fvm_address_to_delegated(&space, &sub, e->to) || space != FVM_ADDRESS_EAM_NAMESPACE ||
        sub.len != 20 || memcmp(sub.ptr, fvm_rpc_console_address.bytes, 20) != 0)
        return;
    if (!node->logging) return;
    /* a contract's call has its input as it is, a message's is a CBOR byte string */
    if (e->codec == FVM_CODEC_RAW)
        print_input(node, e->data);
    else if (fvm_eth_params_read(&input, e->data))
        print_input(node, input);
}

const fvm_trace_sink *fvm_rpc_console_sink(fvm_node *node, fvm_trace_sink *sink)
{
    if (!node->development || !node->logging || !fvm_log_on(node->log, FVM_LOG_INFO)) return NULL;
    *sink = (fvm_trace_sink){ see, node };
    return sink;
}
