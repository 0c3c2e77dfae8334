/* car_look.c - `fvm car verify`, `list` and `stat`: they read archives and databases and change
 * nothing. */
#include "car.h"

#include "base/map.h"
#include "store/dag.h"

#include <stdarg.h>
#include <unistd.h>

static fvm_cli_exit failed(fvm_err err, const fvm_store_why *why)
{
    return fvm_cli_failed("car", err, why);
}

fvm_err fvm_car_input_open(fvm_car_input *in, const char *path, fvm_store_why *why)
{
    *in = (fvm_car_input){ .fd = STDIN_FILENO };
    bool is_file = strcmp(path, "-") != 0;
    if (is_file) FVM_TRY(fvm__open_file(&in->fd, &in->size, path, why));
    in->file = (fvm__file_source){ in->fd, 0 };
    fvm__source source = is_file ? fvm__source_file(&in->file) : fvm__source_pipe(&in->fd);
    fvm_err err = fvm__carstream_open(&in->cs, source, is_file ? &in->file : NULL, in->size, path,
                                      NULL, why);
    if (err != FVM_OK && is_file) close(in->fd);
    return err;
}

void fvm_car_input_close(fvm_car_input *in)
{
    fvm__carstream_close(&in->cs);
    if (in->fd != STDIN_FILENO) close(in->fd);
}

/* --- verify --- */

typedef struct verification {
    bool json;
    fvm_verify_result result;
    uint64_t missing;         /* links that lead nowhere */
    const fvm_blockstore *bs; /* for links; NULL: not asked for */
    const fvm_cid *from;      /* whose links are looked at */
    fvm_map wanted;           /* roots not seen yet */
} verification;

static void problem(void *ctx, const char *text)
{
    const verification *v = ctx;
    fprintf(v->json ? stderr : stdout, "%s\n", text);
}

__attribute__((format(printf, 2, 3))) static void found(verification *v, const char *format, ...)
{
    char text[700];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    v->result.problems++;
    problem(v, text);
}

static fvm_err check_link(void *ctx, const fvm_cid *cid)
{
    verification *v = ctx;
    bool has = false;
    char text[FVM_CID_TEXT_MAX], from[FVM_CID_TEXT_MAX];
    if (cid->codec == FVM_CODEC_COMM_SEALED || cid->codec == FVM_CODEC_COMM_UNSEALED) return FVM_OK;
    FVM_TRY(fvm_blockstore_has(v->bs, &has, cid));
    if (has) return FVM_OK;
    (void)fvm_cid_to_text(text, cid);
    (void)fvm_cid_to_text(from, v->from);
    v->missing++;
    found(v, "block %s: linked from %s, but not here", text, from);
    return FVM_OK;
}

static fvm_err check_links(verification *v, const fvm_cid *cid, fvm_bytes data)
{
    if (!v->bs) return FVM_OK;
    v->from = cid;
    fvm_err err = fvm__dag_links(cid->codec, data, check_link, v);
    if (err == FVM_OK || fvm_err_class_of(err) == FVM_CLASS_HOST) return err;
    char text[FVM_CID_TEXT_MAX];
    (void)fvm_cid_to_text(text, cid);
    found(v, "block %s: %s", text,
          err == FVM_ERR_INVALID ? "its codec is not known, nor are its links"
                                 : "its links cannot be read");
    return FVM_OK;
}

static fvm_err want_roots(verification *v, const fvm__carstream *cs)
{
    size_t count;
    const fvm_cid *roots = fvm__carstream_roots(cs, &count);
    for (size_t i = 0; i < count; i++) {
        uint8_t key[FVM_CID_BYTES_MAX];
        fvm_map_entry *entry;
        if (roots[i].hash == FVM_HASH_IDENTITY) continue;
        FVM_TRY(fvm_map_put(&v->wanted, &entry, NULL,
                            (fvm_bytes){ key, fvm_cid_write(key, &roots[i]) }));
    }
    return FVM_OK;
}

static void missing_roots(verification *v)
{
    size_t at = 0;
    for (const fvm_map_entry *e; (e = fvm_map_next(&v->wanted, &at)) != NULL;) {
        fvm_cid cid;
        char text[FVM_CID_TEXT_MAX];
        if (fvm_cid_read(&cid, NULL, e->key) != FVM_OK) continue;
        (void)fvm_cid_to_text(text, &cid);
        found(v, "root %s: its block is not here", text);
    }
}

/* Goes on behind a block that does not match; what breaks the format ends it. */
static fvm_err verify_sections(verification *v, fvm_car_input *in)
{
    fvm__car_section s;
    fvm_cli_progress progress = fvm_cli_progress_new("verifying", in->size);
    fvm_err err = FVM_OK;
    for (;;) {
        fvm_store_why why = { { 0 } };
        uint8_t key[FVM_CID_BYTES_MAX];
        err = fvm__carstream_next(&in->cs, &s, FVM__CAR_READ, &why);
        if (err == FVM_ERR_NOT_FOUND) break;
        if (err != FVM_OK) {
            if (fvm_err_class_of(err) == FVM_CLASS_HOST) return err;
            found(v, "%s", why.text);
            break;
        }
        v->result.blocks++;
        v->result.bytes += s.data_len;
        (void)fvm_map_remove(&v->wanted, (fvm_bytes){ key, fvm_cid_write(key, &s.cid) });
        err = fvm_cid_verify(&s.cid, s.data);
        if (err == FVM_ERR_INVALID) {
            v->result.unverifiable++;
        } else if (err != FVM_OK) {
            char text[FVM_CID_TEXT_MAX];
            (void)fvm_cid_to_text(text, &s.cid);
            found(v, "block %s at offset %llu: does not match its CID", text,
                  (unsigned long long)s.offset);
            continue;
        }
        if ((err = check_links(v, &s.cid, s.data)) != FVM_OK) break;
        fvm_cli_progress_show(&progress, v->result.blocks, in->cs.w.position);
    }
    fvm_cli_progress_end(&progress);
    if (fvm_err_class_of(err) == FVM_CLASS_HOST) return err;
    missing_roots(v);
    return FVM_OK;
}

static fvm_err verify_car(verification *v, const fvm_car_command *c, fvm_store_why *why)
{
    fvm_car_input in;
    fvm_blockstore bs = { NULL, NULL };
    FVM_TRY(fvm_car_input_open(&in, c->words[0], why));
    fvm_err err = want_roots(v, &in.cs);
    if (err == FVM_OK && c->links) {
        err = fvm_blockstore_car_open(&bs, c->words[0], false, NULL, why);
        if (err == FVM_OK) v->bs = &bs;
        /* broken: the pass over it says so, with what it finds besides */
        if (err != FVM_OK && fvm_err_class_of(err) != FVM_CLASS_HOST) err = FVM_OK;
    }
    if (err == FVM_OK) err = verify_sections(v, &in);
    v->bs = NULL;
    if (bs.ops) fvm_blockstore_free(&bs);
    fvm_car_input_close(&in);
    return err;
}

static fvm_err verify_one(void *ctx, const fvm_cid *cid, fvm_bytes data)
{
    return check_links(ctx, cid, data);
}

static fvm_err verify_lmdb(verification *v, const fvm_car_command *c, fvm_store_why *why)
{
    fvm_lmdb_options options = { .read_only = true };
    fvm_blockstore bs;
    fvm_err err = fvm_lmdb_verify_folder(c->words[0], &v->result, problem, v, NULL, why);
    if (err == FVM_ERR_MISMATCH) return FVM_OK; /* told; links of broken blocks say nothing */
    if (err != FVM_OK || !c->links) return err;
    FVM_TRY(fvm_blockstore_lmdb_open(&bs, c->words[0], &options, NULL, why));
    v->bs = &bs;
    err = fvm_lmdb_each(&bs, verify_one, v);
    fvm_blockstore_free(&bs);
    return err;
}

fvm_cli_exit fvm_car_verify(const fvm_car_command *c)
{
    fvm_store_why why = { { 0 } };
    verification v = { .json = c->json };
    fvm_map_init(&v.wanted, NULL);
    fvm_err err = fvm_cli_is_folder(c->words[0]) ? verify_lmdb(&v, c, &why)
                                                 : verify_car(&v, c, &why);
    fvm_map_deinit(&v.wanted);
    if (err != FVM_OK) return failed(err, &why);
    printf(c->json ? "{\"blocks\":%llu,\"bytes\":%llu,\"unverifiable\":%llu,\"problems\":%llu}\n"
                   : "%llu blocks, %llu bytes; hash not known: %llu; problems: %llu\n",
           (unsigned long long)v.result.blocks, (unsigned long long)v.result.bytes,
           (unsigned long long)v.result.unverifiable, (unsigned long long)v.result.problems);
    return v.result.problems ? FVM_EXIT_FAILED : FVM_EXIT_OK;
}

/* --- list and stat: one pass over a CAR or a database --- */

typedef struct look {
    bool json;
    /* stat: */
    uint64_t blocks, bytes, largest;
    struct look_codec {
        uint64_t codec, blocks, bytes;
    } codecs[12];
    size_t codec_count; /* further codecs are counted with the last one */
} look;

static void list_block(const look *l, const fvm_cid *cid, uint64_t offset, bool has_offset,
                       uint64_t len)
{
    char text[FVM_CID_TEXT_MAX];
    (void)fvm_cid_to_text(text, cid);
    if (l->json) {
        printf("{\"cid\":\"%s\",\"bytes\":%llu", text, (unsigned long long)len);
        if (has_offset) printf(",\"offset\":%llu", (unsigned long long)offset);
        puts("}");
        return;
    }
    if (has_offset) printf("%12llu ", (unsigned long long)offset);
    printf("%9llu %s\n", (unsigned long long)len, text);
}

static void count_block(look *l, const fvm_cid *cid, uint64_t len)
{
    size_t i = 0;
    while (i < l->codec_count && l->codecs[i].codec != cid->codec) i++;
    if (i == FVM_COUNT(l->codecs)) i--;
    if (i == l->codec_count) {
        l->codecs[i].codec = cid->codec;
        l->codec_count++;
    }
    l->codecs[i].blocks++;
    l->codecs[i].bytes += len;
    l->blocks++;
    l->bytes += len;
    if (len > l->largest) l->largest = len;
}

static fvm_err list_entry(void *ctx, const fvm_cid *cid, fvm_bytes data)
{
    list_block(ctx, cid, 0, false, data.len);
    return FVM_OK;
}

static fvm_err count_entry(void *ctx, const fvm_cid *cid, fvm_bytes data)
{
    count_block(ctx, cid, data.len);
    return FVM_OK;
}

static void print_stat(const look *l, uint64_t file_bytes, unsigned version, const fvm_cid *roots,
                       size_t root_count)
{
    char text[FVM_CID_TEXT_MAX], room[24];
    if (l->json) {
        printf("{\"kind\":\"%s\",\"file_bytes\":%llu,\"blocks\":%llu,\"bytes\":%llu,"
               "\"largest\":%llu,\"roots\":[",
               version == 0   ? "lmdb"
               : version == 1 ? "carv1"
                              : "carv2",
               (unsigned long long)file_bytes, (unsigned long long)l->blocks,
               (unsigned long long)l->bytes, (unsigned long long)l->largest);
        for (size_t i = 0; i < root_count; i++) {
            (void)fvm_cid_to_text(text, &roots[i]);
            printf("%s\"%s\"", i ? "," : "", text);
        }
        printf("],\"codecs\":[");
        for (size_t i = 0; i < l->codec_count; i++)
            printf("%s{\"codec\":\"%s\",\"blocks\":%llu,\"bytes\":%llu}", i ? "," : "",
                   fvm_cli_codec_name(room, l->codecs[i].codec),
                   (unsigned long long)l->codecs[i].blocks, (unsigned long long)l->codecs[i].bytes);
        puts("]}");
        return;
    }
    printf("%s, %llu bytes\n%llu blocks, %llu bytes, the largest %llu\n",
           version == 0   ? "LMDB database"
           : version == 1 ? "CAR version 1"
                          : "CAR version 2",
           (unsigned long long)file_bytes, (unsigned long long)l->blocks,
           (unsigned long long)l->bytes, (unsigned long long)l->largest);
    for (size_t i = 0; i < l->codec_count; i++)
        printf("  %-12s %10llu blocks %14llu bytes\n", fvm_cli_codec_name(room, l->codecs[i].codec),
               (unsigned long long)l->codecs[i].blocks, (unsigned long long)l->codecs[i].bytes);
    for (size_t i = 0; i < root_count; i++) {
        (void)fvm_cid_to_text(text, &roots[i]);
        printf("root %s\n", text);
    }
}

static fvm_err look_at_car(look *l, const char *path, bool list, fvm_store_why *why)
{
    fvm_car_input in;
    fvm__car_section s;
    size_t root_count;
    FVM_TRY(fvm_car_input_open(&in, path, why));
    fvm_cli_progress progress = fvm_cli_progress_new("reading", in.size);
    fvm_err err;
    while ((err = fvm__carstream_next(&in.cs, &s, FVM__CAR_SKIP, why)) == FVM_OK) {
        if (list)
            list_block(l, &s.cid, s.offset, true, s.data_len);
        else
            count_block(l, &s.cid, s.data_len);
        fvm_cli_progress_show(&progress, l->blocks, in.cs.w.position);
    }
    fvm_cli_progress_end(&progress);
    if (err == FVM_ERR_NOT_FOUND) err = FVM_OK;
    const fvm_cid *roots = fvm__carstream_roots(&in.cs, &root_count);
    if (err == FVM_OK && !list)
        print_stat(l, in.size ? in.size : in.cs.w.position, in.cs.version, roots, root_count);
    fvm_car_input_close(&in);
    return err;
}

static fvm_err look_at_lmdb(look *l, const char *path, bool list, fvm_store_why *why)
{
    fvm_lmdb_options options = { .read_only = true };
    fvm_lmdb_stats stats;
    fvm_blockstore bs;
    FVM_TRY(fvm_blockstore_lmdb_open(&bs, path, &options, NULL, why));
    fvm_err err = fvm_lmdb_stats_get(&bs, &stats);
    if (err == FVM_OK) err = fvm_lmdb_each(&bs, list ? list_entry : count_entry, l);
    if (err == FVM_OK && !list) print_stat(l, stats.file_bytes, 0, NULL, 0);
    if (err != FVM_OK) fvm_lmdb_last_error(&bs, why);
    fvm_blockstore_free(&bs);
    return err;
}

static fvm_cli_exit look_at(const fvm_car_command *c, bool list)
{
    fvm_store_why why = { { 0 } };
    look l = { .json = c->json };
    fvm_err err = fvm_cli_is_folder(c->words[0]) ? look_at_lmdb(&l, c->words[0], list, &why)
                                                 : look_at_car(&l, c->words[0], list, &why);
    return err == FVM_OK ? FVM_EXIT_OK : failed(err, &why);
}

fvm_cli_exit fvm_car_list(const fvm_car_command *c)
{
    return look_at(c, true);
}

fvm_cli_exit fvm_car_stat(const fvm_car_command *c)
{
    return look_at(c, false);
}
