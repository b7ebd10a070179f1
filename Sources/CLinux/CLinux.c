#define _GNU_SOURCE
#include <malloc.h>
#include "CLinux.h"

int clinux_accept(int listener, struct sockaddr_storage *address) {
  socklen_t length = sizeof *address;
  int fd = accept4(listener, (struct sockaddr *)address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return fd >= 0 ? fd : -errno;
}

void clinux_set_thread_name(pthread_t thread, const char *name) {
  pthread_setname_np(thread, name);
}

static _Thread_local uintptr_t current_loop;

uintptr_t clinux_current_loop(void) { return current_loop; }

void clinux_set_current_loop(uintptr_t loop) { current_loop = loop; }

void clinux_map_from(int bytes) {
  mallopt(M_MMAP_THRESHOLD, bytes);
}

void clinux_trim_memory(void) { malloc_trim(0); }
