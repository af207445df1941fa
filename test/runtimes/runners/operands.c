// The least operand stack of wasm3 that a module runs with: `operands MODULE...` prints a line `BYTES` for each, or `error: MESSAGE`.
#include <stdio.h>
#include <stdlib.h>

#include "m3_env.h"
#include "wasm3.h"

static const char *const names[] = {"check", "selftest", "step", "reset", "forget", "drive"};
enum { COUNT = sizeof names / sizeof *names };

static const char *run(const unsigned char *bytes, unsigned size, unsigned stack) {
  IM3Environment environment = m3_NewEnvironment();
  IM3Runtime runtime = m3_NewRuntime(environment, stack, 0);
  IM3Module module;
  const char *wrong = m3_ParseModule(environment, &module, bytes, size);
  if (!wrong) wrong = m3_LoadModule(runtime, module);
  for (int i = 0; i < COUNT && !wrong; i++) {
    IM3Function function;
    int seed = 3, steps = 5;
    const void *arguments[] = {&seed, &steps};
    if (m3_FindFunction(&function, runtime, names[i])) continue;
    wrong = m3_Call(function, i == COUNT - 1 ? 2 : 0, arguments);
  }
  m3_FreeRuntime(runtime);
  m3_FreeEnvironment(environment);
  return wrong;
}

int main(int count, char **files) {
  static unsigned char bytes[1 << 20];
  for (int i = 1; i < count; i++) {
    FILE *file = fopen(files[i], "rb");
    if (!file) return 1;
    unsigned size = (unsigned)fread(bytes, 1, sizeof bytes, file), stack = 8;
    fclose(file);
    const char *wrong = 0;
    while ((wrong = run(bytes, size, stack)) != 0 && stack < 16384) stack += 8;
    if (wrong) printf("error: %s\n", wrong);
    else printf("%u\n", stack);
  }
  return 0;
}
