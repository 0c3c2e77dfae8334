/* cmd_actor.c - `fvm actor`: actors in C, from an empty folder to a tested module. */
#include "cmd_actor.h"
#include "actor_client.h"

static const fvm_command commands[] = {
    { "new", "make a project that builds", fvm_cmd_actor_new },
    { "build", "compile, strip, check; bytes by section", fvm_cmd_actor_build },
    { "test", "run the project's tests in the machine, with gas", fvm_cmd_actor_test },
    { "install", "install a code at a node", fvm_cmd_actor_install },
    { "create", "make an actor of an installed code", fvm_cmd_actor_create },
    { "invoke", "call a method of an actor at a node", fvm_cmd_actor_invoke },
    { "state", "print an actor of a node or a state tree, its state by name", fvm_cmd_actor_state },
};

static void usage(FILE *out)
{
    fputs("Usage: fvm actor COMMAND [OPTION]...\n\n"
          "Native actors: made in C, and any that compile to wasm at a node.\n\nCommands:\n",
          out);
    for (size_t i = 0; i < FVM_COUNT(commands); i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    fputs("\n'fvm actor COMMAND --help' tells more.\n\n"
          "Example: fvm actor new piggybank && fvm actor test piggybank\n\n" FVM_CLI_EXIT_HELP,
          out);
}

fvm_cli_exit fvm_cmd_actor(int argc, char **argv)
{
    if (argc < 1) {
        usage(stderr);
        return FVM_EXIT_USAGE;
    }
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
        usage(stdout);
        return FVM_EXIT_OK;
    }
    for (size_t i = 0; i < FVM_COUNT(commands); i++)
        if (strcmp(argv[0], commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
    const char *near = fvm_nearest(argv[0], &commands[0].name, FVM_COUNT(commands),
                                   sizeof commands[0]);
    fprintf(stderr, "fvm actor: unknown command '%s'.", argv[0]);
    if (near) fprintf(stderr, " Did you mean '%s'?", near);
    fputs(" See 'fvm actor --help'.\n", stderr);
    return FVM_EXIT_USAGE;
}
