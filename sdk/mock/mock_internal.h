/* mock_internal.h - what the mock kernel keeps. Static, since syscalls have no context argument. */
#ifndef FVM_SDK_MOCK_INTERNAL_H
#define FVM_SDK_MOCK_INTERNAL_H

#include <fvm/actor/mock.h>

#include "ipld/cbor.h"

#include <setjmp.h>

#define MOCK_BLOCKS_MAX 4096
#define MOCK_SENDS_MAX 64
#define MOCK_ADDRESSES_MAX 64
#define MOCK_EVENTS_MAX 256

typedef struct mock_block {
    uint64_t codec;
    uint8_t *data;
    size_t len;
} mock_block;

typedef struct mock_send {
    fvm_address to;
    uint64_t method;
    fvm_token value;
    uint32_t exit_code;
    size_t answer_len;
    uint8_t answer[512];
} mock_send;

typedef struct mock_event {
    uint32_t count;
    fvm_event_entry entries[256];
    uint8_t *bytes; /* keys, then values */
    size_t keys_len;
} mock_event;

typedef struct mock_kernel {
    fvm_blockstore store;
    fvm_cid root;
    mock_block blocks[MOCK_BLOCKS_MAX]; /* of this call; handle i + 1 */
    size_t block_count;
    fvm_cid *reach; /* CIDs that this call may open and link */
    size_t reach_count, reach_cap;
    jmp_buf exit;
    uint32_t exit_code, exit_block;
    char message[256];
    mock_send expected[MOCK_SENDS_MAX];
    size_t expected_count, expected_at;
    uint8_t sent[1024];
    size_t sent_len;
    struct {
        fvm_address address;
        uint64_t id;
    } addresses[MOCK_ADDRESSES_MAX];
    size_t address_count;
    mock_event events[MOCK_EVENTS_MAX];
    size_t event_count;
} mock_kernel;
extern mock_kernel fvm__mock;

__attribute__((noreturn)) void fvm__mock_die(const char *what);
uint32_t fvm__mock_add_block(uint64_t codec, fvm_bytes data);
const mock_block *fvm__mock_block(uint32_t id);
void fvm__mock_reach(const fvm_cid *cid);
bool fvm__mock_reaches(const fvm_cid *cid);
void fvm__mock_reach_links(uint64_t codec, fvm_bytes data);
#endif
