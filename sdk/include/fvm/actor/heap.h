/* heap.h - memory of one call. An actor starts afresh with each call, so nothing needs to be freed:
 * memory is handed out from the end of the static data upwards, and grows by pages of 64 KiB, each of
 * which costs 26,214 gas when it is taken. */
#ifndef FVM_ACTOR_HEAP_H
#define FVM_ACTOR_HEAP_H

#include <fvm/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** `size` bytes aligned to 16, not initialised. Traps when there is no memory left: exit code 4, as for
 *  actors in Rust (in the mock: 24). */
void *fvm_heap_alloc(size_t size);
/** Room for `count` items of `size` bytes; likewise, also when that many bytes cannot be. */
void *fvm_heap_array(size_t count, size_t size);
/** Where the next allocation will lie. fvm_heap_release gives back all that was allocated since. */
void *fvm_heap_mark(void);
void fvm_heap_release(void *mark);
/** The heap as an allocator, for fvm_buf and the collections. Growing the newest block moves nothing,
 *  and freeing it gives it back; freeing another does nothing. */
extern const fvm_allocator fvm_heap_allocator;

#ifdef __cplusplus
}
#endif
#endif
