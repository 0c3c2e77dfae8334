/* Messages of a WebSocket, one a line, with a block and a transaction's coming between them: subscriptions begin,
 * speak and end; nothing is left over. */
#include "rpc/filters.h"
#include "rpc/server_internal.h"
#include "rpc_node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void forget(void *ctx, fvm_rpc_session *session)
{
    fvm_subscriptions_forget(((fvm_node *)ctx)->filters, session);
}

/* What the socket would do. */
static void drain(fvm_rpc_session *s)
{
    while (fvm__rpc_session_first(s)) fvm__rpc_session_sent(s);
}

static void one_message(fvm_node *node, fvm_rpc_session *s, fvm_bytes body)
{
    fvm_jo out;
    fvm_rpc_message_init(&out, NULL);
    fvm_node_handle(node, s, body, &out);
    CHECK(fvm_jo_ok(&out));
    if (out.buf.len > FVM_RPC_HEAD_ROOM) fvm_rpc_session_post(s, &out);
    fvm_jo_deinit(&out);
    fvm_subscriptions_replied(node->filters, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fvm_node *node = rpc_fuzz_node();
    fvm_rpc_server server = { .o = { .unread_max = 1 << 20 },
                              .service = { .ctx = node, .forget = forget } };
    pthread_mutex_init(&server.mutex, NULL);
    fvm_rpc_session *s = fvm__rpc_session_new(&server, NULL, true);
    size_t from = 0, polled, subscriptions;
    CHECK(s != NULL);
    for (size_t at = 0; at <= size && at < 4096; at++) {
        if (at < size && data[at] != '\n') continue;
        one_message(node, s, (fvm_bytes){ data + from, at - from });
        if (at - from == 0) CHECK(fvm_chain_mine(node->chain, 1, 0, 0) == FVM_OK);
        fvm_subscriptions_pump(node->filters, s);
        drain(s);
        from = at + 1;
    }
    for (fvm_rpc_session *a = server.awake; a; a = NULL) fvm_rpc_session_release(a);
    fvm__rpc_session_close(s);
    fvm_filters_count(node->filters, &polled, &subscriptions);
    CHECK(subscriptions == 0);
    /* the chain is kept short, so that the last input is as quick as the first */
    if (fvm_chain_head_number(node->chain) > 64) CHECK(fvm_chain_rewind(node->chain, 2) == FVM_OK);
    pthread_mutex_destroy(&server.mutex);
    return 0;
}
