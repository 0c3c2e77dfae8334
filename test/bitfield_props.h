/* bitfield_props.h - properties of RLE+ bitfields, for random tests and the fuzz target. */
#ifndef FVM_TEST_BITFIELD_PROPS_H
#define FVM_TEST_BITFIELD_PROPS_H

#include "ipld/bitfield.h"
#include "test.h"

/** Ranges rise and do not touch. */
static inline void bitfield_check(const fvm_bitfield *set)
{
    for (size_t i = 0; i < set->count; i++) {
        CHECK(set->ranges[i].first < set->ranges[i].end);
        if (i > 0) CHECK(set->ranges[i - 1].end < set->ranges[i].first);
    }
}

/** The encoding is unique: what is read is written to the same bytes. */
static inline void prop_bitfield_reads_back(fvm_bytes in)
{
    fvm_bitfield set;
    fvm_buf out;
    fvm_bitfield_init(&set, NULL);
    fvm_buf_init(&out, NULL);
    fvm_err err = fvm_bitfield_read(&set, in);
    if (err == FVM_OK) {
        bitfield_check(&set);
        CHECK_OK(fvm_bitfield_write(&out, &set));
        CHECK_BYTES(fvm_buf_bytes(&out), in);
    } else {
        CHECK(fvm_err_class_of(err) == FVM_CLASS_INPUT && set.count == 0);
    }
    fvm_buf_deinit(&out);
    fvm_bitfield_deinit(&set);
}

/** Two sets under operations from bytes agree with two tables of 256 bits. */
static inline void prop_bitfield_operations(fvm_bytes in)
{
    fvm_bitfield set[2];
    bool model[2][256] = { { false } };
    fvm_bitfield_init(&set[0], NULL);
    fvm_bitfield_init(&set[1], NULL);
    for (; in.len >= 3; in.ptr += 3, in.len -= 3) {
        unsigned which = in.ptr[0] & 1, op = in.ptr[0] / 2 % 5;
        size_t first = in.ptr[1], end = first + in.ptr[2] % 40u;
        if (end > 256) end = 256;
        fvm_bitfield *a = &set[which], *b = &set[1 - which];
        bool *x = model[which], *y = model[1 - which];
        if (op == 0) CHECK_OK(fvm_bitfield_add(a, first, end));
        if (op == 1) CHECK_OK(fvm_bitfield_remove(a, first, end));
        for (size_t i = first; op < 2 && i < end; i++) x[i] = op == 0;
        if (op == 2) CHECK_OK(fvm_bitfield_union(a, b));
        if (op == 3) CHECK_OK(fvm_bitfield_intersect(a, b));
        if (op == 4) CHECK_OK(fvm_bitfield_subtract(a, b));
        for (size_t i = 0; op >= 2 && i < 256; i++)
            x[i] = op == 2 ? x[i] || y[i] : op == 3 ? x[i] && y[i] : x[i] && !y[i];
        uint64_t count = 0;
        bitfield_check(a);
        for (size_t i = 0; i < 256; i++) {
            CHECK(fvm_bitfield_has(a, i) == x[i]);
            count += x[i];
        }
        CHECK(fvm_bitfield_count(a) == count);
    }
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_bitfield_write(&out, &set[0]));
    CHECK_OK(fvm_bitfield_read(&set[1], fvm_buf_bytes(&out)));
    CHECK(fvm_bitfield_eq(&set[0], &set[1]));
    fvm_buf_deinit(&out);
    fvm_bitfield_deinit(&set[0]);
    fvm_bitfield_deinit(&set[1]);
}
#endif
