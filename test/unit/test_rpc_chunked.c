/* test_rpc_chunked.c - bodies in chunks, however they are cut. */
#include "rpc/chunked.h"
#include "test.h"

/* Reads `text` in pieces of `step` bytes; what was done with it. */
static fvm_err read_by(fvm_buf *body, bool *done, fvm_bytes text, size_t step, size_t max)
{
    fvm_chunked c = { 0 };
    body->len = 0;
    *done = false;
    for (size_t at = 0; at < text.len; at += step) {
        size_t n = text.len - at < step ? text.len - at : step;
        FVM_TRY(fvm_chunked_read(&c, body, max, done, (fvm_bytes){ text.ptr + at, n }));
    }
    return FVM_OK;
}

static const struct {
    const char *why, *text, *body; /* body NULL: it has not ended */
} taken[] = {
    { "one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello" },
    { "several, sizes in either case",
      "1\r\na\r\n00A\r\n0123456789\r\nb\r\n01234567890\r\n0\r\n\r\n", "a012345678901234567890" },
    { "extensions", "2;x=y\r\nab\r\n0;last\r\n\r\n", "ab" },
    { "trailers", "2\r\nab\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", "ab" },
    { "line ends in the data", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n" },
    { "an empty body", "0\r\n\r\n", "" },
    { "the next request behind it", "2\r\nab\r\n0\r\n\r\nPOST / HTTP/1.1\r\n", "ab" },
    { "no last chunk", "2\r\nab\r\n", NULL },
    { "no end", "2\r\nab\r\n0\r\n", NULL },
};

TEST(a_body_in_chunks_is_put_together_however_it_is_cut)
{
    fvm_buf body;
    bool done;
    fvm_buf_init(&body, NULL);
    for (size_t i = 0; i < FVM_COUNT(taken); i++) {
        for (size_t step = 1; step < 40; step++) {
            CHECK_AT(taken[i].why,
                     read_by(&body, &done, fvm_bytes_of(taken[i].text), step, 100) == FVM_OK);
            CHECK_AT(taken[i].why, done == (taken[i].body != NULL));
            if (done)
                CHECK_AT(taken[i].why,
                         fvm_bytes_eq(fvm_buf_bytes(&body), fvm_bytes_of(taken[i].body)));
        }
    }
    fvm_buf_deinit(&body);
}

static const struct {
    const char *why, *text;
} refused[] = {
    { "no size", "\r\nhello\r\n" },
    { "a size that is no number", "x\r\n" },
    { "a sign", "+5\r\nhello\r\n" },
    { "a size of 36 bits", "000000005\r\nhello\r\n" },
    { "no carriage return", "5\nhello\r\n" },
    { "no line feed", "5\rhello\r\n" },
    { "more data than the size says", "5\r\nhello!\r\n" },
    { "a line feed in an extension", "5;a\nhello\r\n" },
    { "a line feed alone at the end", "0\r\n\n" },
};

TEST(a_body_that_breaks_the_format_of_chunks_is_refused)
{
    fvm_buf body;
    bool done;
    fvm_buf_init(&body, NULL);
    for (size_t i = 0; i < FVM_COUNT(refused); i++)
        for (size_t step = 1; step < 12; step++)
            CHECK_AT(refused[i].why, read_by(&body, &done, fvm_bytes_of(refused[i].text), step,
                                             100) == FVM_ERR_MALFORMED);
    fvm_buf_deinit(&body);
}

TEST(a_body_in_chunks_ends_at_the_limit_of_bodies)
{
    static const fvm_bytes text = { (const uint8_t *)"5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n", 25 };
    fvm_buf body;
    bool done;
    fvm_buf_init(&body, NULL);
    CHECK(read_by(&body, &done, text, 25, 10) == FVM_OK && done);
    CHECK(read_by(&body, &done, text, 25, 9) == FVM_ERR_LIMIT);
    CHECK(read_by(&body, &done, text, 1, 9) == FVM_ERR_LIMIT);
    fvm_buf_deinit(&body);
}

TEST(extensions_and_trailers_end_at_a_limit)
{
    fvm_chunked c = { 0 };
    fvm_buf body;
    bool done;
    fvm_err err = FVM_OK;
    fvm_buf_init(&body, NULL);
    CHECK(fvm_chunked_read(&c, &body, 9, &done, FVM_STR("0\r\n")) == FVM_OK);
    size_t lines = 0;
    for (; err == FVM_OK && lines < 100000; lines++)
        err = fvm_chunked_read(&c, &body, 9, &done, FVM_STR("X: y\r\n"));
    CHECK(err == FVM_ERR_MALFORMED && lines < 2000);
    fvm_buf_deinit(&body);
}
