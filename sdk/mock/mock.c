/* mock.c - the mock kernel: calls, blocks, state. See fvm/actor/mock.h. */
#include "mock_internal.h"

#include <string.h>

fvm_mock_world fvm_mock;
mock_kernel fvm__mock;

extern uint32_t invoke(uint32_t params);
void fvm__heap_restart(void);

void fvm__mock_die(const char *what)
{
    fprintf(stderr, "mock kernel: %s\n", what);
    exit(2);
}

static void must(fvm_err err)
{
    if (err != FVM_OK) fvm__mock_die(fvm_err_text(err));
}

/* --- blocks --- */

uint32_t fvm__mock_add_block(uint64_t codec, fvm_bytes data)
{
    mock_kernel *k = &fvm__mock;
    if (k->block_count == MOCK_BLOCKS_MAX) fvm__mock_die("too many blocks in one call");
    mock_block *block = &k->blocks[k->block_count++];
    block->codec = codec;
    block->len = data.len;
    block->data = malloc(data.len ? data.len : 1);
    if (!block->data) fvm__mock_die("out of memory");
    if (data.len) memcpy(block->data, data.ptr, data.len);
    return (uint32_t)k->block_count; /* handles count from 1 */
}

const mock_block *fvm__mock_block(uint32_t id)
{
    return id == 0 || id > fvm__mock.block_count ? NULL : &fvm__mock.blocks[id - 1];
}

static void drop_blocks(void)
{
    for (size_t i = 0; i < fvm__mock.block_count; i++) free(fvm__mock.blocks[i].data);
    fvm__mock.block_count = 0;
}

void fvm__mock_reach(const fvm_cid *cid)
{
    mock_kernel *k = &fvm__mock;
    if (fvm__mock_reaches(cid)) return;
    if (k->reach_count == k->reach_cap) {
        size_t cap = k->reach_cap ? 2 * k->reach_cap : 64;
        fvm_cid *more = realloc(k->reach, cap * sizeof *more);
        if (!more) fvm__mock_die("out of memory");
        k->reach = more;
        k->reach_cap = cap;
    }
    k->reach[k->reach_count++] = *cid;
}

bool fvm__mock_reaches(const fvm_cid *cid)
{
    for (size_t i = 0; i < fvm__mock.reach_count; i++)
        if (fvm_cid_eq(&fvm__mock.reach[i], cid)) return true;
    return false;
}

static fvm_err reach_link(void *ctx, const fvm_cid *cid)
{
    (void)ctx;
    fvm__mock_reach(cid);
    return FVM_OK;
}

void fvm__mock_reach_links(uint64_t codec, fvm_bytes data)
{
    if (codec != FVM_BLOCK_DAG_CBOR) return;
    must(fvm_cbor_links(data, reach_link, NULL)); /* checked when the block was made */
}

/* --- calls --- */

void fvm_mock_reset(void)
{
    static const uint8_t empty_array[] = { 0x80 };
    mock_kernel *k = &fvm__mock;
    drop_blocks();
    if (k->store.ops) fvm_blockstore_free(&k->store);
    for (size_t i = 0; i < k->event_count; i++) free(k->events[i].bytes);
    k->event_count = k->expected_count = k->expected_at = k->address_count = k->reach_count = 0;
    must(fvm_blockstore_memory_new(&k->store, NULL));
    must(fvm_blockstore_put_new(&k->store, &k->root, FVM_BLOCK_DAG_CBOR,
                                (fvm_bytes){ empty_array, 1 }));
    fvm_mock = (fvm_mock_world){
        .context = { .origin = 100, .caller = 100, .receiver = 1000 },
        .network = { .epoch = 100,
                     .timestamp = 1700000000,
                     .chain_id = 314,
                     .network_version = 27 },
        .circulating_supply = FVM_FIL(500000000),
        .caller_type = 4,
        .gas_available = UINT64_C(10000000000),
    };
}

fvm_mock_result fvm_mock_call_codec(uint64_t method, uint64_t codec, fvm_bytes params)
{
    mock_kernel *k = &fvm__mock;
    fvm_cid root = k->root;
    fvm_token balance = fvm_mock.balance;
    size_t events = k->event_count;
    if (!k->store.ops) fvm__mock_die("fvm_mock_reset comes first");
    drop_blocks();
    k->reach_count = 0;
    k->exit_code = k->exit_block = 0;
    k->message[0] = '\0';
    fvm_mock.context.method = method;
    fvm_mock.balance += (fvm_token)((fvm_uint128)fvm_mock.context.value.hi << 64 |
                                    fvm_mock.context.value.lo);
    uint32_t handle = params.len ? fvm__mock_add_block(codec, params) : 0;
    if (handle) fvm__mock_reach_links(codec, params);
    fvm__heap_restart();
    if (setjmp(k->exit) == 0) k->exit_block = invoke(handle);
    const mock_block *block = fvm__mock_block(k->exit_block);
    if (k->exit_block && !block) k->exit_code = 11; /* missing return */
    if (k->exit_code) {
        k->root = root;
        fvm_mock.balance = balance;
        while (k->event_count > events) free(k->events[--k->event_count].bytes);
    }
    fvm_mock_result result = { .exit_code = k->exit_code, .message = k->message };
    if (block) {
        result.has_data = true;
        result.codec = block->codec;
        result.data = (fvm_bytes){ block->data, block->len };
    }
    return result;
}

fvm_mock_result fvm_mock_call(uint64_t method, fvm_bytes params)
{
    return fvm_mock_call_codec(method, FVM_BLOCK_CBOR, params);
}

fvm_bytes fvm_mock_state(void)
{
    fvm_bytes state = { 0 };
    fvm_buf spare;
    fvm_buf_init(&spare, NULL);
    must(fvm_blockstore_view(&fvm__mock.store, &state, &spare, &fvm__mock.root));
    return state; /* the memory store gives views of its own */
}

/* --- sends and addresses --- */

void fvm_mock_expect_send(const fvm_address *to, uint64_t method, fvm_token value,
                          uint32_t exit_code, fvm_bytes answer)
{
    mock_kernel *k = &fvm__mock;
    if (k->expected_count == MOCK_SENDS_MAX) fvm__mock_die("too many expected sends");
    if (answer.len > sizeof k->expected[0].answer) fvm__mock_die("answer too long");
    mock_send *s = &k->expected[k->expected_count++];
    *s = (mock_send){ .to = *to,
                      .method = method,
                      .value = value,
                      .exit_code = exit_code,
                      .answer_len = answer.len };
    if (answer.len) memcpy(s->answer, answer.ptr, answer.len);
}

size_t fvm_mock_sends_left(void)
{
    return fvm__mock.expected_count - fvm__mock.expected_at;
}

fvm_bytes fvm_mock_sent_params(void)
{
    return (fvm_bytes){ fvm__mock.sent, fvm__mock.sent_len };
}

void fvm_mock_resolve(const fvm_address *address, uint64_t id)
{
    mock_kernel *k = &fvm__mock;
    if (k->address_count == MOCK_ADDRESSES_MAX) fvm__mock_die("too many addresses");
    k->addresses[k->address_count].address = *address;
    k->addresses[k->address_count++].id = id;
}

/* --- events --- */

size_t fvm_mock_events(void)
{
    return fvm__mock.event_count;
}

fvm_bytes fvm_mock_event(size_t index, const char *key)
{
    if (index >= fvm__mock.event_count) return (fvm_bytes){ 0 };
    const mock_event *event = &fvm__mock.events[index];
    const uint8_t *keys = event->bytes, *values = event->bytes + event->keys_len;
    for (uint32_t i = 0; i < event->count; i++) {
        const fvm_event_entry *e = &event->entries[i];
        if (e->key_len == strlen(key) && memcmp(keys, key, e->key_len) == 0)
            return (fvm_bytes){ values, e->value_len };
        keys += e->key_len;
        values += e->value_len;
    }
    return (fvm_bytes){ 0 };
}

/* --- schemas --- */

void fvm_mock_print_schema(FILE *out, const fvm_schema *schema)
{
    switch (schema->form) {
    case FVM_SCHEMA_VALUE: fprintf(out, "\"%s\"", schema->name); return;
    case FVM_SCHEMA_OPTIONAL:
    case FVM_SCHEMA_LIST:
        fprintf(out, "{\"%s\":", schema->form == FVM_SCHEMA_LIST ? "list" : "optional");
        fvm_mock_print_schema(out, schema->of);
        fputc('}', out);
        return;
    case FVM_SCHEMA_TUPLE: break;
    }
    fprintf(out, "{\"name\":\"%s\",\"fields\":[", schema->name);
    for (size_t i = 0; i < schema->field_count; i++) {
        fprintf(out, "%s{\"name\":\"%s\",\"type\":", i ? "," : "", schema->fields[i].name);
        fvm_mock_print_schema(out, schema->fields[i].schema);
        fputc('}', out);
    }
    fputs("]}", out);
}
