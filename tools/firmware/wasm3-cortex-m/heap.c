// A first-fit heap in a static array, for wasm3 on bare metal; it knows the most that was ever in use.
#include "heap.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef HEAP_SIZE
#define HEAP_SIZE 12288
#endif

// Blocks follow each other; `size` counts the header, its lowest bit says "in use".
typedef struct {
  uint32_t size;
  uint32_t pad;
} Block;

static union {
  Block first;
  uint8_t bytes[HEAP_SIZE];
} heap;
static uint32_t high;

static Block *after(Block *block) { return (Block *)((uint8_t *)block + (block->size & ~1u)); }

static int inside(Block *block) { return (uint8_t *)block < heap.bytes + HEAP_SIZE; }

static void split(Block *block, uint32_t size) {
  uint32_t whole = block->size & ~1u;
  block->size = size | 1;
  if (whole > size) after(block)->size = whole - size;
  uint32_t end = (uint32_t)((uint8_t *)after(block) - heap.bytes);
  if (end > high) high = end;
}

void *malloc(size_t bytes) {
  if (heap.first.size == 0) heap.first.size = HEAP_SIZE;
  if (bytes > HEAP_SIZE) return NULL;
  uint32_t size = (uint32_t)((bytes + sizeof(Block) + 7) & ~7u);
  for (Block *block = &heap.first; inside(block); block = after(block)) {
    if (block->size & 1) continue;
    for (Block *next = after(block); inside(next) && !(next->size & 1); next = after(block)) block->size += next->size;
    if (block->size >= size) {
      split(block, size);
      return block + 1;
    }
  }
  return NULL;
}

void free(void *pointer) {
  if (pointer != NULL) ((Block *)pointer - 1)->size &= ~1u;
}

void *calloc(size_t count, size_t bytes) {
  void *pointer = malloc(count * bytes);
  return pointer == NULL ? NULL : memset(pointer, 0, count * bytes);
}

void *realloc(void *pointer, size_t bytes) {
  if (pointer == NULL) return malloc(bytes);
  Block *block = (Block *)pointer - 1;
  uint32_t size = (uint32_t)((bytes + sizeof(Block) + 7) & ~7u), old = block->size & ~1u;
  if (size <= old) return pointer;
  for (Block *next = after(block); inside(next) && !(next->size & 1); next = after(block)) block->size += next->size;
  if ((block->size & ~1u) >= size) {
    split(block, size);
    return pointer;
  }
  if ((block->size & ~1u) > old) split(block, old);
  void *moved = malloc(bytes);
  if (moved == NULL) return NULL;
  memcpy(moved, pointer, old - sizeof(Block));
  free(pointer);
  return moved;
}

uint32_t heap_used(void) { return high; }
