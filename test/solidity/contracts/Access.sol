// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import "@openzeppelin/contracts/access/extensions/AccessControlEnumerable.sol";
import "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import "@openzeppelin/contracts/access/Ownable2Step.sol";

contract Vestry is AccessControlEnumerable {
    bytes32 public constant WRITER = keccak256("WRITER");
    bytes32 public constant KEEPER = keccak256("KEEPER");
    uint256 public value;
    event Written(address by, uint256 value);
    constructor() {
        _grantRole(DEFAULT_ADMIN_ROLE, msg.sender);
        _setRoleAdmin(WRITER, KEEPER);
    }
    function write(uint256 v) external onlyRole(WRITER) {
        value = v;
        emit Written(msg.sender, v);
    }
}

contract SlowAdmin is AccessControlDefaultAdminRules {
    constructor() AccessControlDefaultAdminRules(1 days, msg.sender) {}
}

contract TwoSteps is Ownable2Step {
    constructor() Ownable(msg.sender) {}
    function only() external view onlyOwner returns (uint256) { return 7; }
}
