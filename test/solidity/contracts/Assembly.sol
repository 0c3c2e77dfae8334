// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

contract Assembly {
    event Raw(bytes data);
    uint256 transient counter;
    mapping(bytes32 => uint256) internal slots;

    function sum(uint256[] calldata list) external pure returns (uint256 total) {
        assembly ("memory-safe") {
            for { let i := 0 } lt(i, list.length) { i := add(i, 1) } {
                total := add(total, calldataload(add(list.offset, shl(5, i))))
            }
        }
    }
    function sort(uint256[] memory a) external pure returns (uint256[] memory) {
        assembly ("memory-safe") {
            let n := mload(a)
            for { let i := 1 } lt(i, n) { i := add(i, 1) } {
                let at := add(a, shl(5, add(i, 1)))
                let x := mload(at)
                for { } gt(at, add(a, 32)) { at := sub(at, 32) } {
                    if iszero(gt(mload(sub(at, 32)), x)) { break }
                    mstore(at, mload(sub(at, 32)))
                }
                mstore(at, x)
            }
        }
        return a;
    }
    function bits(uint256 x) external pure returns (uint256 leading, uint256 ones, uint256 log) {
        assembly ("memory-safe") {
            leading := clz(x)
            for { let y := x } y { y := and(y, sub(y, 1)) } { ones := add(ones, 1) }
            log := shl(7, lt(0xffffffffffffffffffffffffffffffff, x))
            log := or(log, shl(6, lt(0xffffffffffffffff, shr(log, x))))
        }
    }
    function arithmetic(int256 a, int256 b, uint256 m) external pure returns (uint256[12] memory r) {
        assembly ("memory-safe") {
            mstore(r, sdiv(a, b))
            mstore(add(r, 32), smod(a, b))
            mstore(add(r, 64), addmod(a, b, m))
            mstore(add(r, 96), mulmod(a, b, m))
            mstore(add(r, 128), exp(a, and(b, 0xff)))
            mstore(add(r, 160), signextend(and(b, 31), a))
            mstore(add(r, 192), byte(and(b, 31), a))
            mstore(add(r, 224), sar(and(b, 0xff), a))
            mstore(add(r, 256), shl(and(b, 0xff), a))
            mstore(add(r, 288), shr(and(b, 0x1ff), a))
            mstore(add(r, 320), or(slt(a, b), shl(1, sgt(a, b))))
            mstore(add(r, 352), div(a, m))
        }
    }
    function copyWithin(bytes memory data, uint256 to, uint256 from, uint256 len) external pure returns (bytes memory) {
        assembly ("memory-safe") { mcopy(add(add(data, 32), to), add(add(data, 32), from), len) }
        return data;
    }
    function codeOf(address a) external view returns (uint256 size, bytes32 hash, bytes memory code) {
        assembly ("memory-safe") {
            size := extcodesize(a)
            hash := extcodehash(a)
            code := mload(0x40)
            mstore(code, add(size, 8)) // eight zeros past the end
            mstore(0x40, add(code, and(add(size, 71), not(31))))
            extcodecopy(a, add(code, 32), 0, add(size, 8))
        }
    }
    function codeFar(address a) external view returns (bytes32 word) {
        assembly ("memory-safe") {
            mstore(0, not(0))
            extcodecopy(a, 0, sub(0, 1), 32)
            word := mload(0)
        }
    }
    function make2(bytes memory code, bytes32 salt) external payable returns (address a, uint256 size) {
        assembly ("memory-safe") { a := create2(callvalue(), add(code, 32), mload(code), salt) size := returndatasize() }
        emit Raw(abi.encode(a, size));
    }
    function make(bytes memory code) external payable returns (address a, uint256 size) {
        assembly ("memory-safe") { a := create(callvalue(), add(code, 32), mload(code)) size := returndatasize() }
        emit Raw(abi.encode(a, size));
    }
    function returnDataPast(address to) external returns (uint256) {
        assembly {
            pop(call(gas(), to, 0, 0, 0, 0, 0))
            returndatacopy(0, returndatasize(), 1)
            mstore(0, 1)
            return(0, 32)
        }
    }
    function returnDataEnd(address to) external returns (uint256 size) {
        assembly ("memory-safe") {
            pop(call(gas(), to, 0, 0, 0, 0, 0))
            size := returndatasize()
            returndatacopy(0, size, 0)
        }
    }
    function bump() public returns (uint256) { return ++counter; }
    function bumpTwice() external returns (uint256, uint256) { return (this.bump(), Assembly(payable(address(this))).bump()); }
    function bumpLost() external returns (uint256) {
        bump();
        try this.bumpThenRevert() {} catch {}
        return bump();
    }
    function bumpThenRevert() external { bump(); revert(); }
    function transientRaw(uint256 key, uint256 value) external returns (uint256 was, uint256 got) {
        assembly { was := tload(key) tstore(key, value) got := tload(key) }
    }
    function transientStatic() external view returns (bool ok) {
        (ok,) = address(this).staticcall(abi.encodeCall(this.transientRaw, (1, 2)));
    }
    function logs(bytes memory data) external {
        assembly {
            let p := add(data, 32)
            let n := mload(data)
            log0(p, n)
            log1(p, n, 1)
            log2(p, n, 1, 2)
            log3(p, n, 1, 2, 3)
            log4(p, n, 1, 2, 3, not(0))
            log1(0, 0, 0)
        }
    }
    function jumpAway() external pure { assembly { mstore(0x40, 0) } bytes memory b = new bytes(64); assembly { return(b, 32) } }
    function keccakLoop(bytes32 seed, uint256 n) external pure returns (bytes32 h) {
        h = seed;
        assembly ("memory-safe") {
            for { let i := 0 } lt(i, n) { i := add(i, 1) } { mstore(0, h) h := keccak256(0, 32) }
        }
    }
    function callRaw(address to, uint256 value, bytes calldata data) external payable returns (bool ok, bytes memory r) {
        (ok, r) = to.call{value: value}(data);
    }
    function calldata_(uint256 at) external pure returns (uint256 word, uint256 size) {
        assembly ("memory-safe") { word := calldataload(at) size := calldatasize() }
    }
    function environment() external payable returns (address, address, uint256, uint256, uint256, uint256, uint256) {
        return (msg.sender, tx.origin, msg.value, block.number, block.timestamp, block.chainid, address(this).balance);
    }
    function store(uint256 key, uint256 value) external { assembly { sstore(key, value) } }
    function load(uint256 key) external view returns (uint256 value) { assembly { value := sload(key) } }
    function memoryFar(uint256 at) external pure returns (uint256 size) {
        assembly { mstore8(at, 1) size := add(at, byte(0, mload(at))) }
    }
    receive() external payable {}
}

/** Answers with as many bytes as the calldata is long, or what it was made with. */
contract Echo {
    fallback(bytes calldata data) external payable returns (bytes memory) { return data; }
}

contract Dies {
    function die(address payable to) external payable { selfdestruct(to); }
    function alive() external pure returns (uint256) { return 1; }
}
