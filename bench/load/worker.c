// One thread of load: a closed loop over its connections. The next batch of a connection goes out when the whole
// reply to the last one is in; at a given rate, when its turn has come as well.
#include "worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "batch.h"

enum { EVENTS = 256, READ_BYTES = 1 << 18, WAIT_MS = 50, TURN_MS = 1, SHOWN_BYTES = 60, FILL_PIPELINE = 32 };
/** A reply that is shorter than it must be shows as silence. */
static const uint64_t SILENCE_NS = 5000000000ull;

struct connection {
  int socket;
  struct batch batch;
  size_t sent;
  size_t received;
  uint64_t startedNs;
  int awaitsRoom;
};

uint64_t nowNs(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

_Noreturn void fail(const char *what, const char *detail) {
  fprintf(stderr, "load: %s: %s\n", what, detail);
  exit(1);
}

static _Noreturn void failWithReply(const char *what, const char *bytes, size_t length) {
  char shown[SHOWN_BYTES + 1];
  size_t count = length < SHOWN_BYTES ? length : SHOWN_BYTES;
  for (size_t at = 0; at < count; at++) shown[at] = bytes[at] < ' ' || bytes[at] > '~' ? '.' : bytes[at];
  shown[count] = 0;
  fail(what, shown);
}

static int connectTo(int port) {
  int connected = socket(AF_INET, SOCK_STREAM, 0);
  if (connected < 0) fail("socket", strerror(errno));
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(connected, (struct sockaddr *)&address, sizeof address) < 0) fail("connect", strerror(errno));
  int on = 1;
  setsockopt(connected, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connected;
}

/** Sends what the kernel takes; the rest follows when there is room. */
static void sendBatch(struct connection *connection, int poll) {
  struct batch *batch = &connection->batch;
  while (connection->sent < batch->length) {
    ssize_t taken =
        send(connection->socket, batch->bytes + connection->sent, batch->length - connection->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (taken < 0 && errno != EAGAIN) fail("send", strerror(errno));
    if (taken < 0) break;
    connection->sent += (size_t)taken;
  }
  int awaitsRoom = connection->sent < batch->length;
  if (awaitsRoom == connection->awaitsRoom) return;
  connection->awaitsRoom = awaitsRoom;
  struct epoll_event event = {.events = EPOLLIN | (awaitsRoom ? EPOLLOUT : 0), .data.ptr = connection};
  epoll_ctl(poll, EPOLL_CTL_MOD, connection->socket, &event);
}

static void startBatch(struct connection *connection, struct worker *worker, int poll) {
  fillBatch(&connection->batch, worker->options, &worker->random);
  connection->sent = 0;
  connection->received = 0;
  connection->startedNs = nowNs();
  sendBatch(connection, poll);
}

/** Takes what came in. Returns whether the whole reply is there. */
static int receive(struct connection *connection, char *buffer) {
  ssize_t got = recv(connection->socket, buffer, READ_BYTES, MSG_DONTWAIT);
  if (got == 0) fail("the server", "closed a connection");
  if (got < 0) {
    if (errno != EAGAIN) fail("recv", strerror(errno));
    return 0;
  }
  if (connection->received == 0 && !repliesBegin(buffer, (size_t)got)) failWithReply("unexpected reply", buffer, (size_t)got);
  connection->received += (size_t)got;
  if (connection->received < connection->batch.replyLength) return 0;
  if (connection->received > connection->batch.replyLength || !repliesEnd(buffer, (size_t)got))
    failWithReply("reply of the wrong length", buffer, (size_t)got);
  return 1;
}

static void finishBatch(const struct connection *connection, struct worker *worker) {
  if (atomic_load_explicit(worker->phase, memory_order_relaxed) != MEASURING) return;
  histogramAdd(&worker->latencies, nowNs() - connection->startedNs);
  worker->requests += (uint64_t)worker->options->pipeline;
}

/** How many batches may have been started by now. */
static uint64_t batchesDue(const struct worker *worker, uint64_t sinceNs) {
  const struct options *options = worker->options;
  double share = (double)worker->connections / options->connections;
  return (uint64_t)((double)(nowNs() - sinceNs) / 1e9 * options->rate * share / options->pipeline);
}

void *runWorker(void *argument) {
  struct worker *worker = argument;
  const struct options *options = worker->options;
  char *buffer = malloc(READ_BYTES);
  struct connection *connections = calloc((size_t)worker->connections, sizeof *connections);
  int poll = epoll_create1(0);
  if (buffer == NULL || connections == NULL || poll < 0) fail("start", strerror(errno));
  for (int at = 0; at < worker->connections; at++) {
    struct connection *connection = &connections[at];
    connection->socket = connectTo(options->port);
    connection->batch.bytes = malloc(batchMaxBytes(options));
    if (connection->batch.bytes == NULL) fail("malloc", strerror(errno));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(poll, EPOLL_CTL_ADD, connection->socket, &event);
  }
  // Those that wait for their turn, where there is a rate: taken from the end, and put back there.
  struct connection **resting = calloc((size_t)worker->connections, sizeof *resting);
  if (resting == NULL) fail("start", strerror(errno));
  int restingCount = 0;
  uint64_t started = 0;
  uint64_t sinceNs = nowNs();
  for (int at = 0; at < worker->connections; at++) {
    if (options->rate > 0) resting[restingCount++] = &connections[at];
    else startBatch(&connections[at], worker, poll);
  }

  struct epoll_event events[EVENTS];
  uint64_t lastReplyNs = nowNs();
  while (atomic_load_explicit(worker->phase, memory_order_relaxed) != STOPPING) {
    while (restingCount > 0 && started < batchesDue(worker, sinceNs)) {
      startBatch(resting[--restingCount], worker, poll);
      started++;
    }
    int count = epoll_wait(poll, events, EVENTS, options->rate > 0 ? TURN_MS : WAIT_MS);
    if (restingCount == worker->connections) lastReplyNs = nowNs();
    if (count == 0 && nowNs() - lastReplyNs > SILENCE_NS) fail("the server", "does not answer, or answers less than it must");
    if (count > 0) lastReplyNs = nowNs();
    for (int at = 0; at < count; at++) {
      struct connection *connection = events[at].data.ptr;
      if (events[at].events & EPOLLOUT) sendBatch(connection, poll);
      if (!(events[at].events & ~(unsigned)EPOLLOUT) || !receive(connection, buffer)) continue;
      finishBatch(connection, worker);
      if (options->rate > 0) resting[restingCount++] = connection;
      else startBatch(connection, worker, poll);
    }
  }
  for (int at = 0; at < worker->connections; at++) {
    close(connections[at].socket);
    free(connections[at].batch.bytes);
  }
  close(poll);
  free(connections);
  free(resting);
  free(buffer);
  return NULL;
}

void storeEveryKey(const struct options *options) {
  struct options sets = *options;
  sets.setPercent = 100;
  sets.pipeline = FILL_PIPELINE;
  struct batch batch = {.bytes = malloc(batchMaxBytes(&sets))};
  if (batch.bytes == NULL) fail("malloc", strerror(errno));
  int server = connectTo(options->port);
  char reply[FILL_PIPELINE * sizeof "STORED\r\n"];
  for (unsigned first = 0; first < options->keys; first += FILL_PIPELINE) {
    unsigned left = options->keys - first;
    fillBatchInOrder(&batch, &sets, first, first + (left < FILL_PIPELINE ? left : FILL_PIPELINE));
    for (size_t sent = 0; sent < batch.length;) {
      ssize_t taken = send(server, batch.bytes + sent, batch.length - sent, MSG_NOSIGNAL);
      if (taken < 0) fail("send", strerror(errno));
      sent += (size_t)taken;
    }
    for (size_t received = 0; received < batch.replyLength;) {
      ssize_t got = recv(server, reply, sizeof reply, 0);
      if (got <= 0) fail("fill", got < 0 ? strerror(errno) : "the server closed the connection");
      if (received == 0 && !repliesBegin(reply, (size_t)got)) failWithReply("a set failed", reply, (size_t)got);
      received += (size_t)got;
      if (received >= batch.replyLength && (received > batch.replyLength || !repliesEnd(reply, (size_t)got)))
        failWithReply("a set failed", reply, (size_t)got);
    }
  }
  close(server);
  free(batch.bytes);
}
