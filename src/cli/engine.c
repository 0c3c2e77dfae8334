/* engine.c - see engine.h. */
#include "engine.h"

bool fvm_cli_engine_named(fvm_engine_backend *out, const fvm_args *args)
{
    *out = strcmp(args->value, "jit") == 0 ? FVM_ENGINE_JIT : FVM_ENGINE_INTERP;
    if (*out == FVM_ENGINE_JIT || strcmp(args->value, "interp") == 0) return true;
    fprintf(stderr, "fvm %s: no engine '%s'; there are interp and jit.\n", args->command,
            args->value);
    return false;
}

bool fvm_cli_memory_named(fvm_engine_memory *out, const fvm_args *args)
{
    bool guarded = strcmp(args->value, "guarded") == 0;
    *out = guarded ? FVM_ENGINE_MEMORY_GUARDED : FVM_ENGINE_MEMORY_CHECKED;
    if (guarded || strcmp(args->value, "checked") == 0) return true;
    fprintf(stderr, "fvm %s: no memory '%s'; there are checked and guarded.\n", args->command,
            args->value);
    return false;
}

fvm_err fvm_cli_engine_open(fvm_cli_engine *e, const char *command)
{
    fvm_store_why why = { { 0 } };
    e->told = true;
    if (e->code_folder) {
        fvm_err err = fvm_code_folder_open(&e->folder, e->code_folder, 0, NULL, &why);
        if (err != FVM_OK) {
            fprintf(stderr, "fvm %s: --code-cache: %s\n", command, why.text);
            return err;
        }
        e->cache = fvm_code_folder_cache(e->folder);
        e->config.code_cache = &e->cache;
    }
    fvm_err err = fvm_engine_new_with(&e->engine, &e->config, NULL);
    if (err != FVM_OK) {
        fprintf(stderr, "fvm %s: %s\n", command,
                err != FVM_ERR_INVALID ? fvm_err_text(err)
                : e->config.profile    ? "profiles are made by the interpreter: no --engine jit"
                                       : "no compiler for this CPU: --engine interp works");
        fvm_cli_engine_close(e);
        return err;
    }
    e->told = false;
    return FVM_OK;
}

void fvm_cli_engine_close(fvm_cli_engine *e)
{
    fvm_engine_free(e->engine);
    fvm_code_folder_close(e->folder);
    e->engine = NULL;
    e->folder = NULL;
}
