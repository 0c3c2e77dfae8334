/* profile.c - see profile.h. */
#include "profile.h"

#include "base/vector.h"

#include <inttypes.h>

/* An actor's code, kept to name its functions. */
struct fvm_profile_code {
    fvm_cid cid;
    fvm_buf wasm;
    fvm_wasm_names names;
};

/* A call under way. Its frames begin at `base` of the stack. */
struct fvm_profile_call {
    uint32_t base, code; /* of the actor that runs; NO_CODE: none yet */
    uint64_t method;
    int64_t counter; /* wasm's, at the last event */
    int64_t given;   /* to functions since the tracker took the last stretch */
    uint32_t last;   /* the frame that was given most recently */
};
#define NO_CODE UINT32_MAX

/* --- frames ----------------------------------------------------------------------------------- */

static void fail(fvm_profile *p, fvm_err err)
{
    if (p->failed == FVM_OK) p->failed = err;
}

static bool room(fvm_profile *p, void *vector, uint32_t *cap, uint32_t count, size_t size)
{
    fvm_err err = fvm_vector_grow(NULL, vector, cap, (uint64_t)count + 1, size, 64, UINT32_MAX);
    if (err != FVM_OK) fail(p, err);
    return err == FVM_OK;
}

static uint32_t top(const fvm_profile *p)
{
    return p->stack[p->depth - 1].frame;
}
static fvm_profile_call *call_at_hand(const fvm_profile *p)
{
    return &p->calls[p->n_calls - 1];
}

static fvm_err add_frame(fvm_profile *p, uint32_t *out, fvm_map_entry *entry, fvm_frame_kind kind,
                         uint32_t parent, const char *label)
{
    uint32_t depth = p->count ? p->frames[parent].depth + 1 : 0;
    FVM_TRY(fvm_vector_grow(NULL, &p->frames, &p->cap, (uint64_t)p->count + 1, sizeof *p->frames,
                            64, UINT32_MAX));
    if (p->labels.len > UINT32_MAX / 2) return FVM_ERR_NOMEM;
    uint32_t at = (uint32_t)p->labels.len;
    FVM_TRY(fvm_buf_append(&p->labels, (fvm_bytes){ (const uint8_t *)label, strlen(label) + 1 }));
    p->frames[p->count] = (fvm_frame){
        .kind = kind, .parent = parent, .depth = depth, .label = at
    };
    entry->value.u64 = p->count;
    *out = p->count++;
    return FVM_OK;
}

#define LABEL_MAX 400

/* The child of `parent` with that label. */
static uint32_t child(fvm_profile *p, uint32_t parent, fvm_frame_kind kind, const char *label)
{
    uint8_t key[LABEL_MAX + 8];
    size_t len = strlen(label);
    bool inserted;
    uint32_t found;
    fvm_map_entry *entry;
    fvm_store_le32(key, parent);
    key[4] = (uint8_t)kind;
    memcpy(key + 5, label, len);
    fvm_bytes bytes = { key, 5 + len };
    if (p->count >= FVM_PROFILE_FRAMES_MAX || p->frames[parent].depth >= FVM_PROFILE_DEPTH_MAX) {
        entry = fvm_map_get(&p->index, bytes);
        return entry ? (uint32_t)entry->value.u64 : parent;
    }
    fvm_err err = fvm_map_put(&p->index, &entry, &inserted, bytes);
    if (err == FVM_OK && !inserted) return (uint32_t)entry->value.u64;
    if (err == FVM_OK) {
        err = add_frame(p, &found, entry, kind, parent, label);
        if (err == FVM_OK) return found;
        (void)fvm_map_remove(&p->index, bytes);
    }
    fail(p, err);
    return parent;
}

static void push(fvm_profile *p, fvm_frame_kind kind, const char *label)
{
    if (p->failed != FVM_OK || !room(p, &p->stack, &p->cap_stack, p->depth, sizeof *p->stack))
        return;
    uint32_t frame = child(p, top(p), kind, label);
    p->stack[p->depth].frame = frame;
    p->stack[p->depth++].kind = kind;
    p->frames[frame].count++;
}

static void charge(fvm_profile *p, const char *label, int64_t milligas)
{
    uint32_t frame = child(p, top(p), FVM_FRAME_CHARGE, label);
    p->frames[frame].self += milligas;
    p->frames[frame].count++;
}

/* --- names ------------------------------------------------------------------------------------ */

static uint32_t find_code(fvm_profile *p, const fvm_cid *cid)
{
    for (uint32_t i = 0; i < p->n_codes; i++)
        if (fvm_cid_eq(&p->codes[i].cid, cid)) return i;
    if (!p->machine || !room(p, &p->codes, &p->cap_codes, p->n_codes, sizeof *p->codes))
        return NO_CODE;
    fvm_profile_code *code = &p->codes[p->n_codes];
    *code = (fvm_profile_code){ .cid = *cid };
    fvm_buf_init(&code->wasm, NULL);
    /* without the code its functions are numbers */
    fvm_err err = fvm_blockstore_get(fvm_machine_blockstore(p->machine), &code->wasm, cid);
    if (err != FVM_OK) code->wasm.len = 0;
    err = fvm_wasm_names_read(&code->names, fvm_buf_bytes(&code->wasm), NULL);
    if (err != FVM_OK) {
        fvm_buf_deinit(&code->wasm);
        fail(p, err);
        return NO_CODE;
    }
    return p->n_codes++;
}

static void function_label(const fvm_profile *p, char out[LABEL_MAX], uint32_t code, uint32_t func)
{
    fvm_bytes name = { NULL, 0 };
    if (code != NO_CODE) {
        const fvm_profile_code *c = &p->codes[code];
        name = fvm_wasm_names_func(&c->names, func);
        if (!name.len) name = fvm_wasm_export_name(fvm_buf_bytes(&c->wasm), func);
    }
    size_t len = name.len < 300 ? name.len : 300;
    while (len && len < name.len && (name.ptr[len] & 0xc0) == 0x80) len--; /* whole characters */
    if (len)
        (void)snprintf(out, LABEL_MAX, "%.*s", (int)len, (const char *)name.ptr);
    else
        (void)snprintf(out, LABEL_MAX, "func[%" PRIu32 "]", func);
}

static void actor_label(const fvm_profile *p, char out[LABEL_MAX], uint64_t id, uint64_t method,
                        const fvm_cid *code)
{
    fvm_bytes type = { NULL, 0 }, name = { NULL, 0 };
    if (p->machine && code) type = fvm_machine_actor_type(p->machine, code);
    if (type.len) name = fvm_schema_method(p->schema, type, method);
    if (name.len)
        (void)snprintf(out, LABEL_MAX, "f0%" PRIu64 " %.*s.%.*s", id, (int)type.len,
                       (const char *)type.ptr, (int)name.len, (const char *)name.ptr);
    else
        (void)snprintf(out, LABEL_MAX, "f0%" PRIu64 " %.*s method %" PRIu64, id,
                       type.len ? (int)type.len : 5, type.len ? (const char *)type.ptr : "actor",
                       method);
}

/* --- events ----------------------------------------------------------------------------------- */

/* What wasm's counter lost since the last event is the function's at hand. */
static void give(fvm_profile *p, int64_t counter)
{
    fvm_profile_call *call = call_at_hand(p);
    int64_t spent = call->counter - counter;
    call->last = top(p);
    p->frames[call->last].self += spent;
    call->given += spent;
    call->counter = counter;
}

/* The tracker takes a stretch of wasm: what no event has given away is the function's at hand. What was
 * given beyond it (nv17's counter may promise more than there is) goes back. */
static void take_stretch(fvm_profile *p, int64_t charged)
{
    fvm_profile_call *call = call_at_hand(p);
    if (charged >= call->given) {
        uint32_t frame = top(p);
        while (p->frames[frame].kind == FVM_FRAME_SYSCALL && frame) frame = p->frames[frame].parent;
        p->frames[frame].self += charged - call->given;
        call->given = 0;
    } else {
        call->given -= charged; /* the rest is wasm_memory_grow's, or nobody's */
    }
}

static void settle_stretch(fvm_profile *p)
{
    fvm_profile_call *call = call_at_hand(p);
    p->frames[call->last].self -= call->given;
    call->given = 0;
}

static void on_charge(fvm_profile *p, const fvm_trace_event *e)
{
    char label[LABEL_MAX];
    bool exec = fvm_bytes_eq(e->name, FVM_STR("wasm_exec"));
    bool grow = fvm_bytes_eq(e->name, FVM_STR("wasm_memory_grow"));
    int64_t charged = e->charged > INT64_MAX ? INT64_MAX : (int64_t)e->charged;
    if ((exec || grow) && p->n_calls) {
        take_stretch(p, charged);
        return;
    }
    if (p->n_calls && call_at_hand(p)->given) settle_stretch(p);
    (void)snprintf(label, sizeof label, "%.*s", (int)e->name.len, (const char *)e->name.ptr);
    charge(p, label, e->refund ? -charged : charged);
}

static void on_call(fvm_profile *p, const fvm_trace_event *e)
{
    if (!room(p, &p->calls, &p->cap_calls, p->n_calls, sizeof *p->calls)) return;
    p->calls[p->n_calls++] = (fvm_profile_call){
        .base = p->depth, .code = NO_CODE, .method = e->method, .last = top(p)
    };
}

/* An actor's frame at the begin of the call's; `again`: it may be there already. */
static void begin_actor(fvm_profile *p, const fvm_trace_event *e, bool again)
{
    char label[LABEL_MAX];
    fvm_profile_call *call = call_at_hand(p);
    uint32_t code = e->cid ? find_code(p, e->cid) : NO_CODE;
    if (again && p->depth > call->base && call->code == code) {
        p->depth = call->base + 1;
    } else {
        p->depth = call->base;
        /* code that runs before the call's own: the constructor of the account that it creates */
        actor_label(p, label, e->id, again ? 1 : call->method, e->cid);
        push(p, FVM_FRAME_ACTOR, label);
    }
    call->code = code;
    call->counter = e->milligas;
    call->given = 0;
}

static void on_return(fvm_profile *p)
{
    if (call_at_hand(p)->given) settle_stretch(p);
    p->depth = call_at_hand(p)->base;
    p->n_calls--;
}

/* Ends the innermost frame of a kind, with what is above it. */
static void end_frame(fvm_profile *p, fvm_frame_kind kind)
{
    uint32_t depth = p->depth;
    while (depth > call_at_hand(p)->base + 1 && p->stack[depth - 1].kind != kind) depth--;
    if (depth > call_at_hand(p)->base + 1) p->depth = depth - 1;
}

static void on_event(void *ctx, const fvm_trace_event *e)
{
    fvm_profile *p = ctx;
    char label[LABEL_MAX];
    if (p->failed != FVM_OK || p->depth == 0) return;
    switch (e->kind) {
    case FVM_TRACE_CHARGE: on_charge(p, e); return;
    case FVM_TRACE_CALL: on_call(p, e); return;
    default: break;
    }
    if (p->n_calls == 0) return;
    switch (e->kind) {
    case FVM_TRACE_INVOKE: begin_actor(p, e, false); break;
    case FVM_TRACE_WASM_START: begin_actor(p, e, true); break;
    case FVM_TRACE_RETURN:
    case FVM_TRACE_CALL_ERROR: on_return(p); break;
    case FVM_TRACE_WASM_ENTER:
        give(p, e->milligas);
        function_label(p, label, call_at_hand(p)->code, e->func);
        push(p, FVM_FRAME_FUNCTION, label);
        break;
    case FVM_TRACE_WASM_LEAVE:
        give(p, e->milligas);
        end_frame(p, FVM_FRAME_FUNCTION);
        break;
    case FVM_TRACE_SYSCALL:
        give(p, e->milligas);
        (void)snprintf(label, sizeof label, "%.*s::%.*s", (int)e->data.len,
                       (const char *)e->data.ptr, (int)e->name.len, (const char *)e->name.ptr);
        push(p, FVM_FRAME_SYSCALL, label);
        break;
    case FVM_TRACE_SYSCALL_END:
        end_frame(p, FVM_FRAME_SYSCALL);
        call_at_hand(p)->counter = e->milligas;
        break;
    default: break;
    }
}

static void on_machine(void *ctx, const fvm_machine *machine)
{
    ((fvm_profile *)ctx)->machine = machine;
}

static void on_begin(void *ctx, size_t number, const fvm_message *message)
{
    fvm_profile *p = ctx;
    char label[LABEL_MAX], from[FVM_ADDRESS_TEXT_MAX] = "", to[FVM_ADDRESS_TEXT_MAX] = "";
    p->depth = 0;
    if (p->one_only && number != p->only) return;
    if (p->failed != FVM_OK ||
        !room(p, &p->messages, &p->cap_messages, p->n_messages, sizeof *p->messages))
        return;
    if (message) {
        (void)fvm_address_to_text(from, &message->from, 'f');
        (void)fvm_address_to_text(to, &message->to, 'f');
    }
    (void)snprintf(label, sizeof label, "message %zu: %s to %s, method %" PRIu64, number, from, to,
                   message ? message->method : 0);
    p->depth = 1;
    p->n_calls = 0;
    push(p, FVM_FRAME_MESSAGE, label);
    if (p->failed != FVM_OK) return;
    p->messages[p->n_messages].frame = top(p);
    p->messages[p->n_messages++].number = number;
}

fvm_run_watch fvm_profile_watch(fvm_profile *profile)
{
    return (fvm_run_watch){ .sink = { .event = on_event, .ctx = profile },
                            .machine = on_machine,
                            .begin = on_begin };
}

/* --- begin and end ---------------------------------------------------------------------------- */

fvm_err fvm_profile_init(fvm_profile *p)
{
    static const uint8_t all_key[] = { 0xff };
    fvm_map_entry *entry;
    uint32_t all;
    *p = (fvm_profile){ .failed = FVM_OK };
    fvm_buf_init(&p->labels, NULL);
    fvm_map_init(&p->index, NULL);
    FVM_TRY(fvm_schema_builtin(&p->schema, NULL));
    FVM_TRY(fvm_map_put(&p->index, &entry, NULL, (fvm_bytes){ all_key, sizeof all_key }));
    FVM_TRY(add_frame(p, &all, entry, FVM_FRAME_ALL, 0, "all"));
    if (!room(p, &p->stack, &p->cap_stack, 0, sizeof *p->stack)) return FVM_ERR_NOMEM;
    p->stack[0].frame = all;
    p->stack[0].kind = FVM_FRAME_ALL;
    p->depth = 1;
    return FVM_OK;
}

void fvm_profile_deinit(fvm_profile *p)
{
    for (uint32_t i = 0; i < p->n_codes; i++) {
        fvm_wasm_names_deinit(&p->codes[i].names);
        fvm_buf_deinit(&p->codes[i].wasm);
    }
    fvm_mem_free(NULL, p->codes, p->cap_codes * sizeof *p->codes);
    fvm_mem_free(NULL, p->calls, p->cap_calls * sizeof *p->calls);
    fvm_mem_free(NULL, p->messages, p->cap_messages * sizeof *p->messages);
    fvm_mem_free(NULL, p->stack, p->cap_stack * sizeof *p->stack);
    fvm_mem_free(NULL, p->frames, p->cap * sizeof *p->frames);
    fvm_map_deinit(&p->index);
    fvm_buf_deinit(&p->labels);
    fvm_schema_free(p->schema);
    *p = (fvm_profile){ .failed = FVM_OK };
}

/* Children come after their parents. */
static void sum_up(fvm_profile *p)
{
    for (uint32_t i = 0; i < p->count; i++) p->frames[i].total = p->frames[i].self;
    for (uint32_t i = p->count; i-- > 1;)
        p->frames[p->frames[i].parent].total += p->frames[i].total;
}

fvm_err fvm_profile_end(fvm_profile *p, const fvm_receipt *receipts, size_t count)
{
    if (p->failed != FVM_OK) return p->failed;
    sum_up(p);
    for (uint32_t i = 0; i < p->n_messages; i++) {
        uint32_t message = p->messages[i].frame;
        if (p->messages[i].number >= count) continue; /* it gave none */
        uint64_t used = fvm_sat_mul_u64(receipts[p->messages[i].number].gas_used, 1000);
        int64_t rest = (used > INT64_MAX ? INT64_MAX : (int64_t)used) - p->frames[message].total;
        if (rest == 0) continue;
        const char *label = rest > 0 && rest < 1000 ? "rounded up to whole gas"
                            : rest > 0              ? "rest of the limit, which the failure takes"
                                                    : "taken, but not in the receipt";
        uint32_t frame = child(p, message, FVM_FRAME_REST, label);
        p->frames[frame].self += rest;
        p->frames[frame].count++;
    }
    sum_up(p);
    return p->failed;
}
