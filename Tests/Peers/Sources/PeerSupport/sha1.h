#pragma once

#include <stddef.h>
#include <stdint.h>

/// SHA-1 of at most 247 bytes, which is more than the handshake ever hashes.
void sha1(const uint8_t *data, size_t length, uint8_t digest[20]);
