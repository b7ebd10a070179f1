// sqlite-insert: SQLite alone, given the rows that an embedded node stores.
//
// The tables, the indexes and the settings are the server's (WAL, synchronous=FULL, checkpoints
// after 8,000 pages, 16 MiB of cache), and so is what a transaction does: insert a group of
// messages, then bring the last number of each conversation up to date.
//
// Use: sqlite-insert FILE [-n PAIRS] [-s TEXT_BYTES] [-g GROUP] [-t SECONDS], a file that does
// not exist yet.
#include "clock.h"
#include "fail.h"
#include "histogram.h"
#include "rows.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char schema[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA cache_size = -16384;"
    "PRAGMA wal_autocheckpoint = 8000;"
    "CREATE TABLE conversations ("
    "  id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, last_seq INTEGER NOT NULL,"
    "  last_ts INTEGER NOT NULL) STRICT;"
    "CREATE TABLE messages ("
    "  conversation INTEGER NOT NULL REFERENCES conversations (id), seq INTEGER NOT NULL,"
    "  sender TEXT NOT NULL, cid TEXT NOT NULL, ts INTEGER NOT NULL, reply_to INTEGER,"
    "  body BLOB NOT NULL, UNIQUE (conversation, seq), UNIQUE (sender, cid)) STRICT;";

static sqlite3 *database;

static void execute(const char *sql) {
  if (sqlite3_exec(database, sql, NULL, NULL, NULL)) fail("%s: %s", sql, sqlite3_errmsg(database));
}

static sqlite3_stmt *prepare(const char *sql) {
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL))
    fail("%s: %s", sql, sqlite3_errmsg(database));
  return statement;
}

static void run(sqlite3_stmt *statement) {
  if (sqlite3_step(statement) != SQLITE_DONE) fail("%s", sqlite3_errmsg(database));
  sqlite3_reset(statement);
}

static void make_conversations(int pairs) {
  sqlite3_stmt *insert =
      prepare("INSERT INTO conversations (id, key, last_seq, last_ts) VALUES (?1, ?2, 0, 0)");
  execute("BEGIN");
  for (int i = 0; i < pairs; i++) {
    char first[ROW_NAME_MAX], second[ROW_NAME_MAX], key[2 * ROW_NAME_MAX];
    rows_members(i, first, second);
    snprintf(key, sizeof key, "%s:%s", first, second);
    sqlite3_bind_int(insert, 1, i + 1);
    sqlite3_bind_text(insert, 2, key, -1, SQLITE_TRANSIENT);
    run(insert);
  }
  execute("COMMIT");
  sqlite3_finalize(insert);
}

static void bind_row(sqlite3_stmt *insert, const struct row *row) {
  sqlite3_bind_int64(insert, 1, row->conversation + 1);
  sqlite3_bind_int64(insert, 2, row->seq);
  sqlite3_bind_text(insert, 3, row->sender, -1, SQLITE_STATIC);
  sqlite3_bind_text(insert, 4, row->cid, -1, SQLITE_STATIC);
  sqlite3_bind_int64(insert, 5, row->ts);
  sqlite3_bind_null(insert, 6);
  sqlite3_bind_blob(insert, 7, row->body, row->body_length, SQLITE_STATIC);
}

/// One transaction; `heads` has the last row of each conversation in it.
static void insert_group(struct rows *rows, int group, sqlite3_stmt *insert, sqlite3_stmt *head) {
  static struct row row;
  struct { int64_t seq, ts; } heads[rows->pairs];
  for (int i = 0; i < rows->pairs; i++) heads[i].seq = 0;
  execute("BEGIN IMMEDIATE");
  for (int i = 0; i < group; i++) {
    rows_next(rows, &row);
    bind_row(insert, &row);
    run(insert);
    heads[row.conversation].seq = row.seq;
    heads[row.conversation].ts = row.ts;
  }
  for (int i = 0; i < rows->pairs; i++) {
    if (!heads[i].seq) continue;
    sqlite3_bind_int64(head, 1, i + 1);
    sqlite3_bind_int64(head, 2, heads[i].seq);
    sqlite3_bind_int64(head, 3, heads[i].ts);
    run(head);
  }
  execute("COMMIT");
}

int main(int argc, char **argv) {
  struct rows rows = {.pairs = 50, .text_bytes = 100};
  int group = 1024;
  double seconds = 5;
  for (int letter; (letter = getopt(argc, argv, "n:s:g:t:")) != -1;) {
    switch (letter) {
      case 'n': rows.pairs = (int)number(optarg, 1, 10000); break;
      case 's': rows.text_bytes = (int)number(optarg, 1, 16000); break;
      case 'g': group = (int)number(optarg, 1, 1e6); break;
      case 't': seconds = number(optarg, 0.1, 1e5); break;
      default: exit(2);
    }
  }
  if (optind + 1 != argc) fail("use: sqlite-insert FILE [-n PAIRS] [-s BYTES] [-g GROUP] [-t S]");
  if (sqlite3_open(argv[optind], &database)) fail("%s", sqlite3_errmsg(database));
  execute(schema);
  make_conversations(rows.pairs);
  sqlite3_stmt *insert = prepare(
      "INSERT INTO messages (conversation, seq, sender, cid, ts, reply_to, body) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (sender, cid) DO NOTHING");
  sqlite3_stmt *head =
      prepare("UPDATE conversations SET last_seq = ?2, last_ts = ?3 WHERE id = ?1");

  static struct histogram commits;
  uint64_t start = now_ns(), now = start;
  while (now - start < (uint64_t)(seconds * 1e9)) {
    uint64_t before = now;
    insert_group(&rows, group, insert, head);
    now = now_ns();
    histogram_record(&commits, now - before);
  }
  double elapsed = (double)(now - start) / 1e9;
  printf("{\"rows\":%lu,\"rows_per_s\":%.1f,\"cpu_ns_per_row\":%.1f,", (unsigned long)rows.next,
         (double)rows.next / elapsed, (double)cpu_ns(0) / (double)rows.next);
  histogram_print_us(&commits, "transaction_us");
  puts("}");
  return 0;
}
