/* cmd_bundle.c - `fvm bundle`: the bundles of built-in actors in the user's cache folder. */
#include "json.h"
#include <fvm/store.h>

static const char help[] =
    "Usage: fvm bundle import FILE [--network NAME] [--version N]\n"
    "       fvm bundle list\n"
    "       fvm bundle show NAME\n"
    "       fvm bundle remove NAME\n\n"
    "Keeps bundles of built-in actors in the user's cache folder (fvm/bundles in XDG_CACHE_HOME "
    "or\n"
    "~/.cache). 'fvm conformance' finds them there.\n\n"
    "  import   takes a CAR, or the vN.tar.zst that Lotus ships in build/actors; hashes every "
    "block\n"
    "  list     the bundles that are here\n"
    "  show     the actors of one, with code CID and bytes; NAME as mainnet-v17, or 'embedded' for "
    "the\n"
    "           actors that this program carries\n"
    "  remove   forgets one\n\n"
    "  --network NAME  import: the network to take out of an archive, and to file the bundle "
    "under\n"
    "                  (default mainnet)\n"
    "  --version N     import: the version of the actors, if the name of the file does not tell\n"
    "  --folder DIR    another folder of bundles\n"
    "  --json          print JSON\n"
    "  --help          this text\n\n"
    "Example: fvm bundle import lotus/build/actors/v17.tar.zst\n\n" FVM_CLI_EXIT_HELP;

enum { NETWORK, VERSION, FOLDER, JSON, HELP };
static const fvm_option options[] = {
    [NETWORK] = { "--network", true }, [VERSION] = { "--version", true },
    [FOLDER] = { "--folder", true },   [JSON] = { "--json", false },
    [HELP] = { "--help", false },
};

typedef struct command {
    const char *words[2]; /* what to do, and with what */
    int count;
    const char *network, *folder;
    uint64_t version;
    bool json;
} command;

static fvm_cli_exit failed(fvm_err err, const fvm_store_why *why)
{
    fprintf(stderr, "fvm bundle: %s\n", why->text[0] ? why->text : fvm_err_text(err));
    return fvm_cli_exit_of(err);
}

/* Prints a value and gives it up. */
static json_t *info_to_json(const fvm_bundle_info *info)
{
    char manifest[FVM_CID_TEXT_MAX];
    (void)fvm_cid_to_text(manifest, &info->manifest);
    json_t *o = json_pack("{s:s,s:s,s:I}", "name", info->name, "manifest", manifest, "bytes",
                          (json_int_t)info->car_bytes);
    if (o && info->car_sha256[0])
        (void)json_object_set_new(o, "sha256", json_string(info->car_sha256));
    if (o && info->archive[0]) {
        (void)json_object_set_new(o, "archive", json_string(info->archive));
        (void)json_object_set_new(o, "archive_sha256", json_string(info->archive_sha256));
    }
    return o;
}

static void print_info(const fvm_bundle_info *info)
{
    char manifest[FVM_CID_TEXT_MAX];
    (void)fvm_cid_to_text(manifest, &info->manifest);
    printf("name      %s\nmanifest  %s\nbytes     %llu\n", info->name, manifest,
           (unsigned long long)info->car_bytes);
    if (info->car_sha256[0]) printf("sha256    %s\n", info->car_sha256);
    if (info->archive[0])
        printf("archive   %s\nsha256    %s\n", info->archive, info->archive_sha256);
}

static fvm_cli_exit import(const command *c)
{
    fvm_bundle_info info;
    fvm_store_why why = { { 0 } };
    fvm_err err = fvm_bundle_import(&info, c->folder, c->words[1], c->network, (uint32_t)c->version,
                                    NULL, &why);
    if (err != FVM_OK) return failed(err, &why);
    if (c->json) return fvm_json_answer("bundle", info_to_json(&info));
    print_info(&info);
    return FVM_EXIT_OK;
}

static fvm_err list_one(void *ctx, const fvm_bundle_info *info)
{
    json_t *list = ctx;
    if (list) return json_array_append_new(list, info_to_json(info)) == 0 ? FVM_OK : FVM_ERR_NOMEM;
    char manifest[FVM_CID_TEXT_MAX];
    (void)fvm_cid_to_text(manifest, &info->manifest);
    printf("%-24s %10llu  %s\n", info->name, (unsigned long long)info->car_bytes, manifest);
    return FVM_OK;
}

static fvm_cli_exit list(const command *c)
{
    fvm_store_why why = { { 0 } };
    json_t *all = c->json ? json_array() : NULL;
    if (c->json && !all) return failed(FVM_ERR_NOMEM, &why);
    fvm_err err = fvm_bundle_each(c->folder, list_one, all, NULL, &why);
    if (err != FVM_OK) {
        json_decref(all);
        return failed(err, &why);
    }
    return c->json ? fvm_json_answer("bundle", json_pack("{s:o}", "bundles", all)) : FVM_EXIT_OK;
}

static json_t *actors_to_json(const fvm_bundle_actor *actors, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        char cid[FVM_CID_TEXT_MAX];
        (void)fvm_cid_to_text(cid, &actors[i].code);
        (void)json_array_append_new(array,
                                    json_pack("{s:s,s:I,s:s}", "name", actors[i].name, "bytes",
                                              (json_int_t)actors[i].bytes, "cid", cid));
    }
    return array;
}

static fvm_cli_exit print_actors(const command *c, const fvm_bundle_info *info,
                                 const fvm_bundle_actor *actors, size_t count)
{
    if (c->json) {
        json_t *o = info_to_json(info);
        (void)json_object_set_new(o, "actors", actors_to_json(actors, count));
        return fvm_json_answer("bundle", o);
    }
    uint64_t total = 0;
    print_info(info);
    putchar('\n');
    for (size_t i = 0; i < count; i++) {
        char cid[FVM_CID_TEXT_MAX];
        (void)fvm_cid_to_text(cid, &actors[i].code);
        printf("%-18s %9llu  %s\n", actors[i].name, (unsigned long long)actors[i].bytes, cid);
        total += actors[i].bytes;
    }
    printf("%-18s %9llu\n", "total", (unsigned long long)total);
    return FVM_EXIT_OK;
}

static fvm_cli_exit show(const command *c)
{
    fvm_bundle_info info;
    fvm_store_why why = { { 0 } };
    fvm_blockstore bs;
    fvm_buf actors;
    fvm_err err = fvm_bundle_open(&bs, &info, c->folder, c->words[1], NULL, &why);
    if (err != FVM_OK) return failed(err, &why);
    fvm_buf_init(&actors, NULL);
    err = fvm_bundle_actors(&actors, &bs, &info.manifest, &why);
    fvm_blockstore_free(&bs);
    fvm_cli_exit code = err == FVM_OK
                            ? print_actors(c, &info, (const fvm_bundle_actor *)(void *)actors.ptr,
                                           actors.len / sizeof(fvm_bundle_actor))
                            : failed(err, &why);
    fvm_buf_deinit(&actors);
    return code;
}

static fvm_cli_exit remove_one(const command *c)
{
    fvm_store_why why = { { 0 } };
    fvm_err err = fvm_bundle_remove(c->folder, c->words[1], &why);
    if (err != FVM_OK) return failed(err, &why);
    if (c->json) return fvm_json_answer("bundle", json_pack("{s:s}", "removed", c->words[1]));
    return FVM_EXIT_OK;
}

static const struct {
    const char *name;
    int words; /* with the name */
    fvm_cli_exit (*run)(const command *c);
} actions[] = {
    { "import", 2, import }, { "list", 1, list }, { "show", 2, show }, { "remove", 2, remove_one }
};

static fvm_cli_exit run(const command *c)
{
    const char *word = c->count ? c->words[0] : "";
    for (size_t i = 0; i < FVM_COUNT(actions); i++) {
        if (strcmp(word, actions[i].name) != 0) continue;
        if (c->count == actions[i].words) return actions[i].run(c);
        fprintf(stderr, "fvm bundle %s: %s. See 'fvm bundle --help'.\n", word,
                c->count < actions[i].words ? "name one more thing" : "too many arguments");
        return FVM_EXIT_USAGE;
    }
    const char *near = fvm_nearest(word, &actions[0].name, FVM_COUNT(actions), sizeof actions[0]);
    fprintf(stderr, "fvm bundle: %s%s%s.%s%s%s See 'fvm bundle --help'.\n",
            c->count ? "unknown action '" : "say what to do", word, c->count ? "'" : "",
            near && c->count ? " Did you mean '" : "", near && c->count ? near : "",
            near && c->count ? "'?" : "");
    return FVM_EXIT_USAGE;
}

fvm_cli_exit fvm_cmd_bundle(int argc, char **argv)
{
    fvm_args args = { argc, argv, "bundle", options, FVM_COUNT(options), 0, false, NULL };
    command c = { .network = "mainnet" };
    for (int which; (which = fvm_args_next(&args)) != FVM_ARG_END;) {
        switch (which) {
        case NETWORK: c.network = args.value; break;
        case VERSION:
            if (!fvm_args_u64(&args, &c.version, "--version", 999999)) return FVM_EXIT_USAGE;
            break;
        case FOLDER: c.folder = args.value; break;
        case JSON: c.json = true; break;
        case HELP: fputs(help, stdout); return FVM_EXIT_OK;
        case FVM_ARG_POSITIONAL:
            if (c.count < (int)FVM_COUNT(c.words)) c.words[c.count] = args.value;
            c.count++;
            break;
        default: return FVM_EXIT_USAGE;
        }
    }
    return run(&c);
}
