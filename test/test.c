/* test.c - helpers of test.h that unit tests and fuzz targets share. */
#include "test.h"

#include <stdlib.h>

static void print_hex(const char *label, fvm_bytes bytes)
{
    fprintf(stderr, "  %s (%zu bytes): ", label, bytes.len);
    for (size_t i = 0; i < bytes.len && i < 512; i++) fprintf(stderr, "%02x", bytes.ptr[i]);
    fprintf(stderr, bytes.len > 512 ? "...\n" : "\n");
}

void test_check_bytes(const char *file, int line, const char *what, fvm_bytes got, fvm_bytes want)
{
    if (fvm_bytes_eq(got, want)) return;
    print_hex("got ", got);
    print_hex("want", want);
    test_fail(file, line, what, "bytes differ");
}

static unsigned nibble(char c)
{
    if (c >= '0' && c <= '9') return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f') return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return (unsigned)(c - 'A') + 10;
    test_fail(__FILE__, __LINE__, "a hex digit", NULL);
}

fvm_bytes test_hex(uint8_t *room, size_t room_len, const char *hex)
{
    size_t len = strlen(hex);
    CHECK(len % 2 == 0 && len / 2 <= room_len);
    for (size_t i = 0; i < len / 2; i++) {
        room[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    }
    return (fvm_bytes){ room, len / 2 };
}

void test_check_hex(const char *file, int line, const char *what, fvm_bytes got, const char *hex)
{
    uint8_t want[4096];
    test_check_bytes(file, line, what, got, test_hex(want, sizeof want, hex));
}

/* Steele, Lea, Flood: "Fast splittable pseudorandom number generators". */
uint64_t test_rng_next(test_rng *rng)
{
    uint64_t z = rng->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint64_t test_rng_below(test_rng *rng, uint64_t n)
{
    return test_rng_next(rng) % n;
}

void test_rng_fill(test_rng *rng, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) out[i] = (uint8_t)test_rng_next(rng);
}

size_t test_rounds(size_t normal)
{
    const char *times = getenv("FVM_TEST_ROUNDS");
    size_t n = times ? strtoul(times, NULL, 10) : 1;
    return normal * (n ? n : 1);
}

/* Each block carries its size in front, so that wrong old sizes are seen. */
#define HEADER 16

static void *counting_resize(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    test_alloc *state = ctx;
    uint8_t *block = ptr ? (uint8_t *)ptr - HEADER : NULL;
    uint64_t recorded = 0;
    if (block) memcpy(&recorded, block, sizeof recorded);
    CHECK_AT("a block comes back with the size it had", recorded == old_size);
    if (new_size == 0) {
        if (block) state->blocks--;
        state->bytes -= old_size;
        free(block);
        return NULL;
    }
    if (++state->calls == state->fail_at) return NULL;
    uint8_t *moved = new_size > SIZE_MAX - HEADER ? NULL : malloc(new_size + HEADER);
    if (!moved) return NULL; /* always a new block, so that stale pointers are caught */
    recorded = new_size;
    memcpy(moved, &recorded, sizeof recorded);
    if (block) memcpy(moved + HEADER, ptr, old_size < new_size ? old_size : new_size);
    state->blocks += !block;
    state->bytes += new_size - old_size;
    free(block);
    return moved + HEADER;
}

void test_failing_allocator(test_alloc *state, size_t fail_at)
{
    *state = (test_alloc){ .allocator = { counting_resize, state }, .fail_at = fail_at };
}

void test_each_allocation_fails(fvm_err (*body)(const fvm_allocator *alloc, void *ctx), void *ctx)
{
    for (size_t n = 1;; n++) {
        test_alloc state;
        test_failing_allocator(&state, n);
        fvm_err err = body(&state.allocator, ctx);
        CHECK_AT("nothing is left allocated", state.blocks == 0 && state.bytes == 0);
        if (state.calls < n) {
            CHECK_OK(err);
            return;
        }
        if (err != FVM_OK) CHECK_ERR(err, FVM_ERR_NOMEM);
    }
}
