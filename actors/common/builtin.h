/* builtin.h - what the built-in actors share: the rules of reference/actors.md 1, in the order in
 * which bundle v18 checks them, since the first that fails decides the exit code. */
#ifndef FVM_ACTORS_BUILTIN_H
#define FVM_ACTORS_BUILTIN_H

#include <fvm/actor.h>

/** Types of built-in actors: their places in the manifest (actors/manifest.txt). */
enum {
    BUILTIN_SYSTEM = 1,
    BUILTIN_INIT,
    BUILTIN_CRON,
    BUILTIN_ACCOUNT,
    BUILTIN_POWER,
    BUILTIN_MINER,
    BUILTIN_MARKET,
    BUILTIN_PAYCH,
    BUILTIN_MULTISIG,
    BUILTIN_REWARD,
    BUILTIN_VERIFREG,
    BUILTIN_DATACAP,
    BUILTIN_PLACEHOLDER,
    BUILTIN_EVM,
    BUILTIN_EAM,
    BUILTIN_ETHACCOUNT,
    BUILTIN_LAST = BUILTIN_ETHACCOUNT,
};

#define BUILTIN_FIRST_USER_ID 100 /* IDs below are reserved */

/** As FVM_ACTOR, with restricted dispatch: methods below 2^24 are for built-in actors other than EVM
 *  contracts, and for unknown low numbers that is said first, too. */
#define BUILTIN_ACTOR(methods)                                                                     \
    FVM_ENTRY uint32_t invoke(uint32_t params);                                                    \
    uint32_t invoke(uint32_t params)                                                               \
    {                                                                                              \
        fvm_check(fvm_sys_message_context(&fvm_call));                                             \
        builtin_restrict();                                                                        \
        switch (fvm_call.method) {                                                                 \
            methods                                                                                \
        }                                                                                          \
        fvm_abort(FVM_USR_UNHANDLED_MESSAGE, "no such method");                                    \
    }
void builtin_restrict(void);
/** For FVM_FALLBACK: exported numbers succeed with whatever parameters, others end the call (22). */
uint32_t builtin_fallback(uint32_t params);

/** Ends the call (18) unless `id` calls. */
static inline void builtin_require_caller(uint64_t id)
{
    fvm_require(fvm_call.caller == id, FVM_USR_FORBIDDEN, "caller");
}
/** Ends the call (25) if it is read-only: where the reference writes state that we write later. */
static inline void builtin_require_writable(void)
{
    fvm_require(!(fvm_call.flags & FVM_CALL_READ_ONLY), FVM_USR_READ_ONLY, "read-only");
}

/* --- state --- */

/** The state; ends the call (16) when it is not of that form. */
#define BUILTIN_STATE_LOAD(kind, out)                                                              \
    do {                                                                                           \
        fvm_dec fvm_d_ = fvm_dec_of(fvm_state_load());                                             \
        fvm_dec_##kind(&fvm_d_, (out));                                                            \
        fvm_require(fvm_dec_good(&fvm_d_), FVM_USR_ILLEGAL_ARGUMENT, "state");                     \
    } while (0)
/** The first state: ends the call (20) unless the root is the empty array of a new actor. */
#define BUILTIN_STATE_CREATE(kind, value)                                                          \
    do {                                                                                           \
        builtin_require_new();                                                                     \
        FVM_STATE_SAVE(kind, value);                                                               \
    } while (0)
void builtin_require_new(void);

/** Errors of a HAMT: 20, or 24 for no memory. */
static inline void builtin_map(fvm_err err)
{
    if (err != FVM_OK)
        fvm_abort(err == FVM_ERR_NOMEM ? FVM_USR_ASSERTION_FAILED : FVM_USR_ILLEGAL_STATE, "map");
}
/** A link to the empty HAMT, which is made. */
void builtin_empty_map(fvm_cid *out);

/* --- calls --- */

/** Calls `method` of `to`. Returns 0, or the exit code that the caller would end with: the callee's,
 *  23 or 24 for those of the machine, 23 no such receiver, 19 too little money, 25 read-only, 24
 *  others. `out` has the returned block in both cases (ID 0: none). */
uint32_t builtin_send(fvm_send_result *out, const fvm_address *to, uint64_t method, uint32_t params,
                      fvm_abi_token value, uint64_t flags);
/** The same, and ends this call with that code and block unless it is 0. */
fvm_send_result builtin_send_must(const fvm_address *to, uint64_t method, uint32_t params,
                                  fvm_abi_token value, uint64_t flags);
/** The decoder of a returned block that must be there (24), as CBOR (21). */
fvm_dec builtin_returned(const fvm_send_result *result);
/** Parameters that are bytes already: no block when empty, else CBOR. */
static inline uint32_t builtin_raw_params(fvm_bytes bytes)
{
    return bytes.len ? fvm_block_new(FVM_BLOCK_CBOR, bytes) : 0;
}
static inline fvm_abi_token builtin_amount(fvm_token value)
{
    fvm_abi_token t = { (uint64_t)value, (uint64_t)((fvm_uint128)value >> 64) };
    return t;
}

/** The ID of an address; one that has none yet gets one by a send of nothing (whose failure is this
 *  call's), else 16. `must_exist`: ends the call (17) when there is no actor. */
uint64_t builtin_resolve(const fvm_address *address, bool must_exist);

#endif
