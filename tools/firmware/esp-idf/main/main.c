// A model in wasm3 on an ESP32: lines come from UART 0, predictions go there.
#include "driver/uart.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#define RIVULET_NO_WASM // the bytes are in rivulet_wasm3.c
#include "model.h"

#include "forecast.h"
#include "port.h"
#include "rivulet_wasm3.h"

// Bytes. Xtensa has no tail calls, so wasm3's use of it grows with the longest run of operations without a jump: 7 KB on a
// Cortex-M0, which has none either.
#define TASK_STACK 16384

int port_read_line(char *to, int size) {
  int length = 0;
  for (;;) {
    char c;
    if (uart_read_bytes(UART_NUM_0, &c, 1, portMAX_DELAY) != 1) continue;
    if (c == '\n') break;
    if (c != '\r' && length < size - 1) to[length++] = c;
  }
  to[length] = 0;
  return length;
}

void port_write(const char *text) {
  while (*text) uart_write_bytes(UART_NUM_0, text++, 1);
}

static void forecast_task(void *unused) {
  static char line[FORECAST_INPUT_SIZE], answer[FORECAST_OUTPUT_SIZE];
  (void)unused;
  const char *reason = rivulet_begin();
  const char *failed = reason ? "" : rivulet_check() != 0 ? "damaged model " : rivulet_selftest() != 0 ? "selftest " : 0;
  if (failed) {
    port_write("error ");
    port_write(reason ? reason : failed);
    port_write(reason ? "" : rivulet_error());
    port_write("\n");
    vTaskDelete(NULL);
    return;
  }
  for (;;) {
    port_read_line(line, sizeof line);
    forecast_line(line, answer, rivulet_memory(), rivulet_step);
    port_write(answer);
  }
}

void app_main(void) {
  uart_driver_install(UART_NUM_0, 1024, 0, 0, NULL, 0);
  xTaskCreate(forecast_task, "forecast", TASK_STACK, NULL, 5, NULL);
}
