// The command line of the load program.
#ifndef OPTIONS_H
#define OPTIONS_H

struct options {
  int port;
  /** Stores every key once instead of measuring. */
  int isFill;
  int connections;
  /** Threads of ours; each has its share of the connections. */
  int threads;
  /** Requests that are sent together, before the first answer is awaited. */
  int pipeline;
  /** Keys of each get. */
  int keysPerGet;
  /** Of 100 requests so many are sets. */
  int setPercent;
  unsigned keys;
  int valueBytes;
  int warmUpMs;
  int measureMs;
  /** Requests a second, of all connections together; 0 = as fast as they are answered. */
  int rate;
  /** The server's process, whose CPU time is read; 0 = none. */
  int serverPid;
  /** The same for the process that it replicates to. */
  int peerPid;
};

/** Ends the program with status 2 and a usage line when there is anything it doesn't know. */
struct options parseOptions(int count, char **words);

#endif
