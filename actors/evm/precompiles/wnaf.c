/* wnaf.c - see wnaf.h. */
#include "wnaf.h"

#include <string.h>

#define WINDOW 5

unsigned fvm__wnaf(int8_t *digit, const uint8_t *k, unsigned bytes)
{
    unsigned n = 0, i = 0, bits = 8 * bytes;
    uint32_t carry = 0;
    memset(digit, 0, bits + 1);
    while (i <= bits) {
        uint32_t bit = i < bits ? (uint32_t)k[i / 8] >> i % 8 & 1 : 0;
        if (bit == carry) { /* both 1: the carry goes on */
            i++;
            continue;
        }
        uint32_t window = carry;
        for (unsigned j = 0; j < WINDOW && i + j < bits; j++)
            window += ((uint32_t)k[(i + j) / 8] >> (i + j) % 8 & 1) << j;
        carry = window >> (WINDOW - 1);
        digit[i] = (int8_t)((int32_t)window - (int32_t)(carry << WINDOW));
        n = i + 1;
        i += WINDOW;
    }
    return n;
}
