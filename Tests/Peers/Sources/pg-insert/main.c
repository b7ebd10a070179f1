// pg-insert: PostgreSQL alone, given the rows that a cluster's nodes store.
//
// The tables are the server's, the messages partitioned by conversation. A group of messages is
// one statement, one round trip and one commit; one connection, which waits for each.
//
// Use: pg-insert CONNINFO [-n PAIRS] [-s TEXT_BYTES] [-g GROUP] [-t SECONDS]. The tables are made
// in a schema of their own, which is dropped at the end.
#include "fail.h"
#include "insert.h"
#include "text.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
  struct insert_plan plan = insert_plan(
      argc, argv, "use: pg-insert CONNINFO [-n PAIRS] [-s BYTES] [-g GROUP] [-t S]");
  connection = PQconnectdb(plan.target);
  if (PQstatus(connection) != CONNECTION_OK) fail("%s", PQerrorMessage(connection));
  // Not one line on standard error for each table that is dropped.
  execute("SET client_min_messages = warning");
  make_tables(plan.rows.pairs);
  insert_for(&plan, insert_group);
  execute("DROP SCHEMA bench_rows CASCADE");
  PQfinish(connection);
  return 0;
}
