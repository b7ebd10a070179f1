#pragma once

#include <stdint.h>
#include <sys/types.h>

/// Nanoseconds of the monotonic clock, the same in all processes of the machine.
uint64_t now_ns(void);

/// Sleeps until the monotonic clock shows `when`; at once if it is past.
void sleep_until(uint64_t when);

/// Nanoseconds of CPU that all threads of the process have used so far; 0 stands for ourselves.
///
/// Exact to the call: the kernel brings the count of running threads up to date first.
uint64_t cpu_ns(pid_t process);
