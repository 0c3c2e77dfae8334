/* state_actors.c - see state_actors.h. */
#include "state_actors.h"

#include <stdlib.h>

static fvm_err collect(void *ctx, uint64_t id, const fvm_actor *actor)
{
    fvm_state_actor e = { id, *actor };
    return fvm_buf_append(ctx, (fvm_bytes){ (const uint8_t *)&e, sizeof e });
}

static int by_id(const void *a, const void *b)
{
    uint64_t x = ((const fvm_state_actor *)a)->id, y = ((const fvm_state_actor *)b)->id;
    return (x > y) - (x < y);
}

fvm_err fvm_state_actors(fvm_buf *out, fvm_state_view *view)
{
    FVM_TRY(fvm_state_each(view, collect, out));
    size_t size = sizeof(fvm_state_actor);
    if (out->len) qsort(out->ptr, out->len / size, size, by_id);
    return FVM_OK;
}

bool fvm_actor_pairs_next(fvm_actor_pairs *pairs, const fvm_state_actor **left,
                          const fvm_state_actor **right)
{
    const fvm_state_actor *l = (const void *)pairs->left->ptr;
    const fvm_state_actor *r = (const void *)pairs->right->ptr;
    size_t i = pairs->i, j = pairs->j;
    bool has_l = i < pairs->left->len / sizeof *l, has_r = j < pairs->right->len / sizeof *r;
    *left = has_l && (!has_r || l[i].id <= r[j].id) ? &l[i] : NULL;
    *right = has_r && (!has_l || r[j].id <= l[i].id) ? &r[j] : NULL;
    pairs->i += *left != NULL;
    pairs->j += *right != NULL;
    return has_l || has_r;
}
