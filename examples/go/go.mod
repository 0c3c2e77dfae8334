module example.invalid/ipldtransform

go 1.19
