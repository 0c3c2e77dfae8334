/* base.h - what every public header of libfvm leans on: errors, borrowed bytes, owned buffers and
 * the allocator.
 *
 * Errors come from one table, so that number, class and text cannot drift apart. The class decides
 * what a chain sees of a failure; see FVM_ERR_MAP. */
#ifndef FVM_BASE_H
#define FVM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define FVM_NODISCARD __attribute__((warn_unused_result))
#define FVM_API __attribute__((visibility("default")))
#else
#define FVM_NODISCARD
#define FVM_API
#endif

/** Classes of error.
 *  INPUT    bytes or arguments from outside are wrong.
 *  SYSCALL  an error number that a syscall returns to the actor; number = code - FVM_ERR_SYSCALL_BASE.
 *  ACTOR    ends the actor: a trap, an exit, no gas left.
 *  FATAL    state that every node finds broken: exit code 10 and the whole gas limit.
 *  HOST     memory or disk of this node: no receipt at all, since other nodes did not fail. */
typedef enum fvm_err_class {
    FVM_CLASS_NONE,
    FVM_CLASS_INPUT,
    FVM_CLASS_SYSCALL,
    FVM_CLASS_ACTOR,
    FVM_CLASS_FATAL,
    FVM_CLASS_HOST,
} fvm_err_class;

#define FVM_ERR_SYSCALL_BASE 100

/** Every error of the library: X(name, number, class, text). */
#define FVM_ERR_MAP(X)                                                                             \
    X(OK, 0, NONE, "ok")                                                                           \
    X(TRUNCATED, 1, INPUT, "input ends too early")                                                 \
    X(MALFORMED, 2, INPUT, "input breaks its format")                                              \
    X(TRAILING, 3, INPUT, "input has bytes after its end")                                         \
    X(LIMIT, 4, INPUT, "input exceeds a limit")                                                    \
    X(DEPTH, 5, INPUT, "input is nested too deeply")                                               \
    X(NOT_FOUND, 6, INPUT, "not found")                                                            \
    X(MISMATCH, 7, INPUT, "content does not match its identifier")                                 \
    X(RANGE, 8, INPUT, "number out of range")                                                      \
    X(VERSION, 9, INPUT, "version not supported")                                                  \
    X(INVALID, 10, INPUT, "argument is not valid")                                                 \
    X(WASM_MALFORMED, 20, INPUT, "wasm module does not decode")                                    \
    X(WASM_INVALID, 21, INPUT, "wasm module does not validate")                                    \
    X(WASM_UNSUPPORTED, 22, INPUT, "wasm module uses a feature that is off, or cannot be metered") \
    X(WASM_LINK, 23, INPUT, "wasm module imports what is not offered")                             \
    X(WASM_INSTANTIATE, 24, INPUT, "wasm module cannot be instantiated")                           \
    X(TRAP, 40, ACTOR, "wasm trap")                                                                \
    X(EXIT, 41, ACTOR, "actor exited")                                                             \
    X(OUT_OF_GAS, 42, ACTOR, "out of gas")                                                         \
    X(FATAL, 60, FATAL, "fatal error of the message")                                              \
    X(BAD_STATE, 61, FATAL, "a state node does not decode")                                        \
    X(MISSING_BLOCK, 62, FATAL, "a block that the state needs is missing")                         \
    X(NOMEM, 80, HOST, "out of memory")                                                            \
    X(IO, 81, HOST, "block store or file failed")                                                  \
    X(EXTERN, 82, HOST, "an embedder's callback failed")                                           \
    X(READ_ONLY, 84, HOST, "block store is read-only")                                             \
    X(SYS_ILLEGAL_ARGUMENT, 101, SYSCALL, "illegal argument")                                      \
    X(SYS_ILLEGAL_OPERATION, 102, SYSCALL, "illegal operation")                                    \
    X(SYS_LIMIT_EXCEEDED, 103, SYSCALL, "limit exceeded")                                          \
    X(SYS_ASSERTION_FAILED, 104, SYSCALL, "assertion failed")                                      \
    X(SYS_INSUFFICIENT_FUNDS, 105, SYSCALL, "insufficient funds")                                  \
    X(SYS_NOT_FOUND, 106, SYSCALL, "resource not found")                                           \
    X(SYS_INVALID_HANDLE, 107, SYSCALL, "invalid IPLD block handle")                               \
    X(SYS_ILLEGAL_CID, 108, SYSCALL, "illegal CID specification")                                  \
    X(SYS_ILLEGAL_CODEC, 109, SYSCALL, "illegal IPLD codec")                                       \
    X(SYS_SERIALIZATION, 110, SYSCALL, "serialization error")                                      \
    X(SYS_FORBIDDEN, 111, SYSCALL, "operation forbidden")                                          \
    X(SYS_BUFFER_TOO_SMALL, 112, SYSCALL, "buffer too small")                                      \
    X(SYS_READ_ONLY, 113, SYSCALL, "executing in a read-only context")

typedef enum fvm_err {
#define FVM_ERR_ENUM(name, number, class_, text) FVM_ERR_##name = (number),
    FVM_ERR_MAP(FVM_ERR_ENUM)
#undef FVM_ERR_ENUM
} fvm_err;

#define FVM_OK FVM_ERR_OK

/** The text of an error; never NULL, static. Unknown numbers give "unknown error". */
FVM_API const char *fvm_err_text(fvm_err err);
/** The class of an error; unknown numbers are HOST, the class that commits to nothing. */
FVM_API fvm_err_class fvm_err_class_of(fvm_err err);

/** A borrowed, read-only stretch of bytes. `ptr` may be NULL when `len` is 0. */
typedef struct fvm_bytes {
    const uint8_t *ptr;
    size_t len; /* bytes */
} fvm_bytes;

/** Where memory comes from. `resize(ctx, ptr, old_size, new_size)` behaves as realloc: ptr NULL
 *  (old_size 0) allocates, new_size 0 frees and returns NULL; NULL otherwise means "no memory" and
 *  leaves `ptr` as it was. Must be thread-safe if the objects that use it are shared by threads. */
typedef struct fvm_allocator {
    void *(*resize)(void *ctx, void *ptr, size_t old_size, size_t new_size);
    void *ctx;
} fvm_allocator;

/** The C library's realloc and free. Functions that take an allocator take NULL to mean this one. */
FVM_API const fvm_allocator *fvm_allocator_libc(void);

/** An owned, growing buffer. Initialise with fvm_buf_init; `deinit` frees. */
typedef struct fvm_buf {
    uint8_t *ptr;
    size_t len; /* bytes in use */
    size_t cap; /* bytes allocated */
    const fvm_allocator *alloc;
} fvm_buf;

/** An empty buffer that will allocate from `alloc` (NULL: libc); allocates nothing yet. */
FVM_API void fvm_buf_init(fvm_buf *buf, const fvm_allocator *alloc);
/** Frees; the buffer is empty and usable afterwards. */
FVM_API void fvm_buf_deinit(fvm_buf *buf);
/** Appends a copy of `bytes` (may not point into `buf`). FVM_ERR_NOMEM leaves `buf` as it was. */
FVM_API FVM_NODISCARD fvm_err fvm_buf_append(fvm_buf *buf, fvm_bytes bytes);
/** Makes room for `extra` more bytes past `len`. FVM_ERR_NOMEM leaves `buf` as it was. */
FVM_API FVM_NODISCARD fvm_err fvm_buf_reserve(fvm_buf *buf, size_t extra);

#ifdef __cplusplus
}
#endif
#endif
