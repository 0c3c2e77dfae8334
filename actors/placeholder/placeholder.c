/* placeholder.c - what an f4 address holds until somebody creates an actor there: it takes every
 * message, whatever its number, and returns nothing. */
#include <fvm/actor.h>

FVM_ENTRY uint32_t invoke(uint32_t params);
uint32_t invoke(uint32_t params)
{
    (void)params;
    return 0;
}
