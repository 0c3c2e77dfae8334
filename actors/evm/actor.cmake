# The interpreter pays for each instruction, so it is compiled for speed.
set(ACTOR_FLAGS -O2)
include(${folder}/precompiles/precompiles.cmake)
