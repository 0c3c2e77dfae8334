/* slotset.c - see slotset.h. */
#include "slotset.h"

#include "cbor.h"
#include "fixedbuf.h"

#define BYTES_MAX (FVM__SLOTS_MAX / 8)
#define WIRE_MAX 32 /* bytes of the field, leading zeros among them */

unsigned fvm__slotset_count(const fvm__slotset *set)
{
    unsigned n = 0;
    for (size_t i = 0; i < FVM_COUNT(set->words); i++) n += fvm_popcount64(set->words[i]);
    return n;
}

fvm_err fvm__slotset_read(fvm__slotset *out, fvm_bytes *in)
{
    uint8_t joined[WIRE_MAX];
    fvm_buf spare = fvm__fixed_buf(joined, sizeof joined);
    fvm_bytes field;
    if (fvm_cbor_bytes(&field, in, &spare) != FVM_OK) return FVM_ERR_BAD_STATE;
    if (field.len > WIRE_MAX) return FVM_ERR_BAD_STATE;
    *out = (fvm__slotset){ { 0 } };
    for (size_t i = 0; i < field.len; i++) {
        size_t byte = field.len - 1 - i; /* slots 8 byte .. 8 byte + 7 */
        if (byte >= BYTES_MAX) {
            if (field.ptr[i] != 0) return FVM_ERR_BAD_STATE;
            continue;
        }
        out->words[byte / 8] |= (uint64_t)field.ptr[i] << (8 * (byte % 8));
    }
    return FVM_OK;
}

fvm_err fvm__slotset_put(fvm_buf *out, const fvm__slotset *set)
{
    uint8_t field[BYTES_MAX];
    size_t zeros = 0;
    for (size_t i = 0; i < sizeof field; i++) {
        size_t byte = sizeof field - 1 - i;
        field[i] = (uint8_t)(set->words[byte / 8] >> (8 * (byte % 8)));
    }
    while (zeros < sizeof field && field[zeros] == 0) zeros++;
    return fvm_cbor_put_bytes(out, (fvm_bytes){ field + zeros, sizeof field - zeros });
}
