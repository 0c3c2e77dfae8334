/* draw_evm.c - contracts that end in each way there is, made by accounts and by each other, called, called through
 * each other, destroyed and made anew. What well-formed programs compute is prop_builtin_evm's affair. */
#include "draw.h"

#include "ipld/cbor.h"

#define INVOKE 3844450837u
#define EAM 10
#define CODE_MAX 400

/* Runtime code. ABI: returns the words that follow the code; FORWARDS: to the address that calldata begins with;
 * DIES: destroys itself; LOOP: without end. */
typedef enum shape { PLAIN, FORWARDS, ABI, DIES, LOOP } shape;
static const struct {
    const char *code;
    shape shape;
    bool fails; /* with 33 or 34 */
} kinds[] = {
    { "365f5f37365ff3", PLAIN, false }, /* returns what it is given */
    { "365f5f37365ffd", PLAIN, true },  /* reverts with that */
    { "365f5f37365ffd", PLAIN, true },
    { "fe", PLAIN, true }, /* invalid */
    { "fe", PLAIN, true },
    { "fe", PLAIN, true },
    { "0c", PLAIN, false },           /* undefined */
    { "01", PLAIN, false },           /* stack underflow */
    { "5b5f5f56", PLAIN, false },     /* overflow */
    { "63ffffffff51", PLAIN, false }, /* memory out of range */
    { "60015f5f3e", PLAIN, false },   /* return data out of range */
    { "60035600", PLAIN, false },     /* bad jump */
    { "33ff", DIES, false },          /* destroys itself: to the caller */
    { "30ff", DIES, false },          /* to itself */
    { "73ff0000000000000000000000000000000000ffffff", PLAIN, false }, /* to nobody's ID: */
    { "6120015fa0", PLAIN, false },                                   /* an event too large */
    { "36355f5fa1", PLAIN, false },                                   /* an event */
    { "6020355f3555", PLAIN, false },                                 /* stores */
    { "5f35545f5260205ff3", PLAIN, false },                           /* loads */
    { "6020355f355d5f355c5f5260205ff3", PLAIN, false },               /* transient storage */
    { "365f5f37365f34f05f5260205ff3", PLAIN, false },               /* CREATE of what it is given */
    { "6007365f5f37365f34f55f5260205ff3", PLAIN, false },           /* CREATE2 */
    { "5f353b5f525f353f6020525f5f5f5f353c60405ff3", PLAIN, false }, /* EXTCODE* of an address */
    { "5f35315f5247602052465f5b60205ff3", PLAIN, false },           /* balances */
    { "602036036020 5f37 5f5f60203603 5f 34 5f35 63ffffffff f1 3d5f5f3e 3d5ff3", FORWARDS, false },
    { "602036036020 5f37 5f5f60203603 5f 5f35 63ffffffff fa 3d5f5f3e 3d5ff3", FORWARDS, false },
    { "602036036020 5f37 5f5f60203603 5f 5f35 63ffffffff f4 3d5f5f3e 3d5ff3", FORWARDS, false },
    { "602036036020 5f37 5f5f60203603 5f 5f35 63ffffffff f4 3d5f5f3e 3d5ff3", FORWARDS, false },
    { "602036036020 5f37 5f5f60203603 5f 5f35 63ffffffff f4 3d5f5f3e 3d5ff3", FORWARDS, false },
    { "5b5f56", LOOP, false },
    { NULL, ABI, false },
    { NULL, ABI, false },
    { NULL, ABI, false },
};

static size_t put_hex(uint8_t *out, const char *hex)
{
    char plain[2 * CODE_MAX + 1];
    size_t n = 0;
    for (; *hex; hex++)
        if (*hex != ' ') plain[n++] = *hex;
    plain[n] = 0;
    fvm_bytes bytes = test_hex(out, CODE_MAX, plain);
    if (bytes.ptr != out) memmove(out, bytes.ptr, bytes.len);
    return bytes.len;
}

static void put_word(uint8_t *out, size_t *len, uint64_t v)
{
    memset(out + *len, 0, 32);
    for (size_t i = 0; i < 8; i++) out[*len + 31 - i] = (uint8_t)(v >> (8 * i));
    *len += 32;
}

/* PUSH1 len DUP1 PUSH1 10 PUSH0 CODECOPY PUSH0 RETURN, and what is returned: init code, or code that gives data. */
static size_t returning(uint8_t *out, fvm_bytes data)
{
    const uint8_t head[] = {
        0x61, (uint8_t)(data.len >> 8), (uint8_t)data.len, 0x80, 0x60, 10, 0x5f, 0x39, 0x5f, 0xf3
    };
    memcpy(out, head, sizeof head);
    if (data.len) memcpy(out + sizeof head, data.ptr, data.len);
    return sizeof head + data.len;
}

/* (uint32 exit code, uint64 codec, bytes data), right or not. */
static size_t answer(drawer *d, uint8_t *out)
{
    static const uint64_t codes[] = { 0,  0,  0,  1,  3,  7,          14,        15,
                                      16, 20, 21, 33, 50, 4294967295, 4294967296 };
    static const uint64_t codecs[] = { 0x51, 0x51, 0, 0x55, 0x71 };
    uint8_t words[4 * 32 + 40];
    size_t len = 0;
    put_word(words, &len, codes[draw_below(d, FVM_COUNT(codes))]);
    put_word(words, &len, codecs[draw_below(d, FVM_COUNT(codecs))]);
    put_word(words, &len, draw_chance(d, 6) ? draw_below(d, 5000) : 96);
    put_word(words, &len, draw_chance(d, 3) ? 0 : draw_below(d, 40));
    test_rng_fill(&d->rng, words + len, 40);
    len += 40;
    if (draw_chance(d, 6)) len = draw_below(d, len);
    return returning(out, (fvm_bytes){ words, len });
}

static size_t draw_runtime(drawer *d, uint8_t *out, size_t *kind)
{
    *kind = draw_below(d, FVM_COUNT(kinds));
    return kinds[*kind].code ? put_hex(out, kinds[*kind].code) : answer(d, out);
}

/* Init code: that makes a contract, or ends in a way of its own. */
static size_t draw_init(drawer *d, uint8_t *out, size_t *kind)
{
    static const char *const odd[] = {
        "60ef5f5360015ff3",
        "6160015ff3",
        "5f5ff3",
        "5f5ffd",
        "73ff0000000000000000000000000000000000ffffff",
    };
    uint8_t code[CODE_MAX];
    size_t len;
    if (draw_chance(d, 6)) {
        *kind = 0;
        return put_hex(out, odd[draw_below(d, FVM_COUNT(odd))]);
    }
    do {
        len = draw_runtime(d, code, kind);
        if (draw_below(d, 4)) return returning(out, (fvm_bytes){ code, len });
    } while (kinds[*kind].shape == LOOP);
    memcpy(out, code, len); /* runs as it is */
    return len;
}

/* --- who is there --- */

static size_t known(const drawer *d)
{
    return d->contract_count < DRAW_CONTRACTS ? d->contract_count : DRAW_CONTRACTS;
}

static const draw_contract *any_contract(drawer *d)
{
    return known(d) ? &d->contracts[draw_below(d, known(d))] : NULL;
}

static void learn(drawer *d, const fvm_receipt *r, size_t kind)
{
    fvm_bytes in = fvm_buf_bytes(&r->return_data), address;
    draw_contract *c = &d->contracts[d->contract_count % DRAW_CONTRACTS];
    uint64_t id;
    if (r->exit_code || fvm_cbor_tuple(3, &in) != FVM_OK || fvm_cbor_uint(&id, &in) != FVM_OK)
        return;
    if (!fvm_cbor_take_null(&in) && fvm_cbor_bytes(&address, &in, NULL) != FVM_OK) return;
    if (fvm_cbor_bytes(&address, &in, NULL) != FVM_OK || address.len != 20) return;
    *c = (draw_contract){ .id = id, .kind = kind };
    memcpy(c->address, address.ptr, 20);
    d->contract_count++;
}

/* An address in calldata: of a contract, or of somebody else. */
static void put_target(drawer *d, uint8_t out[32])
{
    const draw_contract *c = any_contract(d);
    memset(out, 0, 32);
    switch (draw_below(d, c ? 9 : 3)) {
    case 0: out[31] = (uint8_t)draw_below(d, 20); break;
    case 1: out[12] = 0xff, out[31] = (uint8_t)draw_below(d, 112); break;
    case 2: test_rng_fill(&d->rng, out + 12, 20); break;
    case 3: /* preferably one that fails */
        for (int i = 0; i < 4 && !kinds[c->kind].fails; i++) c = any_contract(d);
        memcpy(out + 12, c->address, 20);
        break;
    default: memcpy(out + 12, c->address, 20); break;
    }
}

/* --- messages --- */

/* A contract that its first call destroys, and that call. */
static void create_and_destroy(drawer *d)
{
    static const uint8_t dies[] = { 0x33, 0xff };
    uint8_t init[CODE_MAX];
    bool plain;
    drawn m = { .from = TWIN_EVE, .to = fvm_address_id(EAM), .method = 4 };
    fvm_buf_init(&m.params, NULL);
    size_t len = returning(init, (fvm_bytes){ dies, sizeof dies });
    CHECK_OK(fvm_cbor_put_bytes(&m.params, (fvm_bytes){ init, len }));
    m.value = draw_value(d);
    const fvm_receipt *r = draw_send(d, &m, &plain);
    if (!plain || r->exit_code) return;
    draw_contract *c = &d->contracts[d->contract_count % DRAW_CONTRACTS];
    learn(d, r, 0);
    c->destroyed = true;
    m = (drawn){ .from = TWIN_EVE, .to = fvm_address_id(c->id), .method = INVOKE };
    fvm_buf_init(&m.params, NULL);
    m.value = fvm_big_zero();
    (void)draw_send(d, &m, NULL);
}

static void create(drawer *d)
{
    uint8_t init[CODE_MAX + 20], salt[32] = { 0 };
    size_t kind, len = draw_init(d, init, &kind);
    const draw_contract *c = any_contract(d);
    bool plain;
    drawn m = { .from = draw_name(d, "alice eve carol"),
                .to = fvm_address_id(EAM),
                .method = 4,
                .value = draw_value(d) };
    if (draw_chance(d, 12)) m.from = draw_name(d, "wallet puppet system init contract dave burnt");
    fvm_buf_init(&m.params, NULL);
    if ((c || draw_chance(d, 10)) && draw_chance(d, 3)) {
        m.from = c && draw_below(d, 10) ? c->id : draw_name(d, "contract alice eve");
        m.method = 2 + draw_below(d, 2);
        CHECK_OK(fvm_cbor_put_array(&m.params, 2));
    }
    CHECK_OK(fvm_cbor_put_bytes(&m.params, (fvm_bytes){ init, len }));
    salt[0] = (uint8_t)draw_below(d, 3);
    if (m.method == 2) CHECK_OK(fvm_cbor_put_uint(&m.params, draw_below(d, 50)));
    if (m.method == 3) CHECK_OK(fvm_cbor_put_bytes(&m.params, (fvm_bytes){ salt, 32 }));
    if (m.method == 3 && m.params.len <= sizeof d->create2) {
        d->create2_from = m.from;
        d->create2_len = m.params.len;
        memcpy(d->create2, m.params.ptr, m.params.len);
    }
    const fvm_receipt *r = draw_send(d, &m, &plain);
    if (plain) learn(d, r, kind);
}

/* The same Create2 again: refused, or the contract that was destroyed is made anew. */
static void create_again(drawer *d)
{
    drawn m = {
        .from = d->create2_from, .to = fvm_address_id(EAM), .method = 3, .value = draw_value(d)
    };
    fvm_buf_init(&m.params, NULL);
    CHECK_OK(fvm_buf_append(&m.params, (fvm_bytes){ d->create2, d->create2_len }));
    if (draw_chance(d, 6)) draw_mutate(&m.params, &d->rng);
    (void)draw_send(d, &m, NULL);
}

/* Data for a contract of some shape. */
static void put_calldata(drawer *d, fvm_buf *out, shape of)
{
    uint8_t data[100];
    test_rng_fill(&d->rng, data, sizeof data);
    size_t len = draw_below(d, sizeof data);
    switch (of == FORWARDS ? 2 : draw_below(d, 5)) {
    case 0: len = 0; break;
    case 1: /* small words */
        memset(data, 0, sizeof data);
        data[31] = (uint8_t)draw_below(d, 4);
        data[63] = (uint8_t)draw_below(d, 3);
        len = 64;
        break;
    case 2:
    case 3: /* an address, and perhaps another one for whoever is there */
        put_target(d, data);
        put_target(d, data + 32);
        len = 32 + 32 * draw_below(d, 3);
        break;
    default: break;
    }
    CHECK_OK(fvm_cbor_put_bytes(out, (fvm_bytes){ data, len > 96 ? 96 : len }));
}

static void invoke(drawer *d)
{
    draw_contract *c = &d->contracts[draw_below(d, known(d))];
    drawn m = { .from = draw_name(d, "alice eve carol puppet bob"),
                .to = fvm_address_id(c->id),
                .method = INVOKE,
                .value = draw_value(d) };
    if (draw_chance(d, 2))
        CHECK_OK(fvm_address_delegated(&m.to, 10, (fvm_bytes){ c->address, 20 }));
    fvm_buf_init(&m.params, NULL);
    put_calldata(d, &m.params, kinds[c->kind].shape);
    if (kinds[c->kind].shape == DIES) c->destroyed = true;
    if (draw_chance(d, kinds[c->kind].shape == ABI ? 2 : 8))
        m.method = draw_chance(d, 2) ? 1024 + draw_below(d, 5000) : 16777216;
    if (draw_chance(d, 30)) m.method = 7 + draw_below(d, 1017);
    if (draw_chance(d, 10)) m.params.len = 0;
    if (kinds[c->kind].shape == LOOP) d->twin->gas_limit = 200000000;
    (void)draw_send(d, &m, NULL);
    d->twin->gas_limit = UINT64_C(10000000000);
}

/* The methods that have numbers, from who may and who may not. */
static const draw_contract *destroyed_contract(const drawer *d)
{
    for (size_t i = 0; i < known(d); i++)
        if (d->contracts[i].destroyed) return &d->contracts[i];
    return NULL;
}

/* InvokeContractDelegate by the puppet, who can send links: not for it to call. */
static void delegate(drawer *d, const draw_contract *c)
{
    fvm_cid code = fvm_cid_of(FVM_CODEC_RAW, FVM_STR("code"));
    uint8_t caller[20] = { 1 };
    fvm_buf inner;
    drawn m = { .from = TWIN_ALICE, .to = fvm_address_id(TWIN_PUPPET), .method = 16777216 };
    fvm_buf_init(&inner, NULL);
    fvm_buf_init(&m.params, NULL);
    CHECK_OK(fvm_cbor_put_array(&inner, 4));
    CHECK_OK(fvm_cbor_put_cid(&inner, &code));
    CHECK_OK(fvm_cbor_put_bytes(&inner, (fvm_bytes){ 0 }));
    CHECK_OK(fvm_cbor_put_bytes(&inner, (fvm_bytes){ caller, 19 + draw_below(d, 2) }));
    CHECK_OK(fvm_cbor_put_bytes(&inner, (fvm_bytes){ 0 }));
    fvm_address to = fvm_address_id(c->id);
    CHECK_OK(fvm_cbor_put_array(&m.params, 7));
    CHECK_OK(fvm_cbor_put_uint(&m.params, 0));
    CHECK_OK(fvm_cbor_put_bytes(&m.params, (fvm_bytes){ to.bytes, to.len }));
    CHECK_OK(fvm_cbor_put_uint(&m.params, 6));
    CHECK_OK(fvm_cbor_put_uint(&m.params, FVM_CODEC_DAG_CBOR));
    CHECK_OK(fvm_cbor_put_bytes(&m.params, fvm_buf_bytes(&inner)));
    CHECK_OK(fvm_cbor_put_bytes(&m.params, (fvm_bytes){ 0 }));
    CHECK_OK(fvm_cbor_put_uint(&m.params, 0));
    m.value = fvm_big_zero();
    fvm_buf_deinit(&inner);
    (void)draw_send(d, &m, NULL);
}

static void low(drawer *d)
{
    static const char *const init[] = {
        "[h'1111111111111111111111111111111111111111', h'5f5ff3']",
        "[h'1111111111111111111111111111111111111111', h'5f5ffd']"
    };
    const draw_contract *c = any_contract(d);
    uint8_t code[CODE_MAX + 20];
    size_t kind;
    drawn m = { .from = draw_name(d, "system init eam puppet alice"),
                .to = fvm_address_id(c ? c->id : draw_name(d, "contract new_evm new_evm4")),
                .method = 1 + draw_below(d, 6),
                .value = draw_value(d) };
    if (draw_chance(d, 8)) m.to = fvm_address_id(draw_name(d, "contract new_evm new_evm4"));
    fvm_buf_init(&m.params, NULL);
    switch (m.method) {
    case 1:
    case 2:
        if (draw_below(d, 4)) m.from = m.method == 1 ? 1 : EAM;
        if (m.method == 1 && draw_below(d, 3)) m.to = fvm_address_id(TWIN_NEW_EVM4);
        if (m.method == 2 && destroyed_contract(d) && draw_below(d, 4))
            m.to = fvm_address_id(destroyed_contract(d)->id);
        if (draw_chance(d, 2)) {
            draw_notation(d, &m.params, init[draw_below(d, 2)]);
            break;
        }
        memset(code, 0x22, 20);
        CHECK_OK(fvm_cbor_put_array(&m.params, 2));
        CHECK_OK(fvm_cbor_put_bytes(&m.params, (fvm_bytes){ code, 20 }));
        CHECK_OK(fvm_cbor_put_bytes(&m.params, (fvm_bytes){ code, draw_init(d, code, &kind) }));
        break;
    case 5:
        if (draw_below(d, 3)) m.from = 0;
        draw_notation(d, &m.params, draw_chance(d, 2) ? "[h'']" : "[h'0001']");
        break;
    case 6:
        m.from = c && draw_chance(d, 2) ? c->id : TWIN_PUPPET;
        draw_notation(d, &m.params,
                      "[h'', h'', h'1111111111111111111111111111111111111111', 1FIL]");
        break;
    default:
        if (draw_chance(d, 4)) draw_notation(d, &m.params, "$d");
        break;
    }
    (void)draw_send(d, &m, NULL);
}

void draw_evm(drawer *d)
{
    if (known(d) < 3 || draw_chance(d, 3))
        create(d);
    else if (draw_chance(d, 25))
        create_and_destroy(d);
    else if (d->create2_from && draw_chance(d, 12))
        create_again(d);
    else if (draw_chance(d, 20))
        delegate(d, any_contract(d));
    else if (draw_chance(d, 3))
        low(d);
    else
        invoke(d);
}
