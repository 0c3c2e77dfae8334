/* frc42.c - fvm-frc42 OUT SOURCE...: writes the header of the FRC-42 numbers that sources use. The
 * file is left alone when nothing changes, so that nothing is compiled again. */
#include "../../src/cli/cmd_actor_frc42.h"

#include <stdio.h>

static fvm_err read_file(fvm_buf *out, const char *path)
{
    uint8_t chunk[4096];
    size_t n;
    fvm_err err = FVM_OK;
    FILE *f = fopen(path, "rb");
    if (!f) return FVM_ERR_NOT_FOUND;
    while (err == FVM_OK && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
        err = fvm_buf_append(out, (fvm_bytes){ chunk, n });
    if (ferror(f)) err = FVM_ERR_IO;
    fclose(f);
    return err;
}

static fvm_err write_changed(const char *path, fvm_bytes text)
{
    fvm_buf old;
    fvm_buf_init(&old, NULL);
    bool same = read_file(&old, path) == FVM_OK && fvm_bytes_eq(fvm_buf_bytes(&old), text);
    fvm_buf_deinit(&old);
    if (same) return FVM_OK;
    FILE *f = fopen(path, "wb");
    if (!f) return FVM_ERR_IO;
    bool good = text.len == 0 || fwrite(text.ptr, 1, text.len, f) == text.len;
    return fclose(f) == 0 && good ? FVM_OK : FVM_ERR_IO;
}

int main(int argc, char **argv)
{
    fvm_buf header, source;
    fvm_err err = FVM_OK;
    if (argc < 3) return fputs("usage: fvm-frc42 OUT SOURCE...\n", stderr), 2;
    fvm_buf_init(&header, NULL);
    fvm_buf_init(&source, NULL);
    const char *path = argv[1];
    for (int i = 2; i < argc && err == FVM_OK; i++) {
        source.len = 0;
        path = argv[i];
        err = read_file(&source, path);
        if (err == FVM_OK) err = fvm_frc42_header(&header, fvm_buf_bytes(&source));
    }
    if (err == FVM_OK) err = write_changed(path = argv[1], fvm_buf_bytes(&header));
    if (err != FVM_OK) fprintf(stderr, "fvm-frc42: %s: %s\n", path, fvm_err_text(err));
    fvm_buf_deinit(&source);
    fvm_buf_deinit(&header);
    return err == FVM_OK ? 0 : 1;
}
