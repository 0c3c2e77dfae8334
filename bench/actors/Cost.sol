// SPDX-License-Identifier: MIT
// What bench/actors.sh measures the EVM actor with. cost.hex is this file compiled; see cost.mjs.
pragma solidity ^0.8.20;

import "@openzeppelin/contracts/token/ERC20/ERC20.sol";

contract Token is ERC20 {
    constructor() ERC20("Token", "TOK") {
        _mint(msg.sender, 1e24);
    }
}

contract Loop {
    /// A loop as anybody would write it: sums with checks for overflow.
    function sum(uint256 n) external pure returns (uint256 r) {
        for (uint256 i = 0; i < n; i++) r += i * 3;
    }

    /// The arithmetic of 256 bits.
    function mix(uint256 n) external pure returns (uint256 r) {
        unchecked {
            r = 1;
            for (uint256 i = 1; i <= n; i++) {
                r = r * 6364136223846793005 + i;
                r ^= r >> 33;
                r = addmod(r, i, i + 12345);
                r += mulmod(r, r, 0xffffffffffffffffffffffff);
            }
        }
    }

    function hash(uint256 n) external pure returns (bytes32 r) {
        for (uint256 i = 0; i < n; i++) r = keccak256(abi.encodePacked(r, i));
    }
}
