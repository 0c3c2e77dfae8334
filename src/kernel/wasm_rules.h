/* wasm_rules.h - the rules of wasm as networks have them (engine.md 2, 4, 5, 8), the only place where
 * they are written down: for network_version.c, and for tests and benches of the engine alone. */
#ifndef FVM_KERNEL_WASM_RULES_H
#define FVM_KERNEL_WASM_RULES_H

#include "wasm/wasm.h"

/** Four times the reference's native stack, since our count of a frame (8 bytes for each local in use
 *  and each operand) is coarser than what its compiler needs: what runs there has to run here. */
#define FVM__FRAME_BUDGET_BYTES (16u << 20)

/** nv17 */
#define FVM__WASM_RULES_V2                                                                         \
    { .metering = FVM_WASM_METERING_V2,                                                            \
      .stack_limit = 2048,                                                                         \
      .instruction_milligas = 4000,                                                                \
      .memory_byte_milligas = 0,                                                                   \
      .table_element_milligas = 0,                                                                 \
      .memory_max_pages = 65536,                                                                   \
      .table_max_elements = UINT32_MAX,                                                            \
      .frame_budget_bytes = FVM__FRAME_BUDGET_BYTES,                                               \
      .sign_extension = false,                                                                     \
      .saturating_conversion = false,                                                              \
      .reference_types = false }
/** nv18 and later */
#define FVM__WASM_RULES_V4                                                                         \
    { .metering = FVM_WASM_METERING_V4,                                                            \
      .stack_limit = 2048,                                                                         \
      .instruction_milligas = 4000,                                                                \
      .memory_byte_milligas = 400,                                                                 \
      .table_element_milligas = 3200,                                                              \
      .memory_max_pages = 8192,                                                                    \
      .table_max_elements = 20000,                                                                 \
      .frame_budget_bytes = FVM__FRAME_BUDGET_BYTES,                                               \
      .sign_extension = true,                                                                      \
      .saturating_conversion = true,                                                               \
      .reference_types = true }
#endif
