/* metrics.h - numbers about the node in Prometheus' text format. */
#ifndef FVM_RPC_METRICS_H
#define FVM_RPC_METRICS_H

#include "node.h"

/** Appends the text; without memory, what there was room for. */
void fvm_node_metrics(fvm_node *node, fvm_buf *out);
#endif
