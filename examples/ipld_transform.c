/* No Filecoin chain at all: store an IPLD DAG, run an actor over it, print the new root.
 *
 * cc ipld_transform.c $(pkg-config --cflags --libs fvm) -o ipld_transform
 * ./ipld_transform upper_actor.wasm hello world */
#include <fvm/fvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(fvm_err err, const char *what)
{
    if (err == FVM_OK) return;
    fprintf(stderr, "%s: %s\n", what, fvm_err_text(err));
    exit(1);
}

static void read_file(fvm_buf *out, const char *path)
{
    uint8_t chunk[4096];
    size_t n;
    FILE *f = fopen(path, "rb");
    if (!f) perror(path), exit(1);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        must(fvm_buf_append(out, (fvm_bytes){ chunk, n }), path);
    fclose(f);
}

/* A list of links as DAG-CBOR: an array head, then for each CID tag 42 and a byte string 00 || CID. */
static void append_link(fvm_buf *list, const fvm_cid *cid)
{
    uint8_t link[5 + FVM_CID_BYTES_MAX] = { 0xd8, 0x2a, 0x58, 0, 0 };
    size_t n = fvm_cid_write(link + 5, cid);
    link[3] = (uint8_t)(n + 1);
    must(fvm_buf_append(list, (fvm_bytes){ link, 5 + n }), "list");
}

/* Prints the leaves of a list: each link takes 43 bytes. */
static void print_list(const fvm_blockstore *bs, const fvm_cid *root)
{
    fvm_buf list, leaf;
    fvm_cid cid;
    fvm_buf_init(&list, NULL);
    fvm_buf_init(&leaf, NULL);
    must(fvm_blockstore_get(bs, &list, root), "root");
    for (size_t at = 6; at < list.len; at += 43) {
        must(fvm_cid_read(&cid, NULL, (fvm_bytes){ list.ptr + at, list.len - at }), "link");
        leaf.len = 0;
        must(fvm_blockstore_get(bs, &leaf, &cid), "leaf");
        printf("  %.*s\n", (int)leaf.len, (const char *)leaf.ptr);
    }
    fvm_buf_deinit(&leaf);
    fvm_buf_deinit(&list);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 25) return fprintf(stderr, "usage: %s ACTOR.wasm WORD...\n", argv[0]), 2;
    fvm_blockstore bs;
    fvm_buf wasm, list;
    must(fvm_blockstore_memory_new(&bs, NULL), "store");
    fvm_buf_init(&wasm, NULL);
    fvm_buf_init(&list, NULL);
    read_file(&wasm, argv[1]);
    uint8_t head = (uint8_t)(0x80 + (argc - 2));
    must(fvm_buf_append(&list, (fvm_bytes){ &head, 1 }), "list");
    for (int i = 2; i < argc; i++) {
        fvm_cid leaf;
        fvm_bytes word = { (const uint8_t *)argv[i], strlen(argv[i]) };
        must(fvm_blockstore_put_new(&bs, &leaf, FVM_CODEC_RAW, word), "leaf");
        append_link(&list, &leaf);
    }
    fvm_sandbox run = { 0 };
    fvm_bytes code = { wasm.ptr, wasm.len }, data = { list.ptr, list.len };
    must(fvm_blockstore_put_new(&bs, &run.code, FVM_CODEC_RAW, code), "code");
    must(fvm_blockstore_put_new(&bs, &run.root, FVM_CODEC_DAG_CBOR, data), "root");

    fvm_engine *engine;
    fvm_context *context;
    fvm_receipt receipt;
    fvm_cid root;
    char text[FVM_CID_TEXT_MAX];
    must(fvm_engine_new(&engine, NULL), "engine");
    must(fvm_context_new(&context, engine, NULL), "context");
    fvm_receipt_init(&receipt, NULL);
    must(fvm_sandbox_run(context, &root, &receipt, &bs, &run), "run");
    fvm_cid_to_text(text, &root);
    printf("exit %u, gas %llu, root %s\n", receipt.exit_code, (unsigned long long)receipt.gas_used,
           text);
    print_list(&bs, &root);

    fvm_receipt_deinit(&receipt);
    fvm_context_free(context);
    fvm_engine_free(engine);
    fvm_buf_deinit(&list);
    fvm_buf_deinit(&wasm);
    fvm_blockstore_free(&bs);
    return 0;
}
