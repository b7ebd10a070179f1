#include "memory.h"

#include "fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// The number behind `key`, which begins a line of the file, in KiB as the kernel writes it.
static long field_kib(const char *path, const char *key) {
  FILE *file = fopen(path, "r");
  if (!file) fail("%s: %m", path);
  char line[256];
  long value = -1;
  while (value < 0 && fgets(line, sizeof line, file))
    if (!strncmp(line, key, strlen(key))) value = atol(line + strlen(key));
  fclose(file);
  if (value < 0) fail("%s has no %s", path, key);
  return value;
}

long anonymous_bytes(pid_t process) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)process);
  return 1024 * field_kib(path, "Anonymous:");
}

long kernel_bytes(void) {
  const char *path = "/proc/meminfo";
  return 1024 * (field_kib(path, "MemTotal:") - field_kib(path, "MemFree:") -
                 field_kib(path, "Buffers:") - field_kib(path, "Cached:") -
                 field_kib(path, "AnonPages:"));
}
