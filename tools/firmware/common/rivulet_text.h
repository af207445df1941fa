// Decimal text to numbers and back, exact and without a C library.
#ifndef RIVULET_TEXT_H
#define RIVULET_TEXT_H

#include <stdint.h>

// Reads a decimal number such as -12.75 at *text and moves *text behind it. The nearest double, as JavaScript and Python
// read it: up to 15 digits and 22 of them behind the point need one correctly rounded division only (Clinger 1990).
// Answers 0, or 1 when there is no number or it has more digits or an exponent.
static inline int rivulet_parse(const char **text, double *value) {
  const char *at = *text;
  int negative = *at == '-', digits = 0, any = 0;
  if (negative) at++;
  uint64_t integer = 0;
  double divisor = 1;
  for (int fraction = 0;; at++) {
    if (*at == '.' && !fraction) {
      fraction = 1;
      continue;
    }
    if (*at < '0' || *at > '9') break;
    any = 1;
    integer = integer * 10 + (uint64_t)(*at - '0');
    if (integer != 0 && ++digits > 15) return 1;
    if (fraction && (divisor *= 10) > 1e22) return 1;
  }
  if (!any || *at == 'e' || *at == 'E') return 1;
  *value = (double)integer / divisor;
  if (negative) *value = -*value;
  *text = at;
  return 0;
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
