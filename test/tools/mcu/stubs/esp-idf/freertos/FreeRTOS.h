#pragma once
#include <stdint.h>
#define portMAX_DELAY ((uint32_t)0xffffffffUL)
