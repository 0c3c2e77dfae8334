/* init.c - actor f01: makes actors and knows the addresses of all. Reference: actors.md 4. */
#include "common/builtin.h"

#define ADDRESS_MAP_WIDTH 5

#define INIT(F)                                                                                    \
    F(cid, address_map)                                                                            \
    F(uint, next_id)                                                                               \
    F(text, network_name)
FVM_STRUCT(state, INIT)

#define CONSTRUCTOR(F) F(text, network_name)
FVM_STRUCT(constructor_params, CONSTRUCTOR)

#define EXEC(F)                                                                                    \
    F(cid, code)                                                                                   \
    F(bytes, constructor)
FVM_STRUCT(exec_params, EXEC)

#define EXEC4(F)                                                                                   \
    F(cid, code)                                                                                   \
    F(bytes, constructor)                                                                          \
    F(bytes, subaddress)
FVM_STRUCT(exec4_params, EXEC4)

#define CREATED(F)                                                                                 \
    F(address, id)                                                                                 \
    F(address, robust)
FVM_STRUCT(created, CREATED)

static uint32_t constructor(uint32_t params)
{
    constructor_params p;
    state s;
    FVM_PARAMS(constructor_params, &p, params);
    builtin_require_caller(FVM_SYSTEM_ACTOR);
    builtin_empty_map(&s.address_map);
    s.next_id = BUILTIN_FIRST_USER_ID;
    s.network_name = p.network_name;
    BUILTIN_STATE_CREATE(state, &s);
    return 0;
}

/* --- addresses to IDs --- */

/* An address that stays the same if the chain reorganises, other than an ID. */
static fvm_address next_address(void)
{
    fvm_address a = { .len = 0 };
    uint32_t len;
    fvm_check(fvm_sys_next_actor_address(&len, a.bytes, sizeof a.bytes));
    a.len = (uint8_t)len;
    return a;
}

static fvm_bytes bytes_of(const fvm_address *a)
{
    return (fvm_bytes){ a->bytes, a->len };
}

/* Maps `robust`, and `delegated` if not NULL, to a new ID; or `robust` to the ID that `delegated` has
 * already: then `*existed`. Writes the state. */
static uint64_t map_addresses(const fvm_address *robust, const fvm_address *delegated,
                              bool *existed)
{
    uint8_t room[9];
    fvm_bytes value = { 0 };
    fvm_hamt *map;
    state s;
    bool fresh;
    BUILTIN_STATE_LOAD(state, &s);
    builtin_map(
        fvm_hamt_load(&map, fvm_blocks(), &s.address_map, ADDRESS_MAP_WIDTH, &fvm_heap_allocator));
    fvm_err err = FVM_ERR_NOT_FOUND;
    if (delegated) err = fvm_hamt_get(map, &value, bytes_of(delegated));
    *existed = err == FVM_OK;
    uint64_t id = s.next_id;
    if (*existed) {
        fvm_dec d = fvm_dec_of(value);
        id = fvm_get_uint(&d);
        fvm_require(fvm_dec_good(&d), FVM_USR_ILLEGAL_STATE, "map");
    } else {
        if (err != FVM_ERR_NOT_FOUND) builtin_map(err);
        fvm_require(s.next_id++ != UINT64_MAX, FVM_USR_ASSERTION_FAILED, "no more IDs");
    }
    fvm_enc e = fvm_enc_into(room, sizeof room);
    fvm_put_uint(&e, id);
    fvm_bytes encoded = { room, (size_t)(e.at - room) };
    if (delegated && !*existed) builtin_map(fvm_hamt_set(map, bytes_of(delegated), encoded));
    builtin_map(fvm_hamt_set_if_absent(map, &fresh, bytes_of(robust), encoded));
    fvm_require(fresh, FVM_USR_FORBIDDEN, "address in use");
    builtin_map(fvm_hamt_flush(map, &s.address_map));
    FVM_STATE_SAVE(state, &s);
    return id;
}

/* --- creation --- */

/* Makes the actor and has it constructed, with the value that came. */
static uint32_t create(uint64_t id, const fvm_address *robust, const fvm_address *delegated,
                       const uint8_t *code, fvm_bytes constructor_bytes)
{
    uint32_t error = fvm_sys_create_actor(id, code, delegated ? delegated->bytes : NULL,
                                          delegated ? delegated->len : 0);
    if (error && error != FVM_E_ILLEGAL_ARGUMENT && error != FVM_E_FORBIDDEN)
        error = FVM_E_ASSERTION_FAILED;
    fvm_check(error);
    created c = { fvm_address_id(id), *robust };
    (void)builtin_send_must(&c.id, FVM_METHOD_CONSTRUCTOR, builtin_raw_params(constructor_bytes),
                            fvm_call.value, 0);
    return FVM_RETURN(created, &c);
}

static int32_t type_of_code(const uint8_t *code)
{
    int32_t type;
    fvm_check(fvm_sys_builtin_type(&type, code));
    return type;
}

#ifdef INSTALL_CODE
/* Codes of users: doc/user-actors.md. An installed code belongs to an actor that nobody constructed, at
 * the f2 address of the code: so the state tree holds the code, and this actor's state is what it is
 * on mainnet. */

/* f2 and the first 20 bytes of the code's digest. */
static fvm_address address_of_code(const fvm_cid *code)
{
    fvm_address a = { .len = 21, .bytes = { FVM_PROTOCOL_ACTOR } };
    __builtin_memcpy(a.bytes + 1, code->digest, 20);
    return a;
}

static bool is_installed(const fvm_cid *code)
{
    fvm_address address = address_of_code(code);
    uint8_t want[FVM_CID_BYTES_MAX], found[100];
    size_t len = fvm_cid_write(want, code);
    uint64_t id;
    return fvm_resolve(&id, &address) && fvm_actor_code(found, id) == len &&
           __builtin_memcmp(found, want, len) == 0;
}

#define INSTALL(F) F(bytes, code)
FVM_STRUCT(install_params, INSTALL)

#define INSTALLED(F)                                                                               \
    F(cid, code)                                                                                   \
    F(bool, installed)
FVM_STRUCT(installed, INSTALLED)

static uint32_t install_code(uint32_t params)
{
    uint8_t code[FVM_LINK_LEN];
    install_params p;
    installed out = { .installed = false };
    bool existed;
    FVM_PARAMS(install_params, &p, params);
    fvm_block_put(code, FVM_BLOCK_RAW, p.code);
    fvm_must(fvm_cid_read(&out.code, NULL, (fvm_bytes){ code, sizeof code }));
    fvm_require(type_of_code(code) == 0, FVM_USR_FORBIDDEN, "a built-in actor's code");
    if (!is_installed(&out.code)) {
        fvm_check(fvm_sys_install_actor(code));
        fvm_address address = address_of_code(&out.code);
        uint64_t id = map_addresses(&address, NULL, &existed);
        fvm_check(fvm_sys_create_actor(id, code, NULL, 0));
        out.installed = true;
    }
    return FVM_RETURN(installed, &out);
}
#else
static bool is_installed(const fvm_cid *code)
{
    (void)code;
    return false;
}
#endif

static bool may_exec(const fvm_cid *cid, const uint8_t *code)
{
    switch (type_of_code(code)) {
    case 0: return is_installed(cid);
    case BUILTIN_MULTISIG:
    case BUILTIN_PAYCH: return true;
    case BUILTIN_MINER: return fvm_actor_type(fvm_call.caller) == BUILTIN_POWER;
    default: return false;
    }
}

static uint32_t exec(uint32_t params)
{
    uint8_t code[FVM_CID_BYTES_MAX];
    exec_params p;
    bool existed;
    FVM_PARAMS(exec_params, &p, params);
    (void)fvm_cid_write(code, &p.code);
    fvm_require(may_exec(&p.code, code), FVM_USR_FORBIDDEN, "caller may not make such actors");
    fvm_address robust = next_address();
    uint64_t id = map_addresses(&robust, NULL, &existed);
    return create(id, &robust, NULL, code, p.constructor);
}

static uint32_t exec4(uint32_t params)
{
    uint8_t code[FVM_CID_BYTES_MAX], found[100];
    fvm_address delegated;
    exec4_params p;
    bool existed;
    FVM_PARAMS(exec4_params, &p, params);
    builtin_require_caller(FVM_EAM_ACTOR);
    (void)fvm_cid_write(code, &p.code);
    fvm_require(fvm_address_delegated(&delegated, fvm_call.caller, p.subaddress) == FVM_OK,
                FVM_USR_ILLEGAL_ARGUMENT, "subaddress");
    fvm_address robust = next_address();
    uint64_t id = map_addresses(&robust, &delegated, &existed);
    if (existed) { /* only placeholders may be replaced; a deleted actor has no code */
        fvm_require(fvm_actor_code(found, id) != 0 && type_of_code(found) == BUILTIN_PLACEHOLDER,
                    FVM_USR_FORBIDDEN, "address in use");
    }
    return create(id, &robust, &delegated, code, p.constructor);
}

#ifdef INSTALL_CODE
#define INIT_MORE FVM_METHOD(4, install_code)
#else
#define INIT_MORE
#endif

/* clang-format off */
BUILTIN_ACTOR(
    FVM_METHOD(FVM_METHOD_CONSTRUCTOR, constructor)
    FVM_METHOD(2, exec)
    FVM_METHOD(3, exec4)
    INIT_MORE
)
