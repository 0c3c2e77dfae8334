/* key_mnemonic.c - BIP-39: entropy and its checksum as words, words as a seed. The English list comes
 * from a package at build time (CMakeLists.txt); it is 2,048 sorted words, one a line. */
#include "chain/key.h"
#include "crypto/crypto.h"
#include "crypto/kdf.h"

extern const uint8_t fvm__bip39_english[];
extern const size_t fvm__bip39_english_len;

#define WORDS 2048u
#define WORD_BITS 11u
#define WORDS_MAX 24u
#define WORD_LEN_MAX 8u

/* Takes the next word off the front of `text`; false at the end. */
static bool next_word(fvm_bytes *word, fvm_bytes *text)
{
    size_t n = 0;
    while (text->len && text->ptr[0] <= ' ') text->ptr++, text->len--;
    while (n < text->len && text->ptr[n] > ' ') n++;
    *word = (fvm_bytes){ text->ptr, n };
    text->ptr += n;
    text->len -= n;
    return n != 0;
}

/* Calls for a word by number, or for the number of a word: one walk over the list serves both. */
static bool find_word(unsigned *number, fvm_bytes *word, bool by_number)
{
    fvm_bytes list = { fvm__bip39_english, fvm__bip39_english_len }, w;
    for (unsigned i = 0; i < WORDS && next_word(&w, &list); i++) {
        if (by_number ? i != *number : !fvm_bytes_eq(w, *word)) continue;
        *number = i;
        *word = w;
        return true;
    }
    return false;
}

static bool count_fits(size_t words)
{
    return words >= 12 && words <= WORDS_MAX && words % 3 == 0;
}

fvm_err fvm_mnemonic_new(char out[FVM_MNEMONIC_MAX], unsigned words)
{
    uint8_t bits[WORDS_MAX * WORD_BITS / 8 + 2] = { 0 }, hash[32];
    size_t entropy = (size_t)words * 4 / 3, at = 0;
    if (!count_fits(words)) return FVM_ERR_INVALID;
    if (!fvm_random_bytes(bits, entropy)) return FVM_ERR_EXTERN;
    fvm_sha256(hash, (fvm_bytes){ bits, entropy });
    bits[entropy] = hash[0]; /* at most 8 bits of checksum */
    for (unsigned i = 0; i < words; i++) {
        fvm_bytes word = { 0 };
        unsigned number = 0;
        for (unsigned b = i * WORD_BITS; b < (i + 1) * WORD_BITS; b++)
            number = number << 1 | (bits[b / 8] >> (7 - b % 8) & 1u);
        if (!find_word(&number, &word, true) || word.len > WORD_LEN_MAX) return FVM_ERR_EXTERN;
        if (i) out[at++] = ' ';
        memcpy(out + at, word.ptr, word.len); /* 24 words of 8 letters fit */
        at += word.len;
    }
    out[at] = '\0';
    fvm_wipe(bits, sizeof bits);
    return FVM_OK;
}

fvm_err fvm_mnemonic_check(fvm_bytes *wrong, const char *mnemonic)
{
    uint8_t bits[WORDS_MAX * WORD_BITS / 8 + 2] = { 0 }, hash[32];
    fvm_bytes text = fvm_bytes_of(mnemonic), word;
    size_t count = 0;
    if (wrong) *wrong = (fvm_bytes){ 0 };
    for (; next_word(&word, &text); count++) {
        unsigned number = 0;
        if (count == WORDS_MAX) return FVM_ERR_MALFORMED;
        if (!find_word(&number, &word, false)) {
            if (wrong) *wrong = word;
            return FVM_ERR_MALFORMED;
        }
        for (size_t b = 0; b < WORD_BITS; b++) {
            size_t to = count * WORD_BITS + b;
            if (number >> (WORD_BITS - 1 - b) & 1u) bits[to / 8] |= (uint8_t)(0x80u >> to % 8);
        }
    }
    if (!count_fits(count)) return FVM_ERR_MALFORMED;
    size_t entropy = count * 4 / 3, sum_bits = count / 3;
    fvm_sha256(hash, (fvm_bytes){ bits, entropy });
    uint8_t mask = (uint8_t)(0xff00u >> sum_bits);
    bool ok = ((hash[0] ^ bits[entropy]) & mask) == 0;
    fvm_wipe(bits, sizeof bits);
    return ok ? FVM_OK : FVM_ERR_MISMATCH;
}

fvm_err fvm_mnemonic_seed(uint8_t out[64], const char *mnemonic, const char *passphrase)
{
    char words[FVM_MNEMONIC_MAX], salt[8 + FVM_MNEMONIC_MAX] = "mnemonic";
    size_t n = 0, salt_len = strlen(passphrase);
    fvm_bytes text = fvm_bytes_of(mnemonic), word;
    if (salt_len > FVM_MNEMONIC_MAX) return FVM_ERR_LIMIT;
    while (next_word(&word, &text)) {
        if (word.len + 1 > sizeof words - n) return FVM_ERR_LIMIT;
        if (n) words[n++] = ' ';
        memcpy(words + n, word.ptr, word.len);
        n += word.len;
    }
    memcpy(salt + 8, passphrase, salt_len);
    bool ok = fvm_pbkdf2(out, 64, (fvm_bytes){ (const uint8_t *)words, n },
                         (fvm_bytes){ (const uint8_t *)salt, 8 + salt_len }, 2048, true);
    fvm_wipe(words, sizeof words);
    fvm_wipe(salt, sizeof salt);
    return ok ? FVM_OK : FVM_ERR_NOMEM;
}
