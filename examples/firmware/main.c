// A firmware in one loop: a model as C, fed with raw integers. This one runs on the computer that compiles it;
// on a board, readings come from a converter, and the loop is a task or a timer.
#define RIVULET_NO_WASM
#include "model.h"

#include <stdint.h>
#include <stdio.h>

#include "rivulet.h"
#include "rivulet_raw.h"

static const signed char input_fractions[] = RIVULET_INPUT_FRACTIONS;
static const signed char output_fractions[] = RIVULET_OUTPUT_FRACTIONS;

// What the converters of a board would answer: speed, pressure, current, bearing temperature.
static const double readings[][RIVULET_INPUT_COUNT] = {
    {2900, 5.10, 18.20, 52.5}, {2903, 5.08, 18.25, 52.6}, {2898, 5.11, 18.20, 52.6}};

int main(void) {
  rivulet_init();
  if (rivulet_check() != 0) return 1;    // a constant is damaged
  if (rivulet_selftest() != 0) return 1; // the bits are not those of the host

  int32_t *input = (int32_t *)(void *)(rivulet_memory + RIVULET_INPUT);
  const int32_t *output = (const int32_t *)(const void *)(rivulet_memory + RIVULET_OUTPUT);
  for (unsigned t = 0; t < sizeof readings / sizeof *readings; t++) {
    for (int i = 0; i < RIVULET_INPUT_COUNT; i++) input[i] = rivulet_raw(readings[t][i], input_fractions[i]);
    if (rivulet_step() != 0) return 1;
    for (int i = 0; i < RIVULET_OUTPUT_COUNT; i++) {
      printf("%s%.4f", i == 0 ? "" : " ", output[i] / (double)(1 << output_fractions[i]));
    }
    printf("\n");
  }
  return 0;
}
