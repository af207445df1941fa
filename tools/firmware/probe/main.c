// The firmware that tests and measurements run under qemu; the command line says what to do:
//
//     drive SEED STEPS             the module's own test: a hash over outputs and state
//     count STEPS                  executed instructions of so many steps, and of twice as many
#include "board.h"
#include "counter.h"
#include "engine.h"
#include "model.h"
#include "rivulet_text.h"
#include "memory.h"
#include "semihosting.h"


static char words[3][16];

static void split(const char *line) {
  for (int word = 0; word < 3 && *line; word++) {
    int length = 0;
    while (*line == ' ') line++;
    while (*line && *line != ' ' && length < 15) words[word][length++] = *line++;
  }
}

static int32_t number(const char *text) {
  rivulet_decimal value;
  return rivulet_read_decimal(&text, &value) ? 0 : rivulet_decimal_raw(&value, 0);
}

static void tell(const char *name, int32_t value) {
  char text[12];
  semihosting_write(name);
  semihosting_write(" ");
  rivulet_print(text, value);
  semihosting_write(text);
  semihosting_write("\n");
}

static int fail(const char *reason) {
  semihosting_write("error ");
  semihosting_write(reason);
  semihosting_write("\n");
  return 1;
}

static int status;

// Instructions of `steps` steps over changing inputs, the making of the inputs included.
static int32_t count(int32_t steps, int with_step) {
  uint8_t *memory = engine_memory();
  uint32_t seed = 1;
  counter_start();
  for (int32_t step = 0; step < steps; step++) {
    for (int i = 0; i < RIVULET_INPUT_COUNT; i++) {
      seed = seed * 1664525 + 1013904223;
#if RIVULET_FLOAT
      float value = (float)((int32_t)seed >> 8) / 4194304.0f;
#else
      int32_t value = (int32_t)seed >> 16;
#endif
      memcpy(memory + RIVULET_INPUT + 4 * i, &value, 4);
    }
    if (with_step) status |= engine_step();
  }
  return (int32_t)counter_read();
}

int main(void) {
  split(semihosting_command_line());
  const char *reason = engine_start();
  if (reason) return fail(reason);
  int result = 0;
  if (strcmp(words[0], "drive") == 0) {
    int32_t wrong = engine_selftest();
    tell("selftest", wrong);
    if (*engine_error()) fail(engine_error());
    tell("hash", engine_drive(number(words[1]), number(words[2])));
    result = wrong != 0;
  } else if (strcmp(words[0], "count") == 0) {
    int32_t steps = number(words[1]);
    status = engine_step(); // wasm3 compiles a function when it is first called
    int32_t once = count(steps, 1) - count(steps, 0);
    tell("once", once);
    tell("twice", count(2 * steps, 1) - count(2 * steps, 0));
    if (status != 0) result = fail(engine_error());
  } else {
    result = fail("unknown command");
  }
  tell("stack", (int32_t)stack_used());
  tell("memory", (int32_t)engine_memory_used());
  return result;
}
