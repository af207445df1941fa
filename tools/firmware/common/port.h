// Where lines of text come from and go to. port.c does it by semihosting, for qemu and debuggers; on a board, write the
// same two functions with the vendor's UART driver.
#ifndef RIVULET_PORT_H
#define RIVULET_PORT_H

// Reads a line without its end into `to`, ended with a zero; what does not fit into `size` bytes is dropped. Its length, or
// -1 at the end of the input.
int port_read_line(char *to, int size);

void port_write(const char *text);

#endif
