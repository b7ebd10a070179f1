#include "rows.h"

#include "fail.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void rows_members(int conversation, char *first, char *second) {
  snprintf(first, ROW_NAME_MAX, "bench-a%d", conversation);
  snprintf(second, ROW_NAME_MAX, "bench-b%d", conversation);
}

static int64_t wall_clock_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void rows_next(struct rows *rows, struct row *row) {
  static const char head[] = "{\"text\":\"", tail[] = "\"}";
  uint64_t number = rows->next++ / (uint64_t)rows->pairs;
  row->conversation = (int)((rows->next - 1) % (uint64_t)rows->pairs);
  row->seq = (int64_t)number + 1;
  char members[2][ROW_NAME_MAX];
  rows_members(row->conversation, members[0], members[1]);
  memcpy(row->sender, members[number % 2], ROW_NAME_MAX);
  snprintf(row->cid, sizeof row->cid, "%s-%lu", row->sender, (unsigned long)(number / 2));
  row->ts = wall_clock_ms();
  row->body_length = (int)(sizeof head + sizeof tail - 2) + rows->text_bytes;
  if (row->body_length > ROW_BODY_MAX) fail("texts of %d bytes are too long", rows->text_bytes);
  memcpy(row->body, head, sizeof head - 1);
  memset(row->body + sizeof head - 1, 'a' + (int)(number % 26), (size_t)rows->text_bytes);
  memcpy(row->body + row->body_length - (sizeof tail - 1), tail, sizeof tail - 1);
}
