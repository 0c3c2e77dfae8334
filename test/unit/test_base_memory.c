/* Buffers, arenas and the error table. */
#include "base/arena.h"
#include "test.h"

TEST(every_error_has_its_own_text_and_a_class)
{
#define ROW(name, number, class_, text)                                                            \
    CHECK(strcmp(fvm_err_text(FVM_ERR_##name), text) == 0);                                        \
    CHECK(fvm_err_class_of(FVM_ERR_##name) == FVM_CLASS_##class_);
    FVM_ERR_MAP(ROW)
#undef ROW
    CHECK(strcmp(fvm_err_text((fvm_err)9999), "unknown error") == 0);
    CHECK_AT("commits to nothing", fvm_err_class_of((fvm_err)9999) == FVM_CLASS_HOST);
}

TEST(buf_grows_and_keeps_its_content)
{
    fvm_buf buf;
    fvm_buf_init(&buf, NULL);
    for (size_t i = 0; i < 1000; i++) CHECK_OK(fvm_buf_put_u8(&buf, (uint8_t)i));
    CHECK_OK(fvm_buf_append(&buf, FVM_BYTES(1, 2, 3)));
    CHECK_OK(fvm_buf_append(&buf, (fvm_bytes){ NULL, 0 }));
    CHECK(buf.len == 1003 && buf.ptr[999] == (uint8_t)999 && buf.ptr[1002] == 3);
    fvm_buf_deinit(&buf);
    CHECK(buf.ptr == NULL && buf.len == 0 && buf.cap == 0);
    CHECK_OK(fvm_buf_put_u8(&buf, 1));
    fvm_buf_deinit(&buf);
}

TEST(buf_reserve_refuses_what_cannot_be_and_leaves_the_buffer)
{
    fvm_buf buf;
    fvm_buf_init(&buf, NULL);
    CHECK_OK(fvm_buf_append(&buf, FVM_STR("abc")));
    fvm_buf before = buf;
    CHECK_ERR(fvm_buf_reserve(&buf, SIZE_MAX), FVM_ERR_NOMEM);
    CHECK_ERR(fvm_buf_reserve(&buf, SIZE_MAX - 2), FVM_ERR_NOMEM);
    CHECK(buf.ptr == before.ptr && buf.len == before.len && buf.cap == before.cap);
    fvm_buf_deinit(&buf);
}

static fvm_err fill_buf(const fvm_allocator *alloc, void *ctx)
{
    (void)ctx;
    fvm_buf buf;
    fvm_buf_init(&buf, alloc);
    fvm_err err = FVM_OK;
    for (size_t i = 0; i < 1000 && !err; i++) {
        err = fvm_buf_append(&buf, FVM_BYTES(1, 2, 3));
        if (err) CHECK_AT("left as it was", buf.len == 3 * i);
    }
    fvm_buf_deinit(&buf);
    return err;
}

TEST(buf_survives_each_failing_allocation)
{
    test_each_allocation_fails(fill_buf, NULL);
}

TEST(arena_gives_aligned_memory_that_does_not_overlap)
{
    fvm_arena arena;
    test_rng rng = { 5 };
    fvm_arena_init(&arena, NULL);
    uint8_t *blocks[500];
    size_t sizes[500];
    for (size_t i = 0; i < 500; i++) {
        sizes[i] = (size_t)test_rng_below(&rng, i % 50 == 0 ? 100000 : 200);
        blocks[i] = fvm_arena_alloc(&arena, sizes[i]);
        CHECK(blocks[i] && (uintptr_t)blocks[i] % 16 == 0);
        if (sizes[i]) memset(blocks[i], (int)(i & 255), sizes[i]);
    }
    for (size_t i = 0; i < 500; i++) {
        for (size_t k = 0; k < sizes[i]; k++) CHECK(blocks[i][k] == (i & 255));
    }
    fvm_arena_deinit(&arena);
}

TEST(arena_gives_distinct_pointers_for_size_zero)
{
    fvm_arena arena;
    fvm_arena_init(&arena, NULL);
    void *a = fvm_arena_alloc(&arena, 0), *b = fvm_arena_zalloc(&arena, 0);
    CHECK(a && b && a != b);
    fvm_bytes copy;
    CHECK_OK(fvm_arena_copy(&arena, &copy, (fvm_bytes){ NULL, 0 }));
    CHECK(copy.ptr && copy.len == 0);
    fvm_arena_deinit(&arena);
}

TEST(arena_zalloc_clears_memory_that_was_used_before)
{
    fvm_arena arena;
    fvm_arena_init(&arena, NULL);
    fvm_arena_mark mark = fvm_arena_mark_get(&arena);
    uint8_t *before = fvm_arena_alloc(&arena, 100);
    memset(before, 0xff, 100);
    fvm_arena_release(&arena, mark);
    const uint8_t *p = fvm_arena_zalloc(&arena, 100);
    CHECK_AT("the same memory again", p == before);
    for (size_t i = 0; i < 100; i++) CHECK(p[i] == 0);
    fvm_arena_deinit(&arena);
}

TEST(arena_release_gives_back_across_chunks)
{
    fvm_arena arena;
    test_alloc state;
    test_failing_allocator(&state, 0);
    fvm_arena_init(&arena, &state.allocator);
    uint8_t *kept = fvm_arena_alloc(&arena, 10);
    memset(kept, 7, 10);
    fvm_arena_mark mark = fvm_arena_mark_get(&arena);
    uint8_t *next = fvm_arena_alloc(&arena, 10);
    for (size_t i = 0; i < 100; i++) CHECK(fvm_arena_alloc(&arena, 5000));
    CHECK(state.blocks > 1);
    fvm_arena_release(&arena, mark);
    CHECK(fvm_arena_alloc(&arena, 10) == next);
    fvm_arena_release(&arena, mark);
    CHECK(state.blocks == 1 && arena.used == mark.used && kept[9] == 7);
    fvm_arena_deinit(&arena);
    CHECK(state.blocks == 0 && state.bytes == 0);
}

TEST(arena_reset_keeps_one_chunk_so_that_the_next_message_allocates_nothing)
{
    fvm_arena arena;
    test_alloc state;
    test_failing_allocator(&state, 0);
    fvm_arena_init(&arena, &state.allocator);
    for (size_t i = 0; i < 10; i++) {
        size_t calls = state.calls;
        for (size_t k = 0; k < 100; k++) CHECK(fvm_arena_alloc(&arena, 1000));
        fvm_arena_reset(&arena);
        CHECK(arena.used == 0 && state.blocks == 1);
        if (i > 1) CHECK(state.calls == calls);
    }
    fvm_arena_deinit(&arena);
}

static fvm_err fill_arena(const fvm_allocator *alloc, void *ctx)
{
    (void)ctx;
    fvm_arena arena;
    fvm_arena_init(&arena, alloc);
    fvm_err err = FVM_OK;
    for (size_t i = 0; i < 300 && !err; i++) {
        if (!fvm_arena_alloc(&arena, i * 10)) err = FVM_ERR_NOMEM;
    }
    fvm_arena_deinit(&arena);
    return err;
}

TEST(arena_survives_each_failing_allocation)
{
    fvm_arena arena;
    test_each_allocation_fails(fill_arena, NULL);
    fvm_arena_init(&arena, NULL);
    CHECK(!fvm_arena_alloc(&arena, SIZE_MAX) && !fvm_arena_alloc(&arena, SIZE_MAX - 20));
    fvm_arena_deinit(&arena);
}
