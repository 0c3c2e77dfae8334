// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

contract Counter {
    error TooMuch(uint256 asked, uint256 limit);

    event Increased(address indexed by, uint256 number);

    uint256 public number;
    address public maker;

    constructor(uint256 start) {
        number = start;
        maker = msg.sender;
    }

    function increase(uint256 by) external returns (uint256) {
        if (by > 100) revert TooMuch(by, 100);
        number += by;
        emit Increased(msg.sender, number);
        return number;
    }
}
