#pragma once

#include "histogram.h"
#include "options.h"
#include "tls.h"
#include "wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONTROL_MAX = 125 };

enum state {
  STATE_CONNECTING,
  STATE_SECURING,
  STATE_UPGRADING,
  STATE_GREETING,  // hello sent to a chat server
  STATE_OPEN,
};

struct connection {
  int fd;
  SSL *ssl;                // NULL without TLS
  enum state state;
  bool wants_write;        // registered for EPOLLOUT
  bool in_payload;         // header complete, `left` bytes of payload to come
  bool pong_due;
  uint8_t header_have;     // header bytes collected so far
  uint8_t header[10];
  uint8_t control_length;  // payload of a ping, to be sent back
  uint8_t control[CONTROL_MAX];
  uint64_t left;           // payload bytes of this frame still to come
  uint64_t message_have;   // payload bytes of this message so far
  uint64_t owed;           // bytes of the stream still to be written
  uint64_t position;       // where in its frame the next written byte lies
  long unsent;             // messages that may still be begun
  uint32_t oldest;         // ring index of the oldest message under way
  uint64_t *sent_at;       // ring of send times, as long as the window
};

/// A run: all connections, on one thread and one epoll.
struct load {
  struct options options;
  struct wire wire;
  struct connection *connections;
  SSL_CTX *tls;    // NULL without TLS
  int poller;
  int opened;      // connections begun
  int connecting;  // of those, not open yet
  int open;
  long under_way;  // messages without an echo, on all connections
  bool counting;   // whether echoes go into the figures
  uint64_t received;
  struct histogram latency;  // nanoseconds
};

/// Nothing is connected yet.
void load_prepare(struct load *load, const struct options *options);

/// Connects all, so many at once as the options say, and returns when all are upgraded.
void load_open(struct load *load);

/// Puts a window of messages on every connection; each echo brings the next message, until
/// `messages` were sent on each.
void load_start(struct load *load, long messages);

/// Begins no more messages.
void load_stop(struct load *load);

/// Handles events until the monotonic clock shows `deadline`.
void load_run_until(struct load *load, uint64_t deadline);

/// Handles events until every message has its echo.
void load_drain(struct load *load);
