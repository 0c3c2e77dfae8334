/* fvm.h - all of libfvm's public headers. */
#ifndef FVM_FVM_H
#define FVM_FVM_H

#include <fvm/address.h>
#include <fvm/base.h>
#include <fvm/big.h>
#include <fvm/blockstore.h>
#include <fvm/cid.h>
#include <fvm/externs.h>
#include <fvm/genesis.h>
#include <fvm/machine.h>
#include <fvm/message.h>
#include <fvm/sandbox.h>
#include <fvm/store.h>
#include <fvm/trace.h>

#endif
