// One node that speaks the legacy protocol, without sockets: time is moved by hand, and what it sends lies in `outbox`.

import { RingChangeLog } from '../../../../src/engine/replication/change-log.js';
import { HybridClock } from '../../../../src/engine/replication/clock.js';
import { LegacyReplicator } from '../../../../src/engine/replication/legacy/legacy-replicator.js';
import type { LinkId, ReplicationEvent } from '../../../../src/engine/replication/types.js';
import { Store } from '../../../../src/engine/store/store.js';
import { Talk } from '../../protocol/talk.js';
import { guardedStore } from '../../store/guarded-store.js';

export const START_MS = 1_800_000_000_000;

export interface LegacyEndOptions {
  readonly dials?: boolean;
  readonly startMs?: number;
  readonly logCapacity?: number;
  readonly maxValueBytes?: number;
  readonly random?: () => number;
}

export interface Held {
  readonly flags: number;
  readonly value: string;
  readonly exptimeSec: number;
}

export class LegacyEnd {
  readonly store: Store;
  readonly clock = new HybridClock(0);
  readonly log: RingChangeLog;
  readonly machine: LegacyReplicator;
  readonly client: Talk;
  readonly lines: string[] = [];
  readonly outbox: { link: LinkId; bytes: Buffer }[] = [];
  readonly closed: LinkId[] = [];
  dials = 0;
  isReady = false;
  isStopped = false;
  nowMs: number;

  constructor(options: LegacyEndOptions = {}) {
    this.nowMs = options.startMs ?? START_MS;
    this.log = new RingChangeLog(options.logCapacity ?? 65_536);
    this.store = new Store({
      memoryBytes: 16 * 1024 * 1024,
      hashSeed: 1,
      initialBuckets: 16,
      clock: this.clock,
      changeLog: this.log,
    });
    this.store.setNow(this.nowMs);
    this.client = new Talk(this.store);
    this.machine = new LegacyReplicator({
      store: guardedStore(this.store),
      changeLog: this.log,
      clock: this.clock,
      nodeId: new Uint8Array(8).fill(1),
      dials: options.dials ?? false,
      accepts: (address) => address.startsWith('127.0.0.1:'),
      random: options.random ?? (() => 0.5),
      maxValueBytes: options.maxValueBytes ?? 1_048_576,
    });
  }

  start(): this {
    this.step({ kind: 'start' });
    return this;
  }

  step(event: ReplicationEvent): void {
    for (const effect of this.machine.step(event, this.nowMs)) {
      if (effect.kind === 'send') this.outbox.push({ link: effect.link, bytes: Buffer.from(effect.bytes) });
      else if (effect.kind === 'log') this.lines.push(effect.line);
      else if (effect.kind === 'close') this.closed.push(effect.link);
      else if (effect.kind === 'dial') this.dials += 1;
      else if (effect.kind === 'ready') this.isReady = true;
      else this.isStopped = true;
    }
  }

  /** Lets time pass in ticks of 50 ms; the kernel takes what is sent. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 50) {
      this.nowMs += Math.min(50, left);
      this.step({ kind: 'tick' });
      this.flushOutbox();
    }
  }

  /** What a client says, and the answers; the changes are pumped. */
  say(text: string): string {
    this.store.setNow(this.nowMs);
    const answer = this.client.say(Buffer.from(text, 'latin1'));
    this.step({ kind: 'pump' });
    return answer;
  }

  dialed(link: LinkId = 1): void {
    this.step({ kind: 'dialed', link, address: '127.0.0.1:16000' });
  }

  accepted(link: LinkId = 1, address = '127.0.0.1:40000'): void {
    this.step({ kind: 'accepted', link, address, isFromPeer: false });
  }

  hear(text: string, link: LinkId = 1): void {
    this.step({ kind: 'received', link, bytes: Buffer.from(text, 'latin1') });
  }

  /** The kernel takes everything. @returns what was sent, nudges left out */
  flushOutbox(): string {
    let sent = '';
    for (let next = this.outbox.shift(); next !== undefined; next = this.outbox.shift()) {
      sent += next.bytes.toString('latin1');
      this.step({ kind: 'writable', link: next.link });
    }
    return sent.replaceAll(/^version\r\n/gm, '');
  }

  /** Null if there is none. */
  held(key: string): Held | null {
    this.store.setNow(this.nowMs);
    const keyBytes = Buffer.from(key, 'latin1');
    const ref = this.store.find(keyBytes, 0, keyBytes.length);
    if (ref === 0) return null;
    const value = Buffer.alloc(this.store.valueLength(ref));
    this.store.copyValue(ref, 0, value.length, value, 0);
    const flags = this.store.flags(ref);
    return { flags, value: value.toString('latin1'), exptimeSec: this.store.exptimeSec(ref) };
  }

  value(key: string): string | null {
    return this.held(key)?.value ?? null;
  }

  /** As the server asks: under the lock. */
  stats() {
    this.store.lock();
    try {
      return this.machine.stats(this.nowMs);
    } finally {
      this.store.unlock();
    }
  }
}

/** Carries what two ends of a link say to each other until neither has anything to say. */
export function carry(a: LegacyEnd, b: LegacyEnd, link: LinkId = 1): void {
  while (carryFrom(a, b, link) || carryFrom(b, a, link));
}

function carryFrom(from: LegacyEnd, to: LegacyEnd, link: LinkId): boolean {
  const sent = from.outbox.shift();
  if (sent === undefined) return false;
  if (sent.link === link) to.step({ kind: 'received', link, bytes: sent.bytes });
  from.step({ kind: 'writable', link: sent.link });
  return true;
}
