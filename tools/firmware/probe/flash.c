// The least that a program does with a model: its size, less that of empty.c, is what the model costs in flash.
#include "engine.h"

int main(void) { return engine_start() != 0 || engine_selftest() != 0 || engine_step() != 0; }
