/* hostile.h - modules made to cost a compiler more than their bytes are worth: each shape at any size.
 * The bench measures the time that they take, a test the memory and the code. */
#ifndef FVM_TEST_HOSTILE_H
#define FVM_TEST_HOSTILE_H

#include "base/util.h"
#include <fvm/base.h>

#include <stdio.h>
#include <stdlib.h>

#define HOSTILE_SHAPES(X)                                                                          \
    X(DEEP_BLOCKS, "nested-blocks")                                                                \
    X(DEEP_LOOPS, "nested-loops")                                                                  \
    X(DEEP_IFS, "nested-ifs")                                                                      \
    X(ELSE_CHAINS, "chains-of-else")                                                               \
    X(DEAD_BLOCKS, "dead-blocks")                                                                  \
    X(DEEP_CONSTANTS, "deep-constants")                                                            \
    X(DEEP_OPERANDS, "deep-operands")                                                              \
    X(SETS_UNDER_ALIASES, "sets-under-aliases")                                                    \
    X(BRANCHES, "branches")                                                                        \
    X(MANY_EXITS, "many-exits")                                                                    \
    X(FAR_EXITS, "exits-from-depth")                                                               \
    X(CALLS, "calls")                                                                              \
    X(CALLS_AND_BRANCHES, "loops-of-calls")                                                        \
    X(DIVISIONS, "divisions")                                                                      \
    X(GROWTH, "growth")                                                                            \
    X(BRANCH_TABLES, "br_tables-to-many")                                                          \
    X(HUGE_TABLE, "huge-br_table")                                                                 \
    X(MANY_LOCALS, "50,000-locals")                                                                \
    X(MANY_LOCALS_USED, "50,000-locals-used")                                                      \
    X(EMPTY_FUNCTIONS, "empty-functions")                                                          \
    X(TINY_FUNCTIONS, "tiny-functions")                                                            \
    X(MANY_TYPES, "many-types")                                                                    \
    X(MANY_IMPORTS, "many-imports")                                                                \
    X(MANY_EXPORTS, "many-exports")                                                                \
    X(MANY_GLOBALS, "many-globals")                                                                \
    X(MANY_DATAS, "many-data-segments")                                                            \
    X(MANY_ELEMENTS, "many-element-segments")
typedef enum hostile_shape {
#define X(name, text) HOSTILE_##name,
    HOSTILE_SHAPES(X)
#undef X
        HOSTILE_COUNT
} hostile_shape;
static const char *const hostile_names[] = {
#define X(name, text) text,
    HOSTILE_SHAPES(X)
#undef X
};

static inline void hostile_put(fvm_buf *buf, fvm_bytes bytes, size_t times)
{
    for (size_t i = 0; i < times; i++)
        if (fvm_buf_append(buf, bytes) != FVM_OK) abort();
}
static inline void hostile_uleb(fvm_buf *buf, uint64_t n)
{
    do {
        uint8_t byte = (uint8_t)((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
        n >>= 7;
        hostile_put(buf, (fvm_bytes){ &byte, 1 }, 1);
    } while (n);
}
/* Adds a section and empties its content. */
static inline void hostile_section(fvm_buf *out, uint8_t id, fvm_buf *content)
{
    hostile_put(out, (fvm_bytes){ &id, 1 }, 1);
    hostile_uleb(out, content->len);
    hostile_put(out, fvm_buf_bytes(content), 1);
    content->len = 0;
}

/* A unit `first`, as often as makes up `size` bytes with `second`, which follows as often. */
static inline void hostile_twice(fvm_buf *b, size_t size, fvm_bytes first, fvm_bytes second)
{
    size_t n = size / (first.len + second.len);
    hostile_put(b, first, n);
    hostile_put(b, second, n);
}
static inline void hostile_units(fvm_buf *b, size_t size, fvm_bytes unit)
{
    hostile_put(b, unit, size / unit.len);
}

/* 32 locals, of which sixteen are changed: (local.set i (i32.add (local.get i) (i32.const 1))). */
static inline void hostile_locals(fvm_buf *b)
{
    hostile_put(b, FVM_BYTES(1, 0x20, 0x7f), 1);
    for (uint8_t i = 0; i < 16; i++) hostile_put(b, FVM_BYTES(0x20, i, 0x41, 1, 0x6a, 0x21, i), 1);
}

static inline void hostile_branch_tables(fvm_buf *b, size_t size)
{
    for (uint8_t i = 0; i < 100; i++) {
        uint8_t to = (uint8_t)((i * 7 + 3) % 32);
        hostile_put(b, FVM_BYTES(3, 0x40, 0x20, i % 32, 0x21, to), 1);
    }
    for (size_t i = 0; i < size / 108; i++) {
        hostile_put(b, FVM_BYTES(2, 0x40, 0x20, 0, 0x0e, 100), 1);
        for (uint8_t t = 0; t <= 100; t++) hostile_put(b, FVM_BYTES(t), 1);
        hostile_put(b, FVM_BYTES(0x0b), 1);
    }
    hostile_put(b, FVM_BYTES(0x0b), 100);
}

/* Tables of as many entries as are allowed, to 100 labels in turn. */
static inline void hostile_huge_table(fvm_buf *b, size_t size)
{
    const uint32_t most = 131072;
    hostile_put(b, FVM_BYTES(2, 0x40), 100);
    for (size_t left = size; left > 16;) {
        size_t n = left < most ? left : most;
        hostile_put(b, FVM_BYTES(2, 0x40, 0x20, 0, 0x0e), 1);
        hostile_uleb(b, n);
        for (size_t t = 0; t <= n; t++) hostile_put(b, FVM_BYTES((uint8_t)(t % 100)), 1);
        hostile_put(b, FVM_BYTES(0x0b), 1);
        left -= n;
    }
    hostile_put(b, FVM_BYTES(0x0b), 100);
}

static inline void hostile_all_locals(fvm_buf *b, size_t size)
{
    hostile_put(b, FVM_BYTES(1, 0xd0, 0x86, 3, 0x7f), 1);
    for (size_t i = 0; i < size / 8; i++) {
        hostile_put(b, FVM_BYTES(0x20), 1);
        hostile_uleb(b, i * 7919 % 50000);
        hostile_put(b, FVM_BYTES(0x21), 1);
        hostile_uleb(b, i * 104729 % 50000);
    }
}

/* The body of the one big function. */
static inline void hostile_body(fvm_buf *b, hostile_shape shape, size_t size)
{
    if (shape != HOSTILE_MANY_LOCALS_USED) hostile_locals(b);
    switch (shape) {
    case HOSTILE_DEEP_BLOCKS: hostile_twice(b, size, FVM_BYTES(2, 0x40), FVM_BYTES(0x0b)); break;
    case HOSTILE_DEEP_LOOPS:
        hostile_twice(b, size, FVM_BYTES(3, 0x40, 0x20, 1, 0x0d, 0), FVM_BYTES(0x0b));
        break;
    case HOSTILE_DEEP_IFS:
        hostile_twice(b, size, FVM_BYTES(0x41, 0, 4, 0x40), FVM_BYTES(0x0b));
        break;
    case HOSTILE_ELSE_CHAINS:
        hostile_twice(b, size, FVM_BYTES(0x20, 5, 4, 0x40, 0x20, 5, 0x21, 6, 5), FVM_BYTES(0x0b));
        break;
    case HOSTILE_DEAD_BLOCKS:
        hostile_put(b, FVM_BYTES(0), 1);
        hostile_units(b, size, FVM_BYTES(2, 0x40, 0x0b));
        break;
    case HOSTILE_DEEP_CONSTANTS:
        hostile_units(b, size, FVM_BYTES(0x41, 0));
        hostile_put(b, FVM_BYTES(0), 1);
        break;
    case HOSTILE_DEEP_OPERANDS: hostile_twice(b, size, FVM_BYTES(0x20, 3), FVM_BYTES(0x1a)); break;
    case HOSTILE_SETS_UNDER_ALIASES:
        hostile_put(b, FVM_BYTES(0x20, 3), 40);
        hostile_units(b, size, FVM_BYTES(0x20, 3, 0x20, 4, 0x21, 3, 0x1a));
        hostile_put(b, FVM_BYTES(0x1a), 40);
        break;
    case HOSTILE_BRANCHES: hostile_units(b, size, FVM_BYTES(0x41, 0, 0x0d, 0)); break;
    case HOSTILE_MANY_EXITS:
        hostile_put(b, FVM_BYTES(2, 0x40), 1);
        hostile_units(b, size, FVM_BYTES(0x20, 1, 0x0d, 0, 0x20, 2, 0x21, 9));
        hostile_put(b, FVM_BYTES(0x0b), 1);
        break;
    case HOSTILE_FAR_EXITS: /* each block is left from behind it, with other locals in registers */
        hostile_put(b, FVM_BYTES(2, 0x40), 100);
        for (size_t i = 0; i < size / 10; i++) {
            uint8_t from = (uint8_t)(i * 5 % 32), to = (uint8_t)(i * 11 % 32);
            hostile_put(
                b, FVM_BYTES(0x20, from, 0x22, to, 0x0d, (uint8_t)(i % 100), 0x20, to, 0x21, from),
                1);
        }
        hostile_put(b, FVM_BYTES(0x0b), 100);
        break;
    case HOSTILE_CALLS: hostile_units(b, size, FVM_BYTES(0x10, 0)); break;
    case HOSTILE_CALLS_AND_BRANCHES:
        hostile_put(b, FVM_BYTES(3, 0x40), 1);
        hostile_units(b, size, FVM_BYTES(0x10, 0, 0x20, 0, 0x0d, 0));
        hostile_put(b, FVM_BYTES(0x0b), 1);
        break;
    case HOSTILE_DIVISIONS:
        hostile_units(b, size, FVM_BYTES(0x20, 1, 0x20, 2, 0x6d, 0x20, 3, 0x6f, 0x21, 1));
        break;
    case HOSTILE_GROWTH: hostile_units(b, size, FVM_BYTES(0x20, 0, 0x40, 0, 0x1a)); break;
    case HOSTILE_BRANCH_TABLES: hostile_branch_tables(b, size); break;
    case HOSTILE_HUGE_TABLE: hostile_huge_table(b, size); break;
    case HOSTILE_MANY_LOCALS_USED: hostile_all_locals(b, size); break;
    default: break;
    }
    hostile_put(b, FVM_BYTES(0x0b), 1);
}

/* The body that each of many functions has; an empty one for shapes that are not of functions. */
static inline void hostile_small_body(fvm_buf *b, hostile_shape shape)
{
    if (shape == HOSTILE_MANY_LOCALS)
        hostile_put(b, FVM_BYTES(1, 0xd0, 0x86, 3, 0x7f, 0x20, 0xcf, 0x86, 3, 0x1a), 1);
    else if (shape == HOSTILE_TINY_FUNCTIONS)
        hostile_put(b, FVM_BYTES(0, 0x41, 1, 0x1a, 0x10, 0), 1);
    else
        hostile_put(b, FVM_BYTES(0), 1);
    hostile_put(b, FVM_BYTES(0x0b), 1);
}

/* Entries of one section as often as make up `size` bytes; how many of the most allowed. */
static inline size_t hostile_entries(fvm_buf *b, hostile_shape shape, size_t size, fvm_bytes entry,
                                     size_t most)
{
    size_t n = size / entry.len < most ? size / entry.len : most;
    hostile_uleb(b, n);
    for (size_t i = 0; i < n; i++) {
        char name[16];
        int len = snprintf(name, sizeof name, "%08zu", i);
        if (shape == HOSTILE_MANY_EXPORTS) hostile_put(b, FVM_BYTES(8), 1);
        if (shape == HOSTILE_MANY_EXPORTS)
            hostile_put(b, (fvm_bytes){ (const uint8_t *)name, (size_t)len }, 1);
        hostile_put(b, entry, 1);
    }
    return n;
}

/** A module of about `size` bytes that loads under the rules of nv18 and later. */
static inline void hostile_build(fvm_buf *out, hostile_shape shape, size_t size)
{
    const size_t million = 1000000, segments = 100000;
    fvm_buf s, body, small;
    fvm_buf_init(out, NULL);
    fvm_buf_init(&s, NULL);
    fvm_buf_init(&body, NULL);
    fvm_buf_init(&small, NULL);
    hostile_put(out, FVM_BYTES(0, 'a', 's', 'm', 1, 0, 0, 0), 1);
    bool big = shape <= HOSTILE_HUGE_TABLE || shape == HOSTILE_MANY_LOCALS_USED;
    hostile_small_body(&small, shape);
    bool many = shape == HOSTILE_MANY_LOCALS || shape == HOSTILE_EMPTY_FUNCTIONS ||
                shape == HOSTILE_TINY_FUNCTIONS;
    size_t funcs = many ? size / (small.len + 2) : 1;
    if (big) hostile_body(&body, shape, size);
    if (shape == HOSTILE_MANY_TYPES)
        (void)hostile_entries(&s, shape, size, FVM_BYTES(0x60, 0, 0), million);
    else
        hostile_put(&s, FVM_BYTES(1, 0x60, 0, 0), 1);
    hostile_section(out, 1, &s);
    if (shape == HOSTILE_MANY_IMPORTS) {
        (void)hostile_entries(&s, shape, size, FVM_BYTES(1, 'a', 1, 'b', 0, 0), million);
        hostile_section(out, 2, &s);
    }
    hostile_uleb(&s, funcs + big);
    hostile_put(&s, FVM_BYTES(0), funcs + big);
    hostile_section(out, 3, &s);
    hostile_put(&s, FVM_BYTES(1, 0x70, 0, 1), 1);
    hostile_section(out, 4, &s);
    hostile_put(&s, FVM_BYTES(1, 0, 1), 1);
    hostile_section(out, 5, &s);
    if (shape == HOSTILE_MANY_GLOBALS) {
        (void)hostile_entries(&s, shape, size, FVM_BYTES(0x7f, 1, 0x41, 0, 0x0b), million);
        hostile_section(out, 6, &s);
    }
    if (shape == HOSTILE_MANY_EXPORTS) {
        (void)hostile_entries(&s, shape, size / 6, FVM_BYTES(0, 0), million);
        hostile_section(out, 7, &s);
    }
    if (shape == HOSTILE_MANY_ELEMENTS) {
        (void)hostile_entries(&s, shape, size, FVM_BYTES(1, 0, 1, 0), segments);
        hostile_section(out, 9, &s);
    }
    hostile_uleb(&s, funcs + big);
    for (size_t i = 0; i < funcs; i++) {
        hostile_uleb(&s, small.len);
        hostile_put(&s, fvm_buf_bytes(&small), 1);
    }
    if (big) {
        hostile_uleb(&s, body.len);
        hostile_put(&s, fvm_buf_bytes(&body), 1);
    }
    hostile_section(out, 10, &s);
    if (shape == HOSTILE_MANY_DATAS) {
        (void)hostile_entries(&s, shape, size, FVM_BYTES(1, 1, 7), segments);
        hostile_section(out, 11, &s);
    }
    fvm_buf_deinit(&s);
    fvm_buf_deinit(&body);
    fvm_buf_deinit(&small);
}
#endif
