#include "attack.h"

#include "fail.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TEXT_BYTES = 16000, MUTE_RECEIVE_BYTES = 4096, ETHERNET_SEGMENT = 1460 };

static const char head_drip[] = "GET /ws HTTP/1.1\r\nHost: localhost\r\nX-Drip: ";
// Masked with zeros, as all frames here: a mask is a mask.
static const char frame_drip[] = "\x81\x96\0\0\0\0{\"type\":\"ping\",\"id\":1}";
static const char ping[] = "\x89\x80\0\0\0\0";

static void watch(struct attack *attack, struct peer *peer, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = peer};
  if (epoll_ctl(attack->poller, operation, peer->fd, &event)) fail("epoll_ctl: %m");
}

void peer_open(struct attack *attack, struct peer *peer) {
  peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (peer->fd < 0) fail("socket: %m");
  setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
  setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  if (peer->kind == MUTE) {
    // With loopback's segments of 64 KiB the server's kernel would take megabytes for each.
    setsockopt(peer->fd, IPPROTO_TCP, TCP_MAXSEG, &(int){ETHERNET_SEGMENT}, sizeof(int));
    setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &(int){MUTE_RECEIVE_BYTES}, sizeof(int));
  }
  const struct sockaddr *server = (const struct sockaddr *)&attack->server;
  if (connect(peer->fd, server, sizeof attack->server) && errno != EINPROGRESS)
    fail("connect: %m");
  peer->state = STATE_CONNECTING;
  peer->at = 0;
  watch(attack, peer, EPOLL_CTL_ADD, EPOLLOUT);
}

static void reopen(struct attack *attack, struct peer *peer) {
  close(peer->fd);
  peer_open(attack, peer);
}

static bool send_all(struct peer *peer, const char *bytes, size_t length) {
  return send(peer->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length;
}

static bool ask_upgrade(struct attack *attack, struct peer *peer) {
  static const char letters[KINDS] = {'h', 'd', 'm', 'l', 'p'};
  int user = peer->kind == MUTE ? peer->number % attack->users : peer->number;
  char request[512];
  int length = snprintf(
      request, sizeof request,
      "GET /ws?user=%d%c%d HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      (int)getpid(), letters[peer->kind], user);
  return send_all(peer, request, (size_t)length);
}

static void connected(struct attack *attack, struct peer *peer) {
  int error = 0;
  getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
  if (error) fail("connect: %s", strerror(error));
  attack->groups[peer->kind].opened++;
  if (peer->kind == DRIP_HEAD) {
    peer->state = STATE_OPEN;
  } else {
    if (!ask_upgrade(attack, peer)) fail("cannot send the upgrade");
    peer->state = STATE_UPGRADING;
  }
  // Of a mute connection only the end is of interest, which epoll tells unasked.
  if (peer->kind == MUTE) peer->state = STATE_OPEN;
  watch(attack, peer, EPOLL_CTL_MOD, peer->kind == MUTE ? 0 : EPOLLIN);
}

/// Counts the pongs in what came; they are short and come whole.
static uint64_t pongs(const uint8_t *at, const uint8_t *end) {
  uint64_t count = 0;
  while (end - at >= 4) {
    size_t length = at[1] & 0x7F, header = 2;
    if (length == 126) length = (size_t)at[2] << 8 | at[3], header = 4;
    if (at[0] == 0x8A) count++;
    if ((size_t)(end - at) < header + length) break;
    at += header + length;
  }
  // A pong without payload is all there is in most reads.
  if (end - at >= 2 && at[0] == 0x8A) count++;
  return count;
}

void peer_ready(struct attack *attack, struct peer *peer, uint32_t events) {
  if (peer->state == STATE_CONNECTING) {
    connected(attack, peer);
    return;
  }
  if (peer->kind == MUTE) {
    reopen(attack, peer);
    return;
  }
  static uint8_t buffer[256 * 1024];
  ssize_t n = recv(peer->fd, buffer, sizeof buffer, 0);
  if (n < 0 && errno == EAGAIN && !(events & (EPOLLHUP | EPOLLERR))) return;
  if (n <= 0) {
    reopen(attack, peer);
    return;
  }
  if (peer->state == STATE_UPGRADING) {
    if (n < 12 || memcmp(buffer, "HTTP/1.1 101", 12)) fail("refused: %.*s", (int)n, buffer);
    peer->state = STATE_OPEN;
  } else if (peer->kind == PING) {
    attack->groups[PING].answers += pongs(buffer, buffer + n);
  }
}

static bool drip(struct peer *peer, const char *bytes, size_t length, bool repeats) {
  char byte = repeats ? bytes[peer->at % length] : peer->at < length ? bytes[peer->at] : 'a';
  if (!send_all(peer, &byte, 1)) return false;
  peer->at++;
  return true;
}

/// One message to a mute user.
static bool send_message(struct attack *attack, struct peer *peer) {
  static char frame[TEXT_BYTES + 256];
  static char text[TEXT_BYTES + 1];
  if (!*text) memset(text, 'x', TEXT_BYTES);
  int length = snprintf(
      frame + 8, sizeof frame - 8,
      "{\"type\":\"send\",\"cid\":\"%d-%d-%u\",\"to\":\"@%dm%d\",\"body\":{\"text\":\"%s\"}}",
      (int)getpid(), peer->number, peer->at++, (int)getpid(), peer->number % attack->users, text);
  memcpy(frame, "\x81\xFE", 2);
  frame[2] = (char)(length >> 8);
  frame[3] = (char)length;
  memset(frame + 4, 0, 4);
  return send_all(peer, frame, (size_t)length + 8);
}

bool peer_act(struct attack *attack, struct peer *peer) {
  if (peer->fd < 0 || peer->state != STATE_OPEN) return false;
  switch (peer->kind) {
    case DRIP_HEAD: return drip(peer, head_drip, sizeof head_drip - 1, false);
    case DRIP_FRAME: return drip(peer, frame_drip, sizeof frame_drip - 1, true);
    case LOUD: return send_message(attack, peer);
    case PING: return send_all(peer, ping, sizeof ping - 1);
    case MUTE: case KINDS: break;
  }
  return false;
}
