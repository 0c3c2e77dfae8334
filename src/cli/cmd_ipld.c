/* cmd_ipld.c - `fvm ipld`: look at blocks, turn them into text and back, make and check CIDs. Lists
 * of collections and differences of states are in ipld_list.c and ipld_diff.c. */
#include "ipld.h"

#include "base/text.h"
#include "ipld/cbor.h"
#include "ipld/dagjson.h"
#include "store/dag.h"
#include "store/source.h"

#include <stdlib.h>

static const char help[] =
    "Usage: fvm ipld get SOURCE CID[/PATH]       a block, or what lies in it, as DAG-JSON\n"
    "       fvm ipld from-json [FILE]            DAG-JSON to DAG-CBOR; prints the CID\n"
    "       fvm ipld to-json [FILE]              DAG-CBOR to DAG-JSON\n"
    "       fvm ipld cid make [FILE]             the CID of the bytes of a file\n"
    "       fvm ipld cid verify CID [FILE]       whether the bytes are the CID's\n"
    "       fvm ipld cid show CID                its parts\n"
    "       fvm ipld list SOURCE CID[/PATH] --as KIND   entries of a HAMT, AMT or KAMT, one a "
    "line\n"
    "       fvm ipld diff SOURCE ROOT ROOT       state roots: what differs, actor by actor\n"
    "       fvm ipld stat SOURCE CID[/PATH]      blocks and bytes that can be reached\n\n"
    "SOURCE is a CAR file, the folder of an LMDB database, or a bundle's name. A PATH goes "
    "through\n"
    "keys of maps, positions in lists, and links. Without FILE, or with '-', stdin is read.\n\n"
    "  --raw            get: the bytes themselves\n"
    "  --hex            get, to-json, from-json: read and write blocks in hex\n"
    "  --indent N       DAG-JSON on lines, N spaces a level\n"
    "  --codec NAME     cid make: raw (default), dag-cbor, cbor, dag-pb or a number 0x..\n"
    "  --hash NAME      cid make, from-json: blake2b-256 (default), sha2-256, ...\n"
    "  -o, --output FILE  from-json: write the block there\n"
    "  --store STORE    from-json: put the block into this LMDB database\n"
    "  --as KIND        list: hamt, amt, amt0 (of actors before v3) or kamt\n"
    "  --bits N         list: bit width of a HAMT or KAMT (default 5)\n"
    "  --keys KIND      list: print keys as hex (default), text, uint, int or address\n"
    "  --json           print JSON\n"
    "  --help           this text\n\n"
    "Example: fvm ipld get mainnet-v17 "
    "bafy2bzaceai74ppsvuxs3nvpzzeuptdr3wl7vmdpbphvtz4qt5hfq2qdfvz3e/1/0\n\n"
    "cid verify exits with 1 when they are not; diff when the states differ.\n" FVM_CLI_EXIT_HELP;

enum { RAW, HEX, INDENT, CODEC, HASH, OUTPUT, SHORT_OUTPUT, STORE, AS, BITS, KEYS, JSON, HELP };
static const fvm_option options[] = {
    [RAW] = { "--raw", false },      [HEX] = { "--hex", false },    [INDENT] = { "--indent", true },
    [CODEC] = { "--codec", true },   [HASH] = { "--hash", true },   [OUTPUT] = { "--output", true },
    [SHORT_OUTPUT] = { "-o", true }, [STORE] = { "--store", true }, [AS] = { "--as", true },
    [BITS] = { "--bits", true },     [KEYS] = { "--keys", true },   [JSON] = { "--json", false },
    [HELP] = { "--help", false },
};

#define INPUT_MAX (64u << 20)

fvm_cli_exit fvm_ipld_failed(fvm_err err, const fvm_store_why *why)
{
    return fvm_cli_failed("ipld", err, why);
}

static fvm_err put_out(FILE *to, fvm_bytes bytes)
{
    return bytes.len == 0 || fwrite(bytes.ptr, 1, bytes.len, to) == bytes.len ? FVM_OK : FVM_ERR_IO;
}

/* --- get --- */

/* Blocks without structure of ours are shown as bytes. */
static fvm_err to_text(fvm_buf *out, const fvm_cli_place *place, unsigned indent)
{
    fvm_buf item;
    if (place->cid.codec == FVM_CODEC_DAG_CBOR || place->cid.codec == FVM_CODEC_CBOR)
        return fvm_dagjson_write(out, place->item, indent);
    fvm_buf_init(&item, NULL);
    fvm_err err = fvm_cbor_put_bytes(&item, place->item);
    if (err == FVM_OK) err = fvm_dagjson_write(out, fvm_buf_bytes(&item), indent);
    fvm_buf_deinit(&item);
    return err;
}

static fvm_err print_place(const fvm_ipld_command *c, const fvm_cli_place *place,
                           fvm_store_why *why)
{
    fvm_buf out;
    if (c->raw) return put_out(stdout, place->item);
    fvm_buf_init(&out, NULL);
    fvm_err err = c->hex ? fvm_hex_encode(&out, place->item)
                         : to_text(&out, place, (unsigned)c->indent);
    if (err == FVM_OK) err = fvm_buf_put_u8(&out, '\n');
    if (err == FVM_OK) err = put_out(stdout, fvm_buf_bytes(&out));
    if (err == FVM_ERR_INVALID)
        (void)fvm__why(why, err, "DAG-JSON cannot say this block; use --hex");
    else if (err != FVM_OK)
        (void)fvm__why(why, err, "no DAG-CBOR: %s; --hex shows it", fvm_err_text(err));
    fvm_buf_deinit(&out);
    return err;
}

static fvm_cli_exit get(const fvm_ipld_command *c)
{
    fvm_store_why why = { { 0 } };
    fvm_cli_source source;
    fvm_cli_place place;
    fvm_err err = fvm_cli_source_open(&source, c->words[0], &why);
    if (err != FVM_OK) return fvm_ipld_failed(err, &why);
    err = fvm_cli_place_find(&place, &source.bs, c->words[1], &why);
    if (err == FVM_OK) err = print_place(c, &place, &why);
    fvm_buf_deinit(&place.block);
    fvm_cli_source_close(&source);
    return err == FVM_OK ? FVM_EXIT_OK : fvm_ipld_failed(err, &why);
}

/* --- DAG-JSON --- */

/* The input; out of hex if that is asked for. */
static fvm_err read_block(fvm_buf *out, const fvm_ipld_command *c, const char *path,
                          fvm_store_why *why)
{
    fvm_buf text;
    if (!c->hex) return fvm_cli_read_input(out, path, INPUT_MAX, why);
    fvm_buf_init(&text, NULL);
    fvm_err err = fvm_cli_read_input(&text, path, 2 * INPUT_MAX, why);
    while (text.len && strchr(" \t\r\n", text.ptr[text.len - 1])) text.len--;
    if (err == FVM_OK && (err = fvm_hex_decode(out, fvm_buf_bytes(&text))) != FVM_OK)
        (void)fvm__why(why, err, "the input is no hex");
    fvm_buf_deinit(&text);
    return err;
}

static fvm_cli_exit to_json(const fvm_ipld_command *c)
{
    fvm_store_why why = { { 0 } };
    fvm_cli_place place = { .cid = { .codec = FVM_CODEC_DAG_CBOR } };
    fvm_buf_init(&place.block, NULL);
    fvm_err err = read_block(&place.block, c, c->words[0], &why);
    place.item = fvm_buf_bytes(&place.block);
    fvm_ipld_command as_text = *c;
    as_text.raw = as_text.hex = false;
    if (err == FVM_OK) err = print_place(&as_text, &place, &why);
    fvm_buf_deinit(&place.block);
    return err == FVM_OK ? FVM_EXIT_OK : fvm_ipld_failed(err, &why);
}

/* Line and column of a place in a text, from 1. */
static void position(fvm_bytes text, size_t at, size_t *line, size_t *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < at && i < text.len; i++) {
        ++*column;
        if (text.ptr[i] != '\n') continue;
        ++*line;
        *column = 1;
    }
}

static fvm_err keep_block(const fvm_ipld_command *c, const fvm_cid *cid, fvm_bytes block,
                          fvm_store_why *why)
{
    if (c->output) {
        FILE *file = fopen(c->output, "wbe");
        fvm_err err = file ? put_out(file, block) : FVM_ERR_IO;
        if (file && fclose(file) != 0) err = FVM_ERR_IO;
        if (err != FVM_OK) return fvm__why(why, err, "%s: cannot be written", c->output);
    }
    if (c->store) {
        fvm_blockstore bs;
        FVM_TRY(fvm_blockstore_lmdb_open(&bs, c->store, NULL, NULL, why));
        fvm_err err = fvm_blockstore_put(&bs, cid, block);
        if (err != FVM_OK) fvm_lmdb_last_error(&bs, why);
        fvm_blockstore_free(&bs);
        return err;
    }
    return FVM_OK;
}

static fvm_err print_cid(const fvm_ipld_command *c, const fvm_cid *cid, size_t bytes)
{
    char text[FVM_CID_TEXT_MAX];
    (void)fvm_cid_to_text(text, cid);
    if (c->json)
        printf("{\"cid\":\"%s\",\"bytes\":%zu}\n", text, bytes);
    else
        puts(text);
    return FVM_OK;
}

static fvm_err json_to_block(const fvm_ipld_command *c, fvm_buf *text, fvm_buf *block,
                             fvm_store_why *why)
{
    size_t at = 0, line, column;
    fvm_cid cid;
    FVM_TRY(fvm_cli_read_input(text, c->words[0], INPUT_MAX, why));
    fvm_err err = fvm_dagjson_read(block, fvm_buf_bytes(text), &at);
    if (err != FVM_OK) {
        position(fvm_buf_bytes(text), at, &line, &column);
        return fvm__why(why, err, "no DAG-JSON: line %zu, column %zu: %s", line, column,
                        fvm_err_text(err));
    }
    err = fvm_cid_make(&cid, FVM_CODEC_DAG_CBOR, c->hash, fvm_buf_bytes(block));
    if (err != FVM_OK) return fvm__why(why, err, "the block cannot be hashed so");
    FVM_TRY(keep_block(c, &cid, fvm_buf_bytes(block), why));
    if (c->hex) {
        text->len = 0;
        FVM_TRY(fvm_hex_encode(text, fvm_buf_bytes(block)));
        FVM_TRY(fvm_buf_put_u8(text, '\n'));
        FVM_TRY(put_out(stdout, fvm_buf_bytes(text)));
    }
    return print_cid(c, &cid, block->len);
}

static fvm_cli_exit from_json(const fvm_ipld_command *c)
{
    fvm_store_why why = { { 0 } };
    fvm_buf text, block;
    fvm_buf_init(&text, NULL);
    fvm_buf_init(&block, NULL);
    fvm_err err = json_to_block(c, &text, &block, &why);
    fvm_buf_deinit(&text);
    fvm_buf_deinit(&block);
    return err == FVM_OK ? FVM_EXIT_OK : fvm_ipld_failed(err, &why);
}

/* --- cid --- */

static fvm_cli_exit cid_make(const fvm_ipld_command *c, const char *path)
{
    fvm_store_why why = { { 0 } };
    fvm_buf data;
    fvm_cid cid;
    fvm_buf_init(&data, NULL);
    fvm_err err = read_block(&data, c, path, &why);
    if (err == FVM_OK) {
        err = fvm_cid_make(&cid, c->codec, c->hash, fvm_buf_bytes(&data));
        if (err == FVM_OK)
            err = print_cid(c, &cid, data.len);
        else
            (void)fvm__why(&why, err,
                           "that hash function is not known here, or identity of more "
                           "than 64 bytes");
    }
    fvm_buf_deinit(&data);
    return err == FVM_OK ? FVM_EXIT_OK : fvm_ipld_failed(err, &why);
}

static fvm_cli_exit cid_verify(const fvm_ipld_command *c, const fvm_cid *cid, const char *path)
{
    fvm_store_why why = { { 0 } };
    fvm_buf data;
    fvm_buf_init(&data, NULL);
    fvm_err err = read_block(&data, c, path, &why);
    if (err == FVM_OK) err = fvm_cid_verify(cid, fvm_buf_bytes(&data));
    if (err == FVM_ERR_INVALID) (void)fvm__why(&why, err, "its hash function is not known here");
    fvm_buf_deinit(&data);
    if (err != FVM_OK && err != FVM_ERR_MISMATCH) return fvm_ipld_failed(err, &why);
    if (c->json)
        printf("{\"matches\":%s}\n", err == FVM_OK ? "true" : "false");
    else
        puts(err == FVM_OK ? "matches" : "does not match");
    return err == FVM_OK ? FVM_EXIT_OK : FVM_EXIT_FAILED;
}

static fvm_cli_exit cid_show(const fvm_ipld_command *c, const fvm_cid *cid)
{
    char codec[24], hash[24];
    fvm_store_why why = { { 0 } };
    fvm_buf digest;
    fvm_buf_init(&digest, NULL);
    fvm_err err = fvm_hex_encode(&digest, (fvm_bytes){ cid->digest, cid->digest_len });
    if (err == FVM_OK) err = fvm_buf_put_u8(&digest, 0);
    if (err == FVM_OK)
        printf(c->json ? "{\"version\":%u,\"codec\":\"%s\",\"hash\":\"%s\",\"digest\":\"%s\"}\n"
                       : "version %u\ncodec   %s\nhash    %s\ndigest  %s\n",
               cid->version, fvm_cli_codec_name(codec, cid->codec),
               fvm_cli_hash_name(hash, cid->hash), (const char *)digest.ptr);
    fvm_buf_deinit(&digest);
    return err == FVM_OK ? FVM_EXIT_OK : fvm_ipld_failed(err, &why);
}

static fvm_cli_exit cid_command(const fvm_ipld_command *c)
{
    fvm_cid cid;
    const char *word = c->words[0];
    if (strcmp(word, "make") == 0 && c->count <= 2) return cid_make(c, c->words[1]);
    bool verify = strcmp(word, "verify") == 0, show = strcmp(word, "show") == 0;
    if ((!verify && !show) || c->count < 2 || c->count > (verify ? 3 : 2)) {
        fputs("fvm ipld cid: make [FILE], verify CID [FILE] or show CID. See 'fvm ipld --help'.\n",
              stderr);
        return FVM_EXIT_USAGE;
    }
    if (fvm_cid_from_text(&cid, fvm_bytes_of(c->words[1])) != FVM_OK) {
        fprintf(stderr, "fvm ipld: '%s' is no CID\n", c->words[1]);
        return FVM_EXIT_INPUT;
    }
    return verify ? cid_verify(c, &cid, c->words[2]) : cid_show(c, &cid);
}

/* --- stat --- */

typedef struct totals {
    uint64_t blocks, bytes, largest, missing;
    fvm_cli_progress progress;
} totals;

static fvm_err count_block(void *ctx, const fvm_cid *cid, fvm_bytes data)
{
    totals *t = ctx;
    (void)cid;
    t->blocks++;
    t->bytes += data.len;
    if (data.len > t->largest) t->largest = data.len;
    fvm_cli_progress_show(&t->progress, t->blocks, t->bytes);
    return FVM_OK;
}

static fvm_err count_missing(void *ctx, const fvm_cid *cid)
{
    (void)cid;
    ((totals *)ctx)->missing++;
    return FVM_OK;
}

static fvm_cli_exit dag_stat(const fvm_ipld_command *c)
{
    fvm_store_why why = { { 0 } };
    fvm_cli_source source;
    fvm_cli_place place;
    totals t = { .progress = fvm_cli_progress_new("walking", 0) };
    fvm__dag_visitor visitor = { count_block, count_missing, &t };
    fvm_err err = fvm_cli_source_open(&source, c->words[0], &why);
    if (err != FVM_OK) return fvm_ipld_failed(err, &why);
    err = fvm_cli_place_find(&place, &source.bs, c->words[1], &why);
    if (err == FVM_OK) err = fvm__dag_walk(&source.bs, &place.cid, 1, &visitor, NULL, &why);
    fvm_cli_progress_end(&t.progress);
    fvm_buf_deinit(&place.block);
    fvm_cli_source_close(&source);
    if (err != FVM_OK) return fvm_ipld_failed(err, &why);
    printf(c->json ? "{\"blocks\":%llu,\"bytes\":%llu,\"largest\":%llu,\"missing\":%llu}\n"
                   : "%llu blocks, %llu bytes, the largest %llu; missing: %llu\n",
           (unsigned long long)t.blocks, (unsigned long long)t.bytes, (unsigned long long)t.largest,
           (unsigned long long)t.missing);
    return FVM_EXIT_OK;
}

/* --- the command --- */

static const struct {
    const char *name;
    int least, most;
    fvm_cli_exit (*run)(const fvm_ipld_command *c);
} actions[] = {
    { "get", 2, 2, get },         { "from-json", 0, 1, from_json }, { "to-json", 0, 1, to_json },
    { "cid", 1, 3, cid_command }, { "list", 2, 2, fvm_ipld_list },  { "diff", 3, 3, fvm_ipld_diff },
    { "stat", 2, 2, dag_stat },
};

static fvm_cli_exit run(fvm_ipld_command *c)
{
    const char *word = c->count ? c->words[0] : "";
    for (size_t i = 0; i < FVM_COUNT(actions); i++) {
        if (strcmp(word, actions[i].name) != 0) continue;
        c->words++;
        c->count--;
        if (c->count >= actions[i].least && c->count <= actions[i].most) return actions[i].run(c);
        fprintf(stderr, "fvm ipld %s: too %s arguments. See 'fvm ipld --help'.\n", word,
                c->count < actions[i].least ? "few" : "many");
        return FVM_EXIT_USAGE;
    }
    const char *near = fvm_nearest(word, &actions[0].name, FVM_COUNT(actions), sizeof actions[0]);
    if (!c->count)
        fputs("fvm ipld: say what to do.", stderr);
    else
        fprintf(stderr, "fvm ipld: unknown action '%s'.", word);
    if (c->count && near) fprintf(stderr, " Did you mean '%s'?", near);
    fputs(" See 'fvm ipld --help'.\n", stderr);
    return FVM_EXIT_USAGE;
}

static bool unknown_name(const char *what, const char *name)
{
    fprintf(stderr, "fvm ipld: no %s '%s'.\n", what, name);
    return false;
}

/* Takes one option in; false after a message. */
static bool take_option(fvm_ipld_command *c, const fvm_args *args, int which)
{
    switch (which) {
    case RAW: c->raw = true; return true;
    case HEX: c->hex = true; return true;
    case INDENT: return fvm_args_u64(args, &c->indent, "--indent", 16);
    case CODEC:
        return fvm_cli_codec_find(&c->codec, args->value) || unknown_name("codec", args->value);
    case HASH:
        return fvm_cli_hash_find(&c->hash, args->value) ||
               unknown_name("hash function", args->value);
    case OUTPUT:
    case SHORT_OUTPUT: c->output = args->value; return true;
    case STORE: c->store = args->value; return true;
    case AS: c->as = args->value; return true;
    case BITS: return fvm_args_u64(args, &c->bits, "--bits", 18);
    case KEYS: c->keys = args->value; return true;
    case JSON: c->json = true; return true;
    case FVM_ARG_POSITIONAL: c->words[c->count++] = args->value; return true;
    default: return false;
    }
}

fvm_cli_exit fvm_cmd_ipld(int argc, char **argv)
{
    fvm_args args = { argc, argv, "ipld", options, FVM_COUNT(options), 0, false, NULL };
    const char **words = calloc((size_t)argc + 3, sizeof *words); /* ends in NULLs */
    fvm_ipld_command c = { .words = words,
                           .codec = FVM_CODEC_RAW,
                           .hash = FVM_HASH_BLAKE2B_256,
                           .bits = 5,
                           .keys = "hex" };
    fvm_cli_exit code = words ? FVM_EXIT_OK : FVM_EXIT_HOST;
    bool told = false;
    for (int which; code == FVM_EXIT_OK && (which = fvm_args_next(&args)) != FVM_ARG_END;) {
        if (which == HELP) {
            fputs(help, stdout);
            told = true;
            break;
        }
        if (!take_option(&c, &args, which)) code = FVM_EXIT_USAGE;
    }
    if (code == FVM_EXIT_OK && !told) code = run(&c);
    free(words);
    return code;
}
