/* manifest.c - the list of built-in actors (reference/executor.md 6): [[name, code CID]...]. A type
 * is a position in it, from 1. Lists are short (16 on mainnet), so a scan finds everything; only the
 * types by code are asked for often, and then the last position of a code counts. */
#include "state.h"

#include "ipld/cbor.h"

typedef struct manifest_row {
    fvm_cid code;
    uint32_t name_at, name_len; /* in `names` */
} manifest_row;

struct fvm_manifest {
    const fvm_allocator *alloc;
    fvm_buf names;
    manifest_row *rows;
    uint32_t count, cap;
    uint32_t builtin[FVM_BUILTIN_COUNT]; /* type, 0: not there */
};

static const struct {
    const char *name;
    fvm_era since; /* required from this generation on */
} builtins[] = {
    [FVM_BUILTIN_SYSTEM] = { "system", FVM_ERA_V2 },
    [FVM_BUILTIN_INIT] = { "init", FVM_ERA_V2 },
    [FVM_BUILTIN_ACCOUNT] = { "account", FVM_ERA_V2 },
    [FVM_BUILTIN_PLACEHOLDER] = { "placeholder", FVM_ERA_V3 },
    [FVM_BUILTIN_EAM] = { "eam", FVM_ERA_V3 },
    [FVM_BUILTIN_ETHACCOUNT] = { "ethaccount", FVM_ERA_V3 },
};
_Static_assert(FVM_COUNT(builtins) == FVM_BUILTIN_COUNT, "a name per builtin");

static fvm_bytes name_of(const fvm_manifest *m, uint32_t type)
{
    const manifest_row *row = &m->rows[type - 1];
    return (fvm_bytes){ m->names.ptr + row->name_at, row->name_len };
}

static fvm_err add_row(fvm_manifest *m, fvm_bytes name, const fvm_cid *code)
{
    if (name.len > UINT32_MAX - m->names.len) return FVM_ERR_LIMIT;
    if (m->count == m->cap) {
        uint32_t cap = m->cap ? m->cap * 2 : 16;
        if (cap < m->cap) return FVM_ERR_LIMIT;
        manifest_row *rows = fvm_mem_resize(m->alloc, m->rows, m->cap * sizeof *rows,
                                            cap * sizeof *rows);
        if (!rows) return FVM_ERR_NOMEM;
        m->rows = rows;
        m->cap = cap;
    }
    uint32_t at = (uint32_t)m->names.len;
    FVM_TRY(fvm_buf_append(&m->names, name));
    m->rows[m->count++] = (manifest_row){ *code, at, (uint32_t)name.len };
    return FVM_OK;
}

/** Rows are added as they are read: a count that lies ends with the bytes. */
static fvm_err read_rows(fvm_manifest *m, fvm_bytes in, fvm_buf *spare)
{
    uint64_t count;
    FVM_TRY(fvm_cbor_array(&count, &in));
    for (uint64_t i = 0; i < count; i++) {
        fvm_bytes name;
        fvm_cid code;
        spare->len = 0;
        FVM_TRY(fvm_cbor_tuple(2, &in));
        FVM_TRY(fvm_cbor_text(&name, &in, spare));
        FVM_TRY(fvm_cbor_cid(&code, &in));
        FVM_TRY(add_row(m, name, &code));
    }
    return fvm_cbor_end(in);
}

/** The last row of a name counts, as in the reference's map by name. */
static uint32_t find_name(const fvm_manifest *m, fvm_bytes name)
{
    for (uint32_t type = m->count; type > 0; type--)
        if (fvm_bytes_eq(name_of(m, type), name)) return type;
    return 0;
}

static fvm_err find_builtins(fvm_manifest *m, fvm_era era)
{
    for (size_t i = 0; i < FVM_BUILTIN_COUNT; i++) {
        m->builtin[i] = find_name(m, fvm_bytes_of(builtins[i].name));
        if (!m->builtin[i] && builtins[i].since <= era) return FVM_ERR_BAD_STATE;
    }
    return FVM_OK;
}

static fvm_err load(fvm_manifest *m, const fvm_blockstore *bs, const fvm_cid *data, fvm_era era)
{
    fvm_buf copy, spare;
    fvm_bytes block;
    fvm_buf_init(&copy, m->alloc);
    fvm_buf_init(&spare, m->alloc);
    fvm_err err = fvm_blockstore_view(bs, &block, &copy, data);
    if (err == FVM_ERR_NOT_FOUND) err = FVM_ERR_MISSING_BLOCK;
    if (err == FVM_OK) err = read_rows(m, block, &spare);
    if (fvm_err_class_of(err) == FVM_CLASS_INPUT) err = FVM_ERR_BAD_STATE;
    if (err == FVM_OK) err = find_builtins(m, era);
    fvm_buf_deinit(&spare);
    fvm_buf_deinit(&copy);
    return err;
}

fvm_err fvm_manifest_load(fvm_manifest **out, const fvm_blockstore *bs, const fvm_cid *data,
                          const fvm_network *net, const fvm_allocator *alloc)
{
    fvm_manifest *m = fvm_mem_zalloc(alloc, sizeof *m);
    if (!m) return FVM_ERR_NOMEM;
    m->alloc = alloc;
    fvm_buf_init(&m->names, alloc);
    fvm_err err = load(m, bs, data, net->era);
    if (err != FVM_OK) {
        fvm_manifest_free(m);
        return err;
    }
    *out = m;
    return FVM_OK;
}

void fvm_manifest_free(fvm_manifest *m)
{
    if (!m) return;
    fvm_buf_deinit(&m->names);
    fvm_mem_free(m->alloc, m->rows, m->cap * sizeof *m->rows);
    fvm_mem_free(m->alloc, m, sizeof *m);
}

const fvm_cid *fvm_manifest_builtin(const fvm_manifest *m, fvm_builtin which)
{
    return m->builtin[which] ? &m->rows[m->builtin[which] - 1].code : NULL;
}

uint32_t fvm_manifest_type(const fvm_manifest *m, const fvm_cid *code)
{
    for (uint32_t type = m->count; type > 0; type--)
        if (fvm_cid_eq(&m->rows[type - 1].code, code)) return type;
    return 0;
}

const fvm_cid *fvm_manifest_code(const fvm_manifest *m, uint32_t type, fvm_bytes *name)
{
    if (type == 0 || type > m->count) return NULL;
    if (name) *name = name_of(m, type);
    return &m->rows[type - 1].code;
}

uint32_t fvm_manifest_count(const fvm_manifest *m)
{
    return m->count;
}

bool fvm_manifest_is_singleton(const fvm_manifest *m, const fvm_cid *code)
{
    static const char *const singletons[] = {
        "system", "init", "reward", "cron", "storagepower", "storagemarket", "verifiedregistry"
    };
    for (size_t i = 0; i < FVM_COUNT(singletons); i++) {
        uint32_t type = find_name(m, fvm_bytes_of(singletons[i]));
        if (type && fvm_cid_eq(&m->rows[type - 1].code, code)) return true;
    }
    return false;
}
