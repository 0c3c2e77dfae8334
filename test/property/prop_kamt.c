#include "ipld_kamt_props.h"

TEST(kamt_agrees_with_a_plain_table_over_random_scripts)
{
    run_scripts(prop_kamt, 1, test_rounds(150));
}

TEST(kamt_agrees_while_few_keys_come_and_go)
{
    test_rng rng = { 2 };
    for (size_t round = 0; round < test_rounds(200); round++) {
        uint8_t bytes[400];
        bytes[0] = 4;
        for (size_t i = 1; i + 3 <= sizeof bytes; i += 3) {
            static const uint8_t keys[] = { 0, 1, 2, 33, 64, 128, 160, 223, 255 };
            bytes[i] = (uint8_t)test_rng_below(&rng, 8);
            bytes[i + 1] = keys[test_rng_below(&rng, sizeof keys)];
            bytes[i + 2] = (uint8_t)test_rng_below(&rng, 4);
        }
        prop_kamt((fvm_bytes){ bytes, sizeof bytes });
    }
}
