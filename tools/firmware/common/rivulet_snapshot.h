// A snapshot carries a state between microcontroller and host (FORMAT.md 7).
//
//     offset  bytes
//          0      4  "RVS1"
//          4      4  u32 version, 2
//          8     16  first 16 bytes of the model hash
//         24      4  u32 size n of the state block
//         28      n  the state block
//     28 + n      4  CRC-32 of all bytes before
//
// That of a detector alone starts with "RVD1" and is of version 1 (FORMAT.md 8.6); model.h, included before, says which it is.
//
// A snapshot of version 1 has no ring of forecasts, which is the end of the state: it starts anew.
//
// Integers are little-endian. Needs nothing but <stdint.h>.
#ifndef RIVULET_SNAPSHOT_H
#define RIVULET_SNAPSHOT_H

#include <stdint.h>

#ifdef RIVULET_DETECTOR
#define RIVULET_SNAPSHOT_LETTER 'D'
#define RIVULET_SNAPSHOT_NOW 1
#else
#define RIVULET_SNAPSHOT_LETTER 'S'
#define RIVULET_SNAPSHOT_NOW 2
#endif

// Bytes of a snapshot beside the state.
#define RIVULET_SNAPSHOT_OVERHEAD 32

enum {
  RIVULET_SNAPSHOT_OK = 0,
  RIVULET_SNAPSHOT_DAMAGED = 1, // not a snapshot, truncated, or the CRC does not match
  RIVULET_SNAPSHOT_VERSION = 2,
  RIVULET_SNAPSHOT_OTHER_MODEL = 3,
};

// CRC-32 (IEEE 802.3) of `size` bytes; a nibble at a time, from a table of 64 bytes.
static inline uint32_t rivulet_crc32(const uint8_t *bytes, uint32_t size) {
  static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                     0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                     0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
  uint32_t crc = 0xffffffff;
  for (uint32_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    crc = table[crc & 15] ^ (crc >> 4);
    crc = table[crc & 15] ^ (crc >> 4);
  }
  return ~crc;
}

static inline void rivulet_put_u32(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 4; i++) to[i] = (uint8_t)(value >> (8 * i));
}

static inline uint32_t rivulet_get_u32(const uint8_t *from) {
  return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

// Writes a snapshot of `size` bytes of state; answers its size, `size` + RIVULET_SNAPSHOT_OVERHEAD.
static inline uint32_t rivulet_snapshot_write(uint8_t *to, const uint8_t hash[16], const uint8_t *state,
                                              uint32_t size) {
  static const uint8_t head[8] = {'R', 'V', RIVULET_SNAPSHOT_LETTER, '1', RIVULET_SNAPSHOT_NOW, 0, 0, 0};
  for (uint32_t i = 0; i < 8; i++) to[i] = head[i];
  for (uint32_t i = 0; i < 16; i++) to[8 + i] = hash[i];
  rivulet_put_u32(to + 24, size);
  for (uint32_t i = 0; i < size; i++) to[28 + i] = state[i];
  rivulet_put_u32(to + 28 + size, rivulet_crc32(to, 28 + size));
  return size + RIVULET_SNAPSHOT_OVERHEAD;
}

// Checks a snapshot of `bytes` bytes and copies its state to `state`, which is untouched unless the answer is 0.
static inline int rivulet_snapshot_read(const uint8_t *from, uint32_t bytes, const uint8_t hash[16], uint8_t *state,
                                        uint32_t size) {
  if (bytes < RIVULET_SNAPSHOT_OVERHEAD || from[0] != 'R' || from[1] != 'V' || from[2] != RIVULET_SNAPSHOT_LETTER || from[3] != '1')
    return RIVULET_SNAPSHOT_DAMAGED;
  uint32_t version = rivulet_get_u32(from + 4);
  uint32_t saved = bytes - RIVULET_SNAPSHOT_OVERHEAD;
  if (version < 1 || version > RIVULET_SNAPSHOT_NOW) return RIVULET_SNAPSHOT_VERSION;
  if (rivulet_get_u32(from + 24) != saved ||
      rivulet_get_u32(from + bytes - 4) != rivulet_crc32(from, bytes - 4))
    return RIVULET_SNAPSHOT_DAMAGED;
  if (version == RIVULET_SNAPSHOT_NOW ? saved != size : saved > size) return RIVULET_SNAPSHOT_OTHER_MODEL;
  for (uint32_t i = 0; i < 16; i++) {
    if (from[8 + i] != hash[i]) return RIVULET_SNAPSHOT_OTHER_MODEL;
  }
  for (uint32_t i = 0; i < size; i++) state[i] = i < saved ? from[28 + i] : 0;
  return RIVULET_SNAPSHOT_OK;
}

#endif
