// What the examples ask of a board: a stack to measure. Interrupts, clocks and peripherals are a vendor's business.
#ifndef RIVULET_BOARD_H
#define RIVULET_BOARD_H

#include <stdint.h>

// What unused stack holds.
#define STACK_PAINT 0x5AFE57ACu

// Bytes of stack that have been used since reset: from its top down to the last painted word.
uint32_t stack_used(void);

#endif
