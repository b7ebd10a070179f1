// c-fanout: the least that it takes to hand a message to many WebSockets, the floor of a room.
//
// One thread, one level-triggered epoll. What comes in on one connection goes to all of them, to
// the one that it came from too, with one send of the same bytes each. What a socket does not take
// is kept for it until it is writable. No checks, no pings, no users, no order between senders.
//
// Use: c-fanout PORT, on 127.0.0.1.
#include "fail.h"
#include "frames.h"
#include "handshake.h"
#include "listen.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024, EVENTS_MAX = 512, CONNECTIONS_MAX = 100 * 1000 };
// A connection that leaves more unread is closed, as the server closes it.
enum { PENDING_MAX = 4 * 1024 * 1024 };

struct connection {
  int fd;
  bool open;        // upgraded to WebSocket
  bool dead;        // to be freed behind the events under way
  uint32_t place;   // in `members`, once it is open
  uint32_t kept_in, kept_out;
  uint8_t *in;   // an incomplete frame
  uint8_t *out;  // what the socket did not take
};

static uint8_t input[BUFFER], output[BUFFER];
static int poller;
static struct connection *members[CONNECTIONS_MAX];
static uint32_t member_count;
static struct connection *dead[CONNECTIONS_MAX];
static uint32_t dead_count;

static void watch(struct connection *c, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  if (epoll_ctl(poller, operation, c->fd, &event)) fail("epoll_ctl: %m");
}

// An event for it may still be in this batch, so it is freed behind that.
static void end(struct connection *c) {
  if (c->dead) return;
  c->dead = true;
  close(c->fd);
  if (c->open) {
    members[c->place] = members[--member_count];
    members[c->place]->place = c->place;
  }
  dead[dead_count++] = c;
}

static void bury(void) {
  while (dead_count) {
    struct connection *c = dead[--dead_count];
    free(c->in);
    free(c->out);
    free(c);
  }
}

static void upgrade(struct connection *c, size_t have) {
  char answer[256];
  input[have] = 0;
  // A request is one segment on loopback, so it is taken to arrive whole.
  size_t length = answer_handshake((char *)input, answer, sizeof answer);
  if (!length || member_count == CONNECTIONS_MAX ||
      send(c->fd, answer, length, MSG_NOSIGNAL) != (ssize_t)length) {
    end(c);
    return;
  }
  c->open = true;
  c->place = member_count;
  members[member_count++] = c;
}

/// Keeps bytes behind those that already wait for the socket.
static void keep_out(struct connection *c, const uint8_t *bytes, size_t length) {
  if (c->kept_out + length > PENDING_MAX) {
    end(c);
    return;
  }
  uint8_t *larger = realloc(c->out, c->kept_out + length);
  if (!larger) fail("out of memory");
  memcpy(larger + c->kept_out, bytes, length);
  if (!c->out) watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
  c->out = larger;
  c->kept_out += (uint32_t)length;
}

static void write_to(struct connection *c, const uint8_t *bytes, size_t length) {
  // Order: nothing overtakes what waits.
  ssize_t put = 0;
  if (!c->out) put = send(c->fd, bytes, length, MSG_NOSIGNAL);
  if (put < 0 && errno == EAGAIN) put = 0;
  if (put < 0) end(c);
  else if ((size_t)put < length) keep_out(c, bytes + put, length - (size_t)put);
}

// Downwards: whoever ends takes the last one's place, which has had its turn.
static void write_to_all(const uint8_t *bytes, size_t length) {
  for (uint32_t place = member_count; place-- > 0;) write_to(members[place], bytes, length);
}

static void readable(struct connection *c) {
  size_t have = c->kept_in;
  if (have) {
    memcpy(input, c->in, have);
    free(c->in);
    c->in = NULL;
    c->kept_in = 0;
  }
  ssize_t got = recv(c->fd, input + have, BUFFER - 1 - have, 0);
  if (got <= 0) {
    end(c);
    return;
  }
  have += (size_t)got;
  if (!c->open) {
    upgrade(c, have);
    return;
  }
  struct echoes echoes = echo_frames(input, have, output);
  if (echoes.eaten < have) {
    c->kept_in = (uint32_t)(have - echoes.eaten);
    c->in = malloc(c->kept_in);
    if (!c->in) fail("out of memory");
    memcpy(c->in, input + echoes.eaten, c->kept_in);
  }
  if (echoes.made) write_to_all(output, echoes.made);
}

static void writable(struct connection *c) {
  ssize_t put = send(c->fd, c->out, c->kept_out, MSG_NOSIGNAL);
  if (put < 0 && errno == EAGAIN) return;
  if (put < 0) {
    end(c);
    return;
  }
  c->kept_out -= (uint32_t)put;
  if (c->kept_out) {
    memmove(c->out, c->out + put, c->kept_out);
    return;
  }
  free(c->out);
  c->out = NULL;
  watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

static void accept_all(int listener) {
  int fd;
  while ((fd = accept_from(listener)) >= 0) {
    struct connection *c = calloc(1, sizeof *c);
    if (!c) fail("out of memory");
    c->fd = fd;
    watch(c, EPOLL_CTL_ADD, EPOLLIN);
  }
}

int main(int argc, char **argv) {
  if (argc != 2) fail("use: c-fanout PORT");
  int listener = listen_on((uint16_t)number(argv[1], 1, UINT16_MAX));
  poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event acceptable = {.events = EPOLLIN};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &acceptable)) fail("epoll_ctl: %m");
  for (;;) {
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(poller, events, EVENTS_MAX, -1);
    for (int i = 0; i < count; i++) {
      struct connection *c = events[i].data.ptr;
      if (!c) accept_all(listener);
      else if (!c->dead && c->out && events[i].events & EPOLLOUT) writable(c);
      else if (!c->dead && events[i].events & ~(uint32_t)EPOLLOUT) readable(c);
    }
    bury();
  }
}
