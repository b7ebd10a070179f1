#include "handshake.h"

#include "sha1.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void base64(const uint8_t *in, size_t length, char *out) {
  static const char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < length; i += 3) {
    bool second = i + 1 < length, third = i + 2 < length;
    uint32_t v = (uint32_t)in[i] << 16 | (second ? in[i + 1] : 0u) << 8 | (third ? in[i + 2] : 0u);
    *out++ = digits[v >> 18];
    *out++ = digits[v >> 12 & 63];
    *out++ = second ? digits[v >> 6 & 63] : '=';
    *out++ = third ? digits[v & 63] : '=';
  }
  *out = 0;
}

size_t answer_handshake(const char *request, char *answer, size_t room) {
  static const char name[] = "Sec-WebSocket-Key: ";
  const char *key = strcasestr(request, name);
  if (!key || !strstr(key, "\r\n\r\n")) return 0;
  char joined[64], accept[32];
  uint8_t digest[20];
  int length = snprintf(joined, sizeof joined, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                        key + sizeof name - 1);
  sha1((uint8_t *)joined, (size_t)length, digest);
  base64(digest, sizeof digest, accept);
  return (size_t)snprintf(answer, room,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                          accept);
}
