/* actor.h - the SDK for actors in C, whole. A tutorial is in doc/sdk.md. */
#ifndef FVM_ACTOR_H
#define FVM_ACTOR_H

#include <fvm/actor/abi.h>
#include <fvm/actor/block.h>
#include <fvm/actor/cbor.h>
#include <fvm/actor/chain.h>
#include <fvm/actor/collections.h>
#include <fvm/actor/dispatch.h>
#include <fvm/actor/event.h>
#include <fvm/actor/exit.h>
#include <fvm/actor/heap.h>
#include <fvm/actor/send.h>
#include <fvm/actor/struct.h>
#include <fvm/actor/syscalls.h>
#include <fvm/actor/u256.h>

#endif
