#include "clock.h"

#include "fail.h"

#include <errno.h>
#include <time.h>

static const uint64_t second = 1000000000;

static uint64_t read_clock(clockid_t clock) {
  struct timespec t;
  if (clock_gettime(clock, &t)) fail("clock_gettime: %m");
  return (uint64_t)t.tv_sec * second + (uint64_t)t.tv_nsec;
}

uint64_t now_ns(void) { return read_clock(CLOCK_MONOTONIC); }

void sleep_until(uint64_t when) {
  struct timespec t = {.tv_sec = (time_t)(when / second), .tv_nsec = (long)(when % second)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {}
}

uint64_t cpu_ns(pid_t process) {
  clockid_t clock;
  if (clock_getcpuclockid(process, &clock)) fail("there is no process %d", (int)process);
  return read_clock(clock);
}
