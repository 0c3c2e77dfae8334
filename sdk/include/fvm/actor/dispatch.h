/* dispatch.h - the entry point.
 *
 *     FVM_ACTOR(
 *         FVM_METHOD(FVM_METHOD_CONSTRUCTOR, constructor)
 *         FVM_EXPORT(Increment, increment)   // its FRC-42 number
 *     )
 *
 * A method is `static uint32_t increment(uint32_t params)`: it takes the ID of the parameters' block
 * (0: none) and gives that of the return value (0: none). fvm_call tells who calls, with what value.
 * Other method numbers end the call with 22, or go to FVM_FALLBACK(method) if that stands last.
 *
 * FRC-42 numbers are in a header that the build generates from the sources: `fvm actor build`, or
 * sdk/cmake for CMake, runs fvm-frc42 over them, which finds FVM_EXPORT and FVM_FRC42, and
 * puts the header before each source with -include. */
#ifndef FVM_ACTOR_DISPATCH_H
#define FVM_ACTOR_DISPATCH_H

#include <fvm/actor/block.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The number that callers know the method `Name` by: blake2b-512("1|Name"), its first 4 bytes
 *  (big-endian) that are at least 2^24. */
#define FVM_FRC42(Name) FVM_FRC42_##Name

/** Of the call that is running; filled in before the method runs. */
extern fvm_message_context fvm_call;

#ifdef __cplusplus
#define FVM__EXTERN_C extern "C"
#else
#define FVM__EXTERN_C
#endif
#ifdef __wasm__
#define FVM_ENTRY FVM__EXTERN_C __attribute__((export_name("invoke")))
#else
#define FVM_ENTRY FVM__EXTERN_C
#endif

#define FVM_METHOD(number, method)                                                                 \
    case (number): return method(params);
#define FVM_EXPORT(Name, method) FVM_METHOD(FVM_FRC42(Name), method)
#define FVM_FALLBACK(method)                                                                       \
    default: return method(params);
#define FVM_ACTOR(methods)                                                                         \
    FVM_ENTRY uint32_t invoke(uint32_t params);                                                    \
    uint32_t invoke(uint32_t params)                                                               \
    {                                                                                              \
        fvm_check(fvm_sys_message_context(&fvm_call));                                             \
        switch (fvm_call.method) {                                                                 \
            methods                                                                                \
        }                                                                                          \
        fvm_abort(FVM_USR_UNHANDLED_MESSAGE, "no such method");                                    \
    }

#ifdef __cplusplus
}
#endif
#endif
