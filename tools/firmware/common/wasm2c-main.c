// A model as C on a bare core: reads samples, steps, prints predictions.
#define RIVULET_NO_WASM
#include "model.h"

#include "forecast.h"
#include "port.h"
#include "rivulet.h"

static int step(void) { return rivulet_step(); }

int main(void) {
  static char line[FORECAST_INPUT_SIZE], answer[FORECAST_OUTPUT_SIZE];
  rivulet_init();
  if (rivulet_check() != 0) { // a constant of the model is damaged
    port_write("error damaged model\n");
    return 1;
  }
  if (rivulet_selftest() != 0) { // the bits are not those of the host: see the README
    port_write("error selftest\n");
    return 1;
  }
  while (port_read_line(line, sizeof line) >= 0) {
    forecast_line(line, answer, rivulet_memory, step);
    port_write(answer);
  }
  return 0;
}
