/* fuzz_wasm.c - arbitrary bytes as a module: decoded and validated under each kind of rules, and
 * where that works run with little gas, on each back end, with the same outcome: results, traps,
 * memory, and what host functions and the end see of the gas. */
#include "kernel/wasm_rules.h"
#include "test.h"
#include "wasm/dis.h"
#include "wasm/image.h"
#include "wasm/names.h"
#include "wasm/store.h"

#define GAS INT64_C(40000000) /* milligas: ten thousand instructions */
#define MEMORY_LIMIT (UINT64_C(4) << 20)
#define CALLS_MAX 8
#define VALUES_MAX 64 /* functions with more parameters or results are not called */

static const fvm_wasm_rules metered[] = { FVM__WASM_RULES_V4, FVM__WASM_RULES_V2 };

/* Less of everything that a run may take. */
static fvm_wasm_rules modest(fvm_wasm_rules rules)
{
    rules.memory_max_pages = 64;
    rules.table_max_elements = 20000;
    rules.frame_budget_bytes = 1u << 20;
    return rules;
}

/* A host that answers with what it is asked, and costs gas. */
static fvm_err host_echo(fvm_wasm_instance *instance, void *host, uint64_t *slots)
{
    uint64_t *sum = host;
    fvm_wasm_memory memory = fvm_wasm_instance_memory(instance);
    *sum = *sum * 31 + slots[0] + memory.len + (uint64_t)fvm_wasm_instance_gas(instance);
    fvm_wasm_instance_set_gas(instance, fvm_wasm_instance_gas(instance) - 100000);
    slots[0] = (uint32_t)*sum;
    return *sum % 16 == 15 ? FVM_ERR_EXIT : FVM_OK;
}
static const fvm_wasm_host_func funcs[] = {
    { "h", "f", "i", "i", host_echo },        { "h", "g", "", "", host_echo },
    { "h", "h", "iiii", "", host_echo },      { "vm", "message_context", "i", "i", host_echo },
    { "vm", "exit", "iiii", "i", host_echo },
};
static const fvm_wasm_host_table hosts = { funcs, FVM_COUNT(funcs) };

static bool grow(void *ctx, uint64_t bytes)
{
    uint64_t *left = ctx;
    if (bytes > *left) return false;
    *left -= bytes;
    return true;
}

typedef struct outcome {
    uint64_t sum; /* of results, gas, memory, traps */
} outcome;

typedef struct job {
    fvm_wasm_context *context;
    const fvm_wasm_module *module;
    outcome out;
} job;

static void add(outcome *out, uint64_t x)
{
    out->sum = (out->sum ^ x) * UINT64_C(0x9e3779b97f4a7c15);
    out->sum ^= out->sum >> 29;
}

static void add_state(outcome *out, const fvm_wasm_instance *instance)
{
    add(out, (uint64_t)fvm_wasm_instance_gas(instance));
    add(out, (uint64_t)fvm_wasm_instance_trap(instance));
    fvm_wasm_memory memory = fvm_wasm_instance_memory(instance);
    add(out, memory.len);
    for (size_t i = 0; i < memory.len && i < 4096; i++) add(out, memory.ptr[i]);
}

static fvm_err run(void *arg)
{
    job *j = arg;
    uint64_t host = 0, left = MEMORY_LIMIT;
    fvm_wasm_limiter limiter = { grow, &left };
    fvm_wasm_instance *instance;
    fvm_err err = fvm_wasm_instance_new(&instance, j->context, j->module, &host, &limiter, GAS);
    add(&j->out, (uint64_t)err);
    size_t calls = 0;
    for (size_t i = 0; err == FVM_OK && calls < CALLS_MAX; i++) {
        fvm_wasm_extern_type type;
        uint32_t index;
        uint64_t values[VALUES_MAX] = { 1, 2, 3 };
        if (!fvm_wasm_module_export_at(j->module, NULL, &type, &index, i)) break;
        if (type.kind != FVM_WASM_FUNC || strpbrk(type.params, "re")) continue;
        if (strlen(type.params) > VALUES_MAX || strlen(type.results) > VALUES_MAX) continue;
        calls++;
        add(&j->out, (uint64_t)fvm_wasm_instance_call(instance, values, index, values));
        add(&j->out, strpbrk(type.results, "re") ? 0 : values[0]); /* addresses differ */
        CHECK(fvm_wasm_instance_gas(instance) < GAS);
        add_state(&j->out, instance);
        if (fvm_wasm_instance_gas(instance) < 0) break;
    }
    add(&j->out, host);
    fvm_wasm_instance_free(instance);
    return FVM_OK;
}

static uint64_t outcome_of(const fvm_wasm_module *module)
{
    fvm_wasm_context *context = NULL;
    CHECK_OK(fvm_wasm_context_new(&context, NULL));
    job j = { context, module, { 0 } };
    CHECK_OK(fvm_wasm_context_run(context, run, &j));
    fvm_wasm_context_free(context);
    return j.out.sum;
}

/* The module that an image of it gives behaves the same. */
static void try_image(const fvm_wasm_module *module, const fvm_wasm_rules *rules, fvm_bytes wasm,
                      uint64_t want)
{
    fvm_buf image;
    fvm_wasm_module *again;
    fvm_buf_init(&image, NULL);
    if (fvm_wasm_image_write(&image, module, wasm) == FVM_OK) {
        CHECK_OK(fvm_wasm_image_read(&again, rules, &hosts, wasm, fvm_buf_bytes(&image), NULL));
        CHECK(outcome_of(again) == want);
        fvm_wasm_module_free(again);
    }
    fvm_buf_deinit(&image);
}

static fvm_err ignore(void *ctx, fvm_bytes text)
{
    *(size_t *)ctx += text.len;
    return FVM_OK;
}

/* Loads and runs on every back end; false when it does not load, on none of them then. */
static bool try_rules(const fvm_wasm_rules *rules, fvm_bytes wasm)
{
    char detail[FVM_WASM_DETAIL_MAX];
    fvm_wasm_module *module = NULL;
    const fvm_wasm_backend on[] = { FVM_WASM_BACKEND_INTERP, FVM_WASM_BACKEND_X64,
                                    FVM_WASM_BACKEND_X64_GUARD };
    if (fvm_wasm_module_new(&module, rules, &hosts, wasm, detail, NULL) != FVM_OK) return false;
    const uint64_t want = outcome_of(module);
    CHECK(outcome_of(module) == want);
    fvm_wasm_module_free(module);
    for (size_t i = 0; i < FVM_COUNT(on); i++) {
        if (!fvm_wasm_backend_available(on[i])) continue;
        CHECK_OK(fvm_wasm_module_new_on(&module, rules, &hosts, wasm, detail, NULL, on[i]));
        CHECK(outcome_of(module) == want);
        if (on[i] == FVM_WASM_BACKEND_X64) try_image(module, rules, wasm, want);
        fvm_wasm_module_free(module);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fvm_bytes wasm = { data, size };
    fvm_wasm_module *module = NULL;
    char detail[FVM_WASM_DETAIL_MAX];
    bool loaded = false;
    for (size_t i = 0; i < FVM_COUNT(metered); i++) {
        fvm_wasm_rules rules = modest(metered[i]);
        loaded |= try_rules(&rules, wasm);
    }
    if (fvm_wasm_module_new(&module, &fvm_wasm_rules_standard, &hosts, wasm, detail, NULL) ==
        FVM_OK) {
        size_t len = 0; /* what is valid can be listed */
        CHECK_OK(fvm_wasm_dis(&fvm_wasm_rules_standard, &hosts, wasm, FVM_WASM_DIS_ALL, ignore,
                              &len, detail, NULL));
        fvm_wasm_module_free(module);
    } else {
        CHECK(!loaded); /* what can be metered is valid */
    }
    fvm_wasm_names names;
    CHECK_OK(fvm_wasm_names_read(&names, wasm, NULL));
    fvm_wasm_names_deinit(&names);
    return 0;
}
