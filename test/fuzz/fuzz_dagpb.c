/* fuzz_dagpb.c - links of blocks of every codec. */
#include "store/dag.h"
#include "test.h"

static fvm_err count_link(void *ctx, const fvm_cid *cid)
{
    CHECK(cid->digest_len <= FVM_CID_DIGEST_MAX);
    ++*(size_t *)ctx;
    return FVM_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t codecs[] = { FVM_CODEC_DAG_PB, FVM_CODEC_DAG_CBOR, FVM_CODEC_RAW, 0x78 };
    for (size_t i = 0; i < FVM_COUNT(codecs); i++) {
        size_t links = 0;
        fvm_err err = fvm__dag_links(codecs[i], (fvm_bytes){ data, size }, count_link, &links);
        CHECK(err != FVM_OK || links <= size);
    }
    return 0;
}
