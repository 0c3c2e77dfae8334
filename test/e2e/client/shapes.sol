// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
contract Shapes {
    struct Point { uint256 x; address who; string name; }
    bytes32 public made;
    Point[] points;
    error Unlucky(uint256 number, string why);
    constructor(Point memory p, uint256[] memory list, bytes memory data, string[2] memory words, Point[] memory more) payable {
        made = keccak256(abi.encode(p, list, data, words, more));
        points.push(p);
        for (uint256 i = 0; i < more.length; i++) points.push(more[i]);
    }
    function all() external view returns (Point[] memory) { return points; }
    function fail(uint256 how) external view returns (uint256) {
        if (how == 0) revert Unlucky(7, "custom");
        if (how == 1) return how / (how - 1);
        if (how == 2) return points[1000].x;
        if (how == 3) revert();
        require(how == 5, "only five");
        return 5;
    }
}
