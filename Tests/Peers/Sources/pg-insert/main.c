// pg-insert: PostgreSQL alone, given the rows that a cluster's nodes store.
//
// The tables are the server's, the messages partitioned by conversation. A group of messages is
// one statement, one round trip and one commit; one connection, which waits for each.
//
// Use: pg-insert CONNINFO [-n PAIRS] [-s TEXT_BYTES] [-g GROUP] [-t SECONDS]. The tables are made
// in a schema of their own, which is dropped at the end.
#include "clock.h"
#include "fail.h"
#include "histogram.h"
#include "rows.h"
#include "text.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PARTITIONS = 8, COLUMNS = 6 };

static const char tables[] =
    "DROP SCHEMA IF EXISTS bench_rows CASCADE;"
    "CREATE SCHEMA bench_rows;"
    "SET search_path = bench_rows;"
    "CREATE TABLE conversations ("
    "  id bigint PRIMARY KEY, key text COLLATE \"C\" NOT NULL UNIQUE,"
    "  last_seq bigint NOT NULL, last_ts bigint NOT NULL) WITH (fillfactor = 70);"
    "CREATE TABLE messages ("
    "  conversation bigint NOT NULL, seq bigint NOT NULL, sender text COLLATE \"C\" NOT NULL,"
    "  cid bytea NOT NULL, ts bigint NOT NULL, reply_to bigint, body bytea NOT NULL,"
    "  PRIMARY KEY (conversation, seq)) PARTITION BY HASH (conversation);"
    "CREATE TABLE sends ("
    "  sender text COLLATE \"C\" NOT NULL, cid bytea NOT NULL, conversation bigint NOT NULL,"
    "  seq bigint NOT NULL, PRIMARY KEY (sender, cid));";

static const char insert[] =
    "WITH r (conversation, seq, sender, cid, ts, body) AS MATERIALIZED ("
    "  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[], $5::bigint[],"
    "    $6::bytea[])"
    "), kept AS ("
    "  INSERT INTO messages (conversation, seq, sender, cid, ts, body) SELECT * FROM r"
    "), sent AS ("
    "  INSERT INTO sends (sender, cid, conversation, seq)"
    "  SELECT sender, cid, conversation, seq FROM r"
    ") UPDATE conversations c SET last_seq = h.seq, last_ts = h.ts FROM ("
    "  SELECT conversation, max(seq) AS seq, max(ts) AS ts FROM r GROUP BY conversation"
    ") h WHERE c.id = h.conversation";

static PGconn *connection;

static void check(PGresult *result) {
  if (PQresultStatus(result) != PGRES_COMMAND_OK) fail("%s", PQerrorMessage(connection));
  PQclear(result);
}

static void execute(const char *sql) { check(PQexec(connection, sql)); }

static void make_tables(int pairs) {
  char sql[256];
  execute(tables);
  for (int i = 0; i < PARTITIONS; i++) {
    snprintf(sql, sizeof sql,
             "CREATE TABLE messages_%d PARTITION OF messages "
             "FOR VALUES WITH (MODULUS %d, REMAINDER %d)",
             i, PARTITIONS, i);
    execute(sql);
  }
  for (int i = 0; i < pairs; i++) {
    char first[ROW_NAME_MAX], second[ROW_NAME_MAX];
    rows_members(i, first, second);
    snprintf(sql, sizeof sql, "INSERT INTO conversations VALUES (%d, '%s:%s', 0, 0)", i, first,
             second);
    execute(sql);
  }
  check(PQprepare(connection, "insert", insert, COLUMNS, NULL));
}

static void insert_group(struct rows *rows, int group) {
  static struct row row;
  static struct array_text columns[COLUMNS];
  const char *values[COLUMNS];
  for (int i = 0; i < COLUMNS; i++) array_begin(&columns[i]);
  for (int i = 0; i < group; i++) {
    rows_next(rows, &row);
    array_add_number(&columns[0], row.conversation);
    array_add_number(&columns[1], row.seq);
    array_add_word(&columns[2], row.sender);
    array_add_bytes(&columns[3], row.cid, strlen(row.cid));
    array_add_number(&columns[4], row.ts);
    array_add_bytes(&columns[5], row.body, (size_t)row.body_length);
  }
  for (int i = 0; i < COLUMNS; i++) values[i] = array_end(&columns[i]);
  check(PQexecPrepared(connection, "insert", COLUMNS, values, NULL, NULL, 0));
}

int main(int argc, char **argv) {
  struct rows rows = {.pairs = 50, .text_bytes = 100};
  int group = 1024;
  double seconds = 5;
  for (int letter; (letter = getopt(argc, argv, "n:s:g:t:")) != -1;) {
    switch (letter) {
      case 'n': rows.pairs = (int)number(optarg, 1, 10000); break;
      case 's': rows.text_bytes = (int)number(optarg, 1, 16000); break;
      case 'g': group = (int)number(optarg, 1, 1e5); break;
      case 't': seconds = number(optarg, 0.1, 1e5); break;
      default: exit(2);
    }
  }
  if (optind + 1 != argc) fail("use: pg-insert CONNINFO [-n PAIRS] [-s BYTES] [-g GROUP] [-t S]");
  connection = PQconnectdb(argv[optind]);
  if (PQstatus(connection) != CONNECTION_OK) fail("%s", PQerrorMessage(connection));
  // Not one line on standard error for each table that is dropped.
  execute("SET client_min_messages = warning");
  make_tables(rows.pairs);

  static struct histogram commits;
  uint64_t start = now_ns(), now = start;
  while (now - start < (uint64_t)(seconds * 1e9)) {
    uint64_t before = now;
    insert_group(&rows, group);
    now = now_ns();
    histogram_record(&commits, now - before);
  }
  double elapsed = (double)(now - start) / 1e9;
  printf("{\"rows\":%lu,\"rows_per_s\":%.1f,", (unsigned long)rows.next,
         (double)rows.next / elapsed);
  histogram_print_us(&commits, "transaction_us");
  puts("}");
  execute("DROP SCHEMA bench_rows CASCADE");
  PQfinish(connection);
  return 0;
}
