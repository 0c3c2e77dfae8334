/* syscall.c - the import tables, and what every syscall does before and after its handler
 * (reference/engine.md 7, kernel.md 1):
 *
 *   settle wasm's gas -> charge the host call -> check the out pointer -> handler
 *                     -> write the value or take the error number -> refresh wasm's counter
 *
 * A bad out pointer returns before the refresh. The stretch of wasm before it is then charged again
 * by the next settling (nv18+), as all nodes do. */
#include "internal.h"

/* Settles what wasm used and charges for the host call. The usual way, where there is gas for both and
 * nobody sees the charges one by one, is a comparison and an addition. */
static inline fvm_err charge_entry(fvm_invocation *inv, fvm_wasm_instance *instance)
{
    fvm_message_env *env = inv->env;
    fvm_gas *gas = &env->gas;
    int64_t counter = fvm_wasm_instance_gas(instance);
    if (FVM_LIKELY(!gas->trace && counter >= 0 && env->net->era != FVM_ERA_V2)) {
        uint64_t exec = fvm_sat_sub_u64((uint64_t)inv->synced_milligas, (uint64_t)counter);
        uint64_t total = fvm_sat_add_u64(exec, env->net->prices->host_call);
        if (FVM_LIKELY(total <= (uint64_t)gas->limit - (uint64_t)gas->used)) {
            gas->used = (int64_t)((uint64_t)gas->used + total);
            return FVM_OK;
        }
    }
    FVM_TRY(fvm__gas_settle(inv, instance));
    return fvm_price_on_syscall(env->net, gas);
}

/* Inlined into the entry of each row, where `out_size` and `handler` are constants. */
static inline __attribute__((always_inline)) fvm_err enter(fvm_wasm_instance *instance, void *host,
                                                           uint64_t *slots, size_t out_size,
                                                           fvm__syscall_fn *handler)
{
    fvm_invocation *inv = host;
    fvm_message_env *env = inv->env;
    FVM_TRY(charge_entry(inv, instance));

    fvm_syscall c = { .inv = inv, .env = env, .mem = fvm_wasm_instance_memory(instance) };
    uint8_t out[FVM__SYSCALL_OUT_MAX];
    uint32_t ret = 0;
    const uint64_t *args = slots;
    if (out_size) {
        ret = (uint32_t)*args++;
        if (ret > c.mem.len || c.mem.len - ret < out_size) {
            slots[0] = FVM_ERR_SYS_ILLEGAL_ARGUMENT - FVM_ERR_SYSCALL_BASE;
            return FVM_OK;
        }
    }

    fvm_err err = handler(&c, args, out);
    uint64_t number = 0;
    if (FVM_LIKELY(err == FVM_OK)) {
        /* Memory does not move under a handler: only the actor's own wasm grows it. */
        if (out_size) memcpy(c.mem.ptr + ret, out, out_size);
    } else if (fvm_err_class_of(err) == FVM_CLASS_SYSCALL) {
        number = (uint64_t)err - FVM_ERR_SYSCALL_BASE;
        err = FVM_OK;
    }
    fvm__gas_sync(inv, instance);
    slots[0] = number;
    return err;
}

#define SYSCALL(module, name, eras, params, out, handler)                                          \
    _Static_assert((out) <= FVM__SYSCALL_OUT_MAX, name);                                           \
    static fvm_err handler##_entry(fvm_wasm_instance *instance, void *host, uint64_t *slots)       \
    {                                                                                              \
        return enter(instance, host, slots, out, handler);                                         \
    }
#include "syscalls.def"
#undef SYSCALL

/* A table takes the rows whose `eras` is defined as TAKE while it includes the list. */
#define TAKE(module, name, params, out, handler)                                                   \
    { module, name, (out) ? "i" params : params, "i", handler##_entry },
#define DROP(module, name, params, out, handler)
#define SYSCALL(module, name, eras, params, out, handler) eras(module, name, params, out, handler)

static const fvm_wasm_host_func funcs_v2[] = {
#define V2 TAKE
#define V3 DROP
#define V4 DROP
#define V23 TAKE
#define V34 DROP
#define V234 TAKE
#define UPGRADE DROP
#define INSTALL DROP
#include "syscalls.def"
};
#undef V2
#undef V3
#undef V23
#undef V34

static const fvm_wasm_host_func funcs_v3[] = {
#define V2 DROP
#define V3 TAKE
#define V23 TAKE
#define V34 TAKE
#include "syscalls.def"
};
#undef V3
#undef V4
#undef V23

static const fvm_wasm_host_func funcs_v4[] = {
#define V3 DROP
#define V4 TAKE
#define V23 DROP
#include "syscalls.def"
};
#undef UPGRADE

static const fvm_wasm_host_func funcs_v4_upgrade[] = {
#define UPGRADE TAKE
#include "syscalls.def"
};
#undef INSTALL

static const fvm_wasm_host_func funcs_v4_both[] = {
#define INSTALL TAKE
#include "syscalls.def"
};
#undef UPGRADE

static const fvm_wasm_host_func funcs_v4_install[] = {
#define UPGRADE DROP
#include "syscalls.def"
};

_Static_assert(FVM_COUNT(funcs_v2) == 36, "nv17 offers 36 syscalls");
_Static_assert(FVM_COUNT(funcs_v3) == 40, "nv18-20 offer 40 syscalls");
_Static_assert(FVM_COUNT(funcs_v4) == 41, "nv21+ offers 41 syscalls");
_Static_assert(FVM_COUNT(funcs_v4_upgrade) == FVM_COUNT(funcs_v4) + 1, "FIP-0098 adds one");
_Static_assert(FVM_COUNT(funcs_v4_install) == FVM_COUNT(funcs_v4) + 1, "user actors add one");

static const fvm_wasm_host_table table_v2 = { funcs_v2, FVM_COUNT(funcs_v2) };
static const fvm_wasm_host_table table_v3 = { funcs_v3, FVM_COUNT(funcs_v3) };
static const fvm_wasm_host_table table_v4 = { funcs_v4, FVM_COUNT(funcs_v4) };
static const fvm_wasm_host_table table_v4_upgrade = { funcs_v4_upgrade,
                                                      FVM_COUNT(funcs_v4_upgrade) };
static const fvm_wasm_host_table table_v4_install = { funcs_v4_install,
                                                      FVM_COUNT(funcs_v4_install) };
static const fvm_wasm_host_table table_v4_both = { funcs_v4_both, FVM_COUNT(funcs_v4_both) };

const fvm_wasm_host_table *fvm_kernel_syscalls(const fvm_network *net)
{
    switch (net->era) {
    case FVM_ERA_V2: return &table_v2;
    case FVM_ERA_V3: return &table_v3;
    case FVM_ERA_V4: break;
    }
    if (net->user_actors) return net->upgrade_actor ? &table_v4_both : &table_v4_install;
    return net->upgrade_actor ? &table_v4_upgrade : &table_v4;
}

/* --- arguments in the actor's memory, and values --- */

fvm_err fvm__read_cid(fvm_cid *out, const fvm_syscall *c, uint64_t off)
{
    uint32_t at = (uint32_t)off;
    if (at > c->mem.len) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    fvm_bytes rest = { c->mem.ptr + at, c->mem.len - at };
    return fvm_cid_read(out, NULL, rest) == FVM_OK ? FVM_OK : FVM_ERR_SYS_ILLEGAL_ARGUMENT;
}

fvm_err fvm__read_address(fvm_address *out, const fvm_syscall *c, uint64_t off, uint64_t len)
{
    fvm_bytes in;
    FVM_TRY(fvm__slice(&in, c, off, len));
    bool delegated = c->env->net->era != FVM_ERA_V2;
    return fvm_address_read(out, in, delegated) == FVM_OK ? FVM_OK : FVM_ERR_SYS_ILLEGAL_ARGUMENT;
}

fvm_err fvm__write_cid(uint8_t *out, const fvm_syscall *c, uint64_t off, uint64_t len,
                       const fvm_cid *cid)
{
    uint8_t *buffer;
    FVM_TRY(fvm__slice_mut(&buffer, c, off, len));
    uint8_t bytes[FVM_CID_BYTES_MAX];
    size_t n = fvm_cid_write(bytes, cid);
    if (n > (uint32_t)len) return FVM_ERR_SYS_BUFFER_TOO_SMALL;
    memcpy(buffer, bytes, n);
    fvm_store_le32(out, (uint32_t)n);
    return FVM_OK;
}

fvm_err fvm__store_amount(uint8_t *out, const fvm_big *amount)
{
    uint64_t hi, lo;
    if (!fvm_big_to_u128(&hi, &lo, amount)) return FVM_ERR_FATAL;
    fvm_store_le64(out, lo);
    fvm_store_le64(out + 8, hi);
    return FVM_OK;
}

fvm_err fvm__store_result(fvm_invocation *inv, uint8_t *out, const fvm_call_result *result)
{
    uint32_t handle = 0, size = 0;
    uint64_t codec = 0;
    if (result->data) {
        FVM_TRY(fvm__registry_put(inv, &handle, result->data));
        codec = result->data->codec;
        size = (uint32_t)result->data->data.len;
    }
    fvm_store_le32(out, result->exit_code);
    fvm_store_le32(out + 4, handle);
    fvm_store_le64(out + 8, codec);
    fvm_store_le32(out + 16, size);
    return FVM_OK;
}
