/* dev_contracts.c - contracts that tools expect on every development chain.
 *
 *   0xcA11bde0...CA11   Multicall3: many calls in one (viem, ethers, synapse-sdk)
 *   0x4e59b448...956C   the deterministic deployer: CREATE2 with calldata's salt and code (foundry) */
#include "base/text.h"
#include "methods.h"

typedef struct contract {
    fvm_eth_address address;
    const char *code; /* hex */
} contract;

static const contract contracts[] = {
    {
        { { 0xca, 0x11, 0xbd, 0xe0, 0x59, 0x77, 0xb3, 0x63, 0x11, 0x67,
            0x02, 0x88, 0x62, 0xbe, 0x2a, 0x17, 0x39, 0x76, 0xca, 0x11 } },
#include "contracts/multicall3.inc"
    },
    /* code := calldata[32..]; CREATE2(value, code, salt = calldata[0..32]); its address, 20 bytes */
    { { { 0x4e, 0x59, 0xb4, 0x48, 0x47, 0xb3, 0x79, 0x57, 0x85, 0x88,
          0x92, 0x0c, 0xa7, 0x8f, 0xbf, 0x26, 0xc0, 0xb4, 0x95, 0x6c } },
      "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
      "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3" },
};

static fvm_err has_code(fvm_node *node, bool *has, const fvm_address *address)
{
    fvm_chain_view *view;
    fvm_view_options o = { .number = FVM_VIEW_HEAD };
    fvm_buf code;
    FVM_TRY(fvm_chain_view_open(node->chain, &view, &o));
    fvm_buf_init(&code, node->alloc);
    fvm_err err = fvm_view_evm_code(view, &code, address);
    *has = code.len > 0;
    fvm_buf_deinit(&code);
    fvm_chain_view_close(view);
    return err == FVM_ERR_NOT_FOUND ? FVM_OK : err;
}

static fvm_err install(fvm_node *node, const contract *c)
{
    fvm_edit edit = { .kind = FVM_EDIT_CODE, .address = fvm_rpc_fil(&c->address) };
    fvm_buf code;
    fvm_buf_init(&code, node->alloc);
    fvm_err err = fvm_hex_decode(&code, fvm_bytes_of(c->code));
    edit.code = fvm_buf_bytes(&code);
    if (err == FVM_OK) err = fvm_chain_edit(node->chain, &edit, 1);
    fvm_buf_deinit(&code);
    return err;
}

fvm_err fvm_node_install_contracts(fvm_node *node)
{
    if (fvm_chain_head_number(node->chain) != 0) return FVM_OK;
    for (size_t i = 0; i < FVM_COUNT(contracts); i++) {
        fvm_address address = fvm_rpc_fil(&contracts[i].address);
        bool has;
        FVM_TRY(has_code(node, &has, &address));
        if (!has) FVM_TRY(install(node, &contracts[i]));
    }
    return FVM_OK;
}
