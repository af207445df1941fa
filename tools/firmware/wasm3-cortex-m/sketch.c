// A model in wasm3, in the manner of Arduino: setup() once, then loop(). On an Arduino board, port.h is Serial.
#include "model.h"

#include "forecast.h"
#include "port.h"
#include "rivulet_wasm3.h"

static int running;

void setup(void) {
  const char *reason = rivulet_begin();
  const char *failed = reason ? "" : rivulet_check() != 0 ? "damaged model " : rivulet_selftest() != 0 ? "selftest " : 0;
  if (failed) { // "selftest": the bits are not those of the host, see the README
    port_write("error ");
    port_write(reason ? reason : failed);
    port_write(reason ? "" : rivulet_error());
    port_write("\n");
    return;
  }
  running = 1;
}

// Answers one line; 0 at the end of the input, which a serial port does not have.
int loop(void) {
  static char line[FORECAST_INPUT_SIZE], answer[FORECAST_OUTPUT_SIZE];
  if (!running || port_read_line(line, sizeof line) < 0) return 0;
  forecast_line(line, answer, rivulet_memory(), rivulet_step);
  port_write(answer);
  return 1;
}

int main(void) {
  setup();
  while (loop()) {
  }
  return !running;
}
