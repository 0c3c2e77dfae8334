#include "bitfield_props.h"

TEST(bitfield_agrees_with_tables_of_bits)
{
    test_rng rng = { 1 };
    for (size_t i = 0; i < test_rounds(300); i++) {
        uint8_t bytes[240];
        test_rng_fill(&rng, bytes, sizeof bytes);
        prop_bitfield_operations((fvm_bytes){ bytes, test_rng_below(&rng, sizeof bytes) });
    }
}

TEST(bitfield_encoding_is_unique)
{
    test_rng rng = { 2 };
    for (size_t i = 0; i < test_rounds(50000); i++) {
        uint8_t bytes[12];
        test_rng_fill(&rng, bytes, sizeof bytes);
        bytes[0] &= 0xfc; /* version 0 */
        prop_bitfield_reads_back((fvm_bytes){ bytes, test_rng_below(&rng, sizeof bytes) });
    }
}
