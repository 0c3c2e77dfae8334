/* actor_client.h - native actors on a node: codes installed by the init actor, actors made of them, calls. */
#ifndef FVM_CLI_ACTOR_CLIENT_H
#define FVM_CLI_ACTOR_CLIENT_H

#include "client.h"

/** Installs a module and makes an actor of it, and prints the outcome. `params` is the constructor's, in
 *  CBOR's notation; NULL: none. */
fvm_cli_exit fvm_actor_client_deploy(fvm_client *client, fvm_bytes module, const char *params);
/** Takes the contract's address out of what CreateExternal returned. */
void fvm_actor_client_created(fvm_outcome *outcome);

fvm_cli_exit fvm_cmd_actor_install(int argc, char **argv);
fvm_cli_exit fvm_cmd_actor_create(int argc, char **argv);
fvm_cli_exit fvm_cmd_actor_invoke(int argc, char **argv);
/** `fvm actor state ADDRESS`: that of a node. */
fvm_cli_exit fvm_cmd_actor_state_node(const char *address, const fvm_client_options *options);
#endif
