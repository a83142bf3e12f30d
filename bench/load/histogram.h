// Latencies in buckets that grow with the value: 64 for each power of two, so within 1.6 % of the truth.
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

enum { SUB_BITS = 6, SUB_BUCKETS = 1 << SUB_BITS, BUCKETS = (64 - SUB_BITS) * SUB_BUCKETS };

struct histogram {
  uint64_t count;
  uint64_t maxNs;
  uint64_t buckets[BUCKETS];
};

static inline int bucketOf(uint64_t ns) {
  if (ns < SUB_BUCKETS) return (int)ns;
  int shift = 63 - __builtin_clzll(ns) - SUB_BITS;
  return (shift << SUB_BITS) + (int)(ns >> shift);
}

/** The middle of a bucket. */
static inline double bucketNs(int bucket) {
  if (bucket < 2 * SUB_BUCKETS) return bucket;
  int shift = (bucket >> SUB_BITS) - 1;
  uint64_t low = (uint64_t)(bucket - (shift << SUB_BITS)) << shift;
  return (double)low + (double)(1ull << shift) / 2;
}

static inline void histogramAdd(struct histogram *histogram, uint64_t ns) {
  histogram->count++;
  histogram->buckets[bucketOf(ns)]++;
  if (ns > histogram->maxNs) histogram->maxNs = ns;
}

static inline void histogramMerge(struct histogram *into, const struct histogram *from) {
  into->count += from->count;
  if (from->maxNs > into->maxNs) into->maxNs = from->maxNs;
  for (int bucket = 0; bucket < BUCKETS; bucket++) into->buckets[bucket] += from->buckets[bucket];
}

/** The latency that the given share of all (0 to 1) does not exceed. */
static inline double histogramQuantileNs(const struct histogram *histogram, double share) {
  double wanted = share * (double)histogram->count;
  uint64_t seen = 0;
  for (int bucket = 0; bucket < BUCKETS; bucket++) {
    seen += histogram->buckets[bucket];
    if (seen > 0 && (double)seen >= wanted) return bucketNs(bucket);
  }
  return 0;
}

#endif
