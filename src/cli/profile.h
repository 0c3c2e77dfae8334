/* profile.h - where the gas of messages went: a tree of frames, fed with a trace's events.
 *
 *     all > message > actor (method) > function > ... > syscall > charge
 *
 * Every milligas that the tracker takes goes to exactly one frame, as the frame's own. While wasm runs,
 * what its counter lost between two events belongs to the function at hand; when the tracker takes the
 * stretch as a whole (wasm_exec), only what is left of it is given to anybody. Metered blocks are paid
 * for when they begin, so a call within a block may come after gas that is for what follows it. */
#ifndef FVM_CLI_PROFILE_H
#define FVM_CLI_PROFILE_H

#include "base/map.h"
#include "kernel/schema/schema.h"
#include "vector_run.h"
#include "wasm/names.h"

typedef enum fvm_frame_kind {
    FVM_FRAME_ALL,
    FVM_FRAME_MESSAGE,
    FVM_FRAME_ACTOR,
    FVM_FRAME_FUNCTION,
    FVM_FRAME_SYSCALL,
    FVM_FRAME_CHARGE,
    FVM_FRAME_REST, /* between what was taken and the receipt's gas: whole gas, limits used up */
} fvm_frame_kind;

/** A frame; parents come before their children. */
typedef struct fvm_frame {
    fvm_frame_kind kind;
    uint32_t parent; /* its own index for frame 0 */
    uint32_t depth;
    uint32_t label;      /* place of its text in the labels, ended by NUL */
    int64_t self, total; /* milligas; total is set by fvm_profile_end. nv17's refunds: below 0 */
    uint64_t count;      /* how often it was entered, or charged */
} fvm_frame;

/** Frames deeper than that, and past that many, are counted to the one that holds them. */
#define FVM_PROFILE_DEPTH_MAX 4000u
#define FVM_PROFILE_FRAMES_MAX (1u << 20)

typedef struct fvm_profile_code fvm_profile_code;
typedef struct fvm_profile_call fvm_profile_call;
typedef struct fvm_profile {
    fvm_frame *frames;
    uint32_t count, cap;
    fvm_buf labels;
    fvm_map index; /* parent and label -> frame */
    struct {
        uint32_t frame;
        fvm_frame_kind
            kind; /* as it was entered; the frame may be a holder (FVM_PROFILE_DEPTH_MAX) */
    } *stack;
    uint32_t depth, cap_stack; /* depth 0: what happens is not looked at */
    fvm_profile_call *calls;   /* that have not returned */
    uint32_t n_calls, cap_calls;
    fvm_profile_code *codes; /* actors' wasm, for names */
    uint32_t n_codes, cap_codes;
    struct {
        uint32_t frame;
        size_t number;
    } *messages;
    uint32_t n_messages, cap_messages;
    bool one_only; /* look at message number `only` alone; set after fvm_profile_init */
    size_t only;
    const fvm_machine *machine;
    fvm_schema *schema;
    fvm_err failed; /* the first failure: no memory */
} fvm_profile;

FVM_NODISCARD fvm_err fvm_profile_init(fvm_profile *profile);
void fvm_profile_deinit(fvm_profile *profile);
/** What to give to a run; `begin` may be called by hand, and `machine`. */
fvm_run_watch fvm_profile_watch(fvm_profile *profile);
/** After the messages: their receipts, one for each message begun. Adds the frames of kind REST, sums
 *  up. FVM_ERR_NOMEM if that or anything before failed. */
FVM_NODISCARD fvm_err fvm_profile_end(fvm_profile *profile, const fvm_receipt *receipts,
                                      size_t count);
static inline const char *fvm_profile_label(const fvm_profile *profile, const fvm_frame *frame)
{
    return (const char *)profile->labels.ptr + frame->label;
}

/** Writers, profile_out.c: false when out of memory. A flame graph as SVG; lines "a;b;c milligas" as
 *  other tools read them; the tree as JSON. */
bool fvm_profile_svg(FILE *out, const fvm_profile *profile, const char *title);
bool fvm_profile_folded(FILE *out, const fvm_profile *profile);
bool fvm_profile_json(FILE *out, const fvm_profile *profile);
#endif
