// Semihosting: files, text and exit by way of a debugger or qemu ("Semihosting for AArch32 and AArch64", Arm; the
// RISC-V variant has the same calls). A firmware in the field has a UART instead.
#ifndef RIVULET_SEMIHOSTING_H
#define RIVULET_SEMIHOSTING_H

#include <stdint.h>

// One call: number and parameter block, the host's answer.
int semihosting_call(int operation, void *parameter);

// Writes text to the debugger's console.
void semihosting_write(const char *text);

// Opens a file of the host; `mode` is 'r' (binary) or 'w' (binary, truncated). A handle, or -1.
int semihosting_open(const char *path, char mode);

// Reads at most `size` bytes; how many were read, 0 at the end.
int semihosting_read(int handle, void *to, int size);

// Writes `size` bytes; 0 when all were written.
int semihosting_write_file(int handle, const void *from, int size);

void semihosting_close(int handle);

// The command line that the debugger tells, "" when there is none.
const char *semihosting_command_line(void);

// Ends the program; qemu ends with this exit code.
_Noreturn void semihosting_exit(int code);

#endif
