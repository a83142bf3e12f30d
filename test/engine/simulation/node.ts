// One simulated node: a real store and a real replicator, with simulated sockets, clock and clients around them.

import { RingChangeLog } from '../../../src/engine/replication/change-log.js';
import { HybridClock } from '../../../src/engine/replication/clock.js';
import { FRAME } from '../../../src/engine/replication/frames.js';
import { Replicator } from '../../../src/engine/replication/replicator.js';
import type {
  LinkId,
  ReplicationEffect,
  ReplicationEvent,
  ReplicationMachine,
  ReplicatorOptions,
} from '../../../src/engine/replication/types.js';
import type { AckMode } from '../../../src/engine/server/ack-modes.js';
import type { FlushPolicy } from '../../../src/engine/server/options.js';
import { ReplyGate, type ReplyGateOptions } from '../../../src/engine/server/reply-gate.js';
import { KeyPatterns } from '../../../src/engine/store/key-patterns.js';
import { Store } from '../../../src/engine/store/store.js';
import {
  MODE_ADD,
  MODE_APPEND,
  MODE_SET,
  STORED,
  type StoreMode,
} from '../../../src/engine/store/store-types.js';
import { framesOf } from './frames-of.js';
import { type Image, restoreImage } from './image.js';
import type { Network, Process, Side } from './network.js';
import type { Random } from './random.js';
import { Replies, type Reply } from './replies.js';
import type { Scheduler } from './scheduler.js';
import { EPOCH_MS, type Version, versionOf } from './version.js';

const TICK_MS = 50;
const MAX_VALUE_BYTES = 1_048_576;
const INITIAL_BUCKETS = 16;

/** The places where a known bug can be put back; see mutations.ts. */
export interface NodeParts {
  makeClock(): HybridClock;
  makeLog(capacity: number): RingChangeLog;
  makeReplicator(options: ReplicatorOptions): ReplicationMachine;
  makeGate(options: ReplyGateOptions): ReplyGate;
  /** After the store is made, before anything else. */
  onStore(store: Store, settings: NodeSettings): void;
  /** After each operation of a client. */
  afterOperation(node: SimNode, key: string): void;
  /** The image that a node starts with, given all that its host ever kept. */
  chooseImage(kept: readonly Image[]): Image | null;
}

export const SOUND_PARTS: NodeParts = {
  makeClock: () => new HybridClock(0),
  makeLog: (capacity) => new RingChangeLog(capacity),
  makeReplicator: (options) => new Replicator(options),
  makeGate: (options) => new ReplyGate(options),
  onStore: () => {},
  afterOperation: () => {},
  chooseImage: (kept) => kept.at(-1) ?? null,
};

export interface NodeSettings {
  readonly memoryBytes: number;
  /** Tombstones may take this share of it. */
  readonly tombstoneShare: number;
  readonly logCapacity: number;
  readonly hashSeed: number;
  readonly hasSecret: boolean;
  /** Keys that stay on this node. */
  readonly localKeys: readonly string[];
  readonly flushPolicy: FlushPolicy;
  readonly ackMode: AckMode;
  /** This node's wall clock minus true time, at true time 0. */
  readonly clockOffsetMs: number;
  /** How fast its clock goes: 1 is right. */
  readonly clockRate: number;
  /** Another release, whose protocol has another number. */
  readonly isOtherRelease: boolean;
}

/** What a slot holds, as the invariants compare it. */
export interface HeldItem {
  readonly value: string;
  readonly flags: number;
  readonly exptimeSec: number;
  readonly version: Version;
}

/** What whoever runs the node wants to hear of. */
export interface NodeObserver {
  /** The client port opens, and during which event. */
  onReady(node: SimNode, cause: ReplicationEvent['kind']): void;
  /** A sync towards the peer begins. */
  onSyncBegin(node: SimNode, link: LinkId): void;
  onSend(node: SimNode, sizeBytes: number): void;
  /** `stopped` was said. */
  onStopped(node: SimNode): void;
  /** After each step. */
  onStep(node: SimNode): void;
  /** The node says that all it has answered is with the peer again. */
  onKept(node: SimNode): void;
  /** After each tick; `isReaching` if it has a link, or has dialled or had one since the last tick. */
  onTick(node: SimNode, isReaching: boolean): void;
}

export class SimNode implements Process {
  readonly side: Side;
  readonly store: Store;
  readonly log: RingChangeLog;
  readonly clock: HybridClock;
  readonly machine: ReplicationMachine;
  readonly replies: Replies;
  readonly settings: NodeSettings;
  readonly lines: string[] = [];
  isRunning = true;
  readonly isAtPeerAddress = true;
  isServing = false;
  isStopping = false;
  /** To the last operation, if that wrote what the peer is to hear of. */
  reply: Reply | null = null;
  /** When the peer was proven, in virtual time. */
  linkedMs = Number.NEGATIVE_INFINITY;
  /** How often a client was told that there is no peer. */
  refusals = 0;
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #peer: () => SimNode;
  readonly #parts: NodeParts;
  readonly #observer: NodeObserver;
  #isDialing = false;
  /** Whether it has dialled, or a link came up, since the last tick. */
  #hasReached = false;
  #backlog: ReplicationEvent[] | null = null;

  constructor(
    side: Side,
    settings: NodeSettings,
    parts: NodeParts,
    random: Random,
    scheduler: Scheduler,
    network: Network,
    peer: () => SimNode,
    observer: NodeObserver,
  ) {
    this.side = side;
    this.settings = settings;
    this.#parts = parts;
    this.#scheduler = scheduler;
    this.#network = network;
    this.#peer = peer;
    this.#observer = observer;
    this.clock = parts.makeClock();
    this.log = parts.makeLog(settings.logCapacity);
    this.store = new Store({
      memoryBytes: settings.memoryBytes,
      tombstoneShare: settings.tombstoneShare,
      hashSeed: settings.hashSeed,
      clock: this.clock,
      changeLog: this.log,
      localKeys: new KeyPatterns(settings.localKeys),
      flushesLocally: settings.flushPolicy === 'local',
      initialBuckets: INITIAL_BUCKETS,
    });
    parts.onStore(this.store, settings);
    this.machine = parts.makeReplicator({
      store: this.store,
      changeLog: this.log,
      clock: this.clock,
      nodeId: random.bytes(8),
      dials: true,
      pairId: 'simulated',
      secrets: settings.hasSecret ? [simulatedMac] : [],
      randomBytes: (sizeBytes) => random.bytes(sizeBytes),
      random: () => random.next(),
      maxValueBytes: MAX_VALUE_BYTES,
    });
    this.replies = new Replies({
      mode: settings.ackMode,
      machine: this.machine,
      changeLog: this.log,
      store: this.store,
      nowMs: () => this.nowMs,
      log: (line) => this.#say(line),
      makeGate: parts.makeGate,
      onKept: () => observer.onKept(this),
    });
  }

  /** This node's idea of the time. Like the real one it never jumps while the process runs. */
  get nowMs(): number {
    return EPOCH_MS + this.settings.clockOffsetMs + this.#scheduler.nowMs * this.settings.clockRate;
  }

  /** @param kept what its host has of earlier processes of this node, the last one last */
  start(kept: readonly Image[]): void {
    const image = this.#parts.chooseImage(kept);
    if (image !== null) restoreImage(image, this.store, this.nowMs);
    this.deliver({ kind: 'start' });
    this.#tick();
  }

  deliver(event: ReplicationEvent): void {
    if (!this.isRunning) return;
    if (this.#backlog !== null) {
      // The kernel of a stopped process keeps what comes in; its timers do not pile up.
      if (event.kind !== 'tick') this.#backlog.push(event);
      return;
    }
    if (event.kind === 'dialed' || event.kind === 'dialFailed') this.#isDialing = false;
    // Acting on an effect makes no event at once, so the list is not stepped over while it is read.
    for (const effect of this.machine.step(event, this.nowMs)) this.#act(effect, event);
    this.replies.update();
    this.#observer.onStep(this);
  }

  /** SIGSTOP, and later SIGCONT. */
  pause(): void {
    this.#backlog ??= [];
  }

  resume(): void {
    const backlog = this.#backlog;
    this.#backlog = null;
    for (const event of backlog ?? []) this.deliver(event);
  }

  get isPaused(): boolean {
    return this.#backlog !== null;
  }

  /** Whether a client gets an answer. */
  get takesClients(): boolean {
    return this.isRunning && this.isServing && !this.isPaused && !this.isStopping;
  }

  // ── What clients do. Each leaves the version it made in `clock`. ────────────────────────────────────────────

  set(key: string, value: string, flags: number, exptimeSec: number): boolean {
    return this.#write(key, value, flags, exptimeSec, MODE_SET);
  }

  add(key: string, value: string): boolean {
    return this.#write(key, value, 0, 0, MODE_ADD);
  }

  append(key: string, value: string): boolean {
    return this.#write(key, value, 0, 0, MODE_APPEND);
  }

  remove(key: string): boolean {
    return this.#operate(key, (bytes) => this.store.remove(bytes, 0, bytes.length));
  }

  touch(key: string, exptimeSec: number): boolean {
    return this.#operate(key, (bytes) => this.store.touch(bytes, 0, bytes.length, exptimeSec));
  }

  flushAll(delaySec: number): boolean {
    if (this.settings.flushPolicy === 'refuse') return false;
    return this.#operate('', () => {
      this.store.flushAll(delaySec);
      return true;
    });
  }

  /** Whether everything up to a version was flushed. */
  hasFlushed(version: Version): boolean {
    const { floorHi, floorLo } = this.store.flushState();
    return versionOf(floorHi, floorLo) >= version;
  }

  isProvisional(key: string): boolean {
    const bytes = bytesOf(key);
    return this.store.isProvisional(this.store.find(bytes, 0, bytes.length));
  }

  read(key: string): HeldItem | null {
    const ref = this.#find(key);
    return ref === 0 ? null : this.#held(ref);
  }

  /** The version of what a client would be given; null if it is given nothing. */
  versionOf(key: string): Version | null {
    const ref = this.#find(key);
    return ref === 0 ? null : versionOf(this.store.versionHi(ref), this.store.versionLo(ref));
  }

  /** Everything that could be served now. */
  contents(): Map<string, HeldItem> {
    const contents = new Map<string, HeldItem>();
    this.#forEachLive((key, ref) => contents.set(key, this.#held(ref)));
    return contents;
  }

  /** The same, but for what the items say. */
  versions(): Map<string, Version> {
    const versions = new Map<string, Version>();
    const { store } = this;
    this.#forEachLive((key, ref) => versions.set(key, versionOf(store.versionHi(ref), store.versionLo(ref))));
    return versions;
  }

  #forEachLive(visit: (key: string, ref: number) => void): void {
    const { store } = this;
    store.setNow(this.nowMs);
    for (let bucket = 0; bucket < store.bucketCount; bucket++) {
      for (let ref = store.bucketHead(bucket); ref !== 0; ref = store.nextInBucket(ref)) {
        if (!store.isLive(ref)) continue;
        const key = Buffer.allocUnsafe(store.keyLength(ref));
        store.copyKey(ref, key, 0);
        visit(key.toString('latin1'), ref);
      }
    }
  }

  #find(key: string): number {
    this.store.setNow(this.nowMs);
    const bytes = bytesOf(key);
    return this.store.find(bytes, 0, bytes.length);
  }

  #write(key: string, value: string, flags: number, exptimeSec: number, mode: StoreMode): boolean {
    return this.#operate(key, (bytes) => {
      const { store } = this;
      const data = bytesOf(value);
      const ref = store.reserve(bytes, 0, bytes.length, flags, exptimeSec, data.length);
      if (ref === 0) return false;
      store.writeValue(ref, 0, data, 0, data.length);
      return store.commit(ref, mode, 0, 0) === STORED;
    });
  }

  #operate(key: string, operation: (key: Uint8Array) => boolean): boolean {
    this.store.setNow(this.nowMs);
    this.reply = null;
    if (this.store.refusesWrites) {
      this.refusals += 1;
      return false;
    }
    const writtenSeq = this.log.appendedSeq;
    const isDone = operation(bytesOf(key));
    if (this.log.appendedSeq !== writtenSeq) this.reply = this.replies.replyToWrite();
    this.#parts.afterOperation(this, key);
    if (this.machine.hasOutgoing) this.deliver({ kind: 'pump' });
    return isDone;
  }

  #held(ref: number): HeldItem {
    const { store } = this;
    const value = Buffer.allocUnsafe(store.valueLength(ref));
    store.copyValue(ref, 0, value.length, value, 0);
    return {
      value: value.toString('latin1'),
      flags: store.flags(ref),
      exptimeSec: store.exptimeSec(ref),
      version: versionOf(store.versionHi(ref), store.versionLo(ref)),
    };
  }

  #tick(): void {
    if (!this.isRunning) return;
    this.deliver({ kind: 'tick' });
    if (!this.isPaused) {
      this.store.sweep(50);
      this.#observer.onTick(this, this.#isDialing || this.#hasReached || this.#network.hasLink(this));
      this.#hasReached = false;
    }
    this.#scheduler.in(TICK_MS, () => this.#tick());
  }

  #act(effect: ReplicationEffect, event: ReplicationEvent): void {
    switch (effect.kind) {
      case 'dial':
        this.#isDialing = true;
        this.#hasReached = true;
        this.#network.dial(this, this.#peer);
        return;
      case 'send':
        this.#send(effect.link, effect.bytes);
        return;
      case 'close':
        this.#network.close(this, effect.link);
        return;
      case 'log':
        if (effect.line.startsWith('link up')) {
          this.linkedMs = this.#scheduler.nowMs;
          this.#hasReached = true;
        }
        this.#say(effect.line);
        return;
      case 'continue':
        this.#scheduler.in(0.1, () => this.deliver({ kind: 'pump' }));
        return;
      case 'ready':
        this.isServing = true;
        this.#observer.onReady(this, event.kind);
        return;
      case 'stopped':
        this.#observer.onStopped(this);
    }
  }

  #say(line: string): void {
    this.lines.push(`${this.#scheduler.nowMs.toFixed(0)} ${line}`);
  }

  #send(link: LinkId, bytes: Uint8Array): void {
    this.#observer.onSend(this, bytes.length);
    if (this.settings.isOtherRelease) changeProtocolVersion(bytes);
    // Only a peer that is not up yet is of interest: what it is to serve later.
    if (!this.#peer().isServing) {
      for (const [type] of framesOf(bytes))
        if (type === FRAME.syncBegin) this.#observer.onSyncBegin(this, link);
    }
    this.#network.send(this, link, bytes);
  }
}

/** Keys and values are ASCII. */
function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

const AT_PROTOCOL_VERSION = 4;

function changeProtocolVersion(bytes: Uint8Array): void {
  for (const [type, payload] of framesOf(bytes)) if (type === FRAME.hello) payload[AT_PROTOCOL_VERSION] += 1;
}

/** Stands in for HMAC-SHA256, which the core is given from outside: the same message, the same 32 bytes. */
function simulatedMac(message: Uint8Array): Uint8Array {
  const digest = new Uint32Array(8);
  for (let word = 0; word < 8; word++) {
    let hash = 0x811c9dc5 ^ word;
    for (const byte of message) hash = Math.imul(hash ^ byte, 0x01000193);
    digest[word] = hash;
  }
  return new Uint8Array(digest.buffer);
}
