/* fuzz_params.c - hostile parameters to every method of every built-in actor, natively in the mock kernel. The first
 * byte picks the actor, the second the method, the third who calls, in which codec and whether read-only; the rest
 * is what is sent. Then the actor is asked something ordinary: whatever it took, its state must be one that it reads. */
#include <fvm/actor/mock.h>

#include "ipld/cbor.h"
#include "test.h"

#define FROM(name) uint32_t entry_##name(uint32_t params);
/* clang-format off */
FROM(system) FROM(init) FROM(cron) FROM(account) FROM(multisig) FROM(paych) FROM(reward)
FROM(placeholder) FROM(ethaccount) FROM(eam) FROM(evm)
/* clang-format on */
#undef FROM

    /* How an actor is set up: its constructor's caller and parameters, and a call that must go well ever after. */
    static const struct {
    uint32_t (*invoke)(uint32_t params);
    uint64_t id, methods[12];
    uint64_t constructor;
    const char *params;
    uint64_t ask, asked_by;
    const char *ask_params;
} actors[] = {
    { entry_system, 0, { 1, 2 }, 0, NULL, 0, 0, NULL },
    { entry_init, 1, { 1, 2, 3, 4 }, 0, "81636e6574", 0, 0, NULL },
    { entry_cron, 3, { 1, 2 }, 0, "8181824200640a", 2, 0, NULL },
    { entry_account,
      100,
      { 1, 2, 2643134072 },
      0,
      "5501df034b2156625ebac9d8f7c7af61eff43a451e9f",
      2,
      100,
      NULL },
    { entry_multisig,
      1000,
      { 1, 2, 3, 4, 5, 6, 7, 8, 9, 3726118371, 16777216 },
      1,
      "848242006442006502001901f4",
      2,
      0,
      NULL },
    { entry_paych, 1000, { 1, 2, 3, 4 }, 1, "82420064420065", 0, 0, NULL },
    { entry_reward, 2, { 1, 2, 3, 4 }, 0, "420005", 3, 100, NULL },
    { entry_placeholder, 1000, { 1, 2 }, 0, NULL, 2, 100, NULL },
    { entry_ethaccount, 1000, { 1, 2, 16777216 }, 0, NULL, 16777216, 100, NULL },
    { entry_eam, 10, { 1, 2, 3, 4 }, 0, NULL, 0, 0, NULL },
    { entry_evm,
      1000,
      { 1, 2, 3, 4, 5, 6, 3844450837, 1024, 16777216 },
      1,
      /* a contract that returns what it is given */
      "8254cccccccccccccccccccccccccccccccccccccccc5161000780600a5f395ff3365f5f37365ff3",
      4,
      100,
      NULL },
};

static uint32_t (*current)(uint32_t params);

/* What the mock takes for the actor. */
FVM_ENTRY uint32_t invoke(uint32_t params);
uint32_t invoke(uint32_t params)
{
    return current(params);
}

static fvm_mock_result call(size_t i, uint64_t caller, uint64_t method, const char *hex)
{
    static uint8_t room[256];
    fvm_mock.context.caller = caller;
    fvm_mock.context.receiver = actors[i].id;
    return fvm_mock_call(method, hex ? test_hex(room, sizeof room, hex) : (fvm_bytes){ 0 });
}

static void set_up(size_t i)
{
    uint8_t bytes[20];
    fvm_address self;
    fvm_mock_reset();
    fvm_mock.unexpected_send = fvm_mock.missing_block = FVM_E_NOT_FOUND;
    fvm_mock.balance = FVM_FIL(10);
    memset(bytes, 0xaa, sizeof bytes);
    CHECK_OK(fvm_address_delegated(&self, 10, (fvm_bytes){ bytes, sizeof bytes }));
    fvm_mock_resolve(&self, 1000);
    current = actors[i].invoke;
    fvm_mock_result r = call(i, actors[i].constructor, 1, actors[i].params);
    CHECK(r.exit_code == 0 || current == entry_eam || current == entry_ethaccount);
}

static fvm_err any_link(void *ctx, const fvm_cid *cid)
{
    (void)ctx;
    (void)cid;
    return FVM_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t codecs[] = { FVM_BLOCK_CBOR, FVM_BLOCK_CBOR, FVM_BLOCK_DAG_CBOR,
                                       FVM_BLOCK_RAW };
    static const uint64_t callers[] = { 0, 1, 4, 10, 100, 101, 102, 1000 };
    static const int32_t types[] = { 4, 4, 14, 16 };
    if (size < 3 || size > 4096) return 0;
    size_t i = data[0] % FVM_COUNT(actors), m = data[1] % FVM_COUNT(actors[i].methods);
    uint8_t how = data[2];
    if (actors[i].methods[m] == 0) return 0;
    /* the machine lets no other DAG-CBOR through */
    if (codecs[how >> 3 & 3] == FVM_BLOCK_DAG_CBOR &&
        fvm_cbor_links((fvm_bytes){ data + 3, size - 3 }, any_link, NULL) != FVM_OK)
        return 0;
    set_up(i);
    fvm_mock.context.caller = callers[how & 7];
    fvm_mock.context.origin = callers[how & 7];
    fvm_mock.context.flags = how >> 7 ? FVM_CALL_READ_ONLY : 0;
    fvm_mock.caller_type = types[how >> 5 & 3];
    for (int times = 0; times < 2; times++) {
        fvm_mock_result r = fvm_mock_call_codec(actors[i].methods[m], codecs[how >> 3 & 3],
                                                (fvm_bytes){ data + 3, size - 3 });
        CHECK(r.exit_code == 0 || r.exit_code >= 16 || current == entry_evm);
        if (fvm_mock.deleted) return 0;
    }
    fvm_mock.context.flags = 0;
    fvm_mock.caller_type = 4;
    if (actors[i].ask && actors[i].ask != 2)
        CHECK(call(i, actors[i].asked_by, actors[i].ask, actors[i].ask_params).exit_code == 0);
    return 0;
}
