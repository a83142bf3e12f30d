// What is asked, and what must come back: one batch of requests is on its way for each connection.
#ifndef BATCH_H
#define BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "options.h"

struct batch {
  char *bytes;
  size_t length;
  /** How many bytes answer it; every key is there, so they are known to the byte. */
  size_t replyLength;
};

/** Room for the longest batch of these options. */
size_t batchMaxBytes(const struct options *options);

/** Writes random requests, `pipeline` of them. */
void fillBatch(struct batch *batch, const struct options *options, uint64_t *random);

/** Writes sets of the keys [first, end). */
void fillBatchInOrder(struct batch *batch, const struct options *options, unsigned first, unsigned end);

/** Whether a reply may begin or end like this: a VALUE, a STORED, and whole at its end. */
int repliesBegin(const char *bytes, size_t length);
int repliesEnd(const char *bytes, size_t length);

#endif
