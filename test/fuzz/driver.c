/* driver.c - runs a fuzz target without libFuzzer: on the empty input, on every file of the folders
 * or files given, and on shortened forms of each, so that plain test runs cover the same code. */
#include "base/util.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of exactly `len` bytes, so that AddressSanitizer sees every overrun. */
static void try_input(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy) abort();
    if (len) memcpy(copy, data, len);
    (void)LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static bool try_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    static uint8_t data[1 << 22];
    size_t len = fread(data, 1, sizeof data, file);
    fclose(file);
    try_input(data, len);
    for (size_t cut = len / 2; cut > 0; cut /= 2) try_input(data, len - cut);
    return true;
}

static size_t try_path(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) return 0; /* a target without seeds yet */
    if (!S_ISDIR(st.st_mode)) return try_file(path) ? 1 : 0;
    size_t n = 0;
    struct dirent **names;
    int count = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char full[4096];
        int len = snprintf(full, sizeof full, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && len > 0 && (size_t)len < sizeof full) n += try_file(full);
        free(names[i]);
    }
    if (count >= 0) free(names);
    return n;
}

int main(int argc, char **argv)
{
    size_t files = 0;
    try_input(NULL, 0);
    for (int i = 1; i < argc; i++) files += try_path(argv[i]);
    printf("%s: %zu inputs\n", argv[0], files);
    return 0;
}
