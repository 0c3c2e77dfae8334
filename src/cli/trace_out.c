/* trace_out.c - see trace_out.h. */
#include "trace_out.h"

#include <errno.h>
#include <inttypes.h>

#define CONTEXT 4 /* entries shown before and after a difference */

static json_t *call_entry(const fvm_trace_event *e)
{
    char to[FVM_ADDRESS_TEXT_MAX] = "";
    if (e->to) (void)fvm_address_to_text(to, e->to, 'f');
    fvm_big zero = fvm_big_zero();
    return json_pack("{s:{s:o,s:o,s:o,s:b,s:s,s:o}}", "call", "from", fvm_json_from_u64(e->from),
                     "gas_limit", fvm_json_from_u64(e->gas_limit), "method",
                     fvm_json_from_u64(e->method), "read_only", e->read_only ? 1 : 0, "to", to,
                     "value", fvm_json_from_big(e->value ? e->value : &zero));
}

static json_t *ipld_entry(const fvm_trace_event *e, const char *what)
{
    char cid[FVM_CID_TEXT_MAX] = "";
    if (e->cid) (void)fvm_cid_to_text(cid, e->cid);
    return json_pack("{s:s,s:s,s:o}", "cid", cid, "ipld", what, "size", fvm_json_from_u64(e->size));
}

json_t *fvm_trace_entry(const fvm_trace_event *e, bool *skip)
{
    *skip = false;
    switch (e->kind) {
    case FVM_TRACE_CHARGE:
        return json_pack("[o,o,o]", fvm_json_from_bytes(e->name), fvm_json_from_u64(e->compute),
                         fvm_json_from_u64(e->other));
    case FVM_TRACE_CALL: return call_entry(e);
    case FVM_TRACE_INVOKE: return json_pack("{s:o}", "invoke", fvm_json_from_u64(e->id));
    case FVM_TRACE_RETURN: return json_pack("{s:o}", "return", fvm_json_from_u64(e->exit_code));
    case FVM_TRACE_CALL_ERROR: return json_pack("{s:o}", "call_error", fvm_json_from_u64(e->error));
    case FVM_TRACE_IPLD_GET: return ipld_entry(e, "Get");
    case FVM_TRACE_IPLD_PUT: return ipld_entry(e, "Put");
    case FVM_TRACE_LOG:
    case FVM_TRACE_WASM_START:
    case FVM_TRACE_WASM_ENTER:
    case FVM_TRACE_WASM_LEAVE:
    case FVM_TRACE_SYSCALL:
    case FVM_TRACE_SYSCALL_END: break;
    }
    *skip = true;
    return NULL;
}

/* --- printing --- */

/* Numbers beyond 63 bits stand as strings in our JSON values; the format has them bare. */
static void print_entry(FILE *out, const json_t *entry)
{
    json_t *call = json_object_get(entry, "call");
    if (!call) {
        const json_t *first = json_array_get(entry, 0);
        if (!first) {
            fvm_json_print(out, entry);
            return;
        }
        fputc('[', out);
        fvm_json_print(out, first);
        for (size_t i = 1; i < 3; i++) {
            const json_t *number = json_array_get(entry, i);
            fputc(',', out);
            if (json_is_string(number))
                fputs(json_string_value(number), out);
            else
                fvm_json_print(out, number);
        }
        fputc(']', out);
        return;
    }
    static const char *const keys[] = { "from", "gas_limit", "method", "read_only", "to", "value" };
    fputs("{\"call\":{", out);
    for (size_t i = 0; i < FVM_COUNT(keys); i++) {
        const json_t *value = json_object_get(call, keys[i]);
        fprintf(out, "%s\"%s\":", i ? "," : "", keys[i]);
        if (i < 3 && json_is_string(value))
            fputs(json_string_value(value), out);
        else
            fvm_json_print(out, value);
    }
    fputs("}}", out);
}

void fvm_trace_print_init(fvm_trace_print *print, FILE *out, bool json, const char *id)
{
    *print = (fvm_trace_print){ .out = out, .json = json };
    if (!json) return;
    json_t *text = json_string(id);
    if (!text) print->failed = true;
    fputs("{\"id\":", out);
    fvm_json_print(out, text);
    fputs(",\"messages\":[", out);
    json_decref(text);
}

void fvm_trace_print_begin(fvm_trace_print *p, size_t index, const fvm_message *message)
{
    p->quiet = p->one_only && p->only != index;
    if (p->names) fvm_by_name_reset(p->names);
    p->depth = 0;
    p->compute[0] = p->other[0] = 0;
    if (p->quiet) return;
    if (p->json) {
        fputs(p->started ? "],[" : "[", p->out);
        p->comma = false;
    } else if (message) {
        char from[FVM_ADDRESS_TEXT_MAX], to[FVM_ADDRESS_TEXT_MAX];
        (void)fvm_address_to_text(from, &message->from, 'f');
        (void)fvm_address_to_text(to, &message->to, 'f');
        fprintf(p->out, "%smessage %zu: %s -> %s, method %" PRIu64 ", gas limit %" PRIu64 "\n",
                p->started ? "\n" : "", index, from, to, message->method, message->gas_limit);
    }
    p->started = true;
}

static void print_begin(void *ctx, size_t index, const fvm_message *message)
{
    fvm_trace_print_begin(ctx, index, message);
}

static void print_total(fvm_trace_print *p, const char *what, uint64_t number)
{
    fprintf(p->out, "%*s%s %" PRIu64 "   (total %" PRIu64 " compute, %" PRIu64 " other)\n",
            (int)(2 + 2 * p->depth), "", what, number, p->compute[p->depth], p->other[p->depth]);
    if (p->depth == 0) return;
    p->depth--;
    p->compute[p->depth] = fvm_sat_add_u64(p->compute[p->depth], p->compute[p->depth + 1]);
    p->other[p->depth] = fvm_sat_add_u64(p->other[p->depth], p->other[p->depth + 1]);
}

static void print_call(fvm_trace_print *p, const fvm_trace_event *e)
{
    char to[FVM_ADDRESS_TEXT_MAX] = "?", value[FVM_BIG_TEXT_MAX] = "0";
    if (e->to) (void)fvm_address_to_text(to, e->to, 'f');
    if (e->value) (void)fvm_big_to_text(value, e->value);
    fprintf(p->out,
            "%*scall f0%" PRIu64 " -> %s, method %" PRIu64 ", value %s, %zu bytes, gas %" PRIu64
            "%s\n",
            (int)(2 + 2 * p->depth), "", e->from, to, e->method, value, e->data.len, e->gas_limit,
            e->read_only ? ", read only" : "");
    if (p->depth + 1 < FVM_COUNT(p->compute)) p->depth++;
    p->compute[p->depth] = p->other[p->depth] = 0;
}

static void print_text(fvm_trace_print *p, const fvm_trace_event *e)
{
    int indent = (int)(2 + 2 * p->depth);
    char cid[FVM_CID_TEXT_MAX] = "";
    if (e->cid) (void)fvm_cid_to_text(cid, e->cid);
    switch (e->kind) {
    case FVM_TRACE_CHARGE:
        p->compute[p->depth] = fvm_sat_add_u64(p->compute[p->depth], e->compute);
        p->other[p->depth] = fvm_sat_add_u64(p->other[p->depth], e->other);
        fprintf(p->out, "%*s%-26.*s %14" PRIu64 " %14" PRIu64 "%s\n", indent, "", (int)e->name.len,
                e->name.len ? (const char *)e->name.ptr : "", e->compute, e->other,
                e->refund ? " back" : "");
        break;
    case FVM_TRACE_CALL: print_call(p, e); break;
    case FVM_TRACE_INVOKE:
        fprintf(p->out, "%*sinvoke f0%" PRIu64 "%s%s\n", indent, "", e->id, cid[0] ? ", code " : "",
                cid);
        break;
    case FVM_TRACE_RETURN: print_total(p, "return: exit code", e->exit_code); break;
    case FVM_TRACE_CALL_ERROR: print_total(p, "no call: error number", e->error); break;
    case FVM_TRACE_IPLD_GET:
    case FVM_TRACE_IPLD_PUT:
        fprintf(p->out, "%*s%s block %s, %" PRIu64 " bytes\n", indent, "",
                e->kind == FVM_TRACE_IPLD_GET ? "get" : "put", cid, e->size);
        break;
    case FVM_TRACE_LOG:
        fprintf(p->out, "%*slog: %.*s\n", indent, "", (int)e->data.len,
                e->data.len ? (const char *)e->data.ptr : "");
        break;
    case FVM_TRACE_WASM_START: /* what follows is fvm profile's */
    case FVM_TRACE_WASM_ENTER:
    case FVM_TRACE_WASM_LEAVE:
    case FVM_TRACE_SYSCALL:
    case FVM_TRACE_SYSCALL_END: break;
    }
}

/* What the event means in words, on a line of its own. */
static void print_names(fvm_trace_print *p, const fvm_trace_event *e)
{
    fvm_buf words;
    int indent = (int)(2 + 2 * p->depth);
    fvm_buf_init(&words, NULL);
    if (fvm_by_name_event(p->names, &words, e, NULL) != FVM_OK) p->failed = true;
    if (words.len && !p->quiet)
        fprintf(p->out, "%*s%s%.*s\n", indent, "", e->kind == FVM_TRACE_RETURN ? "returns" : "",
                (int)words.len, (const char *)words.ptr);
    fvm_buf_deinit(&words);
}

static void print_machine(void *ctx, const fvm_machine *machine)
{
    fvm_trace_print *p = ctx;
    if (p->names) fvm_by_name_machine(p->names, machine);
}

static void print_event(void *ctx, const fvm_trace_event *event)
{
    fvm_trace_print *p = ctx;
    bool skip, words_first = event->kind == FVM_TRACE_RETURN; /* inside the call */
    if (p->names && !p->json && words_first) print_names(p, event);
    if (!p->json && !p->quiet) print_text(p, event);
    if (p->names && !p->json && !words_first) print_names(p, event);
    if (p->quiet || !p->json) return;
    json_t *entry = fvm_trace_entry(event, &skip);
    if (skip) return;
    if (!entry) {
        p->failed = true;
        return;
    }
    if (p->comma) fputc(',', p->out);
    p->comma = true;
    print_entry(p->out, entry);
    json_decref(entry);
}

fvm_run_watch fvm_trace_print_watch(fvm_trace_print *print)
{
    return (fvm_run_watch){ .sink = { .event = print_event, .ctx = print },
                            .machine = print_machine,
                            .begin = print_begin };
}

fvm_err fvm_trace_print_end(fvm_trace_print *p)
{
    if (p->json) fputs(p->started ? "]]}\n" : "]}\n", p->out);
    return p->failed ? FVM_ERR_NOMEM : FVM_OK;
}

/* --- trace files --- */

fvm_err fvm_trace_file_load(json_t **out, const fvm_vector *vector, fvm_store_why *why)
{
    fvm_buf path, bytes;
    const char *slash = strrchr(vector->file, '/');
    fvm_bytes folder = { (const uint8_t *)vector->file,
                         slash ? (size_t)(slash - vector->file) + 1 : 0 };
    *out = NULL;
    /* the id becomes part of a path: a file from outside must not reach elsewhere with it */
    if (strchr(vector->id, '/')) return FVM_OK;
    fvm_buf_init(&path, NULL);
    fvm_buf_init(&bytes, NULL);
    fvm_err err = fvm_buf_append(&path, folder);
    if (err == FVM_OK) err = fvm_buf_append(&path, FVM_STR("trace/"));
    if (err == FVM_OK) err = fvm_buf_append(&path, fvm_bytes_of(vector->id));
    if (err == FVM_OK)
        err = fvm_buf_append(&path, (fvm_bytes){ (const uint8_t *)".trace.json", 12 });
    if (err != FVM_OK)
        (void)fvm__why(why, err, "%s: out of memory", vector->file);
    else if ((err = fvm_file_read(&bytes, (const char *)path.ptr, FVM_VECTOR_FILE_MAX, why)) ==
             FVM_OK)
        err = fvm_json_parse(out, fvm_buf_bytes(&bytes), (const char *)path.ptr, why);
    else if (err == FVM_ERR_NOT_FOUND)
        err = FVM_OK;
    fvm_buf_deinit(&bytes);
    fvm_buf_deinit(&path);
    return err;
}

fvm_err fvm_trace_compare_init(fvm_trace_compare *compare, const json_t *expected)
{
    *compare = (fvm_trace_compare){ .expected = expected, .before = json_array() };
    return compare->before ? FVM_OK : FVM_ERR_NOMEM;
}

static const json_t *expected_list(const fvm_trace_compare *c)
{
    return json_array_get(json_object_get(c->expected, "messages"), c->message);
}

/* Records the difference at the present place. Takes `got`, NULL: nothing came. */
static void compare_note(fvm_trace_compare *c, json_t *got)
{
    const json_t *list = expected_list(c), *want = json_array_get(list, c->entry);
    json_t *after = json_array();
    for (size_t i = 1; i <= CONTEXT && c->entry + i < json_array_size(list); i++)
        (void)json_array_append(after, json_array_get(list, c->entry + i));
    c->difference = json_pack(
        "{s:I,s:I,s:o,s:o,s:O,s:o}", "message", (json_int_t)c->message, "index",
        (json_int_t)c->entry, "expected", want ? json_deep_copy(want) : json_string("(end)"), "got",
        got ? got : json_string("(end)"), "before", c->before, "after", after);
    if (!c->difference) c->failed = true;
}

static void compare_finish_message(fvm_trace_compare *c)
{
    if (c->started && !c->difference && c->entry < json_array_size(expected_list(c)))
        compare_note(c, NULL);
}

static void compare_begin(void *ctx, size_t index, const fvm_message *message)
{
    fvm_trace_compare *c = ctx;
    (void)message;
    compare_finish_message(c);
    if (c->difference) return;
    c->started = true;
    c->message = index;
    c->entry = 0;
    (void)json_array_clear(c->before);
}

static void compare_event(void *ctx, const fvm_trace_event *event)
{
    fvm_trace_compare *c = ctx;
    bool skip;
    if (c->difference || c->failed) return;
    json_t *got = fvm_trace_entry(event, &skip);
    if (skip) return;
    const json_t *want = json_array_get(expected_list(c), c->entry);
    if (!got) {
        c->failed = true;
    } else if (!want || !json_equal(want, got)) {
        compare_note(c, got);
    } else {
        c->entry++;
        if (json_array_size(c->before) == CONTEXT) (void)json_array_remove(c->before, 0);
        if (json_array_append_new(c->before, got) != 0) c->failed = true;
    }
}

fvm_run_watch fvm_trace_compare_watch(fvm_trace_compare *compare)
{
    return (fvm_run_watch){ .sink = { .event = compare_event, .ctx = compare },
                            .begin = compare_begin };
}

fvm_err fvm_trace_compare_end(fvm_trace_compare *c, json_t **difference)
{
    compare_finish_message(c);
    size_t messages = json_array_size(json_object_get(c->expected, "messages"));
    if (!c->difference && messages > (c->started ? c->message + 1 : 0)) {
        c->message += c->started;
        c->entry = 0;
        compare_note(c, NULL);
    }
    json_decref(c->before);
    *difference = c->failed ? NULL : c->difference;
    if (!c->failed) return FVM_OK;
    json_decref(c->difference);
    return FVM_ERR_NOMEM;
}
