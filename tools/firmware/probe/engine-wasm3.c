#include "../wasm3-cortex-m/rivulet_wasm3.h"
#include "engine.h"

const char *engine_start(void) { return rivulet_begin(); }
uint8_t *engine_memory(void) { return rivulet_memory(); }
int engine_step(void) { return rivulet_step(); }
int engine_selftest(void) { return rivulet_selftest(); }
int32_t engine_drive(int32_t seed, int32_t steps) { return rivulet_call("drive", seed, steps); }
uint32_t engine_memory_used(void) { return rivulet_heap_used(); }
const char *engine_error(void) { return rivulet_error(); }
