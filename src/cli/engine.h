/* engine.h - the engine of a command: what runs wasm, and where compiled modules are kept. */
#ifndef FVM_CLI_ENGINE_H
#define FVM_CLI_ENGINE_H

#include "cli.h"
#include <fvm/store.h>

/** As the command's options say. */
typedef struct fvm_cli_engine {
    fvm_engine_config config;
    const char *code_folder; /* NULL: none */
    fvm_code_folder *folder;
    fvm_code_cache cache;
    fvm_engine *engine;
    bool told; /* that it could not be made */
} fvm_cli_engine;
#define FVM_CLI_MEMORY_HELP                                                                        \
    "  --memory NAME  how compiled code stays within memory: checked or guarded, which give the\n" \
    "                 same results (default: checked)\n"
#define FVM_CLI_CODE_CACHE_HELP                                                                    \
    "  --code-cache DIR  keep compiled modules in DIR for the next run: a folder of your own, "    \
    "as\n"                                                                                         \
    "                 code is run from it\n"

/** The value of --engine; false after a message on stderr. */
bool fvm_cli_engine_named(fvm_engine_backend *out, const fvm_args *args);
/** The value of --memory, likewise. */
bool fvm_cli_memory_named(fvm_engine_memory *out, const fvm_args *args);
/** Makes the engine; what is wrong has been said on stderr. */
FVM_NODISCARD fvm_err fvm_cli_engine_open(fvm_cli_engine *engine, const char *command);
void fvm_cli_engine_close(fvm_cli_engine *engine);
#endif
