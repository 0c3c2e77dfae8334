/* cmd_actor_frc42.h - method numbers from names (FRC-42), and the header of those that a source uses.
 * Shared by `fvm actor build` and the tool fvm-frc42, which the build itself needs before there is a
 * library; so it leans on base and one hash only. */
#ifndef FVM_CLI_CMD_ACTOR_FRC42_H
#define FVM_CLI_CMD_ACTOR_FRC42_H

#include "base/util.h"

/** The number of a method's name: 1 for "Constructor", else the first four bytes of
 *  blake2b-512("1|" name), taken in steps of four, that are at least 2^24 as a big-endian number.
 *  FVM_ERR_INVALID when the name is empty, over 200 bytes, or (not known to happen) has no such
 *  four bytes. */
FVM_NODISCARD fvm_err fvm_frc42(uint32_t *out, fvm_bytes name);

/** Appends `#define FVM_FRC42_Name 123u` for each Name in `source` that stands in FVM_EXPORT(Name,
 *  FVM_FRC42(Name) or FVM_FRC42_Name and that `out` does not define yet.
 *  Errors: FVM_ERR_INVALID, FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_frc42_header(fvm_buf *out, fvm_bytes source);
#endif
