// A model as C on Zephyr: lines come from the console's UART, predictions go there.
#include <zephyr/device.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#define RIVULET_NO_WASM
#include "model.h"

#include "forecast.h"
#include "port.h"
#include "rivulet.h"

static const struct device *const uart = DEVICE_DT_GET(DT_CHOSEN(zephyr_console));

// Polls, which is enough for a line per second; the interrupt-driven API of the UART loses nothing at any rate.
int port_read_line(char *to, int size) {
  int length = 0;
  for (;;) {
    unsigned char c;
    if (uart_poll_in(uart, &c) != 0) {
      k_yield();
      continue;
    }
    if (c == '\n') break;
    if (c != '\r' && length < size - 1) to[length++] = (char)c;
  }
  to[length] = 0;
  return length;
}

void port_write(const char *text) { printk("%s", text); }

static int step(void) { return rivulet_step(); }

int main(void) {
  static char line[FORECAST_INPUT_SIZE], answer[FORECAST_OUTPUT_SIZE];
  rivulet_init();
  if (rivulet_check() != 0 || rivulet_selftest() != 0) {
    port_write("error damaged model, or other bits than the host's\n");
    return 1;
  }
  for (;;) {
    port_read_line(line, sizeof line);
    forecast_line(line, answer, rivulet_memory, step);
    port_write(answer);
  }
}
