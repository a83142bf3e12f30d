// Requests of the classic text protocol. Keys are 12 bytes long, as in `key:00004711`.
#include "batch.h"

#include <stdio.h>
#include <string.h>

enum { KEY_BYTES = 12, KEY_DIGITS = 8, LINE_MAX_BYTES = 64 };

static const char STORED[] = "STORED\r\n";
static const char END[] = "END\r\n";

static uint64_t nextRandom(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static unsigned randomKey(const struct options *options, uint64_t *random) {
  return (unsigned)(((nextRandom(random) >> 32) * options->keys) >> 32);
}

static char *writeKey(char *to, unsigned key) {
  memcpy(to, "key:", 4);
  for (int digit = KEY_BYTES - 1; digit >= KEY_BYTES - KEY_DIGITS; digit--) {
    to[digit] = (char)('0' + key % 10);
    key /= 10;
  }
  return to + KEY_BYTES;
}

static char *writeText(char *to, const char *text) {
  size_t length = strlen(text);
  memcpy(to, text, length);
  return to + length;
}

static char *writeSet(char *to, unsigned key, const char *tail, size_t tailLength, int valueBytes) {
  to = writeKey(writeText(to, "set "), key);
  memcpy(to, tail, tailLength);
  to += tailLength;
  // A value that tells its key; binary bytes would cost the servers the same.
  memset(to, 'a' + (int)(key % 26), (size_t)valueBytes);
  return writeText(to + valueBytes, "\r\n");
}

/** ` 0 0 <length>\r\n`: what stands between the key of a set and its value. */
static size_t setTail(char *to, int valueBytes) { return (size_t)sprintf(to, " 0 0 %d\r\n", valueBytes); }

/** The bytes that one found key adds to a reply. */
static size_t valueReplyBytes(const struct options *options) {
  char head[LINE_MAX_BYTES];
  int headLength = sprintf(head, "VALUE %.*s 0 %d\r\n", KEY_BYTES, "key:00000000", options->valueBytes);
  return (size_t)headLength + (size_t)options->valueBytes + 2;
}

size_t batchMaxBytes(const struct options *options) {
  size_t set = LINE_MAX_BYTES + (size_t)options->valueBytes;
  size_t get = LINE_MAX_BYTES + (size_t)options->keysPerGet * (KEY_BYTES + 1);
  return (size_t)options->pipeline * (options->setPercent == 0 || get > set ? get : set);
}

void fillBatch(struct batch *batch, const struct options *options, uint64_t *random) {
  char tail[LINE_MAX_BYTES];
  size_t tailLength = options->setPercent > 0 ? setTail(tail, options->valueBytes) : 0;
  size_t getReplyBytes = (size_t)options->keysPerGet * valueReplyBytes(options) + strlen(END);
  char *to = batch->bytes;
  batch->replyLength = 0;
  for (int request = 0; request < options->pipeline; request++) {
    int isSet = options->setPercent > 0 && nextRandom(random) % 100 < (uint64_t)options->setPercent;
    if (isSet) {
      to = writeSet(to, randomKey(options, random), tail, tailLength, options->valueBytes);
      batch->replyLength += strlen(STORED);
      continue;
    }
    to = writeText(to, "get");
    for (int key = 0; key < options->keysPerGet; key++) {
      *to++ = ' ';
      to = writeKey(to, randomKey(options, random));
    }
    to = writeText(to, "\r\n");
    batch->replyLength += getReplyBytes;
  }
  batch->length = (size_t)(to - batch->bytes);
}

void fillBatchInOrder(struct batch *batch, const struct options *options, unsigned first, unsigned end) {
  char tail[LINE_MAX_BYTES];
  size_t tailLength = setTail(tail, options->valueBytes);
  char *to = batch->bytes;
  for (unsigned key = first; key < end; key++) to = writeSet(to, key, tail, tailLength, options->valueBytes);
  batch->length = (size_t)(to - batch->bytes);
  batch->replyLength = (end - first) * strlen(STORED);
}

int repliesBegin(const char *bytes, size_t length) {
  return length > 0 && (bytes[0] == 'V' || (bytes[0] == 'S' && (length < 2 || bytes[1] == 'T')));
}

int repliesEnd(const char *bytes, size_t length) {
  // The last chunk may be very short; then its line end has to do.
  if (length < strlen(STORED)) return length < 1 || bytes[length - 1] == '\n';
  return memcmp(bytes + length - strlen(END), END, strlen(END)) == 0 ||
         memcmp(bytes + length - strlen(STORED), STORED, strlen(STORED)) == 0;
}
