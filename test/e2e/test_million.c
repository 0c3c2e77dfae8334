/* test_million.c - a million messages to actors on one machine: memory stays where it was after the
 * first ones. Alone in its program, since the memory of a process is what is looked at. */
#include "engine_fixture.h"
#include "test.h"

static double mib_resident(void)
{
    size_t pages = 0, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    CHECK(statm && fscanf(statm, "%zu %zu", &pages, &resident) == 2);
    (void)fclose(statm);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

static void call_often(fvm_engine_memory memory, uint32_t count)
{
    fleet f;
    fvm_engine *engine;
    fvm_context *context;
    fvm_machine *machine;
    fvm_receipt receipt;
    const fvm_engine_config engine_config = { .memory = memory };
    const fvm_machine_config config = { .network_version = FLEET_VERSION };
    double first = 0, most = 0;
    fleet_open(&f);
    CHECK_OK(fvm_engine_new_with(&engine, &engine_config, NULL));
    CHECK_OK(fvm_context_new(&context, engine, NULL));
    CHECK_OK(fvm_machine_new(&machine, context, &f.bs, &f.root, &config));
    fvm_receipt_init(&receipt, NULL);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t actor = i % FLEET_ACTORS;
        const fvm_message message = {
            .to = fvm_address_id(FLEET_FIRST + actor),
            .from = fvm_address_id(0),
            .gas_limit = 1000000000,
            .method = 2,
        };
        CHECK_OK(fvm_machine_apply(machine, &receipt, &message, FVM_APPLY_IMPLICIT, 0));
        CHECK(receipt.exit_code == 16 + actor);
        if (i == count / 100) first = mib_resident();
        if (i % (count / 100) == 0 && mib_resident() > most) most = mib_resident();
    }
    printf("%u calls: %.1f MiB after the first hundredth, %.1f at most\n", (unsigned)count, first,
           most);
    CHECK(most < first + 1);
    fvm_receipt_deinit(&receipt);
    fvm_machine_free(machine);
    fvm_context_free(context);
    fvm_engine_free(engine);
    fleet_close(&f);
}

TEST(a_million_calls_take_no_more_memory_than_the_first_ones)
{
    call_often(FVM_ENGINE_MEMORY_CHECKED, 1000000);
}
TEST(guarded_calls_take_no_more_memory_than_the_first_ones)
{
    call_often(FVM_ENGINE_MEMORY_GUARDED, 200000);
}
