#pragma once

#include "options.h"

#include <stddef.h>
#include <stdint.h>

/// What goes over every connection.
///
/// All messages of a run are identical, mask included, so what a connection has still to write is
/// a stretch of one periodic stream of bytes that all connections share. Neither the mask nor the
/// handshake's nonce is random: fit for one's own server, not for a client on the Internet.
struct wire {
  char request[1024];
  size_t request_length;
  uint8_t *payload;      // of one message, as its echo must bring it back
  uint8_t *stream;       // window + 1 masked frames
  size_t frame_length;
};

extern const uint8_t wire_mask[4];

enum opcode { OP_CONT = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

struct wire make_wire(const struct options *options);

/// Writes a masked text frame with the hello of a user of chat.v1; returns its length.
size_t write_hello(uint8_t *frame, size_t room, const char *prefix, long number);

/// Whether `text`, zero-terminated, is the answer that the request asks for; then `*end` is set
/// to what follows it.
bool accepts_upgrade(char *text, char **end);
