#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/// What a connection does to the server.
enum kind {
  DRIP_HEAD,   // sends a request's head byte by byte and never ends it
  DRIP_FRAME,  // sends messages byte by byte
  MUTE,        // is sent messages and never reads
  LOUD,        // sends them
  PING,        // sends pings
  KINDS,
};

enum state { STATE_CONNECTING, STATE_UPGRADING, STATE_OPEN };

struct peer {
  int fd;
  enum kind kind;
  enum state state;
  int number;   // among those of its kind
  uint32_t at;  // bytes of its drip that have been sent
};

/// All connections of one kind, which take turns.
struct group {
  int count;
  double per_second;  // acts, over all of them
  struct peer *peers;
  int next;          // whose turn it is
  uint64_t acted;    // since the start
  uint64_t skipped;  // of those, in vain: not open, or the socket was full
  uint64_t answers;  // pongs
  uint64_t opened;   // connections, those that were lost and came again included
};

struct attack {
  struct sockaddr_in server;
  int poller;
  int users;  // that the mute connections belong to, and loud ones write to
  struct group groups[KINDS];
};

/// Connects; what the connection does comes when it is its turn.
void peer_open(struct attack *attack, struct peer *peer);

void peer_ready(struct attack *attack, struct peer *peer, uint32_t events);

/// Does once what the kind does; false when nothing could be sent.
bool peer_act(struct attack *attack, struct peer *peer);
