/* bundle.c - fvm-bundle OUT (NAME WASM)...: writes a bundle of built-in actors, a CAR (v1):
 *
 *     root   [1, manifest]              DAG-CBOR
 *     manifest  [[name, code]...]       DAG-CBOR, in the order of the arguments
 *     the codes                         RAW
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

static void put_header(fvm_buf *out, const fvm_cid *root)
{
    uint8_t len[FVM_VARINT_MAX];
    fvm_buf map;
    fvm_buf_init(&map, NULL);
    check(fvm_cbor_put_map(&map, 2), "header");
    check(fvm_cbor_put_text(&map, fvm_bytes_of("roots")), "header");
    check(fvm_cbor_put_array(&map, 1), "header");
    check(fvm_cbor_put_cid(&map, root), "header");
    check(fvm_cbor_put_text(&map, fvm_bytes_of("version")), "header");
    check(fvm_cbor_put_uint(&map, 1), "header");
    check(fvm_buf_append(out, (fvm_bytes){ len, fvm_varint_write(len, map.len) }), "header");
    check(fvm_buf_append(out, fvm_buf_bytes(&map)), "header");
    fvm_buf_deinit(&map);
}

static void write_file(const char *path, const fvm_buf *parts, size_t count)
{
    FILE *f = fopen(path, "wb");
    check(f ? FVM_OK : FVM_ERR_IO, path);
    for (size_t i = 0; i < count; i++)
        check(fwrite(parts[i].ptr, 1, parts[i].len, f) == parts[i].len ? FVM_OK : FVM_ERR_IO, path);
    check(fclose(f) == 0 ? FVM_OK : FVM_ERR_IO, path);
}

int main(int argc, char **argv)
{
    enum { HEADER, ROOT, LIST, CODES, PARTS };
    fvm_buf part[PARTS], list, wasm;
    fvm_cid cid;
    if (argc < 4 || argc % 2 != 0)
        return fputs("usage: fvm-bundle OUT (NAME WASM)...\n", stderr), 2;
    for (int i = 0; i < PARTS; i++) fvm_buf_init(&part[i], NULL);
    fvm_buf_init(&list, NULL);
    fvm_buf_init(&wasm, NULL);

    check(fvm_cbor_put_array(&list, (uint64_t)(argc / 2 - 1)), "manifest");
    for (int i = 2; i < argc; i += 2) {
        wasm.len = 0;
        read_file(&wasm, argv[i + 1]);
        put_section(&part[CODES], &cid, FVM_CODEC_RAW, fvm_buf_bytes(&wasm));
        check(fvm_cbor_put_array(&list, 2), "manifest");
        check(fvm_cbor_put_text(&list, fvm_bytes_of(argv[i])), "manifest");
        check(fvm_cbor_put_cid(&list, &cid), "manifest");
    }
    put_section(&part[LIST], &cid, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&list));
    list.len = 0;
    check(fvm_cbor_put_array(&list, 2), "root");
    check(fvm_cbor_put_uint(&list, 1), "root");
    check(fvm_cbor_put_cid(&list, &cid), "root");
    put_section(&part[ROOT], &cid, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&list));
    put_header(&part[HEADER], &cid);
    write_file(argv[1], part, PARTS);

    fvm_buf_deinit(&wasm);
    fvm_buf_deinit(&list);
    for (int i = 0; i < PARTS; i++) fvm_buf_deinit(&part[i]);
    return 0;
}
