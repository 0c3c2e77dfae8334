/* wasm_diff.c - makes batches of random modules and runs them in libfvm, for comparison with V8.
 *
 *   wasm_diff gen OUT SEED COUNT [MODULE.wasm...]   a batch; with modules, half of it mutates them
 *   wasm_diff run BATCH                             prints what happened, case by case
 *   wasm_diff metered BATCH                         the same under fvm v4's metering, with the gas
 *   wasm_diff metered2 BATCH                        the same under fvm v2's (nv17)
 *   wasm_diff engines BATCH                         interpreter against compiler, also short of gas
 *   wasm_diff one SEED [MODULE.wasm]                the bytes of one module, to standard output
 *
 * A batch is a run of cases (little endian; str = u8 length, bytes):
 *   u64 seed, u8 meterable, u32 length, wasm,
 *   u32 imports x { str module, str name, str params, u8 result },
 *   u32 calls x { str name, str params, u8 result, u64 milligas, u64 x args }
 *
 * Both sides print the same lines (run_v8.mjs is the other side):
 *   case SEED | reject [unsupported] | start ok | start failed
 *   call NAME VALUE | call NAME trap KIND
 *   end PAGES HASH HOST
 * KINDs are as coarse as V8's: `indirect` is a null or a wrong signature, `overflow` any conversion or
 * division whose result does not fit. `exhausted` ends the comparison of a case.
 *
 * Host functions on both sides mix their arguments into a 32-bit state and return something made of
 * it. Those of modules other than "host" mostly return 0 (an actor's syscall that succeeds), and if
 * their first parameter is an i32 they write 16 bytes of state there, where that fits.
 *
 * A case with `meterable` 1 or 3 runs a second time under the metering rules of fvm v4 with ample gas, which
 * must not change anything; unless it runs into the limiter's stack limit.
 *
 * `metered` runs the cases that are `meterable` at all under those rules with the gas that each call
 * has, and for every third seed with a low stack limit, which tells stack costs apart; run_v8.mjs
 * does so after rewriting the module (instrument.mjs). Calls then print ` gas N`, what
 * is left, host functions mix that in, and a trap ends the case, as it ends an actor. */
#include "gen.h"
#include "kernel/wasm_rules.h"
#include "wasm/instance.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn static void die(const char *what, const char *of)
{
    fprintf(stderr, "wasm_diff: %s: %s\n", what, of);
    exit(2);
}

static fvm_buf read_file(const char *path)
{
    uint8_t chunk[65536];
    fvm_buf out;
    FILE *file = fopen(path, "rb");
    if (!file) die("cannot open", path);
    fvm_buf_init(&out, NULL);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file));)
        diff_put_bytes(&out, (fvm_bytes){ chunk, n });
    if (ferror(file)) die("cannot read", path);
    fclose(file);
    return out;
}

/* --- batches ------------------------------------------------------------------------------------ */

static void put_le(fvm_buf *buf, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) diff_put(buf, (uint8_t)(value >> (8 * i)));
}
static void put_str(fvm_buf *buf, const char *s)
{
    diff_put(buf, (uint8_t)strlen(s));
    diff_put_bytes(buf, fvm_bytes_of(s));
}

static void put_case(fvm_buf *buf, const diff_case *c)
{
    put_le(buf, c->seed, 8);
    diff_put(buf, c->meterable);
    put_le(buf, c->wasm.len, 4);
    diff_put_bytes(buf, fvm_buf_bytes(&c->wasm));
    put_le(buf, c->import_count, 4);
    for (uint32_t i = 0; i < c->import_count; i++) {
        put_str(buf, c->imports[i].module);
        put_str(buf, c->imports[i].name);
        put_str(buf, c->imports[i].params);
        diff_put(buf, (uint8_t)c->imports[i].result);
    }
    put_le(buf, c->call_count, 4);
    for (uint32_t i = 0; i < c->call_count; i++) {
        put_str(buf, c->calls[i].name);
        put_str(buf, c->calls[i].params);
        diff_put(buf, (uint8_t)c->calls[i].result);
        put_le(buf, c->calls[i].milligas, 8);
        for (uint32_t a = 0; c->calls[i].params[a]; a++) put_le(buf, c->calls[i].args[a], 8);
    }
}

static fvm_bytes need(fvm_bytes *in, size_t n)
{
    fvm_bytes out;
    if (fvm_bytes_take(&out, in, n) != FVM_OK) die("batch", "truncated");
    return out;
}
static uint32_t need_u32(fvm_bytes *in)
{
    return fvm_load_le32(need(in, 4).ptr);
}
static void need_str(char *out, size_t max, fvm_bytes *in)
{
    size_t n = need(in, 1).ptr[0];
    if (n >= max) die("batch", "string too long");
    memcpy(out, need(in, n).ptr, n);
    out[n] = 0;
}

/* Reads a case; `wasm` borrows from the batch. */
static void take_case(diff_case *c, fvm_bytes *wasm, fvm_bytes *in)
{
    c->seed = fvm_load_le64(need(in, 8).ptr);
    c->meterable = need(in, 1).ptr[0];
    *wasm = need(in, need_u32(in));
    c->import_count = need_u32(in);
    if (c->import_count > DIFF_IMPORTS_MAX) die("batch", "imports");
    for (uint32_t i = 0; i < c->import_count; i++) {
        need_str(c->imports[i].module, sizeof c->imports[i].module, in);
        need_str(c->imports[i].name, sizeof c->imports[i].name, in);
        need_str(c->imports[i].params, sizeof c->imports[i].params, in);
        c->imports[i].result = (char)need(in, 1).ptr[0];
    }
    c->call_count = need_u32(in);
    if (c->call_count > DIFF_CALLS_MAX) die("batch", "calls");
    for (uint32_t i = 0; i < c->call_count; i++) {
        diff_call *call = &c->calls[i];
        need_str(call->name, sizeof call->name, in);
        need_str(call->params, sizeof call->params, in);
        call->result = (char)need(in, 1).ptr[0];
        call->milligas = fvm_load_le64(need(in, 8).ptr);
        for (uint32_t a = 0; call->params[a]; a++) call->args[a] = fvm_load_le64(need(in, 8).ptr);
    }
}

/* --- host functions ----------------------------------------------------------------------------- */

typedef struct host {
    const diff_case *c;
    uint32_t state;
    bool mixes_gas;
} host;

static bool is_nan(char type, uint64_t bits)
{
    if (type == 'f') return (bits & 0x7fffffffu) > 0x7f800000u;
    return type == 'd' && (bits & INT64_MAX) > UINT64_C(0x7ff0000000000000);
}

static void mix(host *h, uint32_t word)
{
    h->state = (h->state ^ word) * 0x9e3779b1u;
    h->state ^= h->state >> 15;
}

static fvm_err stub(fvm_wasm_instance *instance, void *ctx, uint64_t *slots, uint32_t index)
{
    host *h = ctx;
    const diff_import *import = &h->c->imports[index];
    bool syscall = strcmp(import->module, "host") != 0;
    uint32_t first = (uint32_t)slots[0];
    mix(h, index);
    for (uint32_t i = 0; import->params[i]; i++) {
        char type = import->params[i];
        uint64_t bits = type == 'i' || type == 'f' ? (uint32_t)slots[i] : slots[i];
        if (is_nan(type, bits)) bits = 0x7ff8;
        mix(h, (uint32_t)bits);
        mix(h, (uint32_t)(bits >> 32));
    }
    if (h->mixes_gas) {
        uint64_t gas = (uint64_t)fvm_wasm_instance_gas(instance);
        mix(h, (uint32_t)gas);
        mix(h, (uint32_t)(gas >> 32));
    }
    if (syscall && import->params[0] == 'i') {
        fvm_wasm_memory memory = fvm_wasm_instance_memory(instance);
        for (uint32_t i = 0; memory.len >= 16 && first <= memory.len - 16 && i < 16; i++)
            memory.ptr[first + i] = (uint8_t)(h->state >> (i % 4 * 8));
    }
    float f = (float)(h->state & 0xffff);
    double d = (double)(h->state & 0xffff);
    switch (import->result) {
    case 'i':
        slots[0] = syscall ? ((h->state & 7) == 0 ? h->state >> 8 & 0xff : 0) : h->state;
        break;
    case 'l': slots[0] = syscall ? h->state & 0xff : (uint64_t)h->state << 32 | h->state; break;
    case 'f': slots[0] = 0, memcpy(slots, &f, 4); break;
    case 'd': memcpy(slots, &d, 8); break;
    default: break;
    }
    return FVM_OK;
}

/* One C function per import, as a host function is not told which one it is. */
#define STUB(h, l)                                                                                 \
    static fvm_err stub_##h##l(fvm_wasm_instance *i, void *c, uint64_t *s)                         \
    {                                                                                              \
        return stub(i, c, s, 0x##h##l);                                                            \
    }
#define ROW(h)                                                                                     \
    STUB(h, 0)                                                                                     \
    STUB(h, 1)                                                                                     \
    STUB(h, 2)                                                                                     \
    STUB(h, 3)                                                                                     \
    STUB(h, 4)                                                                                     \
    STUB(h, 5)                                                                                     \
    STUB(h, 6)                                                                                     \
    STUB(h, 7)                                                                                     \
    STUB(h, 8) STUB(h, 9) STUB(h, a) STUB(h, b) STUB(h, c) STUB(h, d) STUB(h, e) STUB(h, f)
ROW(0)
ROW(1)
ROW(2)
ROW(3)
ROW(4)
ROW(5)
ROW(6)
ROW(7)
#define NAME(h, l) stub_##h##l,
#define NAMES(h)                                                                                   \
    NAME(h, 0)                                                                                     \
    NAME(h, 1)                                                                                     \
    NAME(h, 2)                                                                                     \
    NAME(h, 3)                                                                                     \
    NAME(h, 4)                                                                                     \
    NAME(h, 5)                                                                                     \
    NAME(h, 6)                                                                                     \
    NAME(h, 7)                                                                                     \
    NAME(h, 8) NAME(h, 9) NAME(h, a) NAME(h, b) NAME(h, c) NAME(h, d) NAME(h, e) NAME(h, f)
static const fvm_wasm_host_fn stubs[DIFF_IMPORTS_MAX] = { NAMES(0) NAMES(1) NAMES(2) NAMES(3)
                                                              NAMES(4) NAMES(5) NAMES(6) NAMES(7) };

/* --- running ------------------------------------------------------------------------------------ */

static const fvm_wasm_rules metered_rules = FVM__WASM_RULES_V4;

static const fvm_wasm_rules metered2_rules = FVM__WASM_RULES_V2;

typedef struct run {
    fvm_wasm_context *context;
    const fvm_wasm_rules *rules;
    const diff_case *c;
    fvm_bytes wasm;
    fvm_buf out;       /* lines */
    bool exact;        /* gas is given and shown; a trap ends the case */
    bool incomparable; /* stack limit or exhaustion: what follows means nothing */
    fvm_wasm_backend backend;
    bool thorough; /* all that can be seen is shown, and nothing ends the comparison */
    uint32_t poor; /* with `thorough`: the call that gets `milligas` only */
    int64_t milligas;
    int64_t used[DIFF_CALLS_MAX]; /* by each call */
} run;

__attribute__((format(printf, 2, 3))) static void say(run *r, const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    diff_put_bytes(&r->out, (fvm_bytes){ (uint8_t *)line, (size_t)n });
}

static const char *kind_of(run *r, fvm_wasm_trap trap)
{
    switch (trap) {
    case FVM_WASM_TRAP_UNREACHABLE: return "unreachable";
    case FVM_WASM_TRAP_MEMORY_BOUNDS: return "memory";
    case FVM_WASM_TRAP_TABLE_BOUNDS:
    case FVM_WASM_TRAP_UNDEFINED_ELEMENT: return "table";
    case FVM_WASM_TRAP_NULL_FUNC:
    case FVM_WASM_TRAP_BAD_SIGNATURE: return "indirect";
    case FVM_WASM_TRAP_INT_DIVIDE_BY_ZERO: return "divide";
    case FVM_WASM_TRAP_INT_OVERFLOW:
    case FVM_WASM_TRAP_BAD_CONVERSION: return "overflow";
    case FVM_WASM_TRAP_OUT_OF_GAS:
        if (r->exact) return "gas";
        break;
    case FVM_WASM_TRAP_STACK_LIMIT:
        if (r->exact) return "height";
        break;
    default: break;
    }
    r->incomparable = true;
    return "exhausted";
}

static void say_value(run *r, const char *name, char type, uint64_t bits)
{
    if (type == 'v')
        say(r, "call %s void", name);
    else if (type == 'r')
        say(r, "call %s ref %s", name, bits ? "set" : "null");
    else if (is_nan(type, bits))
        say(r, "call %s nan", name);
    else
        say(r, "call %s %" PRIx64, name, type == 'i' || type == 'f' ? (uint32_t)bits : bits);
}

static uint32_t hash_words(const uint8_t *ptr, size_t len)
{
    uint32_t h = 0x811c9dc5u;
    for (size_t i = 0; i < len; i += 4) h = (h ^ fvm_load_le32(ptr + i)) * 0x01000193u;
    return h;
}

/* The globals of an instance; of references only whether they are null, as they are addresses. */
static uint32_t hash_globals(const fvm_wasm_instance *instance)
{
    const fvm_wasm_module *m = instance->module;
    uint32_t h = 0;
    for (uint32_t g = m->n_global_imports; g < m->n_globals; g++) {
        uint64_t value = instance->globals[m->globals[g].slot];
        if (fvm__is_ref(m->globals[g].type)) value = value != 0;
        h = (h ^ hash_words((const uint8_t *)&value, sizeof value)) * 0x9e3779b1u;
    }
    return h;
}

/* Everything of an instance: all bits of results, the trap itself, gas, memory, globals. */
static void say_all(run *r, const fvm_wasm_instance *instance, fvm_err err, uint64_t result)
{
    fvm_wasm_memory memory = fvm_wasm_instance_memory(instance);
    say(r, "error %d trap %d gas %" PRId64, (int)err, (int)fvm_wasm_instance_trap(instance),
        fvm_wasm_instance_gas(instance));
    say(r, " memory %zu %x globals %x result %" PRIx64 "\n", memory.len,
        hash_words(memory.ptr, memory.len), hash_globals(instance), result);
}

static void make_all_calls(run *r, fvm_wasm_instance *instance, const fvm_wasm_module *module)
{
    for (uint32_t i = 0; i < r->c->call_count; i++) {
        const diff_call *call = &r->c->calls[i];
        fvm_wasm_export export;
        uint64_t results[DIFF_CALL_ARGS_MAX + 1] = { 0 };
        if (!fvm_wasm_module_export(module, &export, fvm_bytes_of(call->name)))
            die("export", call->name);
        int64_t gas = i == r->poor ? r->milligas : (int64_t)call->milligas;
        fvm_wasm_instance_set_gas(instance, gas);
        fvm_err err = fvm_wasm_instance_call(instance, results, export.index, call->args);
        r->used[i] = gas - fvm_wasm_instance_gas(instance);
        bool narrow = call->result == 'i' || call->result == 'f';
        bool shown = err == FVM_OK && call->result != 'v' && call->result != 'r';
        say_all(r, instance, err, !shown ? 0 : narrow ? (uint32_t)results[0] : results[0]);
    }
}

static void make_calls(run *r, fvm_wasm_instance *instance, const fvm_wasm_module *module)
{
    bool ended = false;
    for (uint32_t i = 0; i < r->c->call_count && !r->incomparable && !ended; i++) {
        const diff_call *call = &r->c->calls[i];
        fvm_wasm_export export;
        uint64_t results[DIFF_CALL_ARGS_MAX + 1] = { 0 };
        if (!fvm_wasm_module_export(module, &export, fvm_bytes_of(call->name)))
            die("export", call->name);
        if (r->exact) fvm_wasm_instance_set_gas(instance, (int64_t)call->milligas);
        fvm_err err = fvm_wasm_instance_call(instance, results, export.index, call->args);
        if (err == FVM_OK)
            say_value(r, call->name, call->result, results[0]);
        else if (err == FVM_ERR_TRAP)
            say(r, "call %s trap %s", call->name, kind_of(r, fvm_wasm_instance_trap(instance)));
        else
            die("call", fvm_err_text(err));
        int64_t gas = fvm_wasm_instance_gas(instance);
        if (r->exact && gas >= 0) say(r, " gas %" PRId64, gas);
        say(r, "\n");
        ended = r->exact && err == FVM_ERR_TRAP;
    }
}

static uint32_t hash_memory(fvm_wasm_memory memory)
{
    uint32_t h = 0x811c9dc5u;
    for (size_t i = 0; i < memory.len; i += 4)
        h = (h ^ fvm_load_le32(memory.ptr + i)) * 0x01000193u;
    return h;
}

static fvm_err run_case(void *arg)
{
    run *r = arg;
    fvm_wasm_host_func funcs[DIFF_IMPORTS_MAX];
    static const char *const one[] = { "i", "l", "f", "d", "" };
    for (uint32_t i = 0; i < r->c->import_count; i++) {
        const diff_import *import = &r->c->imports[i];
        size_t k = 0;
        while (k < 4 && one[k][0] != import->result) k++; /* "" for 'v' */
        funcs[i] = (fvm_wasm_host_func){ import->module, import->name, import->params, one[k],
                                         stubs[i] };
    }
    fvm_wasm_host_table table = { funcs, r->c->import_count };
    host h = { r->c, 1, false };
    fvm_wasm_module *module = NULL;
    fvm_wasm_instance *instance = NULL;
    char detail[FVM_WASM_DETAIL_MAX] = "";
    fvm_err err = fvm_wasm_module_new_on(&module, r->rules, &table, r->wasm, detail, NULL,
                                         r->backend);
    if (err != FVM_OK) {
        if (err != FVM_ERR_WASM_MALFORMED && err != FVM_ERR_WASM_INVALID &&
            err != FVM_ERR_WASM_UNSUPPORTED)
            die("module", fvm_err_text(err));
        say(r, err == FVM_ERR_WASM_UNSUPPORTED ? "reject unsupported\n" : "reject\n");
        return FVM_OK;
    }
    err = fvm_wasm_instance_new(&instance, r->context, module, &h, NULL, INT64_MAX);
    if (err == FVM_OK) {
        say(r, "start ok\n");
        h.mixes_gas = r->exact;
        if (r->thorough)
            make_all_calls(r, instance, module);
        else
            make_calls(r, instance, module);
        fvm_wasm_export export;
        bool shown = fvm_wasm_module_export(module, &export, FVM_STR("memory")) &&
                     export.kind == FVM_WASM_MEMORY;
        fvm_wasm_memory memory = { NULL, 0 };
        if (shown) memory = fvm_wasm_instance_memory(instance);
        say(r, "end %zu %x %x\n", memory.len / 65536, hash_memory(memory), h.state);
    } else if (err == FVM_ERR_TRAP || err == FVM_ERR_WASM_INSTANTIATE) {
        if (err == FVM_ERR_TRAP) (void)kind_of(r, fvm_wasm_instance_trap(instance));
        say(r, "start failed\n");
        if (r->thorough) say_all(r, instance, err, 0);
    } else {
        die("instance", fvm_err_text(err));
    }
    fvm_wasm_instance_free(instance);
    fvm_wasm_module_free(module);
    return FVM_OK;
}

static int run_metered(const char *path, const fvm_wasm_rules *rules)
{
    fvm_buf file = read_file(path);
    fvm_bytes in = fvm_buf_bytes(&file);
    fvm_wasm_context *context;
    diff_case *c = calloc(1, sizeof *c);
    if (!c || fvm_wasm_context_new(&context, NULL) != FVM_OK) die("context", path);
    while (in.len) {
        fvm_wasm_rules own = *rules;
        run r = { .context = context, .rules = &own, .c = c, .exact = true };
        take_case(c, &r.wasm, &in);
        if (c->seed % 3 == 0) own.stack_limit = 10 + (uint32_t)(c->seed / 3 % 200);
        if (!c->meterable || (rules == &metered2_rules && c->meterable != 3)) continue;
        fvm_buf_init(&r.out, NULL);
        alarm(60);
        if (fvm_wasm_context_run(context, run_case, &r) != FVM_OK) die("run", path);
        printf("case %" PRIu64 "\n%.*s", c->seed, (int)r.out.len, (const char *)r.out.ptr);
        fvm_buf_deinit(&r.out);
    }
    fvm_wasm_context_free(context);
    fvm_buf_deinit(&file);
    free(c);
    return 0;
}

static int run_batch(const char *path)
{
    fvm_buf file = read_file(path);
    fvm_bytes in = fvm_buf_bytes(&file);
    fvm_wasm_context *context;
    unsigned cases = 0, metered = 0, not_metered = 0, differ = 0;
    if (fvm_wasm_context_new(&context, NULL) != FVM_OK) die("context", path);
    while (in.len) {
        diff_case *c = calloc(1, sizeof *c);
        if (!c) die("no memory", path);
        run plain = { .context = context, .rules = &fvm_wasm_rules_standard, .c = c };
        take_case(c, &plain.wasm, &in);
        fvm_buf_init(&plain.out, NULL);
        alarm(60); /* a module that does not end kills the process, which the driver reports */
        if (fvm_wasm_context_run(context, run_case, &plain) != FVM_OK) die("run", path);
        printf("case %" PRIu64 "\n%.*s", c->seed, (int)plain.out.len, (const char *)plain.out.ptr);
        cases++;
        if (c->meterable & 1) {
            run second = {
                .context = context, .rules = &metered_rules, .c = c, .wasm = plain.wasm
            };
            fvm_buf_init(&second.out, NULL);
            if (fvm_wasm_context_run(context, run_case, &second) != FVM_OK) die("run", path);
            bool loads = second.out.len < 6 || memcmp(second.out.ptr, "reject", 6) != 0;
            if (!loads || second.incomparable || plain.incomparable) {
                not_metered++;
            } else if (!fvm_bytes_eq(fvm_buf_bytes(&plain.out), fvm_buf_bytes(&second.out))) {
                differ++;
                printf("metered differs\n%.*s", (int)second.out.len, (const char *)second.out.ptr);
            } else {
                metered++;
            }
            fvm_buf_deinit(&second.out);
        }
        fvm_buf_deinit(&plain.out);
        free(c);
    }
    fvm_wasm_context_free(context);
    fvm_buf_deinit(&file);
    fprintf(stderr, "libfvm: %u cases, %u metered alike, %u not comparable metered, %u differ\n",
            cases, metered, not_metered, differ);
    return differ ? 1 : 0;
}

/* --- engine against engine ----------------------------------------------------------------------- */

/* One run on each; false when they differ. */
static bool alike(run *r, unsigned *runs)
{
    static const struct {
        const char *name;
        fvm_wasm_backend backend;
    } others[] = { { "checked", FVM_WASM_BACKEND_X64 }, { "guarded", FVM_WASM_BACKEND_X64_GUARD } };
    bool same = true;
    alarm(300); /* by the clock, on machines that are shared */
    r->backend = FVM_WASM_BACKEND_INTERP;
    fvm_buf_init(&r->out, NULL);
    if (fvm_wasm_context_run(r->context, run_case, r) != FVM_OK) die("run", "interp");
    for (size_t i = 0; i < FVM_COUNT(others) && same; i++) {
        run other = *r;
        if (!fvm_wasm_backend_available(others[i].backend)) continue;
        other.backend = others[i].backend;
        fvm_buf_init(&other.out, NULL);
        if (fvm_wasm_context_run(r->context, run_case, &other) != FVM_OK)
            die("run", others[i].name);
        same = fvm_bytes_eq(fvm_buf_bytes(&r->out), fvm_buf_bytes(&other.out));
        if (!same)
            printf("case %" PRIu64 " metering %d limit %u call %d milligas %" PRId64
                   "\n--- interp\n%.*s--- %s\n%.*s",
                   r->c->seed, (int)r->rules->metering, r->rules->stack_limit, (int)r->poor,
                   r->milligas, (int)r->out.len, (const char *)r->out.ptr, others[i].name,
                   (int)other.out.len, (const char *)other.out.ptr);
        fvm_buf_deinit(&other.out);
    }
    fvm_buf_deinit(&r->out);
    ++*runs;
    return same;
}

/* One call after the other gets less gas than it needs: `points` amounts, any number of
 * instructions short, and one short of enough. */
static bool alike_short_of_gas(run *r, unsigned *runs, unsigned points)
{
    uint64_t x = r->c->seed * 0x9e3779b97f4a7c15u + 1;
    for (unsigned i = 0; i < points && r->c->call_count; i++) {
        run poor = *r;
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        poor.poor = (uint32_t)(x >> 32) % r->c->call_count;
        int64_t used = r->used[poor.poor];
        if (used <= 0) continue;
        int64_t instructions = used / 4000 + 1;
        poor.milligas = i < 3 ? used - (int64_t)i : (int64_t)(x % (uint64_t)instructions) * 4000;
        if (!alike(&poor, runs)) return false;
    }
    return true;
}

static int compare_engines(const char *path)
{
    static const fvm_wasm_rules *const rules[] = { &fvm_wasm_rules_standard, &metered_rules,
                                                   &metered2_rules };
    fvm_buf file = read_file(path);
    fvm_bytes in = fvm_buf_bytes(&file);
    fvm_wasm_context *context;
    diff_case *c = calloc(1, sizeof *c);
    unsigned cases = 0, runs = 0, differ = 0;
    if (!fvm_wasm_backend_available(FVM_WASM_BACKEND_X64)) return 77;
    if (!c || fvm_wasm_context_new(&context, NULL) != FVM_OK) die("context", path);
    while (in.len) {
        run r = { .context = context, .c = c, .thorough = true };
        take_case(c, &r.wasm, &in);
        for (size_t i = 0; i < FVM_COUNT(rules); i++) {
            fvm_wasm_rules own = *rules[i];
            if (i && c->seed % 3 == 0) own.stack_limit = 10 + (uint32_t)(c->seed / 3 % 200);
            r.rules = &own;
            r.exact = i != 0;
            r.poor = DIFF_CALLS_MAX;
            bool same = alike(&r, &runs);
            if (same && i) same = alike_short_of_gas(&r, &runs, r.wasm.len < 20000 ? 24 : 6);
            differ += !same;
        }
        cases++;
    }
    fvm_wasm_context_free(context);
    fvm_buf_deinit(&file);
    free(c);
    printf("interp and jit: %u cases, %u runs, %u differ\n", cases, runs, differ);
    return differ ? 1 : 0;
}

/* --- making batches ------------------------------------------------------------------------------ */

static bool make(diff_case *c, uint64_t seed, char **modules, size_t module_count)
{
    /* an odd seed mutates, when there is something to mutate; so a seed names its case */
    memset(c, 0, sizeof *c);
    if (!module_count || !(seed & 1)) {
        diff_generate(c, seed);
        return true;
    }
    fvm_buf original = read_file(modules[(seed >> 1) % module_count]);
    bool good = diff_mutate(c, seed, fvm_buf_bytes(&original));
    fvm_buf_deinit(&original);
    return good;
}

static int gen_batch(const char *path, uint64_t seed, uint64_t count, char **modules,
                     size_t module_count)
{
    fvm_buf batch;
    diff_case *c = malloc(sizeof *c);
    FILE *out = fopen(path, "wb");
    if (!out || !c) die("cannot write", path);
    fvm_buf_init(&batch, NULL);
    for (uint64_t i = 0; i < count; i++) {
        if (!make(c, seed + i, modules, module_count)) continue;
        put_case(&batch, c);
        fvm_buf_deinit(&c->wasm);
        if (fwrite(batch.ptr, 1, batch.len, out) != batch.len) die("cannot write", path);
        batch.len = 0;
    }
    fvm_buf_deinit(&batch);
    free(c);
    return fclose(out) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc >= 5 && !strcmp(argv[1], "gen"))
        return gen_batch(argv[2], strtoull(argv[3], NULL, 0), strtoull(argv[4], NULL, 0), argv + 5,
                         (size_t)argc - 5);
    if (argc == 3 && !strcmp(argv[1], "run")) return run_batch(argv[2]);
    if (argc == 3 && !strcmp(argv[1], "metered")) return run_metered(argv[2], &metered_rules);
    if (argc == 3 && !strcmp(argv[1], "metered2")) return run_metered(argv[2], &metered2_rules);
    if (argc == 3 && !strcmp(argv[1], "engines")) return compare_engines(argv[2]);
    if (argc >= 3 && !strcmp(argv[1], "one")) {
        diff_case *c = malloc(sizeof *c);
        if (!c || !make(c, strtoull(argv[2], NULL, 0), argv + 3, (size_t)argc - 3))
            die("no case", argv[2]);
        fwrite(c->wasm.ptr, 1, c->wasm.len, stdout);
        fvm_buf_deinit(&c->wasm);
        free(c);
        return 0;
    }
    die("usage", "gen OUT SEED COUNT [MODULE...] | run BATCH | metered BATCH | one SEED [MODULE]");
}
