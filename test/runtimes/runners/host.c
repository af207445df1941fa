// Runs one module for microcontrollers that is C: `host NAME SEED STEPS`, a job `drive` of PROTOCOL.md.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "rivulet.h"

int main(int count, char **arguments) {
  if (count != 4) return 2;
  rivulet_init();
  int32_t selftest = rivulet_selftest();
  int32_t hash = rivulet_drive((int32_t)atoi(arguments[2]), (int32_t)atoi(arguments[3]));
  printf("%s %" PRIu32 " %" PRId32 "\n", arguments[1], (uint32_t)hash, selftest);
  return 0;
}
