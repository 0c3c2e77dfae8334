/* cmd_actor_state.c - `fvm actor state`: an actor of a state, its state by name. */
#include "actor_client.h"
#include "blocks.h"
#include "cmd_actor.h"
#include "json.h"

#include "ipld/cbor.h"
#include "ipld/dagjson.h"
#include "kernel/schema/schema.h"
#include "kernel/state.h"
#include "store/source.h"

#include <inttypes.h>

static const char help[] =
    "Usage: fvm actor state ADDRESS [--rpc URL] [--json]\n"
    "       fvm actor state SOURCE ROOT ADDRESS [OPTION]...\n\n"
    "The first form asks a node for the actor and its state. The second prints an actor of the\n"
    "state tree at ROOT and what its state block says, by name where the\n"
    "actor is a built-in one (of the embedded actors or of mainnet's, by the list in the state),\n"
    "else as DAG-JSON. SOURCE is a CAR file or the folder of an LMDB database; ADDRESS any form,\n"
    "with f or t.\n\n"
    "  --rpc URL  the node (default $FVM_RPC, else " FVM_CLIENT_URL ")\n"
    "  --links    follow links: collections and linked blocks are printed in their places\n"
    "  --max N    entries of one collection to print (default 20)\n"
    "  --bundle B where the actors' code and list are, if not in SOURCE\n"
    "  --json     {\"id\", \"address\", \"type\", \"code\", \"head\", \"nonce\", \"balance\",\n"
    "             \"delegated\", \"state\"}\n"
    "  --help     this text\n\n"
    "Example: fvm actor state state.car bafy2bzace... f01 --links\n\n" FVM_CLI_EXIT_HELP;

enum { LINKS, MAX, BUNDLE, JSON, HELP, RPC };
static const fvm_option options[] = {
    [LINKS] = { "--links", false }, [MAX] = { "--max", true },    [BUNDLE] = { "--bundle", true },
    [JSON] = { "--json", false },   [HELP] = { "--help", false }, [RPC] = { "--rpc", true },
};

typedef struct request {
    const char *words[3]; /* source, root, address */
    const char *bundle;
    uint64_t max;
    bool links, json;
    fvm_store_why why;
} request;

typedef struct found {
    uint64_t id;
    fvm_actor actor;
    fvm_buf type;  /* empty: no built-in actor */
    fvm_buf state; /* as text; empty: no such block */
} found;

/* The first network version that has trees of this version: only the shape of the tree and of its
 * actors depends on it here. */
static fvm_err open_view(fvm_state_view **view, const fvm_blockstore *bs, const fvm_cid *root)
{
    static const uint32_t versions[] = { FVM_NETWORK_VERSION_MAX, FVM_NETWORK_VERSION_MIN };
    fvm_err err = FVM_ERR_VERSION;
    for (size_t i = 0; i < FVM_COUNT(versions) && err == FVM_ERR_VERSION; i++)
        err = fvm_state_view_open(view, bs, root, fvm_network_find(versions[i]), NULL);
    return err;
}

static fvm_err find_type(fvm_buf *type, fvm_state_view *view, const fvm_cid *code)
{
    fvm_cid data;
    fvm_manifest *manifest;
    fvm_bytes name;
    FVM_TRY(fvm_system_state_manifest(view, &data));
    FVM_TRY(fvm_manifest_load(&manifest, fvm_state_blockstore(view), &data, fvm_state_network(view),
                              NULL));
    uint32_t number = fvm_manifest_type(manifest, code);
    fvm_err err = FVM_OK;
    if (number && fvm_manifest_code(manifest, number, &name)) err = fvm_buf_append(type, name);
    fvm_manifest_free(manifest);
    return err;
}

/* By name, if it is as the schema says; else as it is. */
static fvm_err write_state(found *f, const request *q, const fvm_blockstore *bs)
{
    fvm_buf block;
    fvm_schema *schema = NULL;
    fvm_schema_style style = { .indent = 2, .bs = q->links ? bs : NULL, .entries_max = q->max };
    fvm_cid none = fvm_empty_array_cid();
    if (fvm_cid_eq(&f->actor.head, &none)) return FVM_OK;
    fvm_buf_init(&block, NULL);
    fvm_err err = fvm_blockstore_get(bs, &block, &f->actor.head);
    if (err == FVM_OK) err = fvm_schema_builtin(&schema, NULL);
    if (err == FVM_OK)
        err = fvm_schema_write(&f->state, schema, fvm_buf_bytes(&f->type), FVM_SCHEMA_STATE, 0,
                               FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&block), &style);
    fvm_err_class class = fvm_err_class_of(err);
    if (err == FVM_ERR_NOT_FOUND || class == FVM_CLASS_INPUT)
        err = fvm_dagjson_write(&f->state, fvm_buf_bytes(&block), 2);
    fvm_schema_free(schema);
    fvm_buf_deinit(&block);
    return err;
}

static fvm_err find_actor(found *f, request *q, fvm_state_view *view, const fvm_address *address)
{
    const fvm_actor *actor;
    fvm_err err = fvm_state_lookup_id(view, &f->id, address);
    if (err == FVM_OK) err = fvm_state_get(view, &actor, f->id);
    if (err == FVM_ERR_NOT_FOUND)
        return fvm__why(&q->why, err, "no actor %s in this state", q->words[2]);
    if (err != FVM_OK) return fvm__why(&q->why, err, "the tree of actors: %s", fvm_err_text(err));
    f->actor = *actor;
    if ((err = find_type(&f->type, view, &f->actor.code)) != FVM_OK)
        return fvm__why(&q->why, err, "the list of built-in actors: %s (is it in a --bundle?)",
                        fvm_err_text(err));
    if ((err = write_state(f, q, fvm_state_blockstore(view))) != FVM_OK)
        return fvm__why(&q->why, err, "the actor's state: %s", fvm_err_text(err));
    return FVM_OK;
}

static fvm_err find_in(found *f, request *q, const fvm_blockstore *bs)
{
    fvm_cid root;
    fvm_address address;
    fvm_state_view *view;
    char letter = q->words[2][0];
    fvm_err err = fvm_cid_from_text(&root, fvm_bytes_of(q->words[1]));
    if (err != FVM_OK) return fvm__why(&q->why, err, "%s: %s", q->words[1], fvm_err_text(err));
    err = fvm_address_from_text(&address, fvm_bytes_of(q->words[2]), letter == 't' ? 't' : 'f');
    if (err != FVM_OK) return fvm__why(&q->why, err, "%s: %s", q->words[2], fvm_err_text(err));
    if ((err = open_view(&view, bs, &root)) != FVM_OK)
        return fvm__why(&q->why, err, "%s: no state root, or not all here: %s", q->words[1],
                        fvm_err_text(err));
    err = find_actor(f, q, view, &address);
    fvm_state_view_free(view);
    return err;
}

static fvm_err find(found *f, request *q)
{
    fvm_cli_source source = { .is_car = false }, bundle = source;
    fvm_blockstore both;
    FVM_TRY(fvm_cli_source_open(&source, q->words[0], &q->why));
    fvm_err err = FVM_OK;
    if (!q->bundle) {
        err = find_in(f, q, &source.bs);
    } else if ((err = fvm_cli_source_open(&bundle, q->bundle, &q->why)) == FVM_OK) {
        const fvm_blockstore *const layers[] = { &source.bs, &bundle.bs };
        err = fvm_blockstore_layered_new(&both, layers, FVM_COUNT(layers), NULL);
        if (err == FVM_OK) {
            err = find_in(f, q, &both);
            fvm_blockstore_free(&both);
        }
        fvm_cli_source_close(&bundle);
    }
    fvm_cli_source_close(&source);
    return err;
}

static void print(const found *f, bool json)
{
    const fvm_actor *a = &f->actor;
    char address[FVM_ADDRESS_TEXT_MAX], delegated[FVM_ADDRESS_TEXT_MAX] = "";
    char code[FVM_CID_TEXT_MAX], head[FVM_CID_TEXT_MAX], balance[FVM_BIG_TEXT_MAX];
    fvm_address id = fvm_address_id(f->id);
    (void)fvm_address_to_text(address, &id, 'f');
    if (a->delegated.len) (void)fvm_address_to_text(delegated, &a->delegated, 'f');
    (void)fvm_cid_to_text(code, &a->code);
    (void)fvm_cid_to_text(head, &a->head);
    (void)fvm_big_to_text(balance, &a->balance);
    int type_len = (int)f->type.len, state_len = (int)f->state.len;
    const char *type = type_len ? (const char *)f->type.ptr : "";
    const char *state = state_len ? (const char *)f->state.ptr : "null";
    if (state_len == 0) state_len = 4;
    if (json) {
        printf("{\"id\": %" PRIu64 ", \"address\": \"%s\", \"type\": %s%.*s%s, "
               "\"code\": \"%s\", \"head\": \"%s\", \"nonce\": %" PRIu64 ", \"balance\": \"%s\", "
               "\"delegated\": %s%s%s,\n\"state\": %.*s}\n",
               f->id, address, type_len ? "\"" : "null", type_len, type, type_len ? "\"" : "", code,
               head, a->nonce, balance, delegated[0] ? "\"" : "null", delegated,
               delegated[0] ? "\"" : "", state_len, state);
        return;
    }
    printf("actor     %s%s%s\ntype      %.*s\ncode      %s\nhead      %s\nnonce     %" PRIu64
           "\nbalance   %s attoFIL\nstate     %.*s\n",
           address, delegated[0] ? ", " : "", delegated, type_len ? type_len : 17,
           type_len ? type : "no built-in actor", code, head, a->nonce, balance, state_len, state);
}

fvm_cli_exit fvm_cmd_actor_state(int argc, char **argv)
{
    fvm_args args = { argc, argv, "actor state", options, FVM_COUNT(options), 0, false, NULL };
    request q = { .max = 20 };
    fvm_client_options node = { .url = NULL };
    size_t words = 0;
    for (int which; (which = fvm_args_next(&args)) != FVM_ARG_END;) {
        switch (which) {
        case LINKS: q.links = true; break;
        case MAX:
            if (!fvm_args_u64(&args, &q.max, "--max", UINT32_MAX)) return FVM_EXIT_USAGE;
            break;
        case BUNDLE: q.bundle = args.value; break;
        case JSON: q.json = true; break;
        case RPC: node.url = args.value; break;
        case HELP: fputs(help, stdout); return FVM_EXIT_OK;
        case FVM_ARG_POSITIONAL:
            if (words < FVM_COUNT(q.words)) q.words[words] = args.value;
            words++;
            break;
        default: return FVM_EXIT_USAGE;
        }
    }
    node.json = q.json;
    if (words == 1) return fvm_cmd_actor_state_node(q.words[0], &node);
    if (words != FVM_COUNT(q.words)) {
        fputs("fvm actor state: ADDRESS, or SOURCE ROOT ADDRESS. See 'fvm actor state --help'.\n",
              stderr);
        return FVM_EXIT_USAGE;
    }
    found f = { .id = 0 };
    fvm_buf_init(&f.type, NULL);
    fvm_buf_init(&f.state, NULL);
    fvm_err err = find(&f, &q);
    if (err == FVM_OK) print(&f, q.json);
    fvm_buf_deinit(&f.type);
    fvm_buf_deinit(&f.state);
    return err == FVM_OK ? FVM_EXIT_OK : fvm_cli_failed("fvm actor state", err, &q.why);
}
