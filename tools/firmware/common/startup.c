// From reset to main on a Cortex-M or a RISC-V core: data copied, bss cleared, stack painted, floating-point unit on.
#include "board.h"
#include "semihosting.h"

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_top[];

int main(void);

static void run(void) {
  for (uint32_t *to = data_start, *from = data_load; to != from && (uintptr_t)to < (uintptr_t)data_end;) *to++ = *from++;
  for (volatile uint32_t *to = bss_start; (uintptr_t)to < (uintptr_t)bss_end;) *to++ = 0;
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  for (volatile uint32_t *to = bss_end; (uintptr_t)to < here - 64; to++) *to = STACK_PAINT;
  semihosting_exit(main());
}

uint32_t stack_used(void) {
  const uint32_t *word = bss_end;
  while ((uintptr_t)word < (uintptr_t)stack_top && *word == STACK_PAINT) word++;
  return (uint32_t)((uintptr_t)stack_top - (uintptr_t)word);
}

#ifdef __arm__

static void fault(void) {
  semihosting_write("fault\n");
  semihosting_exit(3);
}

void reset_handler(void) {
#if defined(__ARM_FP) && __ARM_FP
  *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; // CPACR: full access to the floating-point unit
  __asm__ volatile("dsb\n isb" ::: "memory");
#endif
  run();
}

// Initial stack pointer, reset, then NMI to SysTick; interrupts are not used.
__attribute__((section(".vectors"), used)) static const struct {
  const void *stack;
  void (*handlers[15])(void);
} vectors = {stack_top,
             {reset_handler, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, fault}};

#else

__attribute__((used)) static void fault(void) {
  semihosting_write("fault\n");
  semihosting_exit(3);
}

__attribute__((used)) static void enter(void) { run(); }

// A trap vector must be a multiple of 4.
__attribute__((naked, section(".vectors"))) void reset_handler(void) {
  __asm__ volatile(
      ".option push\n .option norelax\n"
      "la gp, data_start\n"
      ".option pop\n"
      "la sp, stack_top\n"
      "la t0, 1f\n"
      "csrw mtvec, t0\n"
      "j enter\n"
      ".balign 4\n"
      "1: j fault\n");
}

#endif
