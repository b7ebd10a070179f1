#pragma once

// What the Glibc module leaves out: epoll, eventfd, signalfd and accept4, with errno returned as
// a negative result. errno is read here because Swift code between the call and a later read of
// errno may itself make system calls.

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

// clang imports EPOLL_EVENTS as a C enum; plain constants are handier in Swift.
static const uint32_t CLINUX_EPOLLIN = EPOLLIN;
static const uint32_t CLINUX_EPOLLOUT = EPOLLOUT;
static const uint32_t CLINUX_EPOLLERR = EPOLLERR;
static const uint32_t CLINUX_EPOLLHUP = EPOLLHUP;
static const uint32_t CLINUX_EPOLLRDHUP = EPOLLRDHUP;

static inline int clinux_epoll_create(void) {
  int fd = epoll_create1(EPOLL_CLOEXEC);
  return fd >= 0 ? fd : -errno;
}

static inline int clinux_epoll_ctl(int epoll, int operation, int fd, uint32_t events,
                                   uint64_t token) {
  struct epoll_event event = {.events = events, .data.u64 = token};
  return epoll_ctl(epoll, operation, fd, &event) == 0 ? 0 : -errno;
}

static inline int clinux_epoll_wait(int epoll, struct epoll_event *events, int count,
                                    int timeout_ms) {
  int n = epoll_wait(epoll, events, count, timeout_ms);
  return n >= 0 ? n : -errno;
}

static inline uint64_t clinux_event_token(const struct epoll_event *event) {
  return event->data.u64;
}

static inline int clinux_eventfd(void) {
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return fd >= 0 ? fd : -errno;
}

static inline int clinux_signalfd(const sigset_t *mask) {
  int fd = signalfd(-1, mask, SFD_NONBLOCK | SFD_CLOEXEC);
  return fd >= 0 ? fd : -errno;
}

// In the .c file because accept4() and pthread_setname_np() are declared under _GNU_SOURCE only.
int clinux_accept(int listener, struct sockaddr_storage *address);
void clinux_set_thread_name(pthread_t thread, const char *name);

static inline int clinux_socket(int family) {
  int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return fd >= 0 ? fd : -errno;
}

static inline ssize_t clinux_recv(int fd, void *buffer, size_t count) {
  ssize_t n = recv(fd, buffer, count, 0);
  return n >= 0 ? n : -errno;
}

static inline ssize_t clinux_peek(int fd, void *buffer, size_t count) {
  ssize_t n = recv(fd, buffer, count, MSG_PEEK);
  return n >= 0 ? n : -errno;
}

static inline ssize_t clinux_send(int fd, const void *bytes, size_t count) {
  ssize_t n = send(fd, bytes, count, MSG_NOSIGNAL);
  return n >= 0 ? n : -errno;
}

// writev() has no MSG_NOSIGNAL; sendmsg() is the same call with it.
static inline ssize_t clinux_writev(int fd, const struct iovec *vectors, size_t count) {
  struct msghdr message = {.msg_iov = (struct iovec *)vectors, .msg_iovlen = count};
  ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
  return n >= 0 ? n : -errno;
}

static inline int clinux_connect(int fd, const struct sockaddr *address, socklen_t length) {
  return connect(fd, address, length) == 0 ? 0 : -errno;
}

// The loop that runs on this thread, as an opaque word. A real function in a .c file: the
// optimiser may keep the value of an inlined thread-local read across a change of thread.
uintptr_t clinux_current_loop(void);
void clinux_set_current_loop(uintptr_t loop);

// Swift's module of glibc leaves <malloc.h> out. What has `bytes` or more gets pages of its own.
void clinux_map_from(int bytes);
void clinux_trim_memory(void);
