/* test_precompiles_v18.c - the precompiles beside those of mainnet's bundle v18, in the machine: the
 * same input gives the same success and output, alone and in our EVM actor, and what the calls cost is
 * printed as ratios. Skipped where that bundle is not in the user's cache. */
#include "precompile_inputs.h"
#include "precompile_world.h"

#define BUNDLE "mainnet-v18"

typedef struct pre_pair {
    fvm_buf theirs_wasm, ours_wasm, evm_wasm;
    pre_world theirs, ours, evm; /* ours: the precompiles alone; evm: our EVM actor */
} pre_pair;

static fvm_err beacon(void *ctx, uint8_t out[32], int64_t epoch)
{
    (void)ctx;
    for (unsigned i = 0; i < 32; i++) out[i] = (uint8_t)((uint64_t)epoch * 7 + i);
    return epoch % 3 == 0 ? FVM_ERR_NOT_FOUND : FVM_OK;
}

static const fvm_externs externs = { .beacon_randomness = beacon };

static bool pair_init(pre_pair *p)
{
    fvm_buf_init(&p->theirs_wasm, NULL);
    fvm_buf_init(&p->ours_wasm, NULL);
    fvm_buf_init(&p->evm_wasm, NULL);
    if (!pre_bundle_evm(&p->theirs_wasm, BUNDLE)) {
        printf("  skipped: bundle " BUNDLE " is not in the cache (fvm bundle import)\n");
        return false;
    }
    actor_read_file(&p->ours_wasm, ACTORS_DIR "/precompiles.wasm");
    actor_read_file(&p->evm_wasm, ACTORS_DIR "/evm.wasm");
    pre_world_init(&p->theirs, fvm_buf_bytes(&p->theirs_wasm), true, &externs);
    pre_world_init(&p->ours, fvm_buf_bytes(&p->ours_wasm), false, &externs);
    pre_world_init(&p->evm, fvm_buf_bytes(&p->evm_wasm), true, &externs);
    return true;
}

static void pair_deinit(pre_pair *p)
{
    pre_world_deinit(&p->theirs);
    pre_world_deinit(&p->ours);
    pre_world_deinit(&p->evm);
    fvm_buf_deinit(&p->theirs_wasm);
    fvm_buf_deinit(&p->ours_wasm);
    fvm_buf_deinit(&p->evm_wasm);
}

/* Fails the test unless both calls ended alike. */
static void check_same(const char *who, unsigned number, unsigned kind, fvm_bytes in,
                       const pre_result *theirs, const pre_result *ours)
{
    char what[160];
    bool same = theirs->exit_code == ours->exit_code && theirs->ok == ours->ok &&
                theirs->out.len == ours->out.len &&
                (ours->out.len == 0 || memcmp(theirs->out.ptr, ours->out.ptr, ours->out.len) == 0);
    if (same) return;
    (void)snprintf(what, sizeof what, "%s, %x kind %u, %zu bytes: exit %u/%u ok %d/%d", who, number,
                   kind, in.len, theirs->exit_code, ours->exit_code, theirs->ok, ours->ok);
    printf("  differs: %s\n  input ", what);
    for (size_t i = 0; i < in.len && i < 1200; i++) printf("%02x", in.ptr[i]);
    printf("\n  theirs ");
    for (size_t i = 0; i < theirs->out.len && i < 256; i++) printf("%02x", theirs->out.ptr[i]);
    printf("\n  ours   ");
    for (size_t i = 0; i < ours->out.len && i < 256; i++) printf("%02x", ours->out.ptr[i]);
    printf("\n");
    CHECK_AT(what, same);
}

/* Runs one input on all; gives the outcome of the precompile alone, and v18's gas. */
static pre_result compare(pre_pair *p, unsigned kind, unsigned number, uint8_t value, fvm_bytes in,
                          int64_t *theirs_gas)
{
    uint8_t address[20] = { 0 };
    if (number >> 8 == 0xfe) address[0] = 0xfe;
    if (number == 0x100) address[18] = 1;
    address[19] = (uint8_t)number;
    pre_result theirs = pre_call(&p->theirs, kind, address, value, in);
    pre_result ours = pre_call(&p->ours, kind, address, value, in);
    pre_result evm = pre_call(&p->evm, kind, address, value, in);
    check_same("alone", number, kind, in, &theirs, &ours);
    check_same("in the EVM", number, kind, in, &theirs, &evm);
    if (theirs_gas) *theirs_gas = theirs.gas;
    return ours;
}

TEST(same_outcome_as_v18_for_generated_inputs)
{
    pre_pair p;
    test_rng rng = { 18 };
    uint32_t tried[PRE_FAMILIES] = { 0 }, worked[PRE_FAMILIES] = { 0 };
    size_t rounds = test_rounds(6);
    if (!pair_init(&p)) return;
    for (size_t round = 0; round < rounds; round++)
        for (unsigned f = 0; f < PRE_FAMILIES; f++)
            for (unsigned i = 0; i < pre_families[f].weight; i++) {
                uint8_t room[PRE_INPUT_MAX];
                unsigned kind = pre_families[f].delegate ? PRE_DELEGATECALL : PRE_STATICCALL;
                if (test_rng_below(&rng, 8) == 0) kind = (unsigned)test_rng_below(&rng, PRE_KINDS);
                fvm_bytes in = { room, pre_families[f].make(room, &rng) };
                pre_result r = compare(&p, kind, pre_families[f].number, 0, in, NULL);
                tried[f]++;
                worked[f] += r.ok && r.out.len;
            }
    for (unsigned f = 0; f < PRE_FAMILIES; f++)
        printf("  %-22s %4u inputs alike, %4u with output\n", pre_families[f].name, tried[f],
               worked[f]);
    pair_deinit(&p);
}

TEST(same_outcome_as_v18_where_value_is_sent)
{
    static const unsigned numbers[] = { 0x01, 0x02,  0x04,   0x06,   0x08,   0x0a,
                                        0x12, 0x100, 0xfe01, 0xfe02, 0xfe04, 0xfe07 };
    pre_pair p;
    if (!pair_init(&p)) return;
    for (size_t i = 0; i < FVM_COUNT(numbers); i++) {
        compare(&p, PRE_CALL, numbers[i], 3, FVM_STR("0123456789"), NULL);
        compare(&p, PRE_CALL, numbers[i], 0, FVM_STR(""), NULL);
    }
    pair_deinit(&p);
}

/* Lengths that no input comes up to: zeros to the right, until memory ends. */
TEST(same_outcome_as_v18_for_announced_lengths)
{
    static const struct {
        unsigned number, kind;
        uint64_t word[6]; /* of the input */
    } rows[] = {
        { 0x05, PRE_STATICCALL, { 1, 0, 0x1fffffff, 0 } },
        { 0x05, PRE_STATICCALL, { 1, 0, 0x20000060, 0 } },
        { 0x05, PRE_STATICCALL, { 0x1fffffff, 0, 1, 0 } },
        { 0x05, PRE_STATICCALL, { 0x20000060, 0, 1, 0 } },
        { 0x05, PRE_STATICCALL, { 0xffffffff, 0, 0, 0 } },
        { 0x05, PRE_STATICCALL, { 0, 0xffffffff, 0, 0 } },
        { 0x05, PRE_STATICCALL, { 0, 0xffffffff, 1, 0 } },
        { 0x05, PRE_STATICCALL, { 0, 0x10000000, 1, 0 } },
        { 0xfe05, PRE_DELEGATECALL, { 0, 0, 0, 0x51, 0x1000, 0 } },
        { 0xfe05, PRE_DELEGATECALL, { 0x00100000, 0, 0, 0x51, 0, 0 } },
        { 0xfe05, PRE_DELEGATECALL, { 0x10000000, 0, 0, 0x51, 0, 0 } },
        { 0xfe05, PRE_DELEGATECALL, { 0x30000000, 0, 0, 0x51, 0, 0 } },
        { 0xfe05, PRE_DELEGATECALL, { 0xf0000000, 0, 0, 0x51, 0, 0 } },
    };
    pre_pair p;
    if (!pair_init(&p)) return;
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        uint8_t in[192];
        for (unsigned j = 0; j < 6; j++) pre_word(in + 32 * j, rows[i].word[j]);
        compare(&p, rows[i].kind, rows[i].number, 0, (fvm_bytes){ in, 192 }, NULL);
    }
    pair_deinit(&p);
}

/* What the call itself costs: less a call of an address that is reserved and has no function, and less
 * what the message pays for the bytes that it returns. */
#define RETURN_BYTE_GAS 1300

TEST(gas_beside_v18)
{
    pre_pair p;
    if (!pair_init(&p)) return;
    printf("  gas of the precompile alone %-12s %12s %8s\n", "v18", "ours", "ratio");
    for (size_t i = 0; i < PRE_GAS_CASES; i++) {
        uint8_t room[PRE_INPUT_MAX];
        int64_t theirs, theirs_idle;
        fvm_bytes in = { room, pre_gas_cases[i].make(room) };
        pre_result idle = compare(&p, PRE_STATICCALL, 0x0a, 0, in, &theirs_idle);
        pre_result run = compare(&p, PRE_STATICCALL, pre_gas_cases[i].number, 0, in, &theirs);
        CHECK_AT(pre_gas_cases[i].name, run.ok && run.out.len);
        int64_t returned = RETURN_BYTE_GAS * (int64_t)run.out.len;
        int64_t a = theirs - theirs_idle - returned, b = run.gas - idle.gas - returned;
        printf("  %-27s %13lld %12lld %8.3f\n", pre_gas_cases[i].name, (long long)a, (long long)b,
               (double)b / (double)a);
    }
    pair_deinit(&p);
}
