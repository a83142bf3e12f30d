// The command line of the load program.
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int KEYS_MAX = 100000000;
static const int VALUE_MAX_BYTES = 1000000;
/** Keeps a batch of requests within reason. */
static const int BATCH_MAX_BYTES = 64 << 20;

static void usage(const char *problem) {
  fprintf(stderr,
          "load: %s\nusage: load --port N [--fill 1] [--connections N] [--threads N] [--pipeline N] [--keys-per-get N]\n"
          "            [--set-percent N] [--keys N] [--value-bytes N] [--warm-up-ms N] [--measure-ms N] [--rate N]\n"
          "            [--server-pid N] [--peer-pid N]\n",
          problem);
  exit(2);
}

static int number(const char *text, int min, int max, const char *name) {
  char *end;
  long value = strtol(text, &end, 10);
  if (*text == 0 || *end != 0 || value < min || value > max) usage(name);
  return (int)value;
}

struct options parseOptions(int count, char **words) {
  struct options options = {
      .connections = 50, .threads = 1, .pipeline = 1, .keysPerGet = 1, .keys = 100000, .valueBytes = 100,
      .warmUpMs = 200, .measureMs = 1000};
  for (int at = 1; at < count; at += 2) {
    const char *name = words[at];
    if (at + 1 == count) usage(name);
    const char *text = words[at + 1];
    if (!strcmp(name, "--port")) options.port = number(text, 1, 65535, name);
    else if (!strcmp(name, "--fill")) options.isFill = number(text, 0, 1, name);
    else if (!strcmp(name, "--connections")) options.connections = number(text, 1, 100000, name);
    else if (!strcmp(name, "--threads")) options.threads = number(text, 1, 64, name);
    else if (!strcmp(name, "--pipeline")) options.pipeline = number(text, 1, 10000, name);
    else if (!strcmp(name, "--keys-per-get")) options.keysPerGet = number(text, 1, 10000, name);
    else if (!strcmp(name, "--set-percent")) options.setPercent = number(text, 0, 100, name);
    else if (!strcmp(name, "--keys")) options.keys = (unsigned)number(text, 1, KEYS_MAX, name);
    else if (!strcmp(name, "--value-bytes")) options.valueBytes = number(text, 1, VALUE_MAX_BYTES, name);
    else if (!strcmp(name, "--warm-up-ms")) options.warmUpMs = number(text, 0, 60000, name);
    else if (!strcmp(name, "--measure-ms")) options.measureMs = number(text, 1, 600000, name);
    else if (!strcmp(name, "--rate")) options.rate = number(text, 0, 100000000, name);
    else if (!strcmp(name, "--peer-pid")) options.peerPid = number(text, 0, 1 << 30, name);
    else if (!strcmp(name, "--server-pid")) options.serverPid = number(text, 0, 1 << 30, name);
    else usage(name);
  }
  if (options.port == 0) usage("--port is missing");
  if (options.threads > options.connections) usage("--threads: more than connections");
  long requestBytes = options.setPercent > 0 ? options.valueBytes : 16L * options.keysPerGet;
  if (requestBytes * options.pipeline > BATCH_MAX_BYTES) usage("--pipeline: too much for one batch");
  return options;
}
