/* JSON-RPC 2.0: what is answered to which body (jsonrpc.org/specification, reference rpc.md 1 and 2). */
#include "rpc/dispatch.h"
#include "test.h"

static fvm_err echo(fvm_rpc_call *call)
{
    fvm_jo_begin(call->out, '[');
    for (size_t i = 0; i < call->count; i++)
        fvm_jo_json(call->out, json_array_get(call->params, i));
    fvm_jo_end(call->out, ']');
    return FVM_OK;
}

static fvm_err fail_with_data(fvm_rpc_call *call)
{
    fvm_jo_begin(call->out, '{'); /* what was written is forgotten */
    call->has_data = true;
    fvm_jo_str(&call->data, "0x08");
    return fvm_rpc_fail(call, FVM_RPC_REVERTED, "no \"%s\"", "luck");
}

static fvm_err fail_plainly(fvm_rpc_call *call)
{
    (void)call;
    return FVM_ERR_NOT_FOUND;
}

static const fvm_rpc_method methods[] = {
    { "eth_echo test_other", echo, 0, 2, 'A', "a? b?", "list" },
    { "eth_one", echo, 1, 1, 'A', "a", "list" },
    { "test_fail", fail_with_data, 0, 0, 'A', "", "never" },
    { "test_plain", fail_plainly, 0, 0, 'A', "", "never" },
    { "anvil_dev", echo, 0, 0, 'C', "", "list" },
};

static void check_reply(const char *body, const char *want, bool development)
{
    static const fvm_rpc_limits limits = { .batch = 3, .reply_bytes = 1000 };
    fvm_rpc_table *table;
    fvm_jo out;
    fvm_jo_init(&out, NULL);
    CHECK(fvm_rpc_table_new(&table, methods, FVM_COUNT(methods), development, NULL) == FVM_OK);
    fvm_rpc_dispatch(table, NULL, NULL, &limits, NULL, fvm_bytes_of(body), &out, NULL);
    CHECK(fvm_jo_ok(&out));
    if (!fvm_bytes_eq(fvm_buf_bytes(&out.buf), fvm_bytes_of(want)))
        fprintf(stderr, "%s\n gave %.*s\n want %s\n", body, (int)out.buf.len,
                (const char *)out.buf.ptr, want);
    CHECK_AT(body, fvm_bytes_eq(fvm_buf_bytes(&out.buf), fvm_bytes_of(want)));
    fvm_jo_deinit(&out);
    fvm_rpc_table_free(table);
}

static const struct {
    const char *body, *reply;
} answered[] = {
    { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_echo\",\"params\":[1,\"a\"]}",
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[1,\"a\"]}" },
    { "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"Filecoin.EthEcho\"}",
      "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":[]}" },
    { "{\"id\":1,\"method\":\"test_other\",\"params\":[null,null]}",
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[]}" },
    { "{\"id\":null,\"method\":\"eth_echo\"}", "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":[]}" },
    /* more than 64 bits keeps its digits */
    { "{\"id\":1,\"method\":\"eth_echo\",\"params\":[10000000000000000000000]}",
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[\"10000000000000000000000\"]}" },
    /* and 64 bits stay a number: an id has to come back as it was */
    { "{\"id\":9223372036854775807,\"method\":\"eth_echo\",\"params\":[-9223372036854775808,"
      "9223372036854775808]}",
      "{\"jsonrpc\":\"2.0\",\"id\":9223372036854775807,\"result\":[-9223372036854775808,"
      "\"9223372036854775808\"]}" },
    /* notices are not answered */
    { "{\"jsonrpc\":\"2.0\",\"method\":\"eth_echo\"}", "" },
    { "[{\"jsonrpc\":\"2.0\",\"method\":\"eth_echo\"}]", "" },
    { "[{\"id\":1,\"method\":\"eth_echo\"},{\"method\":\"eth_echo\"},{\"id\":2,\"method\":\"eth_"
      "echo\"}]",
      "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[]},{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":[]}"
      "]" },
};

TEST(calls_are_answered_with_their_id)
{
    for (size_t i = 0; i < FVM_COUNT(answered); i++)
        check_reply(answered[i].body, answered[i].reply, false);
}

static const struct {
    const char *body, *reply;
} refused[] = {
    { "{",
      "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"parse error\"}}" },
    { "",
      "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"parse error\"}}" },
    { "1", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"invalid "
           "request\"}}" },
    { "[]",
      "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"empty batch\"}}" },
    { "[1]", "[{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"invalid "
             "request\"}}]" },
    { "{\"id\":1,\"method\":1}", "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32600,"
                                 "\"message\":\"invalid request\"}}" },
    { "{\"id\":{},\"method\":\"eth_echo\"}", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":"
                                             "-32600,\"message\":\"invalid request\"}}" },
    { "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"eth_echo\"}",
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32600,\"message\":\"invalid "
      "request\"}}" },
    { "{\"id\":1,\"method\":\"eth_none\"}", "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-"
                                            "32601,\"message\":\"the method eth_none does "
                                            "not exist/is not available\"}}" },
    { "{\"id\":1,\"method\":\"eth_one\"}", "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-"
                                           "32602,\"message\":\"expected 1 parameters, "
                                           "got 0\"}}" },
    { "{\"id\":1,\"method\":\"eth_echo\",\"params\":[1,2,3]}",
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,\"message\":\"expected 0 to 2 "
      "parameters, got 3\"}}" },
    { "{\"id\":1,\"method\":\"eth_echo\",\"params\":{}}",
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,\"message\":\"params must be an "
      "array\"}}" },
    /* an error carries its data and never a result */
    { "{\"id\":1,\"method\":\"test_fail\"}",
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":3,\"message\":\"no "
      "\\\"luck\\\"\",\"data\":\"0x08\"}}" },
    { "{\"id\":1,\"method\":\"test_plain\"}",
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,\"message\":\"not found\"}}" },
    /* four calls where three may come */
    { "[1,1,1,1]",
      "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32005,\"message\":\"batch too "
      "long: 4 calls, at most 3\"}}" },
};

TEST(what_is_wrong_has_its_code)
{
    for (size_t i = 0; i < FVM_COUNT(refused); i++)
        check_reply(refused[i].body, refused[i].reply, false);
}

TEST(development_methods_are_there_only_when_asked_for)
{
    check_reply("{\"id\":1,\"method\":\"anvil_dev\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[]}", true);
    check_reply("{\"id\":1,\"method\":\"anvil_dev\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"the method "
                "anvil_dev does not exist/is not available\"}}",
                false);
}

TEST(nesting_is_bounded)
{
    char body[400];
    size_t n = 0;
    while (n < 200) body[n++] = '[';
    while (n < 399) body[n++] = ']';
    body[n] = 0;
    check_reply(body,
                "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"parse "
                "error: nested too deeply\"}}",
                false);
}

TEST(a_batch_whose_reply_is_too_large_is_cut_with_errors)
{
    static const fvm_rpc_limits small = { .batch = 10, .reply_bytes = 60 };
    fvm_rpc_table *table;
    fvm_jo out;
    json_t *list = NULL;
    fvm_jo_init(&out, NULL);
    CHECK(fvm_rpc_table_new(&table, methods, FVM_COUNT(methods), false, NULL) == FVM_OK);
    fvm_rpc_dispatch(
        table, NULL, NULL, &small, NULL,
        FVM_STR("[{\"id\":1,\"method\":\"eth_echo\"},{\"id\":2,\"method\":\"eth_echo\"},"
                "{\"id\":3,\"method\":\"eth_echo\"}]"),
        &out, NULL);
    CHECK(fvm_rpc_json_parse(&list, fvm_buf_bytes(&out.buf), NULL) == FVM_OK);
    CHECK(json_array_size(list) == 3);
    CHECK(json_object_get(json_array_get(list, 0), "result") != NULL);
    const json_t *error = json_object_get(json_array_get(list, 2), "error");
    CHECK(json_integer_value(json_object_get(error, "code")) == FVM_RPC_LIMIT);
    json_decref(list);
    fvm_jo_deinit(&out);
    fvm_rpc_table_free(table);
}

TEST(the_document_lists_every_name)
{
    fvm_rpc_table *table;
    fvm_jo out;
    json_t *doc = NULL;
    fvm_jo_init(&out, NULL);
    CHECK(fvm_rpc_table_new(&table, methods, FVM_COUNT(methods), false, NULL) == FVM_OK);
    fvm_rpc_table_discover(table, &out, "1");
    CHECK(fvm_rpc_json_parse(&doc, fvm_buf_bytes(&out.buf), NULL) == FVM_OK);
    CHECK(json_array_size(json_object_get(doc, "methods")) == 5);
    json_decref(doc);
    fvm_jo_deinit(&out);
    fvm_rpc_table_free(table);
}
