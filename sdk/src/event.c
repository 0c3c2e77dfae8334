/* event.c - see fvm/actor/event.h. */
#include <fvm/actor/event.h>
#include <fvm/actor/heap.h>

#include <string.h>

#define KEY_MAX 31
#define VALUES_MAX 1024

void fvm_event_start(fvm_event *event)
{
    size_t keys = FVM_EVENT_ENTRIES_MAX * KEY_MAX;
    event->count = 0;
    event->keys = fvm_enc_into((uint8_t *)fvm_heap_alloc(keys), keys);
    event->values = fvm_enc_into((uint8_t *)fvm_heap_alloc(VALUES_MAX), VALUES_MAX);
}

/* The entry's head and key; its value runs from `start` to where the values now end. */
static void close(fvm_event *event, uint64_t flags, uint64_t codec, const char *key,
                  const uint8_t *start)
{
    fvm_require(event->count < FVM_EVENT_ENTRIES_MAX, FVM_USR_ASSERTION_FAILED, "event too long");
    size_t key_len = strlen(key);
    fvm_put_raw(&event->keys, key, key_len);
    event->entry[event->count++] = (fvm_event_entry){ flags, codec, (uint32_t)key_len,
                                                      (uint32_t)(event->values.at - start) };
}

void fvm_event_put(fvm_event *event, uint64_t flags, const char *key, fvm_bytes value)
{
    const uint8_t *start = event->values.at;
    fvm_put_raw(&event->values, value.ptr, value.len);
    close(event, flags, FVM_BLOCK_RAW, key, start);
}

void fvm_event_put_uint(fvm_event *event, uint64_t flags, const char *key, uint64_t value)
{
    const uint8_t *start = event->values.at;
    fvm_put_uint(&event->values, value);
    close(event, flags, FVM_BLOCK_CBOR, key, start);
}

void fvm_event_put_text(fvm_event *event, uint64_t flags, const char *key, const char *value)
{
    const uint8_t *start = event->values.at;
    fvm_put_string(&event->values, 3, value, strlen(value));
    close(event, flags, FVM_BLOCK_CBOR, key, start);
}

void fvm_event_put_token(fvm_event *event, uint64_t flags, const char *key, fvm_token value)
{
    const uint8_t *start = event->values.at;
    fvm_put_token(&event->values, value);
    close(event, flags, FVM_BLOCK_CBOR, key, start);
}

void fvm_event_emit(fvm_event *event)
{
    fvm_bytes keys = fvm_enc_done(&event->keys), values = fvm_enc_done(&event->values);
    fvm_check(fvm_sys_emit_event(event->entry, event->count, keys.ptr, (uint32_t)keys.len,
                                 values.ptr, (uint32_t)values.len));
}
