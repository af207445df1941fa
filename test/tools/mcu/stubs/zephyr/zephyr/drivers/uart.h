#pragma once
#include <zephyr/device.h>
int uart_poll_in(const struct device *dev, unsigned char *p_char);
