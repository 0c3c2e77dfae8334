/* counter.c - state, parameters and exported methods: a number that anyone may add to. */
#include <fvm/actor.h>

/* [count] */
static uint64_t load(void)
{
    fvm_dec d = fvm_dec_of(fvm_state_load());
    fvm_get_tuple(&d, 1);
    uint64_t count = fvm_get_uint(&d);
    fvm_dec_done(&d);
    return count;
}

static void save(uint64_t count)
{
    uint8_t room[16];
    fvm_enc e = fvm_enc_into(room, sizeof room);
    fvm_put_array(&e, 1);
    fvm_put_uint(&e, count);
    fvm_state_save(fvm_enc_done(&e));
}

static uint32_t constructor(uint32_t params)
{
    fvm_params_none(params);
    save(0);
    return 0;
}

/* Params [amount]; returns the new count. */
static uint32_t add(uint32_t params)
{
    fvm_dec d = fvm_params(params);
    uint64_t count, amount;
    fvm_get_tuple(&d, 1);
    amount = fvm_get_uint(&d);
    fvm_dec_done(&d);
    fvm_require(!__builtin_add_overflow(load(), amount, &count), FVM_USR_ILLEGAL_ARGUMENT,
                "the count would overflow");
    save(count);
    return fvm_return_uint(count);
}

static uint32_t get(uint32_t params)
{
    fvm_params_none(params);
    return fvm_return_uint(load());
}

/* clang-format off */
FVM_ACTOR(
    FVM_METHOD(FVM_METHOD_CONSTRUCTOR, constructor)
    FVM_EXPORT(Add, add)
    FVM_EXPORT(Get, get)
)
