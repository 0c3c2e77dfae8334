/* events_root.h - the events of a message as bytes and as the root of an AMT
 * (reference/executor.md 4). */
#ifndef FVM_MACHINE_EVENTS_ROOT_H
#define FVM_MACHINE_EVENTS_ROOT_H

#include "kernel/kernel.h"

/** Appends the CBOR of each stamped event to `out`, and gives the root of the AMT (bit width 5) over
 *  them; its blocks are not kept, as in the reference. `count` must not be 0. */
FVM_NODISCARD fvm_err fvm_events_root(fvm_cid *root, fvm_buf *out, const fvm_event *events,
                                      size_t count, const fvm_allocator *alloc);
#endif
