#pragma once

#include <stdint.h>

/// The messages that the databases are given: what a server stores for pairs of users who write
/// to one another in turn, all pairs at the same pace.
struct rows {
  int pairs;
  int text_bytes;
  uint64_t next;  // number of the row that comes next, over all pairs
};

enum { ROW_NAME_MAX = 32, ROW_CID_MAX = 48, ROW_BODY_MAX = 16384 };

struct row {
  int conversation;  // from 0 on
  int64_t seq;       // in its conversation, from 1 on
  char sender[ROW_NAME_MAX];
  char cid[ROW_CID_MAX];
  int64_t ts;        // milliseconds since 1970
  char body[ROW_BODY_MAX];
  int body_length;
};

/// Fills in the next row.
void rows_next(struct rows *rows, struct row *row);

/// The key of a conversation and the names of its two members, each of ROW_NAME_MAX bytes at most.
void rows_members(int conversation, char *first, char *second);
