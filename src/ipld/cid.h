/* Internal name of the public header. */
#ifndef FVM_IPLD_CID_H
#define FVM_IPLD_CID_H
#include <fvm/cid.h>
#endif
