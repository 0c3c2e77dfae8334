/* Codes of users: installed, made into actors, called; and refused. doc/user-actors.md. */
#include "twin.h"

#include "ipld/cbor.h"

static void read_wasm(fvm_buf *out, const char *name)
{
    char path[512];
    uint8_t chunk[4096];
    size_t n;
    (void)snprintf(path, sizeof path, ACTORS_DIR "/%s.wasm", name);
    FILE *f = fopen(path, "rb");
    CHECK_AT(path, f != NULL);
    fvm_buf_init(out, NULL);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        CHECK_OK(fvm_buf_append(out, (fvm_bytes){ chunk, n }));
    fclose(f);
}

/* Message to the init actor; gives the receipt. */
static const fvm_receipt *call_init(twin *t, uint64_t method, const fvm_buf *params)
{
    fvm_address init = fvm_address_id(1);
    fvm_big none = fvm_big_zero();
    return twin_send(t, TWIN_ALICE, &init, method, &none, fvm_buf_bytes(params));
}

static const fvm_receipt *install(twin *t, fvm_bytes wasm)
{
    fvm_buf params;
    fvm_buf_init(&params, NULL);
    CHECK_OK(fvm_cbor_put_array(&params, 1));
    CHECK_OK(fvm_cbor_put_bytes(&params, wasm));
    const fvm_receipt *r = call_init(t, 4, &params);
    fvm_buf_deinit(&params);
    return r;
}

static const fvm_receipt *exec(twin *t, const fvm_cid *code)
{
    fvm_buf params;
    fvm_buf_init(&params, NULL);
    CHECK_OK(fvm_cbor_put_array(&params, 2));
    CHECK_OK(fvm_cbor_put_cid(&params, code));
    CHECK_OK(fvm_cbor_put_bytes(&params, (fvm_bytes){ 0 }));
    const fvm_receipt *r = call_init(t, 2, &params);
    fvm_buf_deinit(&params);
    return r;
}

TEST(a_code_is_installed_and_made_into_actors)
{
    fvm_buf wasm;
    twin t;
    read_wasm(&wasm, "counter");
    fvm_cid code = fvm_cid_of(FVM_CODEC_RAW, fvm_buf_bytes(&wasm));
    twin_open_user(&t);
    CHECK(exec(&t, &code)->exit_code == 18);
    const fvm_receipt *r = install(&t, fvm_buf_bytes(&wasm));
    CHECK(r->exit_code == 0);
    CHECK(r->return_data.len == 45 && r->return_data.ptr[44] == 0xf5);
    uint64_t first = r->gas_used;
    CHECK(first > 2000 * wasm.len);

    /* a second time costs no compiling */
    r = install(&t, fvm_buf_bytes(&wasm));
    CHECK(r->exit_code == 0 && r->return_data.ptr[44] == 0xf4);
    CHECK(r->gas_used + 2000 * wasm.len < first);

    /* two actors of it, also after the state went to the store and back */
    r = exec(&t, &code);
    CHECK(r->exit_code == 0);
    twin_epoch(&t, 2);
    CHECK(exec(&t, &code)->exit_code == 0);
    CHECK(install(&t, fvm_buf_bytes(&wasm))->return_data.ptr[44] == 0xf4);

    /* the code's own actor is TWIN_FIRST_CREATED */
    fvm_address counter = fvm_address_id(TWIN_FIRST_CREATED + 1);
    fvm_big none = fvm_big_zero();
    CHECK(twin_send(&t, TWIN_BOB, &counter, 1, &none, (fvm_bytes){ 0 })->exit_code != 22);
    CHECK(twin_send(&t, TWIN_BOB, &counter, 77, &none, (fvm_bytes){ 0 })->exit_code == 22);
    twin_close(&t);
    fvm_buf_deinit(&wasm);
}

TEST(what_is_no_actor_is_refused)
{
    static const uint8_t no_exports[] = { 0, 'a', 's', 'm', 1, 0, 0, 0 };
    static const uint8_t truncated[] = { 0, 'a', 's', 'm', 1, 0, 0, 0, 1 };
    /* (import "no" "such" (func)), memory and invoke exported */
    static const uint8_t unknown_import[] = {
        0,    'a', 's', 'm', 1,   0,   0,    0, 1,    9,   2,   0x60, 0,   0,    0x60, 1,   0x7f, 1,
        0x7f, 2,   11,  1,   2,   'n', 'o',  4, 's',  'u', 'c', 'h',  0,   0,    3,    2,   1,    1,
        5,    3,   1,   0,   0,   7,   0x13, 2, 6,    'm', 'e', 'm',  'o', 'r',  'y',  2,   0,    6,
        'i',  'n', 'v', 'o', 'k', 'e', 0,    1, 0x0a, 6,   1,   4,    0,   0x41, 0,    0x0b
    };
    const struct {
        const char *why;
        fvm_bytes wasm;
        uint32_t exit_code;
    } rows[] = {
        { "nothing", { NULL, 0 }, 16 },
        { "no wasm", FVM_STR("hello"), 16 },
        { "cut off", { truncated, sizeof truncated }, 16 },
        { "exports nothing", { no_exports, sizeof no_exports }, 16 },
        { "imports what is not there", { unknown_import, sizeof unknown_import }, 16 },
    };
    fvm_buf wasm;
    twin t;
    twin_open_user(&t);
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        uint32_t code = install(&t, rows[i].wasm)->exit_code;
        if (code != rows[i].exit_code) fprintf(stderr, "%s: exit code %u\n", rows[i].why, code);
        CHECK_AT(rows[i].why, code == rows[i].exit_code);
    }
    read_wasm(&wasm, "account");
    CHECK(install(&t, fvm_buf_bytes(&wasm))->exit_code == 18);
    fvm_buf_deinit(&wasm);
    twin_close(&t);
}

TEST(without_the_switch_there_is_no_such_method)
{
    fvm_buf wasm;
    twin t;
    read_wasm(&wasm, "counter");
    fvm_cid code = fvm_cid_of(FVM_CODEC_RAW, fvm_buf_bytes(&wasm));
    twin_open(&t);
    CHECK(install(&t, fvm_buf_bytes(&wasm))->exit_code == 22);
    CHECK(exec(&t, &code)->exit_code == 18);
    twin_close(&t);
    fvm_buf_deinit(&wasm);
}
