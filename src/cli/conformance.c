/* conformance.c - one vector file: run every variant, then compare. When something differs the
 * report says where: receipt fields, the first gas charge, the first actor. */
#include "conformance.h"

#include "actor_swap.h"

/* The report of a run; result "failed" until told otherwise. NULL when out of memory. */
static json_t *new_report(const char *file, const char *id, const char *variant)
{
    json_t *report = json_pack("{s:s,s:s}", "file", file, "result", "failed");
    if (id) (void)json_object_set_new(report, "id", json_string(id));
    if (variant) (void)json_object_set_new(report, "variant", json_string(variant));
    return report;
}

static void set(json_t *report, const char *key, json_t *value)
{
    if (json_object_set_new(report, key, value) != 0)
        (void)json_object_set_new(report, "reason", json_string("out of memory"));
}

static void keep(fvm_file_result *result, json_t *report)
{
    if (!report || json_array_append_new(result->runs, report) != 0) result->host_failure = true;
}

static void count_error(fvm_file_result *result, fvm_err err)
{
    if (fvm_err_class_of(err) == FVM_CLASS_HOST) result->host_failure = true;
}

/* Runs again with an eye on every charge. */
static fvm_err compare_trace(json_t **difference, const fvm_vector *vector, const json_t *trace,
                             fvm_context *context)
{
    fvm_trace_compare compare;
    FVM_TRY(fvm_trace_compare_init(&compare, trace));
    fvm_run_watch watch = fvm_trace_compare_watch(&compare);
    fvm_vector_run run;
    fvm_vector_run_do(&run, vector, &vector->variants[0], context, &watch);
    fvm_err err = run.err;
    fvm_vector_run_deinit(&run);
    fvm_err ended = fvm_trace_compare_end(&compare, difference);
    /* the first difference is worth telling even when the run broke off later */
    if (ended == FVM_OK && *difference) return FVM_OK;
    return err != FVM_OK ? err : ended;
}

/* Compares the first variant's charges and notes the first difference. False: they differ. */
static bool test_trace(fvm_file_result *result, json_t *report, const fvm_vector *vector,
                       fvm_context *context)
{
    json_t *trace, *difference = NULL;
    fvm_store_why why = { { 0 } };
    fvm_err err = fvm_trace_file_load(&trace, vector, &why);
    if (err == FVM_OK && !trace) return true;
    if (err == FVM_OK) {
        result->traces++;
        err = compare_trace(&difference, vector, trace, context);
        json_decref(trace);
        if (err != FVM_OK) (void)fvm__why(&why, err, "trace: %s", fvm_err_text(err));
    }
    if (difference) set(report, "charge", difference);
    if (err != FVM_OK) {
        set(report, "trace_problem", json_string(why.text));
        count_error(result, err);
    }
    return err == FVM_OK && !difference;
}

/* The places to look at after a mismatch. */
static void diagnose(fvm_file_result *result, json_t *report, const fvm_vector *vector,
                     const fvm_vector_variant *variant, const fvm_vector_run *run,
                     const fvm_cid *root)
{
    json_t *actor = NULL;
    if (run->err != FVM_OK || fvm_cid_eq(root, &run->root)) return;
    fvm_err err = fvm_state_difference(&actor, &run->store, variant->nv, root, &run->root);
    (void)vector;
    if (err != FVM_OK) {
        set(report, "actor_problem", json_string(fvm_err_text(err)));
        count_error(result, err);
    } else if (actor) {
        set(report, "actor", actor);
    }
}

/* Compares a run with the postconditions, which nobody has looked at before. */
static bool compare_run(fvm_file_result *result, json_t *report, const fvm_vector *vector,
                        const fvm_vector_variant *variant, const fvm_vector_run *run)
{
    json_t *receipts, *differences = json_array();
    fvm_cid root;
    fvm_store_why why = { { 0 } };
    fvm_err err = fvm_vector_expected(vector, &receipts, &root, &why);
    if (err != FVM_OK) {
        set(report, "reason", json_string(why.text));
        result->bad_input = true;
        json_decref(differences);
        return false;
    }
    err = vector->actors ? fvm_swap_compare(differences, run, vector, variant->nv, receipts, &root)
                         : fvm_vector_compare(differences, run, receipts, &root);
    if (err != FVM_OK) {
        set(report, "reason", json_string(fvm_err_text(err)));
        count_error(result, err);
        json_decref(differences);
        return false;
    }
    bool same = json_array_size(differences) == 0;
    if (!same) {
        set(report, "differences", differences);
        if (!vector->actors) diagnose(result, report, vector, variant, run, &root);
    } else {
        json_decref(differences);
    }
    return same;
}

static void test_variant(fvm_file_result *result, const fvm_vector *vector,
                         const fvm_vector_variant *variant, const fvm_conformance *options,
                         fvm_context *context)
{
    json_t *report = new_report(vector->file, vector->id, variant->id);
    bool first = variant == vector->variants, same = false, ran = false;
    fvm_vector_run run;
    fvm_vector_run_do(&run, vector, variant, context, NULL);
    fvm_phases_add(&result->phases, &run.phases);
    fvm_phases_begin(&result->phases);
    if (run.err != FVM_OK) {
        set(report, "reason", json_string(run.why.text));
        count_error(result, run.err);
    } else if (options->emit) {
        set(report, "postconditions", fvm_vector_run_to_json(&run));
        same = true;
    } else {
        ran = true;
        same = compare_run(result, report, vector, variant, &run);
    }
    bool skipped = run.skipped, failed_run = run.err != FVM_OK && !skipped;
    fvm_vector_run_deinit(&run);
    fvm_phases_end(&result->phases, FVM_PHASE_COMPARE);
    if (!options->emit && !options->actors && first &&
        ((ran && (!same || options->traces)) || failed_run))
        same = test_trace(result, report, vector, context) && same;
    set(report, "result", json_string(skipped ? "skipped" : same ? "passed" : "failed"));
    *(skipped ? &result->skipped : same ? &result->passed : &result->failed) += 1;
    keep(result, report);
}

void fvm_conformance_file(fvm_file_result *result, const char *file, const fvm_conformance *options,
                          fvm_context *context)
{
    fvm_vector *vector;
    fvm_store_why why = { { 0 } };
    *result = (fvm_file_result){ .runs = json_array() };
    fvm_err err = fvm_vector_load(&vector, file, &why);
    if (err != FVM_OK) {
        json_t *report = new_report(file, NULL, NULL);
        set(report, "reason", json_string(why.text));
        result->failed = 1;
        if (fvm_err_class_of(err) == FVM_CLASS_HOST)
            result->host_failure = true;
        else
            result->bad_input = true;
        keep(result, report);
        return;
    }
    vector->actors = options->actors;
    fvm_phases_add(&result->phases, &vector->phases);
    for (size_t i = 0; i < vector->variant_count; i++) {
        const fvm_vector_variant *variant = &vector->variants[i];
        if (options->network && variant->nv != options->network) continue;
        test_variant(result, vector, variant, options, context);
    }
    fvm_vector_free(vector);
}
