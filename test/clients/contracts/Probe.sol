// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

contract Child {
    uint256 public number;

    constructor(uint256 start) {
        number = start;
    }
}

/// What clients show of a contract: reverts of each kind, events, storage, payments, time, nested calls.
contract Probe {
    error Refused(address who, uint256 amount, string why);
    error Plain();

    event Counted(address indexed by, uint256 indexed number, string text);
    event Anonymous(bytes data);
    event Paid(address indexed from, uint256 amount);

    uint256 public number;
    mapping(address => uint256) public paid;
    Child public child;

    constructor(uint256 start) payable {
        require(start != 666, "an unlucky start");
        number = start;
    }

    receive() external payable {
        paid[msg.sender] += msg.value;
        emit Paid(msg.sender, msg.value);
    }

    function count(uint256 by) external returns (uint256) {
        number += by;
        emit Counted(msg.sender, number, "counted");
        return number;
    }

    function countMany(uint256 times) external {
        for (uint256 i = 0; i < times; i++) {
            number++;
            emit Counted(msg.sender, number, "one of many");
        }
    }

    function failWithReason() external pure {
        revert("a reason to fail");
    }

    function failWithError(uint256 amount) external view {
        revert Refused(msg.sender, amount, "not today");
    }

    function failPlain() external pure {
        revert Plain();
    }

    function failSilently() external pure {
        assembly {
            revert(0, 0)
        }
    }

    function failPanic(uint256 zero) external pure returns (uint256) {
        return 1 / zero;
    }

    function failAssert() external pure {
        assert(false);
    }

    function failNested(Probe other) external view {
        other.failWithError(7);
    }

    function makeChild() external returns (Child) {
        child = new Child(number);
        return child;
    }

    function spin(uint256 rounds) external returns (uint256 last) {
        for (uint256 i = 0; i < rounds; i++) last = uint256(keccak256(abi.encode(last, i)));
        number = last;
    }

    function forever() external pure {
        while (true) {}
    }

    function sender() external view returns (address) {
        return msg.sender;
    }

    function time() external view returns (uint256) {
        return block.timestamp;
    }

    function blockNumber() external view returns (uint256) {
        return block.number;
    }

    function chain() external view returns (uint256) {
        return block.chainid;
    }

    function payOut(address payable to, uint256 amount) external {
        (bool ok,) = to.call{value: amount}("");
        require(ok, "could not pay");
    }

    function balanceOf(address who) external view returns (uint256) {
        return who.balance;
    }

    function echo(bytes calldata data) external pure returns (bytes memory) {
        return data;
    }
}
