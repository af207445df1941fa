// What gcc and clang ask of every freestanding program (the first four), and two more, for builds without a C library.
// Compile with -fno-tree-loop-distribute-patterns, or the compiler makes them call themselves.
#include "memory.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  char *t = to;
  for (const char *f = from; size > 0; size--) *t++ = *f++;
  return to;
}

void *memmove(void *to, const void *from, size_t size) {
  char *t = to;
  const char *f = from;
  if (t < f) return memcpy(to, from, size);
  while (size-- > 0) t[size] = f[size];
  return to;
}

void *memset(void *to, int value, size_t size) {
  for (char *t = to; size > 0; size--) *t++ = (char)value;
  return to;
}

int memcmp(const void *a, const void *b, size_t size) {
  const unsigned char *x = a, *y = b;
  for (; size > 0; size--, x++, y++) {
    if (*x != *y) return *x < *y ? -1 : 1;
  }
  return 0;
}

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  return length;
}

int strcmp(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return (unsigned char)*a - (unsigned char)*b;
}
