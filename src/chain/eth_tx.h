/* eth_tx.h - Ethereum transactions, and the Filecoin messages that stand for them (FIP-0055, FIP-0091;
 * reference/rpc.md 4 and 5).
 *
 *   kind         raw bytes                                            signature bytes
 *   homestead    rlp[nonce, price, gas, to, value, input, v, r, s]    01 r s v, v 27 or 28
 *   EIP-155      the same                                             02 r s v, v 35 + 2 chain + y
 *   EIP-1559     02 rlp[chain, nonce, priority fee, max fee, gas,     r s y, y 0 or 1
 *                to, value, input, [], y, r, s]
 *
 * Length and first byte tell the three kinds of delegated signatures apart. Only canonical bytes are
 * read, so a transaction, its message with signature, and the transaction made of those are equal
 * byte for byte. */
#ifndef FVM_CHAIN_ETH_TX_H
#define FVM_CHAIN_ETH_TX_H

#include "chain/signed_message.h"

/** FRC-42 number of "InvokeEVM", and the address manager's CreateExternal. */
#define FVM_ETH_METHOD_INVOKE UINT64_C(3844450837)
#define FVM_ETH_METHOD_CREATE UINT64_C(4)
#define FVM_ETH_MANAGER_ID 10u

/* --- addresses --- */

typedef struct fvm_eth_address {
    uint8_t bytes[20];
} fvm_eth_address;

/** 0xff, 11 zero bytes, the ID. */
fvm_eth_address fvm_eth_address_masked(uint64_t id);
/** False when it is not of that form. */
bool fvm_eth_address_to_id(uint64_t *id, const fvm_eth_address *a);
/** f0 for the masked form, else f410. */
fvm_address fvm_eth_address_to_fil(const fvm_eth_address *a);
/** The 20 bytes of f410, the masked form of f0; false for every other (f1, f2, f3, other namespaces, an
 *  f410 of a masked ID): their actor has to be looked up. */
bool fvm_eth_address_of_fil(fvm_eth_address *out, const fvm_address *a);
/** The last 20 bytes of keccak-256 of x || y. */
fvm_eth_address fvm_eth_address_of_key(const uint8_t public_key[65]);
/** The address of a contract that `sender` creates with that nonce by a transaction or CREATE. */
fvm_eth_address fvm_eth_address_created(const fvm_eth_address *sender, uint64_t nonce);
/** 0x and 40 hexadecimal digits, NUL-terminated: lower case, or with EIP-55's mixed case. */
#define FVM_ETH_ADDRESS_TEXT 43
void fvm_eth_address_to_text(char out[FVM_ETH_ADDRESS_TEXT], const fvm_eth_address *a,
                             bool checksum);
/** Any case, 0x needed. FVM_ERR_MALFORMED. */
FVM_NODISCARD fvm_err fvm_eth_address_from_text(fvm_eth_address *out, fvm_bytes text);

/* --- transactions --- */

typedef enum fvm_eth_kind {
    FVM_ETH_EIP1559,   /* JSON type 0x2 */
    FVM_ETH_HOMESTEAD, /* 0x0, no chain id */
    FVM_ETH_EIP155,    /* 0x0 */
} fvm_eth_kind;

typedef struct fvm_eth_tx {
    fvm_eth_kind kind;
    uint64_t chain_id; /* 0 for homestead */
    uint64_t nonce;
    fvm_big max_priority_fee, max_fee; /* attoFIL per gas; both the gas price if not EIP-1559 */
    uint64_t gas_limit;
    bool creates;       /* no `to` */
    fvm_eth_address to; /* zero if it creates */
    fvm_big value;
    fvm_bytes input; /* borrowed from what the transaction was read from */
    uint8_t r[32], s[32];
    bool y_odd; /* recovery bit */
} fvm_eth_tx;

/** The v that the transaction carries on the wire and in JSON: 0 or 1, 27 or 28, 35 + 2 chain + y. */
uint64_t fvm_eth_tx_v(const fvm_eth_tx *tx);

/** Reads a signed raw transaction; the whole of `raw` must be it. `input` borrows from `raw`. Checks
 *  everything that needs no state and no key: canonical form, gas limit of at most 2^63 - 1,
 *  nonce below 2^64 - 1, 0 < r < n, 0 < s <= n/2 (EIP-2), priority fee not above max fee.
 *  Errors: FVM_ERR_MALFORMED, FVM_ERR_TRUNCATED, FVM_ERR_TRAILING, FVM_ERR_RANGE;
 *          FVM_ERR_INVALID  a type or an access list that Filecoin does not take.
 *  `why` (may be NULL) gets a static text for the user. `out` is unchanged on error. */
FVM_NODISCARD fvm_err fvm_eth_tx_read(fvm_eth_tx *out, fvm_bytes raw, const char **why);
/** Appends the signed raw transaction. FVM_ERR_NOMEM, FVM_ERR_RANGE (negative amounts). */
FVM_NODISCARD fvm_err fvm_eth_tx_write(fvm_buf *out, const fvm_eth_tx *tx);
/** Keccak-256 of the raw bytes; FVM_ERR_NOMEM, FVM_ERR_RANGE. */
FVM_NODISCARD fvm_err fvm_eth_tx_hash(uint8_t out[32], const fvm_eth_tx *tx,
                                      const fvm_allocator *alloc);
/** Keccak-256 of what is signed. */
FVM_NODISCARD fvm_err fvm_eth_tx_signing_hash(uint8_t out[32], const fvm_eth_tx *tx,
                                              const fvm_allocator *alloc);
/** Who signed it. FVM_ERR_MISMATCH when no key made this signature; FVM_ERR_NOMEM, FVM_ERR_RANGE. */
FVM_NODISCARD fvm_err fvm_eth_tx_sender(fvm_eth_address *out, const fvm_eth_tx *tx,
                                        const fvm_allocator *alloc);
/** Sets r, s and y_odd. FVM_ERR_INVALID when `key` is no secret key. */
FVM_NODISCARD fvm_err fvm_eth_tx_sign(fvm_eth_tx *tx, const uint8_t key[32],
                                      const fvm_allocator *alloc);

/* --- transactions and messages --- */

/** The signed message of a transaction. Recovers the sender (that is the signature's check), and checks
 *  the chain id, which homestead transactions lack (`chain_id` is the network's).
 *  Out:    out     message.params borrows from `params`.
 *          params  its content is replaced; must outlive `out`.
 *  Errors: FVM_ERR_MISMATCH  chain id or signature.
 *          FVM_ERR_INVALID   no message stands for it: to the address manager, or to an address that
 *          is no one's.
 *          FVM_ERR_NOMEM, FVM_ERR_RANGE. `why` as above. */
FVM_NODISCARD fvm_err fvm_eth_tx_to_message(fvm_signed_message *out, fvm_buf *params,
                                            const fvm_eth_tx *tx, uint64_t chain_id,
                                            const char **why);
/** fvm_eth_tx_read and fvm_eth_tx_to_message. */
FVM_NODISCARD fvm_err fvm_eth_raw_to_message(fvm_signed_message *out, fvm_buf *params,
                                             fvm_bytes raw, uint64_t chain_id, const char **why);
/** The transaction that a message with a delegated signature stands for; `input` borrows from the
 *  message's params. Does not recover the sender; does compare chain ids.
 *  Errors: FVM_ERR_INVALID  it stands for none. `why` as above. */
FVM_NODISCARD fvm_err fvm_eth_tx_from_message(fvm_eth_tx *out, const fvm_signed_message *message,
                                              uint64_t chain_id, const char **why);
/** The same for a message that is not signed yet: an EIP-1559 transaction with r, s, y of 0. */
FVM_NODISCARD fvm_err fvm_eth_tx_from_unsigned(fvm_eth_tx *out, const fvm_message *message,
                                               uint64_t chain_id, const char **why);
/** Params of InvokeContract and CreateExternal: nothing for empty input, else a CBOR byte string.
 *  Appends. */
FVM_NODISCARD fvm_err fvm_eth_params_write(fvm_buf *out, fvm_bytes input);
/** The way back: false when params are not of that canonical form. */
bool fvm_eth_params_read(fvm_bytes *input, fvm_bytes params);

/** The hash under which Ethereum's methods know a message: delegated, keccak-256 of the raw
 *  transaction; secp256k1, the digest of the signed message's CID; BLS, that of the unsigned one's.
 *  FVM_ERR_INVALID when a delegated message stands for no transaction; FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_eth_hash_of_message(uint8_t out[32], const fvm_signed_message *message,
                                              uint64_t chain_id, const fvm_allocator *alloc);

/** What a native message (secp256k1, BLS) looks like as a transaction: EIP-1559 with r, s, y of 0, and
 *  the input of handle_filecoin_method(method, codec, params), except for calls of InvokeContract
 *  and CreateExternal, which look as what they are. `input` is replaced, and `out` borrows from it and
 *  from the message. `to` is filled in for f410 and f0 alone; `to_unknown` says that the caller has to
 *  look up the receiver (0xff00..00ffffffffffffffff if it is not there: FVM_ETH_NOBODY). FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_eth_tx_of_native(fvm_eth_tx *out, bool *to_unknown, fvm_buf *input,
                                           const fvm_message *message, uint64_t chain_id);
#define FVM_ETH_NOBODY UINT64_MAX /* fvm_eth_address_masked of it */

/** ABI of handle_filecoin_method(uint64 method, uint64 codec, bytes params): selector 868e10c4; codec is
 *  0 without params, else 0x51. Appends. FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_eth_native_input(fvm_buf *out, uint64_t method, uint64_t codec,
                                           fvm_bytes params);
#endif
