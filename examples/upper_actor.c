/* An actor without a chain and without an SDK: its state is a list of links to raw blocks; it writes
 * each of them again in capitals and sets the list of the new blocks as its root.
 *
 * clang-19 --target=wasm32 -mcpu=mvp -mbulk-memory -msign-ext -O2 -nostdlib -Wl,--no-entry \
 *     -o upper_actor.wasm upper_actor.c */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SYSCALL(module, name) __attribute__((import_module(module), import_name(name))) extern u32
SYSCALL("self", "root") self_root(u32 *len_out, u8 *cid, u32 cid_len);
SYSCALL("self", "set_root") self_set_root(const u8 *cid);
SYSCALL("ipld", "block_open") block_open(void *opened_out, const u8 *cid);
SYSCALL("ipld", "block_read") block_read(int *rest_out, u32 id, u32 offset, u8 *out, u32 len);
SYSCALL("ipld", "block_create") block_create(u32 *id_out, u64 codec, const u8 *data, u32 len);
SYSCALL("ipld", "block_link")
block_link(u32 *len_out, u32 id, u64 hash, u32 hash_len, u8 *cid, u32 cid_len);
SYSCALL("vm", "exit") vm_exit(u32 code, u32 block, const char *message, u32 message_len);

enum { RAW = 0x55, DAG_CBOR = 0x71, BLAKE2B_256 = 0xb220, CID_BYTES = 38, LINK_BYTES = 43 };
struct opened {
    u64 codec;
    u32 id, size;
};

static u8 list[1 + 23 * LINK_BYTES], leaf[65536], cid[100];

static void check(u32 error)
{
    if (error) vm_exit(16 + error, 0, 0, 0);
}

static u32 read_block(const u8 *at, u8 *out, u32 room)
{
    struct opened block;
    int rest;
    check(block_open(&block, at));
    check(block.size > room);
    check(block_read(&rest, block.id, 0, out, block.size));
    return block.size;
}

static void write_block(u64 codec, const u8 *data, u32 len, u8 *cid_out)
{
    u32 id, cid_len;
    check(block_create(&id, codec, data, len));
    check(block_link(&cid_len, id, BLAKE2B_256, 32, cid_out, sizeof cid));
}

__attribute__((export_name("invoke"))) u32 invoke(u32 params)
{
    (void)params;
    u32 cid_len;
    check(self_root(&cid_len, cid, sizeof cid));
    u32 len = read_block(cid, list, sizeof list);
    /* CBOR: a head of major 4 with the count, then links of d8 2a 58 27 00 and 38 bytes of CID */
    for (u32 at = 1; at + LINK_BYTES <= len; at += LINK_BYTES) {
        u32 n = read_block(list + at + 5, leaf, sizeof leaf);
        for (u32 i = 0; i < n; i++)
            if (leaf[i] >= 'a' && leaf[i] <= 'z') leaf[i] -= 'a' - 'A';
        write_block(RAW, leaf, n, cid);
        for (u32 i = 0; i < CID_BYTES; i++) list[at + 5 + i] = cid[i];
    }
    write_block(DAG_CBOR, list, len, cid);
    check(self_set_root(cid));
    return 0;
}
