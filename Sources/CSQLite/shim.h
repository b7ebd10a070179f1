#pragma once
#include <sqlite3.h>

// sqlite3_config takes variable arguments, which Swift cannot pass.
static inline int csqlite_config_memory_status(int is_on) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, is_on);
}
