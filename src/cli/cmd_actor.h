/* cmd_actor.h - what the files of `fvm actor` share: projects, building, the notation of values.
 *
 * A project is a folder: C files (the actor), test (scripts for the machine, .test), unit (tests for
 * the mock kernel, .c), gas.snapshot, and build, which holds NAME.wasm, NAME being the folder's. */
#ifndef FVM_CLI_CMD_ACTOR_H
#define FVM_CLI_CMD_ACTOR_H

#include "cli.h"

#include <fvm/address.h>
#include <fvm/big.h>

#define FVM_ACTOR_PATH_MAX 1024
#define FVM_ACTOR_FILES_MAX 64

typedef struct fvm_actor_project {
    char dir[FVM_ACTOR_PATH_MAX];
    char name[128];
    char wasm[FVM_ACTOR_PATH_MAX + 160]; /* where the module goes */
    char sdk[FVM_ACTOR_PATH_MAX];        /* the SDK's folder */
} fvm_actor_project;

/** Finds out about the project in `dir` and the SDK: $FVM_SDK, else beside the program as in a build
 *  folder, else as installed.
 *  Errors: FVM_ERR_NOT_FOUND, FVM_ERR_LIMIT. */
FVM_NODISCARD fvm_err fvm_actor_project_open(fvm_actor_project *project, const char *dir,
                                             fvm_store_why *why);
/** The files of `dir`/`folder` ("" for the project's own) that end in `suffix`, in order, as paths from
 *  malloc; at most FVM_ACTOR_FILES_MAX. A folder that is not there has none. */
FVM_NODISCARD fvm_err fvm_actor_files(char **paths, size_t *count, const fvm_actor_project *project,
                                      const char *folder, const char *suffix, fvm_store_why *why);
/** The sources among them: C and C++ (".cpp"). */
FVM_NODISCARD fvm_err fvm_actor_sources(char **paths, size_t *count,
                                        const fvm_actor_project *project, const char *folder,
                                        fvm_store_why *why);
bool fvm_actor_is_cpp(const char *path);
void fvm_actor_files_free(char **paths, size_t count);

/** Compiles and links the project. `level` is the compiler's: "-Oz". Errors: FVM_ERR_INVALID after what
 *  the compiler said; as above. */
FVM_NODISCARD fvm_err fvm_actor_build(const fvm_actor_project *project, const char *level,
                                      fvm_store_why *why);
/** Checks a module as the machine would: that it compiles, what it imports and exports. FVM_ERR_INVALID
 *  and the like with words. */
FVM_NODISCARD fvm_err fvm_actor_check(fvm_bytes wasm, fvm_store_why *why);

/** Names in values: accounts of the script's world. */
typedef struct fvm_actor_names {
    const char *const *name;
    const fvm_address *address; /* f1 */
    const uint64_t *id;
    size_t count;
} fvm_actor_names;
/** Reads one value in CBOR's diagnostic notation off the front of `text` and appends it as CBOR:
 *  integers, "text", h'hex', [..], {k: v}, true, false, null; and 5FIL or 5atto for token amounts,
 *  @name for the bytes of a name's ID address, @name.id for the number, @name.key for its f1 address.
 *  Errors: FVM_ERR_MALFORMED, FVM_ERR_NOT_FOUND (name), FVM_ERR_DEPTH, FVM_ERR_RANGE, NOMEM. */
FVM_NODISCARD fvm_err fvm_actor_value(fvm_buf *out, fvm_bytes *text, const fvm_actor_names *names);
/** Appends the notation of CBOR, or h'..' of bytes that are not CBOR. */
FVM_NODISCARD fvm_err fvm_actor_notation(fvm_buf *out, fvm_bytes cbor);

fvm_cli_exit fvm_cmd_actor_new(int argc, char **argv);
fvm_cli_exit fvm_cmd_actor_build(int argc, char **argv);
fvm_cli_exit fvm_cmd_actor_test(int argc, char **argv);
fvm_cli_exit fvm_cmd_actor_state(int argc, char **argv);
#endif
