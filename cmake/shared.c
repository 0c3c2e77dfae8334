/* The shared library's own translation unit: all of its code comes from the static library. */
#include <fvm/fvm.h>

_Static_assert(sizeof(fvm_err) == sizeof(int), "errors are ints in the ABI");
