/* draw.h - messages to built-in actors drawn at random: valid ones, ones that are not, and hostile ones (parameters
 * that no encoder writes, other codecs, read-only calls, actors that call back or end in odd ways). */
#ifndef FVM_TEST_ACTORS_DRAW_H
#define FVM_TEST_ACTORS_DRAW_H

#include "coverage.h"

#define DRAW_CONTRACTS 24
#define DRAW_PENDING 32
#define DRAW_WALLETS 6
#define DRAW_CHANNELS 3 /* between bob and alice, the puppet and alice, eve and alice */

/** What a contract does: a row of draw_evm.c. */
typedef struct draw_contract {
    uint64_t id;
    uint8_t address[20];
    size_t kind;
    bool destroyed; /* perhaps */
} draw_contract;

/** A proposal that may be pending. */
typedef struct draw_proposal {
    uint64_t wallet;
    int64_t id;
    uint8_t hash[32];
} draw_proposal;

typedef struct drawer {
    test_rng rng;
    twin *twin;
    coverage *coverage;
    draw_contract contracts[DRAW_CONTRACTS];
    size_t contract_count; /* ever made */
    draw_proposal proposals[DRAW_PENDING];
    size_t proposal_count; /* ever made */
    uint64_t wallets[DRAW_WALLETS], channels[DRAW_CHANNELS];
    size_t wallet_count;
    uint64_t voucher_nonce;
    uint64_t create2_from; /* the last Create2, to be sent again; 0: none */
    uint8_t create2[512];
    size_t create2_len;
} drawer;

/** Sets the scene in a fresh twin. */
void draw_open(drawer *d, twin *t, coverage *c, uint64_t seed);
/** Draws a message and sends it to both sides. */
void draw_message(drawer *d);

/* --- parts, for draw_*.c and other tests --- */

/** A message before it is sent. */
typedef struct drawn {
    uint64_t from;
    fvm_address to;
    uint64_t method;
    fvm_big value;
    fvm_buf params;
} drawn;

static inline uint64_t draw_below(drawer *d, uint64_t n)
{
    return test_rng_below(&d->rng, n);
}
/** One time in n. */
static inline bool draw_chance(drawer *d, uint64_t n)
{
    return draw_below(d, n) == 0;
}
/** A word of a list like "alice bob carol". */
uint64_t draw_name(drawer *d, const char *names);
fvm_big draw_value(drawer *d);
/** Appends the value of a notation (twin_value) in which $x stands for something drawn; see draw.c. */
void draw_notation(drawer *d, fvm_buf *out, const char *notation);
/** Changes a byte or two of some CBOR: another way to write it, or none. */
void draw_mutate(fvm_buf *b, test_rng *rng);
/** Sends it; possibly by way of the puppet, or as an explicit message. Ends with the params freed. Gives our
 *  receipt, and whether it was sent as it stands. */
const fvm_receipt *draw_send(drawer *d, drawn *m, bool *plain);

/** Messages to, from and about contracts (draw_evm.c). */
void draw_evm(drawer *d);

#endif
