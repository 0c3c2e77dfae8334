/* vacant.c - stands in the manifest where this bundle has no actor yet, so that the types of the others
 * have mainnet's numbers. It refuses every call. VACANT_NAME, from the build, is in its message: codes
 * must differ, since a code has one type. */
#include <fvm/actor.h>

FVM_ENTRY uint32_t invoke(uint32_t params);
uint32_t invoke(uint32_t params)
{
    (void)params;
    fvm_abort(FVM_USR_UNHANDLED_MESSAGE, "not in this bundle: " VACANT_NAME);
}
