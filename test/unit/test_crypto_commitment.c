#include "crypto/crypto.h"
#include "test.h"

/* zero commitments as the reference lists them */
static const struct {
    uint64_t size;
    const char *hex;
} zeros[] = {
    { 128, "3731bb99ac689f66eef5973e4a94da188f4ddcae580724fc6f3fd60dfd488333" },
    { 256, "642a607ef886b004bf2c1978463ae1d4693ac0f410eb2d1b7a47fe205e5e750f" },
    { 2048, "fc7e928296e516faade986b28f92d44a4f24b935485223376a799027bc18f833" },
    { UINT64_C(32) << 30, "077e5fde35c50a9303a55009e3498a4ebedff39c42b710b730d8ec7ac7afa63e" },
};

TEST(comm_d_of_no_pieces_is_that_of_zeros)
{
    for (size_t i = 0; i < FVM_COUNT(zeros); i++) {
        uint8_t out[32];
        CHECK_OK(fvm_compute_comm_d(out, zeros[i].size, NULL, 0));
        CHECK_HEX(((fvm_bytes){ out, 32 }), zeros[i].hex);
    }
}

static void join(uint8_t out[32], const uint8_t l[32], const uint8_t r[32])
{
    uint8_t both[64];
    memcpy(both, l, 32);
    memcpy(both + 32, r, 32);
    fvm_sha256(out, (fvm_bytes){ both, 64 });
    out[31] &= 0x3f;
}

TEST(comm_d_of_one_piece_that_fills_the_sector_is_the_piece)
{
    uint8_t out[32];
    fvm_piece piece = { 2048, { 1, 2, 3 } };
    CHECK_OK(fvm_compute_comm_d(out, 2048, &piece, 1));
    CHECK(memcmp(out, piece.commitment, 32) == 0);
}

/* 128 | 128 of zeros | 256, and zeros of 512 after that */
TEST(comm_d_aligns_pieces_with_zeros)
{
    uint8_t out[32], want[32], zero[32], left[32];
    fvm_piece pieces[2] = { { 128, { 5 } }, { 256, { 6 } } };
    CHECK_OK(fvm_compute_comm_d(zero, 128, NULL, 0));
    join(left, pieces[0].commitment, zero);
    join(left, left, pieces[1].commitment);
    CHECK_OK(fvm_compute_comm_d(zero, 512, NULL, 0));
    join(want, left, zero);
    CHECK_OK(fvm_compute_comm_d(out, 1024, pieces, 2));
    CHECK(memcmp(out, want, 32) == 0);
}

TEST(comm_d_refuses_sizes_that_do_not_fit)
{
    static const struct {
        const char *why;
        uint64_t sector, first, second;
    } rows[] = {
        { "64 bytes", 2048, 64, 128 },
        { "0 bytes", 2048, 0, 128 },
        { "not a power of two", 2048, 384, 128 },
        { "one below a power of two", 2048, 255, 256 },
        { "larger than the sector", 2048, 4096, 128 },
        { "sum larger than the sector", 2048, 2048, 128 },
        { "larger than the sector once aligned", 2048, 128, 2048 },
        { "sum wraps around", 2048, UINT64_C(1) << 63, UINT64_C(1) << 63 },
        { "a sector of 64 bytes", 64, 64, 64 },
        { "a sector that is no power of two", 3000, 128, 128 },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        uint8_t out[32] = { 9 };
        fvm_piece pieces[2] = { { rows[i].first, { 1 } }, { rows[i].second, { 2 } } };
        CHECK_AT(rows[i].why,
                 fvm_compute_comm_d(out, rows[i].sector, pieces, 2) == FVM_ERR_INVALID);
        CHECK_AT(rows[i].why, out[0] == 9);
    }
}
