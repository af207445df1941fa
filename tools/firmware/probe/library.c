// Executed instructions of a step of a package, through its own functions: `library` tells `steps N` for 200 of them.
#include "counter.h"
#include "rivulet.h"
#include "rivulet_text.h"
#include "semihosting.h"

static rivulet_model_t model;

int main(void) {
  int32_t in[RIVULET_INPUT_COUNT], out[RIVULET_OUTPUT_COUNT];
  uint32_t seed = 1;
  if (rivulet_init(&model) != RIVULET_OK) return 1;
  counter_start();
  for (int step = 0; step < 200; step++) {
    for (int i = 0; i < RIVULET_INPUT_COUNT; i++) in[i] = (int32_t)(seed = seed * 1664525u + 1013904223u) >> 16;
    if (rivulet_step_raw(&model, in, out) != RIVULET_OK) return 1;
  }
  char text[16];
  int32_t steps = (int32_t)counter_read();
  semihosting_write("steps ");
  rivulet_print(text, steps);
  semihosting_write(text);
  semihosting_write("\n");
  return 0;
}
