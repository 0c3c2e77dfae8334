/* names.c - see names.h. */
#include "wasm/names.h"

#include "base/vector.h"
#include "wasm/reader.h"

#define SUBSECTION_FUNCTIONS 1

static bool read_name(fvm__reader *in, fvm_bytes *out)
{
    uint32_t len;
    return fvm__read_u32(in, &len) && fvm__read_bytes(in, out, len) && fvm__utf8_valid(*out);
}

/* A byte and a sized content: sections, and the parts of the name section. */
static bool read_section(fvm__reader *in, uint8_t *id, fvm__reader *content)
{
    uint32_t size;
    fvm_bytes bytes;
    if (!fvm__read_u8(in, id) || !fvm__read_u32(in, &size) || !fvm__read_bytes(in, &bytes, size))
        return false;
    *content = (fvm__reader){ bytes.ptr, bytes.ptr + bytes.len };
    return true;
}

bool fvm_wasm_section(fvm_bytes wasm, fvm_bytes *content, uint8_t id, const char *name)
{
    if (wasm.len < 8) return false;
    fvm__reader in = { wasm.ptr + 8, wasm.ptr + wasm.len }, section;
    for (uint8_t got; read_section(&in, &got, &section);) {
        fvm_bytes called;
        if (got != id) continue;
        if (id == 0 && (!read_name(&section, &called) || !fvm_bytes_eq(called, fvm_bytes_of(name))))
            continue;
        *content = (fvm_bytes){ section.at, fvm__reader_left(&section) };
        return true;
    }
    return false;
}

fvm_bytes fvm_wasm_export_name(fvm_bytes wasm, uint32_t func)
{
    fvm_bytes content, name;
    uint32_t count, index;
    uint8_t kind;
    if (fvm_wasm_section(wasm, &content, 7, NULL)) {
        fvm__reader in = { content.ptr, content.ptr + content.len };
        if (!fvm__read_u32(&in, &count)) count = 0;
        for (; count > 0; count--) {
            if (!read_name(&in, &name) || !fvm__read_u8(&in, &kind) || !fvm__read_u32(&in, &index))
                break;
            if (kind == 0 && index == func) return name;
        }
    }
    return (fvm_bytes){ NULL, 0 };
}

/* Pairs of index and name, with the number of them in front. */
static fvm_err read_pairs(fvm_wasm_names *names, fvm__reader in)
{
    uint32_t count;
    if (!fvm__read_u32(&in, &count)) return FVM_OK;
    for (uint32_t i = 0; i < count; i++) {
        fvm_wasm_name name;
        if (!fvm__read_u32(&in, &name.func) || !read_name(&in, &name.text)) break;
        if (names->count && name.func <= names->names[names->count - 1].func) break;
        FVM_TRY(fvm_vector_grow(names->alloc, &names->names, &names->cap,
                                (uint64_t)names->count + 1, sizeof name, 64, UINT32_MAX));
        names->names[names->count++] = name;
    }
    return FVM_OK;
}

fvm_err fvm_wasm_names_read(fvm_wasm_names *names, fvm_bytes wasm, const fvm_allocator *alloc)
{
    fvm_bytes content;
    uint8_t id;
    *names = (fvm_wasm_names){ .alloc = alloc };
    if (!fvm_wasm_section(wasm, &content, 0, "name")) return FVM_OK;
    fvm__reader in = { content.ptr, content.ptr + content.len }, part;
    while (read_section(&in, &id, &part)) {
        if (id != SUBSECTION_FUNCTIONS) continue;
        fvm_err err = read_pairs(names, part);
        if (err != FVM_OK) fvm_wasm_names_deinit(names);
        return err;
    }
    return FVM_OK;
}

void fvm_wasm_names_deinit(fvm_wasm_names *names)
{
    fvm_mem_free(names->alloc, names->names, names->cap * sizeof *names->names);
    names->names = NULL;
    names->count = names->cap = 0;
}

fvm_bytes fvm_wasm_names_func(const fvm_wasm_names *names, uint32_t func)
{
    uint32_t low = 0, high = names->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (names->names[mid].func == func) return names->names[mid].text;
        if (names->names[mid].func < func)
            low = mid + 1;
        else
            high = mid;
    }
    return (fvm_bytes){ NULL, 0 };
}
