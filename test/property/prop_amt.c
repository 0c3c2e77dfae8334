#include "ipld_trie_props.h"

TEST(amt_agrees_with_a_sorted_list_over_random_scripts)
{
    run_scripts(prop_amt, 1, test_rounds(100));
}

/* Scripts without failures, mostly of deletions of what is there, so that arrays sink often. */
TEST(amt_agrees_while_growing_and_sinking)
{
    test_rng rng = { 2 };
    for (size_t round = 0; round < test_rounds(100); round++) {
        uint8_t bytes[600];
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)test_rng_below(&rng, 128);
        prop_amt((fvm_bytes){ bytes, sizeof bytes });
    }
}
