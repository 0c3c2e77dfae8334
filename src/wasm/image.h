/* image.h - a compiled module as bytes, to be kept on disk and loaded in another process.
 *
 * An image holds what the pass over the bodies made: machine code, which has no address in it but the
 * table at its front, and a few numbers for each function. All else is read from the wasm again,
 * which takes a hundredth of the time. Little endian:
 *
 *       0   8  "fvmcode\n"
 *       8   4  version of this format, 1
 *      12   4  features of the CPU that the code uses
 *      16  32  identity of the compiler and of the layout of what its code touches
 *      48  32  blake2b-256 of the rules
 *      80  32  blake2b-256 of the wasm
 *     112   8  bytes of the wasm
 *     120   8  bytes of the code, n
 *     128   4  functions defined, f
 *     132   4  where the code is entered
 *     136   4  flags: 1 an instruction writes tables
 *     140   4  0
 *     144 32f  by function: place, locals, zeroed locals, frame bytes, frame slots, stack cost (4
 *              each), milligas of the thunk (8)
 *           n  code, its front zero
 *          32  blake2b-256 of all before
 *
 * The checksum finds accidents, not attacks: whoever can write an image can run code. */
#ifndef FVM_WASM_IMAGE_H
#define FVM_WASM_IMAGE_H

#include "wasm/wasm.h"

#define FVM_WASM_IMAGE_VERSION 1u
#define FVM_WASM_IMAGE_HEADER 144u
#define FVM_WASM_IMAGE_FUNC 32u

/** What an image depends on besides the module and the build; part of the name to keep it under. */
void fvm_wasm_image_config(uint8_t out[32], const fvm_wasm_rules *rules);
/** Whether images can be made for modules of a back end. */
bool fvm_wasm_image_available(fvm_wasm_backend backend);

/** Appends the image of a module that was made from `wasm`.
 *  Errors: FVM_ERR_WASM_UNSUPPORTED (not compiled to machine code, or for guarded memory),
 *          FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_wasm_image_write(fvm_buf *out, const fvm_wasm_module *module,
                                           fvm_bytes wasm);

/** Makes the module of `wasm` with the code of an image, if it is an image of that module under
 *  these rules, made by this build for this CPU, and whole.
 *  Errors: FVM_ERR_TRUNCATED, _MALFORMED, _VERSION (another format, build, CPU or rules), _MISMATCH
 *          (other wasm, or the checksum); those of fvm_wasm_module_new; HOST. */
FVM_NODISCARD fvm_err fvm_wasm_image_read(fvm_wasm_module **out, const fvm_wasm_rules *rules,
                                          const fvm_wasm_host_table *hosts, fvm_bytes wasm,
                                          fvm_bytes image, const fvm_allocator *alloc);
#endif
