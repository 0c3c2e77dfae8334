/* blocks.c - the collections' blockstore over the machine's blocks.
 *
 * In a module the functions of fvm/blockstore.h that the collections call are these; natively they
 * are libfvm's, and go through the operations to the mock. */
#include <fvm/actor/collections.h>

static fvm_err get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    uint8_t bytes[FVM_CID_BYTES_MAX];
    fvm_block_opened block;
    int32_t rest;
    (void)self;
    (void)fvm_cid_write(bytes, cid);
    uint32_t error = fvm_sys_block_open(&block, bytes);
    if (error == FVM_E_NOT_FOUND) return FVM_ERR_NOT_FOUND;
    fvm_check(error);
    fvm_err err = fvm_buf_reserve(out, block.size);
    if (err != FVM_OK) return err;
    fvm_check(fvm_sys_block_read(&rest, block.id, 0, out->ptr + out->len, block.size));
    out->len += block.size;
    return FVM_OK;
}

#ifdef __wasm__
static const fvm_blockstore blocks = { NULL, NULL };

fvm_err fvm_blockstore_put_new(const fvm_blockstore *bs, fvm_cid *out, uint64_t codec,
                               fvm_bytes data)
{
    uint8_t cid[FVM_LINK_LEN];
    (void)bs;
    fvm_block_put(cid, codec, data);
    return fvm_cid_read(out, NULL, (fvm_bytes){ cid, sizeof cid });
}

fvm_err fvm_blockstore_get(const fvm_blockstore *bs, fvm_buf *out, const fvm_cid *cid)
{
    return get(bs->self, out, cid);
}

fvm_err fvm_blockstore_view(const fvm_blockstore *bs, fvm_bytes *out, fvm_buf *spare,
                            const fvm_cid *cid)
{
    size_t start = spare->len;
    fvm_err err = get(bs->self, spare, cid);
    if (err == FVM_OK) *out = (fvm_bytes){ spare->ptr + start, spare->len - start };
    return err;
}
#else
static fvm_err has(void *self, bool *out, const fvm_cid *cid)
{
    fvm_block_opened block;
    uint8_t bytes[FVM_CID_BYTES_MAX];
    (void)self;
    (void)fvm_cid_write(bytes, cid);
    *out = fvm_sys_block_open(&block, bytes) == 0;
    return FVM_OK;
}
static fvm_err put_many(void *self, const fvm_block *blocks, size_t count)
{
    uint8_t cid[FVM_LINK_LEN];
    (void)self;
    for (size_t i = 0; i < count; i++) fvm_block_put(cid, blocks[i].cid.codec, blocks[i].data);
    return FVM_OK;
}
static const fvm_blockstore_ops ops = { .get = get, .has = has, .put_many = put_many };
static const fvm_blockstore blocks = { &ops, NULL };
#endif

const fvm_blockstore *fvm_blocks(void)
{
    return &blocks;
}
