// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Counter} from "../src/Counter.sol";

interface Vm {
    function startBroadcast() external;
    function stopBroadcast() external;
}

/// What `forge script` runs: two counters, each increased.
contract Deploy {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bool public IS_SCRIPT = true;

    function run() external returns (Counter first, Counter second) {
        vm.startBroadcast();
        first = new Counter(10);
        second = new Counter(20);
        first.increase(1);
        second.increase(2);
        vm.stopBroadcast();
    }
}
