/* phases.h - where the time of a vector's run goes, for `fvm conformance --stats`: CPU time of the
 * thread, from one mark to the next. */
#ifndef FVM_CLI_PHASES_H
#define FVM_CLI_PHASES_H

#include <time.h>

#define FVM_PHASE_MAP(X)                                                                           \
    X(JSON, "read and parse JSON")                                                                 \
    X(UNPACK, "base64 and gunzip")                                                                 \
    X(BLOCKS, "blocks and their CIDs")                                                             \
    X(BUNDLE, "bundle")                                                                            \
    X(MACHINE, "state tree, compiling actors")                                                     \
    X(EXECUTE, "messages")                                                                         \
    X(FLUSH, "flush")                                                                              \
    X(COMPARE, "compare")

typedef enum fvm_phase {
#define FVM_PHASE_ENUM(name, text) FVM_PHASE_##name,
    FVM_PHASE_MAP(FVM_PHASE_ENUM)
#undef FVM_PHASE_ENUM
        FVM_PHASE_COUNT
} fvm_phase;

typedef struct fvm_phases {
    double seconds[FVM_PHASE_COUNT];
    double mark; /* when the phase that goes on began */
} fvm_phases;

static inline double fvm_phase_now(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
/** A stretch begins. */
static inline void fvm_phases_begin(fvm_phases *p)
{
    p->mark = fvm_phase_now();
}
/** What went by since the last mark counts for `phase`. */
static inline void fvm_phases_end(fvm_phases *p, fvm_phase phase)
{
    double now = fvm_phase_now();
    p->seconds[phase] += now - p->mark;
    p->mark = now;
}
static inline void fvm_phases_add(fvm_phases *sum, const fvm_phases *p)
{
    for (int i = 0; i < FVM_PHASE_COUNT; i++) sum->seconds[i] += p->seconds[i];
}
#endif
