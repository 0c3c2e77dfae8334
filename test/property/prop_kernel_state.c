/* The state view against a plain model: a stack of copied arrays. Random operations, with a host
 * that runs out of memory now and then: an operation that fails so has changed nothing and succeeds
 * when it is tried again. */
#include "test.h"

#include "kernel/state.h"
#include "state_helpers.h"

#define ACTORS 14
#define ADDRESSES 10
#define DEPTH_MAX 6
#define FIRST_ID 1000

typedef struct model {
    struct {
        bool present;
        uint64_t nonce, balance;
        fvm_access level;
    } actor[ACTORS];
    uint64_t address_id[ADDRESSES]; /* 0: not registered */
    uint64_t next_id;
} model;

typedef struct world {
    test_rng rng;
    test_alloc alloc;
    fvm_blockstore bs;
    fvm_state_view *view;
    model stack[DEPTH_MAX + 1];
    size_t depth;
    size_t failures;
} world;

/* dense, far apart, extreme; 12 and up collide in nothing but must be told apart */
static uint64_t id_of(size_t i)
{
    static const uint64_t ids[ACTORS] = { 100,
                                          101,
                                          102,
                                          103,
                                          104,
                                          127,
                                          128,
                                          16383,
                                          16384,
                                          1u << 20,
                                          1u << 21,
                                          UINT64_MAX,
                                          UINT64_MAX - 1,
                                          (uint64_t)1 << 63 };
    return ids[i];
}

static fvm_address address_of(size_t i)
{
    uint8_t data[2] = { 'a', (uint8_t)i };
    fvm_address a;
    if (i % 2) return fvm_address_actor((fvm_bytes){ data, 2 });
    CHECK_OK(fvm_address_delegated(&a, 10, (fvm_bytes){ data, 2 }));
    return a;
}

static model *top(world *w)
{
    return &w->stack[w->depth];
}

static fvm_actor actor_of(const world *w, size_t i)
{
    fvm_actor a = { .head = fvm_empty_array_cid(), .code = fvm_empty_array_cid() };
    a.nonce = w->stack[w->depth].actor[i].nonce;
    a.balance = fvm_big_u64(w->stack[w->depth].actor[i].balance);
    if (a.nonce % 2) a.delegated = fvm_address_id(a.nonce);
    return a;
}

static void check_actor(world *w, size_t i)
{
    const fvm_actor *got;
    fvm_actor want = actor_of(w, i);
    fvm_err err = fvm_state_get(w->view, &got, id_of(i));
    CHECK(err == (top(w)->actor[i].present ? FVM_OK : FVM_ERR_NOT_FOUND));
    if (err == FVM_OK) {
        CHECK(got->nonce == want.nonce && fvm_big_cmp(&got->balance, &want.balance) == 0);
        CHECK(fvm_address_eq(&got->delegated, &want.delegated) &&
              fvm_cid_eq(&got->head, &want.head));
    }
    CHECK(fvm_state_access_level(w->view, id_of(i)) == top(w)->actor[i].level);
}

static void check_address(world *w, size_t i)
{
    uint64_t id = 0, want = top(w)->address_id[i];
    fvm_address a = address_of(i);
    fvm_err err = fvm_state_lookup_id(w->view, &id, &a);
    CHECK(err == (want ? FVM_OK : FVM_ERR_NOT_FOUND));
    CHECK(!want || id == want);
}

static void check_all(world *w)
{
    if (!w->view) return; /* being opened again */
    for (size_t i = 0; i < ACTORS; i++) check_actor(w, i);
    for (size_t i = 0; i < ADDRESSES; i++) check_address(w, i);
}

/** Runs `call`; now and then an allocation fails in it, and then nothing has changed. */
#define TRY_AGAIN(w, err, call)                                                                    \
    do {                                                                                           \
        if (test_rng_below(&(w)->rng, 3) == 0)                                                     \
            (w)->alloc.fail_at = (w)->alloc.calls + 1 + test_rng_below(&(w)->rng, 8);              \
        while (((err) = (call)) == FVM_ERR_NOMEM) {                                                \
            (w)->failures++;                                                                       \
            CHECK((w)->alloc.fail_at && (w)->alloc.calls >= (w)->alloc.fail_at);                   \
            (w)->alloc.fail_at = 0;                                                                \
            if (test_rng_below(&(w)->rng, 2)) check_all(w);                                        \
        }                                                                                          \
        (w)->alloc.fail_at = 0;                                                                    \
    } while (0)

static void op_set(world *w, size_t i)
{
    fvm_err err;
    model was = *top(w);
    top(w)->actor[i].present = true;
    top(w)->actor[i].nonce = test_rng_below(&w->rng, 1000);
    top(w)->actor[i].balance = test_rng_below(&w->rng, 1000);
    fvm_actor a = actor_of(w, i);
    model now = *top(w);
    *top(w) = was; /* what must hold if it fails */
    TRY_AGAIN(w, err, fvm_state_set(w->view, id_of(i), &a));
    CHECK_OK(err);
    *top(w) = now;
}

static void op_delete(world *w, size_t i)
{
    fvm_err err;
    TRY_AGAIN(w, err, fvm_state_delete(w->view, id_of(i)));
    CHECK_OK(err);
    top(w)->actor[i].present = false;
}

static void op_credit(world *w, size_t i)
{
    fvm_err err;
    int64_t delta = (int64_t)test_rng_below(&w->rng, 1000) - 500;
    fvm_big big = fvm_big_u64((uint64_t)(delta < 0 ? -delta : delta));
    big.negative = delta < 0;
    int64_t want = (int64_t)top(w)->actor[i].balance + delta;
    TRY_AGAIN(w, err, fvm_state_credit(w->view, id_of(i), &big));
    if (!top(w)->actor[i].present) {
        CHECK(err == FVM_ERR_NOT_FOUND);
    } else if (want < 0) {
        CHECK(err == FVM_ERR_RANGE);
    } else {
        CHECK_OK(err);
        top(w)->actor[i].balance = (uint64_t)want;
    }
}

static void op_raise(world *w, size_t i)
{
    fvm_err err;
    fvm_access level = (fvm_access)test_rng_below(&w->rng, 3);
    TRY_AGAIN(w, err, fvm_state_access_raise(w->view, id_of(i), level));
    CHECK_OK(err);
    if (level > top(w)->actor[i].level) top(w)->actor[i].level = level;
}

static void op_register(world *w, size_t i)
{
    fvm_err err;
    uint64_t id = 0;
    fvm_address a = address_of(i);
    if (top(w)->address_id[i]) return;
    TRY_AGAIN(w, err, fvm_state_register_address(w->view, &id, &a));
    CHECK_OK(err);
    CHECK(id == top(w)->next_id);
    top(w)->address_id[i] = top(w)->next_id++;
}

static void op_begin(world *w)
{
    fvm_err err;
    if (w->depth == DEPTH_MAX) return;
    TRY_AGAIN(w, err, fvm_state_begin(w->view));
    CHECK_OK(err);
    w->stack[w->depth + 1] = w->stack[w->depth];
    w->depth++;
}

static void op_end(world *w)
{
    bool revert = test_rng_below(&w->rng, 2);
    if (w->depth == 0) return;
    fvm_state_end(w->view, revert);
    if (!revert) w->stack[w->depth - 1] = w->stack[w->depth];
    w->depth--;
}

static fvm_err count_one(void *ctx, uint64_t id, const fvm_actor *actor)
{
    size_t *count = ctx;
    (void)id;
    (void)actor;
    ++*count;
    return FVM_OK;
}

/** The root that actors put into a new tree in another order have. */
static fvm_cid root_of_model(world *w)
{
    fvm_state_view *view;
    const fvm_actor *init;
    fvm_cid root;
    size_t want = 1, count = 0;
    CHECK_OK(fvm_state_view_new(&view, &w->bs, fvm_network_find(21), NULL));
    for (size_t n = ACTORS; n-- > 0;) {
        fvm_actor a = actor_of(w, n);
        if (top(w)->actor[n].present) CHECK_OK(fvm_state_set(view, id_of(n), &a));
        want += top(w)->actor[n].present;
    }
    CHECK_OK(fvm_state_get(w->view, &init, FVM_ID_INIT));
    CHECK_OK(fvm_state_set(view, FVM_ID_INIT, init));
    CHECK_OK(fvm_state_flush(view, &root));
    CHECK_OK(fvm_state_each(view, count_one, &count));
    CHECK(count == want);
    fvm_state_view_free(view);
    return root;
}

static void op_flush(world *w)
{
    fvm_err err;
    fvm_cid root, want;
    if (w->depth) return;
    TRY_AGAIN(w, err, fvm_state_flush(w->view, &root));
    CHECK_OK(err);
    want = root_of_model(w);
    CHECK(fvm_cid_eq(&root, &want));
    if (test_rng_below(&w->rng, 2)) return;
    fvm_state_view_free(w->view); /* go on with what is stored */
    CHECK(w->alloc.blocks == 0);
    w->view = NULL;
    const fvm_network *net = fvm_network_find(21);
    TRY_AGAIN(w, err,
              w->view ? FVM_OK
                      : fvm_state_view_open(&w->view, &w->bs, &root, net, &w->alloc.allocator));
    CHECK_OK(err);
    for (size_t i = 0; i < ACTORS; i++) top(w)->actor[i].level = FVM_ACCESS_NONE;
}

static void op_reset(world *w)
{
    if (w->depth) return;
    fvm_state_access_reset(w->view);
    for (size_t i = 0; i < ACTORS; i++) top(w)->actor[i].level = FVM_ACCESS_NONE;
}

static void step(world *w)
{
    size_t i = test_rng_below(&w->rng, ACTORS);
    switch (test_rng_below(&w->rng, 14)) {
    case 0:
    case 1:
    case 2: op_set(w, i); break;
    case 3: op_delete(w, i); break;
    case 4:
    case 5: op_credit(w, i); break;
    case 6: op_raise(w, i); break;
    case 7: op_register(w, test_rng_below(&w->rng, ADDRESSES)); break;
    case 8:
    case 9: op_begin(w); break;
    case 10:
    case 11: op_end(w); break;
    case 12: test_rng_below(&w->rng, 4) ? op_reset(w) : op_flush(w); break;
    default: check_address(w, test_rng_below(&w->rng, ADDRESSES)); break;
    }
}

TEST(the_view_is_the_model_whatever_happens)
{
    size_t failures = 0;
    for (size_t round = 0; round < test_rounds(200); round++) {
        world w = { .rng = { round + 1 } };
        test_failing_allocator(&w.alloc, 0);
        CHECK_OK(fvm_blockstore_memory_new(&w.bs, NULL));
        CHECK_OK(fvm_state_view_new(&w.view, &w.bs, fvm_network_find(21), &w.alloc.allocator));
        set_init(w.view, &w.bs, FIRST_ID);
        top(&w)->next_id = FIRST_ID;
        for (int n = 0; n < 300; n++) {
            step(&w);
            if (n % 8 == 0)
                check_all(&w);
            else
                check_actor(&w, test_rng_below(&w.rng, ACTORS));
        }
        while (w.depth) op_end(&w);
        check_all(&w);
        op_flush(&w);
        check_all(&w);
        fvm_state_view_free(w.view);
        CHECK(w.alloc.blocks == 0);
        fvm_blockstore_free(&w.bs);
        failures += w.failures;
    }
    CHECK(failures > 100); /* else the test does not show what it says */
}
