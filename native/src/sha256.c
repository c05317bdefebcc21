// SHA-256 (FIPS 180-4), for `options.sha256`: the digest of a bundle's data section, as `integrity` in JavaScript.
#include "sha256.h"

#include <string.h>

typedef uint8_t u8;
typedef uint32_t u32;

static const u32 K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static u32 turned(u32 x, u32 by) { return x >> by | x << (32 - by); }

static void add_block(u32 state[8], const u8 *block) {
  u32 w[64], s[8];
  for (u32 i = 0; i < 16; ++i)
    w[i] = (u32)block[i * 4] << 24 | (u32)block[i * 4 + 1] << 16 | (u32)block[i * 4 + 2] << 8 | block[i * 4 + 3];
  for (u32 i = 16; i < 64; ++i)
    w[i] = w[i - 16] + w[i - 7] + (turned(w[i - 15], 7) ^ turned(w[i - 15], 18) ^ w[i - 15] >> 3) +
           (turned(w[i - 2], 17) ^ turned(w[i - 2], 19) ^ w[i - 2] >> 10);
  memcpy(s, state, sizeof s);
  for (u32 i = 0; i < 64; ++i) {
    const u32 first = s[7] + (turned(s[4], 6) ^ turned(s[4], 11) ^ turned(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + K[i] + w[i];
    const u32 second = (turned(s[0], 2) ^ turned(s[0], 13) ^ turned(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += first;
    s[0] = first + second;
  }
  for (u32 i = 0; i < 8; ++i) state[i] += s[i];
}

void dynedge_hash_begin(dynedge_hash *hash) {
  static const u32 first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(hash->state, first, sizeof first);
  hash->bytes = 0;
}

void dynedge_hash_add(dynedge_hash *hash, const u8 *bytes, size_t count) {
  if (!count) return;
  const size_t held = hash->bytes % 64;
  hash->bytes += count;
  if (held) {
    const size_t taken = count < 64 - held ? count : 64 - held;
    memcpy(hash->rest + held, bytes, taken);
    if (held + taken < 64) return;
    add_block(hash->state, hash->rest);
    bytes += taken;
    count -= taken;
  }
  for (; count >= 64; bytes += 64, count -= 64) add_block(hash->state, bytes);
  memcpy(hash->rest, bytes, count);
}

void dynedge_hash_end(dynedge_hash *hash, u8 digest[32]) {
  const size_t held = hash->bytes % 64, end = held < 56 ? 64 : 128;
  u8 last[128] = {0};
  memcpy(last, hash->rest, held);
  last[held] = 0x80;
  for (u32 i = 0; i < 8; ++i) last[end - 1 - i] = (u8)(hash->bytes * 8 >> 8 * i);
  for (size_t at = 0; at < end; at += 64) add_block(hash->state, last + at);
  for (u32 i = 0; i < 32; ++i) digest[i] = (u8)(hash->state[i / 4] >> (24 - i % 4 * 8));
}

void dynedge_sha256(const u8 *bytes, size_t count, u8 digest[32]) {
  dynedge_hash hash;
  dynedge_hash_begin(&hash);
  dynedge_hash_add(&hash, bytes, count);
  dynedge_hash_end(&hash, digest);
}
