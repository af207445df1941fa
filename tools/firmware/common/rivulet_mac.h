// Whether an image, or anything else that came over the air, was made by who has the key: HMAC-SHA256 (RFC 2104, FIPS 180-4).
// `rivulet build --image FILE --sign KEY` writes the code of the image to FILE.mac. Check it before `check` of the module.
#ifndef RIVULET_MAC_H
#define RIVULET_MAC_H

#include <stdint.h>

#define RIVULET_MAC_SIZE 32

typedef struct {
  uint32_t state[8];
  uint8_t block[64];
  uint64_t size; // bytes so far
} rivulet_sha256;

static inline uint32_t rivulet_rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

static inline void rivulet_sha256_block(rivulet_sha256 *hash) {
  static const uint32_t k[64] = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
      0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
      0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
      0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
      0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
      0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++) {
    const uint8_t *at = hash->block + 4 * i;
    w[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
  }
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (rivulet_rotate(a, 7) ^ rivulet_rotate(a, 18) ^ a >> 3) + w[i - 7] +
           (rivulet_rotate(b, 17) ^ rivulet_rotate(b, 19) ^ b >> 10);
  }
  for (int i = 0; i < 8; i++) s[i] = hash->state[i];
  for (int i = 0; i < 64; i++) {
    uint32_t e = s[4], a = s[0];
    uint32_t t = s[7] + (rivulet_rotate(e, 6) ^ rivulet_rotate(e, 11) ^ rivulet_rotate(e, 25)) +
                 ((e & s[5]) ^ (~e & s[6])) + k[i] + w[i];
    uint32_t u = (rivulet_rotate(a, 2) ^ rivulet_rotate(a, 13) ^ rivulet_rotate(a, 22)) +
                 ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
    for (int j = 7; j > 0; j--) s[j] = s[j - 1];
    s[4] += t;
    s[0] = t + u;
  }
  for (int i = 0; i < 8; i++) hash->state[i] += s[i];
}

static inline void rivulet_sha256_start(rivulet_sha256 *hash) {
  static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  for (int i = 0; i < 8; i++) hash->state[i] = start[i];
  hash->size = 0;
}

static inline void rivulet_sha256_add(rivulet_sha256 *hash, const uint8_t *bytes, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    hash->block[hash->size++ & 63] = bytes[i];
    if ((hash->size & 63) == 0) rivulet_sha256_block(hash);
  }
}

static inline void rivulet_sha256_end(rivulet_sha256 *hash, uint8_t digest[32]) {
  const uint64_t bits = hash->size * 8;
  const uint8_t one = 0x80, zero = 0;
  rivulet_sha256_add(hash, &one, 1);
  while ((hash->size & 63) != 56) rivulet_sha256_add(hash, &zero, 1);
  for (int i = 7; i >= 0; i--) {
    const uint8_t byte = (uint8_t)(bits >> (8 * i));
    rivulet_sha256_add(hash, &byte, 1);
  }
  for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(hash->state[i >> 2] >> (24 - 8 * (i & 3)));
}

// 1 when `mac` is the code of the bytes under the key, else 0; takes as long whatever differs. Keys have 16 to 64 bytes.
static inline int rivulet_mac_matches(const uint8_t *key, uint32_t key_size, const uint8_t *bytes, uint32_t size,
                                      const uint8_t mac[RIVULET_MAC_SIZE]) {
  rivulet_sha256 hash;
  uint8_t pad[64], digest[32];
  if (key_size < 16 || key_size > 64) return 0;
  for (uint32_t i = 0; i < 64; i++) pad[i] = (uint8_t)((i < key_size ? key[i] : 0) ^ 0x36);
  rivulet_sha256_start(&hash);
  rivulet_sha256_add(&hash, pad, 64);
  rivulet_sha256_add(&hash, bytes, size);
  rivulet_sha256_end(&hash, digest);
  for (int i = 0; i < 64; i++) pad[i] ^= 0x36 ^ 0x5c;
  rivulet_sha256_start(&hash);
  rivulet_sha256_add(&hash, pad, 64);
  rivulet_sha256_add(&hash, digest, 32);
  rivulet_sha256_end(&hash, digest);
  uint8_t difference = 0;
  for (int i = 0; i < RIVULET_MAC_SIZE; i++) difference |= (uint8_t)(digest[i] ^ mac[i]);
  return difference == 0;
}

#endif
