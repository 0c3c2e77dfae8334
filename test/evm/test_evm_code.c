/* test_evm_code.c - bytecode in, exit code and return data out. Where a program ends in RET it returns
 * the top of the stack. Expected values: the EVM's rules and reference/evm.md 1.5 and 3. */
#include "evm_world.h"

#define RET "5f5260205ff3" /* PUSH0 MSTORE PUSH1 20 PUSH0 RETURN */
#define ONES "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" /* PUSH32 */
#define MIN "7f8000000000000000000000000000000000000000000000000000000000000000"
#define W(hex) "5820" hex /* a returned word: CBOR bytes */
#define Z8 "00000000"
#define Z28 Z8 Z8 Z8 Z8 Z8 Z8 Z8
#define N(hex8) W(Z28 hex8) /* a number of four bytes */
#define ALL_ONES W("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")

typedef struct program {
    const char *what, *code, *data, *returns;
    uint32_t exit_code;
} program;

/* clang-format off */
static const program programs[] = {
    { "add", "60026003 01" RET, "", N("00000005"), 0 },
    { "add carries through all limbs", "6001" ONES "01" RET, "", N("00000000"), 0 },
    { "sub takes the second from the first", "60026005 03" RET, "", N("00000003"), 0 },
    { "sub borrows", "60015f03" RET, "", ALL_ONES, 0 },
    { "mul wraps", "6002" ONES "02" RET, "",
      W("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe"), 0 },
    { "div by zero", "5f600704" RET, "", N("00000000"), 0 },
    { "sdiv of the least number by -1", ONES MIN "05" RET, "",
      W("8000000000000000000000000000000000000000000000000000000000000000"), 0 },
    { "smod has the dividend's sign", "6003" ONES "07" RET, "", ALL_ONES, 0 },
    { "addmod does not wrap between", "6005" ONES ONES "08" RET, "", N("00000000"), 0 },
    { "mulmod does not wrap between", "600c" ONES ONES "09" RET, "", N("00000009"), 0 },
    { "exp", "600a60020a" RET, "", N("00000400"), 0 },
    { "signextend", "60ff5f0b" RET, "", ALL_ONES, 0 },
    { "slt sees the sign", "5f" ONES "12" RET, "", N("00000001"), 0 },
    { "lt does not", "5f" ONES "10" RET, "", N("00000000"), 0 },
    { "byte 31 is the last", "61abcd601f1a" RET, "", N("000000cd"), 0 },
    { "shl", "6001 60ff 1b" RET, "",
      W("8000000000000000000000000000000000000000000000000000000000000000"), 0 },
    { "shr by 256", ONES "6101001c" RET, "", N("00000000"), 0 },
    { "sar fills with the sign", MIN "60ff1d" RET, "", ALL_ONES, 0 },
    { "clz of zero", "5f1e" RET, "", N("00000100"), 0 },
    { "clz", "60011e" RET, "", N("000000ff"), 0 },
    { "keccak of nothing", "5f5f20" RET, "",
      W("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"), 0 },
    { "address", "30" RET, "",
      W("000000000000000000000000" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 0 },
    { "caller", "33" RET, "",
      W("000000000000000000000000" "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"), 0 },
    { "origin", "32" RET, "",
      W("000000000000000000000000" "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"), 0 },
    { "calldataload past the end reads zeros", "600435" RET, "01020304", N("00000000"), 0 },
    { "calldataload", "600235" RET, "01020304",
      W("0304000000000000000000000000000000000000000000000000000000000000"), 0 },
    { "calldataload far out", ONES "35" RET, "01020304", N("00000000"), 0 },
    { "calldatasize", "36" RET, "010203", N("00000003"), 0 },
    { "calldatacopy fills with zeros", ONES "5f52 6020 6001 5f 37 5f51" RET, "0102",
      W("0200000000000000000000000000000000000000000000000000000000000000"), 0 },
    { "codesize", "38" RET, "", N("00000007"), 0 },
    { "gasprice is base fee and premium", "3a" RET, "", N("00000064"), 0 },
    { "coinbase is nobody", "41" RET, "", N("00000000"), 0 },
    { "number", "43" RET, "", N("00000064"), 0 },
    { "gas limit", "45" RET, "",
      W("0000000000000000000000000000000000000000000000000000" "0002540be400"), 0 },
    { "chain id", "46" RET, "", N("0000013a"), 0 },
    { "blockhash of the future", "606440" RET, "", N("00000000"), 0 },
    { "mstore8", "61abcd60 1f 53 5f51" RET, "", N("000000cd"), 0 },
    { "msize counts whole words", "6001602153 59" RET, "", N("00000040"), 0 },
    { "mcopy of overlapping regions", "6401020304055f52 6005601b601a5e 5f51" RET, "",
      W(Z8 Z8 Z8 Z8 Z8 Z8 "0000" "01020304" "0505"), 0 },
    { "sload of nothing", "600754" RET, "", N("00000000"), 0 },
    { "sstore and sload", "602a600755 600754" RET, "", N("0000002a"), 0 },
    { "tstore and tload", "602a60075d 60075c" RET, "", N("0000002a"), 0 },
    { "tload does not see sstore", "602a600755 60075c" RET, "", N("00000000"), 0 },
    { "jump", "600456fe5b602a" RET, "", N("0000002a"), 0 },
    { "jump by PUSH2", "61000556fe5b602a" RET, "", N("0000002a"), 0 },
    { "jumpi not taken", "5f610007575b602a" RET, "", N("0000002a"), 0 },
    { "jumpi taken by any bit", MIN "6100265700005b602a" RET, "", NULL, 39 },
    { "iszero before a jump by PUSH2", "5f15610008575b" "602a" RET, "", NULL, 39 },
    { "iszero before a jump, taken", "5f1561000857fe00" "5b602a" RET, "", N("0000002a"), 0 },
    { "iszero before a jump, not taken", "600115610009" "57602a" RET, "", N("0000002a"), 0 },
    { "pc", "5f50 58" RET, "", N("00000002"), 0 },
    { "dup16", "600a" "600b600c600d600e600f6010601160126013601460156016601760186019" "8f" RET, "",
      N("0000000a"), 0 },
    { "swap16",
      "600a" "600b600c600d600e600f601060116012601360146015601660176018601960ff" "9f" RET, "",
      N("0000000a"), 0 },
    { "push20", "73bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" RET, "",
      W("000000000000000000000000" "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"), 0 },
    { "push9", "68010203040506070809" RET, "", W(Z8 Z8 Z8 Z8 Z8 "000000" "010203040506070809"), 0 },
    { "push6", "65010203040506" RET, "", W(Z8 Z8 Z8 Z8 Z8 Z8 "0000" "010203040506"), 0 },
    { "stop", "00", "", "40", 0 },
    { "the end of the code stops", "6001", "", "40", 0 },
    { "a PUSH cut off by the end", "7f01", "", "40", 0 },
    { "return of nothing far out", "5f" ONES "f3", "", "40", 0 },
    { "revert", "602a5f5260205ffd", "", N("0000002a"), 33 },
    { "revert with nothing", "5f5ffd", "", "40", 33 },
    { "invalid", "fe", "", NULL, 34 },
    { "undefined", "0c", "", NULL, 35 },
    { "callcode is not there", "f2", "", NULL, 35 },
    { "blobhash is not there", "5f49", "", NULL, 35 },
    { "returndatacopy past the end", "60015f5f3e", "", NULL, 38 },
    { "returndatacopy of nothing at the end", "5f5f5f3e" "602a" RET, "", N("0000002a"), 0 },
    { "memory past four GiB", "5f640100000000 52", "", NULL, 38 },
    { "memory that ends past four GiB", "5f63fffffff0 52", "", NULL, 38 },
    { "jump to what is no JUMPDEST", "600356 00", "", NULL, 39 },
    { "jump into the data of a PUSH", "600456605b00", "", NULL, 39 },
    { "jump past the end", "61ffff56", "", NULL, 39 },
    { "jump beyond 64 bits", "6801000000000000000456", "", NULL, 39 },
    { "identity", "602a5f52 60205f60205f5f 6004 61ffff f1 3d 01" RET, "", N("00000021"), 0 },
    { "a precompile that fails",
      "5f5f5f5f5f 73fe00000000000000000000000000000000000001 5a f1" RET, "",
      N("00000000"), 0 },
    { "a call to nobody succeeds",
      "5f5f5f5f5f73cccccccccccccccccccccccccccccccccccccccc5af1" RET, "",
      N("00000001"), 0 },
    { "create without funds", "5f5f6001f0" RET, "", N("00000000"), 0 },
};
/* clang-format on */

/* Hex with blanks. */
static fvm_bytes hex(uint8_t *room, size_t cap, const char *text)
{
    char dense[4096];
    size_t n = 0;
    for (; *text; text++)
        if (*text != ' ') dense[n++] = *text;
    dense[n] = 0;
    return test_hex(room, cap, dense);
}

TEST(programs_end_as_the_evm_says)
{
    uint8_t code[2048], data[64];
    for (size_t i = 0; i < FVM_COUNT(programs); i++) {
        const program *p = &programs[i];
        evm_deploy(hex(code, sizeof code, p->code));
        fvm_mock_result r = evm_invoke(hex(data, sizeof data, p->data));
        if (r.exit_code != p->exit_code) printf("exit code %u\n", r.exit_code);
        CHECK_AT(p->what, r.exit_code == p->exit_code);
        CHECK_AT(p->what, r.has_data == (p->returns != NULL));
        if (p->returns) CHECK_HEX(r.data, p->returns);
    }
}

static const struct row {
    const char *name;
    uint8_t code, takes, leaves;
} opcodes[] = {
#define OPCODE(code, name, takes, leaves) { #name, code, takes, leaves },
#include "opcodes.def"
#undef OPCODE
};

static uint32_t exit_of(const uint8_t *code, size_t len)
{
    evm_deploy((fvm_bytes){ code, len });
    return evm_invoke((fvm_bytes){ 0 }).exit_code;
}

TEST(every_instruction_misses_each_of_its_operands)
{
    uint8_t code[16];
    memset(code, 0x5f, sizeof code); /* PUSH0 */
    for (size_t i = 0; i < FVM_COUNT(opcodes); i++)
        for (uint8_t have = 0; have < opcodes[i].takes; have++) {
            code[have] = opcodes[i].code;
            CHECK_AT(opcodes[i].name, exit_of(code, have + 1u) == 36);
            code[have] = 0x5f;
        }
    for (uint8_t n = 1; n <= 16; n++) {
        uint8_t dup[20], swap[20];
        memset(dup, 0x5f, sizeof dup);
        memset(swap, 0x5f, sizeof swap);
        dup[n - 1] = (uint8_t)(0x7f + n);
        swap[n] = (uint8_t)(0x8f + n);
        CHECK(exit_of(dup, n) == 36);
        CHECK(exit_of(swap, n + 1u) == 36);
        dup[n - 1] = 0x5f;
        dup[n] = (uint8_t)(0x7f + n);
        CHECK(exit_of(dup, n + 1u) == 0);
    }
}

TEST(the_stack_holds_1024_words)
{
    static uint8_t code[1100];
    memset(code, 0x5f, sizeof code);
    CHECK(exit_of(code, 1024) == 0);
    CHECK(exit_of(code, 1025) == 37);
    for (size_t i = 0; i < FVM_COUNT(opcodes); i++) {
        if (opcodes[i].takes || !opcodes[i].leaves) continue;
        code[1024] = opcodes[i].code;
        CHECK_AT(opcodes[i].name, exit_of(code, 1025) == 37);
    }
    for (unsigned op = 0x60; op <= 0x8f; op++) {
        code[1024] = (uint8_t)op;
        CHECK(exit_of(code, 1024 + 34) == 37);
    }
    code[1024] = 0x61; /* PUSH2 JUMP: the push is too much even if it is done in one */
    code[1027] = 0x56;
    CHECK(exit_of(code, 1028) == 37);
    code[1023] = 0x15; /* ISZERO PUSH2 JUMPI of a full stack */
    code[1022] = 0x5f;
    memmove(code + 1, code, 1030);
    CHECK(exit_of(code, 1032) == 37);
}

TEST(bytes_that_are_no_instruction_end_with_35)
{
    bool known[256] = { false };
    for (unsigned op = 0x60; op < 0xa0; op++) known[op] = true;
    for (size_t i = 0; i < FVM_COUNT(opcodes); i++) known[opcodes[i].code] = true;
    for (unsigned op = 0; op < 256; op++) {
        uint8_t code[] = { 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, (uint8_t)op };
        if (op == 0xf2) CHECK(!known[op]);
        if (!known[op]) CHECK(exit_of(code, sizeof code) == 35);
    }
}

/* Which bytes of a code are jumped to well, by a scan from its start. */
static void scan(bool *good, const uint8_t *code, size_t len)
{
    memset(good, 0, len);
    for (size_t i = 0; i < len; i++) {
        if (code[i] == 0x5b) good[i] = true;
        if (code[i] >= 0x60 && code[i] <= 0x7f) i += code[i] - 0x5fu;
    }
}

TEST(jumps_end_well_at_jumpdests_outside_of_pushes_alone)
{
    static uint8_t code[700];
    static bool good[sizeof code];
    test_rng rng = { 11 };
    for (size_t round = test_rounds(60); round; round--) {
        size_t len = 100 + test_rng_below(&rng, sizeof code - 100);
        unsigned density = 1 + (unsigned)test_rng_below(&rng, 6);
        for (size_t i = 0; i < len; i++) {
            uint64_t kind = test_rng_below(&rng, 2 + density);
            code[i] = kind == 0   ? 0x5b
                      : kind == 1 ? 0x00
                                  : (uint8_t)(0x60 + test_rng_below(&rng, 32));
        }
        /* PUSH0 CALLDATALOAD JUMP; then what is tried, and a JUMPDEST is followed by what comes */
        code[0] = 0x5f;
        code[1] = 0x35;
        code[2] = 0x56;
        scan(good, code, len);
        evm_deploy((fvm_bytes){ code, len });
        for (size_t to = 0; to < len; to++) {
            uint8_t data[32] = { 0 };
            data[30] = (uint8_t)(to >> 8);
            data[31] = (uint8_t)to;
            uint32_t exit_code = evm_invoke((fvm_bytes){ data, 32 }).exit_code;
            CHECK((exit_code != 39) == good[to]);
        }
    }
}

TEST(storage_lasts_and_transient_storage_does_not)
{
    /* with data: store 42 in both; without: return slot 7 of both, side by side */
    uint8_t code[256];
    evm_deploy(hex(code, sizeof code,
                   "3615 61001157 602a600755 602a60075d 00 "
                   "5b 6007545f52 60075c602052 60405ff3"));
    uint8_t byte = 1;
    CHECK(evm_invoke((fvm_bytes){ &byte, 1 }).exit_code == 0);
    CHECK_HEX(evm_invoke((fvm_bytes){ 0 }).data, "5840" Z28 "0000002a" Z28 "0000002a");
    fvm_mock.context.nonce++;
    CHECK_HEX(evm_invoke((fvm_bytes){ 0 }).data, "5840" Z28 "0000002a" Z28 "00000000");
}

TEST(read_only_frames_change_nothing)
{
    static const struct {
        const char *why, *code;
        uint32_t exit_code;
    } table[] = {
        { "SSTORE", "5f5f55", 25 },
        { "TSTORE", "5f5f5d", 25 },
        { "LOG0", "5f5fa0", 25 },
        { "LOG4", "5f5f5f5f5f5fa4", 25 },
        { "CREATE", "5f5f5ff0", 25 },
        { "CREATE2", "5f5f5f5ff5", 25 },
        { "SELFDESTRUCT", "5fff", 25 },
        { "CALL with value", "5f5f5f5f60015f5af1", 25 },
        { "CALL",
          "5f5f5f5f5f6004"
          "5af1",
          0 },
    };
    uint8_t code[64];
    for (size_t i = 0; i < FVM_COUNT(table); i++) {
        evm_deploy(hex(code, sizeof code, table[i].code));
        fvm_mock.context.flags = FVM_CALL_READ_ONLY;
        CHECK_AT(table[i].why, evm_invoke((fvm_bytes){ 0 }).exit_code == table[i].exit_code);
    }
}

TEST(logs_become_events_with_topics_and_data)
{
    uint8_t code[64];
    evm_deploy(hex(code, sizeof code, "61abcd5f52 6022 6021 6002 601e a2"));
    CHECK(evm_invoke((fvm_bytes){ 0 }).exit_code == 0);
    CHECK(fvm_mock_events() == 1);
    CHECK_HEX(fvm_mock_event(0, "t1"), Z28 "00000021");
    CHECK_HEX(fvm_mock_event(0, "t2"), Z28 "00000022");
    CHECK_HEX(fvm_mock_event(0, "d"), "abcd");
    CHECK(fvm_mock_event(0, "t3").len == 0);
}

TEST(methods_refuse_what_the_reference_refuses)
{
    uint8_t code[64], room[256];
    uint8_t byte = 0xf6;
    evm_deploy(hex(code, sizeof code, "602a" RET));
    CHECK(fvm_mock_call(3, (fvm_bytes){ &byte, 1 }).exit_code == 16); /* takes no parameters */
    CHECK(fvm_mock_call(4, (fvm_bytes){ &byte, 1 }).exit_code == 16);
    CHECK(fvm_mock_call(5, hex(room, sizeof room, "8140")).exit_code == 18); /* f00 alone */
    CHECK(fvm_mock_call(5, hex(room, sizeof room, "80")).exit_code == 21);
    CHECK(fvm_mock_call(6, hex(room, sizeof room, "80")).exit_code == 16); /* not DAG-CBOR */
    CHECK(fvm_mock_call(6, (fvm_bytes){ 0 }).exit_code == 16);
    CHECK(fvm_mock_call(7, (fvm_bytes){ 0 }).exit_code == 22);
    CHECK(fvm_mock_call(1023, (fvm_bytes){ 0 }).exit_code == 22);
    CHECK(fvm_mock_call(1, (fvm_bytes){ 0 }).exit_code == 16);
    CHECK(fvm_mock_call(1, evm_constructor_params(room, (fvm_bytes){ 0 })).exit_code == 18);
    CHECK(fvm_mock_call(2, evm_constructor_params(room, (fvm_bytes){ 0 })).exit_code == 18);
    fvm_mock.context.caller = FVM_INIT_ACTOR;
    CHECK(fvm_mock_call(1, evm_constructor_params(room, (fvm_bytes){ 0 })).exit_code == 20);
    fvm_mock.context.caller = FVM_EAM_ACTOR;
    CHECK(fvm_mock_call(2, evm_constructor_params(room, (fvm_bytes){ 0 })).exit_code ==
          18); /* alive */
    fvm_mock.context.caller = FVM_SYSTEM_ACTOR;
    CHECK_HEX(fvm_mock_call(5, hex(room, sizeof room, "8140")).data, "40");
    CHECK(fvm_mock_call_codec(EVM_INVOKE, 0x52, (fvm_bytes){ &byte, 1 }).exit_code == 21);
    CHECK(fvm_mock_call(EVM_INVOKE, (fvm_bytes){ &byte, 1 }).exit_code == 21); /* not bytes */
    CHECK(fvm_mock_call(EVM_INVOKE, hex(room, sizeof room, "4101")).exit_code == 0);
    CHECK(fvm_mock_call(EVM_INVOKE, hex(room, sizeof room, "5f4101ff")).exit_code == 0);
}

TEST(code_is_at_most_24576_bytes_and_begins_with_no_ef)
{
    static uint8_t code[30000], room[30100];
    evm_world_reset();
    CHECK(evm_construct(evm_init_code(room, (fvm_bytes){ code, 24576 })).exit_code == 0);
    evm_world_reset();
    CHECK(evm_construct(evm_init_code(room, (fvm_bytes){ code, 24577 })).exit_code == 16);
    evm_world_reset();
    code[0] = 0xef;
    CHECK(evm_construct(evm_init_code(room, (fvm_bytes){ code, 1 })).exit_code == 16);
}

TEST(a_new_contract_without_code_has_the_state_of_the_reference)
{
    evm_world_reset();
    CHECK(evm_construct((fvm_bytes){ 0 }).exit_code == 0);
    CHECK_HEX(
        fvm_mock_state(),
        "86d82a5827000155a0e402200e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"
        "5820c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
        "d82a5827000171a0e4022018fe6acc61a3a36b0c373c4a3a8ea64b812bf2ca9b528050909c78d408558a0c"
        "f601f6");
}

TEST(other_methods_reach_the_contract_by_solidity_s_abi)
{
    uint8_t code[256];
    /* echoes the call data's first four words after the selector as (0, 0x51, 0x60, length 1, ...) */
    evm_deploy(hex(code, sizeof code,
                   "60515f52 5f5f52 6051602052 6060604052 6001606052 60f6608053 60a05ff3"));
    fvm_mock_result r = fvm_mock_call(1024, (fvm_bytes){ 0 });
    CHECK(r.exit_code == 0 && r.has_data && r.codec == FVM_BLOCK_CBOR);
    CHECK_HEX(r.data, "f6");
    /* what it is called with: return the data as a log */
    evm_deploy(hex(code, sizeof code, "365f5f37 365fa0 00"));
    uint8_t params[] = { 0x41, 0x07 };
    r = fvm_mock_call(5000, (fvm_bytes){ params, 2 });
    CHECK(r.exit_code == 0 && !r.has_data);
    CHECK_HEX(fvm_mock_event(0, "d"),
              "868e10c4" Z28 "00001388" Z28 "00000051" Z28 "00000060" Z28 "00000002"
              "4107"
              "0000" Z8 Z8 Z8 Z8 Z8 Z8 Z8);
    /* an exit code of the contract's own, with data; and answers that cannot be read */
    static const struct {
        const char *why, *code;
        uint32_t exit_code;
    } table[] = {
        { "exit code 40, no data", "60285f52 6060604052 60805ff3", 40 },
        { "exit code beyond 32 bits", "6401000000005f52 60605ff3", 21 },
        { "data without codec", "6060604052 6001606052 60805ff3", 21 },
        { "codec 55", "6055602052 6060604052 60805ff3", 21 },
        { "length beyond 32 bits", "6051602052 6060604052 640100000000606052 60805ff3", 21 },
        { "short answers read as zeros", "60015ff3", 0 },
    };
    for (size_t i = 0; i < FVM_COUNT(table); i++) {
        evm_deploy(hex(code, sizeof code, table[i].code));
        r = fvm_mock_call(1u << 24, (fvm_bytes){ 0 });
        CHECK_AT(table[i].why, r.exit_code == table[i].exit_code);
    }
}

TEST(a_contract_that_destroyed_itself_is_alive_to_the_end_of_the_message)
{
    uint8_t code[256];
    fvm_address to;
    uint8_t bytes[20];
    memset(bytes, 0xbb, sizeof bytes);
    evm_deploy(hex(code, sizeof code,
                   "36 61001d57 73bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbff 0000 5b602a" RET));
    CHECK_OK(fvm_address_delegated(&to, 10, (fvm_bytes){ bytes, 20 }));
    fvm_mock_expect_send(&to, 0, 0, 0, (fvm_bytes){ 0 });
    CHECK(evm_invoke((fvm_bytes){ 0 }).exit_code == 0);
    CHECK(fvm_mock_sends_left() == 0);
    uint8_t byte = 1;
    CHECK_HEX(evm_invoke((fvm_bytes){ &byte, 1 }).data, N("0000002a"));
    fvm_mock.context.nonce++;
    CHECK_HEX(evm_invoke((fvm_bytes){ &byte, 1 }).data, "40");
    CHECK_HEX(fvm_mock_call(3, (fvm_bytes){ 0 }).data, "f6");
    CHECK_HEX(fvm_mock_call(4, (fvm_bytes){ 0 }).data,
              W("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"));
    /* and comes back by the EAM */
    uint8_t room[256];
    fvm_mock.context.caller = FVM_EAM_ACTOR;
    CHECK(fvm_mock_call(2, evm_constructor_params(room, (fvm_bytes){ 0 })).exit_code == 0);
    CHECK(fvm_mock_call(2, evm_constructor_params(room, (fvm_bytes){ 0 })).exit_code == 18);
}
