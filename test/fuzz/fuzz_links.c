/* Any bytes as a DAG-CBOR block for the kernel's link scanner: it never reads beyond them, its result
 * does not depend on how much more gas there is than it needs, and links are worth their bytes. */
#include "kernel/internal.h"
#include "test.h"

#define LINK_BYTES_MIN 41u /* tag, string head, 00, CID */

static fvm_err scan(fvm_arena *arena, fvm_bytes in, int64_t limit, int64_t *used, uint32_t *count)
{
    fvm_gas gas = { .limit = limit };
    const fvm_cid *links = NULL;
    *count = 0;
    fvm_err err = fvm__links_scan(&links, count, fvm_network_find(21), &gas, arena,
                                  FVM_CODEC_DAG_CBOR, in);
    for (uint32_t i = 0; i < *count; i++)
        CHECK(links[i].hash == FVM_HASH_BLAKE2B_256 && links[i].digest_len == 32);
    *used = gas.used;
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fvm_bytes in = { data, size };
    fvm_arena arena;
    uint32_t count, again;
    int64_t used, used_again;
    fvm_arena_init(&arena, NULL);
    fvm_err err = scan(&arena, in, INT64_MAX, &used, &count);
    CHECK(err == FVM_OK || err == FVM_ERR_SYS_SERIALIZATION || err == FVM_ERR_SYS_NOT_FOUND);
    CHECK((uint64_t)count * LINK_BYTES_MIN <= size);
    CHECK(used >= 35000 && used <= ((int64_t)size + 1) * 435000);

    CHECK(scan(&arena, in, used, &used_again, &again) == err);
    CHECK(used_again == used && again == count);
    CHECK(scan(&arena, in, used - 1, &used_again, &again) == FVM_ERR_OUT_OF_GAS);
    CHECK(used_again == used - 1);
    fvm_arena_deinit(&arena);
    return 0;
}
