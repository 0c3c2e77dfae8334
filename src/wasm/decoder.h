/* decoder.h - what decode.c, segments.c and validate.c share while a module is being made. */
#ifndef FVM_WASM_DECODER_H
#define FVM_WASM_DECODER_H

#include "wasm/meter.h"
#include "wasm/module.h"
#include "wasm/reader.h"

/** Code that was made before, instead of bodies to compile (image.c). */
typedef struct fvm__image {
    const uint8_t *funcs; /* records */
    uint32_t n_funcs, enter_at;
    fvm_bytes code;
    bool writes_tables;
} fvm__image;

typedef struct fvm__decoder {
    fvm_wasm_module *module;
    fvm__reader in;             /* the section being read */
    const uint8_t *begin, *end; /* of the module */
    char *detail;
    const fvm__meter_listener *listener;
    fvm_wasm_backend backend;
    const fvm__image *image; /* NULL: none */
    /* functions that something outside bodies refers to, as entry of module->refs plus one */
    uint32_t *ref_of_func;     /* through the thunk */
    uint32_t *raw_ref_of_func; /* by ref.func when metered */
    uint32_t cap_refs;
    uint32_t n_bodies_expected;
    uint32_t data_count;
    bool has_data_count, has_function_section, has_code_section;
} fvm__decoder;

/** Writes `what` and where into the detail; is worth `err`. A macro, so that checkers see which it is. */
#define fvm__fail(d, err, what) (fvm__tell((d), (what)), (fvm_err)(err))
void fvm__tell(const fvm__decoder *d, const char *what);
#define FVM__MALFORMED(d, what) fvm__fail((d), FVM_ERR_WASM_MALFORMED, (what))
#define FVM__INVALID(d, what) fvm__fail((d), FVM_ERR_WASM_INVALID, (what))
#define FVM__UNSUPPORTED(d, what) fvm__fail((d), FVM_ERR_WASM_UNSUPPORTED, (what))

/* Readers that fail with a text. */
FVM_NODISCARD fvm_err fvm__get_u8(fvm__decoder *d, uint8_t *out);
FVM_NODISCARD fvm_err fvm__get_u32(fvm__decoder *d, uint32_t *out);
/** A count of things of at least one byte each, at most `limit`. */
FVM_NODISCARD fvm_err fvm__get_count(fvm__decoder *d, uint32_t *out, uint32_t limit,
                                     const char *what);
/** A value type that the rules allow, as letter. */
FVM_NODISCARD fvm_err fvm__get_value_type(fvm__decoder *d, char *out);
FVM_NODISCARD fvm_err fvm__get_ref_type(fvm__decoder *d, char *out);
/** The letter of a type byte, 0 for none that the rules allow. */
char fvm__type_letter(const fvm_wasm_rules *rules, uint8_t byte);
/** `count` zeroed things in the module's arena. */
FVM_NODISCARD fvm_err fvm__module_array(fvm_wasm_module *module, void *out, uint64_t count,
                                        size_t size);
/** The reference entry of a function, made if need be. */
FVM_NODISCARD fvm_err fvm__module_ref(fvm__decoder *d, uint32_t *entry, uint32_t func, bool raw);

/* segments.c */
FVM_NODISCARD fvm_err fvm__get_const_expr(fvm__decoder *d, fvm__const_expr *out, char type);
FVM_NODISCARD fvm_err fvm__decode_elements(fvm__decoder *d);
FVM_NODISCARD fvm_err fvm__decode_datas(fvm__decoder *d);
/* validate.c: the code section, all bodies in one pass. */
FVM_NODISCARD fvm_err fvm__decode_code(fvm__decoder *d);
/** In the place of that section: settles which back end the module belongs to. */
FVM_NODISCARD fvm_err fvm__decode_no_code(fvm__decoder *d);

/** fvm_wasm_module_new, with a listener for metered blocks. */
FVM_NODISCARD fvm_err fvm__module_new(fvm_wasm_module **out, const fvm_wasm_rules *rules,
                                      const fvm_wasm_host_table *hosts, fvm_bytes wasm,
                                      char *detail, const fvm_allocator *alloc,
                                      const fvm__meter_listener *listener);
/** Likewise, and more. */
typedef struct fvm__module_options {
    fvm_wasm_backend backend;
    const fvm__meter_listener *listener; /* NULL: none */
    const fvm__image *image;             /* NULL: bodies are compiled */
} fvm__module_options;
FVM_NODISCARD fvm_err fvm__module_new_on(fvm_wasm_module **out, const fvm_wasm_rules *rules,
                                         const fvm_wasm_host_table *hosts, fvm_bytes wasm,
                                         char *detail, const fvm_allocator *alloc,
                                         const fvm__module_options *options);
/** In the place of bodies: the code of d->image. */
FVM_NODISCARD fvm_err fvm__image_code(fvm__decoder *d);
#endif
