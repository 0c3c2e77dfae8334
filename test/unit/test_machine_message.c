/* Messages and receipts against the golden bytes of reference/executor.md 1. */
#include "../test.h"

#include <fvm/message.h>

static fvm_message sample(void)
{
    static const uint8_t params[] = { 0x80 };
    fvm_message m = { 0 };
    m.to = fvm_address_id(101);
    m.from = fvm_address_id(100);
    m.nonce = 3;
    m.value = fvm_big_u64(256);
    m.gas_limit = 1000;
    m.gas_fee_cap = fvm_big_zero();
    m.gas_premium = fvm_big_u64(1);
    m.method = 2;
    m.params = (fvm_bytes){ params, sizeof params };
    return m;
}
#define SAMPLE_HEX                                                                                 \
    "8a00420065420064034300010019"                                                                 \
    "03e84042000102"                                                                               \
    "4180"

TEST(message_is_written_as_the_golden_bytes)
{
    fvm_message m = sample();
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_message_write(&out, &m));
    CHECK_HEX(fvm_buf_bytes(&out), SAMPLE_HEX);
    fvm_buf_deinit(&out);
}

TEST(message_reads_back)
{
    uint8_t room[64];
    fvm_message m, want = sample();
    for (uint32_t nv = 17; nv <= 29; nv++) {
        CHECK_OK(fvm_message_read(&m, test_hex(room, sizeof room, SAMPLE_HEX), nv));
        CHECK(fvm_address_eq(&m.to, &want.to) && fvm_address_eq(&m.from, &want.from));
        CHECK(m.nonce == 3 && m.gas_limit == 1000 && m.method == 2 && m.version == 0);
        CHECK(fvm_big_cmp(&m.value, &want.value) == 0);
        CHECK(fvm_big_cmp(&m.gas_premium, &want.gas_premium) == 0);
        CHECK_BYTES(m.params, want.params);
    }
}

TEST(message_refuses_and_leaves_the_output_alone)
{
    static const struct {
        const char *why, *hex;
    } refused[] = {
        { "empty", "" },
        { "nine fields", "890042006542006403430001001903e8404200010241" },
        { "eleven fields", "8b00420065420064034300010019"
                           "03e840420001024180"
                           "00" },
        { "cut short", "8a004200654200640343000100" },
        { "trailing byte", SAMPLE_HEX "00" },
        { "address of one byte", "8a0041004200640343000100"
                                 "1903e840420001024180" },
        { "value with sign byte 2", "8a00420065420064034302010019"
                                    "03e840420001024180" },
        { "negative nonce", "8a00420065420064204300010019"
                            "03e840420001024180" },
    };
    uint8_t room[64];
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        fvm_message m = { .nonce = 77 };
        CHECK_AT(refused[i].why,
                 fvm_message_read(&m, test_hex(room, sizeof room, refused[i].hex), 21) != FVM_OK);
        CHECK_AT(refused[i].why, m.nonce == 77);
    }
    fvm_message m;
    CHECK_ERR(fvm_message_read(&m, (fvm_bytes){ NULL, 0 }, 16), FVM_ERR_VERSION);
    CHECK_ERR(fvm_message_read(&m, (fvm_bytes){ NULL, 0 }, 30), FVM_ERR_VERSION);
}

TEST(delegated_addresses_start_with_nv18)
{
    static const char hex[] = "8a0056040a000000000000000000000000000000000000000042006403400a404001"
                              "40";
    uint8_t room[80];
    fvm_message m;
    fvm_bytes in = test_hex(room, sizeof room, hex);
    CHECK(fvm_message_read(&m, in, 17) != FVM_OK);
    CHECK_OK(fvm_message_read(&m, in, 18));
}

TEST(receipt_has_a_fourth_field_from_nv18)
{
    fvm_receipt r;
    fvm_buf out;
    static const uint8_t data[] = { 1 };
    fvm_receipt_init(&r, NULL);
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_buf_append(&r.return_data, (fvm_bytes){ data, 1 }));
    r.gas_used = 7;
    CHECK_OK(fvm_receipt_write(&out, &r, 21));
    CHECK_HEX(fvm_buf_bytes(&out), "8400410107f6");
    out.len = 0;
    CHECK_OK(fvm_receipt_write(&out, &r, 17));
    CHECK_HEX(fvm_buf_bytes(&out), "8300410107");
    fvm_buf_deinit(&out);
    fvm_receipt_deinit(&r);
}

static fvm_err write_body(const fvm_allocator *alloc, void *ctx)
{
    fvm_buf out;
    (void)ctx;
    fvm_buf_init(&out, alloc);
    fvm_message m = sample();
    fvm_err err = fvm_message_write(&out, &m);
    CHECK(err == FVM_OK || out.len == 0);
    fvm_buf_deinit(&out);
    return err;
}
TEST(message_write_survives_each_allocation_failure)
{
    test_each_allocation_fails(write_body, NULL);
}
