/* storage.h - a contract's slots: a KAMT of words (reference/ipld.md 4), made for gas.
 *
 * src/ipld/kamt.c does the same for any value, in the host and in modules; with it a loop that stores 40
 * slots took 18,000 wasm instructions more for each. A node in memory is its block: entries stay the CBOR
 * that they were read as, only found by index; what changes is written anew, and a child's CID is put into
 * its parent's entry when it is flushed. */
#ifndef FVM_EVM_STORAGE_H
#define FVM_EVM_STORAGE_H

#include "word.h"

#define STORAGE_SLOTS 32 /* 2^5: a node is asked for 5 bits of a key */

typedef struct storage_node storage_node;

/** An entry of a node: {"v": [[key, value]]} or {"l": [cid, skipped bits, their path]}. */
typedef struct storage_entry {
    uint8_t *raw;
    uint32_t len;
    storage_node *child; /* of a link: loaded, or NULL */
} storage_entry;

struct storage_node {
    uint32_t used; /* bit i: entry i is there; others are not initialised */
    bool dirty;    /* differs from its block */
    storage_entry entry[STORAGE_SLOTS];
};

/** An empty trie. In the heap, as all that follows. */
storage_node *storage_new(void);
/** The trie at a root. Ends the call (20) when a block is not there or not a node, now or later. */
storage_node *storage_load(const uint8_t root[FVM_LINK_LEN]);
/** A slot's value; 0 when there is none. */
void storage_get(storage_node *root, word *out, const word *key);
/** Stores, or deletes when the value is 0. Whether that changed anything. */
bool storage_set(storage_node *root, const word *key, const word *value);
/** Writes changed nodes, children first. */
void storage_flush(storage_node *root, uint8_t cid[FVM_LINK_LEN]);

#endif
