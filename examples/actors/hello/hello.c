/* hello.c - the smallest actor: whatever method is called, it returns a greeting. It needs no
 * dispatch, no state, and no memory of its own: the text lies in the module's data. */
#include <fvm/actor.h>

FVM_ENTRY uint32_t invoke(uint32_t params)
{
    static const uint8_t greeting[] = "\x65hello"; /* CBOR: a text of 5 bytes */
    (void)params;
    return fvm_block_new(FVM_BLOCK_CBOR, (fvm_bytes){ greeting, sizeof greeting - 1 });
}
