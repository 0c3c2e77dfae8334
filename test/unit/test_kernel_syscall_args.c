/* What syscalls refuse before they do any work: no row of this table charges anything. */
#include "kernel_fixture.h"

#define END 65536u /* of memory */
#define ARG FVM_ERR_SYS_ILLEGAL_ARGUMENT

static const struct {
    const char *why;
    uint32_t version;
    fvm__syscall_fn *handler;
    uint64_t args[8];
    fvm_err err;
} refused[] = {
    { "block_open, no CID at the end of memory", 21, fvm__ipld_block_open, { END }, ARG },
    { "block_open, beyond memory", 21, fvm__ipld_block_open, { END + 1 }, ARG },
    { "block_open, no CID there", 21, fvm__ipld_block_open, { 0 }, ARG },
    { "block_create, range", 21, fvm__ipld_block_create, { 0x55, END, 1 }, ARG },
    { "block_create, range by overflow", 21, fvm__ipld_block_create, { 0x55, 1, UINT32_MAX }, ARG },
    { "block_create, codec",
      21,
      fvm__ipld_block_create,
      { 0x70, 0, 1 },
      FVM_ERR_SYS_ILLEGAL_CODEC },
    { "block_create, range before codec", 21, fvm__ipld_block_create, { 0x70, END, 1 }, ARG },
    { "block_read, range", 21, fvm__ipld_block_read, { 1, 0, END - 3, 4 }, ARG },
    { "block_read, offset + length", 21, fvm__ipld_block_read, { 1, INT32_MAX, 0, 1 }, ARG },
    { "block_read, handle 0",
      21,
      fvm__ipld_block_read,
      { 0, 0, 0, 4 },
      FVM_ERR_SYS_INVALID_HANDLE },
    { "block_link, range before hash", 21, fvm__ipld_block_link, { 1, 0, 0, END, 1 }, ARG },
    { "block_link, hash",
      21,
      fvm__ipld_block_link,
      { 1, 0x12, 32, 0, 99 },
      FVM_ERR_SYS_ILLEGAL_CID },
    { "block_link, length",
      21,
      fvm__ipld_block_link,
      { 1, 0xb220, 31, 0, 99 },
      FVM_ERR_SYS_ILLEGAL_CID },
    { "block_link, handle",
      21,
      fvm__ipld_block_link,
      { 1, 0xb220, 32, 0, 99 },
      FVM_ERR_SYS_INVALID_HANDLE },
    { "root, range", 21, fvm__self_root, { END - 1, 2 }, ARG },
    { "set_root, no CID", 21, fvm__self_set_root, { 0 }, ARG },
    { "self_destruct to no address", 20, fvm__self_destruct_to, { 0, 0 }, ARG },
    { "resolve_address, range", 21, fvm__actor_resolve_address, { END - 1, 2 }, ARG },
    { "resolve_address, empty", 21, fvm__actor_resolve_address, { 0, 0 }, ARG },
    { "resolve_address, f1 too short", 21, fvm__actor_resolve_address, { 64, 20 }, ARG },
    { "lookup_delegated_address, range", 21, fvm__actor_lookup_delegated, { 1, END, 1 }, ARG },
    { "get_actor_code_cid, range", 21, fvm__actor_code_cid, { 1, END, 1 }, ARG },
    { "next_actor_address, range", 21, fvm__actor_next_address, { END - 20, 21 }, ARG },
    { "next_actor_address, room",
      21,
      fvm__actor_next_address,
      { 0, 20 },
      FVM_ERR_SYS_BUFFER_TOO_SMALL },
    { "new_actor_address, room",
      17,
      fvm__actor_new_address,
      { 0, 20 },
      FVM_ERR_SYS_BUFFER_TOO_SMALL },
    { "create_actor, no CID", 21, fvm__actor_create, { 7, 0, 0, 0 }, ARG },
    { "create_actor, address", 21, fvm__actor_create, { 7, 128, 0, 1 }, ARG },
    { "create_actor, not by init", 21, fvm__actor_create, { 7, 128, 0, 0 }, FVM_ERR_SYS_FORBIDDEN },
    { "create_actor before nv18, not built in",
      17,
      fvm__actor_create_builtin,
      { 7, 128 },
      FVM_ERR_SYS_FORBIDDEN },
    { "get_builtin_actor_type, no CID", 21, fvm__actor_builtin_type, { 0 }, ARG },
    { "get_code_cid_for_type, range", 21, fvm__actor_code_for_type, { 1, END, 1 }, ARG },
    { "upgrade_actor, no CID", 21, fvm__actor_upgrade, { 0, 0 }, ARG },
    { "upgrade_actor, handle", 21, fvm__actor_upgrade, { 128, 1 }, FVM_ERR_SYS_INVALID_HANDLE },
    { "verify_signature, type 0",
      21,
      fvm__crypto_verify_signature,
      { 0, 0, 0, 64, 21, 0, 0 },
      ARG },
    { "verify_signature, type 3",
      21,
      fvm__crypto_verify_signature,
      { 3, 0, 0, 64, 21, 0, 0 },
      ARG },
    { "verify_signature, address", 21, fvm__crypto_verify_signature, { 1, 0, 0, 0, 0, 0, 0 }, ARG },
    { "verify_signature, text",
      21,
      fvm__crypto_verify_signature,
      { 1, 0, 0, 64, 21, END, 1 },
      ARG },
    { "aggregate, count overflows",
      21,
      fvm__crypto_verify_bls_aggregate,
      { 89478486, 0, 0, 0, 0 },
      ARG },
    { "aggregate, signature", 21, fvm__crypto_verify_bls_aggregate, { 0, END - 95, 0, 0, 0 }, ARG },
    { "aggregate, keys", 21, fvm__crypto_verify_bls_aggregate, { 1, 0, END - 47, 0, 0 }, ARG },
    { "aggregate, lengths", 21, fvm__crypto_verify_bls_aggregate, { 1, 0, 0, 0, END - 3 }, ARG },
    { "recover, hash", 21, fvm__crypto_recover, { END - 31, 0 }, ARG },
    { "recover, signature", 21, fvm__crypto_recover, { 0, END - 64 }, ARG },
    { "hash, digest", 21, fvm__crypto_hash, { 0x12, 0, 1, END, 1 }, ARG },
    { "hash, data", 21, fvm__crypto_hash, { 0x12, END, 1, 0, 1 }, ARG },
    { "hash, code", 21, fvm__crypto_hash, { 0x13, 0, 1, 0, 1 }, ARG },
    { "unsealed, proof", 21, fvm__crypto_unsealed_cid, { 20, 0, 1, 0, 99 }, ARG },
    { "unsealed, proof below 0", 21, fvm__crypto_unsealed_cid, { UINT64_MAX, 0, 1, 0, 99 }, ARG },
    { "unsealed, pieces", 21, fvm__crypto_unsealed_cid, { 5, 256, 1, 0, 99 }, ARG },
    { "unsealed, buffer", 21, fvm__crypto_unsealed_cid, { 5, 192, 1, END, 1 }, ARG },
    { "post, not CBOR", 21, fvm__crypto_verify_post, { 0, 1 }, ARG },
    { "aggregate seals, not CBOR", 21, fvm__crypto_verify_aggregate, { 0, 1 }, ARG },
    { "update, not CBOR", 21, fvm__crypto_verify_update, { 0, 1 }, ARG },
    { "batch, not CBOR", 21, fvm__crypto_batch_verify_seals, { 0, 0, 0 }, ARG },
    { "batch, results", 21, fvm__crypto_batch_verify_seals, { 192, 1, END + 1 }, ARG },
    { "seal, not CBOR", 17, fvm__crypto_verify_seal, { 0, 1 }, ARG },
    { "fault, header", 21, fvm__crypto_consensus_fault, { 0, 1, END, 1, 0, 0 }, ARG },
    { "event, blob", 18, fvm__event_emit_blob, { END, 1 }, ARG },
    { "randomness, entropy", 20, fvm__rand_chain_drawn, { 1, 1, END, 1 }, ARG },
    { "randomness, epochs that overflow", 21, fvm__rand_beacon, { (uint64_t)INT64_MIN }, ARG },
    { "tipset, buffer", 21, fvm__network_tipset_cid, { 1, END, 1 }, ARG },
    { "tipset, epoch below 0", 21, fvm__network_tipset_cid, { UINT64_MAX, 0, 99 }, ARG },
    { "tipset, this epoch", 21, fvm__network_tipset_cid, { 2000, 0, 99 }, ARG },
    { "tipset, 900 back before nv21", 20, fvm__network_tipset_cid, { 1100, 0, 99 }, ARG },
    { "gas.charge, name", 21, fvm__gas_charge_units, { END, 1, 1 }, ARG },
    { "gas.charge, not UTF-8", 21, fvm__gas_charge_units, { 256, 1, 1 }, ARG },
    { "send, address", 21, fvm__send, { 0, 0, 0, 0, 0, 0, 0, 0 }, ARG },
    { "send, flags", 21, fvm__send, { 64, 21, 0, 0, 0, 0, 0, 2 }, ARG },
    { "send, value while read-only",
      21,
      fvm__send,
      { 64, 21, 0, 0, 0, 1, 0, 1 },
      FVM_ERR_SYS_READ_ONLY },
    { "send, params", 21, fvm__send, { 64, 21, 0, 5, 0, 0, 0, 0 }, FVM_ERR_SYS_INVALID_HANDLE },
    { "send before nv18, params",
      17,
      fvm__send_plain,
      { 64, 21, 0, 5, 0, 0 },
      FVM_ERR_SYS_INVALID_HANDLE },
};

TEST(bad_arguments_are_refused_without_a_charge)
{
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        fixture f;
        fvm_cid code = fixture_link(9);
        fixture_open(&f, refused[i].version);
        fixture_poke(&f, 64, (fvm_bytes){ f.key.bytes, f.key.len });
        fixture_poke_cid(&f, 128, &code);
        f.mem[192] = 0x80; /* CBOR of an empty array */
        f.mem[256] = 0xff;
        memset(f.out, 0xa5, sizeof f.out);
        CHECK_AT(refused[i].why,
                 fixture_call(&f, refused[i].handler, refused[i].args) == refused[i].err);
        CHECK_AT(refused[i].why, f.env.gas.used == 0 && f.trace_len == 0);
        for (size_t j = 0; j < sizeof f.out; j++) CHECK_AT(refused[i].why, f.out[j] == 0xa5);
        fixture_close(&f);
    }
}

TEST(actors_that_may_only_read_change_nothing)
{
    static const struct {
        uint32_t version;
        fvm__syscall_fn *handler;
        uint64_t args[4];
        uint64_t receiver;
    } rows[] = {
        { 21, fvm__self_set_root, { 128 }, SELF },
        { 21, fvm__self_destruct, { 1 }, SELF },
        { 18, fvm__self_destruct_to, { 64, 21 }, SELF },
        { 21, fvm__actor_create, { 7, 128, 0, 0 }, FVM_ID_INIT },
        { 21, fvm__actor_upgrade, { 128, 0 }, SELF },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fixture f;
        fvm_cid code = fixture_link(9);
        fixture_open(&f, rows[i].version);
        fixture_poke(&f, 64, (fvm_bytes){ f.key.bytes, f.key.len });
        fixture_poke_cid(&f, 128, &code);
        f.inv.read_only = true;
        f.inv.receiver = rows[i].receiver;
        CHECK_ERR(fixture_call(&f, rows[i].handler, rows[i].args), FVM_ERR_SYS_READ_ONLY);
        CHECK(f.env.gas.used == 0);
        fixture_close(&f);
    }
}

TEST(stretches_of_memory_may_be_empty_up_to_its_end)
{
    fixture f;
    fixture_open(&f, 21);
    CHECK_OK(CALL(&f, fvm__ipld_block_create, FVM_CODEC_RAW, END, 0));
    CHECK_ERR(CALL(&f, fvm__ipld_block_create, FVM_CODEC_RAW, END + 1, 0), ARG);
    CHECK_OK(CALL(&f, fvm__gas_charge_units, END, 0, 0));
    fixture_close(&f);
}

TEST(import_tables_name_each_syscall_once_with_plain_types)
{
    static const uint32_t versions[] = { 17, 18, 21 };
    for (size_t v = 0; v < FVM_COUNT(versions); v++) {
        const fvm_wasm_host_table *table = fvm_kernel_syscalls(fvm_network_find(versions[v]));
        for (size_t i = 0; i < table->count; i++) {
            const fvm_wasm_host_func *a = &table->funcs[i];
            CHECK_AT(a->name, strspn(a->params, "il") == strlen(a->params) && a->fn);
            CHECK_AT(a->name, strcmp(a->results, "i") == 0);
            for (size_t j = 0; j < i; j++)
                CHECK_AT(a->name, strcmp(a->module, table->funcs[j].module) != 0 ||
                                      strcmp(a->name, table->funcs[j].name) != 0);
        }
    }
}
