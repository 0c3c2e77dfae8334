/* Parameters that no encoder writes: valid ones with bytes changed, cut out, put in, or written another
 * way, to every method, on both bundles. What comes out, and every actor's state, must be the same. */
#include "twin.h"

static const struct {
    const char *from, *to;
    uint64_t method;
    const char *params;
} seeds[] = {
    { "alice", "wallet", 2, "[@dave, 5FIL, 0, h'']" },
    { "alice", "wallet", 2, "[@bob.key, 300atto, 16777216, h'8301']" },
    { "bob", "wallet", 3, "[0, h'']" },
    { "bob", "wallet", 3, "[1, h'']" },
    { "alice", "wallet", 4, "[2, h'00']" },
    { "wallet", "wallet", 5, "[@dave, true]" },
    { "wallet", "wallet", 6, "[@dave.key, true]" },
    { "wallet", "wallet", 7, "[@alice, @dave]" },
    { "wallet", "wallet", 7, "[@dave, @alice]" },
    { "wallet", "wallet", 8, "[2]" },
    { "wallet", "wallet", 9, "[1, 1000, 1FIL]" },
    { "bob", "wallet", 3726118371, "[2233613279, h'0102']" },
    { "alice", "locked", 2, "[@dave, 5FIL, 0, h'']" },
    { "init", "locked", 1, "[[@alice, @bob.key], 2, 300, -5]" },
    { "system", "alice", 1, "@bob.key" },
    { "bob", "alice", 2643134072, "[h'0102', h'03']" },
    { "system", "init", 1, "[\"net\xc3\xa9\"]" },
    { "eam", "init", 3, "[h'', h'', h'0102']" },
    { "system", "cron", 1, "[[[@bob, 5], [@alice, 9]]]" },
    { "bob", "eam", 2, "[h'', 300]" },
    { "bob", "eam", 3,
      "[h'', h'0000000000000000000000000000000000000000000000000000000000000000']" },
    { "wallet", "eam", 4, "h'6000'" },
    { "system", "reward", 1, "5FIL" },
    { "system", "reward", 2, "[@dave, 1FIL, 2FIL, 1]" },
    { "power", "reward", 4, "5FIL" },
    { "alice", "new", 2,
      "[[@wallet, -1, 300, h'01', [@dave, 3, h''], 1, 1, 1FIL, 5, [[0, 1], [2, 300]], h'0101'], "
      "h'']" },
    { "alice", "new", 2, "[[@wallet, 0, 0, h'', null, 0, 0, 0FIL, 0, [], null], h'']" },
    { "init", "new", 1, "[@alice, @bob.key]" },
    { "bob", "new", 3, "[]" },
};

static void insert(fvm_buf *b, size_t at, fvm_bytes what)
{
    CHECK_OK(fvm_buf_append(b, what));
    memmove(b->ptr + at + what.len, b->ptr + at, b->len - what.len - at);
    memcpy(b->ptr + at, what.ptr, what.len);
}

static void cut(fvm_buf *b, size_t at, size_t n)
{
    if (n > b->len - at) n = b->len - at;
    memmove(b->ptr + at, b->ptr + at + n, b->len - at - n);
    b->len -= n;
}

/* A head with a longer argument than it needs; its major stays. */
static void lengthen(fvm_buf *b, size_t at, test_rng *rng)
{
    uint8_t low = b->ptr[at] & 31, more = (uint8_t)test_rng_below(rng, 4);
    uint8_t argument[8] = { 0 };
    if (low > 23) return;
    argument[(1u << more) - 1] = low;
    b->ptr[at] = (uint8_t)((b->ptr[at] & 0xe0) | (24 + more));
    insert(b, at + 1, (fvm_bytes){ argument, (size_t)1 << more });
}

/* A byte string in two segments of an indefinite one. */
static void split(fvm_buf *b, size_t at, test_rng *rng)
{
    uint8_t major = b->ptr[at] & 0xe0, len = b->ptr[at] & 31;
    if (len > 23 || len > b->len - at - 1) return;
    uint8_t first = (uint8_t)test_rng_below(rng, len + 1u), end = 0xff;
    uint8_t open[] = { (uint8_t)(major | 31), (uint8_t)(major | first) };
    uint8_t second = (uint8_t)(major | (len - first));
    cut(b, at, 1);
    insert(b, at, (fvm_bytes){ open, sizeof open });
    insert(b, at + 2 + first, (fvm_bytes){ &second, 1 });
    insert(b, at + 3 + len, (fvm_bytes){ &end, 1 });
}

static void mutate(fvm_buf *b, test_rng *rng)
{
    static const uint8_t odd[] = { 0x00, 0x17, 0x18, 0x1b, 0x1f, 0x20, 0x38, 0x3b, 0x40, 0x58,
                                   0x5f, 0x60, 0x7f, 0x80, 0x98, 0x9f, 0xa0, 0xbf, 0xd8, 0xf4,
                                   0xf5, 0xf6, 0xf7, 0xf9, 0xfb, 0xff, 0x64, 0x01 };
    if (b->len == 0) return;
    size_t at = test_rng_below(rng, b->len);
    uint8_t byte = odd[test_rng_below(rng, sizeof odd)];
    switch (test_rng_below(rng, 8)) {
    case 0: b->ptr[at] ^= (uint8_t)(1u << test_rng_below(rng, 8)); break;
    case 1: b->ptr[at] = byte; break;
    case 2: b->ptr[at] = (uint8_t)((b->ptr[at] & 31) | test_rng_below(rng, 8) << 5); break;
    case 3: insert(b, at, (fvm_bytes){ &byte, 1 }); break;
    case 4: cut(b, at, 1 + test_rng_below(rng, 3)); break;
    case 5: split(b, at, rng); break;
    default: lengthen(b, at, rng); break;
    }
}

TEST(odd_parameters_come_to_the_same_end_on_both_bundles)
{
    test_rng rng = { 2026 };
    fvm_big none = fvm_big_zero();
    size_t codes[40] = { 0 };
    twin t;
    twin_open(&t);
    CHECK(
        twin_exec(&t, "a channel", "bob", "paymentchannel", "10FIL", "[@bob, @alice]")->exit_code ==
        0);
    for (size_t i = 0; i < test_rounds(600); i++) {
        size_t s = i % FVM_COUNT(seeds);
        fvm_address to = fvm_address_id(twin_id(seeds[s].to));
        fvm_buf params;
        fvm_buf_init(&params, NULL);
        twin_value(&params, seeds[s].params);
        for (size_t n = test_rng_below(&rng, 3); n > 0; n--) mutate(&params, &rng);
        uint32_t code = twin_send(&t, twin_id(seeds[s].from), &to, seeds[s].method, &none,
                                  fvm_buf_bytes(&params))
                            ->exit_code;
        if (code < FVM_COUNT(codes)) codes[code]++;
        fvm_buf_deinit(&params);
    }
    for (size_t i = 0; i < FVM_COUNT(codes); i++)
        if (codes[i]) printf("exit code %zu: %zu\n", i, codes[i]);
    CHECK(codes[0] > 0 && codes[16] > 0 && codes[18] > 0 && codes[21] > 0);
    twin_close(&t);
}
