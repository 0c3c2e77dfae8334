/* wasm_tool.h - what the actions of `fvm wasm` share. */
#ifndef FVM_CLI_WASM_TOOL_H
#define FVM_CLI_WASM_TOOL_H

#include "cli.h"
#include "wasm/wasm.h"

#define FVM_WASM_FILE_MAX (UINT64_C(256) << 20) /* bytes of a module file */

/** The options, whatever the action. */
typedef struct fvm_wasm_command {
    const char *network; /* as given; for messages */
    const fvm_wasm_rules *rules;
    const fvm_wasm_host_table *hosts; /* NULL: none (the bare standard) */
    fvm_wasm_backend backend;
    bool stats, json;
    const char *invoke; /* name of an export */
    uint64_t gas_limit; /* whole gas */
    uint64_t func;      /* to list; UINT32_MAX: all */
    const char *const *words;
    int count; /* files; of `run` a file and arguments */
} fvm_wasm_command;

/** Reads a module file; says what is wrong on stderr. */
FVM_NODISCARD fvm_err fvm_wasm_file_read(fvm_buf *out, const char *path);

fvm_cli_exit fvm_wasm_check(const fvm_wasm_command *c);
fvm_cli_exit fvm_wasm_compile(const fvm_wasm_command *c);
fvm_cli_exit fvm_wasm_run(const fvm_wasm_command *c);
fvm_cli_exit fvm_wasm_list(const fvm_wasm_command *c);
#endif
