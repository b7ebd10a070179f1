#include "receive.h"

#include "fail.h"

#include <string.h>

static void message_done(struct load *load, struct connection *c, uint64_t now) {
  if (c->message_have != (uint64_t)load->options.size)
    fail("an echo of %lu bytes", (unsigned long)c->message_have);
  c->message_have = 0;
  if (!load->under_way--) fail("an echo of nothing");
  if (load->counting) {
    histogram_record(&load->latency, now - c->sent_at[c->oldest]);
    load->received++;
  }
  if (c->unsent > 0) {
    c->unsent--;
    c->sent_at[c->oldest] = now;
    c->owed += load->wire.frame_length;
    load->under_way++;
  }
  if (++c->oldest == (uint32_t)load->options.window) c->oldest = 0;
}

/// Whether the header is whole; `left` then tells how long the payload is.
static bool header_done(struct load *load, struct connection *c) {
  if (c->header_have < 2) return false;
  if (c->header[1] & 0x80) fail("a masked frame from the server");
  uint8_t length = c->header[1];
  if (c->header_have < (length < 126 ? 2 : length == 126 ? 4 : 10)) return false;
  c->left = length;
  if (length > 125) {
    c->left = 0;
    for (int i = 2; i < c->header_have; i++) c->left = c->left << 8 | c->header[i];
  }
  uint8_t opcode = c->header[0] & 15, wanted = load->options.text ? OP_TEXT : OP_BINARY;
  if (opcode == OP_CLOSE) fail("closed by the server");
  bool fits = opcode > OP_CLOSE ? c->left <= CONTROL_MAX
                                : opcode == (c->message_have ? OP_CONT : wanted);
  if (!fits) fail("an unexpected frame, opcode %d", opcode);
  if (opcode == OP_PING) c->control_length = (uint8_t)c->left;
  return true;
}

static void take_payload(struct load *load, struct connection *c, const uint8_t *at, size_t here) {
  uint8_t opcode = c->header[0] & 15;
  if (opcode == OP_PING) {
    memcpy(c->control + c->control_length - c->left, at, here);
  } else if (opcode < OP_CLOSE) {
    if (c->message_have + here > (uint64_t)load->options.size ||
        memcmp(load->wire.payload + c->message_have, at, here))
      fail("an echo differs from what was sent");
    c->message_have += here;
  }
  c->left -= here;
}

void receive(struct load *load, struct connection *c, const uint8_t *at, const uint8_t *end,
             uint64_t now) {
  while (at < end) {
    if (!c->in_payload) {
      c->header[c->header_have++] = *at++;
      c->in_payload = header_done(load, c);
      if (!c->in_payload) continue;
    }
    size_t here = (size_t)(end - at) < c->left ? (size_t)(end - at) : (size_t)c->left;
    take_payload(load, c, at, here);
    at += here;
    if (c->left) continue;
    uint8_t opcode = c->header[0] & 15;
    c->in_payload = false;
    c->header_have = 0;
    if (opcode == OP_PING) c->pong_due = true;
    if (opcode < OP_CLOSE && c->header[0] & 0x80) message_done(load, c, now);
  }
}
