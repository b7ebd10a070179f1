// sqlite-insert: SQLite alone, given the rows that an embedded node stores.
//
// The tables, the indexes and the settings are the server's (WAL, synchronous=FULL, checkpoints
// after 8,000 pages, 16 MiB of cache, no memory statistics), and so is what a transaction does: insert a group of
// messages, then bring the last number of each conversation up to date.
//
// Use: sqlite-insert FILE [-n PAIRS] [-s TEXT_BYTES] [-g GROUP] [-t SECONDS], a file that does
// not exist yet.
#include "fail.h"
#include "insert.h"

#include <sqlite3.h>
#include <stdio.h>

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
static sqlite3_stmt *insert, *head;

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
  sqlite3_stmt *statement =
      prepare("INSERT INTO conversations (id, key, last_seq, last_ts) VALUES (?1, ?2, 0, 0)");
  execute("BEGIN");
  for (int i = 0; i < pairs; i++) {
    char first[ROW_NAME_MAX], second[ROW_NAME_MAX], key[2 * ROW_NAME_MAX];
    rows_members(i, first, second);
    snprintf(key, sizeof key, "%s:%s", first, second);
    sqlite3_bind_int(statement, 1, i + 1);
    sqlite3_bind_text(statement, 2, key, -1, SQLITE_TRANSIENT);
    run(statement);
  }
  execute("COMMIT");
  sqlite3_finalize(statement);
}

static void bind_row(const struct row *row) {
  sqlite3_bind_int64(insert, 1, row->conversation + 1);
  sqlite3_bind_int64(insert, 2, row->seq);
  sqlite3_bind_text(insert, 3, row->sender, -1, SQLITE_STATIC);
  sqlite3_bind_text(insert, 4, row->cid, -1, SQLITE_STATIC);
  sqlite3_bind_int64(insert, 5, row->ts);
  sqlite3_bind_null(insert, 6);
  sqlite3_bind_blob(insert, 7, row->body, row->body_length, SQLITE_STATIC);
}

/// One transaction; `heads` has the last row of each conversation in it.
static void insert_group(struct rows *rows, int group) {
  static struct row row;
  struct { int64_t seq, ts; } heads[rows->pairs];
  for (int i = 0; i < rows->pairs; i++) heads[i].seq = 0;
  execute("BEGIN IMMEDIATE");
  for (int i = 0; i < group; i++) {
    rows_next(rows, &row);
    bind_row(&row);
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
  struct insert_plan plan = insert_plan(
      argc, argv, "use: sqlite-insert FILE [-n PAIRS] [-s BYTES] [-g GROUP] [-t S]");
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  if (sqlite3_open(plan.target, &database)) fail("%s", sqlite3_errmsg(database));
  execute(schema);
  make_conversations(plan.rows.pairs);
  insert = prepare(
      "INSERT INTO messages (conversation, seq, sender, cid, ts, reply_to, body) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (sender, cid) DO NOTHING");
  head = prepare("UPDATE conversations SET last_seq = ?2, last_ts = ?3 WHERE id = ?1");
  insert_for(&plan, insert_group);
  return 0;
}
