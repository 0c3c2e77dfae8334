/* profile.c - see profile.h. */
#include "profile.h"

static void send(void *ctx, const fvm_trace_event *event)
{
    const fvm_trace_sink *sink = ctx;
    sink->event(sink->ctx, event);
}

static void enter(void *ctx, uint32_t func, int64_t milligas)
{
    send(ctx,
         &(fvm_trace_event){ .kind = FVM_TRACE_WASM_ENTER, .func = func, .milligas = milligas });
}

static void leave(void *ctx, int64_t milligas)
{
    send(ctx, &(fvm_trace_event){ .kind = FVM_TRACE_WASM_LEAVE, .milligas = milligas });
}

static void host_enter(void *ctx, const fvm_wasm_host_func *func, int64_t milligas)
{
    send(ctx, &(fvm_trace_event){ .kind = FVM_TRACE_SYSCALL,
                                  .name = fvm_bytes_of(func->name),
                                  .data = fvm_bytes_of(func->module),
                                  .milligas = milligas });
}

static void host_leave(void *ctx, int64_t milligas)
{
    send(ctx, &(fvm_trace_event){ .kind = FVM_TRACE_SYSCALL_END, .milligas = milligas });
}

fvm_wasm_watcher fvm__profile_watcher(const fvm_trace_sink *sink)
{
    return (fvm_wasm_watcher){
        .enter = enter,
        .leave = leave,
        .host_enter = host_enter,
        .host_leave = host_leave,
        .ctx = (void *)(uintptr_t)sink, /* only read */
    };
}
