// Known bugs, put back one at a time through the seams of the core: the simulator must notice each.

import { RingChangeLog } from '../../../src/engine/replication/change-log.js';
import { HybridClock } from '../../../src/engine/replication/clock.js';
import { FRAME, MARK_PROVISIONAL, readF64, writeF64 } from '../../../src/engine/replication/frames.js';
import { NODE_ID_BYTES } from '../../../src/engine/replication/handshake.js';
import { SYNC_KINDS } from '../../../src/engine/replication/have.js';
import { Replicator } from '../../../src/engine/replication/replicator.js';
import type {
  ReplicationEffect,
  ReplicationEvent,
  ReplicationMachine,
  ReplicatorOptions,
} from '../../../src/engine/replication/types.js';
import { ReplyGate, type Verdict, type Waiter } from '../../../src/engine/server/reply-gate.js';
import { CHANGE_ITEM, CHANGE_TOMBSTONE, type ChangeKind } from '../../../src/engine/store/change-log.js';
import type { Store } from '../../../src/engine/store/store.js';
import { MODE_SET } from '../../../src/engine/store/store-types.js';
import { framesOf } from './frames-of.js';
import { type NodeParts, type NodeSettings, type SimNode, SOUND_PARTS } from './node.js';

/** A clock that goes by its own host alone. */
class DeafClock extends HybridClock {
  override observe(): boolean {
    return true;
  }
}

/** Forgets what is appended while it is told to. */
class DeafLog extends RingChangeLog {
  isDeaf = false;

  override append(ref: number, hi: number, lo: number, touchSeq: number, kind: ChangeKind): void {
    if (!this.isDeaf) super.append(ref, hi, lo, touchSeq, kind);
  }
}

/** As if the place in the log were taken when the sync ends: what changed behind the scan's back is never sent. */
class LatePosition extends Replicator {
  readonly #log: DeafLog;

  constructor(options: ReplicatorOptions) {
    super(options);
    this.#log = options.changeLog as DeafLog;
  }

  override step(event: ReplicationEvent, nowMs: number): readonly ReplicationEffect[] {
    const effects = super.step(event, nowMs);
    for (const effect of effects) {
      if (effect.kind === 'close') this.#log.isDeaf = false;
      if (effect.kind !== 'send') continue;
      for (const [type, payload] of framesOf(effect.bytes)) {
        if (type === FRAME.syncBegin) this.#log.isDeaf = SYNC_KINDS[payload[4]] !== 'partial';
        if (type === FRAME.syncEnd) this.#log.isDeaf = false;
      }
    }
    return effects;
  }
}

/** Claims to hold what it has overwritten. */
class ForgetfulLog extends RingChangeLog {
  override get oldestSeq(): number {
    return 1;
  }
}

/** Touches are not told to the peer. */
class TouchlessLog extends RingChangeLog {
  override append(ref: number, hi: number, lo: number, touchSeq: number, kind: ChangeKind): void {
    if (kind !== CHANGE_ITEM || touchSeq === 0) super.append(ref, hi, lo, touchSeq, kind);
  }
}

/** Both nodes give way on a tie, so they swap what they hold. */
function giveWayOnTies(store: Store): void {
  const sound = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(store), 'remoteWinsTies')!;
  Object.defineProperty(store, 'remoteWinsTies', { set: () => sound.set!.call(store, true) });
}

/** Frees a tombstone before anybody has heard of the delete. */
function dropTombstone(node: SimNode): void {
  const seq = node.log.headSeq;
  if (seq === 0 || node.log.kindAt(seq) !== CHANGE_TOMBSTONE) return;
  node.store.releaseTombstone(node.log.refAt(seq), node.log.versionHiAt(seq), node.log.versionLoAt(seq));
}

/** Eviction travels as a delete, as it does in the pair of old: a small node empties a big one. */
function deleteOnEviction(): NodeParts['afterOperation'] {
  const evictionsOf = new WeakMap<SimNode, number>();
  return (node) => {
    const evictions = node.store.counters.read('evictions');
    if (evictions === (evictionsOf.get(node) ?? 0)) return;
    evictionsOf.set(node, evictions);
    // Of the keys that World fills memory with, a few are enough.
    for (let i = 0, deleted = 0; i < 500 && deleted < 50; i++) {
      const key = `f${i}`;
      if (node.read(key) !== null) continue;
      const bytes = new TextEncoder().encode(key);
      const ref = node.store.reserve(bytes, 0, bytes.length, 0, 0, 0);
      if (ref === 0) return;
      node.store.commit(ref, MODE_SET, 0, 0);
      node.store.remove(bytes, 0, bytes.length);
      deleted += 1;
    }
  };
}

/** Never looks at the time: silence goes unnoticed, and nobody dials again. */
class TimelessReplicator extends Replicator {
  override step(event: ReplicationEvent, nowMs: number): readonly ReplicationEffect[] {
    return super.step(event, event.kind === 'tick' ? 0 : nowMs);
  }
}

/** The peer's expiry times are taken as they are, whatever its clock says. */
function withoutOffset(options: ReplicatorOptions): ReplicationMachine {
  const { store } = options;
  const apply = store.applyRemoteItem.bind(store);
  let peerOffsetSec = 0;
  store.applyRemoteItem = (
    bytes,
    keyStart,
    keyLength,
    valueStart,
    valueLength,
    flags,
    exptimeSec,
    ...rest
  ) => {
    const uncorrected = exptimeSec > 1 ? exptimeSec + peerOffsetSec : exptimeSec;
    return apply(bytes, keyStart, keyLength, valueStart, valueLength, flags, uncorrected, ...rest);
  };
  const machine = new Replicator(options);
  const step = machine.step.bind(machine);
  machine.step = (event, nowMs) => {
    const offsetMs = machine.stats(nowMs).repl_clock_offset_ms;
    peerOffsetSec = Math.abs(offsetMs) > 1_500 ? Math.round(offsetMs / 1_000) : 0;
    return step(event, nowMs);
  };
  return machine;
}

/** Adds that knew nothing of what they replace are taken as what they are: the newest. */
function yieldToAdds(store: Store): void {
  const sound = store.noteSync.bind(store);
  store.noteSync = (isInSync) => sound(isInSync, false);
}

/** Keys that stay local are part of copies. */
function copyLocalKeys(store: Store): void {
  store.isLeftOut = () => false;
}

/** What went before the peer had heard of it is not remembered. */
function forgetLosses(store: Store): void {
  store.lostWrites.noteDeleted = () => {};
  store.lostWrites.noteEvicted = () => {};
}

/** Sums overlook what was written in every other millisecond. */
function overlookEntries(store: Store): void {
  const sound = store.isTold.bind(store);
  store.isTold = (ref) => sound(ref) && ((store.versionLo(ref) >>> 16) & 1) === 0;
}

/** Neither copies nor sums know of deletes. */
function leaveOutTombstones(store: Store): void {
  const sound = store.isLeftOut.bind(store);
  store.isLeftOut = (ref) => sound(ref) || store.isTombstone(ref);
}

/** A flush for later is forgotten at once. */
function forgetDelayedFlush(store: Store): void {
  const sound = store.flushAll.bind(store);
  store.flushAll = (exptime) => {
    if (exptime <= 0) sound(exptime);
  };
}

/** Lets items expire without a trace, whether the peer knew of them or not. */
class TrustfulLog extends RingChangeLog {
  override mayBeUnknownToPeer(): boolean {
    return false;
  }
}

/** Changes what it is about to send. */
class Tamperer extends Replicator {
  readonly #tamper: (type: number, payload: Uint8Array) => void;

  constructor(options: ReplicatorOptions, tamper: (type: number, payload: Uint8Array) => void) {
    super(options);
    this.#tamper = tamper;
  }

  override step(event: ReplicationEvent, nowMs: number): readonly ReplicationEffect[] {
    const effects = super.step(event, nowMs);
    for (const effect of effects) {
      if (effect.kind !== 'send') continue;
      for (const [type, payload] of framesOf(effect.bytes)) {
        this.#tamper(type, payload);
      }
    }
    return effects;
  }
}

/** Claims to have applied more of the peer's log than it has, so that a partial sync begins too late. */
function boast(type: number, payload: Uint8Array): void {
  if (type === FRAME.have) writeF64(payload, NODE_ID_BYTES, readF64(payload, NODE_ID_BYTES) + 30);
}

/** The peer is not told what was flushed. */
function concealFlush(type: number, payload: Uint8Array): void {
  if (type === FRAME.flush) payload.fill(0);
}

/** The peer is not told that an item was added by a node that could not know. */
function concealProvisional(type: number, payload: Uint8Array): void {
  if (type === FRAME.markedItem) payload[0] &= ~MARK_PROVISIONAL;
}

/** Takes what it has written for what the peer has. */
class Optimist extends Replicator {
  readonly #log: RingChangeLog;

  constructor(options: ReplicatorOptions) {
    super(options);
    this.#log = options.changeLog;
  }

  override get ackedSeq(): number {
    return this.#log.headSeq;
  }
}

/** Opens the client port as soon as a sync begins. */
class Hasty extends Replicator {
  #isOpen = false;

  override step(event: ReplicationEvent, nowMs: number): readonly ReplicationEffect[] {
    const wasActive = this.stats(nowMs).repl_state === 'syncing';
    const effects = super
      .step(event, nowMs)
      .filter(({ kind }) => kind !== 'ready' || !this.#isOpen) as ReplicationEffect[];
    if (effects.some(({ kind }) => kind === 'ready')) this.#isOpen = true;
    if (this.#isOpen || !wasActive || event.kind !== 'received') return effects;
    this.#isOpen = true;
    return [...effects, { kind: 'ready' }];
  }
}

/** Answers as soon as there is a peer in sync. */
class HastyGate extends ReplyGate {
  override judge(): Verdict {
    const verdict = super.judge();
    return verdict === 'wait' ? 'pass' : verdict;
  }
}

/** Answers those who wait, come what may. */
class LenientGate extends ReplyGate {
  override hold(waiter: Waiter): void {
    super.hold({
      awaitedSeq: 0,
      nextWaiter: undefined,
      letGo: () => waiter.letGo(true),
    });
  }
}

/** A flush of one node alone is a delete of each key. */
function flushByDeletes(store: Store, { flushPolicy }: NodeSettings): void {
  if (flushPolicy !== 'local') return;
  store.flushAll = () => {
    const keys: Uint8Array[] = [];
    for (let bucket = 0; bucket < store.bucketCount; bucket++) {
      for (let ref = store.bucketHead(bucket); ref !== 0; ref = store.nextInBucket(ref)) {
        const key = new Uint8Array(store.keyLength(ref));
        store.copyKey(ref, key, 0);
        keys.push(key);
      }
    }
    for (const key of keys) store.remove(key, 0, key.length);
  };
}

/** Takes an open connection for a living peer. */
class Patient extends Replicator {
  readonly #links = new Set<number>();

  override step(event: ReplicationEvent, nowMs: number): readonly ReplicationEffect[] {
    if (event.kind === 'accepted' || event.kind === 'dialed') this.#links.add(event.link);
    if (event.kind === 'tick') {
      for (const link of this.#links) {
        super.step({ kind: 'received', link, bytes: new Uint8Array(0) }, nowMs);
      }
    }
    return super.step(event, nowMs);
  }
}

function withReplicator(makeReplicator: NodeParts['makeReplicator']): () => NodeParts {
  return () => ({ ...SOUND_PARTS, makeReplicator });
}

function withStore(onStore: NodeParts['onStore']): () => NodeParts {
  return () => ({ ...SOUND_PARTS, onStore });
}

function withLog(makeLog: NodeParts['makeLog']): () => NodeParts {
  return () => ({ ...SOUND_PARTS, makeLog });
}

/** Each by the name under which the test reports it. */
export const MUTATIONS: Readonly<Record<string, () => NodeParts>> = {
  'both nodes give way on ties': withStore(giveWayOnTies),
  'the clock does not observe the peer': () => ({ ...SOUND_PARTS, makeClock: () => new DeafClock(0) }),
  'tombstones are dropped at once': () => ({ ...SOUND_PARTS, afterOperation: dropTombstone }),
  'a sync scans before the log position is taken': () => ({
    ...SOUND_PARTS,
    makeLog: (capacity) => new DeafLog(capacity),
    makeReplicator: (options) => new LatePosition(options),
  }),
  'log overflow goes unnoticed': withLog((capacity) => new ForgetfulLog(capacity)),
  'touches are not logged': withLog((capacity) => new TouchlessLog(capacity)),
  'what expires before the peer had it leaves no tombstone': withLog((capacity) => new TrustfulLog(capacity)),
  'evictions travel as deletes': () => ({ ...SOUND_PARTS, afterOperation: deleteOnEviction() }),
  'time goes unnoticed': withReplicator((options) => new TimelessReplicator(options)),
  'a silent peer goes unnoticed': withReplicator((options) => new Patient(options)),
  'back-off grows beyond 2 s': withReplicator((options) => new Replicator({ ...options, random: () => -4 })),
  'expiry times are not corrected by the clock offset': withReplicator(withoutOffset),
  'a partial sync begins too late': withReplicator((options) => new Tamperer(options, boast)),
  'a digest overlooks entries': withStore(overlookEntries),
  'syncs leave out tombstones': withStore(leaveOutTombstones),
  'flushes are not told to the peer': withReplicator((options) => new Tamperer(options, concealFlush)),
  'a delayed flush is forgotten': withStore(forgetDelayedFlush),
  'what was lost unsent is not remembered': withStore(forgetLosses),
  'a write counts as acknowledged when it is written to the link': withReplicator(
    (options) => new Optimist(options),
  ),
  'the client port opens before the sync has ended': withReplicator((options) => new Hasty(options)),
  'replies do not wait for the acknowledgement': () => ({
    ...SOUND_PARTS,
    makeGate: (options) => new HastyGate(options),
  }),
  'with --repl-ack strict, who waits is answered when the link goes down': () => ({
    ...SOUND_PARTS,
    makeGate: (options) => new LenientGate(options),
  }),
  'a flush of one node alone travels as deletes': withStore(flushByDeletes),
  'an add of a node that is not in sync wins by its age': withStore(yieldToAdds),
  'provisional adds travel as ordinary ones': withReplicator(
    (options) => new Tamperer(options, concealProvisional),
  ),
  'keys that stay local are copied': withStore(copyLocalKeys),
  'a memory file is loaded by every later process': () => ({
    ...SOUND_PARTS,
    chooseImage: (kept) => kept.at(0) ?? null,
  }),
};
