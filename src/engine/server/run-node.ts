// One node from its start to its end: puts store, clients and replication together, and takes them down in order.
import { randomBytes } from 'node:crypto';
import type { RingChangeLog } from '../replication/change-log.js';
import { Replicator } from '../replication/replicator.js';
import type { MessageAuthenticator, ReplicationMachine } from '../replication/types.js';
import { SharedMemory } from '../store/shared-memory.js';
import type { Store } from '../store/store.js';
import { AckKeeper } from './ack-keeper.js';
import { nodeAckMode } from './ack-modes.js';
import { type ClientFront, LocalFront } from './client-front.js';
import { checkPorts } from './client-listeners.js';
import { FatalError } from './exit.js';
import { FileWatch } from './file-watch.js';
import { adviseHugePages } from './huge-pages.js';
import { LINK_LOSS_MS, legacyMachineOf } from './legacy-peer.js';
import { checkOpenFiles, hasJit } from './limits.js';
import { linkTlsOf, reloadLinkSecurity, secretsOf } from './link-security.js';
import { listenLines } from './listen-addresses.js';
import { logLine } from './log.js';
import { keepMemory, restoreMemory, savedHashSeed } from './memory-file/memory-file.js';
import type { Net } from './net.js';
import { type NodeSeed, type NodeState, openNodeState } from './node-state.js';
import type { Options, ReplicationOptions } from './options.js';
import { removePidFile, writePidFile } from './pid-file.js';
import { becomeUser, checkUser } from './privileges.js';
import { allowLockedMemory, lockMemory, raiseCoreLimit } from './process-limits.js';
import { ReplicationDriver } from './replication-driver.js';
import { type ReplyGate, replyGateOf } from './reply-gate.js';
import { WorkerThreads } from './threads.js';
import { checkUnixSocketPath } from './unix-socket-place.js';

const SWEEP_INTERVAL_MS = 100;
/** A sweep of this many slots takes well under a millisecond. */
const SWEEP_SLOTS = 4096;
/** So many at a time, between which clients on other threads are let in. */
const SWEEP_PORTION_SLOTS = 64;
const NODE_ID_BYTES = 8;

export interface RunningNode {
  /**
   * Stops accepting, answers what came in, hands the peer what it lacks; bounded by about 4 s. Then, with -e, saves
   * the items. Call once.
   */
  stop(): Promise<void>;
  /** Reads certificates, auth file and replication secret again. What is no good changes nothing, and the log says so. */
  reload(): void;
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

  const seed: NodeSeed = { options, hashSeed: savedHashSeed(options) ?? randomBytes(4).readUInt32LE() };
  const memory = new SharedMemory();
  const state = openNodeState(seed, memory);
  adviseHugePages(memory.handles.values());
  const { store, nowMs } = state;
  state.counters.verbosity = options.verbose ? 1 : 0;

  let isStopping = false;
  let isServing = false;
  const serve = async (): Promise<void> => {
    if (options.unixSocket !== undefined) await checkUnixSocketPath(options.unixSocket.path);
    if (isStopping) return;
    checkPorts(net, options);
    await front.listen();
    isServing = true;
    fileWatch.noteServing();
    // Not before: a second node that finds its port taken must leave the file of the first alone.
    if (options.pidFile !== undefined) writePidFile(options.pidFile);
    for (const line of listenLines(options)) logLine(`listening on ${line}`);
  };
  const replicator = machineOf(state);
  const stopped = Promise.withResolvers<void>();
  const gate = options.threads > 1 ? undefined : replyGateOf(state, false);
  const driver =
    replicator && driverOf(replicator, state, net, gate, () => serve().catch(fail), stopped.resolve);

  // Up to here as the user who started it (the secret may be root's); no byte of anybody is read before this.
  driver?.listen();
  if (options.coreDumps) raiseCoreLimit();
  if (options.lockMemory) allowLockedMemory();
  becomeUser(options.user);
  if (options.lockMemory) lockMemory();
  // As the user who will have to read it again.
  loadLogins(state);
  if (options.memoryFile !== undefined) restoreMemory(options.memoryFile, state);
  const front: ClientFront =
    options.threads > 1
      ? new WorkerThreads(seed, memory.handles, fail)
      : new LocalFront({
          net,
          state,
          thread: 0,
          onServed: driver === undefined ? () => {} : () => driver.noteClientInput(),
          gate,
          replicationStats: () => replicator?.stats(nowMs()),
        });
  let isReloadDue = false;
  const fileWatch = new FileWatch({
    options,
    net,
    front,
    driver,
    counters: state.counters,
    nowMs,
    log: logLine,
    onAccepting: () => {
      if (isReloadDue) reload();
    },
    fail,
  });
  const reload = (): void => {
    isReloadDue = fileWatch.keepsClientsOut;
    if (isReloadDue) logLine('no clients are accepted just now: all is reloaded again as soon as they are');
    // Before clients are served there are none to replace, and once the node stops there is nobody to get them.
    else if (options.tls !== undefined && isServing && !isStopping) reloadCertificates(front).catch(fail);
    reloadLogins(state);
    if (driver !== undefined && options.replication !== undefined) {
      reloadLinkSecurity(options.replication, driver);
    }
  };
  if (!hasJit()) {
    logLine(
      'warning: running without JIT, up to three times slower: remove MemoryDenyWriteExecute= from the unit',
    );
  }
  for (const note of options.notes) logLine(note);
  if (driver === undefined) serve().catch(fail);
  else driver.start();

  fileWatch.start();
  const sweeper = setInterval(() => {
    store.setNow(nowMs());
    sweep(store);
  }, SWEEP_INTERVAL_MS);

  return {
    reload,
    async stop() {
      isStopping = true;
      clearInterval(sweeper);
      fileWatch.stop();
      await front.stop();
      if (driver !== undefined) {
        driver.stop();
        await stopped.promise;
      }
      if (options.memoryFile !== undefined) await keepMemory(options.memoryFile, state);
      if (options.pidFile !== undefined) removePidFile(options.pidFile);
    },
  };
}

/** @throws FatalError when the auth file is none that can be trusted */
function loadLogins({ options, logins }: NodeState): void {
  if (options.authFile !== undefined) logins?.load(options.authFile);
}

/** Says what came of it once every thread has the new ones: from then on no new connection gets the old. */
async function reloadCertificates(front: ClientFront): Promise<void> {
  const problems = await front.reloadCertificates();
  const problem = problems.find((found) => found !== undefined);
  if (problem === undefined) logLine('certificates reloaded');
  // Each thread reads the files: they may have changed meanwhile.
  else if (problems.includes(undefined)) {
    logLine(`certificates are not reloaded by all threads, send SIGHUP again: ${problem}`);
  } else logLine(`certificates are not reloaded, the old ones stay: ${problem}`);
}

function reloadLogins(state: NodeState): void {
  if (state.logins === undefined) return;
  try {
    loadLogins(state);
    logLine('auth file reloaded');
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    logLine(`the auth file is not reloaded, the old logins stay: ${error.message}`);
  }
}

/** The secret is read now, as the user who started the node, whichever protocol comes first. */
function machineOf(state: NodeState): ReplicationMachine | undefined {
  const { replication } = state.options;
  if (replication === undefined || state.replication === undefined) return undefined;
  const { changeLog } = state.replication;
  const secrets = secretsOf(replication);
  const own = (): Replicator => replicatorOf(state, replication, changeLog, secrets);
  return replication.protocol === 'legacy' ? legacyMachineOf(state, own) : own();
}

function replicatorOf(
  { options, store, clock }: NodeState,
  { peer, pairId, readyTimeoutMs, syncBytesPerSec }: ReplicationOptions,
  changeLog: RingChangeLog,
  secrets: readonly MessageAuthenticator[],
): Replicator {
  return new Replicator({
    store,
    changeLog,
    clock,
    nodeId: randomBytes(NODE_ID_BYTES),
    dials: peer !== undefined,
    pairId,
    secrets,
    randomBytes,
    random: Math.random,
    readyTimeoutMs,
    syncBytesPerSec,
    maxValueBytes: options.maxItemBytes,
  });
}

function driverOf(
  machine: ReplicationMachine,
  { options, store, nowMs, replication }: NodeState,
  net: Net,
  gate: ReplyGate | undefined,
  onReady: () => void,
  onStopped: () => void,
): ReplicationDriver | undefined {
  if (options.replication === undefined || replication === undefined) return undefined;
  const { bell, board, changeLog, acks } = replication;
  const mode = nodeAckMode(options);
  const keeper =
    mode === 'none'
      ? undefined
      : new AckKeeper({ mode, board: acks, machine, changeLog, store, nowMs, log: logLine });
  return new ReplicationDriver({
    machine,
    net,
    listen: options.replication.listen,
    peer: options.replication.peer,
    tls: linkTlsOf(options.replication),
    linkLossMs: options.replication.protocol === 'legacy' ? LINK_LOSS_MS : undefined,
    nowMs,
    log: logLine,
    onReady,
    onStopped,
    onStepped: () => {
      keeper?.update();
      gate?.open();
      if (options.threads === 1) return;
      store.lock();
      try {
        board.publish(machine.stats(nowMs()));
      } finally {
        store.unlock();
      }
    },
    // With one thread nobody else writes, and nobody else asks.
    ...(options.threads > 1 && { nextChange: () => bell.await() }),
  });
}

/** Frees some of what has expired. */
function sweep(store: Store): void {
  store.lock();
  try {
    for (let swept = 0; swept < SWEEP_SLOTS; swept += SWEEP_PORTION_SLOTS) {
      store.sweep(SWEEP_PORTION_SLOTS);
      store.yieldLock();
    }
  } finally {
    store.unlock();
  }
}
