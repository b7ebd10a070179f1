// c-echo: the least that a WebSocket echo server can do, the floor of the kernel's path.
//
// One thread, one level-triggered epoll; per readiness one recv and one send. A handshake without
// checks, frames unmasked into one shared output buffer. No pings, no fragments, no limits, no
// time-outs: a yardstick, not a server. An idle connection owns one struct, and a buffer only
// while a frame is half read or an echo half written.
//
// Use: c-echo PORT [CERTIFICATE KEY], on 127.0.0.1; with a certificate it speaks TLS.
#include "fail.h"
#include "frames.h"
#include "handshake.h"
#include "listen.h"
#include "tls.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024, EVENTS_MAX = 512 };

struct connection {
  int fd;
  bool open;         // upgraded to WebSocket
  uint32_t kept_in;  // bytes kept between readinesses
  uint32_t kept_out;
  uint8_t *in;   // an incomplete frame
  uint8_t *out;  // echoes that the socket did not take
  SSL *ssl;      // NULL without TLS
};

static uint8_t input[BUFFER], output[BUFFER];
static int poller;
static SSL_CTX *tls;

static ssize_t receive(struct connection *c, void *buffer, size_t size) {
  return c->ssl ? tls_recv(c->ssl, buffer, size) : recv(c->fd, buffer, size, 0);
}

static ssize_t transmit(struct connection *c, const void *bytes, size_t size) {
  return c->ssl ? tls_send(c->ssl, bytes, size) : send(c->fd, bytes, size, MSG_NOSIGNAL);
}

static void *keep(const void *bytes, size_t length) {
  void *copy = malloc(length);
  if (!copy) fail("out of memory");
  return memcpy(copy, bytes, length);
}

static void end(struct connection *c) {
  SSL_free(c->ssl);
  close(c->fd);
  free(c->in);
  free(c->out);
  free(c);
}

static void watch(struct connection *c, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  if (epoll_ctl(poller, operation, c->fd, &event)) fail("epoll_ctl: %m");
}

static void upgrade(struct connection *c, size_t have) {
  char answer[256];
  input[have] = 0;
  // A request is one segment on loopback, so it is taken to arrive whole.
  size_t length = answer_handshake((char *)input, answer, sizeof answer);
  c->open = length && transmit(c, answer, length) == (ssize_t)length;
  if (!c->open) end(c);
}

static void reply(struct connection *c, size_t made) {
  ssize_t put = transmit(c, output, made);
  if (put < 0 && errno == EAGAIN) put = 0;
  if (put < 0) {
    end(c);
  } else if ((size_t)put < made) {
    c->kept_out = (uint32_t)(made - (size_t)put);
    c->out = keep(output + put, c->kept_out);
    watch(c, EPOLL_CTL_MOD, EPOLLOUT);  // read no more until it is gone
  }
}

static void readable(struct connection *c) {
  size_t have = c->kept_in;
  if (have) {
    memcpy(input, c->in, have);
    free(c->in);
    c->in = NULL;
    c->kept_in = 0;
  }
  ssize_t got = receive(c, input + have, BUFFER - 1 - have);
  if (c->ssl && got < 0 && errno == EAGAIN) return;  // a part of the handshake or of a record
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
    c->in = keep(input + echoes.eaten, c->kept_in);
  }
  if (echoes.made) reply(c, echoes.made);
}

static void writable(struct connection *c) {
  ssize_t put = transmit(c, c->out, c->kept_out);
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
    if (tls) SSL_set_accept_state(c->ssl = tls_begin(tls, fd));
    watch(c, EPOLL_CTL_ADD, EPOLLIN);
  }
}

int main(int argc, char **argv) {
  if (argc != 2 && argc != 4) fail("use: c-echo PORT [CERTIFICATE KEY]");
  if (argc == 4) tls = tls_server(argv[2], argv[3]);
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
      else if (c->out) writable(c);
      else readable(c);
    }
  }
}
