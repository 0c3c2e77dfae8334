/* native.c - ../shared/vectors/bench/bench.c compiled for this CPU: what its loops take without a VM.
 * The actor passes pointers in 32 bits, so this program is linked at low addresses (bench/loops.sh).
 *   usage: native METHOD
 * Prints the seconds of CPU of one call, the least of five. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

unsigned invoke(unsigned params);
unsigned vm_ctx(unsigned out);
unsigned b_create(unsigned out, unsigned long long codec, unsigned data, unsigned len);

static uint64_t method;

unsigned vm_ctx(unsigned out)
{
    memcpy((uint8_t *)(uintptr_t)out + 32, &method, sizeof method);
    return 0;
}
unsigned b_create(unsigned out, unsigned long long codec, unsigned data, unsigned len)
{
    (void)codec;
    (void)data;
    (void)len;
    memset((void *)(uintptr_t)out, 0, 4);
    return 0;
}

int main(int argc, char **argv)
{
    double best = 1e9;
    if (argc < 2) return 2;
    method = strtoull(argv[1], NULL, 10);
    for (int i = 0; i < 5; i++) {
        struct timespec a, b;
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
        (void)invoke(0);
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
        double took = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) * 1e-9;
        if (took < best) best = took;
    }
    printf("%.9f\n", best);
    return 0;
}
