// Settings of wasm3 0.5.0 that take the least memory, measured on a Cortex-M4 (README.md). Give it to every source of wasm3
// by `-include rivulet_m3_config.h`; a `-D` on the command line wins.
#ifndef RIVULET_M3_CONFIG_H
#define RIVULET_M3_CONFIG_H

// Integer modules have no float operation; without them the interpreter is smaller.
#ifndef d_m3HasFloat
#define d_m3HasFloat 0
#endif
#define d_m3VerboseErrorMessages 0

// The grain of the memory for translated code. Pages that are smaller need more of them, each with its head and jumps.
#ifndef d_m3CodePageAlignSize
#define d_m3CodePageAlignSize 512
#endif

// The compiler's tables: 5 bytes for each level of stack, 4 for each constant. A module that needs more is refused
// ("compiling function overran its stack height limit").
#ifndef d_m3MaxFunctionStackHeight
#define d_m3MaxFunctionStackHeight 56
#endif
#ifndef d_m3MaxConstantTableSize
#define d_m3MaxConstantTableSize 20
#endif

// All memory of wasm3 is one static array, from which it takes piece after piece: no malloc, no heads of blocks.
#ifndef d_m3FixedHeap
#define d_m3FixedHeap 16384
#endif
#define d_m3FixedHeapAlign 8

// Names that a function is exported by.
#define d_m3MaxDuplicateFunctionImpl 1

#endif
