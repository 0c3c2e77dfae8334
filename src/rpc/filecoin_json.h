/* filecoin_json.h - Filecoin's objects as Lotus writes them (reference rpc.md 3), and the way back. */
#ifndef FVM_RPC_FILECOIN_JSON_H
#define FVM_RPC_FILECOIN_JSON_H

#include "node.h"

void fvm_fil_put_message(const fvm_node *node, fvm_jo *o, const fvm_message *m, const fvm_cid *cid);
/** The signed form; `cid` of it. BLS and unsigned ones too. */
FVM_NODISCARD fvm_err fvm_fil_put_signed(const fvm_node *node, fvm_jo *o,
                                         const fvm_signed_message *m, const fvm_cid *cid);
void fvm_fil_put_signature(fvm_jo *o, const fvm_signature *s);
FVM_NODISCARD fvm_err fvm_fil_put_header(fvm_node *node, fvm_jo *o, const fvm_cid *block);
FVM_NODISCARD fvm_err fvm_fil_put_tipset(fvm_node *node, fvm_jo *o, const fvm_tipset *t);
/** A tipset key: a list with the block, empty when there is none. */
void fvm_fil_put_key(fvm_jo *o, const fvm_cid *block);
void fvm_fil_put_receipt(fvm_jo *o, const fvm_chain_message *m);
/** Return data as base64, or null. */
void fvm_fil_put_bytes(fvm_jo *o, fvm_bytes bytes);
/** Events: a list of entries with flags, key, codec, value. */
FVM_NODISCARD fvm_err fvm_fil_put_entries(fvm_jo *o, fvm_bytes entries);

/* Values: false when it is none. */
bool fvm_fil_cid(fvm_cid *out, const json_t *value);
bool fvm_fil_address(fvm_address *out, const json_t *value); /* f… and t…, and 0x… */
bool fvm_fil_amount(fvm_big *out, const json_t *value);

/* Parameters. */
FVM_NODISCARD fvm_err fvm_fil_get_cid(fvm_rpc_call *call, size_t i, fvm_cid *out);
FVM_NODISCARD fvm_err fvm_fil_get_address(fvm_rpc_call *call, size_t i, fvm_address *out);
FVM_NODISCARD fvm_err fvm_fil_get_base64(fvm_rpc_call *call, size_t i, fvm_buf *out);
/** A tipset key: null or [] is the head. */
FVM_NODISCARD fvm_err fvm_fil_get_tipset(fvm_rpc_call *call, size_t i, fvm_tipset *out);
/** A view on the state after that tipset. */
FVM_NODISCARD fvm_err fvm_fil_view(fvm_rpc_call *call, size_t i, fvm_chain_view **out);
/** A message object; `params` is replaced and must outlive it. Amounts that are left out are 0. */
FVM_NODISCARD fvm_err fvm_fil_read_message(fvm_rpc_call *call, fvm_message *out, fvm_buf *params,
                                           const json_t *value);
FVM_NODISCARD fvm_err fvm_fil_read_signed(fvm_rpc_call *call, fvm_signed_message *out,
                                          fvm_buf *params, const json_t *value);
#endif
