/* cmd_actor_test.c - `fvm actor test`: a project's scripts, run by the machine, with gas.
 *
 *     # a comment
 *     call Constructor from alice         what stands before the first test is done before each
 *     test the owner adds
 *     call Add [5] from alice value 1FIL -> 5
 *     call Add [5] from bob -> exit 18
 *     call 1234 -> nothing
 *     balance 1FIL
 *
 * A call without `->` must end with exit code 0; `exit N` wants that code, `nothing` no return value,
 * another value that one. alice (f0100, the default), bob, carol and dave have a great deal of money. */
#include "cmd_actor.h"

#include "cmd_actor_frc42.h"
#include "cmd_actor_unit.h"
#include "ipld/cbor.h"
#include "kernel/network.h"
#include "kernel/state.h"
#include "world.h"

#include <fvm/machine.h>

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#define FILE_MAX (UINT64_C(64) << 20)
#define GAS_LIMIT UINT64_C(10000000000)
#define LINES_MAX 4096

static const char *const people[] = { "alice", "bob", "carol", "dave" };
enum { PEOPLE = FVM_COUNT(people) };

/* What a test runs in. */
typedef struct world {
    fvm_context *context;
    fvm_blockstore store;
    fvm_cid root;
    fvm_address address[PEOPLE];
    uint64_t id[PEOPLE];
    fvm_actor_names names;
    fvm_machine *machine;
    uint64_t nonce[PEOPLE];
    fvm_receipt receipt;
    uint64_t gas; /* of the test's own calls */
} world;

typedef struct line {
    fvm_bytes text;
    size_t number;
} line;

typedef struct script {
    const char *path;
    line lines[LINES_MAX];
    size_t count;
    size_t setup; /* lines before the first test */
} script;

/* What comes of a run: the gas of each test, as the snapshot's lines. */
typedef struct tally {
    size_t passed, failed;
    fvm_buf snapshot;
} tally;

static void trim(fvm_bytes *text)
{
    while (text->len && isspace(*text->ptr)) text->ptr++, text->len--;
    while (text->len && isspace(text->ptr[text->len - 1])) text->len--;
}

static bool take_word(fvm_bytes *in, const char *word)
{
    size_t n = strlen(word);
    fvm_bytes rest = *in;
    trim(&rest);
    if (rest.len < n || memcmp(rest.ptr, word, n) != 0) return false;
    if (rest.len > n && !isspace(rest.ptr[n])) return false;
    *in = (fvm_bytes){ rest.ptr + n, rest.len - n };
    trim(in);
    return true;
}

static fvm_bytes take_token(fvm_bytes *in)
{
    trim(in);
    fvm_bytes word = { in->ptr, 0 };
    while (in->len && !isspace(*in->ptr)) in->ptr++, in->len--, word.len++;
    return word;
}

/* --- reading --- */

static fvm_err read_script(script *s, fvm_bytes text, fvm_store_why *why)
{
    size_t number = 0;
    bool in_test = false;
    while (text.len) {
        fvm_bytes one = { text.ptr, 0 };
        while (one.len < text.len && text.ptr[one.len] != '\n') one.len++;
        size_t used = one.len + (one.len < text.len);
        text.ptr += used;
        text.len -= used;
        number++;
        trim(&one);
        if (one.len == 0 || *one.ptr == '#') continue;
        if (s->count == LINES_MAX)
            return fvm__why(why, FVM_ERR_LIMIT, "%s: more than %d lines", s->path, LINES_MAX);
        fvm_bytes rest = one;
        in_test |= take_word(&rest, "test");
        if (!in_test) s->setup = s->count + 1;
        s->lines[s->count++] = (line){ one, number };
    }
    return FVM_OK;
}

/* An amount as 5FIL, 5atto or 5 (attoFIL), through the notation's own reading. */
static fvm_err read_amount(fvm_big *out, fvm_bytes *in)
{
    fvm_bytes word = take_token(in), wire, cbor;
    fvm_buf buf;
    char text[64];
    bool plain = word.len && isdigit(word.ptr[word.len - 1]);
    (void)snprintf(text, sizeof text, "%.*s%s", (int)(word.len > 50 ? 50 : word.len),
                   (const char *)word.ptr, plain ? "atto" : "");
    fvm_buf_init(&buf, NULL);
    fvm_bytes rest = fvm_bytes_of(text);
    fvm_err err = fvm_actor_value(&buf, &rest, &(fvm_actor_names){ 0 });
    cbor = fvm_buf_bytes(&buf);
    if (err == FVM_OK) err = fvm_cbor_bytes(&wire, &cbor, NULL);
    if (err == FVM_OK) err = fvm_big_read(out, wire);
    fvm_buf_deinit(&buf);
    return err;
}

typedef struct call {
    size_t from;
    uint64_t method;
    fvm_big value;
    fvm_buf params, want;
    uint32_t exit_code;
    bool wants_value, wants_nothing;
} call;

static fvm_err read_method(uint64_t *out, fvm_bytes word)
{
    fvm_big number;
    uint64_t hi;
    uint32_t hashed;
    if (word.len && isdigit(*word.ptr)) {
        FVM_TRY(fvm_big_from_text(&number, word));
        return fvm_big_to_u128(&hi, out, &number) && !hi ? FVM_OK : FVM_ERR_RANGE;
    }
    FVM_TRY(fvm_frc42(&hashed, word));
    *out = hashed;
    return FVM_OK;
}

static fvm_err read_want(call *c, fvm_bytes *in, const world *w)
{
    uint64_t code;
    if (take_word(in, "exit")) {
        FVM_TRY(read_method(&code, take_token(in)));
        if (code > UINT32_MAX) return FVM_ERR_RANGE;
        c->exit_code = (uint32_t)code;
        return FVM_OK;
    }
    if ((c->wants_nothing = take_word(in, "nothing"))) return FVM_OK;
    c->wants_value = true;
    return fvm_actor_value(&c->want, in, &w->names);
}

/* call METHOD [PARAMS] [from WHO] [value N] [-> WANT] */
static fvm_err read_call(call *c, fvm_bytes in, const world *w)
{
    FVM_TRY(read_method(&c->method, take_token(&in)));
    trim(&in);
    if (in.len && !isalpha(*in.ptr) && *in.ptr != '-')
        FVM_TRY(fvm_actor_value(&c->params, &in, &w->names));
    for (;;) {
        if (take_word(&in, "from")) {
            fvm_bytes who = take_token(&in);
            for (c->from = 0; c->from < PEOPLE; c->from++)
                if (fvm_bytes_eq(who, fvm_bytes_of(people[c->from]))) break;
            if (c->from == PEOPLE) return FVM_ERR_NOT_FOUND;
        } else if (take_word(&in, "value")) {
            FVM_TRY(read_amount(&c->value, &in));
        } else if (take_word(&in, "->")) {
            FVM_TRY(read_want(c, &in, w));
        } else {
            trim(&in);
            return in.len ? FVM_ERR_MALFORMED : FVM_OK;
        }
    }
}

/* --- running --- */

/* What the machine gave, in words. */
static void outcome_text(char *out, size_t cap, const fvm_receipt *r)
{
    fvm_buf text;
    fvm_buf_init(&text, NULL);
    if (r->exit_code)
        (void)snprintf(out, cap, "exit %" PRIu32, r->exit_code);
    else if (!r->has_return_codec)
        (void)snprintf(out, cap, "nothing");
    else if (fvm_actor_notation(&text, fvm_buf_bytes(&r->return_data)) == FVM_OK)
        (void)snprintf(out, cap, "%.*s", (int)(text.len > 200 ? 200 : text.len),
                       (const char *)text.ptr);
    else
        (void)snprintf(out, cap, "a value");
    fvm_buf_deinit(&text);
}

static bool is_wanted(const call *c, const fvm_receipt *r)
{
    if (r->exit_code != c->exit_code) return false;
    if (c->wants_nothing) return !r->has_return_codec;
    return !c->wants_value || (r->has_return_codec && fvm_bytes_eq(fvm_buf_bytes(&r->return_data),
                                                                   fvm_buf_bytes(&c->want)));
}

static fvm_err apply(world *w, const call *c)
{
    fvm_message message = {
        .from = w->address[c->from],
        .to = fvm_address_id(FVM_WORLD_ACTOR),
        .nonce = w->nonce[c->from]++,
        .value = c->value,
        .gas_limit = GAS_LIMIT,
        .method = c->method,
        .params = fvm_buf_bytes(&c->params),
    };
    FVM_TRY(fvm_machine_apply(w->machine, &w->receipt, &message, FVM_APPLY_EXPLICIT,
                              100 + message.params.len));
    w->gas += w->receipt.gas_used;
    return FVM_OK;
}

static fvm_err run_call(world *w, fvm_bytes in, fvm_store_why *why)
{
    call c = { 0 };
    char got[256];
    fvm_buf_init(&c.params, NULL);
    fvm_buf_init(&c.want, NULL);
    fvm_err err = read_call(&c, in, w);
    if (err != FVM_OK) err = fvm__why(why, err, "not a call: %s", fvm_err_text(err));
    if (err == FVM_OK && (err = apply(w, &c)) != FVM_OK)
        err = fvm__why(why, err, "no receipt: %s", fvm_err_text(err));
    if (err == FVM_OK && !is_wanted(&c, &w->receipt)) {
        outcome_text(got, sizeof got, &w->receipt);
        err = fvm__why(why, FVM_ERR_MISMATCH, "got %s", got);
    }
    fvm_buf_deinit(&c.params);
    fvm_buf_deinit(&c.want);
    return err;
}

static fvm_err actor_balance(world *w, fvm_big *out)
{
    fvm_state_view *view;
    const fvm_actor *actor;
    fvm_cid root;
    FVM_TRY(fvm_machine_root(w->machine, &root));
    FVM_TRY(fvm_state_view_open(&view, fvm_machine_blockstore(w->machine), &root,
                                fvm_network_find(FVM_NETWORK_VERSION_DEFAULT), NULL));
    fvm_err err = fvm_state_get(view, &actor, FVM_WORLD_ACTOR);
    if (err == FVM_OK) *out = actor->balance;
    fvm_state_view_free(view);
    return err;
}

static fvm_err run_balance(world *w, fvm_bytes in, fvm_store_why *why)
{
    char got[FVM_BIG_TEXT_MAX];
    fvm_big want, have;
    if (read_amount(&want, &in) != FVM_OK) return fvm__why(why, FVM_ERR_MALFORMED, "not an amount");
    if (actor_balance(w, &have) != FVM_OK)
        return fvm__why(why, FVM_ERR_NOT_FOUND, "the actor is gone");
    if (fvm_big_cmp(&want, &have) == 0) return FVM_OK;
    (void)fvm_big_to_text(got, &have);
    return fvm__why(why, FVM_ERR_MISMATCH, "the balance is %s attoFIL", got);
}

static fvm_err run_line(world *w, fvm_bytes text, fvm_store_why *why)
{
    if (take_word(&text, "call")) return run_call(w, text, why);
    if (take_word(&text, "balance")) return run_balance(w, text, why);
    return fvm__why(why, FVM_ERR_MALFORMED, "starts with neither test, call nor balance");
}

/* A fresh machine on the state with the actor as installed. */
static fvm_err begin(world *w)
{
    fvm_machine_config config = { .network_version = FVM_NETWORK_VERSION_DEFAULT,
                                  .chain_id = 314,
                                  .epoch = 100,
                                  .timestamp = 1700000000 };
    if (w->machine) fvm_machine_free(w->machine);
    w->machine = NULL;
    memset(w->nonce, 0, sizeof w->nonce);
    return fvm_machine_new(&w->machine, w->context, &w->store, &w->root, &config);
}

static fvm_err run_lines(world *w, const script *s, size_t from, size_t to, fvm_store_why *why)
{
    for (size_t i = from; i < to; i++) {
        fvm_store_why what = { { 0 } };
        fvm_err err = run_line(w, s->lines[i].text, &what);
        if (err != FVM_OK)
            return fvm__why(why, err, "%s:%zu: %.*s\n      %s", s->path, s->lines[i].number,
                            (int)s->lines[i].text.len, (const char *)s->lines[i].text.ptr,
                            what.text);
    }
    return FVM_OK;
}

static fvm_err note(tally *t, fvm_bytes name, uint64_t gas)
{
    char number[32];
    (void)snprintf(number, sizeof number, "%12" PRIu64 "  ", gas);
    FVM_TRY(fvm_buf_append(&t->snapshot, fvm_bytes_of(number)));
    FVM_TRY(fvm_buf_append(&t->snapshot, name));
    return fvm_buf_append(&t->snapshot, FVM_STR("\n"));
}

/* The test that begins in line `at`; gives the line behind it. */
static fvm_err run_test(world *w, const script *s, size_t at, size_t *next, tally *t,
                        fvm_store_why *why)
{
    fvm_bytes name = s->lines[at].text, probe;
    size_t end = at + 1;
    (void)take_word(&name, "test");
    for (; end < s->count; end++) {
        probe = s->lines[end].text;
        if (take_word(&probe, "test")) break;
    }
    *next = end;
    FVM_TRY(begin(w));
    fvm_err err = run_lines(w, s, 0, s->setup, why);
    w->gas = 0;
    if (err == FVM_OK) err = run_lines(w, s, at + 1, end, why);
    if (err != FVM_OK) {
        if (fvm_err_class_of(err) == FVM_CLASS_HOST) return err;
        printf("FAIL  %.*s\n      %s\n", (int)name.len, (const char *)name.ptr, why->text);
        t->failed++;
        return FVM_OK;
    }
    printf("ok    %-48.*s %12" PRIu64 " gas\n", (int)name.len, (const char *)name.ptr, w->gas);
    t->passed++;
    return note(t, name, w->gas);
}

static fvm_err run_script(world *w, const char *path, tally *t, fvm_store_why *why)
{
    fvm_buf text;
    fvm_buf_init(&text, NULL);
    script *s = calloc(1, sizeof *s);
    if (!s) return fvm__why(why, FVM_ERR_NOMEM, "out of memory");
    fvm_err err = fvm_file_read(&text, path, FILE_MAX, why);
    if (err == FVM_OK) {
        s->path = path;
        err = read_script(s, fvm_buf_bytes(&text), why);
        for (size_t at = s->setup; err == FVM_OK && at < s->count;)
            err = run_test(w, s, at, &at, t, why);
    }
    free(s);
    fvm_buf_deinit(&text);
    return err;
}

static fvm_err world_open(world *w, fvm_engine *engine, fvm_bytes wasm)
{
    fvm_big balance = fvm_big_zero();
    fvm_receipt_init(&w->receipt, NULL);
    FVM_TRY(fvm_context_new(&w->context, engine, NULL));
    FVM_TRY(fvm_blockstore_memory_new(&w->store, NULL));
    for (size_t i = 0; i < PEOPLE; i++) w->id[i] = FVM_WORLD_SENDER + i;
    w->names = (fvm_actor_names){ people, w->address, w->id, PEOPLE };
    return fvm_world_make_accounts(&w->root, w->address, PEOPLE, &w->store,
                                   FVM_NETWORK_VERSION_DEFAULT, wasm, &balance);
}

static void world_close(world *w)
{
    fvm_receipt_deinit(&w->receipt);
    if (w->machine) fvm_machine_free(w->machine);
    if (w->context) fvm_context_free(w->context);
    if (w->store.ops) fvm_blockstore_free(&w->store);
}

static fvm_err run_scripts(const fvm_actor_project *project, tally *t, fvm_store_why *why)
{
    char *paths[FVM_ACTOR_FILES_MAX];
    size_t count;
    world w = { 0 };
    fvm_engine *engine = NULL;
    fvm_buf wasm;
    FVM_TRY(fvm_actor_files(paths, &count, project, "test", ".test", why));
    fvm_buf_init(&wasm, NULL);
    fvm_err err = fvm_file_read(&wasm, project->wasm, FILE_MAX, why);
    if (err == FVM_OK) err = fvm_actor_check(fvm_buf_bytes(&wasm), why);
    if (err == FVM_OK) {
        err = fvm_engine_new(&engine, NULL);
        if (err == FVM_OK) err = world_open(&w, engine, fvm_buf_bytes(&wasm));
        if (err != FVM_OK) err = fvm__why(why, err, "%s", fvm_err_text(err));
    }
    for (size_t i = 0; i < count && err == FVM_OK; i++) err = run_script(&w, paths[i], t, why);
    world_close(&w);
    if (engine) fvm_engine_free(engine);
    fvm_buf_deinit(&wasm);
    fvm_actor_files_free(paths, count);
    return err;
}

/* --- the snapshot --- */

enum { SNAPSHOT_SHOW, SNAPSHOT_CHECK, SNAPSHOT_UPDATE };

/* Prints lines of `now` that `old` has otherwise, or not; gives how many. */
static size_t differences(fvm_bytes old, fvm_bytes now)
{
    size_t count = 0;
    while (now.len) {
        const uint8_t *end = memchr(now.ptr, '\n', now.len);
        fvm_bytes one = { now.ptr, (size_t)(end - now.ptr) + 1 };
        bool same = false;
        for (size_t at = 0; !same && at + one.len <= old.len; at++)
            same = (at == 0 || old.ptr[at - 1] == '\n') &&
                   memcmp(old.ptr + at, one.ptr, one.len) == 0;
        if (!same) {
            printf("gas   %.*s", (int)one.len, (const char *)one.ptr);
            count++;
        }
        now.ptr += one.len;
        now.len -= one.len;
    }
    return count;
}

/* Compares with, or writes, gas.snapshot. `*changed` tells whether it differs. */
static fvm_err settle_snapshot(const fvm_actor_project *project, const tally *t, int mode,
                               bool *changed, fvm_store_why *why)
{
    char path[PATH_MAX];
    fvm_buf old;
    fvm_bytes now = fvm_buf_bytes(&t->snapshot);
    (void)snprintf(path, sizeof path, "%s/gas.snapshot", project->dir);
    fvm_buf_init(&old, NULL);
    fvm_err found = fvm_file_read(&old, path, FILE_MAX, why);
    *changed = found != FVM_OK || !fvm_bytes_eq(fvm_buf_bytes(&old), now);
    if (found == FVM_OK && *changed && differences(fvm_buf_bytes(&old), now))
        puts("      is not what gas.snapshot has (--update writes it)");
    fvm_buf_deinit(&old);
    if (!*changed || mode == SNAPSHOT_CHECK || (found == FVM_OK && mode == SNAPSHOT_SHOW))
        return FVM_OK;
    FILE *f = fopen(path, "wb");
    bool good = f && (now.len == 0 || fwrite(now.ptr, 1, now.len, f) == now.len);
    if (f && fclose(f) != 0) good = false;
    return good ? FVM_OK : fvm__why(why, FVM_ERR_IO, "%s: %s", path, strerror(errno));
}

/* --- the command --- */

static const char help[] =
    "Usage: fvm actor test [DIR] [OPTION]...\n\n"
    "Builds the project in DIR (default .) and runs the scripts DIR/test/NAME.test in the machine: "
    "network "
    "version " FVM_NETWORK_VERSION_DEFAULT_TEXT ",\n"
    "a fresh state for each test, the actor at f01000. Prints the gas of each test and compares it "
    "with\n"
    "DIR/gas.snapshot, which it writes when there is none.\n\n"
    "  --check    fail when gas differs from the snapshot\n"
    "  --update   write the snapshot anew\n"
    "  --unit     compile and run DIR/unit/NAME.c instead: natively, with the mock kernel and "
    "sanitizers\n"
    "  --help     this text\n\n"
    "A script: call METHOD [PARAMS] [from alice|bob|carol|dave] [value N] [-> VALUE|exit "
    "N|nothing];\n"
    "balance N; test NAME. Values are CBOR's diagnostic notation, 5FIL, @alice, @alice.id.\n\n"
    "Example: fvm actor test examples/actors/counter --check\n\n" FVM_CLI_EXIT_HELP;

enum { CHECK, UPDATE, UNIT, HELP };
static const fvm_option options[] = { [CHECK] = { "--check", false },
                                      [UPDATE] = { "--update", false },
                                      [UNIT] = { "--unit", false },
                                      [HELP] = { "--help", false } };

static fvm_cli_exit test(const char *dir, int mode, bool unit)
{
    fvm_actor_project project;
    fvm_store_why why = { "" };
    tally t = { 0 };
    bool changed = false;
    fvm_buf_init(&t.snapshot, NULL);
    fvm_err err = fvm_actor_project_open(&project, dir, &why);
    if (err == FVM_OK) err = fvm_actor_build(&project, "-Oz", &why);
    if (err == FVM_OK && unit) {
        err = fvm_actor_unit(&project, &t.passed, &t.failed, &why);
    } else if (err == FVM_OK) {
        err = run_scripts(&project, &t, &why);
        if (err == FVM_OK && !t.failed) err = settle_snapshot(&project, &t, mode, &changed, &why);
    }
    fvm_buf_deinit(&t.snapshot);
    if (err != FVM_OK) {
        fprintf(stderr, "fvm actor test: %s: %s\n", dir, why.text);
        return err == FVM_ERR_INVALID ? FVM_EXIT_FAILED : fvm_cli_exit_of(err);
    }
    printf("%zu passed, %zu failed\n", t.passed, t.failed);
    return t.failed || (changed && mode == SNAPSHOT_CHECK) ? FVM_EXIT_FAILED : FVM_EXIT_OK;
}

fvm_cli_exit fvm_cmd_actor_test(int argc, char **argv)
{
    fvm_args args = { argc, argv, "actor test", options, FVM_COUNT(options), 0, false, NULL };
    const char *dir = NULL;
    int mode = SNAPSHOT_SHOW;
    bool unit = false;
    for (int which; (which = fvm_args_next(&args)) != FVM_ARG_END;) {
        switch (which) {
        case CHECK: mode = SNAPSHOT_CHECK; break;
        case UPDATE: mode = SNAPSHOT_UPDATE; break;
        case UNIT: unit = true; break;
        case HELP: fputs(help, stdout); return FVM_EXIT_OK;
        case FVM_ARG_POSITIONAL:
            if (dir) {
                fputs("fvm actor test: one folder at a time.\n", stderr);
                return FVM_EXIT_USAGE;
            }
            dir = args.value;
            break;
        default: return FVM_EXIT_USAGE;
        }
    }
    return test(dir ? dir : ".", mode, unit);
}
