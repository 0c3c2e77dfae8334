/* segments.c - constant expressions, element segments, data segments. */
#include "wasm/decoder.h"

/* --- constant expressions ----------------------------------------------------------------------
 * Without extended constants an expression of the right type is one instruction and `end`. */

static fvm_err get_const_value(fvm__decoder *d, fvm__const_expr *out, uint8_t code, char *type)
{
    fvm_bytes raw;
    int32_t narrow;
    int64_t wide;
    switch (code) {
    case 0x41:
        if (!fvm__read_s32(&d->in, &narrow)) return FVM__MALFORMED(d, "malformed 32-bit integer");
        out->value = (uint32_t)narrow;
        *type = FVM_WASM_LETTER_I32;
        return FVM_OK;
    case 0x42:
        if (!fvm__read_s64(&d->in, &wide)) return FVM__MALFORMED(d, "malformed 64-bit integer");
        out->value = (uint64_t)wide;
        *type = FVM_WASM_LETTER_I64;
        return FVM_OK;
    case 0x43:
        if (!fvm__read_bytes(&d->in, &raw, 4)) return FVM__MALFORMED(d, "unexpected end");
        out->value = fvm_load_le32(raw.ptr);
        *type = FVM_WASM_LETTER_F32;
        return FVM_OK;
    case 0x44:
        if (!fvm__read_bytes(&d->in, &raw, 8)) return FVM__MALFORMED(d, "unexpected end");
        out->value = fvm_load_le64(raw.ptr);
        *type = FVM_WASM_LETTER_F64;
        return FVM_OK;
    case 0xd0:
        if (!d->module->rules.reference_types) break;
        out->value = FVM_WASM_REF_NULL;
        return fvm__get_ref_type(d, type);
    default: break;
    }
    return FVM__INVALID(d, "constant expression required");
}

fvm_err fvm__get_const_expr(fvm__decoder *d, fvm__const_expr *out, char type)
{
    fvm_wasm_module *m = d->module;
    uint8_t code, end;
    char found = 0;
    *out = (fvm__const_expr){ .kind = FVM__CONST_VALUE };
    FVM_TRY(fvm__get_u8(d, &code));
    if (code == 0x23) {
        out->kind = FVM__CONST_GLOBAL;
        FVM_TRY(fvm__get_u32(d, &out->index));
        if (out->index >= m->n_globals || !m->globals[out->index].imported)
            return FVM__INVALID(d, "unknown global");
        if (m->globals[out->index].is_mutable)
            return FVM__INVALID(d, "constant expression required");
        found = m->globals[out->index].type;
    } else if (code == 0xd2 && m->rules.reference_types) {
        uint32_t func;
        out->kind = FVM__CONST_FUNC;
        FVM_TRY(fvm__get_u32(d, &func));
        if (func >= m->n_funcs) return FVM__INVALID(d, "unknown function");
        FVM_TRY(fvm__module_ref(d, &out->index, func, fvm__is_metered(&m->rules)));
        found = FVM_WASM_LETTER_FUNCREF;
    } else if (code == 0x0b) {
        return FVM__INVALID(d, "type mismatch");
    } else {
        FVM_TRY(get_const_value(d, out, code, &found));
    }
    if (found != type) return FVM__INVALID(d, "type mismatch");
    FVM_TRY(fvm__get_u8(d, &end));
    return end == 0x0b ? FVM_OK : FVM__INVALID(d, "constant expression required");
}

/* --- element segments -------------------------------------------------------------------------
 * flags: bit 0 passive or declared, bit 1 table index (active) or declared, bit 2 expressions. */

static fvm_err get_function_items(fvm__decoder *d, fvm__elem_segment *seg)
{
    fvm_wasm_module *m = d->module;
    uint32_t *refs;
    FVM_TRY(fvm__get_count(d, &seg->count, FVM__MAX_SEGMENT_ITEMS, "too many elements"));
    FVM_TRY(fvm__module_array(m, &refs, seg->count, sizeof *refs));
    for (uint32_t i = 0; i < seg->count; i++) {
        uint32_t func;
        FVM_TRY(fvm__get_u32(d, &func));
        if (func >= m->n_funcs) return FVM__INVALID(d, "unknown function");
        FVM_TRY(fvm__module_ref(d, &refs[i], func, false));
    }
    seg->refs = refs;
    return FVM_OK;
}

static fvm_err get_expression_items(fvm__decoder *d, fvm__elem_segment *seg)
{
    fvm__const_expr *items;
    FVM_TRY(fvm__get_count(d, &seg->count, FVM__MAX_SEGMENT_ITEMS, "too many elements"));
    FVM_TRY(fvm__module_array(d->module, &items, seg->count, sizeof *items));
    for (uint32_t i = 0; i < seg->count; i++) FVM_TRY(fvm__get_const_expr(d, &items[i], seg->type));
    seg->items = items;
    if (seg->count && fvm__is_metered(&d->module->rules))
        return FVM__UNSUPPORTED(d, "element segment with expressions");
    return FVM_OK;
}

static fvm_err get_active_table(fvm__decoder *d, fvm__elem_segment *seg, bool has_index)
{
    fvm_wasm_module *m = d->module;
    if (has_index) FVM_TRY(fvm__get_u32(d, &seg->table));
    if (seg->table >= m->n_tables) return FVM__INVALID(d, "unknown table");
    FVM_TRY(fvm__get_const_expr(d, &seg->offset, FVM_WASM_LETTER_I32));
    if (seg->offset.kind != FVM__CONST_VALUE && fvm__is_metered(&m->rules))
        return FVM__UNSUPPORTED(d, "element offset that is no constant");
    return FVM_OK;
}

static fvm_err decode_element(fvm__decoder *d, fvm__elem_segment *seg)
{
    fvm_wasm_module *m = d->module;
    uint32_t flags;
    FVM_TRY(fvm__get_u32(d, &flags));
    if (flags > 7) return FVM__MALFORMED(d, "malformed elements segment kind");
    bool expressions = flags & 4;
    seg->type = FVM_WASM_LETTER_FUNCREF;
    if (flags & 1)
        seg->mode = flags & 2 ? FVM__SEGMENT_DECLARED : FVM__SEGMENT_PASSIVE;
    else
        FVM_TRY(get_active_table(d, seg, flags & 2));
    if (flags & 3) {
        uint8_t kind;
        if (expressions) {
            FVM_TRY(fvm__get_ref_type(d, &seg->type));
        } else {
            FVM_TRY(fvm__get_u8(d, &kind));
            if (kind != 0) return FVM__MALFORMED(d, "malformed element kind");
        }
    }
    if (seg->mode == FVM__SEGMENT_ACTIVE && m->tables[seg->table].type != seg->type)
        return FVM__INVALID(d, "type mismatch");
    return expressions ? get_expression_items(d, seg) : get_function_items(d, seg);
}

fvm_err fvm__decode_elements(fvm__decoder *d)
{
    fvm_wasm_module *m = d->module;
    uint32_t n;
    FVM_TRY(fvm__get_count(d, &n, FVM__MAX_ELEMENT_SEGMENTS, "too many element segments"));
    FVM_TRY(fvm__module_array(m, &m->elems, n, sizeof *m->elems));
    for (uint32_t i = 0; i < n; i++) FVM_TRY(decode_element(d, &m->elems[i]));
    m->n_elems = n;
    return FVM_OK;
}

/* --- data segments ---------------------------------------------------------------------------- */

static fvm_err decode_data(fvm__decoder *d, fvm__data_segment *seg)
{
    fvm_wasm_module *m = d->module;
    uint32_t flags, memory = 0, len;
    FVM_TRY(fvm__get_u32(d, &flags));
    if (flags > 2) return FVM__MALFORMED(d, "malformed data segment kind");
    if (flags == 2) FVM_TRY(fvm__get_u32(d, &memory));
    if (flags == 1) {
        seg->mode = FVM__SEGMENT_PASSIVE;
    } else {
        if (memory >= m->n_memories) return FVM__INVALID(d, "unknown memory");
        FVM_TRY(fvm__get_const_expr(d, &seg->offset, FVM_WASM_LETTER_I32));
        if (seg->offset.kind != FVM__CONST_VALUE && fvm__is_metered(&m->rules))
            return FVM__UNSUPPORTED(d, "data offset that is no constant");
    }
    FVM_TRY(fvm__get_u32(d, &len));
    fvm_bytes bytes;
    if (!fvm__read_bytes(&d->in, &bytes, len)) return FVM__MALFORMED(d, "unexpected end");
    return fvm_arena_copy(&m->arena, &seg->bytes, bytes);
}

fvm_err fvm__decode_datas(fvm__decoder *d)
{
    fvm_wasm_module *m = d->module;
    uint32_t n;
    FVM_TRY(fvm__get_count(d, &n, FVM__MAX_DATA_SEGMENTS, "too many data segments"));
    FVM_TRY(fvm__module_array(m, &m->datas, n, sizeof *m->datas));
    for (uint32_t i = 0; i < n; i++) FVM_TRY(decode_data(d, &m->datas[i]));
    m->n_datas = n;
    return FVM_OK;
}
