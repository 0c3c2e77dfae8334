/* The LMDB blockstore: blocks, batches, growth, threads, garbage collection, and the check that finds
 * what is broken. What survives kill -9 is in test_store_lmdb_kill.c. */
#include "store/lmdb_file.h"
#include "store_helpers.h"

#include <pthread.h>
#include <stdatomic.h>

static uint8_t room[SAMPLE_ROOM];

static fvm_cid sample_cid(uint64_t i)
{
    return fvm_cid_of(FVM_CODEC_RAW, sample_data(room, sizeof room, i));
}

static void put_samples(const fvm_blockstore *bs, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        fvm_cid cid = sample_cid(i);
        CHECK_OK(fvm_blockstore_put(bs, &cid, sample_data(room, sizeof room, i)));
    }
}

/* One batch: with a sync each, single puts would make the tests slow. */
static void put_batch(const fvm_blockstore *bs, uint64_t from, uint64_t to)
{
    fvm_block blocks[64];
    static uint8_t data[64][SAMPLE_ROOM];
    while (from < to) {
        size_t n = 0;
        for (; n < 64 && from < to; n++, from++) {
            blocks[n].data = sample_data(data[n], SAMPLE_ROOM, from);
            blocks[n].cid = fvm_cid_of(FVM_CODEC_RAW, blocks[n].data);
        }
        CHECK_OK(fvm_blockstore_put_many(bs, blocks, n));
    }
}

static void check_samples(const fvm_blockstore *bs, uint64_t from, uint64_t to)
{
    fvm_buf got;
    fvm_buf_init(&got, NULL);
    for (uint64_t i = from; i < to; i++) {
        fvm_cid cid = sample_cid(i);
        bool has = false;
        got.len = 0;
        CHECK_OK(fvm_blockstore_get(bs, &got, &cid));
        CHECK_OK(fvm_blockstore_has(bs, &has, &cid));
        CHECK(has);
        fvm_bytes want = sample_data(room, sizeof room, i);
        CHECK(got.len == want.len && memcmp(got.ptr, want.ptr, want.len) == 0);
    }
    fvm_buf_deinit(&got);
}

static void check_absent(const fvm_blockstore *bs, uint64_t i)
{
    fvm_buf got;
    fvm_buf_init(&got, NULL);
    bool has = true;
    fvm_cid cid = sample_cid(i);
    CHECK_ERR(fvm_blockstore_get(bs, &got, &cid), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_blockstore_has(bs, &has, &cid));
    CHECK(!has && got.len == 0);
    fvm_buf_deinit(&got);
}

typedef struct problems {
    size_t count;
    char text[2000];
} problems;

static void note_problem(void *ctx, const char *text)
{
    problems *p = ctx;
    p->count++;
    if (strlen(p->text) + strlen(text) + 2 < sizeof p->text) {
        strcat(p->text, text);
        strcat(p->text, "\n");
    }
}

TEST(blocks_stay_after_closing)
{
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "db");
    fvm_blockstore bs;
    fvm_lmdb_stats stats;
    CHECK_OK(fvm_blockstore_lmdb_open(&bs, path.text, NULL, NULL, NULL));
    put_samples(&bs, 0, 10);
    put_batch(&bs, 10, 200);
    put_batch(&bs, 150, 200); /* again: nothing changes */
    check_samples(&bs, 0, 200);
    check_absent(&bs, 200);
    CHECK_OK(fvm_lmdb_stats_get(&bs, &stats));
    CHECK(stats.blocks == 200 && stats.used_bytes <= stats.file_bytes);
    fvm_blockstore_free(&bs);

    fvm_lmdb_options options = { .read_only = true, .verify_reads = true, .check = true };
    CHECK_OK(fvm_blockstore_lmdb_open(&bs, path.text, &options, NULL, NULL));
    check_samples(&bs, 0, 200);
    fvm_cid cid = sample_cid(3);
    CHECK_ERR(fvm_blockstore_put(&bs, &cid, FVM_STR("x")), FVM_ERR_READ_ONLY);
    fvm_blockstore_free(&bs);
    temp_folder_free(&t);
}

TEST(a_batch_without_blocks_and_an_empty_block_are_fine)
{
    temp_folder t = temp_folder_new();
    fvm_blockstore bs;
    fvm_buf got;
    fvm_cid cid;
    fvm_buf_init(&got, NULL);
    CHECK_OK(fvm_blockstore_lmdb_open(&bs, in_folder(&t, "db").text, NULL, NULL, NULL));
    CHECK_OK(bs.ops->put_many(bs.self, NULL, 0));
    CHECK_OK(fvm_blockstore_put_new(&bs, &cid, FVM_CODEC_RAW, FVM_STR("")));
    CHECK_OK(fvm_blockstore_get(&bs, &got, &cid));
    CHECK(got.len == 0);
    fvm_block large = { sample_cid(1), { room, FVM_CAR_SECTION_MAX } };
    CHECK_ERR(fvm_blockstore_put_many(&bs, &large, 1),
              FVM_ERR_LIMIT); /* looked at by length only */
    fvm_blockstore_free(&bs);
    fvm_buf_deinit(&got);
    temp_folder_free(&t);
}

TEST(the_map_grows_and_stops_at_its_limit)
{
    temp_folder t = temp_folder_new();
    fvm_blockstore bs;
    fvm_lmdb_stats stats;
    fvm_lmdb_options options = { .map_bytes = 65536, .map_max = 16u << 20, .no_sync = true };
    CHECK_OK(fvm_blockstore_lmdb_open(&bs, in_folder(&t, "db").text, &options, NULL, NULL));
    put_batch(&bs, 0, 1000);
    check_samples(&bs, 0, 1000);
    CHECK_OK(fvm_lmdb_stats_get(&bs, &stats));
    CHECK(stats.map_bytes > 65536 && stats.map_bytes <= options.map_max);
    fvm_err err = FVM_OK;
    uint64_t i = 1000;
    for (; err == FVM_OK && i < 20000; i++) {
        fvm_cid cid = sample_cid(i);
        err = fvm_blockstore_put(&bs, &cid, sample_data(room, sizeof room, i));
    }
    CHECK(err == FVM_ERR_IO);
    fvm_store_why why;
    fvm_lmdb_last_error(&bs, &why);
    CHECK(strstr(why.text, "MDB_MAP_FULL"));
    check_samples(&bs, 0, 1000); /* still works */
    check_absent(&bs, i - 1);
    fvm_blockstore_free(&bs);
    temp_folder_free(&t);
}

typedef struct reader_job {
    const fvm_blockstore *bs;
    atomic_bool stop;
    _Atomic fvm_err err;
    atomic_size_t rounds;
} reader_job;

/* Until it has read one block more, or failed: however busy the machine is. */
static void wait_for_round(const reader_job *job, size_t before)
{
    while (job->rounds == before && job->err == FVM_OK)
        nanosleep(&(struct timespec){ 0, 100000 }, NULL);
}

static void *read_on(void *ctx)
{
    reader_job *job = ctx;
    fvm_buf got;
    uint8_t *own = malloc(SAMPLE_ROOM);
    fvm_buf_init(&got, NULL);
    for (uint64_t i = 0; !job->stop && job->err == FVM_OK; i = (i + 1) % 64, job->rounds++) {
        fvm_bytes want = sample_data(own, SAMPLE_ROOM, i);
        fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, want);
        got.len = 0;
        fvm_err err = fvm_blockstore_get(job->bs, &got, &cid);
        job->err = err == FVM_OK && !fvm_bytes_eq(fvm_buf_bytes(&got), want) ? FVM_ERR_MISMATCH
                                                                             : err;
    }
    fvm_buf_deinit(&got);
    free(own);
    return NULL;
}

TEST(threads_read_while_one_writes_and_the_map_grows)
{
    temp_folder t = temp_folder_new();
    fvm_blockstore bs;
    fvm_lmdb_options options = { .map_bytes = 65536, .no_sync = true };
    pthread_t threads[4];
    reader_job jobs[4];
    CHECK_OK(fvm_blockstore_lmdb_open(&bs, in_folder(&t, "db").text, &options, NULL, NULL));
    put_batch(&bs, 0, 64);
    for (int i = 0; i < 4; i++) {
        jobs[i] = (reader_job){ .bs = &bs };
        CHECK(pthread_create(&threads[i], NULL, read_on, &jobs[i]) == 0);
    }
    for (int i = 0; i < 4; i++) wait_for_round(&jobs[i], 0);
    put_batch(&bs, 64, 1500);
    for (int i = 0; i < 4; i++) wait_for_round(&jobs[i], jobs[i].rounds);
    for (int i = 0; i < 4; i++) jobs[i].stop = true;
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK_OK(jobs[i].err);
    }
    fvm_blockstore_free(&bs);
    temp_folder_free(&t);
}

/* --- what cannot be opened --- */

TEST(what_is_no_database_of_blocks_is_refused_with_a_reason)
{
    temp_folder t = temp_folder_new();
    temp_path db = in_folder(&t, "db"), file = in_folder(&t, "db/data.mdb");
    fvm_lmdb_options read_only = { .read_only = true };
    fvm_blockstore bs;
    fvm_store_why why = { { 0 } };
    CHECK_ERR(fvm_blockstore_lmdb_open(&bs, db.text, &read_only, NULL, &why), FVM_ERR_NOT_FOUND);
    CHECK(strstr(why.text, db.text));
    CHECK(mkdir(db.text, 0777) == 0);
    write_file(file.text,
               FVM_STR("some text that is no database of any kind, but is long enough to be "
                       "read as a meta page: it has more than one hundred and fifty-two "
                       "bytes if one counts them all, does it not? Yes."));
    CHECK_ERR(fvm_blockstore_lmdb_open(&bs, db.text, NULL, NULL, &why), FVM_ERR_MALFORMED);
    CHECK(strstr(why.text, "meta page 0"));
    write_file(file.text, FVM_STR("short"));
    CHECK_ERR(fvm_blockstore_lmdb_open(&bs, db.text, NULL, NULL, &why), FVM_ERR_TRUNCATED);
    write_file(file.text, FVM_STR(""));
    CHECK_ERR(fvm_blockstore_lmdb_open(&bs, db.text, &read_only, NULL, &why), FVM_ERR_TRUNCATED);
    CHECK_OK(fvm_blockstore_lmdb_open(&bs, db.text, NULL, NULL, &why)); /* killed at its making */
    fvm_blockstore_free(&bs);
    temp_folder_free(&t);
}

static void make_db(const char *path, uint64_t count)
{
    fvm_blockstore bs;
    fvm_lmdb_options options = { .no_sync = true };
    CHECK_OK(fvm_blockstore_lmdb_open(&bs, path, &options, NULL, NULL));
    put_batch(&bs, 0, count);
    fvm_blockstore_free(&bs);
}

static fvm_err verify(const temp_path *db, problems *p, fvm_verify_result *result)
{
    fvm_store_why why = { { 0 } };
    *p = (problems){ .count = 0 };
    return fvm_lmdb_verify_folder(db->text, result, note_problem, p, NULL, &why);
}

TEST(a_whole_database_verifies)
{
    temp_folder t = temp_folder_new();
    temp_path db = in_folder(&t, "db");
    problems p;
    fvm_verify_result result;
    make_db(db.text, 700);
    CHECK_OK(verify(&db, &p, &result));
    CHECK(result.blocks == 700 && result.problems == 0 && result.unverifiable == 0);
    fvm_blockstore bs; /* and while it is open */
    CHECK_OK(fvm_blockstore_lmdb_open(&bs, db.text, NULL, NULL, NULL));
    put_batch(&bs, 700, 710);
    CHECK_OK(fvm_lmdb_verify(&bs, &result, note_problem, &p));
    CHECK(result.blocks == 710);
    fvm_blockstore_free(&bs);
    temp_folder_free(&t);
}

/* Flips a bit in the middle of each copy of `data`: pages that are free now still hold old ones. */
static void flip_in_copies(fvm_bytes file, fvm_bytes data)
{
    uint8_t *from = (uint8_t *)(uintptr_t)file.ptr, *end = from + file.len, *at;
    size_t copies = 0;
    for (; (at = memmem(from, (size_t)(end - from), data.ptr, data.len)) != NULL; copies++) {
        at[data.len / 2] ^= 0x20;
        from = at + 1;
    }
    CHECK(copies > 0);
}

TEST(a_flipped_bit_in_a_block_is_found_and_the_block_is_named)
{
    temp_folder t = temp_folder_new();
    temp_path db = in_folder(&t, "db"), file = in_folder(&t, "db/data.mdb");
    fvm_buf bytes;
    problems p;
    fvm_verify_result result;
    char name[FVM_CID_TEXT_MAX];
    fvm_buf_init(&bytes, NULL);
    make_db(db.text, 100);
    temp_path whole = in_folder(&t, "whole");
    read_file_into(&bytes, file.text);
    write_file(whole.text, fvm_buf_bytes(&bytes));
    bytes.len = 0;
    for (uint64_t i = 3; i < 100; i += 2) { /* 7 and 57 lie on overflow pages */
        read_file_into(&bytes, whole.text);
        fvm_bytes data = sample_data(room, sizeof room, i);
        fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, data);
        (void)fvm_cid_to_text(name, &cid);
        flip_in_copies(fvm_buf_bytes(&bytes), data);
        write_file(file.text, fvm_buf_bytes(&bytes));
        CHECK_ERR(verify(&db, &p, &result), FVM_ERR_MISMATCH);
        CHECK(p.count == 1 && strstr(p.text, name));
        bytes.len = 0;

        fvm_lmdb_options options = { .read_only = true, .verify_reads = true };
        fvm_blockstore bs;
        fvm_buf got;
        fvm_buf_init(&got, NULL);
        CHECK_OK(fvm_blockstore_lmdb_open(&bs, db.text, &options, NULL, NULL));
        CHECK_ERR(fvm_blockstore_get(&bs, &got, &cid), FVM_ERR_IO);
        CHECK(got.len == 0);
        fvm_blockstore_free(&bs);
    }
    fvm_buf_deinit(&bytes);
    temp_folder_free(&t);
}

/* The walker's word on a file: whether it finds something wrong. */
typedef struct model {
    uint64_t blocks;
    size_t problems;
    bool mismatch;
} model;

static fvm_err model_entry(void *ctx, fvm_bytes key, fvm_bytes value)
{
    model *m = ctx;
    fvm_cid cid;
    if (key.len && key.ptr[0] == 0) return FVM_OK;
    m->blocks++;
    if (fvm_cid_read(&cid, NULL, key) != FVM_OK || fvm_cid_verify(&cid, value) != FVM_OK)
        m->mismatch = true;
    return FVM_OK;
}
static void model_problem(void *ctx, const char *text)
{
    (void)text;
    ((model *)ctx)->problems++;
}

TEST(no_flipped_bit_anywhere_goes_unnoticed_and_matters)
{
    temp_folder t = temp_folder_new();
    temp_path db = in_folder(&t, "db"), file = in_folder(&t, "db/data.mdb");
    fvm_buf bytes;
    problems p;
    fvm_verify_result result;
    test_rng rng = { 4711 };
    size_t found = 0, rounds = test_rounds(400);
    fvm_buf_init(&bytes, NULL);
    make_db(db.text, 300);
    read_file_into(&bytes, file.text);
    for (size_t round = 0; round < rounds; round++) {
        /* every other time in the head of a page, where the structure is */
        size_t at = (size_t)test_rng_below(&rng, bytes.len);
        if (round % 2)
            at = at / 4096 * 4096 + (size_t)test_rng_below(&rng, round % 4 == 1 ? 32 : 200);
        if (at >= bytes.len) continue;
        uint8_t bit = (uint8_t)(1u << test_rng_below(&rng, 8));
        bytes.ptr[at] ^= bit;
        write_file(file.text, fvm_buf_bytes(&bytes));
        if (verify(&db, &p, &result) == FVM_ERR_MISMATCH) {
            CHECK(p.count > 0);
            found++;
        } else { /* unused bytes: then everything is there and right */
            fvm_blockstore bs;
            fvm_lmdb_options options = { .read_only = true, .check = true };
            CHECK(result.blocks == 300);
            CHECK_OK(fvm_blockstore_lmdb_open(&bs, db.text, &options, NULL, NULL));
            check_samples(&bs, 0, 300);
            fvm_blockstore_free(&bs);
        }
        bytes.ptr[at] ^= bit;
    }
    CHECK(found > rounds / 4);
    fvm_buf_deinit(&bytes);
    temp_folder_free(&t);
}

TEST(a_free_list_that_names_a_page_in_use_is_found)
{
    temp_folder t = temp_folder_new();
    temp_path db = in_folder(&t, "db"), file = in_folder(&t, "db/data.mdb");
    fvm_buf bytes;
    problems p;
    fvm_verify_result result;
    fvm__lmdb_meta meta;
    fvm_buf_init(&bytes, NULL);
    make_db(db.text, 300); /* several transactions, so that there are free pages */
    FILE *f = fopen(file.text, "rb");
    CHECK(f != NULL);
    CHECK_OK(fvm__lmdb_meta_read(&meta, NULL, fileno(f), 0, "db", NULL));
    fclose(f);
    CHECK(meta.trees[0].depth == 1);
    read_file_into(&bytes, file.text);
    uint8_t *leaf = bytes.ptr + meta.trees[0].root * meta.page_size;
    uint8_t *node = leaf + (leaf[16] | leaf[17] << 8);
    uint8_t *list = node + 8 + 8; /* behind the node's head and its key */
    CHECK(fvm_load_le64(list) > 0);
    fvm_store_le64(list + 8, meta.trees[1].root);
    write_file(file.text, fvm_buf_bytes(&bytes));
    CHECK_ERR(verify(&db, &p, &result), FVM_ERR_MISMATCH);
    CHECK(strstr(p.text, "another use"));
    fvm_buf_deinit(&bytes);
    temp_folder_free(&t);
}

TEST(a_branch_key_that_leads_astray_is_found)
{
    temp_folder t = temp_folder_new();
    temp_path db = in_folder(&t, "db"), file = in_folder(&t, "db/data.mdb");
    fvm_buf bytes;
    problems p;
    fvm_verify_result result;
    fvm__lmdb_meta meta;
    fvm_buf_init(&bytes, NULL);
    make_db(db.text, 300);
    FILE *f = fopen(file.text, "rb");
    CHECK(f != NULL);
    CHECK_OK(fvm__lmdb_meta_read(&meta, NULL, fileno(f), 0, "db", NULL));
    fclose(f);
    CHECK(meta.trees[1].depth > 1);
    read_file_into(&bytes, file.text);
    uint8_t *root = bytes.ptr + meta.trees[1].root * meta.page_size;
    uint8_t *second = root + (root[18] | root[19] << 8); /* the first node's key is not used */
    for (int up = 0; up < 2; up++) {
        uint8_t *byte = second + 8 + 6, kept = *byte; /* behind what all CIDs begin with */
        *byte = up ? 0xff : 0;
        write_file(file.text, fvm_buf_bytes(&bytes));
        CHECK_ERR(verify(&db, &p, &result), FVM_ERR_MISMATCH);
        CHECK(strstr(p.text, "out of order"));
        *byte = kept;
    }
    fvm_buf_deinit(&bytes);
    temp_folder_free(&t);
}

TEST(a_file_cut_off_anywhere_is_found)
{
    temp_folder t = temp_folder_new();
    temp_path db = in_folder(&t, "db"), file = in_folder(&t, "db/data.mdb");
    fvm_buf bytes;
    problems p;
    fvm_verify_result result;
    fvm_buf_init(&bytes, NULL);
    make_db(db.text, 300);
    read_file_into(&bytes, file.text);
    for (size_t len = 1; len < bytes.len; len += len < 9000 ? 517 : 20011) {
        fvm_blockstore bs;
        fvm_store_why why = { { 0 } };
        write_file(file.text, (fvm_bytes){ bytes.ptr, len });
        CHECK_ERR(verify(&db, &p, &result), FVM_ERR_MISMATCH);
        CHECK(strstr(p.text, "cut off") || strstr(p.text, "ends before") ||
              strstr(p.text, "beyond"));
        CHECK(fvm_blockstore_lmdb_open(&bs, db.text, NULL, NULL, &why) != FVM_OK);
        CHECK(strstr(why.text, "data.mdb"));
    }
    fvm_buf_deinit(&bytes);
    temp_folder_free(&t);
}

TEST(the_walk_sees_what_lmdb_wrote_after_many_changes)
{
    temp_folder t = temp_folder_new();
    temp_path db = in_folder(&t, "db");
    fvm_blockstore bs;
    fvm_lmdb_options options = { .no_sync = true };
    fvm_verify_result result;
    fvm_gc_result gc;
    test_rng rng = { 9 };
    problems p = { .count = 0 };
    CHECK_OK(fvm_blockstore_lmdb_open(&bs, db.text, &options, NULL, NULL));
    for (uint64_t round = 0; round < 20; round++) {
        fvm_cid roots[20];
        uint64_t from = round * 100;
        put_batch(&bs, from, from + 100);
        for (int i = 0; i < 20; i++) roots[i] = sample_cid(from + test_rng_below(&rng, 100));
        CHECK_OK(fvm_lmdb_gc(&bs, &gc, roots, 20, NULL));
        CHECK(gc.kept <= 20 && gc.kept > 10 && gc.missing == 0);
        CHECK_OK(fvm_lmdb_verify(&bs, &result, note_problem, &p));
        CHECK(result.blocks == gc.kept && p.count == 0);
    }
    fvm_blockstore_free(&bs);
    temp_folder_free(&t);
}

/* --- garbage collection --- */

static bool is_there(const fvm_blockstore *bs, const fvm_cid *cid)
{
    bool has = false;
    CHECK_OK(fvm_blockstore_has(bs, &has, cid));
    return has;
}

TEST(collection_keeps_what_roots_reach_and_removes_the_rest)
{
    temp_folder t = temp_folder_new();
    fvm_blockstore bs;
    fvm_gc_result gc;
    fvm_store_why why = { { 0 } };
    fvm_lmdb_options options = { .no_sync = true };
    CHECK_OK(fvm_blockstore_lmdb_open(&bs, in_folder(&t, "db").text, &options, NULL, NULL));
    put_batch(&bs, 0, 50);
    fvm_cid commitment = sample_cid(60), gone = sample_cid(61);
    commitment.codec = FVM_CODEC_COMM_UNSEALED;
    commitment.hash = FVM_HASH_SHA2_256_TRUNC254;
    fvm_cid leaves[] = { sample_cid(1), sample_cid(2), commitment, gone };
    fvm_cid inner = put_links(&bs, leaves, 4);
    fvm_cid twice[] = { inner, inner, sample_cid(3) };
    fvm_cid root = put_links(&bs, twice, 3);
    fvm_cid other = put_links(&bs, &leaves[1], 1);

    CHECK_ERR(fvm_lmdb_gc(&bs, &gc, NULL, 0, &why), FVM_ERR_INVALID);
    fvm_cid roots[2] = { root, gone };
    CHECK_ERR(fvm_lmdb_gc(&bs, &gc, roots, 2, &why), FVM_ERR_NOT_FOUND);
    CHECK(strstr(why.text, "root"));
    check_samples(&bs, 0, 50); /* a refusal removes nothing */

    CHECK_OK(fvm_lmdb_gc(&bs, &gc, roots, 1, &why));
    CHECK(gc.kept == 5 && gc.removed == 48 && gc.missing == 1);
    CHECK(is_there(&bs, &root) && is_there(&bs, &inner) && !is_there(&bs, &other));
    check_samples(&bs, 1, 4);
    check_absent(&bs, 4);
    fvm_blockstore_free(&bs);
    temp_folder_free(&t);
}

TEST(collection_refuses_blocks_whose_links_it_cannot_read)
{
    temp_folder t = temp_folder_new();
    fvm_blockstore bs;
    fvm_gc_result gc;
    fvm_store_why why = { { 0 } };
    fvm_lmdb_options options = { .no_sync = true };
    fvm_cid broken, foreign;
    CHECK_OK(fvm_blockstore_lmdb_open(&bs, in_folder(&t, "db").text, &options, NULL, NULL));
    put_batch(&bs, 0, 5);
    CHECK_OK(fvm_blockstore_put_new(&bs, &broken, FVM_CODEC_DAG_CBOR, FVM_BYTES(0x82, 0x01)));
    CHECK_OK(fvm_blockstore_put_new(&bs, &foreign, 0x78, FVM_STR("git")));
    CHECK_ERR(fvm_lmdb_gc(&bs, &gc, &broken, 1, &why), FVM_ERR_BAD_STATE);
    CHECK_ERR(fvm_lmdb_gc(&bs, &gc, &foreign, 1, &why), FVM_ERR_BAD_STATE);
    CHECK(strstr(why.text, "codec"));
    check_samples(&bs, 0, 5);
    fvm_blockstore_free(&bs);
    temp_folder_free(&t);
}

TEST(space_of_removed_blocks_is_used_again)
{
    temp_folder t = temp_folder_new();
    fvm_blockstore bs;
    fvm_gc_result gc;
    fvm_lmdb_stats stats;
    uint64_t first = 0;
    fvm_lmdb_options options = { .no_sync = true };
    CHECK_OK(fvm_blockstore_lmdb_open(&bs, in_folder(&t, "db").text, &options, NULL, NULL));
    for (uint64_t round = 0; round < 10; round++) {
        put_batch(&bs, round * 300, round * 300 + 300);
        fvm_cid root = sample_cid(round * 300);
        CHECK_OK(fvm_lmdb_gc(&bs, &gc, &root, 1, NULL));
        CHECK_OK(fvm_lmdb_stats_get(&bs, &stats));
        if (round == 2) first = stats.file_bytes;
    }
    CHECK(stats.file_bytes <= first * 3 / 2);
    fvm_blockstore_free(&bs);
    temp_folder_free(&t);
}

/* --- listing --- */

typedef struct listing {
    uint64_t count;
    fvm_cid last;
    fvm_err stop;
} listing;

static fvm_err list_block(void *ctx, const fvm_cid *cid, fvm_bytes data)
{
    listing *l = ctx;
    uint8_t a[FVM_CID_BYTES_MAX], b[FVM_CID_BYTES_MAX];
    CHECK_OK(fvm_cid_verify(cid, data));
    if (l->count++ > 0) {
        fvm_bytes x = { a, fvm_cid_write(a, &l->last) }, y = { b, fvm_cid_write(b, cid) };
        CHECK(fvm_bytes_cmp(x, y) < 0);
    }
    l->last = *cid;
    return l->count == 30 ? l->stop : FVM_OK;
}

TEST(listing_gives_every_block_once_in_order)
{
    temp_folder t = temp_folder_new();
    temp_path db = in_folder(&t, "db");
    fvm_blockstore bs;
    make_db(db.text, 120);
    CHECK_OK(fvm_blockstore_lmdb_open(&bs, db.text, NULL, NULL, NULL));
    listing all = { .count = 0 }, some = { .stop = FVM_ERR_RANGE };
    CHECK_OK(fvm_lmdb_each(&bs, list_block, &all));
    CHECK(all.count == 120);
    CHECK_ERR(fvm_lmdb_each(&bs, list_block, &some), FVM_ERR_RANGE);
    CHECK(some.count == 30);
    fvm_blockstore_free(&bs);
    temp_folder_free(&t);
}

static fvm_err open_put_get(const fvm_allocator *alloc, void *ctx)
{
    fvm_blockstore bs;
    fvm_buf got;
    fvm_verify_result result;
    fvm_lmdb_options options = { .no_sync = true };
    FVM_TRY(fvm_blockstore_lmdb_open(&bs, ctx, &options, alloc, NULL));
    fvm_buf_init(&got, alloc);
    fvm_cid cid = sample_cid(7);
    fvm_err err = fvm_blockstore_put(&bs, &cid, sample_data(room, sizeof room, 7));
    if (err == FVM_OK) err = fvm_blockstore_get(&bs, &got, &cid);
    if (err == FVM_OK) err = fvm_lmdb_verify(&bs, &result, NULL, NULL);
    fvm_gc_result gc;
    if (err == FVM_OK) err = fvm_lmdb_gc(&bs, &gc, &cid, 1, NULL);
    fvm_buf_deinit(&got);
    fvm_blockstore_free(&bs);
    return err;
}

TEST(running_out_of_memory_leaks_nothing)
{
    temp_folder t = temp_folder_new();
    temp_path db = in_folder(&t, "db");
    test_each_allocation_fails(open_put_get, db.text);
    temp_folder_free(&t);
}

TEST(the_walker_and_a_count_of_entries_agree)
{
    temp_folder t = temp_folder_new();
    temp_path db = in_folder(&t, "db"), file = in_folder(&t, "db/data.mdb");
    model m = { .blocks = 0 };
    fvm__lmdb_visitor visitor = { model_entry, model_problem, &m };
    fvm__lmdb_meta meta;
    make_db(db.text, 500);
    FILE *f = fopen(file.text, "rb");
    CHECK(f != NULL);
    CHECK_OK(fvm__lmdb_meta_read(&meta, NULL, fileno(f), 0, "db", NULL));
    CHECK_OK(fvm__lmdb_walk(fileno(f), &meta, &visitor, NULL));
    CHECK(m.blocks == 500 && m.problems == 0 && !m.mismatch && meta.trees[1].entries == 501);
    fclose(f);
    temp_folder_free(&t);
}
