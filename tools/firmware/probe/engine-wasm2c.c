#include "engine.h"
#include "rivulet.h"

#define RIVULET_NO_WASM
#include "model.h"

const char *engine_start(void) {
  rivulet_init();
  return 0;
}
uint8_t *engine_memory(void) { return rivulet_memory; }
int engine_step(void) { return rivulet_step(); }
int engine_selftest(void) { return rivulet_selftest(); }
int32_t engine_drive(int32_t seed, int32_t steps) {
#ifdef HAS_DRIVE
  return rivulet_drive(seed, steps);
#else
  (void)seed, (void)steps;
  return -1;
#endif
}
uint32_t engine_memory_used(void) { return RIVULET_MEMORY_SIZE; }
const char *engine_error(void) { return ""; }
