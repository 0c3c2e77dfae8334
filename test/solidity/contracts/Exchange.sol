// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

interface IERC20Like {
    function transfer(address to, uint256 amount) external returns (bool);
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
}

interface IPair {
    function token0() external view returns (address);
    function getReserves() external view returns (uint112, uint112, uint32);
    function mint(address to) external returns (uint256);
    function burn(address to) external returns (uint256, uint256);
    function swap(uint256 amount0Out, uint256 amount1Out, address to, bytes calldata data) external;
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
}

interface IFactory {
    function getPair(address a, address b) external view returns (address);
    function createPair(address a, address b) external returns (address);
}

/** Money as a token. */
contract Wrapped {
    string public constant name = "Wrapped FIL";
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    event Deposit(address indexed who, uint256 amount);
    event Withdrawal(address indexed who, uint256 amount);
    event Transfer(address indexed from, address indexed to, uint256 amount);
    receive() external payable { deposit(); }
    function deposit() public payable {
        balanceOf[msg.sender] += msg.value;
        emit Deposit(msg.sender, msg.value);
    }
    function withdraw(uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        payable(msg.sender).transfer(amount); // 2300 gas
        emit Withdrawal(msg.sender, amount);
    }
    function approve(address who, uint256 amount) external returns (bool) {
        allowance[msg.sender][who] = amount;
        return true;
    }
    function transfer(address to, uint256 amount) external returns (bool) { return transferFrom(msg.sender, to, amount); }
    function transferFrom(address from, address to, uint256 amount) public returns (bool) {
        if (from != msg.sender) allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
        return true;
    }
}

/** A small router for Uniswap V2 pairs. */
contract Router {
    IFactory public immutable factory;
    error Late(uint256 now_, uint256 deadline);
    error TooLittle(uint256 out, uint256 least);
    constructor(IFactory f) { factory = f; }

    modifier until(uint256 deadline) {
        if (block.timestamp > deadline) revert Late(block.timestamp, deadline);
        _;
    }

    function reserves(address a, address b) public view returns (IPair pair, uint256 ra, uint256 rb) {
        pair = IPair(factory.getPair(a, b));
        (uint112 r0, uint112 r1,) = pair.getReserves();
        (ra, rb) = pair.token0() == a ? (uint256(r0), uint256(r1)) : (uint256(r1), uint256(r0));
    }

    function amountOut(uint256 amountIn, uint256 rIn, uint256 rOut) public pure returns (uint256) {
        uint256 withFee = amountIn * 997;
        return withFee * rOut / (rIn * 1000 + withFee);
    }

    function addLiquidity(address a, address b, uint256 amountA, uint256 amountB, uint256 deadline)
        external until(deadline) returns (uint256)
    {
        address pair = factory.getPair(a, b);
        if (pair == address(0)) pair = factory.createPair(a, b);
        require(IERC20Like(a).transferFrom(msg.sender, pair, amountA));
        require(IERC20Like(b).transferFrom(msg.sender, pair, amountB));
        return IPair(pair).mint(msg.sender);
    }

    function removeLiquidity(address a, address b, uint256 liquidity) external returns (uint256, uint256) {
        IPair pair = IPair(factory.getPair(a, b));
        pair.transferFrom(msg.sender, address(pair), liquidity);
        return pair.burn(msg.sender);
    }

    function swap(address[] calldata path, uint256 amountIn, uint256 least, uint256 deadline)
        external until(deadline) returns (uint256 amount)
    {
        amount = amountIn;
        address first = factory.getPair(path[0], path[1]);
        require(IERC20Like(path[0]).transferFrom(msg.sender, first, amountIn));
        for (uint256 i = 0; i + 1 < path.length; i++) {
            (IPair pair, uint256 rIn, uint256 rOut) = reserves(path[i], path[i + 1]);
            amount = amountOut(amount, rIn, rOut);
            address to = i + 2 < path.length ? factory.getPair(path[i + 1], path[i + 2]) : msg.sender;
            bool zero = pair.token0() == path[i];
            pair.swap(zero ? 0 : amount, zero ? amount : 0, to, "");
        }
        if (amount < least) revert TooLittle(amount, least);
    }
}

/** Borrows out of a pair and pays back `owed` in the same call. */
contract Flash {
    event Borrowed(address by, uint256 amount0, uint256 amount1);
    function borrow(IPair pair, uint256 amount0, uint256 amount1, address token, uint256 owed) external {
        pair.swap(amount0, amount1, address(this), abi.encode(token, owed, uint256(0)));
    }
    function reenter(IPair pair, uint256 amount0) external {
        pair.swap(amount0, 0, address(this), abi.encode(address(0), uint256(0), uint256(1)));
    }
    function uniswapV2Call(address by, uint256 amount0, uint256 amount1, bytes calldata data) external {
        (address token, uint256 owed, uint256 again) = abi.decode(data, (address, uint256, uint256));
        emit Borrowed(by, amount0, amount1);
        if (again == 1) IPair(msg.sender).swap(1, 0, address(this), "");
        else IERC20Like(token).transfer(msg.sender, owed);
    }
}
