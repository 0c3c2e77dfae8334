// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.17;

import "@zondax/filecoin-solidity/contracts/v0.8/AccountAPI.sol";
import "@zondax/filecoin-solidity/contracts/v0.8/DataCapAPI.sol";
import "@zondax/filecoin-solidity/contracts/v0.8/MinerAPI.sol";
import "@zondax/filecoin-solidity/contracts/v0.8/PowerAPI.sol";
import "@zondax/filecoin-solidity/contracts/v0.8/PrecompilesAPI.sol";
import "@zondax/filecoin-solidity/contracts/v0.8/SendAPI.sol";
import "@zondax/filecoin-solidity/contracts/v0.8/Utils.sol";
import "@zondax/filecoin-solidity/contracts/v0.8/utils/BigInts.sol";
import "@zondax/filecoin-solidity/contracts/v0.8/utils/FilAddresses.sol";

contract FilecoinUser {
    using FilecoinCBOR for *;

    function resolve(bytes calldata a) external view returns (uint64) { return PrecompilesAPI.resolveAddress(CommonTypes.FilAddress(a)); }
    function resolveEth(address a) external view returns (uint64) { return PrecompilesAPI.resolveEthAddress(a); }
    function lookup(uint64 id) external view returns (bytes memory) { return PrecompilesAPI.lookupDelegatedAddress(id); }
    function exists(address a) external view returns (bool) { return Misc.addressExists(a); }

    function fromEth(address a) external pure returns (bytes memory) { return FilAddresses.fromEthAddress(a).data; }
    function fromId(uint64 id) external pure returns (bytes memory) { return FilAddresses.fromActorID(id).data; }
    function fromBytes(bytes calldata b) external pure returns (bytes memory) { return FilAddresses.fromBytes(b).data; }
    function valid(bytes calldata b) external pure returns (bool) { return FilAddresses.validate(CommonTypes.FilAddress(b)); }
    function bigFromUint(uint256 x) external view returns (bytes memory, bool) {
        CommonTypes.BigInt memory b = BigInts.fromUint256(x);
        return (b.val, b.neg);
    }
    function bigToUint(bytes calldata val, bool neg) external view returns (uint256, bool) {
        return BigInts.toUint256(CommonTypes.BigInt(val, neg));
    }
    function bigFromInt(int256 x) external view returns (bytes memory, bool) {
        CommonTypes.BigInt memory b = BigInts.fromInt256(x);
        return (b.val, b.neg);
    }

    function sendToId(uint64 id, uint256 amount) external payable { SendAPI.send(CommonTypes.FilActorId.wrap(id), amount); }
    function sendTo(bytes calldata a, uint256 amount) external payable { SendAPI.send(CommonTypes.FilAddress(a), amount); }
    function authenticate(uint64 id, bytes calldata signature, bytes calldata message) external {
        AccountAPI.authenticateMessage(CommonTypes.FilActorId.wrap(id), AccountTypes.AuthenticateMessageParams(signature, message));
    }
    function hook(uint64 id, uint32 type_, bytes calldata payload) external returns (bytes memory) {
        return Utils.universalReceiverHook(CommonTypes.FilActorId.wrap(id), CommonTypes.UniversalReceiverParams(type_, payload));
    }
    function call(uint64 id, uint256 method, uint64 codec, bytes calldata params, uint256 value, bool readOnly) external payable returns (bytes memory) {
        return Actor.callByID(CommonTypes.FilActorId.wrap(id), method, codec, params, value, readOnly);
    }
    function callAt(bytes calldata a, uint256 method, uint64 codec, bytes calldata params, uint256 value, bool readOnly) external payable returns (bytes memory) {
        return Actor.callByAddress(a, method, codec, params, value, readOnly);
    }
    function callNonSingleton(uint64 id, uint256 method) external returns (bytes memory) {
        return Actor.callNonSingletonByID(CommonTypes.FilActorId.wrap(id), method, Misc.NONE_CODEC, "", 0, false);
    }

    // The storage actors' interfaces, where there may be no such actors.
    function datacapName() external returns (string memory) { return DataCapAPI.name(); }
    function datacapBalance(bytes calldata a) external returns (bytes memory) { return DataCapAPI.balance(CommonTypes.FilAddress(a)).val; }
    function minerOwner(uint64 id) external { MinerAPI.getOwner(CommonTypes.FilActorId.wrap(id)); }
    function minerControls(uint64 id, bytes calldata a) external returns (bool) {
        return MinerAPI.isControllingAddress(CommonTypes.FilActorId.wrap(id), CommonTypes.FilAddress(a));
    }
    function rawPower() external returns (uint64) { return PowerAPI.minerCount(); }

    // The precompiles without a library.
    function precompile(address at, bytes calldata input, bool delegated) external returns (bool ok, bytes memory out) {
        (ok, out) = delegated ? at.delegatecall(input) : at.call(input);
    }
    receive() external payable {}
}

/** What comes by methods of Filecoin's numbering, like a token's hook. */
contract FilecoinReceiver {
    event Received(address from, uint64 method, uint64 codec, bytes params, uint256 value);
    event Hook(uint32 type_, bytes payload);
    function handle_filecoin_method(uint64 method, uint64 codec, bytes calldata params) external payable returns (uint32, uint64, bytes memory) {
        emit Received(msg.sender, method, codec, params, msg.value);
        if (method == CommonTypes.UniversalReceiverHookMethodNum) {
            CommonTypes.UniversalReceiverParams memory p = Utils.handleFilecoinMethod(method, codec, params);
            emit Hook(p.type_, p.payload);
            return (0, 0, "");
        }
        if (method == 5000) return (0, Misc.CBOR_CODEC, hex"83010203");
        if (method == 5001) return (16, 0, "");
        if (method == 5002) return (40, Misc.CBOR_CODEC, hex"6161");
        if (method == 5003) return (0, 0x55, "raw");
        if (method == 5004) revert("no such method");
        if (method == 5005) return (0, 0, "without a codec");
        return (22, 0, "");
    }
}
