/* message.c - bytes of messages and receipts (reference/executor.md 1), and the life of a receipt. */
#include <fvm/message.h>

#include "ipld/cbor.h"
#include "kernel/network.h"

#define MESSAGE_FIELDS 10

static fvm_err read_address(fvm_address *out, fvm_bytes *in, bool delegated)
{
    fvm_bytes raw;
    FVM_TRY(fvm_cbor_bytes(&raw, in, NULL));
    return fvm_address_read(out, raw, delegated);
}

static fvm_err read_amount(fvm_big *out, fvm_bytes *in)
{
    fvm_bytes raw;
    FVM_TRY(fvm_cbor_bytes(&raw, in, NULL));
    return fvm_big_read(out, raw);
}

/* nv17 has signed version and gas limit; a negative one keeps its bits, and a gas limit above i64's
 * maximum is refused when the message is applied, as the reference does with a negative one. */
static fvm_err read_number(uint64_t *out, fvm_bytes *in, bool is_signed)
{
    int64_t v;
    if (!is_signed) return fvm_cbor_uint(out, in);
    FVM_TRY(fvm_cbor_int(&v, in));
    *out = (uint64_t)v;
    return FVM_OK;
}

fvm_err fvm_message_read(fvm_message *out, fvm_bytes in, uint32_t network_version)
{
    const fvm_network *net = fvm_network_find(network_version);
    fvm_message m = { 0 };
    if (!net) return FVM_ERR_VERSION;
    bool v2 = net->era == FVM_ERA_V2;
    FVM_TRY(fvm_cbor_tuple(MESSAGE_FIELDS, &in));
    FVM_TRY(read_number(&m.version, &in, v2));
    FVM_TRY(read_address(&m.to, &in, !v2));
    FVM_TRY(read_address(&m.from, &in, !v2));
    FVM_TRY(fvm_cbor_uint(&m.nonce, &in));
    FVM_TRY(read_amount(&m.value, &in));
    FVM_TRY(read_number(&m.gas_limit, &in, v2));
    FVM_TRY(read_amount(&m.gas_fee_cap, &in));
    FVM_TRY(read_amount(&m.gas_premium, &in));
    FVM_TRY(fvm_cbor_uint(&m.method, &in));
    FVM_TRY(fvm_cbor_bytes(&m.params, &in, NULL));
    FVM_TRY(fvm_cbor_end(in));
    *out = m;
    return FVM_OK;
}

static fvm_err put_address(fvm_buf *out, const fvm_address *a)
{
    return fvm_cbor_put_bytes(out, (fvm_bytes){ a->bytes, a->len });
}

static fvm_err put_amount(fvm_buf *out, const fvm_big *v)
{
    uint8_t wire[FVM_BIG_WIRE_MAX];
    size_t n = fvm_big_write(wire, v);
    if (n > FVM_BIG_WIRE_MAX) return FVM_ERR_RANGE;
    return fvm_cbor_put_bytes(out, (fvm_bytes){ wire, n });
}

static fvm_err put_message(fvm_buf *out, const fvm_message *m)
{
    FVM_TRY(fvm_cbor_put_array(out, MESSAGE_FIELDS));
    FVM_TRY(fvm_cbor_put_uint(out, m->version));
    FVM_TRY(put_address(out, &m->to));
    FVM_TRY(put_address(out, &m->from));
    FVM_TRY(fvm_cbor_put_uint(out, m->nonce));
    FVM_TRY(put_amount(out, &m->value));
    FVM_TRY(fvm_cbor_put_uint(out, m->gas_limit));
    FVM_TRY(put_amount(out, &m->gas_fee_cap));
    FVM_TRY(put_amount(out, &m->gas_premium));
    FVM_TRY(fvm_cbor_put_uint(out, m->method));
    return fvm_cbor_put_bytes(out, m->params);
}

fvm_err fvm_message_write(fvm_buf *out, const fvm_message *message)
{
    size_t start = out->len;
    fvm_err err = put_message(out, message);
    if (err != FVM_OK) out->len = start;
    return err;
}

void fvm_receipt_init(fvm_receipt *receipt, const fvm_allocator *alloc)
{
    *receipt = (fvm_receipt){ 0 };
    fvm_buf_init(&receipt->return_data, alloc);
    fvm_buf_init(&receipt->events, alloc);
}

void fvm_receipt_deinit(fvm_receipt *receipt)
{
    fvm_buf_deinit(&receipt->return_data);
    fvm_buf_deinit(&receipt->events);
}

static fvm_err put_receipt(fvm_buf *out, const fvm_receipt *r, bool events)
{
    FVM_TRY(fvm_cbor_put_array(out, events ? 4 : 3));
    FVM_TRY(fvm_cbor_put_uint(out, r->exit_code));
    FVM_TRY(fvm_cbor_put_bytes(out, fvm_buf_bytes(&r->return_data)));
    FVM_TRY(fvm_cbor_put_uint(out, r->gas_used));
    if (!events) return FVM_OK;
    return r->has_events_root ? fvm_cbor_put_cid(out, &r->events_root) : fvm_cbor_put_null(out);
}

fvm_err fvm_receipt_write(fvm_buf *out, const fvm_receipt *receipt, uint32_t network_version)
{
    const fvm_network *net = fvm_network_find(network_version);
    size_t start = out->len;
    if (!net) return FVM_ERR_VERSION;
    fvm_err err = put_receipt(out, receipt, net->era != FVM_ERA_V2);
    if (err != FVM_OK) out->len = start;
    return err;
}
