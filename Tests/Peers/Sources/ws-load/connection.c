#include "connection.h"

#include "clock.h"
#include "fail.h"
#include "receive.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { READ_SIZE = 256 * 1024 };
static uint8_t read_buffer[READ_SIZE];

static ssize_t transmit(struct connection *c, const void *bytes, size_t size) {
  return c->ssl ? tls_send(c->ssl, bytes, size) : send(c->fd, bytes, size, MSG_NOSIGNAL);
}

static ssize_t receive_bytes(struct connection *c) {
  size_t room = sizeof read_buffer - 1;
  return c->ssl ? tls_recv(c->ssl, read_buffer, room) : recv(c->fd, read_buffer, room, 0);
}

static void watch(struct load *load, struct connection *c, int operation, bool write) {
  struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0), .data.ptr = c};
  if (epoll_ctl(load->poller, operation, c->fd, &event)) fail("epoll_ctl: %m");
  c->wants_write = write;
}

void connection_begin(struct load *load, struct connection *c) {
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) fail("socket: %m");
  // A reset on close leaves no TIME_WAIT behind for the next run to trip over.
  setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  const struct sockaddr *server = (const struct sockaddr *)&load->options.server;
  if (connect(c->fd, server, sizeof load->options.server) && errno != EINPROGRESS)
    fail("connect: %m");
  c->state = STATE_CONNECTING;
  watch(load, c, EPOLL_CTL_ADD, true);
  load->opened++;
  load->connecting++;
}

static void request_upgrade(struct load *load, struct connection *c) {
  const struct wire *wire = &load->wire;
  ssize_t sent = transmit(c, wire->request, wire->request_length);
  if (sent != (ssize_t)wire->request_length) fail("cannot send the upgrade");
  c->state = STATE_UPGRADING;
}

/// Takes the TLS handshake as far as it goes.
static void secure(struct load *load, struct connection *c) {
  int result = SSL_do_handshake(c->ssl);
  if (result == 1) request_upgrade(load, c);
  else if (SSL_get_error(c->ssl, result) != SSL_ERROR_WANT_READ) fail("the TLS handshake failed");
}

static void connected(struct load *load, struct connection *c) {
  int error = 0;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
  if (error) fail("connect: %s", strerror(error));
  watch(load, c, EPOLL_CTL_MOD, false);
  if (!load->tls) {
    request_upgrade(load, c);
    return;
  }
  c->ssl = tls_begin(load->tls, c->fd);
  SSL_set_connect_state(c->ssl);
  c->state = STATE_SECURING;
  secure(load, c);
}

static void opened(struct load *load, struct connection *c) {
  c->state = STATE_OPEN;
  load->connecting--;
  load->open++;
}

static void say_hello(struct load *load, struct connection *c) {
  uint8_t frame[160];
  size_t length = write_hello(frame, sizeof frame, load->options.hello, c - load->connections);
  if (transmit(c, frame, length) != (ssize_t)length) fail("cannot send the hello");
  c->state = STATE_GREETING;
}

static void upgraded(struct load *load, struct connection *c, size_t length) {
  // The answer is short: one segment on loopback, so it is taken to arrive whole.
  read_buffer[length] = 0;
  char *end;
  if (!accepts_upgrade((char *)read_buffer, &end))
    fail("the server refused the upgrade:\n%s", (char *)read_buffer);
  if (load->options.hello) {
    say_hello(load, c);
    return;
  }
  opened(load, c);
  receive(load, c, (uint8_t *)end, read_buffer + length, now_ns());
}

/// What a chat server says to a hello is one segment too.
static void greeted(struct load *load, struct connection *c, size_t length) {
  static const char ready[] = "\"type\":\"ready\"";
  if (!memmem(read_buffer, length, ready, sizeof ready - 1))
    fail("the server refused the hello: %.*s", (int)length, (char *)read_buffer);
  opened(load, c);
}

static void received(struct load *load, struct connection *c, size_t length) {
  switch (c->state) {
    case STATE_UPGRADING: upgraded(load, c, length); break;
    case STATE_GREETING: greeted(load, c, length); break;
    case STATE_OPEN: receive(load, c, read_buffer, read_buffer + length, now_ns()); break;
    case STATE_CONNECTING:
    case STATE_SECURING: break;
  }
}

void connection_ready(struct load *load, struct connection *c, uint32_t events) {
  if (c->state == STATE_CONNECTING) {
    connected(load, c);
    return;
  }
  if (c->state == STATE_SECURING) {
    secure(load, c);
    return;
  }
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    ssize_t n;
    do {
      n = receive_bytes(c);
      if (n < 0 && errno != EAGAIN) fail("recv: %m");
      if (n == 0) fail("closed by the server");
      if (n > 0) received(load, c, (size_t)n);
      // More may wait inside of TLS, of which epoll knows nothing.
    } while (c->ssl && n == sizeof read_buffer - 1);
  }
  if (c->state == STATE_OPEN && (c->owed || c->pong_due)) connection_flush(load, c);
}

/// Between two frames; false when the socket is full.
static bool send_pong(struct connection *c) {
  uint8_t pong[6 + CONTROL_MAX] = {0x80 | OP_PONG, 0x80 | c->control_length};
  memcpy(pong + 2, wire_mask, sizeof wire_mask);
  for (int i = 0; i < c->control_length; i++) pong[6 + i] = c->control[i] ^ wire_mask[i & 3];
  ssize_t n = transmit(c, pong, 6u + c->control_length);
  if (n < 0 && errno == EAGAIN) return false;
  if (n != 6 + c->control_length) fail("cannot send a pong");
  c->pong_due = false;
  return true;
}

void connection_flush(struct load *load, struct connection *c) {
  const struct wire *wire = &load->wire;
  bool blocked = false;
  while (c->owed && !blocked) {
    // The stream has a window of frames behind any position in its first.
    ssize_t n = transmit(c, wire->stream + c->position, c->owed);
    if (n < 0 && errno != EAGAIN) fail("send: %m");
    if (n < 0) {
      blocked = true;
    } else {
      c->owed -= (uint64_t)n;
      c->position = (c->position + (uint64_t)n) % wire->frame_length;
    }
  }
  if (!c->owed && c->pong_due && c->position == 0) blocked = !send_pong(c);
  if (blocked != c->wants_write) watch(load, c, EPOLL_CTL_MOD, blocked);
}
