// One thread of load: its connections, each with one batch of requests under way, and what it measured.
#ifndef WORKER_H
#define WORKER_H

#include <stdatomic.h>
#include <stdint.h>

#include "histogram.h"
#include "options.h"

enum phase { WARMING_UP, MEASURING, STOPPING };

struct worker {
  const struct options *options;
  const _Atomic enum phase *phase;
  int connections;
  uint64_t random;
  /** Requests answered while measuring; a get of many keys is one. */
  uint64_t requests;
  /** From the sending of a batch to the last byte of its replies. */
  struct histogram latencies;
};

uint64_t nowNs(void);

/** Says why on stderr and ends the program. */
_Noreturn void fail(const char *what, const char *detail);

/** Runs until the phase is STOPPING; for pthread_create. Fails the program on any wrong reply. */
void *runWorker(void *worker);

/** Stores every key once. */
void storeEveryKey(const struct options *options);

#endif
