// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {console} from "hardhat/console.sol";

/// A deposit that its owner may take when time has come.
contract Lock is Ownable {
    error TooEarly(uint256 now_, uint256 unlockTime);

    event Withdrawal(uint256 amount, uint256 when);

    uint256 public unlockTime;

    constructor(uint256 unlockTime_) payable Ownable(msg.sender) {
        require(unlockTime_ > block.timestamp, "Unlock time should be in the future");
        unlockTime = unlockTime_;
        console.log("locked %s until %s by", msg.value, unlockTime_, msg.sender);
    }

    function withdraw() external onlyOwner {
        console.log("withdraw at", block.timestamp, true, "done");
        if (block.timestamp < unlockTime) revert TooEarly(block.timestamp, unlockTime);
        uint256 amount = address(this).balance;
        emit Withdrawal(amount, block.timestamp);
        (bool sent,) = owner().call{value: amount}("");
        require(sent, "not sent");
    }

    function shout(string calldata text) external view returns (uint256) {
        console.log(text);
        console.logBytes32(keccak256(bytes(text)));
        return bytes(text).length;
    }
}
