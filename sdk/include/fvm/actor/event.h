/* event.h - events: keys and values that clients can search for.
 *
 *     fvm_event e;
 *     fvm_event_start(&e);
 *     fvm_event_put(&e, FVM_EVENT_INDEX_ALL, "type", FVM_STR("paid"));
 *     fvm_event_put_uint(&e, FVM_EVENT_INDEX_VALUE, "amount", 5);
 *     fvm_event_emit(&e);
 *
 * At most 255 entries by the machine's rules, of which this builder takes 16, keys of at most 31 bytes,
 * values of 8192 together, of which it takes 1024; fvm_sys_emit_event takes all. */
#ifndef FVM_ACTOR_EVENT_H
#define FVM_ACTOR_EVENT_H

#include <fvm/actor/cbor.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FVM_EVENT_ENTRIES_MAX 16 /* more end the call */

/** An event being put together. */
typedef struct fvm_event {
    uint32_t count;
    fvm_event_entry entry[FVM_EVENT_ENTRIES_MAX];
    fvm_enc keys, values;
} fvm_event;

/** An event without entries; its buffers are in the heap. */
void fvm_event_start(fvm_event *event);
/** Raw bytes under a key. */
void fvm_event_put(fvm_event *event, uint64_t flags, const char *key, fvm_bytes value);
/** A value as CBOR under a key: a number, a text, an amount. */
void fvm_event_put_uint(fvm_event *event, uint64_t flags, const char *key, uint64_t value);
void fvm_event_put_text(fvm_event *event, uint64_t flags, const char *key, const char *value);
void fvm_event_put_token(fvm_event *event, uint64_t flags, const char *key, fvm_token value);
/** Hands the event to the machine. Ends the call (25) when it is read-only. */
void fvm_event_emit(fvm_event *event);

#ifdef __cplusplus
}
#endif
#endif
