/* profile.h - calls within wasm as events of a trace. */
#ifndef FVM_MACHINE_PROFILE_H
#define FVM_MACHINE_PROFILE_H

#include "wasm/wasm.h"
#include <fvm/trace.h>

/** What passes the calls of profiled modules on to a sink (borrowed). */
fvm_wasm_watcher fvm__profile_watcher(const fvm_trace_sink *sink);
#endif
