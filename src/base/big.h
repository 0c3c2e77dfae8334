/* Internal name of the public header. */
#ifndef FVM_BASE_BIG_H
#define FVM_BASE_BIG_H
#include "util.h"
#include <fvm/big.h>
#endif
