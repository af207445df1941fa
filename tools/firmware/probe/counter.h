// Executed instructions under `qemu -icount shift=0`, where each takes one nanosecond of the board's time.
#ifndef RIVULET_COUNTER_H
#define RIVULET_COUNTER_H

#include <stdint.h>

#ifdef __arm__

// SysTick counts down at the clock of the core: 25 MHz on AN385 and AN386, 20 MHz on AN505, 16 MHz on the micro:bit.
#if defined(BOARD_microbit)
enum { HALF_NANOSECONDS = 125 };
#elif defined(BOARD_mps2_an505)
enum { HALF_NANOSECONDS = 100 };
#else
enum { HALF_NANOSECONDS = 80 };
#endif

static volatile uint32_t *const systick = (volatile uint32_t *)0xE000E010;

static inline void counter_start(void) {
  systick[1] = 0xffffff;
  systick[2] = 0;
  systick[0] = 5;
}

// Instructions since counter_start(), a multiple of 40 to 62. The counter has 24 bits.
static inline uint64_t counter_read(void) { return (uint64_t)(0xffffff - systick[2]) * HALF_NANOSECONDS / 2; }

#else

static uint32_t counter_base;

static inline uint32_t counter_now(void) {
  uint32_t now;
  __asm__ volatile("csrr %0, minstret" : "=r"(now));
  return now;
}

static inline void counter_start(void) { counter_base = counter_now(); }
static inline uint64_t counter_read(void) { return counter_now() - counter_base; }

#endif
#endif
