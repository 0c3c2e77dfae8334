/* mock.h - a kernel for unit tests: an actor compiled natively, with a debugger and sanitizers, gets
 * its syscalls from here. Link the actor's sources with libfvm_mock and libfvm.
 *
 *     fvm_mock_reset();
 *     fvm_mock.context.caller = 101;
 *     fvm_mock_result r = fvm_mock_call(FVM_FRC42(Add), params);
 *     fvm_mock_check(r.exit_code == 0);
 *
 * State, blocks, reachability, read-only calls, hashes and signatures behave as in the machine; there
 * is no gas, and no other actor: what it sends is answered by expectations. One actor, one thread;
 * syscalls are plain functions, so what they work on is static. An actor's own static variables keep
 * their values between calls, which in a module they do not: initialise them in each call. */
#ifndef FVM_ACTOR_MOCK_H
#define FVM_ACTOR_MOCK_H

#include <fvm/actor.h>

#include <stdio.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the actor sees; set what matters before a call. fvm_mock_reset gives the values behind. */
typedef struct fvm_mock_world {
    fvm_message_context context; /* origin and caller 100, receiver 1000, value 0 */
    fvm_network_context network; /* epoch 100, version 27, chain 314 */
    fvm_token balance;           /* 0; grows by what calls bring */
    fvm_token circulating_supply;
    uint8_t randomness[32]; /* chain's and beacon's, with the epoch mixed in */
    int32_t proof_verdict;  /* of all proofs of storage: 0 valid */
    int32_t caller_type;    /* what get_builtin_actor_type says: 4 (account) */
    uint64_t gas_available;
    bool deleted; /* self_destruct was called */
    uint32_t
        unexpected_send; /* error number of a send that nothing expects; 0: it ends the program */
    uint32_t
        missing_block; /* likewise of opening a block that links lead to and that is not there */
} fvm_mock_world;
extern fvm_mock_world fvm_mock;

/** What a call gave. Views are valid until the next call. */
typedef struct fvm_mock_result {
    uint32_t exit_code;
    bool has_data; /* a block was returned */
    uint64_t codec;
    fvm_bytes data;
    const char *message; /* of fvm_abort; "" otherwise */
} fvm_mock_result;

/** A new world: the actor has the empty array as its state. */
void fvm_mock_reset(void);
/** Calls the actor's entry point with parameters as a CBOR block (none when empty). A failed call leaves
 *  state, balance and events as they were. */
fvm_mock_result fvm_mock_call(uint64_t method, fvm_bytes params);
/** The same with parameters of another codec. */
fvm_mock_result fvm_mock_call_codec(uint64_t method, uint64_t codec, fvm_bytes params);

/** The next send must go to `to` with this method and value; it is answered with an exit code and a
 *  CBOR block (none when empty). A send that nothing expects ends the program with a message. */
void fvm_mock_expect_send(const fvm_address *to, uint64_t method, fvm_token value,
                          uint32_t exit_code, fvm_bytes answer);
/** Expectations that were not met yet. */
size_t fvm_mock_sends_left(void);
/** Parameters of the last send. */
fvm_bytes fvm_mock_sent_params(void);
/** `address` resolves to `id` from now on. */
void fvm_mock_resolve(const fvm_address *address, uint64_t id);

/** The state: the block under the root. */
fvm_bytes fvm_mock_state(void);
/** Number of events, and the value under a key in one of them; length 0 and NULL when not there. */
size_t fvm_mock_events(void);
fvm_bytes fvm_mock_event(size_t index, const char *key);

/** Prints a schema as JSON: {"name":…,"fields":[{"name":…,"type":…}…]}. */
void fvm_mock_print_schema(FILE *out, const fvm_schema *schema);

/** Ends the test program with a message unless `cond` holds. */
#define fvm_mock_check(cond)                                                                       \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                             \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
