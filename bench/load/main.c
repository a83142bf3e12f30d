// The load of the benchmarks: many connections, a few threads, a closed loop. Prints one JSON object.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"
#include "options.h"
#include "worker.h"

/** What a span of time has cost, in seconds. */
struct costs {
  double clockSec;
  double loadCpuSec;
  double serverCpuSec;
  double peerCpuSec;
};

static double cpuSecOfProcess(int pid) {
  if (pid == 0) return 0;
  char path[64];
  char line[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL || fgets(line, sizeof line, file) == NULL) fail(path, "can't be read: has the server ended?");
  fclose(file);
  // The name in brackets may hold anything; the fields behind it are counted from there.
  const char *fields = strrchr(line, ')');
  unsigned long user = 0;
  unsigned long system = 0;
  if (fields == NULL || sscanf(fields + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
    fail(path, "has another form");
  return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double ownCpuSec(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static struct costs costsSoFar(const struct options *options) {
  return (struct costs){(double)nowNs() / 1e9, ownCpuSec(), cpuSecOfProcess(options->serverPid),
                        cpuSecOfProcess(options->peerPid)};
}

static void sleepMs(int ms) {
  struct timespec left = {ms / 1000, (long)(ms % 1000) * 1000000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

static void print(const struct costs *before, const struct costs *after, const struct worker *workers, int count) {
  struct histogram *all = calloc(1, sizeof *all);
  if (all == NULL) fail("malloc", strerror(errno));
  uint64_t requests = 0;
  for (int at = 0; at < count; at++) {
    requests += workers[at].requests;
    histogramMerge(all, &workers[at].latencies);
  }
  if (requests == 0) fail("the server", "answered nothing, or less than it must, within the time measured");
  printf("{\"requests\":%llu,\"elapsedSec\":%.6f,\"loadCpuSec\":%.6f,\"serverCpuSec\":%.6f,"
         "\"peerCpuSec\":%.6f,"
         "\"p50Us\":%.2f,\"p99Us\":%.2f,\"p999Us\":%.2f,\"maxUs\":%.2f}\n",
         (unsigned long long)requests, after->clockSec - before->clockSec, after->loadCpuSec - before->loadCpuSec,
         after->serverCpuSec - before->serverCpuSec, after->peerCpuSec - before->peerCpuSec, histogramQuantileNs(all, 0.5) / 1e3,
         histogramQuantileNs(all, 0.99) / 1e3, histogramQuantileNs(all, 0.999) / 1e3, (double)all->maxNs / 1e3);
  free(all);
}

int main(int count, char **words) {
  struct options options = parseOptions(count, words);
  if (options.isFill) {
    storeEveryKey(&options);
    return 0;
  }
  _Atomic enum phase phase = WARMING_UP;
  struct worker *workers = calloc((size_t)options.threads, sizeof *workers);
  pthread_t *threads = calloc((size_t)options.threads, sizeof *threads);
  if (workers == NULL || threads == NULL) fail("malloc", strerror(errno));
  for (int at = 0; at < options.threads; at++) {
    workers[at].options = &options;
    workers[at].phase = &phase;
    workers[at].connections = options.connections / options.threads + (at < options.connections % options.threads);
    workers[at].random = 0x9e3779b97f4a7c15ull * (uint64_t)(at + 1);
    if (pthread_create(&threads[at], NULL, runWorker, &workers[at]) != 0) fail("thread", "can't be started");
  }
  sleepMs(options.warmUpMs);
  struct costs before = costsSoFar(&options);
  phase = MEASURING;
  sleepMs(options.measureMs);
  struct costs after = costsSoFar(&options);
  phase = STOPPING;
  for (int at = 0; at < options.threads; at++) pthread_join(threads[at], NULL);
  print(&before, &after, workers, options.threads);
  free(workers);
  free(threads);
  return 0;
}
