/* coverage.c - see coverage.h. */
#include "coverage.h"

#include "kernel/state.h"

#include <stdarg.h>
#include <stdlib.h>

#define CODES_MAX 24

static const struct {
    const char *type;
    uint64_t method;
    const char *name, *page;
    uint8_t codes[CODES_MAX];
    size_t count;
} table[] = {
#define COVER(type, method, name, page, ...)                                                       \
    { #type, method, name, page, { __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }) },
#define NEVER(type, method, code, page, why)
#include "coverage.def"
#undef COVER
#undef NEVER
};

static const struct {
    const char *type;
    uint64_t method;
    uint32_t code;
    const char *page, *why;
} never[] = {
#define COVER(type, method, name, page, ...)
#define NEVER(type, method, code, page, why) { #type, method, code, page, why },
#include "coverage.def"
#undef COVER
#undef NEVER
};

void coverage_init(coverage *c)
{
    memset(c, 0, sizeof *c);
    c->counts = calloc(FVM_COUNT(table) * CODES_MAX, sizeof *c->counts);
    CHECK(c->counts != NULL);
    for (int i = 0; i < 2; i++) fvm_buf_init(&c->calls_made[i], NULL);
}

void coverage_deinit(coverage *c)
{
    free(c->counts);
    for (int i = 0; i < 2; i++) fvm_buf_deinit(&c->calls_made[i]);
}

/* --- counting --- */

static const char *type_named(fvm_bytes name)
{
    for (size_t i = 0; i < FVM_COUNT(table); i++)
        if (fvm_bytes_eq(name, fvm_bytes_of(table[i].type))) return table[i].type;
    return NULL; /* a puppet, or of no built-in type */
}

/* The row of a method: its own, or that of the numbers that nobody has. */
static size_t row_of(const char *type, uint64_t method)
{
    size_t found = FVM_COUNT(table);
    uint64_t kind = method >= UINT64_C(1) << 24 ? COVERAGE_EXPORTED : COVERAGE_LOW;
    if (strcmp(type, "evm") == 0 && method > 1023) kind = COVERAGE_EXPORTED;
    for (size_t i = 0; i < FVM_COUNT(table); i++) {
        if (strcmp(table[i].type, type) != 0) continue;
        if (table[i].method == method) return i;
        if (table[i].method == kind || table[i].method == COVERAGE_ANY) found = i;
    }
    return found;
}

static void count_other(coverage *c, const char *type, uint64_t method, uint32_t code)
{
    for (size_t i = 0; i < c->other_count; i++) {
        coverage_count *o = &c->others[i];
        if (o->type == type && o->method == method && o->code == code) {
            o->times++;
            return;
        }
    }
    if (c->other_count < COVERAGE_OTHERS)
        c->others[c->other_count++] = (coverage_count){ type, method, code, 1 };
}

static void count(coverage *c, const char *type, uint64_t method, uint32_t code)
{
    size_t row = row_of(type, method);
    CHECK_AT(type, row < FVM_COUNT(table));
    for (size_t i = 0; i < table[row].count; i++) {
        if (table[row].codes[i] != code) continue;
        c->counts[row * CODES_MAX + i]++;
        return;
    }
    count_other(c, table[row].type, table[row].method, code);
}

/* --- calls made --- */

static void put_hex(fvm_buf *out, fvm_bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        CHECK_OK(fvm_buf_put_u8(out, (uint8_t)digits[bytes.ptr[i] >> 4]));
        CHECK_OK(fvm_buf_put_u8(out, (uint8_t)digits[bytes.ptr[i] & 15]));
    }
}

__attribute__((format(printf, 2, 3))) static void put_text(fvm_buf *out, const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    CHECK(n >= 0 && (size_t)n < sizeof line);
    CHECK_OK(fvm_buf_append(out, (fvm_bytes){ (const uint8_t *)line, (size_t)n }));
}

/* Codes differ: what the init actor is told to make is left out. */
static bool has_code(const fvm_trace_event *event)
{
    static const uint8_t init[] = { 0, 1 };
    return fvm_bytes_eq((fvm_bytes){ event->to->bytes, event->to->len },
                        (fvm_bytes){ init, sizeof init }) &&
           (event->method == 2 || event->method == 3);
}

static void put_call(fvm_buf *out, const fvm_trace_event *event)
{
    uint8_t value[FVM_BIG_WIRE_MAX];
    put_text(out, "f0%llu calls ", (unsigned long long)event->from);
    put_hex(out, (fvm_bytes){ event->to->bytes, event->to->len });
    put_text(out, " method %llu%s value ", (unsigned long long)event->method,
             event->read_only ? " read-only" : "");
    put_hex(out, (fvm_bytes){ value, fvm_big_write(value, event->value) });
    put_text(out, " codec %llx ", (unsigned long long)event->codec);
    if (!has_code(event)) put_hex(out, event->data);
    put_text(out, "\n");
}

static void watch(void *ctx, int side, const fvm_trace_event *event)
{
    coverage *c = ctx;
    fvm_buf *out = &c->calls_made[side];
    coverage_frame *top = &c->frames[c->depth ? c->depth - 1 : 0];
    switch (event->kind) {
    case FVM_TRACE_CALL:
        put_call(out, event);
        CHECK(c->depth < COVERAGE_DEPTH);
        c->frames[c->depth++] = (coverage_frame){ event->method, NULL };
        c->calls += side == 0;
        break;
    case FVM_TRACE_INVOKE:
        top->type = type_named(fvm_machine_actor_type(c->twin->side[side].machine, event->cid));
        break;
    case FVM_TRACE_RETURN:
        put_text(out, "exit code %u, codec %llx ", event->exit_code,
                 (unsigned long long)event->codec);
        put_hex(out, event->data);
        put_text(out, "\n");
        if (side == 0 && top->type && top->method != 0) /* a transfer runs no code */
            count(c, top->type, top->method, event->exit_code);
        c->depth--;
        break;
    case FVM_TRACE_CALL_ERROR:
        put_text(out, "error %u\n", event->error);
        c->depth--;
        break;
    default: break;
    }
}

void coverage_watch(coverage *c, twin *t)
{
    c->twin = t;
    c->depth = 0;
    t->watch = watch;
    t->watch_ctx = c;
}

void coverage_message(coverage *c, const char *why, uint32_t exit_code)
{
    fvm_buf *ours = &c->calls_made[0], *theirs = &c->calls_made[1];
    CHECK_AT(why, c->depth == 0);
    if (c->twin->sides == 2 && !fvm_bytes_eq(fvm_buf_bytes(ours), fvm_buf_bytes(theirs))) {
        fprintf(stderr, "calls differ in %s; ours:\n%.*stheirs:\n%.*s", why, (int)ours->len,
                (const char *)ours->ptr, (int)theirs->len, (const char *)theirs->ptr);
        CHECK_AT(why, false);
    }
    ours->len = theirs->len = 0;
    c->messages++;
    count(c, "machine", 0, exit_code);
}

/* --- the result --- */

static void print_method(uint64_t method)
{
    switch (method) {
    case COVERAGE_LOW: printf(" %10s", "low"); break;
    case COVERAGE_EXPORTED: printf(" %10s", "2^24.."); break;
    case COVERAGE_ANY: printf(" %10s", ""); break;
    default: printf(" %10llu", (unsigned long long)method);
    }
}

size_t coverage_missing(const coverage *c)
{
    size_t missing = 0;
    for (size_t i = 0; i < FVM_COUNT(table); i++)
        for (size_t j = 0; j < table[i].count; j++) missing += c->counts[i * CODES_MAX + j] == 0;
    return missing;
}

void coverage_print(const coverage *c)
{
    size_t all = 0, missing = coverage_missing(c);
    printf("  %zu messages, %zu calls; exit code:times\n", c->messages, c->calls);
    for (size_t i = 0; i < FVM_COUNT(table); i++) {
        printf("  %-15s", table[i].type);
        print_method(table[i].method);
        printf(" %-28s", table[i].name);
        for (size_t j = 0; j < table[i].count; j++, all++) {
            size_t times = c->counts[i * CODES_MAX + j];
            printf(times ? " %u:%zu" : " %u:NEVER", table[i].codes[j], times);
        }
        printf("\n");
    }
    for (size_t i = 0; i < FVM_COUNT(never); i++) {
        printf("  %-15s", never[i].type);
        print_method(never[i].method);
        printf(" %u cannot come about: %s (%s)\n", never[i].code, never[i].why, never[i].page);
    }
    for (size_t i = 0; i < c->other_count; i++) {
        printf("  %-15s", c->others[i].type);
        print_method(c->others[i].method);
        printf(" %u:%zu on no page\n", c->others[i].code, c->others[i].times);
    }
    printf("  %zu of %zu exit codes of %zu methods hit\n", all - missing, all, FVM_COUNT(table));
}
