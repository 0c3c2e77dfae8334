/* Random contracts on our EVM and on mainnet's v18: created by the EAM, called by accounts and by each
 * other. Programs are drawn with the stack in mind, so that most run to their end; some are noise. GAS is
 * left out, as gas differs, and so are instructions that ask the node. FVM_EVM_SHOW=1 prints them. */
#include "twin.h"

#include "ipld/cbor.h"

#include <stdlib.h>

#define INVOKE 3844450837u
#define CREATE_EXTERNAL 4
#define PROGRAM_MAX 1500

static const struct {
    uint8_t code, takes, leaves;
} table[] = {
#define OPCODE(code, name, takes, leaves) { code, takes, leaves },
#include "evm/opcodes.def"
#undef OPCODE
};

typedef struct program {
    uint8_t code[PROGRAM_MAX + 200];
    size_t len;
    unsigned depth; /* words on the stack */
} program;

static test_rng rng;
static uint8_t known[8][20]; /* addresses of contracts, newest at known_count - 1 */
static size_t known_count;

static uint64_t below(uint64_t n)
{
    return test_rng_below(&rng, n);
}

static void put(program *p, unsigned byte)
{
    p->code[p->len++] = (uint8_t)byte;
}

static void push_bytes(program *p, const uint8_t *bytes, size_t n)
{
    put(p, (unsigned)(0x5f + n));
    memcpy(p->code + p->len, bytes, n);
    p->len += n;
    p->depth++;
}

static void push(program *p, uint64_t v)
{
    uint8_t bytes[8];
    size_t n = 0;
    for (int i = 7; i >= 0; i--)
        if (n || v >> (8 * i)) bytes[n++] = (uint8_t)(v >> (8 * i));
    push_bytes(p, bytes, n);
}

static void push_any(program *p)
{
    uint8_t bytes[32];
    size_t n = 1 + below(32);
    test_rng_fill(&rng, bytes, sizeof bytes);
    switch (below(5)) {
    case 0: push(p, below(300)); return;
    case 1: push(p, test_rng_next(&rng) >> below(64)); return;
    case 2: memset(bytes, below(2) ? 0xff : 0, n - 1); break;
    case 3:
        memset(bytes, 0, n);
        bytes[0] = (uint8_t)(1u << below(8));
        break;
    default: break;
    }
    push_bytes(p, bytes, n);
}

/* An address worth calling or asking. */
static void push_address(program *p)
{
    uint8_t a[20] = { 0 };
    switch (below(8)) {
    case 0: a[19] = (uint8_t)(1 + below(9)); break; /* precompiles */
    case 1: a[0] = 0xfe, a[19] = (uint8_t)below(8); break;
    case 2: a[0] = 0xff, a[19] = (uint8_t)below(110); break; /* by ID */
    case 3: memset(a, 0xe5, 20); break;                      /* eve */
    case 4: test_rng_fill(&rng, a, 20); break;               /* nobody */
    case 5: put(p, 0x30), p->depth++; return;                /* itself */
    default:
        if (known_count) memcpy(a, known[below(known_count)], 20);
        break;
    }
    push_bytes(p, a, 20);
}

static void push_region(program *p) /* size, then offset on top */
{
    push(p, below(8) ? below(100) : below(3000));
    push(p, below(8) ? below(200) : below(5000));
}

/* Operands of a call: the last comes first. Contracts get more data with each level, see prologue. */
static void call(program *p)
{
    static const uint8_t kinds[] = { 0xf1, 0xf1, 0xf4, 0xfa };
    uint8_t kind = kinds[below(sizeof kinds)];
    push_region(p);
    if (below(3)) {
        push(p, 48); /* CALLDATASIZE + 48 bytes from somewhere */
        put(p, 0x36);
        put(p, 0x01);
        push(p, below(200));
    } else { /* more than prologues let pass */
        push(p, 100 + below(100));
        push(p, below(200));
    }
    if (kind == 0xf1) push(p, below(3) ? 0 : below(4) ? below(1000) : test_rng_next(&rng));
    push_address(p);
    push(p, UINT32_MAX); /* gas */
    put(p, kind);
    p->depth -= kind == 0xf1 ? 6 : 5;
}

/* A contract made of this code, or of memory. */
static void create(program *p)
{
    bool two = below(2);
    if (two) push(p, below(4));
    if (below(2)) {
        push(p, below(20)); /* CODECOPY to 0: too little to create again, without end */
        push(p, below(100));
        push(p, 0);
        put(p, 0x39);
        p->depth -= 3;
    }
    push(p, below(20));
    push(p, 0);
    push(p, below(3) ? 0 : below(2000));
    put(p, two ? 0xf5 : 0xf0);
    p->depth -= two ? 3 : 2;
}

static void step(program *p)
{
    size_t row = below(FVM_COUNT(table));
    uint8_t op = table[row].code;
    while (op >= 0xa0 && op <= 0xa4 && p->depth < table[row].takes) push_any(p); /* topics */
    switch (op) {
    case 0x00:
    case 0x40:
    case 0x44:
    case 0x56:
    case 0x5a:
    case 0xf3:
    case 0xfd:
    case 0xfe:
    case 0xff: return; /* ends, jumps, gas, what the node is asked */
    case 0x0a: /* EXP of a big power is slow */ push(p, below(100000)); break;
    case 0x31:
    case 0x3b:
    case 0x3f: push_address(p); break;
    case 0x3c:
        push_region(p);
        put(p, 0x90); /* size and offset change places: offset in code, then in memory */
        push(p, below(100));
        push_address(p);
        break;
    case 0x20:
    case 0xa0:
    case 0xa1:
    case 0xa2:
    case 0xa3:
    case 0xa4: push_region(p); break;
    case 0x37:
    case 0x39:
    case 0x5e:
        push_region(p);
        push(p, below(300));
        break;
    case 0x3e:
        push(p, below(2) ? 0 : below(40));
        push(p, below(3) ? 0 : below(40));
        push(p, below(200));
        break;
    case 0x51: push(p, below(400)); break;
    case 0x52:
    case 0x53:
        if (p->depth == 0) push_any(p);
        push(p, below(300));
        break;
    case 0x54:
    case 0x5c: push(p, below(2) ? below(5) : below(1u << 20) << below(30)); break;
    case 0x55:
    case 0x5d:
        if (p->depth == 0 || below(3) == 0) push(p, below(2));
        push(p, below(2) ? below(5) : below(1u << 20) << below(30));
        break;
    case 0x57: { /* JUMPI over a push */
        size_t to = p->len + 6 + 2;
        if (p->depth == 0) push_any(p), to = p->len + 6 + 2;
        put(p, 0x61);
        put(p, (unsigned)(to >> 8));
        put(p, (unsigned)to & 0xff);
        put(p, 0x57);
        p->depth--;
        put(p, 0x61); /* PUSH2 xx xx POP: may hold a JUMPDEST that is none */
        put(p, 0x5b);
        put(p, 0x5b);
        put(p, 0x50);
        put(p, 0x5b);
        return;
    }
    case 0xf0:
    case 0xf5: create(p); return;
    case 0xf1:
    case 0xf4:
    case 0xfa: call(p); return;
    default: break;
    }
    while (p->depth < table[row].takes) push_any(p);
    put(p, op);
    p->depth += table[row].leaves;
    p->depth -= table[row].takes;
}

static void draw(program *p)
{
    size_t want = 20 + below(below(4) ? 200 : 1000);
    *p = (program){ .len = 0 };
    if (below(12) == 0) { /* noise */
        test_rng_fill(&rng, p->code, want);
        for (size_t i = 0; i < want; i++)
            if (p->code[i] == 0x5a || p->code[i] == 0x44 || p->code[i] == 0x40) p->code[i] = 0x5b;
        p->len = want;
        return;
    }
    /* calls of calls end: PUSH1 n CALLDATASIZE LT PUSH1 8 JUMPI STOP JUMPDEST */
    static const uint8_t prologue[] = { 0x60, 100, 0x36, 0x10, 0x60, 9, 0x57, 0x00, 0xfe, 0x5b };
    memcpy(p->code, prologue, sizeof prologue);
    p->len = sizeof prologue;
    while (p->len < want) {
        if (below(4) == 0 || p->depth > 60) {
            unsigned n = 1 + (unsigned)below(16);
            if (p->depth > 17 && below(2))
                put(p, 0x8f + n);
            else if (p->depth > 60)
                put(p, 0x50), p->depth--;
            else if (p->depth >= n)
                put(p, 0x7f + n), p->depth++;
            continue;
        }
        if (below(5) == 0) push_any(p);
        step(p);
    }
    for (unsigned i = 0; p->depth && i < 6; i++) { /* results to memory */
        push(p, 32 * i);
        put(p, 0x52);
        p->depth -= 2;
    }
    switch (below(12)) {
    case 0: put(p, 0x00); return;
    case 1: push_address(p), put(p, 0xff); return;
    case 2: push(p, below(300)), push(p, 0), put(p, 0xfd); return;
    default: push(p, below(300)), push(p, 0), put(p, 0xf3); return;
    }
}

static void show(const char *what, const uint8_t *bytes, size_t len)
{
    if (!getenv("FVM_EVM_SHOW")) return;
    fprintf(stderr, "%s ", what);
    for (size_t i = 0; i < len; i++) fprintf(stderr, "%02x", bytes[i]);
    fputc('\n', stderr);
}

/* The address in the EAM's return: [ID, robust, address]. */
static void learn(const fvm_receipt *r)
{
    fvm_bytes in = fvm_buf_bytes(&r->return_data), address;
    uint64_t id;
    if (r->exit_code) return;
    CHECK_OK(fvm_cbor_tuple(3, &in));
    CHECK_OK(fvm_cbor_uint(&id, &in));
    if (!fvm_cbor_take_null(&in)) CHECK_OK(fvm_cbor_bytes(&address, &in, NULL));
    CHECK_OK(fvm_cbor_bytes(&address, &in, NULL));
    if (known_count == FVM_COUNT(known)) known_count = 0;
    memcpy(known[known_count++], address.ptr, 20);
}

static const fvm_receipt *send(twin *t, uint64_t from, const fvm_address *to, uint64_t method,
                               uint64_t value, fvm_bytes data)
{
    fvm_buf params;
    fvm_big v = fvm_big_u64(value);
    fvm_buf_init(&params, NULL);
    CHECK_OK(fvm_cbor_put_bytes(&params, data));
    const fvm_receipt *r = twin_send(t, from, to, method, &v, fvm_buf_bytes(&params));
    fvm_buf_deinit(&params);
    return r;
}

/* Creates a contract, by its code or by init code. */
static bool make(twin *t)
{
    program p, init = { .len = 0 };
    fvm_address eam = fvm_address_id(10);
    draw(&p);
    if (below(4)) { /* PUSH2 len DUP1 PUSH1 10 PUSH0 CODECOPY PUSH0 RETURN */
        const uint8_t head[] = {
            0x61, (uint8_t)(p.len >> 8), (uint8_t)p.len, 0x80, 0x60, 10, 0x5f, 0x39, 0x5f, 0xf3
        };
        memcpy(init.code, head, sizeof head);
        memcpy(init.code + sizeof head, p.code, p.len);
        init.len = sizeof head + p.len;
    } else {
        init = p;
    }
    show("create", init.code, init.len);
    const fvm_receipt *r = send(t, TWIN_EVE, &eam, CREATE_EXTERNAL, below(3) ? 0 : below(5000),
                                (fvm_bytes){ init.code, init.len });
    learn(r);
    return r->exit_code == 0;
}

static uint32_t use(twin *t)
{
    static const uint64_t senders[] = { TWIN_ALICE, TWIN_EVE, TWIN_CAROL };
    uint8_t data[200];
    fvm_address to;
    size_t which = below(3) ? known_count - 1 : below(known_count);
    test_rng_fill(&rng, data, sizeof data);
    CHECK_OK(fvm_address_delegated(&to, 10, (fvm_bytes){ known[which], 20 }));
    fvm_bytes in = { data, below(70) };
    uint64_t method = below(8) ? INVOKE : below(2) ? 1000 + below(100) : below(9);
    if (getenv("FVM_EVM_SHOW")) fprintf(stderr, "method %llu ", (unsigned long long)method);
    show("call", known[which], 20);
    show("with", in.ptr, in.len);
    return send(t, senders[below(3)], &to, method, below(2) ? 0 : below(10000), in)->exit_code;
}

TEST(random_contracts_do_the_same_on_both)
{
    const char *seed = getenv("FVM_EVM_SEED");
    size_t good = 0, all = 0;
    rng = (test_rng){ seed ? strtoull(seed, NULL, 10) : 18 };
    for (size_t round = test_rounds(12); round; round--) {
        twin t;
        twin_open(&t);
        known_count = 0;
        for (int i = 0; i < 14; i++) {
            if (!make(&t) && known_count == 0) continue;
            for (int calls = 0; calls < 3; calls++, all++) good += use(&t) == 0;
        }
        twin_close(&t);
    }
    printf("  %zu calls, %zu with exit code 0\n", all, good);
    CHECK(all == 0 || good * 4 > all);
}
