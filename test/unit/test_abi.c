/* Solidity's ABI on the command line. The examples are those of its specification. */
#include "cli/abi.h"
#include "test.h"

#include <stdlib.h>

static fvm_err encode(fvm_buf *out, const char *signature, char **values, size_t count)
{
    fvm_abi_types in, ret;
    uint8_t selector[4];
    fvm_store_why why = { "" };
    FVM_TRY(fvm_abi_signature(selector, &in, &ret, signature, &why));
    FVM_TRY(fvm_buf_append(out, (fvm_bytes){ selector, 4 }));
    return fvm_abi_encode(out, &in, values, count, &why);
}

#define W(hex) "00000000000000000000000000000000000000000000000000000000000000" hex
static const struct {
    const char *signature, *hex;
    size_t count;
    char *values[4];
} examples[] = {
    { "baz(uint32,bool)", "cdcd77c0" W("45") W("01"), 2, { "69", "true" } },
    { "bar(bytes3[2])",
      "fce353f6"
      "6162630000000000000000000000000000000000000000000000000000000000"
      "6465660000000000000000000000000000000000000000000000000000000000",
      1,
      { "[0x616263,0x646566]" } },
    { "sam(bytes,bool,uint256[])",
      "a5643bf2" W("60") W("01") W("a0")
          W("04") "6461766500000000000000000000000000000000000000000000000000000000" W("03") W("01")
              W("02") W("03"),
      3,
      { "0x64617665", "true", "[1, 2, 3]" } },
    { "f(uint,uint32[],bytes10,bytes)",
      "8be65246"
      "0000000000000000000000000000000000000000000000000000000000000123" W(
          "80") "3132333435363738393000000000000000000000000000000000000000000000" W("e0")
          W("02") "0000000000000000000000000000000000000000000000000000000000000456"
                  "0000000000000000000000000000000000000000000000000000000000000789" W(
                      "0d") "48656c6c6f2c20776f726c642100000000000000000000000000000000000000",
      4,
      { "0x123", "[0x456,0x789]", "0x31323334353637383930", "0x48656c6c6f2c20776f726c6421" } },
};

TEST(the_examples_of_the_specification_are_encoded)
{
    for (size_t i = 0; i < FVM_COUNT(examples); i++) {
        fvm_buf out;
        char *values[4];
        memcpy(values, examples[i].values, sizeof values);
        fvm_buf_init(&out, NULL);
        fvm_err err = encode(&out, examples[i].signature, values, examples[i].count);
        CHECK_AT(examples[i].signature, err == FVM_OK);
        CHECK_HEX(fvm_buf_bytes(&out), examples[i].hex);
        fvm_buf_deinit(&out);
    }
}

TEST(tuples_and_nested_arrays_are_encoded_as_foundry_does)
{
    static const struct {
        const char *signature, *hex;
        size_t count;
        char *values[2];
    } rows[] = {
        { "g(uint256[][],string[])",
          "2289b18c"
          "0000000000000000000000000000000000000000000000000000000000000040"
          "0000000000000000000000000000000000000000000000000000000000000140"
          "0000000000000000000000000000000000000000000000000000000000000002"
          "0000000000000000000000000000000000000000000000000000000000000040"
          "00000000000000000000000000000000000000000000000000000000000000a0"
          "0000000000000000000000000000000000000000000000000000000000000002"
          "0000000000000000000000000000000000000000000000000000000000000001"
          "0000000000000000000000000000000000000000000000000000000000000002"
          "0000000000000000000000000000000000000000000000000000000000000001"
          "0000000000000000000000000000000000000000000000000000000000000003"
          "0000000000000000000000000000000000000000000000000000000000000003"
          "0000000000000000000000000000000000000000000000000000000000000060"
          "00000000000000000000000000000000000000000000000000000000000000a0"
          "00000000000000000000000000000000000000000000000000000000000000e0"
          "0000000000000000000000000000000000000000000000000000000000000003"
          "6f6e650000000000000000000000000000000000000000000000000000000000"
          "0000000000000000000000000000000000000000000000000000000000000003"
          "74776f0000000000000000000000000000000000000000000000000000000000"
          "0000000000000000000000000000000000000000000000000000000000000005"
          "7468726565000000000000000000000000000000000000000000000000000000",
          2,
          { "[[1, 2],[3]]", "[one,two,three]" } },
        { "f(tuple(uint id,string name,(address who,bytes)[] more)[2] pair,(bool,int8))",
          "36c87d6b"
          "0000000000000000000000000000000000000000000000000000000000000060"
          "0000000000000000000000000000000000000000000000000000000000000001"
          "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
          "0000000000000000000000000000000000000000000000000000000000000040"
          "00000000000000000000000000000000000000000000000000000000000001a0"
          "0000000000000000000000000000000000000000000000000000000000000001"
          "0000000000000000000000000000000000000000000000000000000000000060"
          "00000000000000000000000000000000000000000000000000000000000000a0"
          "0000000000000000000000000000000000000000000000000000000000000003"
          "612c620000000000000000000000000000000000000000000000000000000000"
          "0000000000000000000000000000000000000000000000000000000000000001"
          "0000000000000000000000000000000000000000000000000000000000000020"
          "00000000000000000000000000000000000000000000000000000000000000aa"
          "0000000000000000000000000000000000000000000000000000000000000040"
          "0000000000000000000000000000000000000000000000000000000000000001"
          "0100000000000000000000000000000000000000000000000000000000000000"
          "0000000000000000000000000000000000000000000000000000000000000002"
          "0000000000000000000000000000000000000000000000000000000000000060"
          "0000000000000000000000000000000000000000000000000000000000000080"
          "0000000000000000000000000000000000000000000000000000000000000000"
          "0000000000000000000000000000000000000000000000000000000000000000",
          2,
          { "[(1,\"a,b\",[(0x00000000000000000000000000000000000000aa,0x01)]), (2,\"\",[])]",
            "(true,-1)" } },
        { "h((uint8,bytes2)[],uint8[2][])",
          "6e826cea"
          "0000000000000000000000000000000000000000000000000000000000000040"
          "00000000000000000000000000000000000000000000000000000000000000e0"
          "0000000000000000000000000000000000000000000000000000000000000002"
          "0000000000000000000000000000000000000000000000000000000000000001"
          "0102000000000000000000000000000000000000000000000000000000000000"
          "0000000000000000000000000000000000000000000000000000000000000003"
          "0405000000000000000000000000000000000000000000000000000000000000"
          "0000000000000000000000000000000000000000000000000000000000000002"
          "0000000000000000000000000000000000000000000000000000000000000001"
          "0000000000000000000000000000000000000000000000000000000000000002"
          "0000000000000000000000000000000000000000000000000000000000000003"
          "0000000000000000000000000000000000000000000000000000000000000004",
          2,
          { "[(1,0x0102),( 3 , 0x0405)]", "[[1,2],[3,4]]" } },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fvm_buf out;
        char *values[2] = { rows[i].values[0], rows[i].values[1] };
        fvm_buf_init(&out, NULL);
        CHECK_AT(rows[i].signature,
                 encode(&out, rows[i].signature, values, rows[i].count) == FVM_OK);
        CHECK_HEX(fvm_buf_bytes(&out), rows[i].hex);
        fvm_buf_deinit(&out);
    }
}

TEST(values_come_back_from_their_encoding)
{
    static const struct {
        const char *type;
        char *value;
        const char *json;
    } rows[] = {
        { "int8", "-128", "[\"-128\"]" },
        { "int256", "-1", "[\"-1\"]" },
        { "uint256",
          "115792089237316195423570985008687907853269984665640564039457584007913129639935",
          "[\"115792089237316195423570985008687907853269984665640564039457584007913129639935\"]" },
        { "string", "h\xc3\xa9llo", "[\"h\xc3\xa9llo\"]" },
        { "string[]", "[a,bc,]", "[[\"a\",\"bc\",\"\"]]" },
        { "bytes", "0x", "[\"0x\"]" },
        { "address", "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
          "[\"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\"]" },
        { "bool[2]", "[true,false]", "[[true,false]]" },
        { "uint8[]", "[]", "[[]]" },
        { "(uint8,string)", "(7,\"x, (y)\")", "[[\"7\",\"x, (y)\"]]" },
        { "(uint8,(bool,bytes)[],string[])[]",
          "[(1,[(true,0x01),(false,0x)],[a,\"\\\"\"]),(2,[],[])]",
          "[[[\"1\",[[true,\"0x01\"],[false,\"0x\"]],[\"a\",\"\\\"\"]],[\"2\",[],[]]]]" },
        { "uint8[2][][2]", "[[[1,2]],[]]", "[[[[\"1\",\"2\"]],[]]]" },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fvm_abi_types types = { .count = 0 };
        fvm_store_why why = { "" };
        json_t *got = NULL;
        char *value = rows[i].value;
        fvm_buf out;
        fvm_buf_init(&out, NULL);
        CHECK_OK(fvm_abi_add(&types, rows[i].type, &why));
        fvm_err err = fvm_abi_encode(&out, &types, &value, 1, &why);
        CHECK_AT(why.text, err == FVM_OK);
        CHECK_OK(fvm_abi_decode(&got, &types, fvm_buf_bytes(&out)));
        char *text = json_dumps(got, JSON_COMPACT);
        CHECK_AT(rows[i].type, strcmp(text, rows[i].json) == 0);
        free(text);
        json_decref(got);
        for (size_t cut = 0; cut < out.len; cut++) { /* never reads past what is there */
            fvm_err short_one = fvm_abi_decode(&got, &types, (fvm_bytes){ out.ptr, cut });
            CHECK(short_one == FVM_OK || short_one == FVM_ERR_MALFORMED);
            if (short_one == FVM_OK) json_decref(got);
        }
        fvm_buf_deinit(&out);
    }
}

TEST(what_does_not_fit_is_refused)
{
    static const struct {
        const char *signature;
        char *value;
    } rows[] = {
        { "f(uint8)", "256" },
        { "f(uint8)", "-1" },
        { "f(int8)", "128" },
        { "f(int8)", "-129" },
        { "f(uint256)", "1.5" },
        { "f(uint256)", "" },
        { "f(bytes2)", "0x01" },
        { "f(bytes)", "01" },
        { "f(bool)", "yes" },
        { "f(address)", "0x00" },
        { "f(uint8[])", "1,2" },
        { "f(uint8[2])", "[1]" },
        { "f(uint7)", "1" },
        { "f(bytes33)", "0x" },
        { "f(float)", "1" },
        { "f(uint8[][])", "[1]" },
        { "f(uint8[][])", "[[1]" },
        { "f(uint8[])", "[(1)]" },
        { "f(string[])", "[\"a]" },
        { "f(string[])", "[\"a\"b]" },
        { "f(uint8[0])", "[]" },
        { "f(())", "()" },
        { "f(uint8", "1" },
        { "f", "1" },
        { "f((uint8,uint8))", "1" },
        { "f((uint8,uint8))", "(1)" },
        { "f((uint8,uint8))", "[1,2]" },
        { "f((uint8,uint8)", "(1,2)" },
        { "f((((((((((((((((((uint8))))))))))))))))))", "((((((((((((((((((1))))))))))))))))))" },
        { "f(uint8[][][][][][][][][][][][][][][][][])", "[]" },
        { "f(uint8) x", "1" },
        { "f(uint264)", "1" },
        { "f(uint8[99999])", "[1]" },
        { "f(uint256)", "0x10000000000000000000000000000000000000000000000000000000000000000" },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fvm_buf out;
        char *value = rows[i].value;
        fvm_buf_init(&out, NULL);
        CHECK_AT(rows[i].signature, encode(&out, rows[i].signature, &value, 1) != FVM_OK);
        fvm_buf_deinit(&out);
    }
    fvm_buf out;
    char *two[] = { "1", "2" };
    fvm_buf_init(&out, NULL);
    CHECK_ERR(encode(&out, "f(uint8)", two, 2), FVM_ERR_MALFORMED);
    fvm_buf_deinit(&out);
}

TEST(components_of_a_compilers_json_make_a_type)
{
    static const char text[] =
        "{\"type\":\"tuple[]\",\"components\":[{\"type\":\"uint256\",\"name\":\"a\"},"
        "{\"type\":\"tuple\",\"components\":[{\"type\":\"bytes\"}]}]}";
    fvm_abi_types types = { .count = 0 };
    fvm_store_why why = { "" };
    json_t *param = json_loads(text, 0, NULL), *bad = json_pack("{s:s}", "type", "tuple");
    CHECK_OK(fvm_abi_add_json(&types, param, &why));
    CHECK(strcmp(types.type[0], "(uint256,(bytes))[]") == 0);
    CHECK_ERR(fvm_abi_add_json(&types, bad, &why), FVM_ERR_MALFORMED);
    json_decref(bad);
    json_decref(param);
}

TEST(a_result_that_names_the_same_bytes_again_and_again_is_refused)
{
    uint8_t data[64 * 32] = { 0 };
    fvm_abi_types types = { .count = 0 };
    fvm_store_why why = { "" };
    json_t *got = NULL;
    for (size_t i = 0; i < 64; i++) data[32 * i + 31] = 32; /* places and lengths alike */
    CHECK_OK(fvm_abi_add(&types, "uint8[][][][][][][][][][][][]", &why));
    CHECK_ERR(fvm_abi_decode(&got, &types, (fvm_bytes){ data, sizeof data }), FVM_ERR_MALFORMED);
}
