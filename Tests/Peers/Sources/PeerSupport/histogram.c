#include "histogram.h"

#include <stdio.h>

static unsigned bucket_of(uint64_t value) {
  if (value < HISTOGRAM_SUB) return (unsigned)value;
  unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
  return (shift + 1) * HISTOGRAM_SUB + (unsigned)(value >> shift) - HISTOGRAM_SUB;
}

static double bucket_middle(unsigned bucket) {
  if (bucket < HISTOGRAM_SUB) return bucket;
  unsigned shift = bucket / HISTOGRAM_SUB - 1;
  return ((double)(bucket % HISTOGRAM_SUB + HISTOGRAM_SUB) + 0.5) * (double)(1ull << shift);
}

void histogram_record(struct histogram *histogram, uint64_t value) {
  histogram->counts[bucket_of(value)]++;
  histogram->total++;
  if (value > histogram->max) histogram->max = value;
}

double histogram_quantile(const struct histogram *histogram, double fraction) {
  uint64_t rank = (uint64_t)(fraction * (double)histogram->total), seen = 0;
  for (unsigned b = 0; b < sizeof histogram->counts / sizeof *histogram->counts; b++) {
    seen += histogram->counts[b];
    if (seen > rank) return bucket_middle(b);
  }
  return (double)histogram->max;
}

void histogram_print_us(const struct histogram *histogram, const char *name) {
  printf("\"%s\":{\"p50\":%.2f,\"p99\":%.2f,\"p99.9\":%.2f,\"max\":%.2f}", name,
         histogram_quantile(histogram, 0.5) / 1e3, histogram_quantile(histogram, 0.99) / 1e3,
         histogram_quantile(histogram, 0.999) / 1e3, (double)histogram->max / 1e3);
}
