/* A failure of the host in the middle of a message leaves the machine usable and never wrong: each
 * allocation, and each access to the blockstore, fails in turn; the message then has no receipt, and
 * applied again on the same machine it gives what it would have given without the failure. */
#include "../test.h"

#include "cli/vector_run.h"

#include <stdlib.h>

static const char *const files[] = {
    "../shared/vectors/golden-kernel/self/self-set-root.json",
    "../shared/vectors/golden-kernel/send/send-receivers.json",
    "../shared/vectors/golden-kernel/send/send-revert-creations.json",
    "../shared/vectors/golden-kernel/event/event-nesting.json",
    "../shared/vectors/golden-kernel/fuzz/fuzz-003.json",
    "../shared/vectors/golden-kernel/tree/tree-40.json",
};

/* --- a store whose nth access fails --- */

typedef struct faulty_store {
    const fvm_blockstore *base;
    size_t calls, fail_at; /* 0: none */
} faulty_store;

static bool fails(faulty_store *s)
{
    return ++s->calls == s->fail_at;
}
static fvm_err faulty_get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    faulty_store *s = self;
    return fails(s) ? FVM_ERR_IO : fvm_blockstore_get(s->base, out, cid);
}
static fvm_err faulty_has(void *self, bool *out, const fvm_cid *cid)
{
    faulty_store *s = self;
    return fails(s) ? FVM_ERR_IO : fvm_blockstore_has(s->base, out, cid);
}
static fvm_err faulty_put(void *self, const fvm_block *blocks, size_t count)
{
    faulty_store *s = self;
    return fails(s) ? FVM_ERR_IO : fvm_blockstore_put_many(s->base, blocks, count);
}
static const fvm_blockstore_ops faulty_ops = {
    .get = faulty_get,
    .has = faulty_has,
    .put_many = faulty_put,
};

/* --- a run of a vector in which one thing fails --- */

typedef struct world {
    fvm_vector *vector;
    fvm_engine *engine;
    test_alloc alloc;
    faulty_store faulty;
    fvm_blockstore store;   /* fresh above the vector's blocks */
    fvm_blockstore failing; /* over `store` */
    fvm_externs externs;
    fvm_context *context;
    fvm_machine *machine;
} world;

/* Returns how often the context allocated, or the store was asked, so far. */
static void open_world(world *w)
{
    w->failing = (fvm_blockstore){ &faulty_ops, &w->faulty };
    test_failing_allocator(&w->alloc, 0);
    CHECK_OK(fvm_vector_store(&w->store, w->vector));
    w->faulty = (faulty_store){ .base = &w->store };
    w->externs = fvm_vector_externs(w->vector);
    CHECK_OK(fvm_context_new(&w->context, w->engine, &w->alloc.allocator));
    CHECK_OK(fvm_vector_machine(&w->machine, w->vector, &w->vector->variants[0], w->context,
                                &w->failing, &w->externs, NULL));
}

static void close_world(world *w)
{
    fvm_machine_free(w->machine);
    fvm_context_free(w->context);
    fvm_blockstore_free(&w->store);
    CHECK(w->alloc.blocks == 0);
}

static void same_receipt(const fvm_receipt *a, const fvm_receipt *b)
{
    CHECK(a->exit_code == b->exit_code && a->gas_used == b->gas_used);
    CHECK_BYTES(fvm_buf_bytes(&a->return_data), fvm_buf_bytes(&b->return_data));
    CHECK_BYTES(fvm_buf_bytes(&a->events), fvm_buf_bytes(&b->events));
    CHECK(fvm_big_cmp(&a->refund, &b->refund) == 0);
    CHECK(a->has_events_root == b->has_events_root);
}

typedef enum fault_kind {
    FAULT_ALLOC,
    FAULT_STORE,
} fault_kind;

static void arm(world *w, fault_kind kind, size_t n)
{
    if (kind == FAULT_ALLOC)
        w->alloc.fail_at = w->alloc.calls + n;
    else
        w->faulty.fail_at = w->faulty.calls + n;
}
static bool spent(const world *w, fault_kind kind)
{
    return kind == FAULT_ALLOC ? w->alloc.calls >= w->alloc.fail_at
                               : w->faulty.calls >= w->faulty.fail_at;
}

/* Applies all messages and flushes with the nth access failing from the first message on. False when
 * the run needed fewer than n. */
static bool run_with_fault(world *w, fault_kind kind, size_t n, const fvm_vector_run *want)
{
    fvm_receipt receipt;
    fvm_cid root;
    open_world(w);
    fvm_receipt_init(&receipt, NULL);
    arm(w, kind, n);
    for (size_t i = 0; i < w->vector->message_count; i++) {
        fvm_message message;
        uint64_t length;
        fvm_apply_kind how = w->vector->messages[i].implicit ? FVM_APPLY_IMPLICIT
                                                             : FVM_APPLY_EXPLICIT;
        CHECK_OK(
            fvm_vector_message_read(w->vector, i, w->vector->variants[0].nv, &message, &length));
        fvm_err err = fvm_machine_apply(w->machine, &receipt, &message, how, length);
        if (err != FVM_OK) {
            CHECK(fvm_err_class_of(err) == FVM_CLASS_HOST);
            CHECK_OK(fvm_machine_apply(w->machine, &receipt, &message, how, length));
        }
        same_receipt(&receipt, &want->receipts[i]);
    }
    fvm_err err = fvm_machine_flush(w->machine, &root);
    if (err != FVM_OK) {
        CHECK(fvm_err_class_of(err) == FVM_CLASS_HOST);
        CHECK_OK(fvm_machine_flush(w->machine, &root));
    }
    CHECK(fvm_cid_eq(&root, &want->root));
    bool armed = spent(w, kind);
    fvm_receipt_deinit(&receipt);
    close_world(w);
    return armed;
}

static void each_fault(fault_kind kind)
{
    for (size_t i = 0; i < FVM_COUNT(files); i++) {
        world w = { 0 };
        fvm_store_why why;
        fvm_vector_run want;
        fvm_context *context;
        CHECK_OK(fvm_engine_new(&w.engine, NULL));
        CHECK_OK(fvm_vector_load(&w.vector, files[i], &why));
        CHECK_OK(fvm_context_new(&context, w.engine, NULL));
        fvm_vector_run_do(&want, w.vector, &w.vector->variants[0], context, NULL);
        CHECK_OK(want.err);
        size_t n = 1;
        while (run_with_fault(&w, kind, n, &want)) n++;
        CHECK(n > 1); /* it did fail at least once */
        printf("%s: %zu points of failure\n", files[i], n - 1);
        fvm_vector_run_deinit(&want);
        fvm_context_free(context);
        fvm_vector_free(w.vector);
        fvm_engine_free(w.engine);
    }
}

static bool have_vectors(void)
{
    FILE *f = fopen(files[0], "rb");
    if (!f) {
        fprintf(stderr, "SKIPPED: no %s\n", files[0]);
        return false;
    }
    fclose(f);
    return true;
}

TEST(each_allocation_may_fail_in_a_message)
{
    if (have_vectors()) each_fault(FAULT_ALLOC);
}

TEST(each_access_to_the_store_may_fail)
{
    if (have_vectors()) each_fault(FAULT_STORE);
}
