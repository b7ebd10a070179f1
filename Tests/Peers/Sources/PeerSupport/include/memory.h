#pragma once

#include <sys/types.h>

/// Bytes of memory that are the process's own: what its end would give back.
long private_bytes(pid_t process);

/// Bytes that the kernel holds for the whole machine beyond files and processes: slabs, sockets.
long kernel_bytes(void);
