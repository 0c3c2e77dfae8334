/* why.h - errors in words, filled in on the way. */
#ifndef FVM_STORE_WHY_H
#define FVM_STORE_WHY_H

#include <fvm/store.h>

/** Writes the words into `why` (may be NULL), and is worth `err`. A macro, so that compilers and checkers
 *  see which error it is: `return fvm__why(why, FVM_ERR_IO, "%s: ...", path)`. */
#define fvm__why(why, err, ...) (fvm__why_write((why), __VA_ARGS__), (fvm_err)(err))
__attribute__((format(printf, 2, 3))) void fvm__why_write(fvm_store_why *why, const char *format,
                                                          ...);
#endif
