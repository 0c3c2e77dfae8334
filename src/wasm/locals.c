/* locals.c - the declarations of a body, the types of its locals and their new numbers, and which of
 * them are zeroed when. */
#include "wasm/validate.h"

static fvm_err add_locals(fvm__validator *v, uint32_t count, char type)
{
    if (count == 0) return FVM_OK;
    uint32_t begin = v->n_locals;
    v->n_locals += count;
    if (begin < FVM__FAST_LOCALS)
        memset(v->fast_locals + begin, type,
               count < FVM__FAST_LOCALS - begin ? count : FVM__FAST_LOCALS - begin);
    if (v->n_locals <= FVM__FAST_LOCALS) return FVM_OK;
    if (v->n_runs && v->runs[v->n_runs - 1].type == type) {
        v->runs[v->n_runs - 1].end = v->n_locals;
        return FVM_OK;
    }
    FVM_TRY(fvm__vector_grow(v->alloc, &v->runs, &v->cap_runs, (uint64_t)v->n_runs + 1,
                             sizeof *v->runs));
    v->runs[v->n_runs++] = (fvm__local_run){ .end = v->n_locals, .type = type };
    return FVM_OK;
}

static char local_type(const fvm__validator *v, uint32_t index)
{
    if (index < FVM__FAST_LOCALS) return v->fast_locals[index];
    uint32_t low = 0, high = v->n_runs - 1; /* the first run that ends past the index */
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (v->runs[mid].end > index)
            high = mid;
        else
            low = mid + 1;
    }
    return v->runs[low].type;
}

static uint32_t near_local(const fvm__validator *v, uint32_t index, uint32_t place)
{
    return place << 8 | (uint8_t)v->fast_locals[index];
}

/* The common path knows parameters from the beginning, others when they have been named. */
static void begin_near(fvm__validator *v)
{
    memset(v->near, 0xff, v->n_near * sizeof *v->near); /* FVM__NOT_NEAR */
    v->n_near = v->n_locals < FVM__NEAR_LOCALS ? v->n_locals : FVM__NEAR_LOCALS;
    for (uint32_t i = 0; i < v->n_params && i < v->n_near; i++) v->near[i] = near_local(v, i, i);
}

static void name_local(fvm__validator *v, uint32_t index)
{
    if (v->used[index].body == v->body) return;
    v->used[index].body = v->body;
    v->used[index].place = v->n_used++;
}

/* Locals that are zeroed in chunks are left to the careful path. */
uint32_t fvm__new_near_local(fvm__validator *v, uint8_t index)
{
    if (index >= v->n_near || v->n_used >= v->chunks_at) return FVM__NOT_NEAR;
    name_local(v, index);
    return v->near[index] = near_local(v, index, v->used[index].place);
}

/* The type of the local and the number under which the back end knows it. A body may declare many
 * locals in a few bytes: those that it does not use shall cost nothing when it runs. */
fvm_err fvm__get_local(fvm__validator *v, uint32_t *place, char *type)
{
    uint32_t index;
    FVM_TRY(fvm__get_u32(v->d, &index));
    if (index >= v->n_locals) return FVM__INVALID(v->d, "unknown local");
    *type = local_type(v, index);
    *place = index;
    if (index < v->n_params || !fvm__live(v)) return FVM_OK;
    name_local(v, index);
    *place = v->used[index].place;
    if (index < FVM__NEAR_LOCALS && *place < v->chunks_at)
        v->near[index] = near_local(v, index, *place);
    return FVM_OK;
}

/* Room to number `n` locals; what was there stays, marked by the body that it belongs to. */
static fvm_err begin_used(fvm__validator *v, uint32_t n)
{
    uint32_t had = v->cap_used;
    FVM_TRY(fvm__vector_grow(v->alloc, &v->used, &v->cap_used, n, sizeof *v->used));
    if (v->cap_used > had) memset(v->used + had, 0, (v->cap_used - had) * sizeof *v->used);
    v->body++;
    return FVM_OK;
}

/* Bodies with up to so many locals have all of them zeroed on entry. */
#define ZEROED_ON_ENTRY (2 * FVM__ZERO_CHUNK)

static uint32_t chunks_of(uint32_t locals)
{
    return (locals + FVM__ZERO_CHUNK - 1) / FVM__ZERO_CHUNK;
}

/* Numbers begin behind the parameters and, where locals are zeroed in chunks, a bitmap of those;
 * the first chunk belongs to the entry. */
static void place_locals(fvm__validator *v, fvm__func_def *func)
{
    uint32_t declared = v->n_locals - v->n_params;
    v->zeroed_chunk = 0;
    v->bitmap_at = v->n_used = v->n_params;
    v->chunks_at = func->n_locals = func->n_zeroed = v->n_locals;
    if (declared <= ZEROED_ON_ENTRY) return;
    uint32_t chunks = chunks_of(declared - FVM__ZERO_CHUNK);
    v->n_used += (chunks + 63) / 64;
    v->chunks_at = func->n_zeroed = v->n_used + FVM__ZERO_CHUNK;
    func->n_locals = v->chunks_at + chunks * FVM__ZERO_CHUNK;
}

/* When it is known which locals are in use; chunks count as a whole. */
void fvm__settle_locals(const fvm__validator *v, fvm__func_def *func)
{
    func->n_locals = func->n_zeroed = v->n_used;
    if (v->n_used <= v->chunks_at) return;
    func->n_zeroed = v->chunks_at;
    func->n_locals = v->chunks_at + chunks_of(v->n_used - v->chunks_at) * FVM__ZERO_CHUNK;
}

/* Before live code uses a local. */
fvm_err fvm__see_to_zero(fvm__validator *v, uint32_t place)
{
    if (place < v->chunks_at) return FVM_OK;
    uint32_t chunk = (place - v->chunks_at) / FVM__ZERO_CHUNK;
    if (v->zeroed_chunk == chunk + 1) return FVM_OK;
    v->zeroed_chunk = chunk + 1;
    return v->be->ops->zero_locals(v->be, v->chunks_at + chunk * FVM__ZERO_CHUNK, v->bitmap_at,
                                   chunk);
}

/* The declarations of a body; sets the function's number of locals and the limiter's L. */
fvm_err fvm__get_locals(fvm__validator *v, fvm__func_def *func)
{
    uint32_t groups;
    v->n_locals = v->n_runs = 0;
    v->n_params = func->n_params;
    for (uint32_t i = 0; i < func->n_params; i++) FVM_TRY(add_locals(v, 1, func->type->params[i]));
    FVM_TRY(fvm__get_count(v->d, &groups, UINT32_MAX, ""));
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t count;
        char type;
        FVM_TRY(fvm__get_u32(v->d, &count));
        if (count > FVM__MAX_LOCALS - v->n_locals) return FVM__MALFORMED(v->d, "too many locals");
        FVM_TRY(fvm__get_value_type(v->d, &type));
        FVM_TRY(add_locals(v, count, type));
    }
    bool by_count = v->m->rules.metering == FVM_WASM_METERING_V2;
    FVM_TRY(begin_used(v, v->n_locals));
    place_locals(v, func);
    begin_near(v);
    func->stack_cost = !v->metered ? 0 : by_count ? v->n_locals - func->n_params : groups;
    return FVM_OK;
}
