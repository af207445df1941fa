#ifndef RIVULET_HEAP_H
#define RIVULET_HEAP_H

#include <stdint.h>

// The most bytes of the heap that were ever in use, from its start to the end of the last block.
uint32_t heap_used(void);

#endif
