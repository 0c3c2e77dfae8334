/* main.c - the `fvm` program: finds the command and runs it. */
#include "cli.h"

static const fvm_command commands[] = {
    { "actor", "native actors: new, build, test; install, create, invoke, state", fvm_cmd_actor },
    { "bundle", "bundles of built-in actors: import, list, show, remove", fvm_cmd_bundle },
    { "call", "call a contract at a node, without sending anything", fvm_cmd_call },
    { "car", "archives and databases of blocks: make, move, check", fvm_cmd_car },
    { "chain", "a node's chain in its folder: show, verify, export, import", fvm_cmd_chain },
    { "completion", "scripts that let a shell complete words", fvm_cmd_completion },
    { "conformance", "run message vectors and compare every result", fvm_cmd_conformance },
    { "deploy", "deploy a contract or a native actor at a node", fvm_cmd_deploy },
    { "genesis", "make the first state of a network", fvm_cmd_genesis },
    { "ipld", "look into blocks, DAG-JSON both ways, CIDs, state differences", fvm_cmd_ipld },
    { "logs", "print the logs of contracts, and follow them", fvm_cmd_logs },
    { "node", "a Filecoin network on this machine, with JSON-RPC", fvm_cmd_node },
    { "profile", "flame graph of the gas of a vector, by function and syscall", fvm_cmd_profile },
    { "run", "run one actor locally: receipt, events, gas", fvm_cmd_run },
    { "send", "send value, or call a contract, at a node", fvm_cmd_send },
    { "trace", "call tree of a vector with every gas charge", fvm_cmd_trace },
    { "wallet", "keys in encrypted files: new, import, export, sign", fvm_cmd_wallet },
    { "wasm", "the engine on its own: check, compile, run, dis", fvm_cmd_wasm },
};

static void usage(FILE *out)
{
    fputs("Usage: fvm COMMAND [OPTION]...\n\nA Filecoin virtual machine.\n\nCommands:\n", out);
    for (size_t i = 0; i < FVM_COUNT(commands); i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
    fputs("\n  --help       this text; 'fvm COMMAND --help' tells more\n"
          "  --version    the version\n\n"
          "Example: fvm conformance ../shared/vectors/golden-kernel\n\n" FVM_CLI_EXIT_HELP,
          out);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return FVM_EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        usage(stdout);
        return FVM_EXIT_OK;
    }
    if (strcmp(word, "--version") == 0) {
        puts("fvm " FVM_CLI_VERSION);
        return FVM_EXIT_OK;
    }
    for (size_t i = 0; i < FVM_COUNT(commands); i++) {
        if (strcmp(word, commands[i].name) != 0) continue;
        fvm_cli_exit code = commands[i].run(argc - 2, argv + 2);
        if (fflush(stdout) != 0 || ferror(stdout)) {
            fputs("fvm: cannot write the output.\n", stderr);
            return FVM_EXIT_HOST;
        }
        return (int)code;
    }
    const char *near = fvm_nearest(word, &commands[0].name, FVM_COUNT(commands),
                                   sizeof commands[0]);
    fprintf(stderr, "fvm: unknown command '%s'.", word);
    if (near) fprintf(stderr, " Did you mean '%s'?", near);
    fputs(" See 'fvm --help'.\n", stderr);
    return FVM_EXIT_USAGE;
}
