/* block.c - a tipset's blocks as Filecoin has them:
 *
 *   key        [block CID]
 *   header     [miner, ticket, election proof, beacon entries, proofs, parents, weight, height,
 *               parent state, parent receipts, messages, BLS aggregate, timestamp, signature, fork
 *               signal, parent base fee]
 *   messages   [AMT of CIDs of BLS messages, AMT of those of signed ones]
 *   receipts   AMT of receipts (both kinds of AMT are v0, width 8)
 *
 * There is no election here: ticket and beacon carry the tipset's randomness, proofs and signatures are
 * empty, and a parent's weight is its height. */
#include "chain_internal.h"

#include "ipld/amt.h"
#include "ipld/cbor.h"

static fvm_err amt_of_cids(fvm_cid *root, const fvm_blockstore *bs, const fvm_cid *cids,
                           size_t count, fvm_buf *scratch)
{
    fvm_amt *amt;
    FVM_TRY(fvm_amt_new_v0(&amt, bs, scratch->alloc));
    fvm_err err = FVM_OK;
    for (size_t i = 0; i < count && err == FVM_OK; i++) {
        scratch->len = 0;
        err = fvm_cbor_put_cid(scratch, &cids[i]);
        if (err == FVM_OK) err = fvm_amt_set(amt, i, fvm_buf_bytes(scratch));
    }
    if (err == FVM_OK) err = fvm_amt_flush(amt, root);
    fvm_amt_free(amt);
    return err;
}

static fvm_err amt_of_items(fvm_cid *root, const fvm_blockstore *bs, const fvm_bytes *items,
                            size_t count, const fvm_allocator *alloc)
{
    fvm_amt *amt;
    FVM_TRY(fvm_amt_new_v0(&amt, bs, alloc));
    fvm_err err = FVM_OK;
    for (size_t i = 0; i < count && err == FVM_OK; i++) err = fvm_amt_set(amt, i, items[i]);
    if (err == FVM_OK) err = fvm_amt_flush(amt, root);
    fvm_amt_free(amt);
    return err;
}

static fvm_err write_messages(fvm_cid *root, const fvm_blockstore *bs,
                              const fvm__block_parts *parts, fvm_buf *scratch)
{
    fvm_cid bls, secp;
    size_t bare = parts->unsigned_count;
    const fvm_cid *signed_ones = bare ? parts->cids + bare : parts->cids;
    FVM_TRY(amt_of_cids(&bls, bs, parts->cids, bare, scratch));
    FVM_TRY(amt_of_cids(&secp, bs, signed_ones, parts->count - bare, scratch));
    scratch->len = 0;
    FVM_TRY(fvm_cbor_put_array(scratch, 2));
    FVM_TRY(fvm_cbor_put_cid(scratch, &bls));
    FVM_TRY(fvm_cbor_put_cid(scratch, &secp));
    return fvm_blockstore_put_new(bs, root, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(scratch));
}

static fvm_err put_big(fvm_buf *out, const fvm_big *v)
{
    uint8_t wire[FVM_BIG_WIRE_MAX];
    size_t n = fvm_big_write(wire, v);
    if (n > FVM_BIG_WIRE_MAX) return FVM_ERR_RANGE;
    return fvm_cbor_put_bytes(out, (fvm_bytes){ wire, n });
}

static const uint8_t no_signature[1 + 96] = { FVM_SIGNATURE_BLS };

static fvm_err put_header(fvm_buf *out, const fvm_tipset *t, const fvm_address *miner)
{
    fvm_bytes random = { t->randomness, 32 }, signature = { no_signature, sizeof no_signature };
    fvm_big weight = fvm_big_u64(t->number);
    FVM_TRY(fvm_cbor_put_array(out, 16));
    FVM_TRY(fvm_cbor_put_bytes(out, (fvm_bytes){ miner->bytes, miner->len }));
    FVM_TRY(fvm_cbor_put_array(out, 1)); /* ticket */
    FVM_TRY(fvm_cbor_put_bytes(out, random));
    FVM_TRY(fvm_cbor_put_array(out, 2)); /* election: win count, proof */
    FVM_TRY(fvm_cbor_put_int(out, 1));
    FVM_TRY(fvm_cbor_put_bytes(out, (fvm_bytes){ NULL, 0 }));
    FVM_TRY(fvm_cbor_put_array(out, 1)); /* beacon entries: [round, data] */
    FVM_TRY(fvm_cbor_put_array(out, 2));
    FVM_TRY(fvm_cbor_put_uint(out, t->number));
    FVM_TRY(fvm_cbor_put_bytes(out, random));
    FVM_TRY(fvm_cbor_put_array(out, 0)); /* proofs of spacetime */
    FVM_TRY(fvm_cbor_put_array(out, t->parent.version ? 1 : 0));
    if (t->parent.version) FVM_TRY(fvm_cbor_put_cid(out, &t->parent));
    FVM_TRY(put_big(out, &weight));
    FVM_TRY(fvm_cbor_put_uint(out, t->number));
    FVM_TRY(fvm_cbor_put_cid(out, &t->parent_state));
    FVM_TRY(fvm_cbor_put_cid(out, &t->parent_receipts));
    FVM_TRY(fvm_cbor_put_cid(out, &t->messages));
    FVM_TRY(fvm_cbor_put_bytes(out, signature)); /* aggregate */
    FVM_TRY(fvm_cbor_put_uint(out, t->timestamp));
    FVM_TRY(fvm_cbor_put_bytes(out, signature)); /* of the block */
    FVM_TRY(fvm_cbor_put_uint(out, 0));          /* fork signal */
    return put_big(out, &t->base_fee);
}

fvm_err fvm__tipset_key(fvm_cid *cid, fvm_buf *out, const fvm_cid *block)
{
    size_t at = out->len;
    FVM_TRY(fvm_cbor_put_array(out, 1));
    FVM_TRY(fvm_cbor_put_cid(out, block));
    *cid = fvm_cid_of(FVM_CODEC_DAG_CBOR, (fvm_bytes){ out->ptr + at, out->len - at });
    return FVM_OK;
}

static fvm_err write_all(fvm_tipset *t, const fvm_blockstore *bs, const fvm__block_parts *parts,
                         const fvm_address *miner, fvm_buf *scratch)
{
    fvm_cid key;
    FVM_TRY(write_messages(&t->messages, bs, parts, scratch));
    const uint8_t *at = parts->receipt_bytes.ptr;
    for (size_t i = 0; i < parts->count; i++) {
        parts->receipts[i].ptr = at;
        at += parts->receipts[i].len;
    }
    FVM_TRY(amt_of_items(&t->receipts, bs, parts->receipts, parts->count, scratch->alloc));
    scratch->len = 0;
    FVM_TRY(put_header(scratch, t, miner));
    FVM_TRY(fvm_blockstore_put_new(bs, &t->block, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(scratch)));
    scratch->len = 0;
    FVM_TRY(fvm__tipset_key(&key, scratch, &t->block));
    memcpy(t->hash, key.digest, 32);
    return fvm_blockstore_put(bs, &key, fvm_buf_bytes(scratch));
}

fvm_err fvm__block_write(fvm_tipset *t, const fvm_blockstore *bs, const fvm__block_parts *parts,
                         const fvm_address *miner, const fvm_allocator *alloc)
{
    fvm_buf scratch;
    fvm_buf_init(&scratch, alloc);
    fvm_err err = write_all(t, bs, parts, miner, &scratch);
    fvm_buf_deinit(&scratch);
    return err;
}

/* --- reading --- */

static fvm_err take_bytes(fvm_bytes *out, fvm_bytes *in)
{
    return fvm_cbor_bytes(out, in, NULL);
}

static fvm_err take_big(fvm_big *out, fvm_bytes *in)
{
    fvm_bytes view;
    FVM_TRY(take_bytes(&view, in));
    return fvm_big_read(out, view);
}

static fvm_err take_front(fvm_block_header *h, fvm_bytes *in)
{
    fvm_bytes miner;
    uint64_t count;
    FVM_TRY(fvm_cbor_tuple(16, in));
    FVM_TRY(take_bytes(&miner, in));
    FVM_TRY(fvm_address_read(&h->miner, miner, true));
    FVM_TRY(fvm_cbor_tuple(1, in));
    FVM_TRY(take_bytes(&h->ticket, in));
    FVM_TRY(fvm_cbor_tuple(2, in));
    FVM_TRY(fvm_cbor_int(&h->win_count, in));
    FVM_TRY(take_bytes(&h->election_proof, in));
    FVM_TRY(fvm_cbor_tuple(1, in));
    FVM_TRY(fvm_cbor_tuple(2, in));
    FVM_TRY(fvm_cbor_uint(&h->beacon_round, in));
    FVM_TRY(take_bytes(&h->beacon, in));
    FVM_TRY(fvm_cbor_tuple(0, in));
    FVM_TRY(fvm_cbor_array(&count, in));
    if (count > 1) return FVM_ERR_MALFORMED;
    return count ? fvm_cbor_cid(&h->parent, in) : FVM_OK;
}

static fvm_err take_header(fvm_block_header *h, fvm_bytes in)
{
    FVM_TRY(take_front(h, &in));
    FVM_TRY(take_big(&h->parent_weight, &in));
    FVM_TRY(fvm_cbor_uint(&h->height, &in));
    FVM_TRY(fvm_cbor_cid(&h->parent_state, &in));
    FVM_TRY(fvm_cbor_cid(&h->parent_receipts, &in));
    FVM_TRY(fvm_cbor_cid(&h->messages, &in));
    FVM_TRY(take_bytes(&h->bls_aggregate, &in));
    FVM_TRY(fvm_cbor_uint(&h->timestamp, &in));
    FVM_TRY(take_bytes(&h->block_sig, &in));
    FVM_TRY(fvm_cbor_uint(&h->fork_signaling, &in));
    FVM_TRY(take_big(&h->parent_base_fee, &in));
    return fvm_cbor_end(in);
}

fvm_err fvm_chain_header(fvm_chain *chain, fvm_block_header *out, const fvm_cid *block)
{
    *out = (fvm_block_header){ .height = 0 };
    fvm_buf_init(&out->storage, chain->alloc);
    fvm_err err = fvm_blockstore_get(chain->blocks, &out->storage, block);
    if (err == FVM_OK) err = take_header(out, fvm_buf_bytes(&out->storage));
    if (err != FVM_OK) fvm_block_header_deinit(out);
    return err;
}

void fvm_block_header_deinit(fvm_block_header *header)
{
    fvm_buf_deinit(&header->storage);
}
