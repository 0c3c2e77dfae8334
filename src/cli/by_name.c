/* by_name.c - see by_name.h. */
#include "by_name.h"

#include "base/vector.h"

#include <inttypes.h>
#include <stdio.h>

static const fvm_schema_style style = { .indent = 0 };

fvm_err fvm_by_name_init(fvm_by_name *n)
{
    *n = (fvm_by_name){ .schema = NULL };
    fvm_buf_init(&n->params, NULL);
    fvm_buf_init(&n->text, NULL);
    return fvm_schema_builtin(&n->schema, NULL);
}

void fvm_by_name_deinit(fvm_by_name *n)
{
    fvm_schema_free(n->schema);
    fvm_buf_deinit(&n->params);
    fvm_buf_deinit(&n->text);
    fvm_mem_free(NULL, n->frames, n->cap * sizeof *n->frames);
}

void fvm_by_name_machine(fvm_by_name *n, const fvm_machine *machine)
{
    n->machine = machine;
    n->depth = 0;
}

void fvm_by_name_reset(fvm_by_name *n)
{
    n->depth = 0;
}

static fvm_err put(fvm_buf *out, const char *text)
{
    return fvm_buf_append(out, fvm_bytes_of(text));
}

/* A value, or that there is none to be read. */
static fvm_err put_value(fvm_by_name *n, fvm_buf *out, const fvm_by_name_frame *f,
                         fvm_schema_part part, uint64_t codec, fvm_bytes block, bool *strange)
{
    n->text.len = 0;
    fvm_err err = fvm_schema_write(&n->text, n->schema, f->actor, part, f->method, codec, block,
                                   &style);
    if (err == FVM_ERR_NOT_FOUND) return FVM_OK;
    if (fvm_err_class_of(err) == FVM_CLASS_HOST) return err;
    if (err == FVM_OK) {
        if (fvm_bytes_eq(fvm_buf_bytes(&n->text), FVM_STR("null"))) return FVM_OK;
        FVM_TRY(put(out, " "));
        return fvm_buf_append(out, fvm_buf_bytes(&n->text));
    }
    if (strange) *strange = true;
    return put(out,
               part == FVM_SCHEMA_PARAMS ? ", params not as its schema" : " not as its schema");
}

static fvm_err on_call(fvm_by_name *n, const fvm_trace_event *e)
{
    FVM_TRY(fvm_vector_grow(NULL, &n->frames, &n->cap, (uint64_t)n->depth + 1, sizeof *n->frames,
                            16, 1u << 16));
    n->frames[n->depth++] = (fvm_by_name_frame){ .method = e->method };
    n->params.len = 0;
    n->params_codec = e->codec;
    return fvm_buf_append(&n->params, e->data);
}

static fvm_err on_invoke(fvm_by_name *n, fvm_buf *out, const fvm_trace_event *e, bool *strange)
{
    if (n->depth == 0 || !n->machine || !e->cid) return FVM_OK;
    fvm_by_name_frame *f = &n->frames[n->depth - 1];
    f->actor = fvm_machine_actor_type(n->machine, e->cid);
    if (f->actor.len == 0) return FVM_OK;
    fvm_bytes name = fvm_schema_method(n->schema, f->actor, f->method);
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRIu64, f->method);
    FVM_TRY(fvm_buf_append(out, f->actor));
    FVM_TRY(put(out, "."));
    FVM_TRY(fvm_buf_append(out, name.len ? name : fvm_bytes_of(number)));
    return put_value(n, out, f, FVM_SCHEMA_PARAMS, n->params_codec, fvm_buf_bytes(&n->params),
                     strange);
}

static fvm_err on_return(fvm_by_name *n, fvm_buf *out, const fvm_trace_event *e, bool *strange)
{
    if (n->depth == 0) return FVM_OK;
    const fvm_by_name_frame *f = &n->frames[--n->depth];
    if (f->actor.len == 0 || e->kind != FVM_TRACE_RETURN || e->exit_code != 0) return FVM_OK;
    return put_value(n, out, f, FVM_SCHEMA_RETURN, e->codec, e->data, strange);
}

fvm_err fvm_by_name_event(fvm_by_name *n, fvm_buf *out, const fvm_trace_event *e, bool *strange)
{
    switch (e->kind) {
    case FVM_TRACE_CALL: return on_call(n, e);
    case FVM_TRACE_INVOKE: return on_invoke(n, out, e, strange);
    case FVM_TRACE_RETURN:
    case FVM_TRACE_CALL_ERROR: return on_return(n, out, e, strange);
    default: return FVM_OK;
    }
}
