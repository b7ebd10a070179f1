#pragma once

#include "histogram.h"
#include "rows.h"

/// What a program that inserts rows is asked to do.
struct insert_plan {
  const char *target;  // the database
  struct rows rows;
  int group;           // rows of a transaction
  double seconds;
};

/// Reads TARGET [-n PAIRS] [-s TEXT_BYTES] [-g GROUP] [-t SECONDS]; fails with `use` if they are
/// others.
struct insert_plan insert_plan(int argc, char **argv, const char *use);

/// Inserts groups until the time is over, then prints what came of it as members of a JSON object:
/// rows, rows a second, the process's CPU per row, and how long transactions took.
void insert_for(struct insert_plan *plan, void (*insert_group)(struct rows *rows, int group));
