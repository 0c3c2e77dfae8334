/* image.c - see image.h. */
#include "wasm/image.h"

#include "crypto/crypto.h"
#include "fvm_code_id.h"
#include "wasm/decoder.h"
#include "wasm/instance.h"

#include <stdio.h>

static const uint8_t magic[8] = "fvmcode\n";
enum { AT_VERSION = 8, AT_FEATURES = 12, AT_BUILD = 16, AT_RULES = 48, AT_WASM = 80 };
enum { AT_WASM_LEN = 112, AT_CODE_LEN = 120, AT_FUNCS = 128, AT_ENTER = 132, AT_FLAGS = 136 };
enum { FLAG_WRITES_TABLES = 1 };
#define CHECKSUM 32u

/* What the pass over the bodies leaves in a module is what an image has to hold. Whoever adds a field
 * to one of these looks here first. */
#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(fvm__func_def) == 64 && offsetof(fvm__func_def, type) == 48, "image_code");
_Static_assert(sizeof(fvm_wasm_rules) == 40, "fvm_wasm_image_config");
#endif

/* The compiler by its sources, and the layouts that its code has baked in. */
static void build_id(uint8_t out[32])
{
    char text[256];
    int n = snprintf(text, sizeof text, "%s %zu %zu %zu %zu", FVM__CODE_ID,
                     sizeof(struct fvm_wasm_instance), sizeof(struct fvm_wasm_context),
                     sizeof(fvm__func_def), sizeof(fvm_wasm_module));
    fvm_blake2b_256(out, (fvm_bytes){ (const uint8_t *)text, (size_t)n });
}

void fvm_wasm_image_config(uint8_t out[32], const fvm_wasm_rules *r)
{
    const uint32_t fields[] = {
        FVM_WASM_IMAGE_VERSION,      fvm__x64_features(),
        (uint32_t)r->metering,       r->stack_limit,
        r->instruction_milligas,     r->memory_byte_milligas,
        r->table_element_milligas,   r->memory_max_pages,
        r->table_max_elements,       r->frame_budget_bytes,
        r->sign_extension,           r->saturating_conversion,
        r->reference_types,          r->multi_value,
        r->imports_beyond_functions,
    };
    uint8_t bytes[4 * FVM_COUNT(fields)];
    for (size_t i = 0; i < FVM_COUNT(fields); i++) fvm_store_le32(bytes + 4 * i, fields[i]);
    fvm_blake2b_256(out, (fvm_bytes){ bytes, sizeof bytes });
}

bool fvm_wasm_image_available(fvm_wasm_backend backend)
{
    return fvm__x64_supported() &&
           (backend == FVM_WASM_BACKEND_DEFAULT || backend == FVM_WASM_BACKEND_X64);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put_header(uint8_t *p, const fvm_wasm_module *m, fvm_bytes wasm)
{
    memset(p, 0, FVM_WASM_IMAGE_HEADER);
    memcpy(p, magic, sizeof magic);
    fvm_store_le32(p + AT_VERSION, FVM_WASM_IMAGE_VERSION);
    fvm_store_le32(p + AT_FEATURES, fvm__x64_features());
    build_id(p + AT_BUILD);
    fvm_wasm_image_config(p + AT_RULES, &m->rules);
    fvm_blake2b_256(p + AT_WASM, wasm);
    fvm_store_le64(p + AT_WASM_LEN, wasm.len);
    fvm_store_le64(p + AT_CODE_LEN, m->code_bytes);
    fvm_store_le32(p + AT_FUNCS, m->n_funcs - m->n_func_imports);
    fvm_store_le32(p + AT_ENTER, m->enter_at);
    fvm_store_le32(p + AT_FLAGS, m->writes_tables ? FLAG_WRITES_TABLES : 0);
}

static void put_func(uint8_t *p, const fvm__func_def *func)
{
    fvm_store_le32(p, func->code_at);
    fvm_store_le32(p + 4, func->n_locals);
    fvm_store_le32(p + 8, func->n_zeroed);
    fvm_store_le32(p + 12, func->frame_bytes);
    fvm_store_le32(p + 16, func->frame_slots);
    fvm_store_le32(p + 20, func->stack_cost);
    fvm_store_le64(p + 24, func->thunk_milligas);
}

fvm_err fvm_wasm_image_write(fvm_buf *out, const fvm_wasm_module *m, fvm_bytes wasm)
{
    if (!m->code || !fvm__x64_owns(m) || m->guarded) return FVM_ERR_WASM_UNSUPPORTED;
    size_t funcs = (size_t)(m->n_funcs - m->n_func_imports) * FVM_WASM_IMAGE_FUNC;
    size_t size = FVM_WASM_IMAGE_HEADER + funcs + m->code_bytes + CHECKSUM;
    FVM_TRY(fvm_buf_reserve(out, size));
    uint8_t *image = out->ptr + out->len, *p = image;
    put_header(p, m, wasm);
    p += FVM_WASM_IMAGE_HEADER;
    for (uint32_t i = m->n_func_imports; i < m->n_funcs; i++, p += FVM_WASM_IMAGE_FUNC)
        put_func(p, &m->funcs[i]);
    memcpy(p, m->code, m->code_bytes);
    memset(p, 0, FVM__X64_FRONT);
    p += m->code_bytes;
    fvm_blake2b_256(p, (fvm_bytes){ image, size - CHECKSUM });
    out->len += size;
    return FVM_OK;
}

/* --- reading ---------------------------------------------------------------------------------- */

static fvm_err check_identity(const uint8_t *p, const fvm_wasm_rules *rules)
{
    uint8_t want[32];
    if (memcmp(p, magic, sizeof magic) != 0) return FVM_ERR_MALFORMED;
    if (fvm_load_le32(p + AT_VERSION) != FVM_WASM_IMAGE_VERSION ||
        fvm_load_le32(p + AT_FEATURES) != fvm__x64_features())
        return FVM_ERR_VERSION;
    build_id(want);
    if (memcmp(p + AT_BUILD, want, sizeof want) != 0) return FVM_ERR_VERSION;
    fvm_wasm_image_config(want, rules);
    return memcmp(p + AT_RULES, want, sizeof want) == 0 ? FVM_OK : FVM_ERR_VERSION;
}

/* All that can be said before the wasm is read. */
static fvm_err check_image(fvm__image *out, const fvm_wasm_rules *rules, fvm_bytes wasm,
                           fvm_bytes image)
{
    uint8_t hash[32];
    const uint8_t *p = image.ptr;
    if (image.len < FVM_WASM_IMAGE_HEADER + CHECKSUM) return FVM_ERR_TRUNCATED;
    FVM_TRY(check_identity(p, rules));
    uint64_t code = fvm_load_le64(p + AT_CODE_LEN);
    uint64_t funcs = (uint64_t)fvm_load_le32(p + AT_FUNCS) * FVM_WASM_IMAGE_FUNC;
    uint64_t rest = image.len - FVM_WASM_IMAGE_HEADER - CHECKSUM;
    if (funcs > rest || code > rest - funcs) return FVM_ERR_TRUNCATED;
    if (code != rest - funcs) return FVM_ERR_TRAILING;
    fvm_blake2b_256(hash, (fvm_bytes){ p, image.len - CHECKSUM });
    if (memcmp(p + image.len - CHECKSUM, hash, sizeof hash) != 0) return FVM_ERR_MISMATCH;
    if (fvm_load_le64(p + AT_WASM_LEN) != wasm.len) return FVM_ERR_MISMATCH;
    fvm_blake2b_256(hash, wasm);
    if (memcmp(p + AT_WASM, hash, sizeof hash) != 0) return FVM_ERR_MISMATCH;
    *out = (fvm__image){
        .funcs = p + FVM_WASM_IMAGE_HEADER,
        .n_funcs = fvm_load_le32(p + AT_FUNCS),
        .code = { p + FVM_WASM_IMAGE_HEADER + funcs, (size_t)code },
        .enter_at = fvm_load_le32(p + AT_ENTER),
        .writes_tables = fvm_load_le32(p + AT_FLAGS) & FLAG_WRITES_TABLES,
    };
    if (fvm_load_le32(p + AT_FLAGS) & ~(uint32_t)FLAG_WRITES_TABLES ||
        fvm_load_le32(p + AT_FLAGS + 4) || code <= FVM__X64_FRONT || code > INT32_MAX ||
        out->enter_at < FVM__X64_FRONT || out->enter_at >= code)
        return FVM_ERR_MALFORMED;
    return FVM_OK;
}

static fvm_err take_func(fvm__func_def *func, const uint8_t *p, size_t code_bytes)
{
    func->code_at = fvm_load_le32(p);
    func->n_locals = fvm_load_le32(p + 4);
    func->n_zeroed = fvm_load_le32(p + 8);
    func->frame_bytes = fvm_load_le32(p + 12);
    func->frame_slots = fvm_load_le32(p + 16);
    func->stack_cost = fvm_load_le32(p + 20);
    func->thunk_milligas = fvm_load_le64(p + 24);
    bool good = func->code_at >= FVM__X64_FRONT && func->code_at < code_bytes &&
                func->code_at % 16 == 0 && func->n_params <= func->n_zeroed &&
                func->n_zeroed <= func->n_locals && func->n_locals <= func->frame_slots;
    return good ? FVM_OK : FVM_ERR_MALFORMED;
}

fvm_err fvm__image_code(fvm__decoder *d)
{
    fvm_wasm_module *m = d->module;
    const fvm__image *image = d->image;
    uint32_t n;
    FVM_TRY(fvm__get_u32(d, &n));
    if (n != d->n_bodies_expected || image->n_funcs != d->n_bodies_expected)
        return FVM_ERR_MALFORMED;
    for (uint32_t i = 0; i < image->n_funcs; i++)
        FVM_TRY(take_func(&m->funcs[m->n_func_imports + i],
                          image->funcs + (size_t)i * FVM_WASM_IMAGE_FUNC, image->code.len));
    m->writes_tables = image->writes_tables;
    d->in.at = d->in.end; /* the bodies were seen to when the image was made */
    return fvm__x64_install(m, image->code.ptr, image->code.len, image->enter_at);
}

fvm_err fvm_wasm_image_read(fvm_wasm_module **out, const fvm_wasm_rules *rules,
                            const fvm_wasm_host_table *hosts, fvm_bytes wasm, fvm_bytes image,
                            const fvm_allocator *alloc)
{
    fvm__image parts;
    if (!fvm__x64_supported()) return FVM_ERR_VERSION;
    FVM_TRY(check_image(&parts, rules, wasm, image));
    const fvm__module_options options = { .backend = FVM_WASM_BACKEND_X64, .image = &parts };
    return fvm__module_new_on(out, rules, hosts, wasm, NULL, alloc, &options);
}
