/* emit_event of both kinds: limits, order of checks, charges. */
#include "kernel_fixture.h"

/* Appends an entry's head at the actor's memory, 24 bytes. */
static uint32_t put_head(fixture *f, uint32_t at, uint64_t flags, uint64_t codec, uint32_t key_len,
                         uint32_t val_len)
{
    fvm_store_le64(f->mem + at, flags);
    fvm_store_le64(f->mem + at + 8, codec);
    fvm_store_le32(f->mem + at + 16, key_len);
    fvm_store_le32(f->mem + at + 20, val_len);
    return at + 24;
}

static fvm_err emit(fixture *f, uint32_t count, uint32_t keys, uint32_t values)
{
    return CALL(f, fvm__event_emit_parts, 0, count, 16384, keys, 32768, values);
}

TEST(an_event_is_copied_and_stamped)
{
    fixture f;
    fixture_open(&f, 21);
    put_head(&f, put_head(&f, 0, 3, FVM_CODEC_RAW, 2, 3), 0, FVM_CODEC_CBOR, 0, 1);
    fixture_poke(&f, 16384, FVM_STR("t1"));
    fixture_poke(&f, 32768, FVM_STR("abcd"));
    CHECK_OK(emit(&f, 2, 2, 4));
    memset(f.mem, 0xff, sizeof f.mem);
    /* reference/prices.md 7: 17.2 z + 2500 + 1400 e + 16 k, z = 12 + 9 e + k + v */
    CHECK(f.env.gas.used == 17200 * (12 + 18 + 2 + 4) + 2500000 + 2 * 1400000 + 2 * 16000);
    CHECK(f.env.event_count == 1);
    const fvm_event *event = &f.env.events[0];
    CHECK(event->emitter == SELF && event->count == 2);
    CHECK(event->entries[0].flags == 3 && event->entries[1].codec == FVM_CODEC_CBOR);
    CHECK_BYTES(event->entries[0].key, FVM_STR("t1"));
    CHECK_BYTES(event->entries[0].value, FVM_STR("abc"));
    CHECK_BYTES(event->entries[1].value, FVM_STR("d"));
    CHECK(event->entries[1].key.len == 0);
    CHECK_OK(emit(&f, 0, 0, 0)); /* an event may be empty */
    CHECK(f.env.event_count == 2 && f.env.events[1].count == 0);
    fixture_close(&f);
}

static const struct {
    const char *why;
    uint64_t flags, codec;
    uint32_t key_len, val_len, keys, values;
    const char *key;
    fvm_err err;
} refused[] = {
    { "an unknown flag", 4, 0x55, 1, 1, 1, 1, "k", FVM_ERR_SYS_ILLEGAL_ARGUMENT },
    { "a flag before a long key", 4, 0x55, 32, 1, 1, 1, "k", FVM_ERR_SYS_ILLEGAL_ARGUMENT },
    { "a key of 32 bytes", 0, 0x55, 32, 1, 32, 1, "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk",
      FVM_ERR_SYS_LIMIT_EXCEEDED },
    { "a value length of 8193", 0, 0x55, 1, 8193, 1, 1, "k", FVM_ERR_SYS_ILLEGAL_ARGUMENT },
    { "values of 8193 bytes", 0, 0x55, 1, 8193, 1, 8193, "k", FVM_ERR_SYS_LIMIT_EXCEEDED },
    { "a key beyond the buffer", 0, 0x55, 2, 1, 1, 1, "k", FVM_ERR_SYS_ILLEGAL_ARGUMENT },
    { "a value beyond the buffer", 0, 0x55, 1, 2, 1, 1, "k", FVM_ERR_SYS_ILLEGAL_ARGUMENT },
    { "half a character", 0, 0x55, 1, 1, 2, 1, "\xc3\xa9", FVM_ERR_SYS_ILLEGAL_ARGUMENT },
    { "keys that are not UTF-8", 0, 0x55, 1, 1, 1, 1, "\xff", FVM_ERR_SYS_ILLEGAL_ARGUMENT },
    { "DAG-CBOR", 0, 0x71, 1, 1, 1, 1, "k", FVM_ERR_SYS_ILLEGAL_CODEC },
    { "key bytes left over", 0, 0x55, 1, 1, 2, 1, "kk", FVM_ERR_SYS_ILLEGAL_ARGUMENT },
    { "value bytes left over", 0, 0x55, 1, 1, 1, 2, "k", FVM_ERR_SYS_ILLEGAL_ARGUMENT },
    { "a bad codec before bytes left over", 0, 0x71, 1, 1, 2, 1, "kk", FVM_ERR_SYS_ILLEGAL_CODEC },
};

TEST(events_that_break_a_rule_are_refused_but_charged)
{
    fixture f;
    fixture_open(&f, 21);
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        put_head(&f, 0, refused[i].flags, refused[i].codec, refused[i].key_len, refused[i].val_len);
        fixture_poke(&f, 16384, fvm_bytes_of(refused[i].key));
        CHECK_AT(refused[i].why, emit(&f, 1, refused[i].keys, refused[i].values) == refused[i].err);
        CHECK_AT(refused[i].why, strcmp(f.trace, "OnActorEvent") == 0);
        CHECK(fixture_spent(&f) > 0 && f.env.event_count == 0);
    }
    fixture_close(&f);
}

TEST(two_keys_do_not_share_a_character)
{
    fixture f;
    fixture_open(&f, 21);
    put_head(&f, put_head(&f, 0, 0, FVM_CODEC_RAW, 1, 0), 0, FVM_CODEC_RAW, 1, 0);
    fixture_poke(&f, 16384, FVM_STR("\xc3\xa9"));
    CHECK_ERR(emit(&f, 2, 2, 0), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    put_head(&f, put_head(&f, 0, 0, FVM_CODEC_RAW, 2, 0), 0, FVM_CODEC_RAW, 0, 0);
    CHECK_OK(emit(&f, 2, 2, 0));
    fixture_close(&f);
}

TEST(the_largest_event_passes_and_one_entry_more_does_not)
{
    fixture f;
    fixture_open(&f, 21);
    uint32_t at = 0;
    for (int i = 0; i < 256; i++) at = put_head(&f, at, 3, FVM_CODEC_RAW, 31, 32);
    memset(f.mem + 16384, 'k', 31 * 256);
    CHECK_OK(emit(&f, 255, 31 * 255, 32 * 255));
    CHECK_ERR(emit(&f, 256, 31 * 256, 32 * 256), FVM_ERR_SYS_LIMIT_EXCEEDED);
    put_head(&f, 0, 3, FVM_CODEC_RAW, 31, 8192);
    CHECK_OK(emit(&f, 1, 31, 8192));
    /* a key buffer larger than 255 keys can use is refused without being kept */
    put_head(&f, 0, 3, 0x71, 31, 1);
    CHECK_ERR(emit(&f, 1, 8000, 1), FVM_ERR_SYS_ILLEGAL_CODEC);
    put_head(&f, 0, 3, 0x55, 31, 1);
    CHECK_ERR(emit(&f, 1, 8000, 1), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    CHECK(f.env.event_count == 2);
    fixture_close(&f);
}

TEST(ranges_come_before_the_read_only_check_and_that_before_the_charge)
{
    fixture f;
    fixture_open(&f, 21);
    f.inv.read_only = true;
    CHECK_ERR(emit(&f, 0x0fffffff, 0, 0), FVM_ERR_SYS_ILLEGAL_ARGUMENT); /* times 24 overflows */
    CHECK_ERR(emit(&f, 4096, 0, 0), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    CHECK_ERR(emit(&f, 0, 65536, 0), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    CHECK_ERR(emit(&f, 0, 0, 65536), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    CHECK_ERR(emit(&f, 0, 0, 0), FVM_ERR_SYS_READ_ONLY);
    CHECK(f.trace_len == 0);
    fixture_close(&f);
}

TEST(events_of_a_reverted_transaction_are_dropped)
{
    fixture f;
    fvm_env_mark outer, inner;
    fixture_open(&f, 21);
    CHECK_OK(fvm_env_begin(&f.env, &outer));
    CHECK_OK(emit(&f, 0, 0, 0));
    CHECK_OK(fvm_env_begin(&f.env, &inner));
    CHECK_OK(emit(&f, 0, 0, 0));
    fvm_env_end(&f.env, inner, true);
    CHECK(f.env.event_count == 1);
    fvm_env_end(&f.env, outer, false);
    CHECK(f.env.event_count == 1);
    fixture_close(&f);
}

/* --- nv18-20: a CBOR blob --- */

static fvm_err emit_blob(fixture *f, const char *hex)
{
    uint8_t room[2048];
    fvm_bytes blob = test_hex(room, sizeof room, hex);
    fixture_poke(f, 0, blob);
    return CALL(f, fvm__event_emit_blob, 0, blob.len);
}

TEST(a_blob_is_decoded_with_unknown_flags_kept)
{
    fixture f;
    fixture_open(&f, 19);
    CHECK_OK(emit_blob(&f, "8184183062743118554161"));
    CHECK(f.env.event_count == 1 && f.env.events[0].count == 1);
    const fvm_event_entry *entry = &f.env.events[0].entries[0];
    CHECK(entry->flags == 0x30 && entry->codec == FVM_CODEC_RAW);
    CHECK_BYTES(entry->key, FVM_STR("t1"));
    CHECK_BYTES(entry->value, FVM_STR("a"));
    /* n = 11: 1750 + 27.4 n, then 15.2 (n + 12) */
    CHECK(f.env.gas.used == 1750000 + 27400 * 11 + 15200 * 23);
    CHECK_OK(emit_blob(&f, "80"));
    fixture_close(&f);
}

TEST(blobs_that_break_a_rule_are_refused)
{
    static const struct {
        const char *why, *hex;
        fvm_err err;
    } rows[] = {
        { "nothing", "", FVM_ERR_SYS_ILLEGAL_ARGUMENT },
        { "not an array", "f6", FVM_ERR_SYS_ILLEGAL_ARGUMENT },
        { "three fields", "8183036174185541", FVM_ERR_SYS_ILLEGAL_ARGUMENT },
        { "bytes after it", "8000", FVM_ERR_SYS_ILLEGAL_ARGUMENT },
        { "another codec",
          "8184036174185141"
          "61",
          FVM_ERR_SYS_ILLEGAL_CODEC },
        { "a key of 33 bytes before another codec",
          "81840378216161616161616161616161616161616161616161616161616161616161616161185141"
          "61",
          FVM_ERR_SYS_ILLEGAL_ARGUMENT },
        { "a huge count", "9bffffffffffffffff", FVM_ERR_SYS_ILLEGAL_ARGUMENT },
        { "257 entries", "990101", FVM_ERR_SYS_ILLEGAL_ARGUMENT },
    };
    fixture f;
    fixture_open(&f, 20);
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        CHECK_AT(rows[i].why, emit_blob(&f, rows[i].hex) == rows[i].err);
        CHECK_AT(rows[i].why, strcmp(f.trace, "OnActorEventValidate") == 0);
        CHECK(fixture_spent(&f) > 0);
    }
    f.inv.read_only = true;
    CHECK_ERR(emit_blob(&f, "80"), FVM_ERR_SYS_READ_ONLY);
    CHECK(f.env.event_count == 0 && f.trace_len == 0);
    fixture_close(&f);
}

TEST(values_of_a_blob_may_be_8192_bytes_together)
{
    for (uint32_t len = 8192; len <= 8193; len++) {
        fixture f;
        fixture_open(&f, 18);
        uint8_t head[10] = { 0x81,        0x84, 0, 0x61, 'k', 0x18, 0x55, 0x59, (uint8_t)(len >> 8),
                             (uint8_t)len };
        fixture_poke(&f, 0, (fvm_bytes){ head, sizeof head });
        fvm_err want = len == 8192 ? FVM_OK : FVM_ERR_SYS_ILLEGAL_ARGUMENT;
        CHECK_ERR(CALL(&f, fvm__event_emit_blob, 0, sizeof head + len), want);
        fixture_close(&f);
    }
}
