// A built module in wasm3: the calls a sketch needs.
#ifndef RIVULET_WASM3_H
#define RIVULET_WASM3_H

#include <stdint.h>

// Loads the module of model.h; it stays in flash and must stay there. NULL, or wasm3's message.
const char *rivulet_begin(void);

// Linear memory; the addresses of model.h are offsets into it.
uint8_t *rivulet_memory(void);

// Calls step(): 0, or a status code; -1 when wasm3 trapped.
int rivulet_step(void);

void rivulet_reset(void);

// Calls check(): 0, 1 when the module's constants are damaged; -1 when wasm3 trapped.
int rivulet_check(void);

// Calls selftest(): 0, or the number of the first step that differs; -1 when wasm3 trapped.
int rivulet_selftest(void);

// Calls an export of two integers that answers one; -1 when there is none.
int32_t rivulet_call(const char *name, int32_t a, int32_t b);

// Bytes of d_m3FixedHeap in use, linear memory and operand stack included.
uint32_t rivulet_heap_used(void);

// What wasm3 said last.
const char *rivulet_error(void);

#endif
