// Drives two models of a package side by side: reads `WHICH VALUE...` in hexadecimal words from standard input and answers the outputs likewise. WHICH is
// 0 or 1: raw integers, or the words of f32 models; 2 or 3: floats for the same two; 4: the state of model 0 goes to model 1 as a snapshot, which is printed.
#include <stdio.h>
#include <string.h>

#include "rivulet.h"

static rivulet_model_t models[2];

static void print(const void *words, int count) {
  for (int i = 0; i < count; i++) {
    uint32_t word;
    memcpy(&word, (const char *)words + 4 * i, 4);
    printf("%08lx%c", (unsigned long)word, i + 1 < count ? ' ' : '\n');
  }
}

int main(void) {
  unsigned which;
  int status = rivulet_init(&models[0]);
  if (status == RIVULET_OK) status = rivulet_init(&models[1]);
  if (status == RIVULET_OK) status = rivulet_selftest();
  printf("%d %d\n", status, rivulet_check());
  while (scanf("%x", &which) == 1) {
    uint32_t words[RIVULET_INPUT_COUNT];
    float out[RIVULET_OUTPUT_COUNT];
    for (int i = 0; i < RIVULET_INPUT_COUNT && which < 4; i++) {
      unsigned word;
      if (scanf("%x", &word) != 1) return 1;
      words[i] = word;
    }
    rivulet_model_t *model = &models[which & 1];
    if (which == 4) {
      uint8_t snapshot[RIVULET_SNAPSHOT_SIZE];
      uint32_t size = rivulet_state_save(&models[0], snapshot);
      status = rivulet_state_load(&models[1], snapshot, size);
      printf("%d ", status);
      for (uint32_t i = 0; i < size; i++) printf("%02x", snapshot[i]);
      snapshot[size - 6] ^= 1;
      printf(" %d\n", rivulet_state_load(&models[1], snapshot, size));
      continue;
    }
#if !RIVULET_FLOAT
    if (which < 2) {
      int32_t raw[RIVULET_OUTPUT_COUNT];
      status = rivulet_step_raw(model, (const int32_t *)words, raw);
      if (status == RIVULET_OK) print(raw, RIVULET_OUTPUT_COUNT);
    } else
#endif
    {
      float in[RIVULET_INPUT_COUNT];
      memcpy(in, words, sizeof in);
      status = rivulet_step(model, in, out);
      if (status == RIVULET_OK) print(out, RIVULET_OUTPUT_COUNT);
    }
    if (status != RIVULET_OK) printf("status %d\n", status);
#ifdef RIVULET_DETECTOR
    else printf("%d %d\n", (int)(2048 * rivulet_score(model)), rivulet_alarm(model));
#endif
  }
  return 0;
}
