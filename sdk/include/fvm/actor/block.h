/* block.h - blocks: parameters, return values, state, and links between them. */
#ifndef FVM_ACTOR_BLOCK_H
#define FVM_ACTOR_BLOCK_H

#include <fvm/actor/cbor.h>
#include <fvm/actor/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FVM_LINK_LEN 38 /* bytes of the CID of a block made by an actor: v1, blake2b-256 */

/** The whole of block `id` (of `size` bytes) in the heap. */
fvm_bytes fvm_block_read_sized(uint32_t id, uint32_t size);
/** The whole of block `id`, of unknown size: one syscall when it is 512 bytes or less. */
fvm_bytes fvm_block_read(uint32_t id);
/** Opens the block of a binary CID and reads it. Ends the call if it cannot be reached. */
fvm_bytes fvm_block_get(const uint8_t *cid, uint64_t *codec);
/** Makes a block; gives its ID, which can be returned, sent, or linked. */
static inline uint32_t fvm_block_new(uint64_t codec, fvm_bytes data)
{
    uint32_t id;
    fvm_check(fvm_sys_block_create(&id, codec, data.ptr, (uint32_t)data.len));
    return id;
}
/** Makes a block and its binary CID. */
void fvm_block_put(uint8_t cid[FVM_LINK_LEN], uint64_t codec, fvm_bytes data);

/** The parameters as a decoder. No block (ID 0) ends the call with 16. CBOR and DAG-CBOR only: other
 *  codecs end it with 21. */
fvm_dec fvm_params(uint32_t params);
/** Ends the call (16) if there are parameters: for methods that take none. */
static inline void fvm_params_none(uint32_t params)
{
    fvm_require(params == 0, FVM_USR_ILLEGAL_ARGUMENT, "no params expected");
}
/** A return value: block with codec CBOR. */
static inline uint32_t fvm_return(fvm_enc *e)
{
    return fvm_block_new(FVM_BLOCK_CBOR, fvm_enc_done(e));
}
/** Return values of one number. */
uint32_t fvm_return_uint(uint64_t v);

/** The state: the block under the actor's root. */
fvm_bytes fvm_state_load(void);
/** Makes `state` (DAG-CBOR) the actor's root. */
void fvm_state_save(fvm_bytes state);

#ifdef __cplusplus
}
#endif
#endif
