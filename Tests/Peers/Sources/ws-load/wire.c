#include "wire.h"

#include "fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const uint8_t wire_mask[4] = {0x37, 0xfa, 0x21, 0x3d};

// The example of RFC 6455, 1.3.
static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";
static const char accept_value[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

static size_t write_header(uint8_t *to, bool text, size_t size) {
  size_t at = 0;
  to[at++] = 0x80 | (text ? OP_TEXT : OP_BINARY);
  if (size < 126) {
    to[at++] = 0x80 | (uint8_t)size;
  } else {
    int bytes = size < 65536 ? 2 : 8;
    to[at++] = 0x80 | (bytes == 2 ? 126 : 127);
    while (bytes--) to[at++] = (uint8_t)((uint64_t)size >> 8 * bytes);
  }
  memcpy(to + at, wire_mask, sizeof wire_mask);
  return at + sizeof wire_mask;
}

struct wire make_wire(const struct options *options) {
  struct wire wire = {0};
  wire.request_length = (size_t)snprintf(
      wire.request, sizeof wire.request,
      "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
      options->path, ntohs(options->server.sin_port), key,
      options->hello ? "Sec-WebSocket-Protocol: chat.v1\r\n" : "");
  if (wire.request_length >= sizeof wire.request) fail("the path is too long");

  uint8_t header[14];
  size_t size = (size_t)options->size, header_length = write_header(header, options->text, size);
  size_t copies = (size_t)options->window + 1;
  wire.frame_length = header_length + size;
  wire.payload = malloc(size);
  wire.stream = malloc(wire.frame_length * copies);
  if (!wire.payload || !wire.stream) fail("out of memory");
  for (size_t i = 0; i < size; i++) wire.payload[i] = (uint8_t)('a' + i % 26);
  for (size_t copy = 0; copy < copies; copy++) {
    uint8_t *frame = wire.stream + copy * wire.frame_length;
    memcpy(frame, header, header_length);
    for (size_t i = 0; i < size; i++) frame[header_length + i] = wire.payload[i] ^ wire_mask[i & 3];
  }
  return wire;
}

size_t write_hello(uint8_t *frame, size_t room, const char *prefix, long number) {
  char text[126];
  int length = snprintf(text, sizeof text, "{\"type\":\"hello\",\"id\":1,\"user\":\"%s-%ld\"}",
                        prefix, number);
  size_t header = 2 + sizeof wire_mask;
  if (length > 125 || header + (size_t)length > room) fail("the name is too long");
  write_header(frame, true, (size_t)length);
  for (int i = 0; i < length; i++) frame[header + (size_t)i] = (uint8_t)text[i] ^ wire_mask[i & 3];
  return header + (size_t)length;
}

bool accepts_upgrade(char *text, char **end) {
  *end = strstr(text, "\r\n\r\n");
  if (!*end || strncmp(text, "HTTP/1.1 101", 12) || !strstr(text, accept_value)) return false;
  *end += 4;
  return true;
}
