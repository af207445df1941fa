// The part of ESP-IDF's API (5.x, driver/uart.h) that tools/firmware/esp-idf/ uses, for -fsyntax-only.
#pragma once
#include <stddef.h>
#include <stdint.h>
typedef int esp_err_t;
typedef enum { UART_NUM_0, UART_NUM_1 } uart_port_t;
typedef struct QueueDefinition *QueueHandle_t;
typedef uint32_t TickType_t;
esp_err_t uart_driver_install(uart_port_t uart_num, int rx_buffer_size, int tx_buffer_size, int queue_size,
                              QueueHandle_t *uart_queue, int intr_alloc_flags);
int uart_read_bytes(uart_port_t uart_num, void *buf, uint32_t length, TickType_t ticks_to_wait);
int uart_write_bytes(uart_port_t uart_num, const void *src, size_t size);
