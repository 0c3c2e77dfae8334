/* links.c - the kernel's link scanner (FIP-0071; reference/kernel.md 5): walks the heads of a DAG-CBOR
 * block, finds the links, and adds up what that costs. It is strict on heads (no indefinite lengths,
 * no reserved bits, nothing after the item) but does not look inside strings, and takes any tag.
 *
 * A link with an identity hash is a block within the block, and is scanned in turn. Such a link needs
 * at least 8 bytes besides its digest (tag 2, string head 1, prefix 1, version, codec, hash and length
 * 1 each), and a digest has at most 64: so blocks nest at most 9 deep, on a stack of that size. */
#include "internal.h"

#include "ipld/cbor.h"

#define NESTED_MAX (1 + FVM_CID_DIGEST_MAX / 8)
#define TAG_CID 42

/* A block being scanned. */
typedef struct fvm__scan_frame {
    fvm_bytes rest;
    uint64_t items; /* still to come */
} fvm__scan_frame;

typedef struct fvm__scan {
    uint64_t per_field, per_cid; /* milligas */
    uint64_t left;               /* milligas */
    fvm_arena *arena;
    fvm_cid *links;
    uint32_t count, cap;
    uint32_t depth;
    /* Digests are read in place: a nested block lies within the bytes of the outermost one. */
    fvm__scan_frame frames[NESTED_MAX];
} fvm__scan;

static inline fvm_err spend(fvm__scan *s, uint64_t milligas)
{
    if (FVM_UNLIKELY(s->left < milligas)) {
        s->left = 0; /* running out uses up all */
        return FVM_ERR_OUT_OF_GAS;
    }
    s->left -= milligas;
    return FVM_OK;
}

/* Major type and argument of the next head. All failures of the scan's decoding are one error. */
static inline fvm_err head(uint8_t *major, uint64_t *value, fvm_bytes *in)
{
    if (in->len == 0) return FVM_ERR_SYS_SERIALIZATION;
    uint8_t first = in->ptr[0], low = first & 0x1f;
    size_t extra = 0;
    uint64_t v = low;
    if (low >= 24) {
        if (low > 27) return FVM_ERR_SYS_SERIALIZATION;
        extra = (size_t)1 << (low - 24);
        if (in->len - 1 < extra) return FVM_ERR_SYS_SERIALIZATION;
        v = 0;
        for (size_t i = 1; i <= extra; i++) v = v << 8 | in->ptr[i];
    }
    *major = first >> 5;
    *value = v;
    in->ptr += 1 + extra;
    in->len -= 1 + extra;
    return FVM_OK;
}

static fvm_err record(fvm__scan *s, const fvm_cid *cid)
{
    if (s->count == s->cap) {
        uint32_t cap = s->cap ? s->cap * 2 : 4;
        fvm_cid *grown = fvm_arena_alloc(s->arena, cap * sizeof *grown);
        if (!grown) return FVM_ERR_NOMEM;
        if (s->count) memcpy(grown, s->links, s->count * sizeof *grown);
        s->links = grown;
        s->cap = cap;
    }
    s->links[s->count++] = *cid;
    return FVM_OK;
}

static bool codec_known(uint64_t codec)
{
    return codec == FVM_CODEC_CBOR || codec == FVM_CODEC_DAG_CBOR || codec == FVM_CODEC_RAW;
}

/* `digest` is where the CID's digest lies in the block. */
static fvm_err visit(fvm__scan *s, const fvm_cid *cid, fvm_bytes digest)
{
    if (cid->codec == FVM_CODEC_COMM_UNSEALED || cid->codec == FVM_CODEC_COMM_SEALED)
        return FVM_OK; /* sectors and pieces are outside the state, whatever their hash */
    if (!codec_known(cid->codec)) return FVM_ERR_SYS_NOT_FOUND;
    if (cid->hash == FVM_HASH_IDENTITY) {
        if (cid->codec != FVM_CODEC_DAG_CBOR) return FVM_OK;
        if (s->depth == NESTED_MAX) return FVM_ERR_SYS_SERIALIZATION; /* cannot be: see above */
        s->frames[s->depth++] = (fvm__scan_frame){ .rest = digest, .items = 1 };
        return FVM_OK;
    }
    if (cid->hash != FVM_HASH_BLAKE2B_256 || cid->digest_len != 32) return FVM_ERR_SYS_NOT_FOUND;
    return record(s, cid);
}

/* What follows the head of tag 42. */
static fvm_err link(fvm__scan *s, fvm_bytes *in)
{
    uint8_t major;
    uint64_t len;
    fvm_bytes text;
    FVM_TRY(head(&major, &len, in));
    if (major != 2 || len < 1 || fvm_bytes_take(&text, in, len) != FVM_OK || text.ptr[0] != 0)
        return FVM_ERR_SYS_SERIALIZATION;
    text.ptr++;
    text.len--;
    fvm_cid cid;
    size_t used;
    if (fvm_cid_read(&cid, &used, text) != FVM_OK || used != text.len)
        return FVM_ERR_SYS_SERIALIZATION;
    fvm_bytes digest = { text.ptr + (text.len - cid.digest_len), cid.digest_len };
    return visit(s, &cid, digest);
}

/* One item's head, and the bytes of strings. `frame` may be moved past by a link's nested block. */
static fvm_err item(fvm__scan *s, fvm__scan_frame *frame)
{
    uint8_t major;
    uint64_t value;
    fvm_bytes skipped;
    FVM_TRY(spend(s, s->per_field));
    FVM_TRY(head(&major, &value, &frame->rest));
    switch (major) {
    case 2:
    case 3:
        return fvm_bytes_take(&skipped, &frame->rest, value) == FVM_OK ? FVM_OK
                                                                       : FVM_ERR_SYS_SERIALIZATION;
    case 4:
        return fvm_add_u64(&frame->items, frame->items, value) ? FVM_OK : FVM_ERR_SYS_SERIALIZATION;
    case 5:
        return fvm_mul_u64(&value, value, 2) && fvm_add_u64(&frame->items, frame->items, value)
                   ? FVM_OK
                   : FVM_ERR_SYS_SERIALIZATION;
    case 6:
        if (value != TAG_CID) {
            frame->items++; /* its content; cannot overflow, one was taken off for the tag */
            return FVM_OK;
        }
        FVM_TRY(spend(s, s->per_cid));
        return link(s, &frame->rest);
    default: return FVM_OK; /* integers, simple values; a float's payload was the head's value */
    }
}

static fvm_err scan_dag_cbor(fvm__scan *s, fvm_bytes data)
{
    s->frames[0] = (fvm__scan_frame){ .rest = data, .items = 1 };
    s->depth = 1;
    while (s->depth) {
        fvm__scan_frame *frame = &s->frames[s->depth - 1];
        if (frame->items) {
            frame->items--;
            FVM_TRY(item(s, frame));
        } else {
            if (frame->rest.len) return FVM_ERR_SYS_SERIALIZATION;
            s->depth--;
        }
    }
    return FVM_OK;
}

fvm_err fvm__links_scan(const fvm_cid **links, uint32_t *count, const fvm_network *net,
                        fvm_gas *gas, fvm_arena *arena, uint64_t codec, fvm_bytes data)
{
    uint64_t available = (uint64_t)fvm_gas_available(gas);
    fvm__scan s = { .per_field = net->prices->scan_per_field,
                    .per_cid = net->prices->scan_per_cid,
                    .left = available,
                    .arena = arena };
    fvm_err err = codec == FVM_CODEC_DAG_CBOR ? scan_dag_cbor(&s, data)
                  : codec_known(codec)        ? FVM_OK
                                              : FVM_ERR_SYS_ILLEGAL_CODEC;
    if (err == FVM_ERR_NOMEM) return err;
    FVM_TRY(fvm_price_on_scan_ipld_links(net, gas, available - s.left));
    FVM_TRY(err);
    *links = s.links;
    *count = s.count;
    return FVM_OK;
}
