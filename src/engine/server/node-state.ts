// What all threads of a node share, as one of them sees it: the store, the clock of versions, the log, the counts.
import { RingChangeLog } from '../replication/change-log.js';
import { HybridClock } from '../replication/clock.js';
import { KeyPatterns } from '../store/key-patterns.js';
import type { SharedMemory } from '../store/shared-memory.js';
import { Store } from '../store/store.js';
import { AckBoard } from './ack-board.js';
import { ChangeBell } from './change-bell.js';
import { ConnectionBoard } from './connection-board.js';
import { UNCOUNTED_MAX } from './limits.js';
import { nodeClock } from './node-clock.js';
import type { Options } from './options.js';
import { ProcessCounters } from './process-counters.js';
import { ReplicationBoard } from './replication-board.js';
import { SharedLogins } from './shared-logins.js';

/** The log has an entry for each KiB of memory: an item's share, at the sizes sessions have. */
const BYTES_PER_LOG_ENTRY = 1024;
const LOG_ENTRIES_MIN = 2 ** 16;
const LOG_ENTRIES_MAX = 2 ** 22;

/** What every thread must be told alike, besides the memory. Goes through postMessage. */
export interface NodeSeed {
  readonly options: Options;
  /** Random, so that nobody can aim keys at one bucket. */
  readonly hashSeed: number;
}

/** What there is only while replication is on. */
export interface ReplicationState {
  readonly changeLog: RingChangeLog;
  readonly bell: ChangeBell;
  readonly board: ReplicationBoard;
  readonly acks: AckBoard;
}

export interface NodeState {
  readonly options: Options;
  readonly store: Store;
  readonly clock: HybridClock;
  readonly counters: ProcessCounters;
  readonly connections: ConnectionBoard;
  /** Present when clients must log in; empty until the main thread has read the file. */
  readonly logins: SharedLogins | undefined;
  /** Unix ms that never goes back. */
  readonly nowMs: () => number;
  readonly replication: ReplicationState | undefined;
}

/** Makes the state in fresh memory, or opens the state that another thread made there. */
export function openNodeState(seed: NodeSeed, memory: SharedMemory): NodeState {
  const { options, hashSeed } = seed;
  const clock = new HybridClock(0, memory);
  const changeLog = options.replication && new RingChangeLog(logEntries(options.memoryBytes), memory);
  const store = new Store({
    memory,
    memoryBytes: options.memoryBytes,
    itemSizeMaxBytes: options.maxItemBytes,
    growthFactor: options.growthFactor,
    minItemSpaceBytes: options.minItemSpaceBytes,
    evictions: !options.refuseWhenFull,
    hashSeed,
    clock,
    ...(changeLog && { changeLog }),
    flushesLocally: options.replication?.flush === 'local',
    ...(options.replication &&
      options.replication.localKeys.length > 0 && {
        localKeys: new KeyPatterns(options.replication.localKeys),
      }),
  });
  const nowMs = nodeClock();
  store.setNow(nowMs());
  return {
    options,
    store,
    clock,
    counters: new ProcessCounters(memory, options.threads),
    connections: new ConnectionBoard(memory, options.maxConnections + UNCOUNTED_MAX),
    logins: options.authFile === undefined ? undefined : new SharedLogins(memory),
    nowMs,
    replication: changeLog && {
      changeLog,
      bell: new ChangeBell(memory, changeLog),
      board: new ReplicationBoard(memory, store, changeLog),
      acks: new AckBoard(memory),
    },
  };
}

/** A power of two, as the log wants it. */
function logEntries(memoryBytes: number): number {
  const wanted = 2 ** Math.ceil(Math.log2(memoryBytes / BYTES_PER_LOG_ENTRY));
  return Math.min(LOG_ENTRIES_MAX, Math.max(LOG_ENTRIES_MIN, wanted));
}
