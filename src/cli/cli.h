/* cli.h - what the commands of `fvm` share: the table of commands, reading of options, exit codes,
 * and errors that say what and where. */
#ifndef FVM_CLI_CLI_H
#define FVM_CLI_CLI_H

#include "base/util.h"
#include "store/why.h"
#include <fvm/big.h>

#include <stdio.h>

#define FVM_CLI_VERSION "0.1.0"

/** Exit codes of every command. */
typedef enum fvm_cli_exit {
    FVM_EXIT_OK = 0,     /* done; nothing failed */
    FVM_EXIT_FAILED = 1, /* done, and something failed: a vector, a message */
    FVM_EXIT_USAGE = 2,  /* unknown command or option, missing argument */
    FVM_EXIT_INPUT = 3,  /* a file is missing, unreadable or breaks its format */
    FVM_EXIT_HOST = 4,   /* no memory, disk error: nothing is said about the input */
} fvm_cli_exit;
/** The lines about exit codes in every help text. */
#define FVM_CLI_EXIT_HELP                                                                          \
    "Exit codes: 0 nothing failed, 1 something failed, 2 wrong usage, 3 bad input file,\n"         \
    "4 failure of this machine (memory, disk).\n"

/** FVM_EXIT_HOST for class HOST, else FVM_EXIT_INPUT. */
fvm_cli_exit fvm_cli_exit_of(fvm_err err);

/** A command. `run` gets the arguments after the command's name. */
typedef struct fvm_command {
    const char *name;
    const char *summary;
    fvm_cli_exit (*run)(int argc, char **argv);
} fvm_command;
fvm_cli_exit fvm_cmd_actor(int argc, char **argv);
fvm_cli_exit fvm_cmd_bundle(int argc, char **argv);
fvm_cli_exit fvm_cmd_call(int argc, char **argv);
fvm_cli_exit fvm_cmd_car(int argc, char **argv);
fvm_cli_exit fvm_cmd_chain(int argc, char **argv);
fvm_cli_exit fvm_cmd_completion(int argc, char **argv);
fvm_cli_exit fvm_cmd_conformance(int argc, char **argv);
fvm_cli_exit fvm_cmd_deploy(int argc, char **argv);
fvm_cli_exit fvm_cmd_genesis(int argc, char **argv);
fvm_cli_exit fvm_cmd_ipld(int argc, char **argv);
fvm_cli_exit fvm_cmd_logs(int argc, char **argv);
fvm_cli_exit fvm_cmd_send(int argc, char **argv);
fvm_cli_exit fvm_cmd_trace(int argc, char **argv);
fvm_cli_exit fvm_cmd_node(int argc, char **argv);
fvm_cli_exit fvm_cmd_profile(int argc, char **argv);
fvm_cli_exit fvm_cmd_run(int argc, char **argv);
fvm_cli_exit fvm_cmd_wallet(int argc, char **argv);
fvm_cli_exit fvm_cmd_wasm(int argc, char **argv);

/** One option of a command. */
typedef struct fvm_option {
    const char *name; /* with the dashes */
    bool takes_value;
} fvm_option;

/** Walks a command's arguments. Set argc, argv, command, options, option_count; zero the rest. */
typedef struct fvm_args {
    int argc;
    char **argv;
    const char *command; /* for messages: "conformance" */
    const fvm_option *options;
    size_t option_count;
    int at;
    bool only_positional; /* "--" was seen */
    const char *value;    /* of the option, or the positional argument */
} fvm_args;
#define FVM_ARG_END (-1)
#define FVM_ARG_POSITIONAL (-2)
#define FVM_ARG_BAD (-3)
/** The index of the next option in the table, or one of FVM_ARG_*. What is wrong with BAD has been
 *  said on stderr, with a hint. */
int fvm_args_next(fvm_args *args);
/** Decimal number of an option's value, at most `max`; false after a message on stderr. */
bool fvm_args_u64(const fvm_args *args, uint64_t *out, const char *option, uint64_t max);
bool fvm_args_range(const fvm_args *args, uint64_t *out, const char *option, uint64_t min,
                    uint64_t max);

/** The name nearest to `word` by edits, or NULL when none is near. `stride` bytes lie between the
 *  pointers to names at `names`. */
const char *fvm_nearest(const char *word, const void *names, size_t count, size_t stride);

bool fvm_ends_with(const char *text, const char *end);
/** Reads DIGITS followed by FIL or atto; with nothing after them they are FIL if `bare`. */
FVM_NODISCARD fvm_err fvm_amount_read(fvm_big *out, const char *word, bool bare);

/** Reads a whole file; FVM_ERR_LIMIT past `max` bytes. */
FVM_NODISCARD fvm_err fvm_file_read(fvm_buf *out, const char *path, uint64_t max,
                                    fvm_store_why *why);
#endif
