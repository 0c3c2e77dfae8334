// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import "@openzeppelin/contracts-upgradeable/token/ERC20/ERC20Upgradeable.sol";
import "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import "@openzeppelin/contracts/proxy/beacon/UpgradeableBeacon.sol";
import "@openzeppelin/contracts/proxy/beacon/BeaconProxy.sol";
import "@openzeppelin/contracts/proxy/transparent/TransparentUpgradeableProxy.sol";
import "@openzeppelin/contracts/proxy/transparent/ProxyAdmin.sol";
import "@openzeppelin/contracts/proxy/Clones.sol";
import "@openzeppelin/contracts/utils/Create2.sol";

contract CounterV1 is OwnableUpgradeable, UUPSUpgradeable {
    uint256 public count;
    event Counted(address by, uint256 count);
    error TooMany(uint256 most);
    constructor() { _disableInitializers(); }
    function initialize(address owner, uint256 start) external initializer {
        __Ownable_init(owner);
        count = start;
    }
    function increment() external virtual returns (uint256) {
        if (count == 5) revert TooMany(5);
        emit Counted(msg.sender, ++count);
        return count;
    }
    function version() external pure virtual returns (string memory) { return "one"; }
    function _authorizeUpgrade(address) internal override onlyOwner {}
}

contract CounterV2 is CounterV1 {
    uint256 public step;
    function setStep(uint256 s) external reinitializer(2) { step = s; }
    function increment() external override returns (uint256) {
        count += step;
        emit Counted(msg.sender, count);
        return count;
    }
    function version() external pure override returns (string memory) { return "two"; }
}

/** No UUPS: an upgrade to it must be refused. */
contract NoUpgrade {
    function version() external pure returns (string memory) { return "none"; }
}

/** Says another slot than ERC-1967's. */
contract OddUUID {
    function proxiableUUID() external pure returns (bytes32) { return keccak256("odd"); }
}

contract Box {
    uint256 public value;
    address public owner;
    function set(uint256 v) external payable virtual returns (uint256) {
        value = v;
        owner = msg.sender;
        return v;
    }
    function version() external pure virtual returns (uint256) { return 1; }
}

contract BoxV2 is Box {
    function set(uint256 v) external payable override returns (uint256) {
        value = v * 2;
        return value;
    }
    function version() external pure override returns (uint256) { return 2; }
}

contract Cloner {
    event Cloned(address clone);
    function clone(address what) external returns (address c) { c = Clones.clone(what); emit Cloned(c); }
    function cloneAt(address what, bytes32 salt) external returns (address c) {
        c = Clones.cloneDeterministic(what, salt);
        emit Cloned(c);
    }
    function predict(address what, bytes32 salt) external view returns (address) {
        return Clones.predictDeterministicAddress(what, salt);
    }
    function cloneWith(address what, bytes calldata args) external payable returns (address c) {
        c = Clones.cloneWithImmutableArgs(what, args, msg.value);
        emit Cloned(c);
    }
    function argsOf(address c) external view returns (bytes memory) { return Clones.fetchCloneArgs(c); }
    function create2(uint256 amount, bytes32 salt, bytes calldata code) external payable returns (address) {
        return Create2.deploy(amount, salt, code);
    }
}
