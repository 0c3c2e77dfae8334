/* collections.h - HAMT, AMT, KAMT and bitfield inside an actor: the same sources as the host's, over
 * the machine's blocks. Their functions return fvm_err; fvm_must() ends the call on any.
 *
 *     fvm_hamt *map;
 *     fvm_must(fvm_hamt_load(&map, fvm_blocks(), &state.map, 5, &fvm_heap_allocator));
 *     fvm_must(fvm_hamt_set(map, key, value));     // value: one CBOR item
 *     fvm_must(fvm_hamt_flush(map, &state.map));
 */
#ifndef FVM_ACTOR_COLLECTIONS_H
#define FVM_ACTOR_COLLECTIONS_H

#include <fvm/actor/block.h>
#include <fvm/blockstore.h>

#include "ipld/amt.h"
#include "ipld/bitfield.h"
#include "ipld/hamt.h"
#include "ipld/kamt.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The blocks that this call can reach, and those that it makes. Give it to the collections. */
const fvm_blockstore *fvm_blocks(void);

#ifdef __cplusplus
}
#endif
#endif
