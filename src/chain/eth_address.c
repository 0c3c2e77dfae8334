/* eth_address.c - Ethereum's addresses and Filecoin's (FIP-0048, FIP-0054; reference/rpc.md 4). */
#include "chain/eth_rlp.h"
#include "chain/eth_tx.h"
#include "crypto/crypto.h"

#define MASK_LEN 12 /* ff and eleven zero bytes */

fvm_eth_address fvm_eth_address_masked(uint64_t id)
{
    fvm_eth_address a = { { 0xff } };
    fvm_store_be64(a.bytes + MASK_LEN, id);
    return a;
}

bool fvm_eth_address_to_id(uint64_t *id, const fvm_eth_address *a)
{
    static const uint8_t mask[MASK_LEN] = { 0xff };
    if (memcmp(a->bytes, mask, MASK_LEN) != 0) return false;
    *id = fvm_load_be64(a->bytes + MASK_LEN);
    return true;
}

fvm_address fvm_eth_address_to_fil(const fvm_eth_address *a)
{
    uint64_t id;
    fvm_address out = { 0 };
    if (fvm_eth_address_to_id(&id, a)) return fvm_address_id(id);
    fvm_err err = fvm_address_delegated(&out, FVM_ADDRESS_EAM_NAMESPACE,
                                        (fvm_bytes){ a->bytes, 20 });
    (void)err; /* 20 bytes fit */
    return out;
}

bool fvm_eth_address_of_fil(fvm_eth_address *out, const fvm_address *a)
{
    uint64_t id, space;
    fvm_bytes sub;
    fvm_eth_address made;
    if (a->len == 0) return false;
    if (fvm_address_to_id(&id, a)) {
        *out = fvm_eth_address_masked(id);
        return true;
    }
    if (!fvm_address_to_delegated(&space, &sub, a)) return false;
    if (space != FVM_ADDRESS_EAM_NAMESPACE || sub.len != sizeof made.bytes) return false;
    memcpy(made.bytes, sub.ptr, sizeof made.bytes);
    if (fvm_eth_address_to_id(&id, &made)) return false; /* FIP-0054: never inside an f410 */
    *out = made;
    return true;
}

static fvm_eth_address tail_of_keccak(fvm_bytes in)
{
    uint8_t hash[32];
    fvm_eth_address a;
    fvm_keccak256(hash, in);
    memcpy(a.bytes, hash + 12, 20);
    return a;
}

fvm_eth_address fvm_eth_address_of_key(const uint8_t public_key[65])
{
    return tail_of_keccak((fvm_bytes){ public_key + 1, 64 });
}

fvm_eth_address fvm_eth_address_created(const fvm_eth_address *sender, uint64_t nonce)
{
    uint8_t list[1 + 21 + 9] = { 0xc0, 0x80 + 20 }, be[8];
    size_t n = 22;
    memcpy(list + 2, sender->bytes, 20);
    fvm_store_be64(be, nonce);
    size_t skip = nonce ? (size_t)__builtin_clzll(nonce) / 8 : 8;
    if (nonce == 0 || nonce > 0x7f) list[n++] = (uint8_t)(0x80 + 8 - skip);
    memcpy(list + n, be + skip, 8 - skip);
    n += 8 - skip;
    list[0] = (uint8_t)(list[0] + n - 1);
    return tail_of_keccak((fvm_bytes){ list, n });
}

void fvm_eth_address_to_text(char out[FVM_ETH_ADDRESS_TEXT], const fvm_eth_address *a,
                             bool checksum)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t hash[32];
    memcpy(out, "0x", 2);
    for (size_t i = 0; i < 20; i++) {
        out[2 + 2 * i] = digits[a->bytes[i] >> 4];
        out[3 + 2 * i] = digits[a->bytes[i] & 15];
    }
    out[42] = '\0';
    if (!checksum) return;
    fvm_keccak256(hash, (fvm_bytes){ (const uint8_t *)out + 2, 40 });
    for (size_t i = 0; i < 40; i++) { /* EIP-55: upper case where the hash's digit is 8 or more */
        unsigned nibble = i % 2 ? hash[i / 2] & 15u : hash[i / 2] >> 4;
        if (nibble >= 8 && out[2 + i] >= 'a') out[2 + i] = (char)(out[2 + i] - 'a' + 'A');
    }
}

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

fvm_err fvm_eth_address_from_text(fvm_eth_address *out, fvm_bytes text)
{
    fvm_eth_address a;
    if (text.len != 42 || text.ptr[0] != '0' || (text.ptr[1] | 0x20) != 'x')
        return FVM_ERR_MALFORMED;
    for (size_t i = 0; i < 20; i++) {
        int high = digit_of(text.ptr[2 + 2 * i]), low = digit_of(text.ptr[3 + 2 * i]);
        if (high < 0 || low < 0) return FVM_ERR_MALFORMED;
        a.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *out = a;
    return FVM_OK;
}
