/* wallet_input.c - passphrases and answers from files, the environment and the terminal. */
#include "wallet.h"

#include "crypto/kdf.h"

#include <errno.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

bool fvm_cli_address(fvm_address *out, const char *text)
{
    fvm_bytes t = fvm_bytes_of(text);
    fvm_eth_address eth;
    if (fvm_eth_address_from_text(&eth, t) == FVM_OK) {
        *out = fvm_eth_address_to_fil(&eth);
        return true;
    }
    return fvm_address_from_text(out, t, 'f') == FVM_OK ||
           fvm_address_from_text(out, t, 't') == FVM_OK;
}

const char *fvm_cli_keys_folder(char room[4096], const char *named, const char *command)
{
    if (named) return named;
    if (fvm_keys_folder(room) == FVM_OK) return room;
    fprintf(stderr, "fvm %s: there is no home folder; name the folder of keys with --keys DIR.\n",
            command);
    return NULL;
}

fvm_bytes fvm_passphrase_bytes(const fvm_passphrase *passphrase)
{
    return (fvm_bytes){ passphrase->bytes, passphrase->len };
}

static bool set(fvm_passphrase *out, const void *bytes, size_t len)
{
    if (len > sizeof out->bytes) return false;
    if (len) memcpy(out->bytes, bytes, len);
    out->len = len;
    return true;
}

static fvm_cli_exit from_file(fvm_passphrase *out, const char *command, const char *path)
{
    fvm_store_why why = { { 0 } };
    fvm_buf text;
    fvm_buf_init(&text, NULL);
    fvm_err err = fvm_file_read(&text, path, FVM_PASSPHRASE_MAX + 2, &why);
    if (err != FVM_OK) {
        fprintf(stderr, "fvm %s: %s\n", command, why.text);
        fvm_buf_deinit(&text);
        return fvm_cli_exit_of(err);
    }
    size_t len = text.len;
    if (len && text.ptr[len - 1] == '\n') len--;
    if (len && text.ptr[len - 1] == '\r') len--;
    bool fits = set(out, text.ptr, len);
    if (text.ptr) fvm_wipe(text.ptr, text.cap);
    fvm_buf_deinit(&text);
    if (fits) return FVM_EXIT_OK;
    fprintf(stderr, "fvm %s: %s: the passphrase is longer than %d bytes.\n", command, path,
            FVM_PASSPHRASE_MAX);
    return FVM_EXIT_INPUT;
}

/* A line typed without echo. False at the end of the input. */
static bool type_line(fvm_passphrase *out, FILE *terminal, const char *prompt)
{
    char line[FVM_PASSPHRASE_MAX + 2];
    struct termios usual, silent;
    int fd = fileno(terminal);
    bool changed = tcgetattr(fd, &usual) == 0;
    if (changed) {
        silent = usual;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(fd, TCSAFLUSH, &silent);
    }
    (void)dprintf(fd, "%s", prompt);
    bool ok = fgets(line, sizeof line, terminal) != NULL;
    if (changed) (void)tcsetattr(fd, TCSAFLUSH, &usual);
    (void)dprintf(fd, "\n");
    if (ok) ok = set(out, line, strcspn(line, "\n"));
    fvm_wipe(line, sizeof line);
    return ok;
}

static fvm_cli_exit from_terminal(fvm_passphrase *out, const char *command, const char *prompt,
                                  bool twice)
{
    fvm_passphrase again = { .len = 0 };
    FILE *terminal = fopen("/dev/tty", "r+");
    if (!terminal) {
        fprintf(stderr,
                "fvm %s: a passphrase is needed: name a file with --passphrase-file, set "
                "FVM_PASSPHRASE, or run it on a terminal.\n",
                command);
        return FVM_EXIT_USAGE;
    }
    fvm_cli_exit code = FVM_EXIT_OK;
    if (!type_line(out, terminal, prompt)) {
        code = FVM_EXIT_USAGE;
    } else if (twice && (!type_line(&again, terminal, "Again: ") || again.len != out->len ||
                         memcmp(again.bytes, out->bytes, out->len) != 0)) {
        fprintf(stderr, "fvm %s: the two are not the same.\n", command);
        code = FVM_EXIT_USAGE;
    }
    fvm_wipe(&again, sizeof again);
    fclose(terminal);
    return code;
}

fvm_cli_exit fvm_passphrase_get(fvm_passphrase *out, const char *command, const char *file,
                                const char *prompt, bool twice)
{
    const char *environment = getenv("FVM_PASSPHRASE");
    if (file) return from_file(out, command, file);
    if (!environment) return from_terminal(out, command, prompt, twice);
    if (set(out, environment, strlen(environment))) return FVM_EXIT_OK;
    fprintf(stderr, "fvm %s: FVM_PASSPHRASE is longer than %d bytes.\n", command,
            FVM_PASSPHRASE_MAX);
    return FVM_EXIT_INPUT;
}

bool fvm_cli_confirm(const char *question)
{
    char line[16];
    FILE *terminal = fopen("/dev/tty", "r+");
    if (!terminal) return false;
    fprintf(terminal, "%s [y/N] ", question);
    fflush(terminal);
    bool yes = fgets(line, sizeof line, terminal) && (line[0] == 'y' || line[0] == 'Y');
    fclose(terminal);
    return yes;
}
