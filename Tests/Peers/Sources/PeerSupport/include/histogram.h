#pragma once

#include <stdint.h>

/// Log-linear, like HdrHistogram: each power of two is cut into 128 equal parts, so a recorded
/// value is off by less than 0.8 %, in constant time and space.
enum { HISTOGRAM_SUB_BITS = 7, HISTOGRAM_SUB = 1 << HISTOGRAM_SUB_BITS };

struct histogram {
  uint64_t counts[(64 - HISTOGRAM_SUB_BITS + 1) * HISTOGRAM_SUB];
  uint64_t total;
  uint64_t max;
};

void histogram_record(struct histogram *histogram, uint64_t value);

/// The value that the given fraction of all values, 0 to 1, lies below; 0 of an empty one.
double histogram_quantile(const struct histogram *histogram, double fraction);

/// Prints `"name":{"p50":...,"p99":...,"p99.9":...,"max":...}`, nanoseconds as microseconds.
void histogram_print_us(const struct histogram *histogram, const char *name);
