/* call_tree.c - see call_tree.h. Nodes are in the order in which calls began, so a parent is before its
 * children, and sums go backwards without recursion. */
#include "call_tree.h"

#include "base/vector.h"

#define NODES_MAX 200000u
#define CHARGES_MAX 2000000u
#define BYTES_MAX ((size_t)64 << 20)

void fvm_call_tree_init(fvm_call_tree *t, bool with_charges, const fvm_allocator *alloc)
{
    memset(t, 0, sizeof *t);
    t->alloc = alloc;
    t->with_charges = with_charges;
    t->open = FVM_CALL_TREE_NONE;
    fvm_buf_init(&t->bytes, alloc);
}

void fvm_call_tree_deinit(fvm_call_tree *t)
{
    fvm_mem_free(t->alloc, t->nodes, t->cap * sizeof *t->nodes);
    fvm_mem_free(t->alloc, t->charges, t->charge_cap * sizeof *t->charges);
    fvm_buf_deinit(&t->bytes);
}

void fvm_call_tree_reset(fvm_call_tree *t)
{
    t->count = t->charge_count = 0;
    t->open = FVM_CALL_TREE_NONE;
    t->bytes.len = 0;
    t->err = FVM_OK;
}

static fvm_err keep(fvm_call_tree *t, uint32_t *at, uint32_t *len, fvm_bytes bytes)
{
    if (t->bytes.len + bytes.len > BYTES_MAX) return FVM_ERR_LIMIT;
    *at = (uint32_t)t->bytes.len;
    *len = (uint32_t)bytes.len;
    return fvm_buf_append(&t->bytes, bytes);
}

static fvm_err begin_call(fvm_call_tree *t, const fvm_trace_event *e)
{
    if (t->count == NODES_MAX) return FVM_ERR_LIMIT;
    FVM_TRY(fvm_vector_grow(t->alloc, &t->nodes, &t->cap, (uint64_t)t->count + 1, sizeof *t->nodes,
                            16, NODES_MAX));
    uint32_t at = t->count;
    fvm_call_node *n = &t->nodes[at];
    memset(n, 0, sizeof *n);
    n->parent = t->open;
    n->first_child = n->last_child = n->next = FVM_CALL_TREE_NONE;
    n->from = e->from;
    n->to = *e->to;
    n->method = e->method;
    n->value = e->value ? *e->value : fvm_big_zero();
    n->params_codec = e->codec;
    n->gas_limit = e->gas_limit;
    n->read_only = e->read_only;
    FVM_TRY(keep(t, &n->params_at, &n->params_len, e->data));
    if (t->open != FVM_CALL_TREE_NONE) {
        fvm_call_node *p = &t->nodes[t->open];
        if (p->last_child == FVM_CALL_TREE_NONE)
            p->first_child = at;
        else
            t->nodes[p->last_child].next = at;
        p->last_child = at;
        p->children++;
    }
    t->count++;
    t->open = at;
    return FVM_OK;
}

static fvm_err end_call(fvm_call_tree *t, const fvm_trace_event *e)
{
    if (t->open == FVM_CALL_TREE_NONE) return FVM_OK;
    fvm_call_node *n = &t->nodes[t->open];
    n->returned = e->kind == FVM_TRACE_RETURN;
    n->exit_code = e->exit_code;
    n->error = e->error;
    n->return_codec = e->codec;
    FVM_TRY(keep(t, &n->data_at, &n->data_len, e->data));
    t->open = n->parent;
    return FVM_OK;
}

static fvm_err charge(fvm_call_tree *t, const fvm_trace_event *e)
{
    uint32_t at = t->open != FVM_CALL_TREE_NONE ? t->open : 0;
    if (t->open != FVM_CALL_TREE_NONE) t->nodes[t->open].milligas += e->charged;
    if (!t->with_charges) return FVM_OK;
    if (t->charge_count == CHARGES_MAX) return FVM_ERR_LIMIT;
    FVM_TRY(fvm_vector_grow(t->alloc, &t->charges, &t->charge_cap, (uint64_t)t->charge_count + 1,
                            sizeof *t->charges, 256, CHARGES_MAX));
    fvm_gas_charge *c = &t->charges[t->charge_count];
    *c = (fvm_gas_charge){ .node = at, .compute = e->compute, .other = e->other };
    FVM_TRY(keep(t, &c->name_at, &c->name_len, e->name));
    t->charge_count++;
    return FVM_OK;
}

static void see(void *ctx, const fvm_trace_event *e)
{
    fvm_call_tree *t = ctx;
    if (t->err != FVM_OK) return;
    switch (e->kind) {
    case FVM_TRACE_CALL: t->err = begin_call(t, e); break;
    case FVM_TRACE_RETURN:
    case FVM_TRACE_CALL_ERROR: t->err = end_call(t, e); break;
    case FVM_TRACE_CHARGE: t->err = charge(t, e); break;
    case FVM_TRACE_INVOKE:
        if (t->open != FVM_CALL_TREE_NONE) {
            t->nodes[t->open].invoked = true;
            t->nodes[t->open].id = e->id;
            t->nodes[t->open].code = *e->cid;
        }
        break;
    default: break;
    }
}

fvm_trace_sink fvm_call_tree_sink(fvm_call_tree *t)
{
    return (fvm_trace_sink){ see, t };
}

uint64_t fvm_call_tree_gas(const fvm_call_tree *t, uint32_t node)
{
    /* The calls inside are those that follow until one whose parent is before this node. */
    uint64_t sum = t->nodes[node].milligas;
    for (uint32_t i = node + 1;
         i < t->count && t->nodes[i].parent != FVM_CALL_TREE_NONE && t->nodes[i].parent >= node;
         i++)
        sum = fvm_sat_add_u64(sum, t->nodes[i].milligas);
    return sum / 1000;
}
