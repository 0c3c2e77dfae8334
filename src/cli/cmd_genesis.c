/* cmd_genesis.c - `fvm genesis`: the first state of a network. */
#include "blocks.h"
#include "json.h"

#include "base/text.h"
#include "base/vector.h"
#include "ipld/cbor.h"
#include "kernel/network.h"
#include "store/car_out.h"
#include "store/dag.h"
#include "store/source.h"
#include <fvm/genesis.h>

#include <inttypes.h>
#include <stdlib.h>

static const char help[] =
    "Usage: fvm genesis [OPTION]...\n\n"
    "Makes the first state of a network: its system actors, on the codes of a bundle, and "
    "accounts\n"
    "with money, which get the IDs f0100, f0101, ... in the order given. The same options give "
    "the\n"
    "same state root, anywhere.\n\n"
    "  --account ADDRESS=AMOUNT      f1 or f3: an account; f410 or 0x...: an Ethereum account\n"
    "  --multisig SIGNERS:N=AMOUNT   a wallet; SIGNERS are addresses given above, or f0 IDs,\n"
    "                                with commas between, N the approvals that it takes\n"
    "  --bundle NAME     embedded (default), or an imported one: mainnet-v18\n"
    "  --nv N            network version, 18 to 29 (default " FVM_NETWORK_VERSION_DEFAULT_TEXT ")\n"
    "  --chain-id N      default 31415926\n"
    "  --name TEXT       the network's name (default libfvm)\n"
    "  --reward AMOUNT   that the reward actor has to pay out (default 0)\n"
    "  -o, --output FILE write a CAR: everything that the state reaches. Its roots are the state "
    "and\n"
    "                    the description of the network\n"
    "  --json            print JSON\n"
    "  --help            this text\n\n"
    "AMOUNT is a number and FIL or atto: 5FIL, 1500atto.\n\n"
    "Example: fvm genesis --account 0x52963ef50e27e06d72d59fcb4f3c2a687be3cfef=1000FIL -o "
    "g.car\n\n" FVM_CLI_EXIT_HELP;

enum { ACCOUNT, MULTISIG, BUNDLE, NV, CHAIN_ID, NAME, REWARD, OUTPUT, SHORT_OUTPUT, JSON, HELP };
static const fvm_option options[] = {
    [ACCOUNT] = { "--account", true },   [MULTISIG] = { "--multisig", true },
    [BUNDLE] = { "--bundle", true },     [NV] = { "--nv", true },
    [CHAIN_ID] = { "--chain-id", true }, [NAME] = { "--name", true },
    [REWARD] = { "--reward", true },     [OUTPUT] = { "--output", true },
    [SHORT_OUTPUT] = { "-o", true },     [JSON] = { "--json", false },
    [HELP] = { "--help", false },
};

#define SIGNERS_MAX 256

typedef struct request {
    const char *bundle, *name, *output;
    uint64_t nv, chain_id;
    fvm_big reward;
    fvm_buf accounts; /* array of fvm_genesis_account */
    bool json;
} request;

typedef struct outcome {
    fvm_cid root, info, manifest;
    fvm_buf addresses; /* array of fvm_address */
} outcome;

/* --- reading --- */

static fvm_err wrong(fvm_store_why *why, const char *what, const char *word)
{
    return fvm__why(why, FVM_ERR_MALFORMED, "'%s' is no %s. See 'fvm genesis --help'", word, what);
}

static fvm_err read_amount(fvm_big *out, const char *word, fvm_store_why *why)
{
    if (fvm_amount_read(out, word, false) == FVM_OK) return FVM_OK;
    return wrong(why, "amount, as 5FIL or 5atto", word);
}

/* An address as text, or 20 bytes in hex after 0x. */
static fvm_err read_address(fvm_address *out, fvm_bytes text, fvm_store_why *why)
{
    fvm_err err;
    if (text.len == 42 && memcmp(text.ptr, "0x", 2) == 0) {
        fvm_buf bytes;
        fvm_buf_init(&bytes, NULL);
        err = fvm_hex_decode(&bytes, (fvm_bytes){ text.ptr + 2, text.len - 2 });
        if (err == FVM_OK)
            err = fvm_address_delegated(out, FVM_ADDRESS_EAM_NAMESPACE, fvm_buf_bytes(&bytes));
        fvm_buf_deinit(&bytes);
    } else {
        err = fvm_address_from_text(out, text, text.len && text.ptr[0] == 't' ? 't' : 'f');
    }
    if (err == FVM_OK || err == FVM_ERR_NOMEM) return err;
    return fvm__why(why, err, "'%.*s' is no address: %s", (int)text.len, (const char *)text.ptr,
                    fvm_err_text(err));
}

static fvm_err add_account(request *q, const fvm_genesis_account *account)
{
    return fvm_buf_append(&q->accounts, (fvm_bytes){ (const uint8_t *)account, sizeof *account });
}

static fvm_err read_account(request *q, const char *word, fvm_store_why *why)
{
    fvm_genesis_account a = { .threshold = 0 };
    const char *equals = strchr(word, '=');
    if (!equals) return wrong(why, "ADDRESS=AMOUNT", word);
    FVM_TRY(read_address(&a.address, (fvm_bytes){ (const uint8_t *)word, (size_t)(equals - word) },
                         why));
    FVM_TRY(read_amount(&a.balance, equals + 1, why));
    return add_account(q, &a);
}

/* The signers go to memory that lives as long as the command. */
static fvm_err read_signers(fvm_genesis_account *a, const char *word, const char *end,
                            fvm_store_why *why)
{
    fvm_address *signers = calloc(SIGNERS_MAX, sizeof *signers);
    if (!signers) return FVM_ERR_NOMEM;
    a->signers = signers;
    for (const char *at = word; at <= end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        if (!comma) comma = end;
        if (a->signer_count == SIGNERS_MAX) return wrong(why, "list of at most 256 signers", word);
        FVM_TRY(read_address(&signers[a->signer_count++],
                             (fvm_bytes){ (const uint8_t *)at, (size_t)(comma - at) }, why));
        at = comma + 1;
    }
    return FVM_OK;
}

static fvm_err read_multisig(request *q, const char *word, fvm_store_why *why)
{
    fvm_genesis_account a = { .threshold = 0 };
    const char *colon = strchr(word, ':'), *equals = colon ? strchr(colon, '=') : NULL;
    char *rest;
    if (!equals) return wrong(why, "SIGNERS:N=AMOUNT", word);
    a.threshold = strtoul(colon + 1, &rest, 10);
    if (rest != equals || rest == colon + 1) return wrong(why, "SIGNERS:N=AMOUNT", word);
    fvm_err err = read_signers(&a, word, colon, why);
    if (err == FVM_OK) err = read_amount(&a.balance, equals + 1, why);
    if (err == FVM_OK) err = add_account(q, &a);
    if (err != FVM_OK) free((void *)(uintptr_t)a.signers);
    return err;
}

static void request_deinit(request *q)
{
    const fvm_genesis_account *a = (const fvm_genesis_account *)(void *)q->accounts.ptr;
    for (size_t i = 0; i < q->accounts.len / sizeof *a; i++) free((void *)(uintptr_t)a[i].signers);
    fvm_buf_deinit(&q->accounts);
}

/* --- making --- */

/* What of the network is not in the state: a block beside it,
 *     {"name", "state", "chain_id", "manifest", "network_version"}   in DAG-CBOR's order of keys. */
static fvm_err put_info(outcome *o, const fvm_blockstore *bs, const request *q)
{
    fvm_buf block;
    fvm_buf_init(&block, NULL);
    fvm_err err = fvm_cbor_put_map(&block, 5);
    if (err == FVM_OK) err = fvm_cbor_put_text(&block, FVM_STR("name"));
    if (err == FVM_OK) err = fvm_cbor_put_text(&block, fvm_bytes_of(q->name));
    if (err == FVM_OK) err = fvm_cbor_put_text(&block, FVM_STR("state"));
    if (err == FVM_OK) err = fvm_cbor_put_cid(&block, &o->root);
    if (err == FVM_OK) err = fvm_cbor_put_text(&block, FVM_STR("chain_id"));
    if (err == FVM_OK) err = fvm_cbor_put_uint(&block, q->chain_id);
    if (err == FVM_OK) err = fvm_cbor_put_text(&block, FVM_STR("manifest"));
    if (err == FVM_OK) err = fvm_cbor_put_cid(&block, &o->manifest);
    if (err == FVM_OK) err = fvm_cbor_put_text(&block, FVM_STR("network_version"));
    if (err == FVM_OK) err = fvm_cbor_put_uint(&block, q->nv);
    if (err == FVM_OK)
        err = fvm_blockstore_put_new(bs, &o->info, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&block));
    fvm_buf_deinit(&block);
    return err;
}

static fvm_err write_car(const outcome *o, const fvm_blockstore *bs, const char *path,
                         fvm_store_why *why)
{
    const fvm_cid roots[] = { o->root, o->info };
    fvm__car_out out;
    FVM_TRY(fvm__car_out_open(&out, path, roots, FVM_COUNT(roots), false, NULL, why));
    fvm__dag_visitor visitor = { fvm__car_out_visit, NULL, &out };
    fvm_err err = fvm__dag_walk(bs, roots, FVM_COUNT(roots), &visitor, NULL, why);
    return fvm__car_out_close(&out, err, why);
}

/* The manifest's root and its list, which the description links, come along. */
static fvm_err copy_manifest(const fvm_blockstore *bs, const fvm_blockstore *bundle,
                             const fvm_cid *manifest)
{
    fvm_buf block;
    fvm_buf_init(&block, NULL);
    fvm_err err = fvm_blockstore_get(bundle, &block, manifest);
    if (err == FVM_OK) err = fvm_blockstore_put(bs, manifest, fvm_buf_bytes(&block));
    fvm_buf_deinit(&block);
    return err;
}

static fvm_err build(const request *q, outcome *o, const fvm_blockstore *bs,
                     const fvm_blockstore *bundle, fvm_store_why *why)
{
    size_t count = q->accounts.len / sizeof(fvm_genesis_account);
    fvm_genesis_network network = {
        .network_version = (uint32_t)q->nv,
        .network_name = q->name,
        .bundle = bundle,
        .manifest = o->manifest,
        .reward_balance = q->reward,
        .accounts = (const fvm_genesis_account *)(const void *)q->accounts.ptr,
        .account_count = count,
    };
    FVM_TRY(fvm_buf_reserve(&o->addresses, count * sizeof(fvm_address)));
    fvm_err err = fvm_genesis_network_build(&o->root, (fvm_address *)(void *)o->addresses.ptr, bs,
                                            &network, NULL);
    if (err == FVM_ERR_INVALID)
        return fvm__why(why, err,
                        "an account twice, a multisig with signers that are not among "
                        "the accounts, or an address of no account");
    if (err != FVM_OK) return err;
    o->addresses.len = count * sizeof(fvm_address);
    FVM_TRY(copy_manifest(bs, bundle, &o->manifest));
    FVM_TRY(put_info(o, bs, q));
    return q->output ? write_car(o, bs, q->output, why) : FVM_OK;
}

static fvm_err make(const request *q, outcome *o, fvm_store_why *why)
{
    fvm_bundle_info info;
    fvm_blockstore bundle, bs;
    FVM_TRY(fvm_bundle_open(&bundle, &info, NULL, q->bundle, NULL, why));
    o->manifest = info.manifest;
    fvm_err err = fvm_blockstore_memory_new(&bs, NULL);
    if (err == FVM_OK) {
        err = build(q, o, &bs, &bundle, why);
        fvm_blockstore_free(&bs);
    }
    fvm_blockstore_free(&bundle);
    return err;
}

/* --- printing --- */

static json_t *accounts_to_json(const request *q, const outcome *o)
{
    const fvm_address *addresses = (const fvm_address *)(void *)o->addresses.ptr;
    const fvm_genesis_account *a = (const fvm_genesis_account *)(void *)q->accounts.ptr;
    json_t *list = json_array();
    for (size_t i = 0; list && i < o->addresses.len / sizeof *addresses; i++) {
        char text[FVM_ADDRESS_TEXT_MAX];
        (void)fvm_address_to_text(text, &addresses[i], 'f');
        (void)json_array_append_new(
            list, json_pack("{s:I,s:s,s:o}", "id", (json_int_t)(FVM_GENESIS_FIRST_ID + i),
                            "address", text, "balance", fvm_json_from_big(&a[i].balance)));
    }
    return list;
}

static fvm_cli_exit print(const request *q, const outcome *o)
{
    char root[FVM_CID_TEXT_MAX], info[FVM_CID_TEXT_MAX], manifest[FVM_CID_TEXT_MAX];
    (void)fvm_cid_to_text(root, &o->root);
    (void)fvm_cid_to_text(info, &o->info);
    (void)fvm_cid_to_text(manifest, &o->manifest);
    if (q->json) {
        json_t *value = json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:o}", "state_root", root, "info",
                                  info, "manifest", manifest, "bundle", q->bundle, "network_name",
                                  q->name, "chain_id", fvm_json_from_u64(q->chain_id),
                                  "network_version", fvm_json_from_u64(q->nv), "accounts",
                                  accounts_to_json(q, o));
        if (!value) return FVM_EXIT_HOST;
        fvm_json_print(stdout, value);
        putchar('\n');
        json_decref(value);
        return FVM_EXIT_OK;
    }
    const fvm_address *addresses = (const fvm_address *)(void *)o->addresses.ptr;
    printf("state root  %s\ninfo        %s\nmanifest    %s (%s)\nnetwork     %s, version %" PRIu64
           ", chain id %" PRIu64 "\n",
           root, info, manifest, q->bundle, q->name, q->nv, q->chain_id);
    for (size_t i = 0; i < o->addresses.len / sizeof *addresses; i++) {
        char text[FVM_ADDRESS_TEXT_MAX];
        (void)fvm_address_to_text(text, &addresses[i], 'f');
        printf("f0%-9zu %s\n", FVM_GENESIS_FIRST_ID + i, text);
    }
    return FVM_EXIT_OK;
}

static fvm_cli_exit run(request *q)
{
    fvm_store_why why = { { 0 } };
    outcome o;
    fvm_buf_init(&o.addresses, NULL);
    fvm_err err = make(q, &o, &why);
    fvm_cli_exit code = err == FVM_OK ? print(q, &o) : fvm_cli_failed("genesis", err, &why);
    fvm_buf_deinit(&o.addresses);
    return code;
}

static fvm_err read_option(request *q, int which, const fvm_args *args, fvm_store_why *why)
{
    switch (which) {
    case ACCOUNT: return read_account(q, args->value, why);
    case MULTISIG: return read_multisig(q, args->value, why);
    case REWARD: return read_amount(&q->reward, args->value, why);
    case BUNDLE: q->bundle = args->value; return FVM_OK;
    case NAME: q->name = args->value; return FVM_OK;
    case OUTPUT:
    case SHORT_OUTPUT: q->output = args->value; return FVM_OK;
    case JSON: q->json = true; return FVM_OK;
    case NV: return fvm_args_u64(args, &q->nv, "--nv", UINT32_MAX) ? FVM_OK : FVM_ERR_MALFORMED;
    case CHAIN_ID:
        return fvm_args_u64(args, &q->chain_id, "--chain-id", UINT64_MAX) ? FVM_OK
                                                                          : FVM_ERR_MALFORMED;
    default: return FVM_ERR_MALFORMED;
    }
}

fvm_cli_exit fvm_cmd_genesis(int argc, char **argv)
{
    fvm_args args = { argc, argv, "genesis", options, FVM_COUNT(options), 0, false, NULL };
    request q = { .bundle = FVM_BUNDLE_EMBEDDED,
                  .name = "libfvm",
                  .nv = FVM_NETWORK_VERSION_DEFAULT,
                  .chain_id = 31415926 };
    fvm_store_why why = { { 0 } };
    fvm_err err = FVM_OK;
    fvm_cli_exit code = FVM_EXIT_USAGE;
    fvm_buf_init(&q.accounts, NULL);
    for (int which; err == FVM_OK && (which = fvm_args_next(&args)) != FVM_ARG_END;) {
        if (which == HELP) {
            fputs(help, stdout);
            request_deinit(&q);
            return FVM_EXIT_OK;
        }
        if (which == FVM_ARG_POSITIONAL)
            err = wrong(&why, "option", args.value);
        else
            err = read_option(&q, which, &args, &why);
    }
    if (err == FVM_OK)
        code = run(&q);
    else if (why.text[0])
        fprintf(stderr, "fvm genesis: %s.\n", why.text);
    request_deinit(&q);
    return code;
}
