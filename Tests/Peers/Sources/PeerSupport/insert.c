#include "insert.h"

#include "clock.h"
#include "fail.h"

#include <stdio.h>
#include <unistd.h>

struct insert_plan insert_plan(int argc, char **argv, const char *use) {
  struct insert_plan plan = {.rows = {.pairs = 50, .text_bytes = 100}, .group = 1024, .seconds = 5};
  for (int letter; (letter = getopt(argc, argv, "n:s:g:t:")) != -1;) {
    switch (letter) {
      case 'n': plan.rows.pairs = (int)number(optarg, 1, 10000); break;
      case 's': plan.rows.text_bytes = (int)number(optarg, 1, 16000); break;
      case 'g': plan.group = (int)number(optarg, 1, 1e6); break;
      case 't': plan.seconds = number(optarg, 0.1, 1e5); break;
      default: fail("%s", use);
    }
  }
  if (optind + 1 != argc) fail("%s", use);
  plan.target = argv[optind];
  return plan;
}

void insert_for(struct insert_plan *plan, void (*insert_group)(struct rows *rows, int group)) {
  static struct histogram transactions;
  uint64_t start = now_ns(), now = start;
  while (now - start < (uint64_t)(plan->seconds * 1e9)) {
    uint64_t before = now;
    insert_group(&plan->rows, plan->group);
    now = now_ns();
    histogram_record(&transactions, now - before);
  }
  double rows = (double)plan->rows.next;
  printf("{\"rows\":%.0f,\"rows_per_s\":%.1f,\"cpu_ns_per_row\":%.1f,", rows,
         rows / ((double)(now - start) / 1e9), (double)cpu_ns(0) / rows);
  histogram_print_us(&transactions, "transaction_us");
  puts("}");
}
