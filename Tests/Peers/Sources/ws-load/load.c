#include "load.h"

#include "clock.h"
#include "connection.h"
#include "fail.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum { EVENTS_MAX = 512 };

/// How long a server may answer nothing.
static const int patience_ms = 20000;

void load_prepare(struct load *load, const struct options *options) {
  *load = (struct load){.options = *options, .wire = make_wire(options)};
  if (options->secure) load->tls = tls_client();
  size_t count = (size_t)options->connections, window = (size_t)options->window;
  load->connections = calloc(count, sizeof *load->connections);
  uint64_t *times = calloc(count * window, sizeof *times);
  load->poller = epoll_create1(EPOLL_CLOEXEC);
  if (!load->connections || !times || load->poller < 0) fail("cannot start: %m");
  for (size_t i = 0; i < count; i++) load->connections[i].sent_at = times + i * window;
}

static void begin_handshakes(struct load *load) {
  while (load->opened < load->options.connections && load->connecting < load->options.handshakes)
    connection_begin(load, &load->connections[load->opened]);
}

/// Waits for events and handles them; false when none came.
static bool turn(struct load *load, int timeout_ms) {
  struct epoll_event events[EVENTS_MAX];
  int count = epoll_wait(load->poller, events, EVENTS_MAX, timeout_ms);
  if (count < 0 && errno != EINTR) fail("epoll_wait: %m");
  for (int i = 0; i < count; i++) connection_ready(load, events[i].data.ptr, events[i].events);
  return count > 0;
}

void load_open(struct load *load) {
  while (load->open < load->options.connections) {
    begin_handshakes(load);
    if (!turn(load, patience_ms)) fail("the server does not answer (%d open)", load->open);
  }
}

void load_start(struct load *load, long messages) {
  uint64_t now = now_ns();
  long first = load->options.window < messages ? load->options.window : messages;
  for (int i = 0; i < load->options.connections; i++) {
    struct connection *c = &load->connections[i];
    for (int k = 0; k < load->options.window; k++) c->sent_at[k] = now;
    c->oldest = 0;
    c->unsent = messages - first;
    c->owed = load->wire.frame_length * (uint64_t)first;
    load->under_way += first;
    connection_flush(load, c);
  }
}

void load_stop(struct load *load) {
  for (int i = 0; i < load->options.connections; i++) load->connections[i].unsent = 0;
}

void load_run_until(struct load *load, uint64_t deadline) {
  for (uint64_t now; (now = now_ns()) < deadline;)
    turn(load, (int)((deadline - now) / 1000000) + 1);
}

void load_drain(struct load *load) {
  while (load->under_way)
    if (!turn(load, patience_ms)) fail("%ld echoes did not come", load->under_way);
}
