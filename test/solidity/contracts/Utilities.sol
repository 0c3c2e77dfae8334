// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import "@openzeppelin/contracts/utils/Base64.sol";
import "@openzeppelin/contracts/utils/Multicall.sol";
import "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import "@openzeppelin/contracts/utils/Strings.sol";
import "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import "@openzeppelin/contracts/utils/cryptography/P256.sol";
import "@openzeppelin/contracts/utils/cryptography/RSA.sol";
import "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import "@openzeppelin/contracts/utils/math/Math.sol";
import "@openzeppelin/contracts/utils/structs/EnumerableMap.sol";
import "@openzeppelin/contracts/utils/structs/DoubleEndedQueue.sol";
import "@openzeppelin/contracts/utils/structs/Heap.sol";
import "@openzeppelin/contracts/governance/TimelockController.sol";

contract Cryptography is EIP712("Letters", "1") {
    bytes32 constant LETTER = keccak256("Letter(address to,string text)");
    function recover(bytes32 hash, bytes calldata signature) external pure returns (address) { return ECDSA.recover(hash, signature); }
    function signer(address to, string calldata text, bytes calldata signature) external view returns (address) {
        return ECDSA.recover(_hashTypedDataV4(keccak256(abi.encode(LETTER, to, keccak256(bytes(text))))), signature);
    }
    function valid(address who, bytes32 hash, bytes calldata signature) external view returns (bool) {
        return SignatureChecker.isValidSignatureNow(who, hash, signature);
    }
    function merkle(bytes32[] calldata proof, bytes32 root, bytes32 leaf) external pure returns (bool) { return MerkleProof.verify(proof, root, leaf); }
    function p256(bytes32 h, bytes32 r, bytes32 s, bytes32 x, bytes32 y) external view returns (bool, bool) {
        return (P256.verifyNative(h, r, s, x, y), P256.verifySolidity(h, r, s, x, y));
    }
    function rsa(bytes32 digest, bytes calldata s, bytes calldata e, bytes calldata n) external view returns (bool) {
        return RSA.pkcs1Sha256(digest, s, e, n);
    }
    function hashes(bytes calldata data) external view returns (bytes32, bytes20, bytes32, bytes memory same) {
        (, same) = address(4).staticcall(data);
        return (sha256(data), ripemd160(data), keccak256(data), same);
    }
    function modExp(bytes calldata b, bytes calldata e, bytes calldata m) external view returns (bytes memory) { return Math.modExp(b, e, m); }
}

/** A wallet whose one owner signs (ERC-1271). */
contract SignsFor {
    address immutable owner;
    constructor(address o) { owner = o; }
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        return ECDSA.recover(hash, signature) == owner ? this.isValidSignature.selector : bytes4(0);
    }
}

contract Structures is Multicall {
    using EnumerableMap for EnumerableMap.UintToAddressMap;
    using DoubleEndedQueue for DoubleEndedQueue.Bytes32Deque;
    using Heap for Heap.Uint256Heap;
    EnumerableMap.UintToAddressMap internal map;
    DoubleEndedQueue.Bytes32Deque internal queue;
    Heap.Uint256Heap internal heap;
    string public name;
    mapping(string => mapping(uint8 => bytes)) public nested;
    struct Packed { uint64 a; uint64 b; address c; bool d; string e; }
    Packed[] public packed;

    function put(uint256 k, address v) external returns (bool) { return map.set(k, v); }
    function drop(uint256 k) external returns (bool) { return map.remove(k); }
    function entries() external view returns (uint256[] memory keys, address[] memory values) {
        keys = map.keys();
        values = new address[](keys.length);
        for (uint256 i = 0; i < keys.length; i++) values[i] = map.get(keys[i]);
    }
    function push(bytes32 v, bool front) external { if (front) queue.pushFront(v); else queue.pushBack(v); }
    function pop(bool front) external returns (bytes32) { return front ? queue.popFront() : queue.popBack(); }
    function heapPush(uint256[] calldata vs) external { for (uint256 i = 0; i < vs.length; i++) heap.insert(vs[i]); }
    function heapPop() external returns (uint256) { return heap.pop(); }
    function setName(string calldata n) external { name = n; }
    function setNested(string calldata a, uint8 b, bytes calldata c) external { nested[a][b] = c; }
    function pack(Packed calldata p) external { packed.push(p); }
    function unpack() external { packed.pop(); }
    function text(uint256 n, int256 i, address a, bytes calldata b) external pure returns (string memory) {
        return string.concat(Strings.toString(n), Strings.toStringSigned(i), Strings.toChecksumHexString(a), Base64.encode(b));
    }
    function math(uint256 a, uint256 b, uint256 c) external pure returns (uint256, uint256, uint256) {
        return (Math.mulDiv(a, b, c), Math.sqrt(a), Math.log2(a));
    }
}

contract Guarded is ReentrancyGuard {
    uint256 public entered;
    function enter(address back) external nonReentrant { entered++; Callback(back).callback(); }
}

contract GuardedTransient is ReentrancyGuardTransient {
    uint256 public entered;
    function enter(address back) external nonReentrant { entered++; Callback(back).callback(); }
}

contract Callback {
    bool public again;
    function setAgain(bool a) external { again = a; }
    function callback() external { if (again) Guarded(msg.sender).enter(address(this)); }
}
