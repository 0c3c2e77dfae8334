/* event.c - events of actors (reference/kernel.md 6). From nv21 an entry comes as a head of fixed
 * size, with keys and values in two buffers, so that gas can be charged before anything is parsed
 * (FIP-0072); before, an event was one CBOR blob (FIP-0049). */
#include "base/vector.h"
#include "internal.h"

#include "ipld/cbor.h"

#define FLAGS_KNOWN UINT64_C(3) /* indexed key, indexed value */
#define VALUES_MAX 8192u        /* bytes of all values of an event */

fvm_err fvm__event_append(fvm_invocation *inv, const fvm_event_entry *entries, uint32_t count)
{
    fvm_message_env *env = inv->env;
    FVM_TRY(fvm_vector_grow(env->alloc, &env->events, &env->event_cap, env->event_count + 1,
                            sizeof *env->events, 16, UINT32_MAX));
    env->events[env->event_count++] = (fvm_event){ .emitter = inv->receiver,
                                                   .entries = entries,
                                                   .count = count };
    return FVM_OK;
}

/* --- nv21+ --- */

#define ENTRIES_MAX 255u
#define KEY_MAX 31u
#define HEAD_LEN 24u /* flags u64, codec u64, key_len u32, val_len u32 */

/* Takes `len` bytes of text, where that does not cut a character in two; `text` is valid UTF-8. */
static fvm_err take_text(fvm_bytes *out, fvm_bytes *text, uint32_t len)
{
    FVM_TRY(fvm_bytes_take(out, text, len));
    bool cut = text->len && (text->ptr[0] & 0xc0) == 0x80;
    return cut ? FVM_ERR_MALFORMED : FVM_OK;
}

static fvm_err read_entry(fvm_event_entry *entry, const uint8_t *head, fvm_bytes *keys,
                          fvm_bytes *values)
{
    uint32_t key_len = fvm_load_le32(head + 16), val_len = fvm_load_le32(head + 20);
    entry->flags = fvm_load_le64(head);
    entry->codec = fvm_load_le64(head + 8);
    if (entry->flags & ~FLAGS_KNOWN) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    if (key_len > KEY_MAX) return FVM_ERR_SYS_LIMIT_EXCEEDED;
    if (val_len > VALUES_MAX) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    if (take_text(&entry->key, keys, key_len) != FVM_OK) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    if (fvm_bytes_take(&entry->value, values, val_len) != FVM_OK)
        return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    if (entry->codec != FVM_CODEC_RAW && entry->codec != FVM_CODEC_CBOR)
        return FVM_ERR_SYS_ILLEGAL_CODEC;
    return FVM_OK;
}

/* Parses into `entries`, which are views into `keys` and `values`. */
static fvm_err read_entries(fvm_event_entry *entries, const uint8_t *heads, uint32_t count,
                            fvm_bytes keys, fvm_bytes values)
{
    for (uint32_t i = 0; i < count; i++)
        FVM_TRY(read_entry(&entries[i], heads + (size_t)i * HEAD_LEN, &keys, &values));
    return keys.len || values.len ? FVM_ERR_SYS_ILLEGAL_ARGUMENT : FVM_OK;
}

fvm_err fvm__event_emit(fvm_invocation *inv, const uint8_t *heads, uint32_t count, fvm_bytes keys,
                        fvm_bytes values)
{
    fvm_message_env *env = inv->env;
    if (inv->read_only) return FVM_ERR_SYS_READ_ONLY;
    FVM_TRY(fvm_price_on_actor_event(env->net, &env->gas, count, keys.len, values.len));
    if (count > ENTRIES_MAX || values.len > VALUES_MAX) return FVM_ERR_SYS_LIMIT_EXCEEDED;
    if (!fvm_utf8_valid(keys)) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    if (keys.len > ENTRIES_MAX * KEY_MAX) {
        /* More than all entries together may take: some check below fails, but which one depends on
         * the entries; nothing needs to be kept to find out. */
        fvm_event_entry scratch;
        for (uint32_t i = 0; i < count; i++)
            FVM_TRY(read_entry(&scratch, heads + (size_t)i * HEAD_LEN, &keys, &values));
        return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    }

    /* The actor may overwrite its memory, so keys and values are copied first, then parsed there. */
    fvm_arena_mark mark = fvm_arena_mark_get(env->arena);
    fvm_event_entry *entries = fvm_arena_alloc(env->arena, count * sizeof *entries);
    fvm_err err = entries ? FVM_OK : FVM_ERR_NOMEM;
    if (err == FVM_OK) err = fvm_arena_copy(env->arena, &keys, keys);
    if (err == FVM_OK) err = fvm_arena_copy(env->arena, &values, values);
    if (err == FVM_OK) err = read_entries(entries, heads, count, keys, values);
    if (err == FVM_OK) err = fvm__event_append(inv, entries, count);
    if (err != FVM_OK) fvm_arena_release(env->arena, mark);
    return err;
}

/* --- nv18-20 --- */

#define BLOB_MAX (1u << 20) /* an over-estimate: no valid event comes near */
#define BLOB_ENTRIES_MAX 256u
#define BLOB_KEY_MAX 32u

/* One string of an entry into the arena; `text` checks UTF-8. */
static fvm_err read_string(fvm_bytes *out, fvm_bytes *in, fvm_message_env *env, fvm_buf *spare,
                           bool text)
{
    fvm_bytes view;
    spare->len = 0;
    FVM_TRY(text ? fvm_cbor_text(&view, in, spare) : fvm_cbor_bytes(&view, in, spare));
    return fvm_arena_copy(env->arena, out, view);
}

static fvm_err read_blob(fvm_event_entry *entries, uint32_t *count, fvm_message_env *env,
                         fvm_bytes in, fvm_buf *spare)
{
    uint64_t n;
    FVM_TRY(fvm_cbor_array(&n, &in));
    /* Too many entries and a blob that does not decode are the same error: no need to read on. */
    if (n > BLOB_ENTRIES_MAX) return FVM_ERR_LIMIT;
    for (uint64_t i = 0; i < n; i++) {
        FVM_TRY(fvm_cbor_tuple(4, &in));
        FVM_TRY(fvm_cbor_uint(&entries[i].flags, &in));
        FVM_TRY(read_string(&entries[i].key, &in, env, spare, true));
        FVM_TRY(fvm_cbor_uint(&entries[i].codec, &in));
        FVM_TRY(read_string(&entries[i].value, &in, env, spare, false));
    }
    *count = (uint32_t)n;
    return fvm_cbor_end(in);
}

static fvm_err check_blob(const fvm_event_entry *entries, uint32_t count)
{
    size_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (entries[i].key.len > BLOB_KEY_MAX) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
        if (entries[i].codec != FVM_CODEC_RAW) return FVM_ERR_SYS_ILLEGAL_CODEC;
        total += entries[i].value.len;
    }
    return total > VALUES_MAX ? FVM_ERR_SYS_ILLEGAL_ARGUMENT : FVM_OK;
}

fvm_err fvm__event_emit_cbor(fvm_invocation *inv, fvm_bytes blob)
{
    fvm_message_env *env = inv->env;
    if (inv->read_only) return FVM_ERR_SYS_READ_ONLY;
    FVM_TRY(fvm_price_on_actor_event_validate(env->net, &env->gas, blob.len));
    if (blob.len > BLOB_MAX) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;

    fvm_arena_mark mark = fvm_arena_mark_get(env->arena);
    fvm_buf spare;
    fvm_buf_init(&spare, env->alloc);
    uint32_t count = 0;
    fvm_event_entry *entries = fvm_arena_alloc(env->arena, BLOB_ENTRIES_MAX * sizeof *entries);
    fvm_err err = entries ? read_blob(entries, &count, env, blob, &spare) : FVM_ERR_NOMEM;
    if (err != FVM_OK && err != FVM_ERR_NOMEM) err = FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    if (err == FVM_OK) err = check_blob(entries, count);
    if (err == FVM_OK) err = fvm_price_on_actor_event_accept(env->net, &env->gas, blob.len);
    if (err == FVM_OK) err = fvm__event_append(inv, entries, count);
    if (err != FVM_OK) fvm_arena_release(env->arena, mark);
    fvm_buf_deinit(&spare);
    return err;
}
