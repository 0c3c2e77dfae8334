#include "ipld_trie_props.h"

TEST(hamt_agrees_with_a_plain_table_over_random_scripts)
{
    run_scripts(prop_hamt, 1, test_rounds(300));
}

/* Few keys at width 1 make deep chains that split and collapse often. */
TEST(hamt_agrees_at_width_1_with_few_keys)
{
    test_rng rng = { 2 };
    for (size_t round = 0; round < test_rounds(200); round++) {
        uint8_t bytes[600] = { 0 };
        for (size_t i = 1; i + 3 <= sizeof bytes; i += 3) {
            bytes[i] = (uint8_t)test_rng_below(&rng, 8);
            bytes[i + 1] = (uint8_t)test_rng_below(&rng, 12);
            bytes[i + 2] = (uint8_t)test_rng_below(&rng, 4);
        }
        prop_hamt((fvm_bytes){ bytes, sizeof bytes });
    }
}
