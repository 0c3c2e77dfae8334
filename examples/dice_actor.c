/* An actor that throws dice: returns the beacon's randomness of the last epoch as a raw block.
 * Compile as upper_actor.c. */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#define SYSCALL(module, name) __attribute__((import_module(module), import_name(name))) extern u32
SYSCALL("network", "context") network_context(void *context_out);
SYSCALL("rand", "get_beacon_randomness") get_beacon_randomness(u8 *out, i64 epoch);
SYSCALL("ipld", "block_create") block_create(u32 *id_out, u64 codec, const u8 *data, u32 len);
SYSCALL("vm", "exit") vm_exit(u32 code, u32 block, const char *message, u32 message_len);

static union {
    i64 epoch; /* the first field of 44 bytes: reference of the syscall, network.context */
    u8 bytes[44];
} context;
static u8 dice[32];

__attribute__((export_name("invoke"))) u32 invoke(u32 params)
{
    u32 id, error;
    (void)params;
    if ((error = network_context(&context))) vm_exit(16 + error, 0, 0, 0);
    if ((error = get_beacon_randomness(dice, context.epoch - 1))) vm_exit(16 + error, 0, 0, 0);
    if ((error = block_create(&id, 0x55, dice, sizeof dice))) vm_exit(16 + error, 0, 0, 0);
    return id;
}
