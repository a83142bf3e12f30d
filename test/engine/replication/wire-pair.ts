// Two replicators joined in memory, time moved by hand: for tests of the core and for measuring it.

import { createHmac } from 'node:crypto';
import { RingChangeLog } from '../../../src/engine/replication/change-log.js';
import { HybridClock } from '../../../src/engine/replication/clock.js';
import { Replicator } from '../../../src/engine/replication/replicator.js';
import type {
  LinkId,
  MessageAuthenticator,
  ReplicationEvent,
  ReplicatorOptions,
} from '../../../src/engine/replication/types.js';
import { KeyPatterns } from '../../../src/engine/store/key-patterns.js';
import { Store } from '../../../src/engine/store/store.js';
import { MODE_SET } from '../../../src/engine/store/store-types.js';

export const START_MS = 1_800_000_000_000;

export interface EndOptions {
  readonly nodeId?: number;
  /** The current one first. */
  readonly secrets?: readonly string[];
  readonly pairId?: string;
  readonly dials?: boolean;
  readonly clockOffsetMs?: number;
  readonly memoryBytes?: number;
  readonly maxItemBytes?: number;
  readonly logCapacity?: number;
  readonly tombstoneShare?: number;
  readonly syncBytesPerSec?: number;
  readonly flushesLocally?: boolean;
  readonly localKeys?: readonly string[];
}

export type Tap = (bytes: Uint8Array) => void;

const encoder = new TextEncoder();

export function authenticatorOf(secret: string): MessageAuthenticator {
  return (message) => createHmac('sha256', secret).update(message).digest();
}

/** One node. What it sends lies in `outbox` until somebody carries it. */
export class End {
  readonly store: Store;
  readonly clock = new HybridClock(0);
  readonly log: RingChangeLog;
  readonly replicator: Replicator;
  readonly lines: string[] = [];
  readonly outbox: { link: LinkId; bytes: Uint8Array }[] = [];
  readonly closed: LinkId[] = [];
  /** Sees all that is sent. */
  onSend: Tap = () => {};
  dials = 0;
  /** Whether the core asked to be stepped again. */
  hasMore = false;
  isReady = false;
  isStopped = false;
  nowMs: number;

  constructor(options: EndOptions = {}) {
    this.nowMs = START_MS + (options.clockOffsetMs ?? 0);
    const maxItemBytes = options.maxItemBytes ?? 1_048_576;
    this.log = new RingChangeLog(options.logCapacity ?? 65_536);
    this.store = new Store({
      memoryBytes: options.memoryBytes ?? 16 * 1024 * 1024,
      itemSizeMaxBytes: maxItemBytes,
      // Each node has its own, so that a copy does not come in the order of the index.
      hashSeed: options.nodeId ?? 1,
      ...(options.tombstoneShare !== undefined && { tombstoneShare: options.tombstoneShare }),
      clock: this.clock,
      changeLog: this.log,
      flushesLocally: options.flushesLocally ?? false,
      localKeys: new KeyPatterns(options.localKeys ?? []),
    });
    const replicatorOptions: ReplicatorOptions = {
      store: this.store,
      changeLog: this.log,
      clock: this.clock,
      nodeId: new Uint8Array(8).fill(options.nodeId ?? 1),
      dials: options.dials ?? false,
      pairId: options.pairId ?? '',
      secrets: (options.secrets ?? []).map(authenticatorOf),
      randomBytes: (sizeBytes) => new Uint8Array(sizeBytes).fill(options.nodeId ?? 1),
      random: () => 0.5,
      maxValueBytes: maxItemBytes,
      ...(options.syncBytesPerSec !== undefined && { syncBytesPerSec: options.syncBytesPerSec }),
    };
    this.replicator = new Replicator(replicatorOptions);
    this.step({ kind: 'start' });
  }

  step(event: ReplicationEvent): void {
    for (const effect of this.replicator.step(event, this.nowMs)) {
      if (effect.kind === 'send') {
        this.onSend(effect.bytes);
        this.outbox.push({ link: effect.link, bytes: effect.bytes });
      } else if (effect.kind === 'log') this.lines.push(effect.line);
      else if (effect.kind === 'close') this.closed.push(effect.link);
      else if (effect.kind === 'dial') this.dials += 1;
      else if (effect.kind === 'continue') this.hasMore = true;
      else if (effect.kind === 'ready') this.isReady = true;
      else this.isStopped = true;
    }
  }

  get isBusy(): boolean {
    return this.outbox.length > 0 || this.hasMore;
  }

  /** The next turn of the event loop. */
  goOn(): void {
    if (!this.hasMore) return;
    this.hasMore = false;
    this.step({ kind: 'pump' });
  }

  tick(advanceMs: number): void {
    this.nowMs += advanceMs;
    this.step({ kind: 'tick' });
  }

  set(key: string, value: string | Uint8Array, exptimeSec = 0): void {
    this.store.setNow(this.nowMs);
    const keyBytes = encoder.encode(key);
    const data = typeof value === 'string' ? encoder.encode(value) : value;
    const ref = this.store.reserve(keyBytes, 0, keyBytes.length, 0, exptimeSec, data.length);
    this.store.writeValue(ref, 0, data, 0, data.length);
    this.store.commit(ref, MODE_SET, 0, 0);
  }

  remove(key: string): void {
    this.store.setNow(this.nowMs);
    const keyBytes = encoder.encode(key);
    this.store.remove(keyBytes, 0, keyBytes.length);
  }

  /** Null if there is none. */
  get(key: string): string | null {
    this.store.setNow(this.nowMs);
    const keyBytes = encoder.encode(key);
    const ref = this.store.find(keyBytes, 0, keyBytes.length);
    if (ref === 0) return null;
    const value = new Uint8Array(this.store.valueLength(ref));
    this.store.copyValue(ref, 0, value.length, value, 0);
    return new TextDecoder().decode(value);
  }

  exptimeSec(key: string): number {
    const keyBytes = encoder.encode(key);
    return this.store.exptimeSec(this.store.find(keyBytes, 0, keyBytes.length));
  }

  stats() {
    return this.replicator.stats(this.nowMs);
  }
}

/** Connects two ends: the first one dialled, from the address that the other one dials or from some other. */
export function connect(
  dialer: End,
  acceptor: End,
  link: LinkId = 1,
  { isFromPeer = false }: { readonly isFromPeer?: boolean } = {},
): void {
  acceptor.step({ kind: 'accepted', link, address: '127.0.0.1:1', isFromPeer });
  dialer.step({ kind: 'dialed', link, address: '127.0.0.1:2' });
}

/** Breaks the connection: what is on its way is lost, and both are told. */
export function cut(a: End, b: End, link: LinkId = 1): void {
  for (const end of [a, b]) {
    end.outbox.length = 0;
    end.step({ kind: 'closed', link });
  }
}

/** Carries what the two say to each other until neither has anything to say or to do. */
export function carry(a: End, b: End, splitBytes = Number.POSITIVE_INFINITY): void {
  while (a.isBusy || b.isBusy) {
    carryFrom(a, b, splitBytes);
    carryFrom(b, a, splitBytes);
    a.goOn();
    b.goOn();
  }
}

/** Carries one send, in pieces of at most so many bytes. */
export function carryFrom(from: End, to: End, splitBytes = Number.POSITIVE_INFINITY): void {
  const sent = from.outbox.shift();
  if (sent === undefined) return;
  const { link } = sent;
  if (splitBytes >= sent.bytes.length) to.step({ kind: 'received', link, bytes: sent.bytes });
  else {
    const bytes = sent.bytes.slice();
    for (let at = 0; at < bytes.length; at += splitBytes) {
      to.step({ kind: 'received', link, bytes: bytes.subarray(at, Math.min(at + splitBytes, bytes.length)) });
    }
  }
  from.step({ kind: 'writable', link });
  // The socket's own news: what one side closed ends for the other too.
  if (from.closed.includes(link)) to.step({ kind: 'closed', link });
}
