/* curve.h - how much there is to be earned: the curves of reference/actors.md 10, in fixed point with
 * 128 bits behind the point (Q.128). All shifts and divisions round down. */
#ifndef FVM_ACTORS_REWARD_CURVE_H
#define FVM_ACTORS_REWARD_CURVE_H

#include "common/builtin.h"
#include "common/wide.h"

#define ESTIMATE(F)                                                                                \
    F(wide, position)                                                                              \
    F(wide, velocity)
FVM_STRUCT(estimate, ESTIMATE) /* Q.128 */

#define REWARD(F)                                                                                  \
    F(wide, cumsum_baseline)                                                                       \
    F(wide, cumsum_realized)                                                                       \
    F(int, effective_network_time)                                                                 \
    F(wide, effective_baseline_power)                                                              \
    F(wide, this_epoch_reward)                                                                     \
    F(estimate, smoothed)                                                                          \
    F(wide, this_epoch_baseline_power)                                                             \
    F(int, epoch)                                                                                  \
    F(wide, total_storage_power_reward)                                                            \
    F(wide, simple_total)                                                                          \
    F(wide, baseline_total)
FVM_STRUCT(state, REWARD)

/** The first state, at epoch 0 with `power` realized. */
void curve_start(state *s, const wide *power);
/** On by an epoch without reward: the epochs of null rounds. */
void curve_step(state *s, const wide *power);
/** On by an epoch, and the reward of the new one. */
void curve_step_with_reward(state *s, const wide *power);
/** Moves the estimate on by `epochs` > 0, towards the reward now. */
void curve_smooth(state *s, int64_t epochs);

#endif
