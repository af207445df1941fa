// What C made of a Rivulet module by wasm2c needs: no heap, no libc, no floating-point unit. The file that includes this has
// defined `memory`, an array of RIVULET_MEMORY_SIZE bytes, which is all that the module uses of its page of 64 KiB.
//
// RIVULET_BOUNDS     1: every access to the module's memory is compared with the constant size; one that lies outside calls
//                    RIVULET_TRAP(). 0 (default): no checks; `rivulet build` has checked the module, which does not take
//                    addresses from outside
// RIVULET_TRAP()     what a trap does, an expression that does not return; default __builtin_trap()
// RIVULET_FLASH      1: constants are read where they are in flash, and only what changes takes RAM. For a library of
//                    `rivulet build --package`, which has the macros RIVULET_RAM_FROM and RIVULET_RAM_SIZE
// RIVULET_UNALIGNED  1: for a module whose accesses are not aligned to their size, or to 4. Those of `rivulet build` are (default 0)
//
// gcc and clang may call memcpy and memset, as of any program; a C library has them, or tools/firmware/common/memory.c.
//
// Fused multiply-add changes the bits of an f32 model. Compile with -ffp-contract=off; the pragmas below say the same to
// gcc and clang. -ffast-math is refused.
#ifndef RIVULET_WASM_RT_H
#define RIVULET_WASM_RT_H

#include <stdint.h>

#ifdef __FAST_MATH__
#error "The bits of a model differ with -ffast-math"
#endif
#if RIVULET_FLOAT
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
#error "Single precision is computed in another one here (FLT_EVAL_METHOD): on x86, compile with -msse2 -mfpmath=sse"
#endif
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif
#endif
#if defined(__GNUC__) && !defined(__clang__) && (!defined(__thumb__) || defined(__thumb2__))
// Several rows are summed at once, as many as there are registers. Left alone, gcc reorders the sums until they do not fit:
// 13 % more instructions on a Cortex-M4, 21 % on rv32imac, measured with gcc 12.
#pragma GCC optimize("no-tree-reassoc", "no-schedule-insns", "no-tree-pre", "no-tree-vrp")
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Linear memory is little-endian; so must be the processor"
#endif

#ifndef RIVULET_BOUNDS
#define RIVULET_BOUNDS 0
#endif
#ifndef RIVULET_FLASH
#define RIVULET_FLASH 0
#endif
#ifndef RIVULET_TRAP
#define RIVULET_TRAP() __builtin_trap()
#endif
#ifndef RIVULET_UNALIGNED
#define RIVULET_UNALIGNED 0
#endif

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;
typedef float f32;

#if RIVULET_UNALIGNED
#define ACCESS_TYPE(type) struct __attribute__((packed, may_alias)) { type value; }
#else
// Words of 64 bits stand at multiples of 4 in the state of a detector (FORMAT.md 8.5).
#define ACCESS_TYPE(type) \
  struct __attribute__((packed, aligned(sizeof(type) < 4 ? sizeof(type) : 4), may_alias)) { type value; }
#endif

#if RIVULET_BOUNDS
#define CHECK_BOUNDS(base, offset, size)                                                     \
  do {                                                                                       \
    if ((size) > RIVULET_MEMORY_SIZE || (offset) > RIVULET_MEMORY_SIZE - (size) ||           \
        (base) > RIVULET_MEMORY_SIZE - (size) - (offset))                                    \
      RIVULET_TRAP();                                                                        \
  } while (0)
#else
#define CHECK_BOUNDS(base, offset, size) (void)0
#endif

#if RIVULET_FLASH

// Linear memory is in two places: what a step writes, from RIVULET_RAM_FROM on, in `memory`, all else in `constants`.
#define LINEAR const u8 *const linear = 0
#ifdef __AVR__
#include <avr/pgmspace.h>
#define FLASH_BITS(size, at)                                                    \
  ((size) == 1   ? pgm_read_byte(at)                                            \
   : (size) == 2 ? pgm_read_word(at)                                            \
   : (size) == 4 ? pgm_read_dword(at)                                           \
                 : pgm_read_dword(at) | (u64)pgm_read_dword((at) + 4) << 32)
#define FLASH_READ(type, at) ((type)FLASH_BITS(sizeof(type), at))
#else
#define FLASH_READ(type, at) (((const access *)(const void *)(at))->value)
#endif

#define DEFINE_LOAD(name, type, wide, result)                                                        \
  static inline result name(const u8 *linear, u32 base, u32 offset) {                                \
    typedef ACCESS_TYPE(type) access;                                                                \
    const u32 at = base + offset, in_ram = at - RIVULET_RAM_FROM;                                    \
    (void)linear;                                                                                    \
    if (in_ram < RIVULET_RAM_SIZE) return (result)(wide)((const access *)(const void *)(memory + in_ram))->value; \
    const u8 *const from = constants + (at < RIVULET_RAM_FROM ? at : at - RIVULET_RAM_SIZE);         \
    return (result)(wide)FLASH_READ(type, from);                                                     \
  }
#define DEFINE_STORE(name, type, from)                                            \
  static inline void name(const u8 *linear, u32 base, u32 offset, from value) {   \
    typedef ACCESS_TYPE(type) access;                                             \
    void *at = memory + (base + offset - RIVULET_RAM_FROM);                       \
    (void)linear;                                                                 \
    ((access *)at)->value = (type)value;                                          \
  }

#else

// Each function starts with LINEAR, the address of the memory where gcc cannot see that it is a constant: it then adds it once to each pointer
// and not anew to each offset.
static inline u8 *memory_base(void) {
  u8 *base = memory;
  __asm__("" : "+r"(base));
  return base;
}
#define LINEAR                       \
  u8 *const linear = memory_base();  \
  (void)linear

#define DEFINE_LOAD(name, type, wide, result)         \
  static inline result name(const u8 *linear, u32 base, u32 offset) {   \
    typedef ACCESS_TYPE(type) access;                 \
    CHECK_BOUNDS(base, offset, (u32)sizeof(type));    \
    const void *at = linear + base + offset;          \
    return (result)(wide)((const access *)at)->value; \
  }
#define DEFINE_STORE(name, type, from)                        \
  static inline void name(u8 *linear, u32 base, u32 offset, from value) { \
    typedef ACCESS_TYPE(type) access;                         \
    CHECK_BOUNDS(base, offset, (u32)sizeof(type));            \
    void *at = linear + base + offset;                        \
    ((access *)at)->value = (type)value;                      \
  }

#endif

DEFINE_LOAD(i32_load, u32, u32, u32)
DEFINE_LOAD(i64_load, u64, u64, u64)
DEFINE_LOAD(i32_load8_s, s8, s32, u32)
DEFINE_LOAD(i64_load8_s, s8, s64, u64)
DEFINE_LOAD(i32_load8_u, u8, u32, u32)
DEFINE_LOAD(i64_load8_u, u8, u64, u64)
DEFINE_LOAD(i32_load16_s, s16, s32, u32)
DEFINE_LOAD(i64_load16_s, s16, s64, u64)
DEFINE_LOAD(i32_load16_u, u16, u32, u32)
DEFINE_LOAD(i64_load16_u, u16, u64, u64)
DEFINE_LOAD(i64_load32_s, s32, s64, u64)
DEFINE_LOAD(i64_load32_u, u32, u64, u64)
DEFINE_STORE(i32_store, u32, u32)
DEFINE_STORE(i64_store, u64, u64)
DEFINE_STORE(i32_store8, u8, u32)
DEFINE_STORE(i32_store16, u16, u32)
DEFINE_STORE(i64_store8, u8, u64)
DEFINE_STORE(i64_store16, u16, u64)
DEFINE_STORE(i64_store32, u32, u64)

#undef UNREACHABLE
#define UNREACHABLE RIVULET_TRAP()

// Integer operations, with the traps of WebAssembly.
static inline u32 DIV_U32(u32 a, u32 b) {
  if (b == 0) RIVULET_TRAP();
  return a / b;
}
static inline u32 REM_U32(u32 a, u32 b) {
  if (b == 0) RIVULET_TRAP();
  return a % b;
}
static inline u64 DIV_U64(u64 a, u64 b) {
  if (b == 0) RIVULET_TRAP();
  return a / b;
}
static inline u64 REM_U64(u64 a, u64 b) {
  if (b == 0) RIVULET_TRAP();
  return a % b;
}
static inline u32 I32_DIV_S(u32 a, u32 b) {
  if (b == 0 || (a == 0x80000000u && b == 0xffffffffu)) RIVULET_TRAP();
  return (u32)((s32)a / (s32)b);
}
static inline u64 I64_DIV_S(u64 a, u64 b) {
  if (b == 0 || (a == 1ull << 63 && b == ~0ull)) RIVULET_TRAP();
  return (u64)((s64)a / (s64)b);
}
static inline u32 I32_REM_S(u32 a, u32 b) {
  if (b == 0) RIVULET_TRAP();
  return b == 0xffffffffu ? 0 : (u32)((s32)a % (s32)b);
}
static inline u64 I64_REM_S(u64 a, u64 b) {
  if (b == 0) RIVULET_TRAP();
  return b == ~0ull ? 0 : (u64)((s64)a % (s64)b);
}
#define DIV_U(a, b) _Generic((a), u32: DIV_U32, u64: DIV_U64)(a, b)
#define REM_U(a, b) _Generic((a), u32: REM_U32, u64: REM_U64)(a, b)

static inline u32 I32_ROTL(u32 x, u32 n) { return x << (n & 31) | x >> (-n & 31); }
static inline u32 I32_ROTR(u32 x, u32 n) { return x >> (n & 31) | x << (-n & 31); }
static inline u64 I64_ROTL(u64 x, u64 n) { return x << (n & 63) | x >> (-n & 63); }
static inline u64 I64_ROTR(u64 x, u64 n) { return x >> (n & 63) | x << (-n & 63); }
#if __SIZEOF_INT__ == 4
#define BUILTIN32(name) __builtin_##name
#else
#define BUILTIN32(name) __builtin_##name##l
#endif
static inline u32 I32_CLZ(u32 x) { return x ? (u32)BUILTIN32(clz)(x) : 32; }
static inline u32 I32_CTZ(u32 x) { return x ? (u32)BUILTIN32(ctz)(x) : 32; }
static inline u32 I32_POPCNT(u32 x) { return (u32)BUILTIN32(popcount)(x); }
static inline u64 I64_CLZ(u64 x) { return x ? (u64)__builtin_clzll(x) : 64; }
static inline u64 I64_CTZ(u64 x) { return x ? (u64)__builtin_ctzll(x) : 64; }
static inline u64 I64_POPCNT(u64 x) { return (u64)__builtin_popcountll(x); }

#if RIVULET_FLOAT

DEFINE_LOAD(f32_load, f32, f32, f32)
DEFINE_STORE(f32_store, f32, f32)

static inline f32 f32_reinterpret_i32(u32 bits) {
  union {
    u32 bits;
    f32 value;
  } both = {bits};
  return both.value;
}
static inline u32 i32_reinterpret_f32(f32 value) {
  union {
    f32 value;
    u32 bits;
  } both = {value};
  return both.bits;
}
static inline u32 SIGN_F32(f32 x) { return i32_reinterpret_f32(x) >> 31; }
static inline f32 wasm_quietf(f32 x) {
  return x != x ? f32_reinterpret_i32(i32_reinterpret_f32(x) | 0x7fc00000u) : x;
}
static inline f32 wasm_fabsf(f32 x) { return f32_reinterpret_i32(i32_reinterpret_f32(x) & 0x7fffffffu); }
static inline f32 COPYSIGN_F32(f32 x, f32 y) {
  return f32_reinterpret_i32((i32_reinterpret_f32(x) & 0x7fffffffu) | (SIGN_F32(y) << 31));
}
static inline f32 FMIN_F32(f32 x, f32 y) {
  if (x != x || y != y) return wasm_quietf(x != x ? x : y);
  return x == y ? (SIGN_F32(x) ? x : y) : x < y ? x : y;
}
static inline f32 FMAX_F32(f32 x, f32 y) {
  if (x != x || y != y) return wasm_quietf(x != x ? x : y);
  return x == y ? (SIGN_F32(x) ? y : x) : x > y ? x : y;
}
static inline u32 I32_TRUNC_S_F32(f32 x) {
  if (!(x >= -2147483648.0f && x < 2147483648.0f)) RIVULET_TRAP();
  return (u32)(s32)x;
}
static inline u32 I32_TRUNC_U_F32(f32 x) {
  if (!(x > -1.0f && x < 4294967296.0f)) RIVULET_TRAP();
  return (u32)x;
}
static inline u32 I32_TRUNC_SAT_S_F32(f32 x) {
  return x != x ? 0 : x < -2147483648.0f ? 0x80000000u : x >= 2147483648.0f ? 0x7fffffffu : (u32)(s32)x;
}
static inline u32 I32_TRUNC_SAT_U_F32(f32 x) { return !(x > -1.0f) ? 0 : x >= 4294967296.0f ? 0xffffffffu : (u32)x; }
#define FMIN(x, y) FMIN_F32(x, y)
#define FMAX(x, y) FMAX_F32(x, y)
#define copysignf(x, y) COPYSIGN_F32(x, y)

#endif

#if !RIVULET_FLASH
// Copies a data segment.
static inline void load_data(u32 to, const u8 *from, u32 size) { __builtin_memcpy(memory + to, from, size); }
#endif

#endif
