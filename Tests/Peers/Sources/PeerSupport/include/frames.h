#pragma once

#include <stddef.h>
#include <stdint.h>

/// Echoes of the whole masked frames that `input` begins with, written to `output`.
///
/// An echo is shorter than its frame, so `output` needs no more room than `input` has.
struct echoes {
  size_t eaten;  // bytes of input that were whole frames
  size_t made;   // bytes of output
};

struct echoes echo_frames(const uint8_t *input, size_t have, uint8_t *output);
