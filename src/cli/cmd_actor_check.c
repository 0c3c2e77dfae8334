/* cmd_actor_check.c - what the machine would say of a module. */
#include "cmd_actor.h"

#include "base/varint.h"
#include "kernel/kernel.h"
#include "kernel/network.h"
#include "wasm/wasm.h"

/* A name of the import section. */
static fvm_err take_name(fvm_bytes *out, fvm_bytes *in)
{
    uint64_t len;
    FVM_TRY(fvm_varint_read(&len, in));
    return fvm_bytes_take(out, in, len);
}

static bool offered(const fvm_wasm_host_table *hosts, fvm_bytes module, fvm_bytes name)
{
    for (size_t i = 0; i < hosts->count; i++)
        if (fvm_bytes_eq(module, fvm_bytes_of(hosts->funcs[i].module)) &&
            fvm_bytes_eq(name, fvm_bytes_of(hosts->funcs[i].name)))
            return true;
    return false;
}

/* All imports are functions that the machine has (the module has validated, so it decodes). */
static fvm_err check_imports(fvm_bytes wasm, const fvm_wasm_host_table *hosts, fvm_store_why *why)
{
    fvm_bytes in = { wasm.ptr + 8, wasm.len - 8 }, body, module, name, skip;
    while (in.len) {
        uint64_t id, len, count, type;
        FVM_TRY(fvm_varint_read(&id, &in));
        FVM_TRY(fvm_varint_read(&len, &in));
        FVM_TRY(fvm_bytes_take(&body, &in, len));
        if (id != 2) continue;
        FVM_TRY(fvm_varint_read(&count, &body));
        for (uint64_t i = 0; i < count; i++) {
            FVM_TRY(take_name(&module, &body));
            FVM_TRY(take_name(&name, &body));
            FVM_TRY(fvm_bytes_take(&skip, &body, 1)); /* kind: a function, the only one metered */
            FVM_TRY(fvm_varint_read(&type, &body));
            if (!offered(hosts, module, name))
                return fvm__why(why, FVM_ERR_WASM_LINK, "imports %.*s.%.*s, which is no syscall",
                                (int)module.len, (const char *)module.ptr, (int)name.len,
                                (const char *)name.ptr);
        }
    }
    return FVM_OK;
}

static fvm_err check_exports(const fvm_wasm_module *module, fvm_store_why *why)
{
    fvm_wasm_export e;
    if (!fvm_wasm_module_export(module, &e, FVM_STR("memory")) || e.kind != FVM_WASM_MEMORY)
        return fvm__why(why, FVM_ERR_WASM_INVALID, "exports no memory");
    if (!fvm_wasm_module_export(module, &e, FVM_STR("invoke")) || e.kind != FVM_WASM_FUNC ||
        strcmp(e.params, "i") != 0 || strcmp(e.results, "i") != 0)
        return fvm__why(why, FVM_ERR_WASM_INVALID,
                        "exports no function invoke(i32) -> i32: is there an FVM_ACTOR(...)?");
    return FVM_OK;
}

fvm_err fvm_actor_check(fvm_bytes wasm, fvm_store_why *why)
{
    const fvm_network *net = fvm_network_find(FVM_NETWORK_VERSION_DEFAULT);
    const fvm_wasm_host_table *hosts = fvm_kernel_syscalls(net);
    char detail[FVM_WASM_DETAIL_MAX] = "";
    fvm_wasm_module *module;
    fvm_err err = fvm_wasm_module_new(&module, net->wasm, hosts, wasm, detail, NULL);
    if (err != FVM_OK) return fvm__why(why, err, "%s: %s", fvm_err_text(err), detail);
    err = check_exports(module, why);
    if (err == FVM_OK) err = check_imports(wasm, hosts, why);
    fvm_wasm_module_free(module);
    return err;
}
