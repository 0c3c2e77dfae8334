/* Images of compiled modules from bytes: refused or accepted, without a fault. Nothing of them is run.
 * First byte even: the rest is an image. Odd: the rest stands behind the identity of a real image of
 * this build, and gets the checksum that belongs to it, so that what comes after both is reached. */
#include "../test.h"
#include "../unit/wasm_asm.h"

#include "crypto/crypto.h"
#include "wasm/image.h"
#include "wasm/module.h"

#define IDENTITY 120u /* bytes before the numbers that are the input's */

static void make_wasm(wasm_asm *a)
{
    wasm_begin(a);
    uint32_t t = wasm_type(a, "i", "i");
    (void)wasm_import_func(a, "ipld", "block_open", t);
    wasm_memory(a, 1, -1);
    (void)wasm_func(a, t, BODY(NO_LOCALS, LOCAL_GET, 0, CALL, 0, END));
    uint32_t f = wasm_func(a, t, BODY(NO_LOCALS, LOCAL_GET, 0, CALL, 1, END));
    wasm_export(a, "invoke", WASM_FUNC_KIND, f);
}

static void look(fvm_bytes wasm, fvm_bytes image)
{
    static const fvm_wasm_rules rules = WASM_RULES_V4;
    fvm_wasm_module *m;
    if (fvm_wasm_image_read(&m, &rules, NULL, wasm, image, NULL) != FVM_OK) return;
    const uint8_t *code = m->code;
    for (uint32_t i = m->n_func_imports; i < m->n_funcs; i++) {
        const uint8_t *at = m->funcs[i].code;
        CHECK(at > code && at < code + m->code_bytes);
    }
    CHECK(fvm_wasm_module_size(m) > m->code_bytes);
    fvm_wasm_module_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fvm_wasm_rules rules = WASM_RULES_V4;
    wasm_asm a;
    fvm_buf image;
    fvm_wasm_module *m;
    if (size == 0 || !fvm_wasm_image_available(FVM_WASM_BACKEND_DEFAULT)) return 0;
    make_wasm(&a);
    fvm_bytes wasm = wasm_finish(&a), rest = { data + 1, size - 1 };
    if (data[0] % 2 == 0) {
        look(wasm, rest);
    } else {
        uint8_t hash[32];
        fvm_buf_init(&image, NULL);
        CHECK_OK(fvm_wasm_module_new(&m, &rules, NULL, wasm, NULL, NULL));
        CHECK_OK(fvm_wasm_image_write(&image, m, wasm));
        fvm_wasm_module_free(m);
        image.len = IDENTITY;
        CHECK_OK(fvm_buf_append(&image, rest));
        fvm_blake2b_256(hash, fvm_buf_bytes(&image));
        CHECK_OK(fvm_buf_append(&image, (fvm_bytes){ hash, sizeof hash }));
        look(wasm, fvm_buf_bytes(&image));
        fvm_buf_deinit(&image);
    }
    wasm_end(&a);
    return 0;
}
