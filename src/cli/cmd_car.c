/* cmd_car.c - `fvm car`: make, move and check archives of blocks. What only looks is in car_look.c.
 * All of it streams: memory holds a batch of blocks, or the CIDs of a DAG, and never the archive. */
#include "car.h"

#include "ipld/cbor.h"
#include "store/car_out.h"
#include "store/carstream.h"
#include "store/dag.h"

#include <stdlib.h>
#include <unistd.h>

static const char help[] =
    "Usage: fvm car create -o OUT.car FILE...        a block of each file\n"
    "       fvm car import STORE CAR...              into an LMDB database (made if missing)\n"
    "       fvm car export SOURCE ROOT... -o OUT.car what can be reached from the roots\n"
    "       fvm car extract CAR CID[/PATH]... -o OUT.car   the same out of a CAR\n"
    "       fvm car verify SOURCE                    hash every block, find every fault\n"
    "       fvm car list SOURCE                      offset, bytes and CID of every block\n"
    "       fvm car stat SOURCE                      roots, blocks, bytes, by codec\n"
    "       fvm car gc STORE ROOT...                 remove what the roots do not reach\n\n"
    "SOURCE is a CAR file (version 1 or 2), the folder of an LMDB database, or a bundle's name. "
    "An\n"
    "input '-' is stdin, an output '-' stdout. Without ROOT, export takes a CAR's own roots.\n\n"
    "  -o, --output FILE  where to write\n"
    "  --codec NAME       create: raw (default), dag-cbor, cbor, or a number 0x..\n"
    "  --hash NAME        create: blake2b-256 (default), sha2-256, ...\n"
    "  --root CID         create: a root; default: every block\n"
    "  --allow-missing    export, extract: leave out blocks that are not there\n"
    "  --links            verify: every link must lead to a block, too\n"
    "  --no-sync          import: faster; a loss of power may cost the import\n"
    "  --json             print JSON\n"
    "  --help             this text\n\n"
    "Example: fvm car import blocks.db mainnet-v17.car && fvm car verify blocks.db\n\n"
    "verify exits with 1 when something is wrong.\n" FVM_CLI_EXIT_HELP;

enum { OUTPUT, SHORT_OUTPUT, CODEC, HASH, ROOT, ALLOW_MISSING, LINKS, NO_SYNC, JSON, HELP };
static const fvm_option options[] = {
    [OUTPUT] = { "--output", true }, [SHORT_OUTPUT] = { "-o", true },
    [CODEC] = { "--codec", true },   [HASH] = { "--hash", true },
    [ROOT] = { "--root", true },     [ALLOW_MISSING] = { "--allow-missing", false },
    [LINKS] = { "--links", false },  [NO_SYNC] = { "--no-sync", false },
    [JSON] = { "--json", false },    [HELP] = { "--help", false },
};

static fvm_cli_exit failed(fvm_err err, const fvm_store_why *why)
{
    return fvm_cli_failed("car", err, why);
}

static fvm_cli_exit need_output(void)
{
    fputs("fvm car: say where to write with -o. See 'fvm car --help'.\n", stderr);
    return FVM_EXIT_USAGE;
}

/* Numbers about a CAR that was written; not on stdout if the CAR itself is there. */
static void print_written(const fvm_car_command *c, const fvm__car_out *out, uint64_t missing)
{
    FILE *to = strcmp(out->path, "-") == 0 ? stderr : stdout;
    if (c->json)
        fprintf(to, "{\"blocks\":%llu,\"bytes\":%llu,\"missing\":%llu}\n",
                (unsigned long long)out->blocks, (unsigned long long)out->bytes,
                (unsigned long long)missing);
    else
        fprintf(to, "%s: %llu blocks, %llu bytes%s\n", out->path, (unsigned long long)out->blocks,
                (unsigned long long)out->bytes, missing ? ", some were missing" : "");
}

/* --- create --- */

static fvm_err file_to_block(fvm_buf *data, fvm_cid *cid, const fvm_car_command *c,
                             const char *path, fvm_store_why *why)
{
    data->len = 0;
    FVM_TRY(fvm_cli_read_input(data, path, FVM_CAR_SECTION_MAX - FVM_CID_BYTES_MAX, why));
    if (c->codec == FVM_CODEC_DAG_CBOR) {
        fvm_bytes in = fvm_buf_bytes(data), item;
        fvm_err err = fvm_cbor_item(&item, &in);
        if (err == FVM_OK) err = fvm_cbor_end(in);
        if (err != FVM_OK)
            return fvm__why(why, err, "%s: no DAG-CBOR: %s", path, fvm_err_text(err));
    }
    fvm_err err = fvm_cid_make(cid, c->codec, c->hash, fvm_buf_bytes(data));
    return err == FVM_OK ? FVM_OK : fvm__why(why, err, "%s: cannot be hashed so", path);
}

/* The files are read twice: the roots come first, and no more than one block is held at a time. */
static fvm_err create_roots(fvm_buf *roots, fvm_buf *data, const fvm_car_command *c,
                            fvm_store_why *why)
{
    if (c->roots.len) return fvm_buf_append(roots, fvm_buf_bytes(&c->roots));
    for (int i = 0; i < c->count; i++) {
        fvm_cid cid;
        FVM_TRY(file_to_block(data, &cid, c, c->words[i], why));
        FVM_TRY(fvm_buf_append(roots, (fvm_bytes){ (const uint8_t *)&cid, sizeof cid }));
    }
    return FVM_OK;
}

static fvm_err create_blocks(fvm__car_out *out, fvm_buf *data, const fvm_car_command *c,
                             fvm_store_why *why)
{
    for (int i = 0; i < c->count; i++) {
        fvm_cid cid;
        FVM_TRY(file_to_block(data, &cid, c, c->words[i], why));
        FVM_TRY(fvm__car_out_put(out, &cid, fvm_buf_bytes(data)));
    }
    return FVM_OK;
}

static fvm_cli_exit create(const fvm_car_command *c)
{
    fvm_store_why why = { { 0 } };
    fvm_buf roots, data;
    fvm__car_out out;
    if (!c->output) return need_output();
    for (int i = 0; i < c->count; i++) {
        if (strcmp(c->words[i], "-") != 0) continue;
        fputs("fvm car create: files are read twice, so stdin cannot be one.\n", stderr);
        return FVM_EXIT_USAGE;
    }
    fvm_buf_init(&roots, NULL);
    fvm_buf_init(&data, NULL);
    fvm_err err = create_roots(&roots, &data, c, &why);
    if (err == FVM_OK)
        err = fvm__car_out_open(&out, c->output, (const fvm_cid *)(void *)roots.ptr,
                                roots.len / sizeof(fvm_cid), false, NULL, &why);
    if (err == FVM_OK) {
        err = create_blocks(&out, &data, c, &why);
        err = fvm__car_out_close(&out, err, &why);
        if (err == FVM_OK) print_written(c, &out, 0);
    }
    fvm_buf_deinit(&roots);
    fvm_buf_deinit(&data);
    return err == FVM_OK ? FVM_EXIT_OK : failed(err, &why);
}

/* --- import --- */

#define BATCH_BYTES (8u << 20)
#define BATCH_BLOCKS 8192

/* Blocks that go into the database in one transaction. */
typedef struct batch {
    fvm_buf data;   /* of all blocks, one after the other */
    fvm_buf blocks; /* array of fvm_block; `data.ptr` of each is set when the batch is full */
} batch;

static fvm_err flush(batch *b, const fvm_blockstore *bs)
{
    fvm_block *blocks = (fvm_block *)(void *)b->blocks.ptr;
    size_t count = b->blocks.len / sizeof *blocks, at = 0;
    for (size_t i = 0; i < count; i++) {
        blocks[i].data.ptr = b->data.ptr + at; /* it does not grow any more */
        at += blocks[i].data.len;
    }
    fvm_err err = fvm_blockstore_put_many(bs, blocks, count);
    b->data.len = b->blocks.len = 0;
    return err;
}

static fvm_err import_sections(fvm__carstream *cs, const fvm_blockstore *bs, batch *b,
                               fvm_cli_progress *progress, uint64_t *count, uint64_t *bytes,
                               fvm_store_why *why)
{
    fvm__car_section s;
    fvm_err err;
    while ((err = fvm__carstream_next(cs, &s, FVM__CAR_VERIFY, why)) == FVM_OK) {
        fvm_block block = { s.cid, { NULL, s.data.len } };
        FVM_TRY(fvm_buf_append(&b->data, s.data));
        FVM_TRY(fvm_buf_append(&b->blocks, (fvm_bytes){ (const uint8_t *)&block, sizeof block }));
        ++*count;
        *bytes += s.data.len;
        if (b->data.len >= BATCH_BYTES || b->blocks.len >= BATCH_BLOCKS * sizeof block)
            FVM_TRY(flush(b, bs));
        fvm_cli_progress_show(progress, *count, cs->w.position);
    }
    if (err != FVM_ERR_NOT_FOUND) return err;
    return flush(b, bs);
}

static void print_imported(const fvm_car_command *c, const char *path, const fvm__carstream *cs,
                           uint64_t count, uint64_t bytes)
{
    size_t root_count;
    const fvm_cid *roots = fvm__carstream_roots(cs, &root_count);
    if (c->json)
        printf("{\"blocks\":%llu,\"bytes\":%llu,\"roots\":[", (unsigned long long)count,
               (unsigned long long)bytes);
    else
        printf("%s: %llu blocks, %llu bytes\n", path, (unsigned long long)count,
               (unsigned long long)bytes);
    for (size_t i = 0; i < root_count; i++) {
        char text[FVM_CID_TEXT_MAX];
        (void)fvm_cid_to_text(text, &roots[i]);
        if (c->json)
            printf("%s\"%s\"", i ? "," : "", text);
        else
            printf("root %s\n", text);
    }
    if (c->json) puts("]}");
}

static fvm_err import_one(const fvm_car_command *c, const fvm_blockstore *bs, const char *path,
                          fvm_store_why *why)
{
    fvm_car_input in;
    uint64_t count = 0, bytes = 0;
    batch b;
    FVM_TRY(fvm_car_input_open(&in, path, why));
    fvm_buf_init(&b.data, NULL);
    fvm_buf_init(&b.blocks, NULL);
    fvm_cli_progress progress = fvm_cli_progress_new("importing", in.size);
    fvm_err err = import_sections(&in.cs, bs, &b, &progress, &count, &bytes, why);
    fvm_cli_progress_end(&progress);
    if (err == FVM_OK) print_imported(c, path, &in.cs, count, bytes);
    if (err != FVM_OK && why->text[0] == 0) fvm_lmdb_last_error(bs, why);
    fvm_buf_deinit(&b.data);
    fvm_buf_deinit(&b.blocks);
    fvm_car_input_close(&in);
    return err;
}

static fvm_cli_exit import(const fvm_car_command *c)
{
    fvm_store_why why = { { 0 } };
    fvm_blockstore bs;
    fvm_lmdb_options how = { .no_sync = c->no_sync };
    fvm_err err = fvm_blockstore_lmdb_open(&bs, c->words[0], &how, NULL, &why);
    if (err != FVM_OK) return failed(err, &why);
    for (int i = 1; i < c->count && err == FVM_OK; i++) err = import_one(c, &bs, c->words[i], &why);
    if (err == FVM_OK && c->no_sync) err = fvm_lmdb_sync(&bs);
    fvm_blockstore_free(&bs);
    return err == FVM_OK ? FVM_EXIT_OK : failed(err, &why);
}

/* --- export, extract --- */

typedef struct export
{
    fvm__car_out out;
    fvm_cli_progress progress;
    uint64_t missing;
}
export;

static fvm_err export_block(void *ctx, const fvm_cid *cid, fvm_bytes data)
{
    export *e = ctx;
    FVM_TRY(fvm__car_out_put(&e->out, cid, data));
    fvm_cli_progress_show(&e->progress, e->out.blocks, e->out.bytes);
    return FVM_OK;
}

static fvm_err export_missing(void *ctx, const fvm_cid *cid)
{
    (void)cid;
    ((export *)ctx)->missing++;
    return FVM_OK;
}

/* The roots to begin with: those named, as CID or path, or the CAR's own. */
static fvm_err export_roots(fvm_buf *roots, const fvm_car_command *c, const fvm_cli_source *source,
                            fvm_store_why *why)
{
    if (c->count == 1 && source->is_car) {
        const fvm_cid *own;
        size_t count;
        fvm_blockstore_car_roots(&source->bs, &own, &count);
        return fvm_buf_append(roots, (fvm_bytes){ (const uint8_t *)own, count * sizeof *own });
    }
    for (int i = 1; i < c->count; i++) {
        fvm_cli_place place;
        fvm_err err = fvm_cli_place_find(&place, &source->bs, c->words[i], why);
        fvm_cid cid = place.cid;
        bool whole = place.whole;
        fvm_buf_deinit(&place.block);
        if (err != FVM_OK) return err;
        if (!whole)
            return fvm__why(why, FVM_ERR_INVALID, "'%s' leads into a block, not to one",
                            c->words[i]);
        FVM_TRY(fvm_buf_append(roots, (fvm_bytes){ (const uint8_t *)&cid, sizeof cid }));
    }
    return roots->len ? FVM_OK : fvm__why(why, FVM_ERR_INVALID, "say from which roots");
}

static fvm_err export_dag(const fvm_car_command *c, const fvm_cli_source *source, fvm_buf *roots,
                          fvm_store_why *why)
{
    export e = { .progress = fvm_cli_progress_new("exporting", 0) };
    FVM_TRY(export_roots(roots, c, source, why));
    const fvm_cid *cids = (const fvm_cid *)(void *)roots->ptr;
    size_t count = roots->len / sizeof *cids;
    FVM_TRY(fvm__car_out_open(&e.out, c->output, cids, count, false, NULL, why));
    fvm__dag_visitor visitor = { export_block, c->allow_missing ? export_missing : NULL, &e };
    fvm_err err = fvm__dag_walk(&source->bs, cids, count, &visitor, NULL, why);
    fvm_cli_progress_end(&e.progress);
    err = fvm__car_out_close(&e.out, err, why);
    if (err == FVM_OK) print_written(c, &e.out, e.missing);
    return err;
}

static fvm_cli_exit export_car(const fvm_car_command *c)
{
    fvm_store_why why = { { 0 } };
    fvm_cli_source source;
    fvm_buf roots;
    if (!c->output) return need_output();
    fvm_err err = fvm_cli_source_open(&source, c->words[0], &why);
    if (err != FVM_OK) return failed(err, &why);
    fvm_buf_init(&roots, NULL);
    err = export_dag(c, &source, &roots, &why);
    fvm_buf_deinit(&roots);
    fvm_cli_source_close(&source);
    return err == FVM_OK ? FVM_EXIT_OK : failed(err, &why);
}

/* --- gc --- */

static fvm_err read_cids(fvm_buf *out, const fvm_car_command *c, fvm_store_why *why)
{
    for (int i = 1; i < c->count; i++) {
        fvm_cid cid;
        if (fvm_cid_from_text(&cid, fvm_bytes_of(c->words[i])) != FVM_OK)
            return fvm__why(why, FVM_ERR_MALFORMED, "'%s' is no CID", c->words[i]);
        FVM_TRY(fvm_buf_append(out, (fvm_bytes){ (const uint8_t *)&cid, sizeof cid }));
    }
    return FVM_OK;
}

static fvm_cli_exit gc(const fvm_car_command *c)
{
    fvm_store_why why = { { 0 } };
    fvm_blockstore bs;
    fvm_buf roots;
    fvm_gc_result r = { .kept = 0 };
    if (!fvm_cli_is_folder(c->words[0])) { /* opening would make it */
        fprintf(stderr, "fvm car gc: %s: no database\n", c->words[0]);
        return FVM_EXIT_INPUT;
    }
    fvm_buf_init(&roots, NULL);
    fvm_err err = read_cids(&roots, c, &why);
    if (err == FVM_OK) err = fvm_blockstore_lmdb_open(&bs, c->words[0], NULL, NULL, &why);
    if (err == FVM_OK) {
        err = fvm_lmdb_gc(&bs, &r, (const fvm_cid *)(void *)roots.ptr, roots.len / sizeof(fvm_cid),
                          &why);
        fvm_blockstore_free(&bs);
    }
    fvm_buf_deinit(&roots);
    if (err != FVM_OK) return failed(err, &why);
    printf(c->json ? "{\"kept\":%llu,\"kept_bytes\":%llu,\"removed\":%llu,\"removed_bytes\":%llu,"
                     "\"missing\":%llu}\n"
                   : "kept %llu blocks, %llu bytes\nremoved %llu blocks, %llu bytes\nlinks to "
                     "blocks that are not here: %llu\n",
           (unsigned long long)r.kept, (unsigned long long)r.kept_bytes,
           (unsigned long long)r.removed, (unsigned long long)r.removed_bytes,
           (unsigned long long)r.missing);
    return FVM_EXIT_OK;
}

/* --- the command --- */

static const struct {
    const char *name;
    int least, most; /* words after the name; most 0: any number */
    fvm_cli_exit (*run)(const fvm_car_command *c);
} actions[] = {
    { "create", 1, 0, create },         { "import", 2, 0, import },
    { "export", 1, 0, export_car },     { "extract", 1, 0, export_car },
    { "verify", 1, 1, fvm_car_verify }, { "list", 1, 1, fvm_car_list },
    { "stat", 1, 1, fvm_car_stat },     { "gc", 2, 0, gc },
};

/* The first word may be the name of a bundle; none is, where files or databases are made. */
static fvm_cli_exit run_on(fvm_car_command *c, fvm_cli_exit (*action)(const fvm_car_command *c))
{
    fvm_buf room;
    fvm_buf_init(&room, NULL);
    c->words[0] = fvm_cli_bundle_path(&room, c->words[0]);
    fvm_cli_exit code = action(c);
    fvm_buf_deinit(&room);
    return code;
}

static fvm_cli_exit run(fvm_car_command *c)
{
    const char *word = c->count ? c->words[0] : "";
    for (size_t i = 0; i < FVM_COUNT(actions); i++) {
        if (strcmp(word, actions[i].name) != 0) continue;
        c->words++;
        c->count--;
        if (c->count >= actions[i].least && (!actions[i].most || c->count <= actions[i].most))
            return run_on(c, actions[i].run);
        fprintf(stderr, "fvm car %s: too %s arguments. See 'fvm car --help'.\n", word,
                c->count < actions[i].least ? "few" : "many");
        return FVM_EXIT_USAGE;
    }
    const char *near = fvm_nearest(word, &actions[0].name, FVM_COUNT(actions), sizeof actions[0]);
    if (!c->count)
        fputs("fvm car: say what to do.", stderr);
    else
        fprintf(stderr, "fvm car: unknown action '%s'.", word);
    if (c->count && near) fprintf(stderr, " Did you mean '%s'?", near);
    fputs(" See 'fvm car --help'.\n", stderr);
    return FVM_EXIT_USAGE;
}

/* FVM_ARG_END, HELP, or FVM_ARG_BAD after a message. */
static int read_args(fvm_args *args, fvm_car_command *c)
{
    fvm_cid cid;
    for (int which; (which = fvm_args_next(args)) != FVM_ARG_END;) {
        switch (which) {
        case OUTPUT:
        case SHORT_OUTPUT: c->output = args->value; break;
        case CODEC:
            if (fvm_cli_codec_find(&c->codec, args->value)) break;
            fprintf(stderr, "fvm car: no codec '%s'.\n", args->value);
            return FVM_ARG_BAD;
        case HASH:
            if (fvm_cli_hash_find(&c->hash, args->value)) break;
            fprintf(stderr, "fvm car: no hash function '%s'.\n", args->value);
            return FVM_ARG_BAD;
        case ROOT:
            if (fvm_cid_from_text(&cid, fvm_bytes_of(args->value)) == FVM_OK &&
                fvm_buf_append(&c->roots, (fvm_bytes){ (const uint8_t *)&cid, sizeof cid }) ==
                    FVM_OK)
                break;
            fprintf(stderr, "fvm car: --root: '%s' is no CID.\n", args->value);
            return FVM_ARG_BAD;
        case ALLOW_MISSING: c->allow_missing = true; break;
        case LINKS: c->links = true; break;
        case NO_SYNC: c->no_sync = true; break;
        case JSON: c->json = true; break;
        case HELP: return HELP;
        case FVM_ARG_POSITIONAL: c->words[c->count++] = args->value; break;
        default: return FVM_ARG_BAD;
        }
    }
    return FVM_ARG_END;
}

fvm_cli_exit fvm_cmd_car(int argc, char **argv)
{
    fvm_args args = { argc, argv, "car", options, FVM_COUNT(options), 0, false, NULL };
    const char **words = calloc((size_t)argc + 1, sizeof *words);
    fvm_car_command c = { .words = words, .codec = FVM_CODEC_RAW, .hash = FVM_HASH_BLAKE2B_256 };
    fvm_buf_init(&c.roots, NULL);
    fvm_cli_exit code = FVM_EXIT_USAGE;
    int end = words ? read_args(&args, &c) : FVM_ARG_BAD;
    if (end == HELP) {
        fputs(help, stdout);
        code = FVM_EXIT_OK;
    } else if (end == FVM_ARG_END) {
        code = run(&c);
    }
    fvm_buf_deinit(&c.roots);
    free(words);
    return code;
}
