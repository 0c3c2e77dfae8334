// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import "@openzeppelin/contracts/token/ERC721/extensions/ERC721Enumerable.sol";
import "@openzeppelin/contracts/token/ERC721/extensions/ERC721URIStorage.sol";
import "@openzeppelin/contracts/token/ERC721/utils/ERC721Holder.sol";
import "@openzeppelin/contracts/token/ERC1155/extensions/ERC1155Burnable.sol";
import "@openzeppelin/contracts/token/ERC1155/extensions/ERC1155Supply.sol";
import "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";
import "@openzeppelin/contracts/access/Ownable.sol";
import "@openzeppelin/contracts/utils/Pausable.sol";

contract Token20 is ERC20Burnable, ERC20Permit, Pausable, Ownable {
    constructor(string memory name, string memory symbol, uint256 supply)
        ERC20(name, symbol) ERC20Permit(name) Ownable(msg.sender)
    {
        _mint(msg.sender, supply);
    }
    function mint(address to, uint256 amount) external onlyOwner { _mint(to, amount); }
    function pause() external onlyOwner { _pause(); }
    function unpause() external onlyOwner { _unpause(); }
    function _update(address from, address to, uint256 amount) internal override whenNotPaused {
        super._update(from, to, amount);
    }
}

contract VotesToken is ERC20, ERC20Permit, ERC20Votes {
    constructor() ERC20("Votes", "VOTE") ERC20Permit("Votes") { _mint(msg.sender, 1000); }
    function _update(address from, address to, uint256 amount) internal override(ERC20, ERC20Votes) {
        super._update(from, to, amount);
    }
    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }
}

contract Vault is ERC4626 {
    constructor(IERC20 asset) ERC4626(asset) ERC20("Vault", "VLT") {}
    function _decimalsOffset() internal pure override returns (uint8) { return 3; }
}

/** Tokens as they were before the standard: no return value, or false instead of a revert. */
contract OddToken {
    mapping(address => uint256) public balanceOf;
    bool public quiet;
    constructor() { balanceOf[msg.sender] = 1000; }
    function setQuiet(bool q) external { quiet = q; }
    function transfer(address to, uint256 amount) external {
        if (quiet) assembly { mstore(0, 0) return(0, 32) }
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }
}

contract Payer {
    using SafeERC20 for IERC20;
    function pay(IERC20 token, address to, uint256 amount) external { token.safeTransfer(to, amount); }
}

contract Token721 is ERC721Enumerable, ERC721URIStorage {
    constructor() ERC721("Deeds", "DEED") {}
    function mint(address to, uint256 id, string calldata uri) external {
        _safeMint(to, id);
        _setTokenURI(id, uri);
    }
    function burn(uint256 id) external { _update(address(0), id, msg.sender); }
    function _update(address to, uint256 id, address auth) internal override(ERC721, ERC721Enumerable) returns (address) {
        return super._update(to, id, auth);
    }
    function _increaseBalance(address account, uint128 value) internal override(ERC721, ERC721Enumerable) {
        super._increaseBalance(account, value);
    }
    function tokenURI(uint256 id) public view override(ERC721, ERC721URIStorage) returns (string memory) {
        return super.tokenURI(id);
    }
    function supportsInterface(bytes4 i) public view override(ERC721Enumerable, ERC721URIStorage) returns (bool) {
        return super.supportsInterface(i);
    }
}

contract Token1155 is ERC1155Supply, ERC1155Burnable {
    constructor() ERC1155("https://items.example/{id}.json") {}
    function mint(address to, uint256 id, uint256 amount, bytes calldata data) external { _mint(to, id, amount, data); }
    function mintBatch(address to, uint256[] calldata ids, uint256[] calldata amounts) external {
        _mintBatch(to, ids, amounts, "");
    }
    function _update(address from, address to, uint256[] memory ids, uint256[] memory values)
        internal override(ERC1155, ERC1155Supply)
    {
        super._update(from, to, ids, values);
    }
}

/** Takes deeds and items, and says so; or is made to refuse in all the ways there are. */
contract Receiver is IERC721Receiver, ERC1155Holder {
    enum Mood { Takes, WrongAnswer, Reverts, Panics, Custom, Reenters }
    error Refused(uint256 id);
    event Got(address operator, address from, uint256 id, uint256 amount, bytes data);
    event GotBatch(address operator, address from, uint256[] ids, uint256[] amounts);
    Mood public mood;
    function setMood(Mood m) external { mood = m; }
    function onERC721Received(address operator, address from, uint256 id, bytes calldata data) external returns (bytes4) {
        return answer(operator, from, id, 1, data) ? this.onERC721Received.selector : bytes4(0xdeadbeef);
    }
    function onERC1155Received(address operator, address from, uint256 id, uint256 value, bytes memory data)
        public override returns (bytes4)
    {
        return answer(operator, from, id, value, data) ? this.onERC1155Received.selector : bytes4(0xdeadbeef);
    }
    function onERC1155BatchReceived(address operator, address from, uint256[] memory ids, uint256[] memory values, bytes memory data)
        public override returns (bytes4)
    {
        emit GotBatch(operator, from, ids, values);
        return answer(operator, from, ids.length, 0, data) ? this.onERC1155BatchReceived.selector : bytes4(0xdeadbeef);
    }
    function answer(address operator, address from, uint256 id, uint256 value, bytes memory data) internal returns (bool) {
        if (mood == Mood.Reverts) revert("not today");
        if (mood == Mood.Panics) assert(value > 1e30);
        if (mood == Mood.Custom) revert Refused(id);
        if (mood == Mood.Reenters) Token721(msg.sender).burn(id);
        emit Got(operator, from, id, value, data);
        return mood != Mood.WrongAnswer;
    }
}

contract NoReceiver {}
