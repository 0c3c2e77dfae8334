/* idle_actor.h - the smallest actor there is, for states that need a code at the places of built-in
 * actors but none of their behaviour: it has a memory of no pages and returns no value.
 *
 *     (module (memory (export "memory") 0)
 *       (func (export "invoke") (param i32) (result i32) i32.const 0)) */
#ifndef FVM_MACHINE_IDLE_ACTOR_H
#define FVM_MACHINE_IDLE_ACTOR_H

#include <stdint.h>

static const uint8_t fvm__idle_actor[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, /* magic, version */
    0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01, 0x7f, /* type (i32) -> i32 */
    0x03, 0x02, 0x01, 0x00,                         /* function 0 */
    0x05, 0x03, 0x01, 0x00, 0x00,                   /* memory, no pages */
    0x07, 0x13, 0x02, 0x06, 'm',  'e',  'm',  'o',  'r',  'y',  0x02,
    0x00, 0x06, 'i',  'n',  'v',  'o',  'k',  'e',  0x00, 0x00, /* exports */
    0x0a, 0x06, 0x01, 0x04, 0x00, 0x41, 0x00, 0x0b,             /* i32.const 0 */
};
#endif
