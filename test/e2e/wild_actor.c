/* An actor that reads far outside of its memory, after some work. */
__attribute__((export_name("invoke"))) unsigned invoke(unsigned params)
{
    volatile unsigned count = 0, *volatile nowhere = (volatile unsigned *)0x70000000;
    while (count < 100 + (params & 1)) count++;
    return *nowhere;
}
