// Real values to the raw integers of a q15 model and back (FORMAT.md 5.1).
//
// A sensor that delivers integers needs no floating point: with counts of 2^-k units, raw = counts << (fraction - k).
#ifndef RIVULET_RAW_H
#define RIVULET_RAW_H

#include <stdint.h>

// 2^exponent for -30..30, exact.
static inline double rivulet_power(int exponent) {
  return exponent < 0 ? 1.0 / (double)(1u << -exponent) : (double)(1u << exponent);
}

// floor(value * 2^fraction + 0.5), clamped to -2^30..2^30. In double precision, as the host computes it.
static inline int32_t rivulet_raw(double value, int fraction) {
  double scaled = value * rivulet_power(fraction) + 0.5;
  if (!(scaled > -1073741824.0)) return -1073741824;
  if (scaled >= 1073741824.0) return 1073741824;
  int32_t integer = (int32_t)scaled;
  return integer > scaled ? integer - 1 : integer;
}

// raw * 2^-fraction, exact.
static inline double rivulet_real(int32_t raw, int fraction) { return raw * rivulet_power(-fraction); }

#endif
