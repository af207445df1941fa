// Decimal text to raw integers and back, exact, without floating point and without a C library.
#ifndef RIVULET_TEXT_H
#define RIVULET_TEXT_H

#include <stdint.h>

// A decimal number as binary: (integer + fraction) * -1 where it is negative. Any number of digits fits: what lies behind the 96
// bits of the fraction is not lost but told.
typedef struct {
  uint64_t integer;     // up to 2^60; 2^62 stands for all from there on
  uint16_t fraction[6]; // 16 bits each, the first ones first
  uint8_t rest;         // not 0: there is more behind them
  uint8_t negative;
} rivulet_decimal;

enum {
  RIVULET_NUMBER_OK = 0,
  RIVULET_NUMBER_NONE = 1,      // there is no number
  RIVULET_NUMBER_TOO_LARGE = 2, // beyond what a double holds, 10^309 and above
};

static inline int rivulet_is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads the exponent at *text, if there is one, and moves *text behind it. Great ones stop at 9999.
static inline int rivulet_read_exponent(const char **text) {
  const char *at = *text;
  if (*at != 'e' && *at != 'E') return 0;
  at++;
  int negative = *at == '-', exponent = 0;
  if (*at == '-' || *at == '+') at++;
  if (!rivulet_is_digit(*at)) return 0;
  for (; rivulet_is_digit(*at); at++) exponent = exponent > 999 ? 9999 : exponent * 10 + (*at - '0');
  *text = at;
  return negative ? -exponent : exponent;
}

// Divides what stands behind the point by ten, with a digit in front of it.
static inline void rivulet_push_digit(rivulet_decimal *number, uint32_t digit) {
  for (int i = 0; i < 6; i++) {
    uint32_t part = digit << 16 | number->fraction[i];
    number->fraction[i] = (uint16_t)(part / 10);
    digit = part % 10;
  }
  number->rest |= (uint8_t)digit;
}

// Reads a decimal number such as -12.75, .5 or 1e-05 at *text, and moves *text behind it. No floating point.
static inline int rivulet_read_decimal(const char **text, rivulet_decimal *number) {
  *number = (rivulet_decimal){0};
  const char *first = *text;
  number->negative = *first == '-';
  if (*first == '-' || *first == '+') first++;
  int digits = 0, point = -1, zeros = 0; // digits, those before the point, those before the first that is not 0
  const char *at = first;
  for (; rivulet_is_digit(*at) || (*at == '.' && point < 0); at++) {
    if (*at == '.') {
      point = digits;
      continue;
    }
    if (*at == '0' && zeros == digits) zeros++;
    digits++;
  }
  if (digits == 0) return RIVULET_NUMBER_NONE;
  if (point < 0) point = digits;
  const char *const last = at;
  point += rivulet_read_exponent(&at);
  *text = at;
  if (zeros == digits) return RIVULET_NUMBER_OK;
  if (point - zeros > 309) return RIVULET_NUMBER_TOO_LARGE;
  const char *digit = first;
  for (int i = 0; i < point && number->integer < 1ull << 60; i++) {
    if (digit < last && *digit == '.') digit++;
    number->integer = number->integer * 10 + (digit < last ? (uint64_t)(*digit++ - '0') : 0);
  }
  if (number->integer >= 1ull << 60) { // its fraction no longer matters
    number->integer = 1ull << 62;
    return RIVULET_NUMBER_OK;
  }
  for (digit = last; digits > point && digits > 0; digits--) {
    if (*--digit == '.') digit--;
    rivulet_push_digit(number, (uint32_t)(*digit - '0'));
  }
  // 96 bits are 29 digits; zeros in front of them leave nothing but the rest.
  for (int i = 0; i < -point && i < 40; i++) rivulet_push_digit(number, 0);
  return RIVULET_NUMBER_OK;
}

// The raw integer of a number (FORMAT.md 5.1): floor(d * 2^fraction + 0.5) within -2^30..2^30, where d is the double next to
// the number, as every host reads it. `fraction` is -30..30.
static inline int32_t rivulet_decimal_raw(const rivulet_decimal *number, int fraction) {
  const uint16_t *f = number->fraction;
  uint64_t whole = number->integer;
  uint64_t part = (uint64_t)f[0] << 48 | (uint64_t)f[1] << 32 | (uint64_t)f[2] << 16 | f[3]; // in units of 2^-64
  uint32_t low = (uint32_t)f[4] << 16 | f[5];
  int rest = number->rest != 0;
  const int32_t most = number->negative ? -1073741824 : 1073741824;
  if (fraction > 0) {
    if (whole >> 31) return most;
    whole = whole << fraction | part >> (64 - fraction);
    part = part << fraction | low >> (32 - fraction);
    low <<= fraction;
  } else if (fraction < 0) {
    if (part << (64 + fraction)) rest = 1;
    part = whole << (64 + fraction) | part >> -fraction;
    whole >>= -fraction;
  }
  if (whole >> 30) return most;
  if (low) rest = 1;
  // Half way between two raw integers is a double; numbers that have it as their nearest double count as it: those within half
  // the distance of the doubles there. (Next to 0.5 doubles are closer below; the sum of 0.5 and the double before is rounded to 1.)
  const uint64_t half = 1ull << 63;
  uint64_t near = 1024;
  for (uint64_t bits = whole; bits; bits >>= 1) near <<= 1;
  int up;
  if (number->negative) {
    up = part > half + near || (part == half + near && rest);
  } else if (part >= half || whole > 0) {
    up = part >= half - near;
  } else {
    up = part > half - 1536 || (part == half - 1536 && rest);
  }
  const int32_t raw = (int32_t)whole + up;
  return number->negative ? -raw : raw;
}

// Writes an integer in decimal at `to`, ends it with a zero and answers where that is. At most 12 bytes.
static inline char *rivulet_print(char *to, int32_t value) {
  char digits[10];
  int count = 0;
  uint32_t rest = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
  if (value < 0) *to++ = '-';
  do digits[count++] = (char)('0' + rest % 10);
  while ((rest /= 10) != 0);
  while (count > 0) *to++ = digits[--count];
  *to = 0;
  return to;
}

// Writes value * 2^-fraction, exact: all its digits. `fraction` is -30..30. At most 44 bytes.
static inline char *rivulet_print_real(char *to, int32_t value, int fraction) {
  uint32_t rest = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
  uint64_t scaled = fraction < 0 ? (uint64_t)rest << -fraction : rest;
  uint32_t bits = fraction > 0 ? (uint32_t)fraction : 0;
  uint64_t integer = scaled >> bits, part = scaled & ((1ull << bits) - 1);
  char digits[20];
  int count = 0;
  if (value < 0) *to++ = '-';
  do digits[count++] = (char)('0' + integer % 10);
  while ((integer /= 10) != 0);
  while (count > 0) *to++ = digits[--count];
  if (part != 0) *to++ = '.';
  for (; part != 0; part &= (1ull << bits) - 1) {
    part *= 10;
    *to++ = (char)('0' + (part >> bits));
  }
  *to = 0;
  return to;
}

#endif
