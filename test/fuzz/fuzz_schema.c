/* Any bytes as a block of any method or state of the built-in actors, and as a text in the notation of
 * schemas: what is written is bounded by what is read, and what is refused leaves the output alone. */
#include "kernel/schema/schema.h"
#include "test.h"

/* A byte of input becomes at most so many of text: a name and its quotes around it. */
#define GROWTH 600

typedef struct attempt {
    const fvm_schema *schema;
    fvm_bytes block;
    fvm_buf out;
    size_t skip; /* methods */
} attempt;

static void check(attempt *a, fvm_bytes actor, fvm_schema_part part, uint64_t method)
{
    fvm_schema_style style = { .indent = 0 };
    a->out.len = 0;
    fvm_err err = fvm_schema_write(&a->out, a->schema, actor, part, method, FVM_CODEC_DAG_CBOR,
                                   a->block, &style);
    CHECK(err == FVM_OK ? a->out.len > 0 : a->out.len == 0);
    CHECK(a->out.len <= 4 + GROWTH * a->block.len);
}

static void visit(void *ctx, fvm_bytes actor, uint64_t method, fvm_bytes name)
{
    attempt *a = ctx;
    (void)name;
    if (a->skip-- != 0) return;
    check(a, actor, FVM_SCHEMA_PARAMS, method);
    check(a, actor, FVM_SCHEMA_RETURN, method);
    check(a, actor, FVM_SCHEMA_STATE, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fvm_schema *schema, *other;
    if (size == 0) return 0;
    CHECK_OK(fvm_schema_builtin(&schema, NULL));
    attempt a = { .schema = schema, .block = { data + 1, size - 1 }, .skip = data[0] };
    fvm_buf_init(&a.out, NULL);
    fvm_schema_each_method(schema, visit, &a);
    if (fvm_schema_parse(&other, a.block, NULL, NULL) == FVM_OK) fvm_schema_free(other);
    fvm_buf_deinit(&a.out);
    fvm_schema_free(schema);
    return 0;
}
