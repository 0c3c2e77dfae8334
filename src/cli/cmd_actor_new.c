/* cmd_actor_new.c - `fvm actor new`: a folder that builds and whose tests pass. */
#include "cmd_actor.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

static const char actor_c[] =
    "/* An actor: a number that its owner may change and everybody may read. */\n"
    "#include <fvm/actor.h>\n"
    "\n"
    "#define STATE(F)   \\\n"
    "    F(uint, owner) \\\n"
    "    F(uint, count)\n"
    "FVM_STRUCT(state, STATE)\n"
    "\n"
    "#define ADD_PARAMS(F) F(uint, amount)\n"
    "FVM_STRUCT(add_params, ADD_PARAMS)\n"
    "\n"
    "static uint32_t constructor(uint32_t params)\n"
    "{\n"
    "    fvm_params_none(params);\n"
    "    state s = { fvm_call.origin, 0 }; /* who signed: the init actor is what calls */\n"
    "    FVM_STATE_SAVE(state, &s);\n"
    "    return 0;\n"
    "}\n"
    "\n"
    "static uint32_t add(uint32_t params)\n"
    "{\n"
    "    add_params p;\n"
    "    state s;\n"
    "    FVM_PARAMS(add_params, &p, params);\n"
    "    FVM_STATE_LOAD(state, &s);\n"
    "    fvm_require(fvm_call.caller == s.owner, FVM_USR_FORBIDDEN, \"not the owner\");\n"
    "    s.count += p.amount;\n"
    "    FVM_STATE_SAVE(state, &s);\n"
    "    return fvm_return_uint(s.count);\n"
    "}\n"
    "\n"
    "static uint32_t get(uint32_t params)\n"
    "{\n"
    "    state s;\n"
    "    fvm_params_none(params);\n"
    "    FVM_STATE_LOAD(state, &s);\n"
    "    return fvm_return_uint(s.count);\n"
    "}\n"
    "\n"
    "FVM_ACTOR(\n"
    "    FVM_METHOD(FVM_METHOD_CONSTRUCTOR, constructor)\n"
    "    FVM_EXPORT(Add, add)\n"
    "    FVM_EXPORT(Get, get)\n"
    ")\n";

static const char actor_test[] =
    "# Run by `fvm actor test`. Each test starts with what stands before the first one.\n"
    "call Constructor from alice\n"
    "\n"
    "test the owner adds\n"
    "call Add [5] from alice -> 5\n"
    "call Add [1000] from alice -> 1005\n"
    "call Get -> 1005\n"
    "\n"
    "test others may not add\n"
    "call Add [5] from bob -> exit 18\n"
    "call Get from bob -> 0\n"
    "\n"
    "test broken parameters are refused\n"
    "call Add [-1] from alice -> exit 21\n"
    "call Add from alice -> exit 16\n"
    "call Subtract [1] from alice -> exit 22\n";

static const char unit_c[] =
    "/* Run by `fvm actor test --unit`, natively: under a debugger, with sanitizers. */\n"
    "#include <fvm/actor/mock.h>\n"
    "\n"
    "int main(void)\n"
    "{\n"
    "    static const uint8_t five[] = { 0x81, 0x05 };\n"
    "    fvm_mock_reset();\n"
    "    fvm_mock_check(fvm_mock_call(1, (fvm_bytes){ 0 }).exit_code == 0);\n"
    "    fvm_mock_result r = fvm_mock_call(FVM_FRC42(Add), (fvm_bytes){ five, sizeof five });\n"
    "    fvm_mock_check(r.exit_code == 0 && r.data.len == 1 && r.data.ptr[0] == 5);\n"
    "    fvm_mock.context.caller = 101;\n"
    "    r = fvm_mock_call(FVM_FRC42(Add), (fvm_bytes){ five, sizeof five });\n"
    "    fvm_mock_check(r.exit_code == FVM_USR_FORBIDDEN);\n"
    "    return 0;\n"
    "}\n";

static const char makefile[] = "# fvm actor does the work; this is for the habit of typing make.\n"
                               ".PHONY: build test unit\n"
                               "build:\n\tfvm actor build .\n"
                               "test:\n\tfvm actor test .\n"
                               "unit:\n\tfvm actor test --unit .\n";

static fvm_err make_folder(const char *path, fvm_store_why *why)
{
    if (mkdir(path, 0777) == 0) return FVM_OK;
    return fvm__why(why, FVM_ERR_INVALID, "%s: %s", path, strerror(errno));
}

static fvm_err write_file(const char *dir, const char *name, const char *text, fvm_store_why *why)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wx");
    if (!f) return fvm__why(why, FVM_ERR_IO, "%s: %s", path, strerror(errno));
    bool good = fputs(text, f) >= 0;
    if (fclose(f) == 0 && good) return FVM_OK;
    return fvm__why(why, FVM_ERR_IO, "%s: cannot write", path);
}

static fvm_err make(const char *dir, fvm_store_why *why)
{
    char folder[PATH_MAX];
    if (strlen(dir) > FVM_ACTOR_PATH_MAX)
        return fvm__why(why, FVM_ERR_LIMIT, "%.60s...: the path is too long", dir);
    FVM_TRY(make_folder(dir, why));
    (void)snprintf(folder, sizeof folder, "%s/test", dir);
    FVM_TRY(make_folder(folder, why));
    (void)snprintf(folder, sizeof folder, "%s/unit", dir);
    FVM_TRY(make_folder(folder, why));
    FVM_TRY(write_file(dir, "actor.c", actor_c, why));
    FVM_TRY(write_file(dir, "test/actor.test", actor_test, why));
    FVM_TRY(write_file(dir, "unit/actor_unit.c", unit_c, why));
    FVM_TRY(write_file(dir, "Makefile", makefile, why));
    return write_file(dir, ".gitignore", "build/\n", why);
}

fvm_cli_exit fvm_cmd_actor_new(int argc, char **argv)
{
    fvm_store_why why = { { 0 } };
    if (argc == 1 && strcmp(argv[0], "--help") == 0) {
        fputs("Usage: fvm actor new DIR\n\n"
              "Makes a folder with an actor in C and its tests; the folder may not exist yet.\n\n"
              "Example: fvm actor new piggybank && fvm actor test piggybank\n\n" FVM_CLI_EXIT_HELP,
              stdout);
        return FVM_EXIT_OK;
    }
    if (argc != 1 || argv[0][0] == '-') {
        fputs("fvm actor new: one folder, please. See 'fvm actor new --help'.\n", stderr);
        return FVM_EXIT_USAGE;
    }
    fvm_err err = make(argv[0], &why);
    if (err != FVM_OK) {
        fprintf(stderr, "fvm actor new: %s\n", why.text);
        return fvm_cli_exit_of(err);
    }
    printf("%s: actor.c, test/actor.test, unit/actor_unit.c\nNext: fvm actor test %s\n", argv[0],
           argv[0]);
    return FVM_EXIT_OK;
}
