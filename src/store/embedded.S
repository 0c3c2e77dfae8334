/* embedded.S - the bundle of our own actors, as the build wrote it, among the read-only data. */
        .section .rodata
        .balign 16
        .globl  fvm__embedded_car
        .hidden fvm__embedded_car
fvm__embedded_car:
        .incbin FVM_BUNDLE_FILE
.Lend:
        .balign 8
        .globl  fvm__embedded_car_len
        .hidden fvm__embedded_car_len
fvm__embedded_car_len:
        .quad   .Lend - fvm__embedded_car
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack,"",%progbits
#endif
