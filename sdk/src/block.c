/* block.c - see fvm/actor/block.h. */
#include <fvm/actor/block.h>

#define CID_CAP 100 /* the machine's own limit for CIDs in state */
#define GUESS 512   /* bytes read before the size is known */

fvm_bytes fvm_block_read_sized(uint32_t id, uint32_t size)
{
    uint8_t *data = fvm_heap_alloc(size);
    int32_t rest;
    fvm_check(fvm_sys_block_read(&rest, id, 0, data, size));
    return (fvm_bytes){ data, size };
}

fvm_bytes fvm_block_read(uint32_t id)
{
    uint8_t *data = fvm_heap_alloc(GUESS);
    int32_t rest;
    fvm_check(fvm_sys_block_read(&rest, id, 0, data, GUESS));
    size_t size = (size_t)(GUESS + rest);
    if (rest > 0) {
        (void)fvm_heap_alloc((size_t)rest); /* lies right behind, as GUESS is a multiple of 16 */
        fvm_check(fvm_sys_block_read(&rest, id, GUESS, data + GUESS, (uint32_t)rest));
    }
    return (fvm_bytes){ data, size };
}

fvm_bytes fvm_block_get(const uint8_t *cid, uint64_t *codec)
{
    fvm_block_opened block;
    fvm_check(fvm_sys_block_open(&block, cid));
    if (codec) *codec = block.codec;
    return fvm_block_read_sized(block.id, block.size);
}

void fvm_block_put(uint8_t cid[FVM_LINK_LEN], uint64_t codec, fvm_bytes data)
{
    uint32_t len;
    fvm_check(fvm_sys_block_link(&len, fvm_block_new(codec, data), FVM_HASHER_BLAKE2B_256, 32, cid,
                                 FVM_LINK_LEN));
}

fvm_dec fvm_params(uint32_t params)
{
    fvm_block_stats stats;
    fvm_require(params != 0, FVM_USR_ILLEGAL_ARGUMENT, "params expected");
    fvm_check(fvm_sys_block_stat(&stats, params));
    fvm_require(stats.codec == FVM_BLOCK_CBOR || stats.codec == FVM_BLOCK_DAG_CBOR,
                FVM_USR_SERIALIZATION, "params are not cbor");
    return fvm_dec_of(fvm_block_read_sized(params, stats.size));
}

uint32_t fvm_return_uint(uint64_t v)
{
    uint8_t room[9];
    fvm_enc e = fvm_enc_into(room, sizeof room);
    fvm_put_uint(&e, v);
    return fvm_block_new(FVM_BLOCK_CBOR, (fvm_bytes){ room, (size_t)(e.at - room) });
}

fvm_bytes fvm_state_load(void)
{
    uint8_t cid[CID_CAP];
    uint32_t len;
    fvm_check(fvm_sys_self_root(&len, cid, sizeof cid));
    return fvm_block_get(cid, NULL);
}

void fvm_state_save(fvm_bytes state)
{
    uint8_t cid[FVM_LINK_LEN];
    fvm_block_put(cid, FVM_BLOCK_DAG_CBOR, state);
    fvm_check(fvm_sys_self_set_root(cid));
}
