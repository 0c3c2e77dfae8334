/* Embedding the machine: a blockstore of one's own, answers to what actors ask of the outside world,
 * a state made from parts, and a message from an account, with its fees.
 *
 * cc embedder.c $(pkg-config --cflags --libs fvm) -o embedder
 * ./embedder dice_actor.wasm */
#include <fvm/fvm.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENDER 100
#define DICE 1000

static void must(fvm_err err, const char *what)
{
    if (err == FVM_OK) return;
    fprintf(stderr, "%s: %s\n", what, fvm_err_text(err));
    exit(1);
}

/* --- a blockstore of one's own: a list is enough for a handful of blocks --- */

typedef struct my_block {
    fvm_cid cid;
    uint8_t *data;
    size_t len;
    struct my_block *next;
} my_block;
typedef struct my_store {
    my_block *first;
} my_store;

static const my_block *find(const my_store *store, const fvm_cid *cid)
{
    for (const my_block *b = store->first; b; b = b->next)
        if (fvm_cid_eq(&b->cid, cid)) return b;
    return NULL;
}

static fvm_err my_get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    const my_block *b = find(self, cid);
    return b ? fvm_buf_append(out, (fvm_bytes){ b->data, b->len }) : FVM_ERR_NOT_FOUND;
}

static fvm_err my_has(void *self, bool *out, const fvm_cid *cid)
{
    *out = find(self, cid) != NULL;
    return FVM_OK;
}

static fvm_err my_put_many(void *self, const fvm_block *blocks, size_t count)
{
    my_store *store = self;
    for (size_t i = 0; i < count; i++) {
        if (find(store, &blocks[i].cid)) continue;
        my_block *b = malloc(sizeof *b);
        uint8_t *data = malloc(blocks[i].data.len + 1);
        if (!b || !data) {
            free(b);
            free(data);
            return FVM_ERR_NOMEM;
        }
        if (blocks[i].data.len) memcpy(data, blocks[i].data.ptr, blocks[i].data.len);
        *b = (my_block){ blocks[i].cid, data, blocks[i].data.len, store->first };
        store->first = b;
    }
    return FVM_OK;
}

static void my_free(void *self)
{
    for (my_block *b = ((my_store *)self)->first, *next; b; b = next) {
        next = b->next;
        free(b->data);
        free(b);
    }
}

static const fvm_blockstore_ops my_ops = {
    .get = my_get,
    .has = my_has,
    .put_many = my_put_many,
    .free = my_free,
};

/* --- the outside world --- */

static fvm_err my_randomness(void *ctx, uint8_t out[32], int64_t epoch)
{
    (void)ctx; /* a chain would look its beacon up; answers must depend on the arguments alone */
    for (int i = 0; i < 32; i++) out[i] = (uint8_t)(epoch + i * 7);
    return FVM_OK;
}

static fvm_cid load_wasm(const fvm_blockstore *bs, const char *path)
{
    static uint8_t bytes[1 << 20];
    fvm_cid cid;
    FILE *f = fopen(path, "rb");
    if (!f) perror(path), exit(1);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    must(fvm_blockstore_put_new(bs, &cid, FVM_CODEC_RAW, (fvm_bytes){ bytes, n }), path);
    return cid;
}

static fvm_cid make_state(const fvm_blockstore *bs, const fvm_cid *code)
{
    /* This network needs no built-in behaviour, so one code stands for all of them; the account's
     * must be another one, since the machine tells actors apart by their code. */
    static const uint8_t account_module[] = { 0, 'a', 's', 'm', 1, 0, 0,  0, 1, 4, 1, 0x60,
                                              0, 0,   3,   2,   1, 0, 10, 4, 1, 2, 0, 0x0b };
    fvm_cid account, root;
    must(fvm_blockstore_put_new(bs, &account, FVM_CODEC_RAW,
                                (fvm_bytes){ account_module, sizeof account_module }),
         "account");
    const fvm_genesis_builtin builtins[] = {
        { "system", *code },      { "init", *code }, { "account", account },
        { "placeholder", *code }, { "eam", *code },  { "ethaccount", *code },
    };
    const fvm_genesis_actor actors[] = {
        { .id = 2, .code = *code },  /* reward: receives tips */
        { .id = 99, .code = *code }, /* burnt funds */
        { .id = SENDER, .code = account, .balance = fvm_big_u64(1000000000000000000u) },
        { .id = DICE, .code = *code },
    };
    fvm_genesis genesis = {
        .network_version = 29,
        .builtins = builtins,
        .builtin_count = sizeof builtins / sizeof *builtins,
        .actors = actors,
        .actor_count = sizeof actors / sizeof *actors,
    };
    must(fvm_genesis_build(&root, bs, &genesis, NULL), "genesis");
    return root;
}

static void throw_dice(fvm_machine *machine, fvm_receipt *receipt)
{
    fvm_message message = {
        .to = fvm_address_id(DICE),
        .from = fvm_address_id(SENDER),
        .gas_limit = 100000000,
        .gas_fee_cap = fvm_big_u64(200),
        .gas_premium = fvm_big_u64(3),
        .method = 2,
    };
    char burn[FVM_BIG_TEXT_MAX];
    must(fvm_machine_apply(machine, receipt, &message, FVM_APPLY_EXPLICIT, 60), "apply");
    fvm_big_to_text(burn, &receipt->base_fee_burn);
    printf("exit %u, gas %llu, burned %s attoFIL, dice ", receipt->exit_code,
           (unsigned long long)receipt->gas_used, burn);
    for (size_t i = 0; i < receipt->return_data.len; i++)
        printf("%02x", receipt->return_data.ptr[i]);
    printf("\n");
}

int main(int argc, char **argv)
{
    if (argc != 2) return fprintf(stderr, "usage: %s dice_actor.wasm\n", argv[0]), 2;
    my_store store = { 0 };
    fvm_blockstore bs = { &my_ops, &store };
    fvm_externs externs = { .beacon_randomness = my_randomness };
    fvm_machine_config config = {
        .network_version = 29,
        .chain_id = 31415926,
        .epoch = 7,
        .base_fee = fvm_big_u64(100),
        .externs = &externs,
    };
    fvm_engine *engine;
    fvm_context *context;
    fvm_machine *machine;
    fvm_receipt receipt;
    char text[FVM_CID_TEXT_MAX];

    fvm_cid code = load_wasm(&bs, argv[1]);
    fvm_cid root = make_state(&bs, &code);
    must(fvm_engine_new(&engine, NULL), "engine");
    must(fvm_context_new(&context, engine, NULL), "context");
    must(fvm_machine_new(&machine, context, &bs, &root, &config), "machine");
    fvm_receipt_init(&receipt, NULL);
    throw_dice(machine, &receipt);
    must(fvm_machine_flush(machine, &root), "flush");
    fvm_cid_to_text(text, &root);
    printf("state %s\n", text);

    fvm_receipt_deinit(&receipt);
    fvm_machine_free(machine);
    fvm_context_free(context);
    fvm_engine_free(engine);
    fvm_blockstore_free(&bs);
    return 0;
}
