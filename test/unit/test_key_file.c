/* Encrypted keys: the vectors of Web3 Secret Storage (its definition, and KeyStoreTests of ethereum/tests),
 * files of our own, and a folder of them. */
#include "chain/key_file.h"
#include "test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"
static const char pbkdf2_file[] =
    "{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"
    "\"6087dab2f9fdbbfaddc31a909735c1e6\"},\"ciphertext\":"
    "\"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46\",\"kdf\":\"pbkdf2\","
    "\"kdfparams\":{\"c\":262144,\"dklen\":32,\"prf\":\"hmac-sha256\",\"salt\":"
    "\"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd\"},\"mac\":"
    "\"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2\"},\"id\":"
    "\"3198bc9c-6672-5ab3-d995-4942343ae5b6\",\"version\":3}";
/* with capitals in names, as old clients write, and with the address */
static const char scrypt_file[] =
    "{\"address\":\"008aeeda4d805471df9b2a5b0f38a0c3bcba786b\",\"Crypto\":{\"cipher\":"
    "\"aes-128-ctr\",\"cipherparams\":{\"iv\":\"83dbcc02d8ccb40e466191a123791e0e\"},\"ciphertext\":"
    "\"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c\",\"kdf\":\"scrypt\","
    "\"kdfparams\":{\"dklen\":32,\"n\":262144,\"r\":1,\"p\":8,\"salt\":"
    "\"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19\"},\"mac\":"
    "\"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097\"},\"id\":"
    "\"3198bc9c-6672-5ab3-d995-4942343ae5b6\",\"version\":3}";

TEST(the_vectors_of_web3_secret_storage_decrypt)
{
    const char *const files[] = { pbkdf2_file, scrypt_file };
    for (size_t i = 0; i < FVM_COUNT(files); i++) {
        fvm_key key;
        fvm_store_why why = { { 0 } };
        fvm_err err = fvm_key_decrypt(&key, fvm_bytes_of(files[i]), FVM_STR("testpassword"), &why);
        CHECK_AT(why.text, err == FVM_OK);
        CHECK_HEX(((fvm_bytes){ key.secret, 32 }), SECRET);
        CHECK(key.type == FVM_SIGNATURE_DELEGATED);
        CHECK_ERR(fvm_key_decrypt(&key, fvm_bytes_of(files[i]), FVM_STR("testpasswore"), &why),
                  FVM_ERR_MISMATCH);
        CHECK(strstr(why.text, "passphrase") != NULL);
    }
}

/* One text in place of another in the vector. */
static fvm_err decrypt_changed(const char *from, const char *to)
{
    char text[2048];
    fvm_key key;
    const char *at = strstr(scrypt_file, from);
    CHECK_AT(from, at != NULL);
    (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - scrypt_file), scrypt_file, to,
                   at + strlen(from));
    return fvm_key_decrypt(&key, fvm_bytes_of(text), FVM_STR("testpassword"), NULL);
}

TEST(broken_key_files_are_refused_before_they_cost_anything)
{
    static const struct {
        const char *from, *to;
        fvm_err err;
    } rows[] = {
        { "\"version\":3", "\"version\":1", FVM_ERR_MALFORMED },
        { "\"version\":3", "\"version\":\"3\"", FVM_ERR_MALFORMED },
        { "aes-128-ctr", "aes-256-gcm", FVM_ERR_INVALID },
        { "\"scrypt\"", "\"argon2\"", FVM_ERR_INVALID },
        { "\"n\":262144", "\"n\":262143", FVM_ERR_INVALID },
        { "\"n\":262144", "\"n\":1073741824", FVM_ERR_INVALID }, /* 128 GiB */
        { "\"n\":262144", "\"n\":-2", FVM_ERR_MALFORMED },
        { "\"r\":1", "\"r\":9223372036854775807", FVM_ERR_INVALID },
        { "\"p\":8", "\"p\":1000000", FVM_ERR_INVALID },
        { "\"dklen\":32", "\"dklen\":64", FVM_ERR_INVALID },
        { "\"iv\":\"83", "\"iv\":\"", FVM_ERR_MALFORMED },
        { "\"mac\":\"21", "\"mac\":\"zz", FVM_ERR_MALFORMED },
        { "\"Crypto\"", "\"Krypto\"", FVM_ERR_MALFORMED },
        { "\"mac\":\"21", "\"mac\":\"22", FVM_ERR_MISMATCH },
        { "\"address\":\"00", "\"address\":\"01", FVM_ERR_MALFORMED }, /* not the secret's */
        { "{", "[", FVM_ERR_MALFORMED },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++)
        CHECK_AT(rows[i].to, decrypt_changed(rows[i].from, rows[i].to) == rows[i].err);
}

TEST(every_type_of_key_is_encrypted_and_read)
{
    for (int type = 1; type <= 3; type++) {
        fvm_key key, back;
        fvm_buf json;
        fvm_address address;
        uint8_t found = 0;
        fvm_buf_init(&json, NULL);
        CHECK_OK(fvm_key_random(&key, (fvm_signature_type)type));
        CHECK_OK(fvm_key_encrypt(&json, &key, FVM_STR("secret"), 4));
        CHECK_OK(fvm_key_file_address(&address, &found, fvm_buf_bytes(&json)));
        CHECK(found == type && fvm_address_eq(&address, &key.address));
        CHECK_OK(fvm_key_decrypt(&back, fvm_buf_bytes(&json), FVM_STR("secret"), NULL));
        CHECK(back.type == type && memcmp(back.secret, key.secret, 32) == 0);
        CHECK_ERR(fvm_key_decrypt(&back, fvm_buf_bytes(&json), FVM_STR(""), NULL),
                  FVM_ERR_MISMATCH);
        fvm_buf_deinit(&json);
    }
    fvm_key key;
    fvm_buf json;
    fvm_buf_init(&json, NULL);
    CHECK_OK(fvm_key_random(&key, FVM_SIGNATURE_BLS));
    CHECK_ERR(fvm_key_encrypt(&json, &key, FVM_STR("secret"), 0), FVM_ERR_INVALID);
    CHECK_ERR(fvm_key_encrypt(&json, &key, FVM_STR("secret"), 21), FVM_ERR_INVALID);
    fvm_buf_deinit(&json);
}

static fvm_err count_one(void *ctx, const fvm_key_info *info)
{
    int *counts = ctx;
    counts[0]++;
    counts[1] += info->is_default;
    return FVM_OK;
}

TEST(a_folder_keeps_keys_and_their_default)
{
    char folder[] = "/tmp/fvm-keys-XXXXXX", keys[64], stray[80];
    int counts[2] = { 0 };
    struct stat info;
    fvm_key a, b, back;
    fvm_address usual;
    fvm_store_why why;
    CHECK(mkdtemp(folder) != NULL);
    (void)snprintf(keys, sizeof keys, "%s/deep/keys", folder);
    CHECK_OK(fvm_keys_each(keys, count_one, counts, &why)); /* not there: none */
    CHECK_ERR(fvm_keys_default(&usual, keys, &why), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_key_random(&a, FVM_SIGNATURE_DELEGATED));
    CHECK_OK(fvm_key_random(&b, FVM_SIGNATURE_BLS));
    CHECK_ERR(fvm_keys_get(&back, keys, &a.address, FVM_STR("x"), &why), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_keys_put(keys, &a, FVM_STR("x"), 4, &why));
    CHECK_OK(fvm_keys_put(keys, &b, FVM_STR("y"), 4, &why));
    CHECK_ERR(fvm_keys_put(keys, &b, FVM_STR("y"), 4, &why), FVM_ERR_INVALID);
    CHECK(stat(keys, &info) == 0 && (info.st_mode & 0777) == 0700);
    (void)snprintf(stray, sizeof stray, "%s/note.txt", keys);
    FILE *file = fopen(stray, "w");
    CHECK(file && fputs("not a key", file) >= 0 && fclose(file) == 0);
    CHECK_OK(fvm_keys_each(keys, count_one, counts, &why));
    CHECK(counts[0] == 2 && counts[1] == 1);
    CHECK_OK(fvm_keys_default(&usual, keys, &why));
    CHECK(fvm_address_eq(&usual, &a.address)); /* the first one */
    CHECK_OK(fvm_keys_set_default(keys, &b.address, &why));
    CHECK_OK(fvm_keys_default(&usual, keys, &why));
    CHECK(fvm_address_eq(&usual, &b.address));
    CHECK_OK(fvm_keys_get(&back, keys, &b.address, FVM_STR("y"), &why));
    CHECK(memcmp(back.secret, b.secret, 32) == 0);
    CHECK_ERR(fvm_keys_get(&back, keys, &b.address, FVM_STR("x"), &why), FVM_ERR_MISMATCH);
    CHECK_OK(fvm_keys_delete(keys, &b.address, &why));
    CHECK_ERR(fvm_keys_default(&usual, keys, &why), FVM_ERR_NOT_FOUND);
    CHECK_ERR(fvm_keys_delete(keys, &b.address, &why), FVM_ERR_NOT_FOUND);
    CHECK_ERR(fvm_keys_set_default(keys, &b.address, &why), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_keys_delete(keys, &a.address, &why));
    CHECK(unlink(stray) == 0 && rmdir(keys) == 0);
    keys[strlen(keys) - 5] = '\0';
    CHECK(rmdir(keys) == 0 && rmdir(folder) == 0);
}
