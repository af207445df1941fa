#include "semihosting.h"

#include "memory.h"

int semihosting_call(int operation, void *parameter) {
#ifdef __arm__
  register int r0 __asm__("r0") = operation;
  register void *r1 __asm__("r1") = parameter;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
#else
  register int a0 __asm__("a0") = operation;
  register void *a1 __asm__("a1") = parameter;
  // These three, uncompressed and in one page, are the sign of a semihosting call.
  __asm__ volatile(
      ".option push\n .option norvc\n .balign 16\n"
      "slli x0, x0, 0x1f\n ebreak\n srai x0, x0, 7\n"
      ".option pop\n"
      : "+r"(a0)
      : "r"(a1)
      : "memory");
  return a0;
#endif
}

enum { OPEN = 0x01, CLOSE = 0x02, WRITE0 = 0x04, WRITE = 0x05, READ = 0x06, COMMAND_LINE = 0x15, EXIT_EXTENDED = 0x20 };

void semihosting_write(const char *text) { semihosting_call(WRITE0, (void *)(uintptr_t)text); }

int semihosting_open(const char *path, char mode) {
  uintptr_t block[] = {(uintptr_t)path, mode == 'w' ? 5 : 1, strlen(path)};
  return semihosting_call(OPEN, block);
}

int semihosting_read(int handle, void *to, int size) {
  uintptr_t block[] = {(uintptr_t)handle, (uintptr_t)to, (uintptr_t)size};
  return size - semihosting_call(READ, block);
}

int semihosting_write_file(int handle, const void *from, int size) {
  uintptr_t block[] = {(uintptr_t)handle, (uintptr_t)from, (uintptr_t)size};
  return semihosting_call(WRITE, block);
}

void semihosting_close(int handle) {
  uintptr_t block[] = {(uintptr_t)handle};
  semihosting_call(CLOSE, block);
}

const char *semihosting_command_line(void) {
  static char line[200];
  uintptr_t block[] = {(uintptr_t)line, sizeof line - 1};
  if (semihosting_call(COMMAND_LINE, block) != 0) line[0] = 0;
  return line;
}

void semihosting_exit(int code) {
  uintptr_t block[] = {0x20026, (uintptr_t)code}; // ADP_Stopped_ApplicationExit
  semihosting_call(EXIT_EXTENDED, block);
  for (;;) {
  }
}
