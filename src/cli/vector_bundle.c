/* vector_bundle.c - the built-in actors of a vector that brings none: a bundle out of the user's
 * folder, layered below the blocks of the vector. */
#include "vector.h"

/* Version of the actors by network version, from nv17 on: what mainnet ran. */
static const uint8_t actors_of_network[] = { 9, 10, 11, 11, 12, 13, 14, 15, 16, 16, 17, 18, 19 };

static const char *bundle_name(char room[FVM_BUNDLE_NAME_MAX], const fvm_vector *v)
{
    if (v->bundle) return strcmp(v->bundle, "stub") == 0 ? NULL : v->bundle;
    if (!v->extracted || v->variant_count == 0) return NULL;
    uint32_t nv = v->variants[0].nv;
    if (nv < 17 || nv - 17 >= FVM_COUNT(actors_of_network)) return NULL;
    (void)snprintf(room, FVM_BUNDLE_NAME_MAX, "mainnet-v%u", actors_of_network[nv - 17]);
    return room;
}

fvm_err fvm_vector_open_bundle(fvm_vector *v, fvm_store_why *why)
{
    char room[FVM_BUNDLE_NAME_MAX];
    const char *name = bundle_name(room, v);
    fvm_bundle_info info;
    fvm_store_why store_why = { { 0 } };
    if (!name) return FVM_OK;
    fvm_err err = fvm_bundle_open(&v->bundle_blocks, &info, NULL, name, NULL, &store_why);
    if (err == FVM_ERR_NOT_FOUND) {
        v->bundle_missing = store_why;
        return FVM_OK;
    }
    if (err != FVM_OK)
        return fvm__why(why, err, "%s", store_why.text[0] ? store_why.text : fvm_err_text(err));
    if (v->has_manifest && !fvm_cid_eq(&v->manifest, &info.manifest))
        return fvm__why(why, FVM_ERR_MISMATCH, "%s: the bundle %s here has another manifest",
                        v->file, name);
    const fvm_blockstore *const layers[] = { &v->blocks, &v->bundle_blocks };
    err = fvm_blockstore_layered_new(&v->layers, layers, FVM_COUNT(layers), NULL);
    return err == FVM_OK ? FVM_OK : fvm__why(why, err, "%s", fvm_err_text(err));
}

const fvm_blockstore *fvm_vector_blocks(const fvm_vector *v)
{
    return v->layers.ops ? &v->layers : &v->blocks;
}
