/* eth_state.h - a state of Ethereum as one of Filecoin's, and back: accounts with code are EVM actors,
 * the sender and other accounts with a nonce are ethaccounts, the rest placeholders. */
#ifndef FVM_TEST_ETH_STATE_H
#define FVM_TEST_ETH_STATE_H

#include <fvm/genesis.h>
#include <fvm/machine.h>
#include <fvm/store.h>

#include "base/util.h"

#include <jansson.h>

#define ETH_NETWORK_VERSION 28

/** One test: what the line says, borrowed from it, and the message made of it. */
typedef struct eth_case {
    const json_t *line, *pre, *post, *logs;
    int64_t epoch;
    uint64_t timestamp;
    fvm_message message;
    fvm_buf params;
} eth_case;
FVM_NODISCARD fvm_err eth_case_read(eth_case *c, const json_t *line);
void eth_case_deinit(eth_case *c);

/** The actors to run on, and the state of one test at a time. */
typedef struct eth_world {
    fvm_engine *engine;
    fvm_context *context;
    fvm_blockstore bundle;
    fvm_cid manifest;
    fvm_buf actors;       /* fvm_bundle_actor[] */
    fvm_blockstore store; /* of this test, above the bundle */
    fvm_cid root;
} eth_world;
/** False when there is no such bundle. Dies on failures of the host: a test program. */
bool eth_world_open(eth_world *world, const char *bundle);
void eth_world_close(eth_world *world);
FVM_NODISCARD fvm_err eth_world_build(eth_world *world, const eth_case *c);
void eth_world_clear(eth_world *world);

/** Writes the first difference into `why`, or leaves it empty. */
void eth_compare(char *why, size_t why_len, const eth_case *c, const eth_world *world,
                 const fvm_receipt *receipt);

/** The same of the logs alone. */
void eth_compare_logs(char *why, size_t why_len, const json_t *logs, const eth_world *world,
                      const fvm_receipt *receipt);

/** "0x..." of any length, "0x" too, into bytes appended to `out`. */
FVM_NODISCARD fvm_err eth_hex(fvm_buf *out, const char *text);
/** A number in hex, as a big integer. */
FVM_NODISCARD fvm_err eth_number(fvm_big *out, const char *text);
/** The f410 address of 20 bytes in hex. */
FVM_NODISCARD fvm_err eth_address(fvm_address *out, const char *text);
#endif
