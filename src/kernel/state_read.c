/* state_read.c - states of other actors that the FVM itself reads (reference/executor.md 6). */
#include "state_internal.h"

#include "ipld/cbor.h"

static fvm_err read_system_state(fvm_cid *data, fvm_bytes in)
{
    fvm_cid cid;
    FVM_TRY(fvm_cbor_tuple(1, &in));
    FVM_TRY(fvm_cbor_cid(&cid, &in));
    FVM_TRY(fvm_cbor_end(in));
    *data = cid;
    return FVM_OK;
}

fvm_err fvm_system_state_manifest(fvm_state_view *view, fvm_cid *data)
{
    const fvm_actor *actor;
    fvm_bytes block;
    fvm_err err = fvm_state_get(view, &actor, FVM_ID_SYSTEM);
    if (err == FVM_ERR_NOT_FOUND) return FVM_ERR_BAD_STATE;
    if (err != FVM_OK) return err;
    view->scratch.len = 0;
    FVM_TRY(fvm__state_err(fvm_blockstore_view(view->bs, &block, &view->scratch, &actor->head)));
    return fvm__state_err(read_system_state(data, block));
}

static fvm_err read_account_state(fvm_address *out, fvm_bytes in, bool delegated)
{
    fvm_bytes bytes;
    fvm_address address;
    FVM_TRY(fvm_cbor_tuple(1, &in));
    FVM_TRY(fvm_cbor_bytes(&bytes, &in, NULL));
    FVM_TRY(fvm_address_read(&address, bytes, delegated));
    FVM_TRY(fvm_cbor_end(in));
    *out = address;
    return FVM_OK;
}

fvm_err fvm_account_state_address(fvm_address *out, fvm_bytes state, bool delegated)
{
    return fvm__state_err(read_account_state(out, state, delegated));
}
