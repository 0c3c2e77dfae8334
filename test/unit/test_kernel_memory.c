/* Each allocation of a syscall failing in turn: the syscall says so, and nothing is lost. */
#include "kernel_fixture.h"

#include "crypto/crypto.h"

/* Runs `calls` in a fixture whose arena and env take memory from `alloc`. */
static fvm_err with_memory_of(const fvm_allocator *alloc, fvm_err (*calls)(fixture *f),
                              uint32_t version)
{
    fixture f;
    fixture_open(&f, version);
    fvm_arena_deinit(&f.arena);
    fvm_arena_init(&f.arena, alloc);
    f.env.alloc = alloc;
    fvm_err err = calls(&f);
    fvm_env_deinit(&f.env);
    f.env.alloc = NULL;
    fixture_close(&f);
    return err;
}

/* [link, link] over two blocks that are made before; opened again, its links known. */
static fvm_err blocks(fixture *f)
{
    f->mem[0] = 0x01;
    f->mem[1] = 0x02;
    for (uint32_t i = 0; i < 2; i++) {
        FVM_TRY(CALL(f, fvm__ipld_block_create, FVM_CODEC_RAW, i, 1));
        FVM_TRY(CALL(f, fvm__ipld_block_link, i + 1, FVM_HASH_BLAKE2B_256, 32, 100 + 50 * i, 50));
    }
    uint32_t n = 1000;
    f->mem[n++] = 0x8a;
    for (uint32_t i = 0; i < 10; i++) { /* more than the scanner has room for at first */
        static const uint8_t head[] = { 0xd8, 42, 0x58, 39, 0 };
        fixture_poke(f, n, (fvm_bytes){ head, sizeof head });
        memcpy(f->mem + n + 5, f->mem + 100 + 50 * (i & 1), 38);
        n += 43;
    }
    FVM_TRY(CALL(f, fvm__ipld_block_create, FVM_CODEC_DAG_CBOR, 1000, n - 1000));
    FVM_TRY(CALL(f, fvm__ipld_block_link, 3, FVM_HASH_BLAKE2B_256, 32, 200, 50));
    for (int i = 0; i < 10; i++) FVM_TRY(CALL(f, fvm__ipld_block_open, 200));
    return CALL(f, fvm__self_root, 300, 50);
}
static fvm_err blocks_body(const fvm_allocator *alloc, void *ctx)
{
    (void)ctx;
    return with_memory_of(alloc, blocks, 21);
}
TEST(blocks_survive_each_allocation_failing)
{
    test_each_allocation_fails(blocks_body, NULL);
}

static fvm_err events(fixture *f)
{
    for (int i = 0; i < 40; i++) {
        fvm_store_le64(f->mem, 3);
        fvm_store_le64(f->mem + 8, FVM_CODEC_RAW);
        fvm_store_le32(f->mem + 16, 1);
        fvm_store_le32(f->mem + 20, 5000);
        f->mem[100] = 'k';
        FVM_TRY(CALL(f, fvm__event_emit_parts, 0, 1, 100, 1, 200, 5000));
    }
    return FVM_OK;
}
static fvm_err events_body(const fvm_allocator *alloc, void *ctx)
{
    (void)ctx;
    return with_memory_of(alloc, events, 21);
}
static fvm_err blob(fixture *f)
{
    /* a key in two pieces, which the decoder joins in a buffer of its own */
    fixture_poke(
        f, 0, FVM_BYTES(0x81, 0x84, 0x03, 0x7f, 0x61, 't', 0x61, '1', 0xff, 0x18, 0x55, 0x41, 'v'));
    FVM_TRY(CALL(f, fvm__event_emit_blob, 0, 13));
    CHECK_BYTES(f->env.events[0].entries[0].key, FVM_STR("t1"));
    return FVM_OK;
}
static fvm_err blob_body(const fvm_allocator *alloc, void *ctx)
{
    (void)ctx;
    return with_memory_of(alloc, blob, 19);
}
TEST(events_survive_each_allocation_failing)
{
    test_each_allocation_fails(events_body, NULL);
    test_each_allocation_fails(blob_body, NULL);
}

static fvm_err verdicts(fixture *f)
{
    uint8_t sig[96], key[48];
    static const uint8_t secret[32] = { 1, [31] = 9 };
    CHECK(fvm_bls_sign(sig, secret, FVM_STR("text")) && fvm_bls_public_key(key, secret));
    fixture_poke(f, 100, (fvm_bytes){ sig, 96 });
    fixture_poke(f, 200, (fvm_bytes){ key, 48 });
    fixture_poke(f, 300, FVM_STR("text"));
    fvm_store_le32(f->mem + 400, 4);
    FVM_TRY(CALL(f, fvm__crypto_verify_bls_aggregate, 1, 100, 200, 300, 400));
    /* one piece of half a sector */
    static const uint8_t piece[] = { 0x81, 0x82, 0x19, 0x04, 0x00, 0xd8, 42,   0x58, 40,
                                     0x00, 0x01, 0x81, 0xe2, 0x03, 0x92, 0x20, 0x20 };
    memset(f->mem + 1000, 0, 100);
    fixture_poke(f, 1000, (fvm_bytes){ piece, sizeof piece });
    return CALL(f, fvm__crypto_unsealed_cid, 5, 1000, sizeof piece + 32, 2000, 99);
}
static fvm_err verdicts_body(const fvm_allocator *alloc, void *ctx)
{
    (void)ctx;
    return with_memory_of(alloc, verdicts, 21);
}
TEST(verdicts_survive_each_allocation_failing)
{
    test_each_allocation_fails(verdicts_body, NULL);
}
