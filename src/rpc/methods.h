/* methods.h - the handlers of methods.def. */
#ifndef FVM_RPC_METHODS_H
#define FVM_RPC_METHODS_H

#include "node.h"

#define METHOD(names, handler, min, max, tier, params, result) fvm_err handler(fvm_rpc_call *call);
#include "methods.def"
#undef METHOD
#endif
