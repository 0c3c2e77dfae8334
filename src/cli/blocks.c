/* blocks.c - see blocks.h. */
#include "blocks.h"
#include "base/clock.h"

#include "ipld/cbor.h"
#include "store/bundle.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

fvm_cli_exit fvm_cli_failed(const char *command, fvm_err err, const fvm_store_why *why)
{
    fprintf(stderr, "fvm %s: %s\n", command, why->text[0] ? why->text : fvm_err_text(err));
    return fvm_cli_exit_of(err);
}

/* --- names --- */

typedef struct code_name {
    uint64_t code;
    const char *name;
} code_name;

static const code_name codecs[] = {
    { FVM_CODEC_RAW, "raw" },
    { FVM_CODEC_DAG_CBOR, "dag-cbor" },
    { FVM_CODEC_CBOR, "cbor" },
    { FVM_CODEC_DAG_PB, "dag-pb" },
    { FVM_CODEC_COMM_UNSEALED, "fil-commitment-unsealed" },
    { FVM_CODEC_COMM_SEALED, "fil-commitment-sealed" },
};
static const code_name hashes[] = {
    { FVM_HASH_BLAKE2B_256, "blake2b-256" },
    { FVM_HASH_SHA2_256, "sha2-256" },
    { FVM_HASH_IDENTITY, "identity" },
    { FVM_HASH_KECCAK_256, "keccak-256" },
    { FVM_HASH_RIPEMD_160, "ripemd-160" },
    { FVM_HASH_BLAKE2B_512, "blake2b-512" },
    { FVM_HASH_SHA2_512, "sha2-512" },
    { FVM_HASH_SHA2_256_TRUNC254, "sha2-256-trunc254-padded" },
    { FVM_HASH_POSEIDON, "poseidon-bls12_381-a2-fc1" },
};

static const char *name_of(char room[24], const code_name *names, size_t count, uint64_t code)
{
    for (size_t i = 0; i < count; i++)
        if (names[i].code == code) return names[i].name;
    (void)snprintf(room, 24, "0x%llx", (unsigned long long)code);
    return room;
}

static bool find_name(uint64_t *out, const code_name *names, size_t count, const char *name)
{
    char *end;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i].name, name) != 0) continue;
        *out = names[i].code;
        return true;
    }
    if (strncmp(name, "0x", 2) != 0 || name[2] == 0) return false;
    errno = 0;
    *out = strtoull(name + 2, &end, 16);
    return *end == 0 && errno == 0;
}

const char *fvm_cli_codec_name(char room[24], uint64_t codec)
{
    return name_of(room, codecs, FVM_COUNT(codecs), codec);
}
const char *fvm_cli_hash_name(char room[24], uint64_t hash)
{
    return name_of(room, hashes, FVM_COUNT(hashes), hash);
}
bool fvm_cli_codec_find(uint64_t *out, const char *name)
{
    return find_name(out, codecs, FVM_COUNT(codecs), name);
}
bool fvm_cli_hash_find(uint64_t *out, const char *name)
{
    return find_name(out, hashes, FVM_COUNT(hashes), name);
}

/* --- input --- */

bool fvm_cli_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

fvm_err fvm_cli_source_open(fvm_cli_source *out, const char *path, fvm_store_why *why)
{
    *out = (fvm_cli_source){ .is_car = false };
    if (fvm_cli_is_folder(path)) {
        fvm_lmdb_options options = { .read_only = true };
        return fvm_blockstore_lmdb_open(&out->bs, path, &options, NULL, why);
    }
    fvm_buf room;
    fvm_buf_init(&room, NULL);
    out->is_car = true;
    fvm_err err = fvm_blockstore_car_open(&out->bs, fvm_cli_bundle_path(&room, path), false, NULL,
                                          why);
    fvm_buf_deinit(&room);
    return err;
}

const char *fvm_cli_bundle_path(fvm_buf *room, const char *path)
{
    if (strchr(path, '/') || access(path, F_OK) == 0) return path;
    room->len = 0;
    if (fvm__bundle_path(room, NULL, path, ".car") != FVM_OK) return path;
    return access((const char *)room->ptr, R_OK) == 0 ? (const char *)room->ptr : path;
}

void fvm_cli_source_close(fvm_cli_source *source)
{
    if (source->bs.ops) fvm_blockstore_free(&source->bs);
}

fvm_err fvm_cli_read_input(fvm_buf *out, const char *path, uint64_t max, fvm_store_why *why)
{
    if (path && strcmp(path, "-") != 0) return fvm_file_read(out, path, max, why);
    for (;;) {
        if (fvm_buf_reserve(out, 65536) != FVM_OK)
            return fvm__why(why, FVM_ERR_NOMEM, "out of memory");
        size_t n = fread(out->ptr + out->len, 1, 65536, stdin);
        out->len += n;
        if (out->len > max) return fvm__why(why, FVM_ERR_LIMIT, "the input is too long");
        if (n == 0 && ferror(stdin)) return fvm__why(why, FVM_ERR_IO, "stdin cannot be read");
        if (n == 0) return FVM_OK;
    }
}

/* --- progress --- */

fvm_cli_progress fvm_cli_progress_new(const char *doing, uint64_t total)
{
    bool on = isatty(STDERR_FILENO) != 0;
    return (fvm_cli_progress){
        .doing = doing, .total = total, .on = on, .next_ms = on ? fvm_clock_ms() + 500 : 0
    };
}

void fvm_cli_progress_show(fvm_cli_progress *p, uint64_t blocks, uint64_t bytes)
{
    if (!p->on || fvm_clock_ms() < p->next_ms) return;
    p->next_ms = fvm_clock_ms() + 200;
    p->printed = true;
    fprintf(stderr, "\r%s: %llu blocks, %llu MB", p->doing, (unsigned long long)blocks,
            (unsigned long long)(bytes / 1000000));
    if (p->total) fprintf(stderr, " of %llu MB", (unsigned long long)(p->total / 1000000));
    fputs("   ", stderr);
}

void fvm_cli_progress_end(fvm_cli_progress *p)
{
    if (p->printed) fputs("\r\033[K", stderr);
    p->printed = false;
}

/* --- paths --- */

static fvm_err load_block(fvm_cli_place *place, const fvm_blockstore *bs, const fvm_cid *cid,
                          fvm_store_why *why)
{
    char text[FVM_CID_TEXT_MAX];
    fvm_cid kept = *cid; /* may lie in the block that goes now */
    place->block.len = 0;
    fvm_err err = fvm_blockstore_get(bs, &place->block, &kept);
    place->cid = kept;
    place->item = fvm_buf_bytes(&place->block);
    place->whole = true;
    if (err == FVM_OK) return FVM_OK;
    (void)fvm_cid_to_text(text, &kept);
    return fvm__why(why, err, "block %s: %s", text,
                    err == FVM_ERR_NOT_FOUND ? "it is not here" : fvm_err_text(err));
}

static bool is_link(fvm_bytes item)
{
    return item.len > 1 && item.ptr[0] == 0xd8 && item.ptr[1] == 0x2a;
}

static fvm_err follow(fvm_cli_place *place, const fvm_blockstore *bs, fvm_store_why *why)
{
    fvm_cid cid;
    fvm_bytes item = place->item;
    if (place->cid.codec != FVM_CODEC_DAG_CBOR || !is_link(item)) return FVM_OK;
    if (fvm_cbor_cid(&cid, &item) != FVM_OK)
        return fvm__why(why, FVM_ERR_MALFORMED, "a link on the path does not decode");
    if (cid.codec == FVM_CODEC_COMM_SEALED || cid.codec == FVM_CODEC_COMM_UNSEALED) return FVM_OK;
    return load_block(place, bs, &cid, why);
}

static fvm_err enter_map(fvm_cli_place *place, uint64_t count, fvm_bytes in, fvm_bytes name)
{
    for (uint64_t i = 0; i < count; i++) {
        fvm_bytes key, value;
        FVM_TRY(fvm_cbor_text(&key, &in, NULL));
        FVM_TRY(fvm_cbor_item(&value, &in));
        if (!fvm_bytes_eq(key, name)) continue;
        place->item = value;
        return FVM_OK;
    }
    return FVM_ERR_NOT_FOUND;
}

static fvm_err enter_array(fvm_cli_place *place, uint64_t count, fvm_bytes in, fvm_bytes name)
{
    uint64_t index = 0;
    if (name.len == 0 || name.len > 18) return FVM_ERR_NOT_FOUND;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] < '0' || name.ptr[i] > '9') return FVM_ERR_NOT_FOUND;
        index = index * 10 + (uint64_t)(name.ptr[i] - '0');
    }
    if (index >= count) return FVM_ERR_NOT_FOUND;
    for (uint64_t i = 0; i <= index; i++) FVM_TRY(fvm_cbor_item(&place->item, &in));
    return FVM_OK;
}

static fvm_err enter(fvm_cli_place *place, fvm_bytes name, fvm_store_why *why)
{
    uint8_t major = 0;
    uint64_t count;
    fvm_bytes in = place->item;
    fvm_err err = place->cid.codec == FVM_CODEC_DAG_CBOR || place->cid.codec == FVM_CODEC_CBOR
                      ? fvm_cbor_head(&major, &count, &in)
                      : FVM_ERR_NOT_FOUND;
    if (err == FVM_OK)
        err = major == 5   ? enter_map(place, count, in, name)
              : major == 4 ? enter_array(place, count, in, name)
                           : FVM_ERR_NOT_FOUND;
    place->whole = false;
    if (err == FVM_OK) return FVM_OK;
    return fvm__why(why, err, "the path has no '%.*s' there: %s", (int)name.len,
                    (const char *)name.ptr, fvm_err_text(err));
}

fvm_err fvm_cli_place_find(fvm_cli_place *out, const fvm_blockstore *bs, const char *path,
                           fvm_store_why *why)
{
    fvm_cid cid;
    size_t len = strcspn(path, "/");
    *out = (fvm_cli_place){ .whole = true };
    fvm_buf_init(&out->block, NULL);
    if (fvm_cid_from_text(&cid, (fvm_bytes){ (const uint8_t *)path, len }) != FVM_OK)
        return fvm__why(why, FVM_ERR_MALFORMED, "'%.*s' is no CID", (int)len, path);
    FVM_TRY(load_block(out, bs, &cid, why));
    for (const char *at = path + len; *at == '/';) {
        at++;
        len = strcspn(at, "/");
        if (len == 0 && at[0] == 0) break; /* a slash at the end */
        FVM_TRY(enter(out, (fvm_bytes){ (const uint8_t *)at, len }, why));
        FVM_TRY(follow(out, bs, why));
        at += len;
    }
    return FVM_OK;
}
