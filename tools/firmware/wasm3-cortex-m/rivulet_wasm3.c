#include "rivulet_wasm3.h"

#include "m3_env.h"
#include "model.h"
#include "wasm3.h"

// Bytes of wasm3's operand stack: the frames of what is called, as `rivulet build` has computed them for the module.
#ifndef RIVULET_OPERAND_STACK
#define RIVULET_OPERAND_STACK RIVULET_WASM3_STACK
#endif

// wasm3 0.5.0 and 0.9 differ in the names of their heap, which nothing public tells the size of.
#if M3_VERSION_MAJOR == 0 && M3_VERSION_MINOR < 6
#define HEAP_TAKE(size) m3_Malloc(size)
#define HEAP_GIVE(pointer) m3_FreeImpl(pointer)
#else
#define HEAP_TAKE(size) m3_Malloc_Impl(size)
#define HEAP_GIVE(pointer) m3_Free_Impl(pointer)
#endif

static const uint8_t *heap;
static IM3Runtime runtime;
static IM3Function step_function;
static M3Result error;

static IM3Function find(const char *name) {
  IM3Function function = 0;
  error = m3_FindFunction(&function, runtime, name);
  return error ? 0 : function;
}

const char *rivulet_begin(void) {
  heap = HEAP_TAKE(8);
  IM3Environment environment = m3_NewEnvironment();
  runtime = environment ? m3_NewRuntime(environment, RIVULET_OPERAND_STACK, 0) : 0;
  if (!runtime) return error = m3Err_mallocFailed;
  runtime->memoryLimit = RIVULET_MEMORY_SIZE; // a page of wasm has 64 KiB, the module uses this much of it
  IM3Module module;
  if ((error = m3_ParseModule(environment, &module, rivulet_wasm, RIVULET_WASM_SIZE)) != 0) return error;
  if ((error = m3_LoadModule(runtime, module)) != 0) return error;
  step_function = find("step");
  return error;
}

uint8_t *rivulet_memory(void) {
  uint32_t size;
  return m3_GetMemory(runtime, &size, 0);
}

static int32_t call(IM3Function function, uint32_t count, const void *arguments[]) {
  int32_t answer = -1;
  const void *results[] = {&answer};
  if (!function || (error = m3_Call(function, count, arguments)) != 0) return -1;
  if (m3_GetRetCount(function) == 1 && (error = m3_GetResults(function, 1, results)) != 0) return -1;
  return answer;
}

int rivulet_step(void) { return call(step_function, 0, 0); }

void rivulet_reset(void) { call(find("reset"), 0, 0); }

int rivulet_check(void) { return call(find("check"), 0, 0); }

int rivulet_selftest(void) { return call(find("selftest"), 0, 0); }

int32_t rivulet_call(const char *name, int32_t a, int32_t b) {
  const void *arguments[] = {&a, &b};
  return call(find(name), 2, arguments);
}

const char *rivulet_error(void) { return error ? error : ""; }

// wasm3 hands out one piece after the other, so the next one tells where it is.
uint32_t rivulet_heap_used(void) {
  uint8_t *next = HEAP_TAKE(8);
  uint32_t used = next ? (uint32_t)(next - heap) : d_m3FixedHeap;
  HEAP_GIVE(next);
  return used;
}
