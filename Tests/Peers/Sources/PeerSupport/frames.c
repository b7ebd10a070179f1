#include "frames.h"

#include <string.h>

/// to[i] = from[i] ^ mask[i % 4]; the compiler makes wide instructions of the first loop.
static void unmask(uint8_t *restrict to, const uint8_t *restrict from, size_t length,
                   uint32_t mask) {
  uint64_t wide = (uint64_t)mask << 32 | mask;
  size_t words = length / 8;
  for (size_t i = 0; i < words; i++) {
    uint64_t v;
    memcpy(&v, from + 8 * i, 8);
    v ^= wide;
    memcpy(to + 8 * i, &v, 8);
  }
  for (size_t i = words * 8; i < length; i++) to[i] = from[i] ^ (uint8_t)(wide >> 8 * (i & 7));
}

struct echoes echo_frames(const uint8_t *input, size_t have, uint8_t *output) {
  size_t at = 0, made = 0;
  while (have - at >= 6) {
    const uint8_t *frame = input + at;
    uint64_t length = frame[1] & 127;
    size_t header = length == 126 ? 8 : length == 127 ? 14 : 6;
    if (have - at < header) break;
    if (length == 126) {
      length = (uint64_t)frame[2] << 8 | frame[3];
    } else if (length == 127) {
      length = 0;
      for (int i = 2; i < 10; i++) length = length << 8 | frame[i];
    }
    if (have - at - header < length) break;
    // The echo's header is the frame's, without the mask and its bit.
    memcpy(output + made, frame, header - 4);
    output[made + 1] &= 127;
    uint32_t mask;
    memcpy(&mask, frame + header - 4, 4);
    unmask(output + made + header - 4, frame + header, length, mask);
    made += header - 4 + length;
    at += header + length;
  }
  return (struct echoes){.eaten = at, .made = made};
}
