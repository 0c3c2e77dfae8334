// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/** Fails in every way that Solidity has. */
contract Failing {
    error Plain();
    error Detailed(address who, uint256 amount, string why, uint256[] list);
    struct Point { uint256 x; int128 y; }
    error WithStruct(Point p, bytes4 tag);
    enum Colour { Red, Green }
    uint256[] internal list;
    bytes internal broken;
    function() internal pure returns (uint256) internal hook;
    mapping(uint256 => uint256) internal slots;

    constructor(bool fail, string memory why) payable {
        require(!fail, why);
        broken = new bytes(40);
    }

    function p01(uint256 x) external pure returns (uint256) { assert(x == 0); return x; }
    function p11(uint256 x) external pure returns (uint256) { return x - 1; }
    function p11mul(uint256 x) external pure returns (uint256) { return x * x; }
    function p11neg(int256 x) external pure returns (int256) { return -x; }
    function p11div(int256 x, int256 y) external pure returns (int256) { return x / y; }
    function p12(uint256 x) external pure returns (uint256) { return 1 / x; }
    function p12mod(uint256 x) external pure returns (uint256) { return 1 % x; }
    function p21(uint256 x) external pure returns (Colour) { return Colour(x); }
    function p22() external returns (bytes memory) {
        assembly { sstore(broken.slot, 0x21) } // length 16 in the long form
        return broken;
    }
    function p31() external { list.pop(); }
    function p32(uint256 i) external pure returns (uint256) { uint256[3] memory a = [uint256(1), 2, 3]; return a[i]; }
    function p32data(uint256[] calldata a, uint256 i) external pure returns (uint256) { return a[i]; }
    function p32bytes(bytes4 b, uint256 i) external pure returns (bytes1) { return b[i]; }
    function p41(uint256 n) external pure returns (uint256) { uint256[] memory a = new uint256[](n); return a.length; }
    function p51() external view returns (uint256) { return hook(); }
    function plain() external pure { revert Plain(); }
    function detailed(uint256 n) external view {
        uint256[] memory a = new uint256[](n);
        for (uint256 i = 0; i < n; i++) a[i] = i * i;
        revert Detailed(msg.sender, n, "a reason", a);
    }
    function withStruct(int128 y) external pure { revert WithStruct(Point(1, y), 0x01020304); }
    function text(string calldata why) external pure { revert(why); }
    function none() external pure { revert(); }
    function needs(bool ok) external pure returns (bool) { require(ok, Plain()); return ok; }
    function long(uint256 n) external pure { assembly { revert(0, n) } }
    function invalid() external pure { assembly { invalid() } }
    function forever() external { for (uint256 i = 1; ; i++) slots[i] = i; }
    function deep(uint256 n) external returns (uint256) { return n == 0 ? 0 : 1 + Failing(address(this)).deep(n - 1); }
    function returns7() external pure returns (uint256) { return 7; }
    function shortAnswer() external pure { assembly { mstore(0, 7) return(0, 31) } }
    function badBool() external pure { assembly { mstore(0, 2) return(0, 32) } }
    function pay() external payable {}
    function writeThenFail() external { slots[99] = 1; revert Plain(); }
    function slot(uint256 i) external view returns (uint256) { return slots[i]; }
}

interface Asked {
    function badBool() external view returns (bool);
    function shortAnswer() external view returns (uint256);
}

/** Calls Failing and tells how it ended: 1 Error(string), 2 Panic, 3 anything else. */
contract Catching {
    event Ended(uint256 how, bytes data);
    uint256 public before;
    uint256 public afterwards;

    function attempt(address to, bytes calldata data) public returns (uint256 how, bytes memory what) {
        before++;
        try this.forward(to, data) returns (bytes memory r) { (how, what) = (0, r); }
        catch Error(string memory why) { (how, what) = (1, bytes(why)); }
        catch Panic(uint256 code) { (how, what) = (2, abi.encode(code)); }
        catch (bytes memory raw) { (how, what) = (3, raw); }
        afterwards++;
        emit Ended(how, what);
    }
    function forward(address to, bytes calldata data) external returns (bytes memory) {
        (bool ok, bytes memory r) = to.call(data);
        if (!ok) assembly { revert(add(r, 32), mload(r)) }
        return r;
    }
    function withGas(address to, bytes calldata data, uint256 gasLimit) external returns (bool ok, uint256 size) {
        before++;
        bytes memory r;
        (ok, r) = to.call{gas: gasLimit}(data);
        size = r.length;
    }
    function create(bool fail, string calldata why) external payable returns (bool, string memory) {
        try new Failing{value: msg.value}(fail, why) { return (true, ""); }
        catch Error(string memory text) { return (false, text); }
    }
    function creates2(bytes32 salt) external returns (address) { return address(new Failing{salt: salt}(false, "")); }
    function typed(Failing f) external view returns (uint256 how) {
        try f.p51() returns (uint256) { return 0; } catch Panic(uint256 code) { return code; }
    }
    // What is not in the callee but in the caller's decoding is not caught.
    function decoded(Asked f) external view returns (bool) { try f.badBool() returns (bool b) { return b; } catch { return true; } }
    function decodedShort(Asked f) external view returns (uint256) {
        try f.shortAnswer() returns (uint256 x) { return x; } catch { return 1; }
    }
    function noCode(Failing f) external view returns (uint256) { try f.returns7() returns (uint256 x) { return x; } catch { return 1; } }
    function readOnly(address to, bytes calldata data) external view returns (bool ok, bytes memory r) { (ok, r) = to.staticcall(data); }
    function delegated(address to, bytes calldata data) external returns (bool ok, bytes memory r) { (ok, r) = to.delegatecall(data); }
    function poor(Failing f) external { f.pay{value: 1 ether}(); }
    function attemptPoor(Failing f) external returns (uint256) {
        try f.pay{value: 1 ether}() { return 0; } catch (bytes memory r) { return 1 + r.length; }
    }
    receive() external payable {}
}
