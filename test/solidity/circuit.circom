pragma circom 2.0.0;

// "I know x, between 0 and 2^32, with x^3 + x + 5 = out, and I speak for `who`."
template Bits(n) {
    signal input in;
    signal bits[n];
    var sum = 0;
    for (var i = 0; i < n; i++) {
        bits[i] <-- (in >> i) & 1;
        bits[i] * (bits[i] - 1) === 0;
        sum += bits[i] * (1 << i);
    }
    sum === in;
}

template Root() {
    signal input x;
    signal input who;
    signal output out;
    signal square;
    signal cube;
    signal bound;
    component range = Bits(32);
    range.in <== x;
    square <== x * x;
    cube <== square * x;
    out <== cube + x + 5;
    bound <== who * who; // so that the proof is of this `who` only
}

component main {public [who]} = Root();
