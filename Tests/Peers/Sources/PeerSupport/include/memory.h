#pragma once

#include <sys/types.h>

/// Bytes of memory that the process has written to. Not the pages of programs and libraries, which
/// are private or shared by who else happens to run.
long anonymous_bytes(pid_t process);

/// Bytes that the kernel holds for the whole machine beyond files and processes: slabs, sockets.
long kernel_bytes(void);
