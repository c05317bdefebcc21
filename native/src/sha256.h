// SHA-256 (FIPS 180-4) in pieces: 112 bytes of state, however long the message.
#ifndef DYNEDGE_SHA256_H
#define DYNEDGE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  uint32_t state[8];
  uint64_t bytes;
  /** What came after the last whole block. */
  uint8_t rest[64];
} dynedge_hash;

void dynedge_hash_begin(dynedge_hash *hash);
void dynedge_hash_add(dynedge_hash *hash, const uint8_t *bytes, size_t count);
/** Nothing may be added afterwards. */
void dynedge_hash_end(dynedge_hash *hash, uint8_t digest[32]);
/** Of a message that lies in one piece. */
void dynedge_sha256(const uint8_t *bytes, size_t count, uint8_t digest[32]);

#ifdef __cplusplus
}
#endif

#endif
