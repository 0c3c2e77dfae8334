/* methods.c - the table of methods; see methods.def. */
#include "methods.h"

#define METHOD(names, handler, min, max, tier, params, result)                                     \
    { names, handler, min, max, tier, params, result },
const fvm_rpc_method fvm_rpc_methods[] = {
#include "methods.def"
};
#undef METHOD
const size_t fvm_rpc_method_count = FVM_COUNT(fvm_rpc_methods);
