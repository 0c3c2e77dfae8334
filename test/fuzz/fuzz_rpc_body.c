/* Bodies of HTTP requests: whatever comes, there is one reply, and it is JSON. */
#include "rpc_node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fvm_jo out;
    json_error_t error;
    fvm_jo_init(&out, NULL);
    fvm_node_handle(rpc_fuzz_node(), NULL, (fvm_bytes){ data, size }, &out);
    CHECK(fvm_jo_ok(&out));
    if (out.buf.len) {
        json_t *reply = json_loadb((const char *)out.buf.ptr, out.buf.len,
                                   JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        if (!reply && json_error_code(&error) != json_error_numeric_overflow)
            CHECK_AT("the reply is JSON", reply != NULL);
        json_decref(reply);
    }
    fvm_jo_deinit(&out);
    return 0;
}
