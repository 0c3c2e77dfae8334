/* draw.c - see draw.h. */
#include "draw.h"

#include "crypto/crypto.h"
#include "ipld/cbor.h"
#include "kernel/state.h"

#define AUTHENTICATE 2643134072u
#define RECEIVE 3726118371u
#define EXPORTED 16777216u
#define ANYBODY                                                                                    \
    "alice bob carol dave eve wallet locked system init cron reward power eam burnt puppet "       \
    "stranger contract new new_account f0999"

/* --- values --- */

uint64_t draw_name(drawer *d, const char *names)
{
    char name[32];
    size_t count = 1, len = 0;
    for (const char *c = names; *c; c++) count += *c == ' ';
    for (size_t skip = draw_below(d, count); skip; names++) skip -= *names == ' ';
    while (names[len] && names[len] != ' ') len++;
    CHECK(len < sizeof name);
    memcpy(name, names, len);
    name[len] = 0;
    return twin_id(name);
}

static const char *one_of(drawer *d, const char *const *list, size_t count)
{
    return list[draw_below(d, count)];
}
#define ONE_OF(d, ...)                                                                             \
    one_of(d, (const char *const[]){ __VA_ARGS__ },                                                \
           FVM_COUNT(((const char *const[]){ __VA_ARGS__ })))

/* What $x stands for, as notation. */
static const char *expansion(drawer *d, char letter)
{
    switch (letter) {
    case 'a': /* an address of any kind */
        if (draw_chance(d, 3))
            return ONE_OF(d, "h'00e707'", "h'01df034b2156625ebac9d8f7c7af61eff43a451e9f'",
                          "h'02df034b2156625ebac9d8f7c7af61eff43a451e9f'",
                          "h'040adf034b2156625ebac9d8f7c7af61eff43a451e9f'", "h'040b01'", "h'0001'",
                          "h'01000000000000000000000000000000000000000a'", "h'ffff'", "h''");
        return ONE_OF(d, "@alice", "@bob.key", "@carol", "@dave", "@eve", "@eve.key", "@wallet",
                      "@burnt", "@reward", "@puppet", "@locked", "@new", "@stranger");
    case 's': /* who may sign */
        return ONE_OF(d, "@alice", "@alice.key", "@bob", "@bob.key", "@carol", "@carol.key",
                      "@dave", "@puppet");
    case 'k': /* a key's address, mostly */
        return ONE_OF(d, "@alice.key", "@carol.key", "@bob.key", "@eve.key", "@alice",
                      "h'01df034b2156625ebac9d8f7c7af61eff43a451e9f'");
    case 'v': /* an amount of any kind */
        return ONE_OF(d, "0FIL", "1atto", "1FIL", "3FIL", "90FIL", "5000FIL", "-1atto", "-7FIL",
                      "1000000000000000000000000000000000000000000000000000000FIL");
    case 'p': /* a likely one */ return ONE_OF(d, "0FIL", "0FIL", "1atto", "1FIL", "2FIL", "5FIL");
    case 'n': return ONE_OF(d, "0", "1", "1", "2", "2", "3");
    case 'u':
        return ONE_OF(d, "0", "1", "23", "24", "255", "65536", "4294967296", "9223372036854775807",
                      "18446744073709551615");
    case 'i':
        return ONE_OF(d, "0", "0", "1", "100", "-1", "9223372036854775807", "-9223372036854775808");
    case 'e': return ONE_OF(d, "0", "1", "-5", "50", "700", "2000");
    case 'b': return ONE_OF(d, "true", "false");
    case 'd': return ONE_OF(d, "h''", "h''", "h'00'", "h'80'", "h'820102'", "h'5f4100ff'");
    case 'm': return ONE_OF(d, "0", "0", "0", "2", "7", "16777216", "3844450837");
    case 'x': /* an exit code for the puppet to end with */
        return ONE_OF(d, "0", "3", "15", "16", "19", "23", "25", "26", "32", "4294967295");
    default: test_fail(__FILE__, __LINE__, "a letter of draw.c", &letter);
    }
}

void draw_notation(drawer *d, fvm_buf *out, const char *notation)
{
    char text[1024];
    size_t len = 0;
    for (const char *c = notation; *c; c++) {
        if (*c != '$') {
            text[len++] = *c;
        } else {
            const char *with = expansion(d, *++c);
            CHECK(len + strlen(with) < sizeof text);
            memcpy(text + len, with, strlen(with));
            len += strlen(with);
        }
        CHECK(len < sizeof text);
    }
    text[len] = 0;
    twin_value(out, text);
}

fvm_big draw_value(drawer *d)
{
    static const uint64_t amounts[] = { 1, 1000, UINT64_C(1000000000000000000),
                                        UINT64_C(5000000000000000000) };
    fvm_big v = fvm_big_zero();
    if (draw_below(d, 3)) return v;
    v = fvm_big_u64(amounts[draw_below(d, FVM_COUNT(amounts))]);
    if (draw_chance(d, 30)) CHECK_OK(fvm_big_mul_u64(&v, &v, UINT64_C(1000000000000)));
    return v;
}

/* --- bytes that no encoder writes --- */

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

void draw_mutate(fvm_buf *b, test_rng *rng)
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

/* --- sending --- */

static void put_address(fvm_buf *out, const fvm_address *a)
{
    CHECK_OK(fvm_cbor_put_bytes(out, (fvm_bytes){ a->bytes, a->len }));
}

/* The puppet calls instead: in another codec now and then, or read-only. */
static void by_puppet(drawer *d, drawn *m)
{
    static const uint64_t codecs[] = { 0x51, 0x51, 0x51, 0x51, 0x71, 0x55 };
    uint8_t wire[FVM_BIG_WIRE_MAX];
    fvm_buf told;
    fvm_buf_init(&told, NULL);
    uint64_t codec = m->params.len ? codecs[draw_below(d, FVM_COUNT(codecs))] : 0;
    CHECK_OK(fvm_cbor_put_array(&told, 7));
    CHECK_OK(fvm_cbor_put_uint(&told, 0));
    put_address(&told, &m->to);
    CHECK_OK(fvm_cbor_put_uint(&told, m->method));
    CHECK_OK(fvm_cbor_put_uint(&told, codec));
    CHECK_OK(fvm_cbor_put_bytes(&told, fvm_buf_bytes(&m->params)));
    CHECK_OK(fvm_cbor_put_bytes(&told, (fvm_bytes){ wire, fvm_big_write(wire, &m->value) }));
    CHECK_OK(fvm_cbor_put_uint(&told, draw_below(d, 2)));
    fvm_buf_deinit(&m->params);
    m->params = told;
    m->from = draw_name(d, "alice bob eve wallet");
    m->to = fvm_address_id(TWIN_PUPPET);
    m->method = EXPORTED + 1;
    if (draw_below(d, 2)) m->value = fvm_big_zero();
}

const fvm_receipt *draw_send(drawer *d, drawn *m, bool *plain)
{
    char why[2048];
    bool same = true;
    const fvm_receipt *r;
    if (draw_chance(d, 25)) m->params.len = 0, same = false;
    if (draw_chance(d, 10) && m->params.len) {
        for (size_t n = 1 + draw_below(d, 2); n; n--) draw_mutate(&m->params, &d->rng);
        same = false;
    }
    bool could = m->from >= TWIN_ALICE && m->from <= TWIN_EVE;
    if (draw_chance(d, 8) || (m->from == TWIN_PUPPET && draw_below(d, 2)))
        by_puppet(d, m), same = false;
    twin_describe(why, sizeof why, "", m->from, &m->to, m->method, fvm_buf_bytes(&m->params));
    fvm_bytes params = fvm_buf_bytes(&m->params);
    if ((could && same && draw_chance(d, 10)) || draw_chance(d, 60))
        r = twin_send_explicit(d->twin, m->from, &m->to, m->method, &m->value, params,
                               draw_chance(d, 8));
    else
        r = twin_send_each(d->twin, why, m->from, &m->to, m->method, &m->value,
                           (const fvm_bytes[]){ params, params });
    coverage_message(d->coverage, why, r->exit_code);
    fvm_buf_deinit(&m->params);
    if (plain) *plain = same;
    return r;
}

/* --- messages by a table --- */

/* `from` and `to` are lists of names; the message comes from one of them, or once in a while from anybody. */
typedef struct kind {
    const char *from, *to;
    uint64_t method;
    const char *params;
} kind;

static const kind kinds[] = {
    { "system", "new_system system", 1, NULL },
    { "system", "new_init init", 1, "[\"net\"]" },
    { "system", "new_cron cron", 1, "[[[$a, $m], [@puppet, 5], [@alice, $m]]]" },
    { "system", "cron new_cron", 2, NULL },
    { "system", "new_account alice carol", 1, "$k" },
    { "system", "new_account", 1, "@bob.key" },
    { "system", "new_account alice", 1, "$d" },
    { "system", "new_init new_cron", 1, NULL },
    { "bob carol puppet reward", "alice carol burnt new_account", 2, NULL },
    { ANYBODY, "alice carol burnt eve new_account", AUTHENTICATE, "[$d, $d]" },
    { "system", "new_reward reward", 1, "$v" },
    { "system", "new_reward reward", 1, "null" },
    { "system", "reward", 2, "[$a, $p, $p, $n]" },
    { "system", "reward new_reward", 2, "[@puppet, $v, $v, $n]" },
    { "system", "reward", 2, "[@puppet, 1FIL, 1FIL, $i]" },
    { "system", "reward", 2, "[h'01df034b2156625ebac9d8f7c7af61eff43a451e9f', 0FIL, 0FIL, 1]" },
    { ANYBODY, "reward new_reward", 3, NULL },
    { "power", "reward new_reward", 4, "$v" },
    { "power", "reward", 4, "$d" },
    { "power", "reward", 4, "null" },
    { "system", "new_ethaccount eve", 1, NULL },
    { ANYBODY, "eve", 2, NULL },
    { ANYBODY, "eve alice wallet new_placeholder", EXPORTED, "$d" },
    { ANYBODY, "new_placeholder", 1, "$d" },
    { "system", "eam new_eam", 1, NULL },
    { "init", "new_multisig wallet", 1, "[[$s, $s], $n, $i, $e]" },
    { "init", "new_multisig", 1, "[[@puppet, $s], 1, 0, 0]" },
    { "init", "new_multisig", 1, "[[$a, $a], 1, 0, 0]" },
    { "init", "new_multisig", 1, "[[], 1, 0, 0]" },
    { "init", "new_multisig", 1, "[[$s, h'02df034b2156625ebac9d8f7c7af61eff43a451e9f'], 1, 0, 0]" },
    { "init", "new_paych new", 1, "[$s, $s]" },
    { "init", "new_paych", 1, "[$a, $a]" },
    { "init", "new_paych", 1, "[@alice, h'00e707']" },
    { "init", "new_paych", 1, "[h'02df034b2156625ebac9d8f7c7af61eff43a451e9f', @alice]" },
    { "init", "new_paych", 1, NULL },
    { ANYBODY, "wallet", RECEIVE, "[2233613279, $d]" },
    { ANYBODY, "wallet new_multisig", RECEIVE, "[$u, $d]" },
    { "alice eam", "init", 3, "[h'', h'', h'0102']" },
    { ANYBODY, "alice eve wallet burnt f0999 new_placeholder reward", 0, NULL },
    /* the puppet ends as others do not */
    { "alice", "puppet", EXPORTED, "[1, $x, $d]" },
    { "alice", "puppet", EXPORTED, "[2]" },
    { "alice", "puppet", EXPORTED, "[3]" },
    { "alice", "puppet", EXPORTED, "[4, $u, $d]" },
};

/* Numbers that nobody has, on every actor. */
static void draw_unknown(drawer *d)
{
    static const uint64_t methods[] = { 10,           11,         100,       1000,
                                        1024,         5000,       16777215,  EXPORTED,
                                        EXPORTED + 7, 4294967295, UINT64_MAX };
    drawn m = { .from = draw_name(d, ANYBODY),
                .to = fvm_address_id(draw_name(d, "system init cron reward eam alice eve wallet "
                                                  "new new_placeholder burnt")),
                .method = methods[draw_below(d, FVM_COUNT(methods))],
                .value = draw_value(d) };
    fvm_buf_init(&m.params, NULL);
    if (draw_chance(d, 2)) draw_notation(d, &m.params, "$d");
    (void)draw_send(d, &m, NULL);
}

/* Low numbers from actors that are not built in, or contracts. */
static void draw_outsider(drawer *d)
{
    drawn m = { .from = draw_name(d, "stranger contract new_evm"),
                .to = fvm_address_id(draw_name(d, "system init cron reward alice eve wallet new")),
                .method = draw_chance(d, 2) ? 1 + draw_below(d, 10) : 1 + draw_below(d, 16777215),
                .value = draw_value(d) };
    fvm_buf_init(&m.params, NULL);
    if (draw_chance(d, 2)) draw_notation(d, &m.params, "$d");
    (void)draw_send(d, &m, NULL);
}

static void draw_kind(drawer *d)
{
    const kind *k = &kinds[draw_below(d, FVM_COUNT(kinds))];
    drawn m = { .from = draw_name(d, draw_chance(d, 5) ? ANYBODY : k->from),
                .to = fvm_address_id(draw_name(d, k->to)),
                .method = k->method,
                .value = draw_value(d) };
    fvm_buf_init(&m.params, NULL);
    if (k->params)
        draw_notation(d, &m.params, k->params);
    else if (draw_chance(d, 5))
        draw_notation(d, &m.params, "$d");
    (void)draw_send(d, &m, NULL);
}

/* Key addresses of BLS's null key, and other odd receivers. */
static void draw_receiver(drawer *d)
{
    uint8_t null_key[49] = { 3, 0xc0 };
    fvm_buf text;
    fvm_bytes in, bytes;
    drawn m = { .from = draw_name(d, "alice bob puppet wallet"), .value = draw_value(d) };
    fvm_buf_init(&m.params, NULL);
    fvm_buf_init(&text, NULL);
    if (draw_chance(d, 4)) {
        m.to.len = sizeof null_key;
        memcpy(m.to.bytes, null_key, sizeof null_key);
    } else {
        draw_notation(d, &text, "$a");
        in = fvm_buf_bytes(&text);
        CHECK_OK(fvm_cbor_bytes(&bytes, &in, NULL));
        if (fvm_address_read(&m.to, bytes, true) != FVM_OK) m.to = fvm_address_id(999);
    }
    fvm_buf_deinit(&text);
    (void)draw_send(d, &m, NULL);
}

/* --- signatures --- */

/* By alice, bob (secp256k1) or carol (BLS). */
static size_t sign(uint8_t out[96], uint64_t signer, fvm_bytes message)
{
    uint8_t key[32], hash[32];
    twin_secret(key, signer);
    if (signer == TWIN_CAROL) {
        CHECK(fvm_bls_sign(out, key, message));
        return 96;
    }
    fvm_blake2b_256(hash, message);
    CHECK(fvm_secp256k1_sign(out, hash, key));
    return 65;
}

static void draw_signature(drawer *d)
{
    static const uint8_t text[] = "signed";
    uint8_t signature[96];
    uint64_t signer = draw_name(d, "alice carol");
    size_t len = sign(signature, signer, (fvm_bytes){ text, sizeof text });
    drawn m = { .from = draw_name(d, ANYBODY),
                .to = fvm_address_id(draw_chance(d, 6) ? draw_name(d, "alice carol burnt eve")
                                                       : signer),
                .method = AUTHENTICATE,
                .value = draw_value(d) };
    fvm_buf_init(&m.params, NULL);
    CHECK_OK(fvm_cbor_put_array(&m.params, 2));
    CHECK_OK(fvm_cbor_put_bytes(&m.params, (fvm_bytes){ signature, len }));
    CHECK_OK(fvm_cbor_put_bytes(&m.params, (fvm_bytes){ text, sizeof text }));
    (void)draw_send(d, &m, NULL);
}

/* --- multisigs --- */

static const char *const wallet_senders = "alice alice bob carol dave puppet puppet";

static uint64_t any_wallet(drawer *d)
{
    return d->wallets[draw_below(d, d->wallet_count)];
}

/* blake2b-256 of [proposer, to, value, method, params], the last four of which are the parameters. */
static void proposal_hash(uint8_t out[32], uint64_t proposer, fvm_bytes params)
{
    fvm_address a = fvm_address_id(proposer);
    fvm_buf bytes;
    fvm_buf_init(&bytes, NULL);
    CHECK_OK(fvm_cbor_put_array(&bytes, 5));
    put_address(&bytes, &a);
    CHECK_OK(fvm_buf_append(&bytes, (fvm_bytes){ params.ptr + 1, params.len - 1 }));
    fvm_blake2b_256(out, fvm_buf_bytes(&bytes));
    fvm_buf_deinit(&bytes);
}

static void draw_proposal_message(drawer *d)
{
    uint64_t wallet = any_wallet(d);
    bool plain;
    uint8_t hash[32];
    drawn m = { .from = draw_name(d, draw_chance(d, 10) ? ANYBODY : wallet_senders),
                .to = fvm_address_id(wallet),
                .method = 2,
                .value = draw_value(d) };
    fvm_buf_init(&m.params, NULL);
    switch (draw_below(d, 4)) {
    case 0: draw_notation(d, &m.params, "[$a, $v, $m, $d]"); break;
    case 1: draw_notation(d, &m.params, "[@puppet, $p, 16777216, h'830118c840']"); break;
    case 2:
        draw_notation(d, &m.params,
                      ONE_OF(d, "[@puppet, $p, 16777216, h'8102']",
                             "[@puppet, $p, 16777216, h'8103']",
                             "[@puppet, $p, 16777216, h'83010340']",
                             "[@puppet, $p, 16777216, h'8304185541aa']"));
        break;
    default: draw_notation(d, &m.params, "[@dave, $p, 0, h'']"); break;
    }
    uint64_t from = m.from;
    proposal_hash(hash, from, fvm_buf_bytes(&m.params));
    const fvm_receipt *r = draw_send(d, &m, &plain);
    fvm_bytes ret = fvm_buf_bytes(&r->return_data);
    int64_t id;
    if (r->exit_code || !plain || fvm_cbor_tuple(4, &ret) != FVM_OK ||
        fvm_cbor_int(&id, &ret) != FVM_OK)
        return;
    draw_proposal *p = &d->proposals[d->proposal_count++ % DRAW_PENDING];
    *p = (draw_proposal){ .wallet = wallet, .id = id };
    memcpy(p->hash, hash, sizeof p->hash);
}

/* Approve or Cancel. */
static void draw_verdict(drawer *d)
{
    size_t count = d->proposal_count < DRAW_PENDING ? d->proposal_count : DRAW_PENDING;
    draw_proposal p = { .wallet = any_wallet(d), .id = (int64_t)draw_below(d, 3) - 1 };
    fvm_bytes hash = { p.hash, 0 };
    if (count && draw_below(d, 10)) p = d->proposals[draw_below(d, count)];
    if (draw_chance(d, 3)) hash.len = sizeof p.hash;
    if (hash.len && draw_chance(d, 4)) p.hash[draw_below(d, 32)] ^= 1;
    if (hash.len && draw_chance(d, 8)) hash.len = draw_below(d, 32);
    drawn m = { .from = draw_name(d, draw_chance(d, 10) ? ANYBODY : wallet_senders),
                .to = fvm_address_id(p.wallet),
                .method = draw_chance(d, 3) ? 4 : 3,
                .value = draw_value(d) };
    fvm_buf_init(&m.params, NULL);
    CHECK_OK(fvm_cbor_put_array(&m.params, 2));
    CHECK_OK(fvm_cbor_put_int(&m.params, p.id));
    CHECK_OK(fvm_cbor_put_bytes(&m.params, hash));
    (void)draw_send(d, &m, NULL);
}

/* What a wallet sends to itself: as it stands, or proposed. */
static void draw_change(drawer *d)
{
    static const struct {
        uint64_t method;
        const char *params;
    } changes[] = {
        { 5, "[$s, $b]" },
        { 5, "[$a, $b]" },
        { 5, "[h'00e707', $b]" },
        { 5, "[h'02df034b2156625ebac9d8f7c7af61eff43a451e9f', $b]" },
        { 6, "[$s, $b]" },
        { 6, "[$a, false]" },
        { 7, "[$s, $s]" },
        { 7, "[$a, $a]" },
        { 7, "[@alice, $a]" },
        { 8, "[$n]" },
        { 8, "[$u]" },
        { 9, "[$e, $i, $p]" },
        { 9, "[$e, 100, $v]" },
    };
    size_t k = draw_below(d, FVM_COUNT(changes));
    uint64_t wallet = any_wallet(d);
    drawn m = { .from = draw_chance(d, 6) ? draw_name(d, ANYBODY) : wallet,
                .to = fvm_address_id(wallet),
                .method = changes[k].method,
                .value = draw_value(d) };
    fvm_buf_init(&m.params, NULL);
    draw_notation(d, &m.params, changes[k].params);
    (void)draw_send(d, &m, NULL);
}

/* --- the init actor --- */

static const char *const types[] = { "multisig",     "multisig",    "multisig", "paymentchannel",
                                     "storageminer", "account",     "evm",      "storagepower",
                                     "reward",       "placeholder", "eam" };

/* Exec, or Exec4 with a third parameter. Codes differ, so the parameters do. */
static void draw_exec(drawer *d)
{
    static const char *const constructors[] = {
        "[[$s, $s], 1, 0, 0]",
        "[[@alice, @puppet], 1, $i, $e]",
        "[[$s, $s], $n, $i, $e]",
        "[$s, $s]",
        "[$a, $a]",
        "[]",
        "[[$a], 1, 0, 0]",
        "[[h'00e707'], 1, 0, 0]",
    };
    bool four = draw_chance(d, 3);
    const char *type = types[draw_below(d, FVM_COUNT(types))];
    fvm_address init = fvm_address_id(FVM_ID_INIT);
    uint64_t from = draw_name(d, draw_chance(d, 3) ? ANYBODY : "alice dave power puppet");
    if (four) {
        if (draw_below(d, 4)) from = 10, type = "evm";
        if (draw_chance(d, 3)) type = "multisig";
    }
    fvm_big value = draw_value(d);
    fvm_buf inner, params[2];
    uint8_t sub[60] = { 0 };
    size_t sub_len = draw_chance(d, 5) ? draw_below(d, 60) : 20;
    test_rng_fill(&d->rng, sub, draw_chance(d, 3) ? 1 : sizeof sub); /* or one that was there */
    fvm_buf_init(&inner, NULL);
    if (four && draw_below(d, 3)) /* [creator, initcode]: reverts, or makes an empty contract */
        draw_notation(d, &inner,
                      draw_chance(d, 3)
                          ? "[h'1111111111111111111111111111111111111111', h'5f5ffd']"
                          : "[h'1111111111111111111111111111111111111111', h'5f5ff3']");
    else
        draw_notation(d, &inner, constructors[draw_below(d, FVM_COUNT(constructors))]);
    if (draw_chance(d, 15)) inner.len = 0;
    for (int i = 0; i < 2; i++) {
        fvm_cid code = twin_code(d->twin, i, type);
        fvm_buf_init(&params[i], NULL);
        CHECK_OK(fvm_cbor_put_array(&params[i], four ? 3 : 2));
        CHECK_OK(fvm_cbor_put_cid(&params[i], &code));
        CHECK_OK(fvm_cbor_put_bytes(&params[i], fvm_buf_bytes(&inner)));
        if (four) CHECK_OK(fvm_cbor_put_bytes(&params[i], (fvm_bytes){ sub, sub_len }));
    }
    char why[600];
    twin_describe(why, sizeof why, type, from, &init, four ? 3 : 2, fvm_buf_bytes(&params[0]));
    const fvm_receipt *r = twin_send_each(
        d->twin, why, from, &init, four ? 3 : 2, &value,
        (const fvm_bytes[]){ fvm_buf_bytes(&params[0]), fvm_buf_bytes(&params[1]) });
    coverage_message(d->coverage, why, r->exit_code);
    if (r->exit_code == 0 && strcmp(type, "multisig") == 0 && d->wallet_count < DRAW_WALLETS) {
        fvm_bytes ret = fvm_buf_bytes(&r->return_data), bytes;
        fvm_address id;
        CHECK_OK(fvm_cbor_tuple(2, &ret));
        CHECK_OK(fvm_cbor_bytes(&bytes, &ret, NULL));
        CHECK_OK(fvm_address_read(&id, bytes, true));
        CHECK(fvm_address_to_id(&d->wallets[d->wallet_count++], &id));
    }
    fvm_buf_deinit(&inner);
    for (int i = 0; i < 2; i++) fvm_buf_deinit(&params[i]);
}

/* The init actor of v18 on read-only calls: Exec by the puppet, on code that is the same on both sides. */
static void draw_exec_read_only(drawer *d)
{
    fvm_cid code = twin_code(d->twin, 0, "storageminer");
    drawn m = { .from = TWIN_POWER, .to = fvm_address_id(FVM_ID_INIT), .method = 2 };
    fvm_buf inner;
    uint8_t wire[FVM_BIG_WIRE_MAX];
    fvm_buf_init(&inner, NULL);
    fvm_buf_init(&m.params, NULL);
    CHECK_OK(fvm_cbor_put_array(&inner, 2));
    CHECK_OK(fvm_cbor_put_cid(&inner, &code));
    CHECK_OK(fvm_cbor_put_bytes(&inner, (fvm_bytes){ 0 }));
    /* f04 is a puppet, too, and may make miners */
    CHECK_OK(fvm_cbor_put_array(&m.params, 7));
    CHECK_OK(fvm_cbor_put_uint(&m.params, 0));
    put_address(&m.params, &m.to);
    CHECK_OK(fvm_cbor_put_uint(&m.params, 2));
    CHECK_OK(fvm_cbor_put_uint(&m.params, FVM_CODEC_CBOR));
    CHECK_OK(fvm_cbor_put_bytes(&m.params, fvm_buf_bytes(&inner)));
    m.value = fvm_big_zero();
    CHECK_OK(fvm_cbor_put_bytes(&m.params, (fvm_bytes){ wire, fvm_big_write(wire, &m.value) }));
    CHECK_OK(fvm_cbor_put_uint(&m.params, draw_below(d, 2)));
    fvm_buf_deinit(&inner);
    m.from = TWIN_ALICE;
    m.to = fvm_address_id(TWIN_POWER);
    m.method = EXPORTED;
    (void)draw_send(d, &m, NULL);
}

/* --- payment channels --- */

typedef struct party {
    uint64_t from, to;
} party;
static const party parties[DRAW_CHANNELS] = { { TWIN_BOB, TWIN_ALICE },
                                              { TWIN_PUPPET, TWIN_ALICE },
                                              { TWIN_EVE, TWIN_ALICE } };

static void put_voucher(fvm_buf *out, fvm_bytes head, fvm_bytes signature)
{
    CHECK_OK(fvm_cbor_put_array(out, 11));
    CHECK_OK(fvm_buf_append(out, head));
    if (signature.len)
        CHECK_OK(fvm_cbor_put_bytes(out, signature));
    else
        CHECK_OK(fvm_cbor_put_null(out));
}

/* All fields of a voucher but the signature. */
static void draw_voucher_fields(drawer *d, fvm_buf *out, uint64_t channel)
{
    fvm_address address = fvm_address_id(draw_chance(d, 15) ? TWIN_WALLET : channel);
    put_address(out, &address);
    draw_notation(d, out, draw_chance(d, 10) ? "$i" : "0");
    draw_notation(d, out, draw_chance(d, 10) ? "$e" : "0");
    draw_notation(d, out, draw_chance(d, 10) ? "h'0102'" : "h''");
    draw_notation(d, out,
                  draw_below(d, 3)
                      ? "null"
                      : ONE_OF(d, "[@dave, 16777216, $d]", "[$a, $m, $d]",
                               "[@puppet, 16777216, h'8301181a40']", "[@puppet, 16777216, h'8102']",
                               "[@alice, 7, h'00']", "[h'00e707', 2, h'00']"));
    draw_notation(d, out, draw_chance(d, 20) ? "$u" : "$n");
    CHECK_OK(fvm_cbor_put_uint(out, draw_chance(d, 5) ? draw_below(d, 3) : ++d->voucher_nonce));
    draw_notation(d, out, draw_chance(d, 8) ? "$v" : "$p");
    draw_notation(d, out, draw_chance(d, 8) ? "$e" : "0");
    draw_notation(d, out,
                  draw_chance(d, 6) ? ONE_OF(d, "[[0, 9]]", "[[1, 100], [2, 100]]", "[[7, 9]]")
                                    : "[]");
}

static void draw_voucher(drawer *d)
{
    size_t c = draw_below(d, DRAW_CHANNELS);
    uint8_t signature[97] = { 1 };
    fvm_buf head, whole;
    drawn m = { .from = parties[c].from,
                .to = fvm_address_id(d->channels[c]),
                .method = 2,
                .value = draw_value(d) };
    uint64_t signer = parties[c].to;
    if (draw_chance(d, 3)) signer = m.from, m.from = parties[c].to;
    if (signer == TWIN_EVE || signer == TWIN_PUPPET) signer = TWIN_DAVE;
    if (draw_chance(d, 12)) m.from = draw_name(d, ANYBODY);
    fvm_buf_init(&head, NULL);
    fvm_buf_init(&whole, NULL);
    fvm_buf_init(&m.params, NULL);
    draw_voucher_fields(d, &head, d->channels[c]);
    put_voucher(&whole, fvm_buf_bytes(&head), (fvm_bytes){ 0 });
    size_t len = 1 + sign(signature + 1, signer, fvm_buf_bytes(&whole));
    if (draw_chance(d, 15)) signature[draw_below(d, len)] ^= 1;
    if (draw_chance(d, 15)) len = 0;
    CHECK_OK(fvm_cbor_put_array(&m.params, 2));
    put_voucher(&m.params, fvm_buf_bytes(&head), (fvm_bytes){ signature, len });
    draw_notation(d, &m.params, draw_chance(d, 10) ? "$d" : "h''");
    if (draw_chance(d, 2) && m.from == TWIN_PUPPET) m.value = fvm_big_zero();
    (void)draw_send(d, &m, NULL);
    fvm_buf_deinit(&head);
    fvm_buf_deinit(&whole);
}

static void draw_channel(drawer *d)
{
    size_t c = draw_below(d, DRAW_CHANNELS);
    drawn m = { .from = draw_chance(d, 2) ? parties[c].from : parties[c].to,
                .to = fvm_address_id(d->channels[c]),
                .method = draw_below(d, 3) ? 4 : 3,
                .value = draw_value(d) };
    if (draw_chance(d, 10)) m.from = draw_name(d, ANYBODY);
    fvm_buf_init(&m.params, NULL);
    if (draw_chance(d, 8)) draw_notation(d, &m.params, "$d");
    (void)draw_send(d, &m, NULL);
}

/* --- all together --- */

void draw_open(drawer *d, twin *t, coverage *c, uint64_t seed)
{
    static const char *const channels[DRAW_CHANNELS] = { "[@bob.key, @alice.key]",
                                                         "[@puppet, @alice]", "[@eve, @alice]" };
    *d = (drawer){ .rng = { seed }, .twin = t, .coverage = c };
    coverage_watch(c, t);
    for (size_t i = 0; i < DRAW_CHANNELS; i++) {
        const fvm_receipt *r = twin_exec(t, "a channel", "bob", "paymentchannel", "10FIL",
                                         channels[i]);
        coverage_message(c, "a channel", r->exit_code);
        d->channels[i] = TWIN_FIRST_CREATED + i;
    }
    const fvm_receipt *r = twin_exec(t, "a wallet", "bob", "multisig", "20FIL",
                                     "[[@alice, @puppet], 2, 0, 0]");
    coverage_message(c, "a wallet", r->exit_code);
    d->wallets[d->wallet_count++] = TWIN_FIRST_CREATED + DRAW_CHANNELS;
    d->wallets[d->wallet_count++] = TWIN_WALLET;
    d->wallets[d->wallet_count++] = TWIN_LOCKED;
    d->wallets[d->wallet_count++] = TWIN_NEW_MULTISIG;
}

void draw_message(drawer *d)
{
    if (draw_chance(d, 40)) /* a payment channel settles in 1440 */
        twin_epoch(d->twin,
                   d->twin->epoch + (int64_t)(draw_chance(d, 2) ? 1440 : draw_below(d, 9)));
    switch (draw_below(d, 24)) {
    case 0: draw_unknown(d); break;
    case 20: draw_outsider(d); break;
    case 1: draw_receiver(d); break;
    case 2: draw_signature(d); break;
    case 3:
    case 4:
    case 5: draw_proposal_message(d); break;
    case 6:
    case 7: draw_verdict(d); break;
    case 8: draw_change(d); break;
    case 9: draw_exec(d); break;
    case 10: draw_exec_read_only(d); break;
    case 11:
    case 12: draw_voucher(d); break;
    case 13:
    case 21: draw_channel(d); break;
    case 14:
    case 15:
    case 16:
    case 22: draw_kind(d); break;
    default: draw_evm(d); break;
    }
}
