/* cmd_wallet.c - `fvm wallet`: keys in encrypted files. */
#include "json.h"
#include "wallet.h"

#include "base/text.h"
#include "crypto/kdf.h"

#include <stdarg.h>
#include <stdlib.h>

static const char help[] =
    "Usage: fvm wallet new [TYPE]\n"
    "       fvm wallet list\n"
    "       fvm wallet import FILE\n"
    "       fvm wallet export ADDRESS [--format lotus|hex|json]\n"
    "       fvm wallet sign ADDRESS DATA\n"
    "       fvm wallet verify ADDRESS DATA SIGNATURE\n"
    "       fvm wallet default [ADDRESS]\n"
    "       fvm wallet delete ADDRESS\n"
    "       fvm wallet mnemonic [WORDS]\n\n"
    "Keeps keys in encrypted files, one each, that other Ethereum tools read too. The folder is\n"
    "$FVM_KEYS, or fvm/keys in XDG_DATA_HOME or ~/.local/share. An address may be written f..., "
    "t...\n"
    "or 0x....\n\n"
    "  new       makes a key: delegated (an Ethereum account, the default), secp256k1 or bls\n"
    "  list      the keys that are here\n"
    "  import    takes a key out of a file ('-': standard input): Lotus' export, a key file of an\n"
    "            Ethereum tool, 64 hexadecimal digits, or with --mnemonic the words of one\n"
    "  export    prints a key: for lotus, as digits of its secret, or its encrypted file\n"
    "  sign      signs bytes, given as hexadecimal digits; prints type and signature\n"
    "  verify    checks such a signature\n"
    "  default   shows or sets the key that is used when none is named\n"
    "  delete    removes a key for good\n"
    "  mnemonic  prints new words (12, 15, 18, 21 or 24; default 12) to derive keys from\n\n"
    "  --type TYPE             import: what digits or words are to be (default delegated)\n"
    "  --mnemonic              import: the file holds a mnemonic (BIP-39)\n"
    "  --path PATH             import: derive that (default m/44'/60'/0'/0/0, for secp256k1\n"
    "                          m/44'/461'/0'/0/0)\n"
    "  --any-words             import: words need not be of BIP-39's English list\n"
    "  --passphrase-file FILE  the passphrase of the key files, else $FVM_PASSPHRASE, else it is\n"
    "                          asked for\n"
    "  --source-passphrase-file FILE  import: that of the file, if it is another\n"
    "  --light                 new, import: encrypt with little memory and time (4 MiB)\n"
    "  --format FORMAT         export: lotus (default), hex, or json\n"
    "  --yes                   delete: do not ask\n"
    "  --keys DIR              another folder of keys\n"
    "  --testnet               print addresses with t in place of f\n"
    "  --json                  print JSON, errors too\n"
    "  --help                  this text\n\n"
    "Example: fvm wallet new bls --passphrase-file secret.txt\n\n" FVM_CLI_EXIT_HELP
    "1 is a signature that is not good, 3 also a wrong passphrase or a key that is not there.\n";

enum {
    TYPE,
    MNEMONIC,
    PATH,
    ANY_WORDS,
    PASSPHRASE,
    SOURCE_PASSPHRASE,
    LIGHT,
    FORMAT,
    YES,
    KEYS,
    TESTNET,
    JSON,
    HELP
};
static const fvm_option options[] = {
    [TYPE] = { "--type", true },
    [MNEMONIC] = { "--mnemonic", false },
    [PATH] = { "--path", true },
    [ANY_WORDS] = { "--any-words", false },
    [PASSPHRASE] = { "--passphrase-file", true },
    [SOURCE_PASSPHRASE] = { "--source-passphrase-file", true },
    [LIGHT] = { "--light", false },
    [FORMAT] = { "--format", true },
    [YES] = { "--yes", false },
    [KEYS] = { "--keys", true },
    [TESTNET] = { "--testnet", false },
    [JSON] = { "--json", false },
    [HELP] = { "--help", false },
};

typedef struct command {
    const char *words[4]; /* what to do, and with what */
    int count;
    const char *type, *path, *passphrase_file, *source_passphrase_file, *format, *keys;
    bool mnemonic, any_words, light, yes, testnet, json;
    char room[4096];
    const char *folder;
} command;

/* With the words in `why`, or else the error's. */
static fvm_cli_exit failed(const command *c, fvm_err err, const fvm_store_why *why)
{
    return fvm_json_failed("wallet", err, why ? why->text : NULL, c->json, NULL);
}

/* Input that is not what it should be. */
__attribute__((format(printf, 3, 4))) static fvm_cli_exit refused(const command *c, fvm_err err,
                                                                  const char *format, ...)
{
    fvm_store_why why = { { 0 } };
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why.text, sizeof why.text, format, args);
    va_end(args);
    return failed(c, err, &why);
}

static fvm_cli_exit usage_error(const char *what)
{
    fprintf(stderr, "fvm wallet: %s See 'fvm wallet --help'.\n", what);
    return FVM_EXIT_USAGE;
}

/* Prints a value and gives it up. */
static bool get_type(fvm_signature_type *out, const char *name)
{
    if (fvm_signature_type_from_name(out, name)) return true;
    fprintf(stderr, "fvm wallet: '%s' is no type of key; there are delegated, secp256k1 and bls.\n",
            name);
    return false;
}

static bool get_address(fvm_address *out, const command *c, const char *text)
{
    if (fvm_cli_address(out, text)) return true;
    (void)refused(c, FVM_ERR_MALFORMED, "'%.300s' is no address", text);
    return false;
}

/* --- showing keys --- */

typedef struct texts {
    char fil[FVM_ADDRESS_TEXT_MAX], eth[FVM_ETH_ADDRESS_TEXT];
} texts;

static void show(texts *out, const command *c, const fvm_address *address)
{
    fvm_eth_address eth;
    (void)fvm_address_to_text(out->fil, address, c->testnet ? 't' : 'f');
    out->eth[0] = '\0';
    if (fvm_eth_address_of_fil(&eth, address)) fvm_eth_address_to_text(out->eth, &eth, true);
}

static json_t *key_to_json(const command *c, const fvm_address *address, uint8_t type)
{
    texts t;
    show(&t, c, address);
    json_t *o = json_pack("{s:s,s:s}", "address", t.fil, "type", fvm_signature_type_name(type));
    if (o && t.eth[0]) (void)json_object_set_new(o, "eth_address", json_string(t.eth));
    return o;
}

static fvm_cli_exit print_key(const command *c, const fvm_address *address, uint8_t type)
{
    texts t;
    if (c->json) return fvm_json_answer("wallet", key_to_json(c, address, type));
    show(&t, c, address);
    printf("%s%s%s\n", t.fil, t.eth[0] ? "  " : "", t.eth);
    return FVM_EXIT_OK;
}

typedef struct listing {
    const command *c;
    json_t *array; /* NULL: a table */
    size_t count;
} listing;

static fvm_err list_one(void *ctx, const fvm_key_info *info)
{
    listing *l = ctx;
    texts t;
    l->count++;
    if (l->array) {
        json_t *o = key_to_json(l->c, &info->address, info->type);
        if (!o) return FVM_ERR_NOMEM;
        (void)json_object_set_new(o, "default", json_boolean(info->is_default));
        (void)json_object_set_new(o, "file", json_string(info->path));
        return json_array_append_new(l->array, o) == 0 ? FVM_OK : FVM_ERR_NOMEM;
    }
    show(&t, l->c, &info->address);
    if (l->count == 1) printf("%-10s %-7s %-42s  %s\n", "TYPE", "DEFAULT", "ETHEREUM", "ADDRESS");
    printf("%-10s %-7s %-42s  %s\n", fvm_signature_type_name(info->type),
           info->is_default ? "*" : "", t.eth[0] ? t.eth : "-", t.fil);
    return FVM_OK;
}

static fvm_cli_exit list(command *c)
{
    fvm_store_why why = { { 0 } };
    listing l = { .c = c, .array = c->json ? json_array() : NULL };
    if (c->json && !l.array) return failed(c, FVM_ERR_NOMEM, &why);
    fvm_err err = fvm_keys_each(c->folder, list_one, &l, &why);
    if (err != FVM_OK) {
        json_decref(l.array);
        return failed(c, err, &why);
    }
    if (c->json) return fvm_json_answer("wallet", json_pack("{s:o}", "keys", l.array));
    if (l.count == 0) fprintf(stderr, "fvm wallet: no keys in %s\n", c->folder);
    return FVM_EXIT_OK;
}

/* --- keeping keys --- */

static fvm_cli_exit keep(command *c, const fvm_key *key)
{
    fvm_passphrase p;
    fvm_store_why why = { { 0 } };
    fvm_cli_exit code = fvm_passphrase_get(&p, "wallet", c->passphrase_file,
                                           "Passphrase for the key: ", true);
    if (code != FVM_EXIT_OK) return code;
    fvm_err err = fvm_keys_put(c->folder, key, fvm_passphrase_bytes(&p),
                               c->light ? FVM_KEY_COST_LIGHT : FVM_KEY_COST, &why);
    fvm_wipe(&p, sizeof p);
    return err == FVM_OK ? print_key(c, &key->address, key->type) : failed(c, err, &why);
}

static fvm_cli_exit new_key(command *c)
{
    fvm_key key;
    fvm_signature_type type = FVM_SIGNATURE_DELEGATED;
    if (c->count > 2) return usage_error("new takes one type.");
    if (!get_type(&type, c->count == 2 ? c->words[1] : (c->type ? c->type : "delegated")))
        return FVM_EXIT_USAGE;
    fvm_err err = fvm_key_random(&key, type);
    if (err != FVM_OK) return failed(c, err, NULL);
    fvm_cli_exit code = keep(c, &key);
    fvm_key_wipe(&key);
    return code;
}

/* --- import --- */

static fvm_cli_exit derive(fvm_key *key, const command *c, fvm_signature_type type,
                           const uint8_t seed[64])
{
    const char *usual = type == FVM_SIGNATURE_SECP256K1 ? "m/44'/461'/0'/0/0" : "m/44'/60'/0'/0/0";
    const char *path = c->path ? c->path : usual;
    fvm_err err = fvm_key_derive_path(key, type, seed, path);
    return err == FVM_OK ? FVM_EXIT_OK
                         : refused(c, err, "--path: '%.200s' is no path as m/44'/60'/0'/0/0", path);
}

static fvm_cli_exit from_words(fvm_key *key, const command *c, fvm_signature_type type,
                               fvm_bytes text)
{
    char words[FVM_MNEMONIC_MAX];
    uint8_t seed[64];
    fvm_bytes wrong;
    if (type == FVM_SIGNATURE_BLS)
        return usage_error("keys of type bls are not derived from a mnemonic.");
    if (text.len >= sizeof words || memchr(text.ptr, 0, text.len))
        return refused(c, FVM_ERR_LIMIT, "the mnemonic is too long");
    memcpy(words, text.ptr, text.len);
    words[text.len] = '\0';
    fvm_err err = c->any_words ? FVM_OK : fvm_mnemonic_check(&wrong, words);
    fvm_cli_exit code = FVM_EXIT_OK;
    if (err == FVM_ERR_MISMATCH)
        code = refused(c, err,
                       "the mnemonic's checksum is wrong: a word is mistyped, or their order");
    else if (err != FVM_OK && wrong.len)
        code = refused(c, err, "'%.*s' is not in BIP-39's English list", (int)wrong.len,
                       (const char *)wrong.ptr);
    else if (err != FVM_OK)
        code = refused(c, err, "a mnemonic has 12, 15, 18, 21 or 24 words");
    else if ((err = fvm_mnemonic_seed(seed, words, "")) != FVM_OK)
        code = failed(c, err, NULL);
    else
        code = derive(key, c, type, seed);
    fvm_wipe(words, sizeof words);
    fvm_wipe(seed, sizeof seed);
    return code;
}

static fvm_cli_exit from_key_file(fvm_key *key, const command *c, fvm_bytes text)
{
    fvm_passphrase p;
    fvm_store_why why = { { 0 } };
    const char *file = c->source_passphrase_file ? c->source_passphrase_file : c->passphrase_file;
    fvm_cli_exit code = fvm_passphrase_get(&p, "wallet", file, "Passphrase of the file: ", false);
    if (code != FVM_EXIT_OK) return code;
    fvm_err err = fvm_key_decrypt(key, text, fvm_passphrase_bytes(&p), &why);
    fvm_wipe(&p, sizeof p);
    return err == FVM_OK ? FVM_EXIT_OK : failed(c, err, &why);
}

static fvm_cli_exit from_digits(fvm_key *key, const command *c, fvm_signature_type type,
                                fvm_bytes digits)
{
    fvm_buf secret;
    fvm_buf_init(&secret, NULL);
    fvm_err err = fvm_hex_decode(&secret, digits);
    if (err == FVM_OK) err = fvm_key_make(key, type, secret.ptr);
    if (secret.ptr) fvm_wipe(secret.ptr, secret.cap);
    fvm_buf_deinit(&secret);
    if (err == FVM_OK) return FVM_EXIT_OK;
    return refused(c, err, "the digits are no secret key of that type");
}

static fvm_cli_exit read_key(fvm_key *key, const command *c, fvm_bytes text)
{
    fvm_signature_type type;
    if (!get_type(&type, c->type ? c->type : "delegated")) return FVM_EXIT_USAGE;
    while (text.len && text.ptr[0] <= ' ') text.ptr++, text.len--;
    while (text.len && text.ptr[text.len - 1] <= ' ') text.len--;
    if (c->mnemonic) return from_words(key, c, type, text);
    if (text.len && text.ptr[0] == '{') return from_key_file(key, c, text);
    if (text.len > 2 && text.ptr[0] == '0' && (text.ptr[1] | 0x20) == 'x')
        text.ptr += 2, text.len -= 2;
    if (text.len == 64) return from_digits(key, c, type, text);
    fvm_err err = fvm_key_import(key, text);
    if (err == FVM_OK) return FVM_EXIT_OK;
    return refused(c, err, "%s: neither Lotus' export nor a key file nor 64 hexadecimal digits%s",
                   c->words[1],
                   text.len && memchr(text.ptr, ' ', text.len) ? "; words need --mnemonic" : "");
}

static fvm_cli_exit import(command *c)
{
    fvm_buf text;
    fvm_store_why why = { { 0 } };
    fvm_key key = { .type = 0 };
    if (c->count != 2) return usage_error("import needs a file.");
    fvm_buf_init(&text, NULL);
    fvm_err err = fvm_file_read(&text, strcmp(c->words[1], "-") == 0 ? "/dev/stdin" : c->words[1],
                                FVM_KEY_FILE_MAX, &why);
    fvm_cli_exit code = FVM_EXIT_OK;
    if (err != FVM_OK) {
        code = failed(c, err, &why);
    } else {
        code = read_key(&key, c, fvm_buf_bytes(&text));
        if (code == FVM_EXIT_OK) {
            code = keep(c, &key);
            fvm_key_wipe(&key);
        }
    }
    if (text.ptr) fvm_wipe(text.ptr, text.cap);
    fvm_buf_deinit(&text);
    return code;
}

/* --- using keys --- */

static fvm_cli_exit open_key(fvm_key *key, const command *c, const char *text)
{
    fvm_address address;
    fvm_passphrase p;
    fvm_store_why why = { { 0 } };
    if (!get_address(&address, c, text)) return FVM_EXIT_INPUT;
    fvm_cli_exit code = fvm_passphrase_get(&p, "wallet", c->passphrase_file, "Passphrase: ", false);
    if (code != FVM_EXIT_OK) return code;
    fvm_err err = fvm_keys_get(key, c->folder, &address, fvm_passphrase_bytes(&p), &why);
    fvm_wipe(&p, sizeof p);
    return err == FVM_OK ? FVM_EXIT_OK : failed(c, err, &why);
}

typedef struct place {
    fvm_address address;
    fvm_buf content;
    fvm_store_why why;
    fvm_err err;
} place;

static fvm_err read_its_file(void *ctx, const fvm_key_info *info)
{
    place *p = ctx;
    if (!fvm_address_eq(&p->address, &info->address)) return FVM_OK;
    p->err = fvm_file_read(&p->content, info->path, FVM_KEY_FILE_MAX, &p->why);
    return FVM_OK;
}

static fvm_cli_exit export_file(const command *c)
{
    place p = { .err = FVM_ERR_NOT_FOUND };
    fvm_store_why why = { { 0 } };
    if (!get_address(&p.address, c, c->words[1])) return FVM_EXIT_INPUT;
    (void)fvm__why(&p.why, FVM_ERR_NOT_FOUND, "%s: there is no key of %s", c->folder, c->words[1]);
    fvm_buf_init(&p.content, NULL);
    fvm_err err = fvm_keys_each(c->folder, read_its_file, &p, &why);
    fvm_cli_exit code = FVM_EXIT_OK;
    if (err != FVM_OK) {
        code = failed(c, err, &why);
    } else if (p.err != FVM_OK) {
        code = failed(c, p.err, &p.why);
    } else {
        (void)fwrite(p.content.ptr, 1, p.content.len, stdout);
    }
    fvm_buf_deinit(&p.content);
    return code;
}

static fvm_cli_exit export(command *c)
{
    fvm_key key;
    fvm_buf text;
    const char *format = c->format ? c->format : "lotus";
    bool lotus = strcmp(format, "lotus") == 0;
    if (c->count != 2) return usage_error("export needs an address.");
    if (strcmp(format, "json") == 0) return export_file(c);
    if (!lotus && strcmp(format, "hex") != 0) return usage_error("--format is lotus, hex or json.");
    fvm_cli_exit code = open_key(&key, c, c->words[1]);
    if (code != FVM_EXIT_OK) return code;
    fvm_buf_init(&text, NULL);
    fvm_err err = lotus ? fvm_key_export(&text, &key)
                        : fvm_hex_encode(&text, (fvm_bytes){ key.secret, 32 });
    fvm_key_wipe(&key);
    if (err == FVM_OK) printf("%s%.*s\n", lotus ? "" : "0x", (int)text.len, (char *)text.ptr);
    if (text.ptr) fvm_wipe(text.ptr, text.cap);
    fvm_buf_deinit(&text);
    return err == FVM_OK ? FVM_EXIT_OK : failed(c, err, NULL);
}

static fvm_cli_exit read_hex(fvm_buf *out, const command *c, const char *what, const char *text)
{
    if (strncmp(text, "0x", 2) == 0) text += 2;
    fvm_err err = fvm_hex_decode(out, fvm_bytes_of(text));
    if (err == FVM_OK) return FVM_EXIT_OK;
    return refused(c, err, "%s: '%.40s' is not hexadecimal", what, text);
}

static fvm_cli_exit sign(command *c)
{
    fvm_key key;
    fvm_buf data;
    fvm_signature s;
    if (c->count != 3) return usage_error("sign needs an address and bytes.");
    fvm_buf_init(&data, NULL);
    fvm_cli_exit code = read_hex(&data, c, "DATA", c->words[2]);
    if (code == FVM_EXIT_OK) code = open_key(&key, c, c->words[1]);
    if (code == FVM_EXIT_OK) {
        fvm_err err = fvm_key_sign(&s, &key, fvm_buf_bytes(&data));
        fvm_key_wipe(&key);
        data.len = 0;
        if (err == FVM_OK) err = fvm_hex_encode(&data, (fvm_bytes){ &s.type, 1 });
        if (err == FVM_OK) err = fvm_hex_encode(&data, (fvm_bytes){ s.bytes, s.len });
        if (err != FVM_OK) {
            code = failed(c, err, NULL);
        } else if (c->json) {
            code = fvm_json_answer("wallet",
                                   json_pack("{s:s%}", "signature", (char *)data.ptr, data.len));
        } else {
            printf("%.*s\n", (int)data.len, (char *)data.ptr);
        }
    }
    fvm_buf_deinit(&data);
    return code;
}

static fvm_cli_exit verify(command *c)
{
    fvm_address address;
    fvm_buf data, bytes;
    fvm_signature s;
    if (c->count != 4) return usage_error("verify needs an address, bytes and a signature.");
    if (!get_address(&address, c, c->words[1])) return FVM_EXIT_INPUT;
    fvm_buf_init(&data, NULL);
    fvm_buf_init(&bytes, NULL);
    fvm_cli_exit code = read_hex(&data, c, "DATA", c->words[2]);
    if (code == FVM_EXIT_OK) code = read_hex(&bytes, c, "SIGNATURE", c->words[3]);
    if (code == FVM_EXIT_OK && fvm_signature_read(&s, fvm_buf_bytes(&bytes)) != FVM_OK)
        code = refused(c, FVM_ERR_MALFORMED, "SIGNATURE: not a type and a signature of its length");
    if (code == FVM_EXIT_OK) {
        bool good = fvm_signature_verify(&s, &address, fvm_buf_bytes(&data));
        code = good ? FVM_EXIT_OK : FVM_EXIT_FAILED;
        if (c->json) {
            (void)fvm_json_answer("wallet", json_pack("{s:b}", "valid", good));
        } else {
            puts(good ? "valid" : "invalid");
        }
    }
    fvm_buf_deinit(&bytes);
    fvm_buf_deinit(&data);
    return code;
}

/* --- the rest --- */

static fvm_cli_exit set_or_show_default(command *c)
{
    fvm_address address;
    fvm_store_why why = { { 0 } };
    texts t;
    if (c->count > 2) return usage_error("default takes one address.");
    if (c->count == 2 && !get_address(&address, c, c->words[1])) return FVM_EXIT_INPUT;
    fvm_err err = c->count == 2 ? fvm_keys_set_default(c->folder, &address, &why)
                                : fvm_keys_default(&address, c->folder, &why);
    if (err != FVM_OK) return failed(c, err, &why);
    show(&t, c, &address);
    if (c->json) return fvm_json_answer("wallet", json_pack("{s:s}", "address", t.fil));
    puts(t.fil);
    return FVM_EXIT_OK;
}

static fvm_cli_exit delete_key(command *c)
{
    fvm_address address;
    char question[128 + FVM_ADDRESS_TEXT_MAX];
    fvm_store_why why = { { 0 } };
    texts t;
    if (c->count != 2) return usage_error("delete needs an address.");
    if (!get_address(&address, c, c->words[1])) return FVM_EXIT_INPUT;
    show(&t, c, &address);
    (void)snprintf(question, sizeof question, "Delete the key of %s for good?", t.fil);
    if (!c->yes && !fvm_cli_confirm(question))
        return usage_error("nothing was deleted; --yes deletes without asking.");
    fvm_err err = fvm_keys_delete(c->folder, &address, &why);
    return err == FVM_OK ? FVM_EXIT_OK : failed(c, err, &why);
}

static fvm_cli_exit mnemonic(command *c)
{
    char words[FVM_MNEMONIC_MAX];
    unsigned long count = 12;
    char *end = NULL;
    if (c->count > 2) return usage_error("mnemonic takes one number.");
    if (c->count == 2) {
        count = strtoul(c->words[1], &end, 10);
        if (*end != '\0' || count > 24) count = 0;
    }
    fvm_err err = fvm_mnemonic_new(words, (unsigned)count);
    if (err == FVM_ERR_INVALID) return usage_error("a mnemonic has 12, 15, 18, 21 or 24 words.");
    if (err != FVM_OK) return failed(c, err, NULL);
    if (c->json) {
        (void)fvm_json_answer("wallet", json_pack("{s:s}", "mnemonic", words));
    } else {
        puts(words);
    }
    fvm_wipe(words, sizeof words);
    return FVM_EXIT_OK;
}

static const struct {
    const char *name;
    fvm_cli_exit (*run)(command *c);
} verbs[] = {
    { "new", new_key },
    { "list", list },
    { "import", import },
    { "export", export },
    { "sign", sign },
    { "verify", verify },
    { "default", set_or_show_default },
    { "delete", delete_key },
    { "mnemonic", mnemonic },
};

/* FVM_EXIT_OK to go on; `done` when there is nothing more to do. */
static fvm_cli_exit read_options(command *c, bool *done, int argc, char **argv)
{
    fvm_args args = { .argc = argc,
                      .argv = argv,
                      .command = "wallet",
                      .options = options,
                      .option_count = FVM_COUNT(options) };
    for (int which; (which = fvm_args_next(&args)) != FVM_ARG_END;) {
        switch (which) {
        case TYPE: c->type = args.value; break;
        case MNEMONIC: c->mnemonic = true; break;
        case PATH: c->path = args.value; break;
        case ANY_WORDS: c->any_words = true; break;
        case PASSPHRASE: c->passphrase_file = args.value; break;
        case SOURCE_PASSPHRASE: c->source_passphrase_file = args.value; break;
        case LIGHT: c->light = true; break;
        case FORMAT: c->format = args.value; break;
        case YES: c->yes = true; break;
        case KEYS: c->keys = args.value; break;
        case TESTNET: c->testnet = true; break;
        case JSON: c->json = true; break;
        case HELP:
            fputs(help, stdout);
            *done = true;
            return FVM_EXIT_OK;
        case FVM_ARG_POSITIONAL:
            if (c->count == (int)FVM_COUNT(c->words)) return usage_error("too many arguments.");
            c->words[c->count++] = args.value;
            break;
        default: return FVM_EXIT_USAGE;
        }
    }
    return FVM_EXIT_OK;
}

fvm_cli_exit fvm_cmd_wallet(int argc, char **argv)
{
    command c = { .count = 0 };
    bool done = false;
    fvm_cli_exit code = read_options(&c, &done, argc, argv);
    if (code != FVM_EXIT_OK || done) return code;
    if (c.count == 0) {
        fputs(help, stderr);
        return FVM_EXIT_USAGE;
    }
    c.folder = fvm_cli_keys_folder(c.room, c.keys, "wallet");
    if (!c.folder) return FVM_EXIT_INPUT;
    for (size_t i = 0; i < FVM_COUNT(verbs); i++)
        if (strcmp(verbs[i].name, c.words[0]) == 0) return verbs[i].run(&c);
    const char *near = fvm_nearest(c.words[0], &verbs[0].name, FVM_COUNT(verbs), sizeof verbs[0]);
    fprintf(stderr, "fvm wallet: unknown command '%s'.", c.words[0]);
    if (near) fprintf(stderr, " Did you mean '%s'?", near);
    fputs(" See 'fvm wallet --help'.\n", stderr);
    return FVM_EXIT_USAGE;
}
