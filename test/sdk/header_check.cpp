// The SDK from C++: every header, and an actor.
#include <fvm/actor.h>

#define SUM(F)   \
    F(uint, a)   \
    F(token, b)
FVM_STRUCT(sum, SUM)
FVM_LIST(sums, sum)

static uint32_t add(uint32_t params)
{
    sum s;
    FVM_PARAMS(sum, &s, params);
    s.a++;
    return FVM_RETURN(sum, &s);
}

FVM_ACTOR(FVM_METHOD(2, add))
