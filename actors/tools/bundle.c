/* bundle.c - fvm-bundle OUT (NAME WASM)... [-- (NAME WASM)...]: writes a bundle of built-in actors, a
 * CAR (v1):
 *
 *     root      [1, manifest]           DAG-CBOR
 *     manifest  [[name, code]...]       DAG-CBOR, in the order of the arguments
 *     the codes                         RAW
 *
 * With `--` there is a second root, of a manifest in which the names behind it have other codes.
 *
 * Format: reference/actors.md 2, reference/ipld.md 8. What comes out depends on the names and the bytes
 * of the modules alone. */
#include "base/util.h"
#include "base/varint.h"
#include "ipld/cbor.h"
#include "ipld/cid.h"

#include <stdio.h>
#include <stdlib.h>

static void check(fvm_err err, const char *what)
{
    if (err == FVM_OK) return;
    fprintf(stderr, "fvm-bundle: %s: %s\n", what, fvm_err_text(err));
    exit(1);
}

static void read_file(fvm_buf *out, const char *path)
{
    uint8_t chunk[4096];
    size_t n;
    FILE *f = fopen(path, "rb");
    check(f ? FVM_OK : FVM_ERR_NOT_FOUND, path);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        check(fvm_buf_append(out, (fvm_bytes){ chunk, n }), path);
    check(ferror(f) ? FVM_ERR_IO : FVM_OK, path);
    fclose(f);
}

#define ACTORS_MAX 64

typedef struct actor {
    const char *name;
    fvm_cid code;
} actor;

typedef struct bundle {
    fvm_buf blocks; /* sections of all but the header */
    fvm_cid root[2];
    size_t roots, count;
    actor actor[ACTORS_MAX];
} bundle;

/* A section: length of CID and data, CID, data. */
static void put_section(fvm_buf *car, fvm_cid *cid, uint64_t codec, fvm_bytes data)
{
    uint8_t bytes[FVM_CID_BYTES_MAX], len[FVM_VARINT_MAX];
    *cid = fvm_cid_of(codec, data);
    size_t cid_len = fvm_cid_write(bytes, cid);
    check(fvm_buf_append(car, (fvm_bytes){ len, fvm_varint_write(len, cid_len + data.len) }),
          "section");
    check(fvm_buf_append(car, (fvm_bytes){ bytes, cid_len }), "section");
    check(fvm_buf_append(car, data), "section");
}

static void put_header(fvm_buf *out, const fvm_cid *roots, size_t count)
{
    uint8_t len[FVM_VARINT_MAX];
    fvm_buf map;
    fvm_buf_init(&map, NULL);
    check(fvm_cbor_put_map(&map, 2), "header");
    check(fvm_cbor_put_text(&map, fvm_bytes_of("roots")), "header");
    check(fvm_cbor_put_array(&map, count), "header");
    for (size_t i = 0; i < count; i++) check(fvm_cbor_put_cid(&map, &roots[i]), "header");
    check(fvm_cbor_put_text(&map, fvm_bytes_of("version")), "header");
    check(fvm_cbor_put_uint(&map, 1), "header");
    check(fvm_buf_append(out, (fvm_bytes){ len, fvm_varint_write(len, map.len) }), "header");
    check(fvm_buf_append(out, fvm_buf_bytes(&map)), "header");
    fvm_buf_deinit(&map);
}

/* Stores the module; the actor of that name gets its code, or a new one. */
static void put_actor(bundle *b, const char *name, const char *path)
{
    size_t i = 0;
    fvm_buf wasm;
    fvm_buf_init(&wasm, NULL);
    read_file(&wasm, path);
    while (i < b->count && strcmp(b->actor[i].name, name) != 0) i++;
    check(i < ACTORS_MAX ? FVM_OK : FVM_ERR_LIMIT, name);
    if (i == b->count) b->count++;
    b->actor[i].name = name;
    put_section(&b->blocks, &b->actor[i].code, FVM_CODEC_RAW, fvm_buf_bytes(&wasm));
    fvm_buf_deinit(&wasm);
}

/* The manifest of the actors so far, and its root. */
static void put_manifest(bundle *b)
{
    fvm_buf block;
    fvm_cid list;
    fvm_buf_init(&block, NULL);
    check(fvm_cbor_put_array(&block, b->count), "manifest");
    for (size_t i = 0; i < b->count; i++) {
        check(fvm_cbor_put_array(&block, 2), "manifest");
        check(fvm_cbor_put_text(&block, fvm_bytes_of(b->actor[i].name)), "manifest");
        check(fvm_cbor_put_cid(&block, &b->actor[i].code), "manifest");
    }
    put_section(&b->blocks, &list, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&block));
    block.len = 0;
    check(fvm_cbor_put_array(&block, 2), "root");
    check(fvm_cbor_put_uint(&block, 1), "root");
    check(fvm_cbor_put_cid(&block, &list), "root");
    put_section(&b->blocks, &b->root[b->roots++], FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&block));
    fvm_buf_deinit(&block);
}

static void write_file(const char *path, fvm_bytes head, fvm_bytes rest)
{
    FILE *f = fopen(path, "wb");
    check(f ? FVM_OK : FVM_ERR_IO, path);
    check(fwrite(head.ptr, 1, head.len, f) == head.len ? FVM_OK : FVM_ERR_IO, path);
    check(fwrite(rest.ptr, 1, rest.len, f) == rest.len ? FVM_OK : FVM_ERR_IO, path);
    check(fclose(f) == 0 ? FVM_OK : FVM_ERR_IO, path);
}

int main(int argc, char **argv)
{
    static bundle b;
    fvm_buf header;
    if (argc < 4) return fputs("usage: fvm-bundle OUT (NAME WASM)... [-- ...]\n", stderr), 2;
    fvm_buf_init(&b.blocks, NULL);
    fvm_buf_init(&header, NULL);
    for (int i = 2; i < argc; i += 2) {
        if (strcmp(argv[i], "--") == 0 && b.roots == 0) {
            put_manifest(&b);
            i++;
        }
        if (i + 1 >= argc) return fputs("fvm-bundle: a name without a module\n", stderr), 2;
        put_actor(&b, argv[i], argv[i + 1]);
    }
    put_manifest(&b);
    put_header(&header, b.root, b.roots);
    write_file(argv[1], fvm_buf_bytes(&header), fvm_buf_bytes(&b.blocks));
    fvm_buf_deinit(&header);
    fvm_buf_deinit(&b.blocks);
    return 0;
}
