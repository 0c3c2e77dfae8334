/* vector_run.c - see vector_run.h. */
#include "actor_swap.h"

#include "kernel/state.h"

fvm_err fvm_vector_store(fvm_blockstore *out, const fvm_vector *vector)
{
    return fvm_blockstore_buffered_new(out, fvm_vector_blocks(vector), NULL);
}

fvm_err fvm_vector_machine(fvm_machine **out, const fvm_vector *vector,
                           const fvm_vector_variant *variant, fvm_context *context,
                           const fvm_blockstore *store, const fvm_externs *externs,
                           const fvm_trace_sink *trace)
{
    fvm_cid root = vector->root;
    fvm_store_why why = { { 0 } };
    if (vector->actors) FVM_TRY(fvm_swap_apply(&root, store, variant->nv, vector->actors, &why));
    fvm_machine_config config = {
        .network_version = variant->nv,
        .chain_id = vector->chain_id,
        .epoch = variant->epoch,
        .timestamp = variant->timestamp,
        .base_fee = vector->base_fee,
        .circulating_supply = vector->circulating_supply,
        .externs = externs,
        .trace = trace,
    };
    return fvm_machine_new(out, context, store, &root, &config);
}

fvm_err fvm_vector_message_read(const fvm_vector *vector, size_t i, uint32_t nv,
                                fvm_message *message, uint64_t *chain_length)
{
    const fvm_vector_message *m = &vector->messages[i];
    FVM_TRY(fvm_message_read(message, m->bytes, nv));
    *chain_length = m->chain_length;
    if (!m->has_chain_length) {
        /* a secp256k1 signature: type byte, 65 bytes, and their CBOR head and outer list */
        *chain_length = m->bytes.len;
        if (fvm_address_protocol(&message->from) == FVM_PROTOCOL_SECP256K1) *chain_length += 69;
    }
    return FVM_OK;
}

/* The CID of the list of built-in actors, as the system actor's state has it. The block that the
 * file's `manifest` names, [1, that CID], is in none of them. */
static fvm_err manifest_data(fvm_cid *out, const fvm_vector *vector, const fvm_network *net,
                             const fvm_blockstore *store)
{
    fvm_state_view *view;
    FVM_TRY(fvm_state_view_open(&view, store, &vector->root, net, NULL));
    fvm_err err = fvm_system_state_manifest(view, out);
    fvm_state_view_free(view);
    return err;
}

/* Whether the list and the code of every built-in actor are there. The extracted files have the
 * list without the code. */
static fvm_err has_builtins(bool *out, const fvm_blockstore *store, const fvm_cid *data,
                            const fvm_network *net)
{
    fvm_manifest *manifest;
    fvm_err err = fvm_blockstore_has(store, out, data);
    if (err != FVM_OK || !*out) return err;
    FVM_TRY(fvm_manifest_load(&manifest, store, data, net, NULL));
    for (uint32_t i = 1; i <= fvm_manifest_count(manifest) && err == FVM_OK && *out; i++)
        err = fvm_blockstore_has(store, out, fvm_manifest_code(manifest, i, NULL));
    fvm_manifest_free(manifest);
    return err;
}

fvm_err fvm_vector_bundle(const fvm_vector *vector, const fvm_vector_variant *variant,
                          const fvm_blockstore *store, fvm_store_why *why)
{
    const fvm_network *net = fvm_network_find(variant->nv);
    fvm_cid data;
    bool has = false;
    char text[FVM_CID_TEXT_MAX];
    if (!net)
        return fvm__why(why, FVM_ERR_VERSION, "network version %u is not supported", variant->nv);
    fvm_err err = manifest_data(&data, vector, net, store);
    if (err == FVM_OK) err = has_builtins(&has, store, &data, net);
    if (err != FVM_OK)
        return fvm__why(why, err == FVM_ERR_NOT_FOUND ? FVM_ERR_BAD_STATE : err,
                        "no list of built-in actors: %s", fvm_err_text(err));
    if (has) return FVM_OK;
    if (vector->bundle_missing.text[0])
        return fvm__why(why, FVM_ERR_NOT_FOUND, "%s", vector->bundle_missing.text);
    (void)fvm_cid_to_text(text, &data);
    if (vector->bundle)
        return fvm__why(why, FVM_ERR_NOT_FOUND, "needs the built-in actors %s (list %s)",
                        vector->bundle, text);
    return fvm__why(why, FVM_ERR_NOT_FOUND,
                    "needs mainnet's built-in actors of network version %u (list %s)", variant->nv,
                    text);
}

static fvm_err apply_all(fvm_vector_run *run, const fvm_vector *vector,
                         const fvm_vector_variant *variant, fvm_machine *machine,
                         const fvm_run_watch *watch)
{
    for (size_t i = 0; i < vector->message_count; i++) {
        fvm_message message;
        uint64_t chain_length;
        fvm_err err = fvm_vector_message_read(vector, i, variant->nv, &message, &chain_length);
        if (err != FVM_OK)
            return fvm__why(&run->why, err, "message %zu does not decode: %s", i,
                            fvm_err_text(err));
        if (watch && watch->begin) watch->begin(watch->sink.ctx, i, &message);
        fvm_buf params;
        fvm_buf_init(&params, NULL);
        fvm_receipt_init(&run->receipts[i], NULL);
        run->count = i + 1;
        if (vector->actors) {
            err = fvm_swap_params(&params, message.params, &vector->root, &run->store, variant->nv,
                                  vector->actors);
            message.params = fvm_buf_bytes(&params);
        }
        fvm_apply_kind kind = vector->messages[i].implicit ? FVM_APPLY_IMPLICIT
                                                           : FVM_APPLY_EXPLICIT;
        if (err == FVM_OK)
            err = fvm_machine_apply(machine, &run->receipts[i], &message, kind, chain_length);
        fvm_buf_deinit(&params);
        if (err != FVM_OK)
            return fvm__why(&run->why, err, "message %zu yields no receipt: %s", i,
                            fvm_err_text(err));
    }
    fvm_phases_end(&run->phases, FVM_PHASE_EXECUTE);
    fvm_err err = fvm_machine_flush(machine, &run->root);
    fvm_phases_end(&run->phases, FVM_PHASE_FLUSH);
    if (err != FVM_OK) err = fvm__why(&run->why, err, "flush: %s", fvm_err_text(err));
    return err;
}

void fvm_vector_run_do(fvm_vector_run *run, const fvm_vector *vector,
                       const fvm_vector_variant *variant, fvm_context *context,
                       const fvm_run_watch *watch)
{
    *run = (fvm_vector_run){ .err = FVM_OK };
    fvm_phases_begin(&run->phases);
    fvm_machine *machine = NULL;
    fvm_externs externs = fvm_vector_externs(vector);
    run->err = fvm_vector_store(&run->store, vector);
    if (run->err == FVM_OK && vector->message_count) {
        run->receipts = fvm_mem_zalloc(NULL, vector->message_count * sizeof *run->receipts);
        run->allocated = vector->message_count;
        if (!run->receipts) run->err = FVM_ERR_NOMEM;
    }
    if (run->err != FVM_OK) {
        (void)fvm__why(&run->why, run->err, "%s", fvm_err_text(run->err));
        return;
    }
    run->err = fvm_vector_bundle(vector, variant, &run->store, &run->why);
    run->skipped = run->err == FVM_ERR_NOT_FOUND;
    fvm_phases_end(&run->phases, FVM_PHASE_BUNDLE);
    if (run->err != FVM_OK) return;
    run->err = fvm_vector_machine(&machine, vector, variant, context, &run->store, &externs,
                                  watch ? &watch->sink : NULL);
    if (run->err != FVM_OK) {
        (void)fvm__why(&run->why, run->err, "no machine: %s", fvm_err_text(run->err));
        return;
    }
    fvm_phases_end(&run->phases, FVM_PHASE_MACHINE);
    if (watch && watch->machine) watch->machine(watch->sink.ctx, machine);
    run->err = apply_all(run, vector, variant, machine, watch);
    if (watch && watch->machine) watch->machine(watch->sink.ctx, NULL);
    fvm_machine_free(machine);
}

void fvm_vector_run_deinit(fvm_vector_run *run)
{
    for (size_t i = 0; i < run->count; i++) fvm_receipt_deinit(&run->receipts[i]);
    fvm_mem_free(NULL, run->receipts, run->allocated * sizeof *run->receipts);
    if (run->store.ops) fvm_blockstore_free(&run->store);
    *run = (fvm_vector_run){ .err = FVM_OK };
}
