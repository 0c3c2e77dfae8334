/* car.h - what the files of `fvm car` share. */
#ifndef FVM_CLI_CAR_H
#define FVM_CLI_CAR_H

#include "blocks.h"
#include "store/carstream.h"

typedef struct fvm_car_command {
    const char **words; /* after the name of the action */
    int count;
    const char *output;
    uint64_t codec, hash;
    fvm_buf roots; /* array of fvm_cid */
    bool allow_missing, links, no_sync, json;
} fvm_car_command;

/** A CAR read from its beginning: a file, or stdin for "-". */
typedef struct fvm_car_input {
    fvm__carstream cs;
    fvm__file_source file;
    int fd;
    uint64_t size; /* bytes; 0: not known */
} fvm_car_input;
/** Keep it where it is: the stream points into it. `path` is borrowed. */
FVM_NODISCARD fvm_err fvm_car_input_open(fvm_car_input *in, const char *path, fvm_store_why *why);
void fvm_car_input_close(fvm_car_input *in);

fvm_cli_exit fvm_car_verify(const fvm_car_command *c);
fvm_cli_exit fvm_car_list(const fvm_car_command *c);
fvm_cli_exit fvm_car_stat(const fvm_car_command *c);
#endif
