/* reader.c - the long forms of the binary format's numbers, and UTF-8. */
#include "wasm/reader.h"

bool fvm__read_uleb_slow(fvm__reader *r, uint64_t *out, unsigned bits)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < bits; shift += 7) {
        uint8_t byte;
        if (!fvm__read_u8(r, &byte)) return false;
        unsigned room = bits - shift;
        if (room < 7 && (byte & 0x7f) >> room) return false;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out = value;
            return true;
        }
    }
    return false;
}

bool fvm__read_sleb_slow(fvm__reader *r, int64_t *out, unsigned bits)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < bits; shift += 7) {
        uint8_t byte;
        if (!fvm__read_u8(r, &byte)) return false;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        unsigned room = bits - shift; /* bits of the number that this byte can hold */
        if (room < 7) {
            unsigned spare = (byte & 0x7fU) >> (room - 1); /* sign bit and what is above it */
            if (spare != 0 && spare != 0x7fU >> (room - 1)) return false;
        }
        if (shift + 7 < 64 && (byte & 0x40)) value |= ~UINT64_C(0) << (shift + 7);
        *out = (int64_t)value;
        return true;
    }
    return false;
}

bool fvm__utf8_valid(fvm_bytes text)
{
    const uint8_t *p = text.ptr;
    size_t left = text.len;
    while (left) {
        uint8_t lead = *p;
        size_t more;
        uint32_t code, least;
        if (lead < 0x80) {
            p++;
            left--;
            continue;
        }
        if ((lead & 0xe0) == 0xc0)
            more = 1, code = lead & 0x1f, least = 0x80;
        else if ((lead & 0xf0) == 0xe0)
            more = 2, code = lead & 0x0f, least = 0x800;
        else if ((lead & 0xf8) == 0xf0)
            more = 3, code = lead & 0x07, least = 0x10000;
        else
            return false;
        if (more >= left) return false;
        for (size_t i = 1; i <= more; i++) {
            if ((p[i] & 0xc0) != 0x80) return false;
            code = code << 6 | (p[i] & 0x3f);
        }
        if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
        p += more + 1;
        left -= more + 1;
    }
    return true;
}
