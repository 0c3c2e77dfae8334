/* dev_deal.c - anvil_dealERC20: an amount of a token for somebody. Where a token keeps balances is its own
 * affair, so the slots are tried in which compilers and libraries put them: written on a view that
 * nobody sees, a slot is the one if balanceOf then says what was written. */
#include "crypto/crypto.h"
#include "methods.h"

#define PLACES 256u /* of the mapping among a contract's variables */

typedef struct deal {
    fvm_rpc_call *call;
    fvm_chain_view *view;
    fvm_eth_address owner;
    fvm_address token;
    uint8_t amount[32];
    uint8_t slot[32]; /* what was found */
} deal;

/* What balanceOf(owner) says; false in `*has` when it fails, or says anything but a word. */
static fvm_err balance_of(deal *d, bool *has, uint8_t out[32])
{
    uint8_t input[36] = { 0x70, 0xa0, 0x82, 0x31 };
    fvm_message message = {
        .from = fvm_rpc_fil(&d->owner),
        .to = d->token,
        .method = FVM_ETH_METHOD_INVOKE,
        .gas_limit = fvm_chain_block_gas(d->call->node->chain),
    };
    fvm_receipt receipt;
    fvm_buf params;
    memcpy(input + 16, d->owner.bytes, 20);
    fvm_buf_init(&params, d->call->alloc);
    fvm_receipt_init(&receipt, d->call->alloc);
    fvm_err err = fvm_eth_params_write(&params, (fvm_bytes){ input, sizeof input });
    message.params = fvm_buf_bytes(&params);
    if (err == FVM_OK) err = fvm_view_call(d->view, &receipt, &message);
    if (err == FVM_OK) {
        fvm_bytes word = fvm_rpc_evm_output(&receipt);
        *has = receipt.exit_code == 0 && word.len == 32;
        if (*has) memcpy(out, word.ptr, 32);
    }
    fvm_receipt_deinit(&receipt);
    fvm_buf_deinit(&params);
    return err;
}

static fvm_err write_slot(deal *d, const uint8_t slot[32], const uint8_t value[32])
{
    fvm_edit e = { .kind = FVM_EDIT_STORAGE, .address = d->token };
    memcpy(e.slot, slot, 32);
    memcpy(e.value, value, 32);
    return fvm_view_edit(d->view, &e);
}

/* Whether the balance is kept in that slot. */
static fvm_err try_slot(deal *d, bool *found, const uint8_t slot[32])
{
    uint8_t before[32], says[32];
    bool has;
    FVM_TRY(fvm_view_evm_storage(d->view, before, &d->token, slot));
    FVM_TRY(write_slot(d, slot, d->amount));
    FVM_TRY(balance_of(d, &has, says));
    *found = has && memcmp(says, d->amount, 32) == 0;
    if (*found) {
        memcpy(d->slot, slot, 32);
        return FVM_OK;
    }
    return write_slot(d, slot, before);
}

/* A mapping's slot for the owner: Solidity hashes key and place, Vyper place and key. */
static void mapping_slot(uint8_t out[32], const deal *d, const uint8_t place[32], bool place_first)
{
    uint8_t both[64] = { 0 };
    memcpy(both + (place_first ? 44 : 12), d->owner.bytes, 20);
    memcpy(both + (place_first ? 0 : 32), place, 32);
    fvm_keccak256(out, (fvm_bytes){ both, sizeof both });
}

static fvm_err find_slot(deal *d, bool *found)
{
    /* ERC-7201 "openzeppelin.storage.ERC20", whose first member the balances are */
    static const uint8_t namespaced[32] = { 0x52, 0xc6, 0x32, 0x47, 0xe1, 0xf4, 0x7d, 0xb1,
                                            0x9d, 0x5c, 0xe0, 0x46, 0x00, 0x30, 0xc4, 0x97,
                                            0xf0, 0x67, 0xca, 0x4c, 0xeb, 0xf7, 0x1b, 0xa9,
                                            0x8e, 0xea, 0xda, 0xbe, 0x20, 0xba, 0xce, 0x00 };
    uint8_t slot[32], place[32] = { 0 };
    *found = false;
    for (unsigned i = 0; i < 2 * PLACES && !*found; i++) {
        place[31] = (uint8_t)(i / 2);
        mapping_slot(slot, d, place, i % 2);
        FVM_TRY(try_slot(d, found, slot));
    }
    if (*found) return FVM_OK;
    mapping_slot(slot, d, namespaced, false);
    FVM_TRY(try_slot(d, found, slot));
    if (*found) return FVM_OK;
    uint8_t solady[32] = { 0 }; /* the owner and a seed of four bytes */
    memcpy(solady, d->owner.bytes, 20);
    memcpy(solady + 28, (const uint8_t[4]){ 0x87, 0xa2, 0x11, 0xa2 }, 4);
    fvm_keccak256(slot, (fvm_bytes){ solady, sizeof solady });
    return try_slot(d, found, slot);
}

static fvm_err deal_out(deal *d)
{
    fvm_edit e = { .kind = FVM_EDIT_STORAGE, .address = d->token };
    uint8_t now[32];
    bool has, found = false;
    FVM_TRY(balance_of(d, &has, now));
    if (!has) return fvm_rpc_fail(d->call, FVM_RPC_FAILED, "balanceOf says nothing there");
    if (memcmp(now, d->amount, 32) == 0) return FVM_OK;
    FVM_TRY(find_slot(d, &found));
    if (!found)
        return fvm_rpc_fail(d->call, FVM_RPC_FAILED,
                            "where this token keeps balances was not found");
    memcpy(e.slot, d->slot, 32);
    memcpy(e.value, d->amount, 32);
    return fvm_chain_edit(d->call->node->chain, &e, 1);
}

fvm_err fvm_dev_deal_erc20(fvm_rpc_call *call)
{
    deal d = { .call = call };
    fvm_eth_address token;
    fvm_big amount;
    FVM_TRY(fvm_rpc_get_eth_address(call, 0, &d.owner));
    FVM_TRY(fvm_rpc_get_eth_address(call, 1, &token));
    FVM_TRY(fvm_rpc_get_u256(call, 2, &amount));
    if (!fvm_rpc_word_of_big(d.amount, &amount)) return fvm_rpc_bad_param(call, 2, "no amount");
    d.token = fvm_rpc_fil(&token);
    FVM_TRY(fvm_rpc_head_view(call, &d.view, false));
    fvm_err err = deal_out(&d);
    fvm_chain_view_close(d.view);
    if (err == FVM_OK) fvm_jo_null(call->out);
    return err;
}
