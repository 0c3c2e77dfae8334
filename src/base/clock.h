/* clock.h - the monotonic clock, for those who measure or wait. Neither kernel nor machine may: what they
 * do depends on their arguments alone. */
#ifndef FVM_BASE_CLOCK_H
#define FVM_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/** Nanoseconds since some moment before the process began. */
static inline uint64_t fvm_clock_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/** The same in whole milliseconds. */
static inline uint64_t fvm_clock_ms(void)
{
    return fvm_clock_ns() / 1000000u;
}
#endif
