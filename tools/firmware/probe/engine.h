// One model under one runtime, as the tests and measurements see it.
#ifndef RIVULET_ENGINE_H
#define RIVULET_ENGINE_H

#include <stdint.h>

// NULL, or what is wrong.
const char *engine_start(void);
uint8_t *engine_memory(void);
// What went wrong last, "" when nothing did.
const char *engine_error(void);
int engine_step(void);
int engine_selftest(void);

// The export `drive` of modules that are built for tests; -1 when there is none.
int32_t engine_drive(int32_t seed, int32_t steps);

// Bytes of heap and of static memory of the runtime, linear memory included.
uint32_t engine_memory_used(void);

#endif
