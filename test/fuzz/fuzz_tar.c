/* fuzz_tar.c - members of a hostile tar archive, and of the same bytes taken for a zstd stream. */
#include "store/tar.h"
#include "test.h"

static void read_members(fvm__source source, size_t limit)
{
    fvm__window w;
    fvm__tar tar;
    fvm__tar_member member;
    CHECK_OK(fvm__window_init(&w, source, NULL));
    fvm__tar_init(&tar, &w);
    size_t total = 0;
    for (unsigned n = 0; fvm__tar_next(&tar, &member) == FVM_OK; n++) {
        CHECK(strlen(member.name) < sizeof member.name);
        uint8_t piece[700];
        size_t got = 1;
        fvm__source inside = fvm__tar_source(&tar);
        if (n % 3 == 2) continue; /* skipped */
        while (inside.read(inside.ctx, piece, sizeof piece, &got) == FVM_OK && got > 0)
            total += got;
        CHECK(total <= limit);
    }
    fvm__window_deinit(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fvm_bytes rest = { data, size };
    read_members(fvm__source_memory(&rest), size);
    rest = (fvm_bytes){ data, size };
    fvm__zstd_source *zstd;
    CHECK_OK(fvm__zstd_source_new(&zstd, fvm__source_memory(&rest), 1u << 20, NULL));
    read_members(fvm__source_zstd(zstd), 1u << 20);
    fvm__zstd_source_free(zstd);
    return 0;
}
