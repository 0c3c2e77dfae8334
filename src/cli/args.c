/* args.c - options, hints for mistyped words, whole files. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>

fvm_cli_exit fvm_cli_exit_of(fvm_err err)
{
    return fvm_err_class_of(err) == FVM_CLASS_HOST ? FVM_EXIT_HOST : FVM_EXIT_INPUT;
}

#define NEAREST_MAX 32 /* longer words get no hint */

/* Levenshtein distance of words shorter than NEAREST_MAX. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NEAREST_MAX + 1], la = strlen(a), lb = strlen(b);
    if (la >= NEAREST_MAX || lb >= NEAREST_MAX) return NEAREST_MAX;
    for (size_t j = 0; j <= lb; j++) row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[lb];
}

const char *fvm_nearest(const char *word, const void *names, size_t count, size_t stride)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2; /* further away is no hint */
    for (size_t i = 0; i < count; i++) {
        const char *name;
        memcpy(&name, (const char *)names + i * stride, sizeof name);
        size_t d = distance(word, name);
        if (d < best_distance) {
            best = name;
            best_distance = d;
        }
    }
    return best;
}

static int bad_option(const fvm_args *args, const char *word)
{
    const char *near = args->option_count ? fvm_nearest(word, &args->options[0].name,
                                                        args->option_count, sizeof(fvm_option))
                                          : NULL;
    fprintf(stderr, "fvm %s: unknown option '%s'.", args->command, word);
    if (near) fprintf(stderr, " Did you mean '%s'?", near);
    fprintf(stderr, " See 'fvm %s --help'.\n", args->command);
    return FVM_ARG_BAD;
}

int fvm_args_next(fvm_args *args)
{
    args->value = NULL;
    if (args->at >= args->argc) return FVM_ARG_END;
    const char *word = args->argv[args->at++];
    if (!args->only_positional && strcmp(word, "--") == 0) {
        args->only_positional = true;
        if (args->at >= args->argc) return FVM_ARG_END;
        word = args->argv[args->at++];
    }
    bool is_number = word[0] == '-' && word[1] >= '0' && word[1] <= '9';
    if (args->only_positional || word[0] != '-' || word[1] == '\0' || is_number) {
        args->value = word;
        return FVM_ARG_POSITIONAL;
    }
    if (strcmp(word, "-h") == 0) word = "--help";
    size_t name_len = strcspn(word, "=");
    for (size_t i = 0; i < args->option_count; i++) {
        const fvm_option *option = &args->options[i];
        if (strlen(option->name) != name_len || strncmp(option->name, word, name_len) != 0)
            continue;
        if (!option->takes_value) {
            if (word[name_len] == '\0') return (int)i;
            fprintf(stderr, "fvm %s: option '%s' takes no value.\n", args->command, option->name);
            return FVM_ARG_BAD;
        }
        if (word[name_len] == '=') {
            args->value = word + name_len + 1;
        } else if (args->at < args->argc) {
            args->value = args->argv[args->at++];
        } else {
            fprintf(stderr, "fvm %s: option '%s' needs a value. See 'fvm %s --help'.\n",
                    args->command, option->name, args->command);
            return FVM_ARG_BAD;
        }
        return (int)i;
    }
    return bad_option(args, word);
}

bool fvm_args_u64(const fvm_args *args, uint64_t *out, const char *option, uint64_t max)
{
    return fvm_args_range(args, out, option, 0, max);
}

bool fvm_args_range(const fvm_args *args, uint64_t *out, const char *option, uint64_t min,
                    uint64_t max)
{
    const char *text = args->value;
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < min ||
        value > max) {
        fprintf(stderr, "fvm %s: %s: '%s' is not a whole number from %llu to %llu.\n",
                args->command, option, text, (unsigned long long)min, (unsigned long long)max);
        return false;
    }
    *out = value;
    return true;
}

bool fvm_ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

fvm_err fvm_amount_read(fvm_big *out, const char *word, bool bare)
{
    size_t digits = strspn(word, "0123456789");
    const char *unit = word + digits;
    bool fil = strcmp(unit, "FIL") == 0 || (bare && !*unit);
    if (!digits || (!fil && strcmp(unit, "atto") != 0)) return FVM_ERR_MALFORMED;
    FVM_TRY(fvm_big_from_text(out, (fvm_bytes){ (const uint8_t *)word, digits }));
    return fil ? fvm_big_mul_u64(out, out, UINT64_C(1000000000000000000)) : FVM_OK;
}

fvm_err fvm_file_read(fvm_buf *out, const char *path, uint64_t max, fvm_store_why *why)
{
    FILE *file = fopen(path, "rb");
    if (!file) return fvm__why(why, FVM_ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    fvm_err err = FVM_OK;
    size_t start = out->len;
    for (;;) {
        if ((err = fvm_buf_reserve(out, 65536)) != FVM_OK) {
            (void)fvm__why(why, err, "%s: %s", path, fvm_err_text(err));
            break;
        }
        size_t n = fread(out->ptr + out->len, 1, out->cap - out->len, file);
        out->len += n;
        if (out->len - start > max) {
            err = fvm__why(why, FVM_ERR_LIMIT, "%s: larger than %llu bytes", path,
                           (unsigned long long)max);
            break;
        }
        if (ferror(file)) { /* a folder opens but does not read */
            err = fvm__why(why, FVM_ERR_INVALID, "%s: %s", path, strerror(errno));
            break;
        }
        if (n == 0 || feof(file)) break;
    }
    fclose(file);
    if (err != FVM_OK) out->len = start;
    return err;
}
