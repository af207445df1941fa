// What the examples use of <string.h>, which a compiler without a C library does not have. In memory.c, or in the library.
#ifndef RIVULET_MEMORY_H
#define RIVULET_MEMORY_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);

#endif
