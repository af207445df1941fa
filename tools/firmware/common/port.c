#include "port.h"

void rivulet_on_alarm(int is_alarm);

#include "semihosting.h"

// Lines of the host's file that the command line names.
int port_read_line(char *to, int size) {
  static char block[256];
  static int handle = -1, at, filled;
  if (handle < 0 && (handle = semihosting_open(semihosting_command_line(), 'r')) < 0) return -1;
  int length = 0, seen = 0;
  for (;;) {
    if (at == filled) {
      at = 0;
      filled = semihosting_read(handle, block, sizeof block);
      if (filled <= 0) break;
    }
    char c = block[at++];
    seen = 1;
    if (c == '\n') break;
    if (c != '\r' && length < size - 1) to[length++] = c;
  }
  to[length] = 0;
  return seen ? length : -1;
}

void port_write(const char *text) { semihosting_write(text); }

// On a board: a lamp, a relay, a message.
void rivulet_on_alarm(int is_alarm) { semihosting_write(is_alarm ? "alarm on\n" : "alarm off\n"); }
