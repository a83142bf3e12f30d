// One node from its start to its end: puts store, clients and replication together, and takes them down in order.
import { createHmac, randomBytes } from 'node:crypto';
import { ReplyBuffer } from '../protocol/reply-buffer.js';
import { ClientSession } from '../protocol/session.js';
import { RingChangeLog } from '../replication/change-log.js';
import { HybridClock } from '../replication/clock.js';
import { Replicator } from '../replication/replicator.js';
import { Store } from '../store/store.js';
import type { ClientContext } from './client-connection.js';
import { checkPorts } from './client-listeners.js';
import { ClientServer } from './client-server.js';
import { FatalError } from './exit.js';
import { checkOpenFiles, hasJit } from './limits.js';
import { listenLines } from './listen-addresses.js';
import { logLine } from './log.js';
import type { Net } from './net.js';
import { nodeNowMs } from './node-clock.js';
import type { Options, ReplicationOptions } from './options.js';
import { becomeUser, checkUser } from './privileges.js';
import { ReplicationDriver } from './replication-driver.js';
import { readSecretFile } from './secret.js';
import { NodeFacts } from './server-facts.js';
import { checkUnixSocketPath } from './unix-socket-place.js';

const SWEEP_INTERVAL_MS = 100;
/** A sweep of this many slots takes well under a millisecond. */
const SWEEP_SLOTS = 4096;
/** How long clients may take to read their last replies once the node stops. */
const CLIENT_DRAIN_MS = 2_000;
const NODE_ID_BYTES = 8;
/** The log has an entry for each KiB of memory: an item's share, at the sizes sessions have. */
const BYTES_PER_LOG_ENTRY = 1024;
const LOG_ENTRIES_MIN = 2 ** 16;
const LOG_ENTRIES_MAX = 2 ** 22;

export interface RunningNode {
  /** Stops accepting, answers what came in, hands the peer what it lacks; bounded by about 4 s. Call once. */
  stop(): Promise<void>;
  /** New connections get the certificates as they are now; if those are no good, nothing changes and the log says so. */
  reloadCertificates(): void;
}

/**
 * Starts a node: from here on it runs on its own.
 * @param fail called with an error that ends the node after it has started, such as a client port in use
 * @throws FatalError when the system or the host's settings forbid the start
 */
export function runNode(options: Options, net: Net, fail: (error: unknown) => void): RunningNode {
  checkUser(
    options.user,
    options.listen.map((endpoint) => endpoint.port),
  );
  checkOpenFiles(options.maxConnections);

  const clock = new HybridClock(0);
  const changeLog = options.replication && new RingChangeLog(logEntries(options.memoryBytes));
  const store = new Store({
    memoryBytes: options.memoryBytes,
    itemSizeMaxBytes: options.maxItemBytes,
    growthFactor: options.growthFactor,
    minItemSpaceBytes: options.minItemSpaceBytes,
    evictions: !options.refuseWhenFull,
    hashSeed: randomBytes(4).readUInt32LE(),
    clock,
    ...(changeLog && { changeLog }),
  });
  store.setNow(nodeNowMs());

  const replicator =
    options.replication && changeLog && replicatorOf(options, options.replication, store, changeLog, clock);
  const connections = { current: 0, total: 0, rejected: 0, idleKicks: 0 };
  const traffic = { bytesRead: 0, bytesWritten: 0, yields: 0 };
  const facts = new NodeFacts({
    options,
    connections,
    traffic,
    replicationStats: () => replicator?.stats(nodeNowMs()),
  });

  const serve = async (): Promise<void> => {
    if (options.unixSocket !== undefined) await checkUnixSocketPath(options.unixSocket.path);
    if (isStopping) return;
    checkPorts(net, options);
    clients.listen();
    for (const line of listenLines(options)) logLine(`listening on ${line}`);
  };
  const stopped = Promise.withResolvers<void>();
  let isStopping = false;
  const driver =
    options.replication &&
    replicator &&
    new ReplicationDriver({
      machine: replicator,
      net,
      listen: options.replication.listen,
      peer: options.replication.peer,
      nowMs: nodeNowMs,
      log: logLine,
      onReady: () => {
        serve().catch(fail);
      },
      onStopped: stopped.resolve,
    });
  const context: ClientContext = {
    store,
    reply: new ReplyBuffer(),
    traffic,
    nowMs: nodeNowMs,
    onServed: driver === undefined ? () => {} : () => driver.noteClientInput(),
  };
  const clients = new ClientServer({
    net,
    listen: options,
    thread: { isShared: false, opensUnixSocket: true },
    context,
    openSession: (protocols) => new ClientSession(store, facts, { protocols, credentials: undefined }),
    connections,
    maxConnections: options.maxConnections,
    idleTimeoutSec: options.idleTimeoutSec,
    failed: fail,
    logConnection: (connection) => {
      if (facts.verbosity > 0) logLine(`client connected (${connection.peerAddress})`);
    },
  });

  // Up to here as the user who started it (the secret may be root's); no byte of anybody is read before this.
  driver?.listen();
  becomeUser(options.user);
  if (!hasJit()) {
    logLine(
      'warning: running without JIT, up to three times slower: remove MemoryDenyWriteExecute= from the unit',
    );
  }
  for (const note of options.notes) logLine(note);
  if (driver === undefined) serve().catch(fail);
  else driver.start();

  const sweeper = setInterval(() => {
    store.setNow(nodeNowMs());
    store.sweep(SWEEP_SLOTS);
  }, SWEEP_INTERVAL_MS);

  return {
    reloadCertificates: () => reloadCertificates(clients),
    async stop() {
      isStopping = true;
      clearInterval(sweeper);
      await stopClients(clients);
      if (driver === undefined) return;
      driver.stop();
      await stopped.promise;
    },
  };
}

function replicatorOf(
  options: Options,
  replication: ReplicationOptions,
  store: Store,
  changeLog: RingChangeLog,
  clock: HybridClock,
): Replicator {
  const secret = replication.secretFile === undefined ? undefined : readSecretFile(replication.secretFile);
  return new Replicator({
    store,
    changeLog,
    clock,
    nodeId: randomBytes(NODE_ID_BYTES),
    dials: replication.peer !== undefined,
    pairId: replication.pairId,
    mac: secret === undefined ? null : (message) => createHmac('sha256', secret).update(message).digest(),
    randomBytes,
    random: Math.random,
    readyTimeoutMs: replication.readyTimeoutMs,
    maxValueBytes: options.maxItemBytes,
  });
}

function reloadCertificates(clients: ClientServer): void {
  try {
    clients.reloadCertificates();
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    logLine(`certificates are not reloaded, the old ones stay: ${error.message}`);
  }
}

/** Resolves when every client is answered and gone, or has had its time. */
async function stopClients(clients: ClientServer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    clients.abort();
    resolve();
  }, CLIENT_DRAIN_MS);
  clients.stop(resolve);
  await promise;
  clearTimeout(timer);
}

/** A power of two, as the log wants it. */
function logEntries(memoryBytes: number): number {
  const wanted = 2 ** Math.ceil(Math.log2(memoryBytes / BYTES_PER_LOG_ENTRY));
  return Math.min(LOG_ENTRIES_MAX, Math.max(LOG_ENTRIES_MIN, wanted));
}
