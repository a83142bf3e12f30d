// Speaks the legacy protocol until the peer speaks our own: then our own core takes over, while the process runs on.

import { opensWithHello } from '../handshake.js';
import type {
  LinkId,
  ReplicationEffect,
  ReplicationEvent,
  ReplicationMachine,
  ReplicationStats,
} from '../types.js';

/** So long a new connection is listened to: one of ours greets at once, a legacy node waits for its copy. */
const LISTEN_FIRST_MS = 200;
const NOTHING = new Uint8Array(0);

export interface HandoverOptions {
  readonly legacy: ReplicationMachine;
  /** Makes our own core, on the same store. Called once, when it takes over. */
  readonly successor: () => ReplicationMachine;
  /** Whether who connects from this `host:port` may be the peer. */
  readonly accepts: (address: string) => boolean;
}

type MetEvent = Extract<ReplicationEvent, { kind: 'accepted' | 'dialed' }>;

/** A connection of which it is not known yet what it speaks. */
interface Newcomer {
  readonly met: MetEvent;
  readonly sinceMs: number;
  heard: Uint8Array;
}

/**
 * Two states:
 *
 * - *legacy*: the legacy core works. While it has no link, each new connection is held back until its first bytes, or
 *   a short silence, tell what is at the other end. While it has one, a newcomer is the legacy core's to judge: a
 *   peer of ours is refused, and dials again once that link is gone.
 * - *own*: a newcomer greeted as our own nodes do, so no legacy node is at the peer's address any more. The legacy
 *   core is given up with its connections, and our own core goes on with the same store and all newcomers. There is no
 *   way back but a restart.
 *
 * So the second node of a legacy pair is replaced by one that speaks our own protocol at once, and the first one,
 * which holds everything meanwhile, need not be restarted for it.
 */
export class LegacyHandover implements ReplicationMachine {
  readonly #options: HandoverOptions;
  #machine: ReplicationMachine;
  #isOwn = false;
  readonly #newcomers = new Map<LinkId, Newcomer>();
  /** The connections that the legacy core knows. */
  readonly #legacyLinks = new Set<LinkId>();
  /** A dial is under way, whichever core asked for it. */
  #isDialing = false;
  #isReady = false;
  #secrets: ReplicationEvent | undefined;
  readonly #effects: ReplicationEffect[] = [];

  constructor(options: HandoverOptions) {
    this.#options = options;
    this.#machine = options.legacy;
  }

  get hasOutgoing(): boolean {
    return this.#machine.hasOutgoing;
  }

  get awaitsChanges(): boolean {
    return this.#machine.awaitsChanges;
  }

  get isInSync(): boolean {
    return this.#machine.isInSync;
  }

  get ackedSeq(): number {
    return this.#machine.ackedSeq;
  }

  stats(nowMs: number): ReplicationStats {
    return this.#machine.stats(nowMs);
  }

  step(event: ReplicationEvent, nowMs: number): readonly ReplicationEffect[] {
    this.#effects.length = 0;
    if (event.kind === 'dialed' || event.kind === 'dialFailed') this.#isDialing = false;
    if (this.#isOwn) this.#pass(event, nowMs);
    else this.#sort(event, nowMs);
    return this.#effects;
  }

  /** While the legacy core works: what of an event is its own, and what is of a newcomer. */
  #sort(event: ReplicationEvent, nowMs: number): void {
    switch (event.kind) {
      case 'accepted':
      case 'dialed': {
        const isHeard = this.#legacyLinks.size === 0 && this.#options.accepts(event.address);
        if (isHeard) this.#newcomers.set(event.link, { met: event, sinceMs: nowMs, heard: NOTHING });
        else this.#introduce(event, nowMs);
        return;
      }
      case 'received': {
        const newcomer = this.#newcomers.get(event.link);
        if (newcomer === undefined) this.#pass(event, nowMs);
        else this.#hear(newcomer, event.bytes, nowMs);
        return;
      }
      case 'closed': {
        const newcomer = this.#newcomers.get(event.link);
        this.#newcomers.delete(event.link);
        this.#legacyLinks.delete(event.link);
        if (newcomer === undefined) this.#pass(event, nowMs);
        else if (newcomer.met.kind === 'dialed') this.#pass({ kind: 'dialFailed', failure: 'failed' }, nowMs);
        return;
      }
      case 'tick':
        for (const newcomer of this.#newcomers.values()) {
          if (nowMs - newcomer.sinceMs >= LISTEN_FIRST_MS) this.#takeIn(newcomer, nowMs);
        }
        break;
      case 'secretsChanged':
        this.#secrets = event;
        return;
      case 'stop':
        for (const link of this.#newcomers.keys()) this.#effects.push({ kind: 'close', link });
        this.#newcomers.clear();
    }
    this.#pass(event, nowMs);
  }

  #hear(newcomer: Newcomer, bytes: Uint8Array, nowMs: number): void {
    newcomer.heard = joined(newcomer.heard, bytes);
    const isOurs = opensWithHello(newcomer.heard);
    if (isOurs === true) this.#handOver(nowMs);
    else if (isOurs === false) this.#takeIn(newcomer, nowMs);
  }

  /** It is for the legacy core. */
  #takeIn(newcomer: Newcomer, nowMs: number): void {
    this.#newcomers.delete(newcomer.met.link);
    this.#introduce(newcomer.met, nowMs);
    this.#repeat(newcomer, nowMs);
  }

  #introduce(met: MetEvent, nowMs: number): void {
    this.#legacyLinks.add(met.link);
    this.#pass(met, nowMs);
  }

  #handOver(nowMs: number): void {
    this.#effects.push({ kind: 'log', line: 'the peer speaks our own protocol: changing over to it' });
    for (const link of this.#legacyLinks) this.#effects.push({ kind: 'close', link });
    this.#legacyLinks.clear();
    this.#isOwn = true;
    this.#machine = this.#options.successor();
    this.#pass({ kind: 'start' }, nowMs);
    if (this.#secrets !== undefined) this.#pass(this.#secrets, nowMs);
    for (const newcomer of this.#newcomers.values()) {
      this.#pass(newcomer.met, nowMs);
      this.#repeat(newcomer, nowMs);
    }
    this.#newcomers.clear();
  }

  #repeat({ met, heard }: Newcomer, nowMs: number): void {
    if (heard.length > 0) this.#pass({ kind: 'received', link: met.link, bytes: heard }, nowMs);
  }

  /** Has the core take the event. What the program has been told once, or does already, it is not told again. */
  #pass(event: ReplicationEvent, nowMs: number): void {
    for (const effect of this.#machine.step(event, nowMs)) {
      switch (effect.kind) {
        case 'dial':
          if (this.#isDialing) continue;
          this.#isDialing = true;
          break;
        case 'ready':
          if (this.#isReady) continue;
          this.#isReady = true;
          break;
        case 'close':
          this.#legacyLinks.delete(effect.link);
      }
      this.#effects.push(effect);
    }
  }
}

/** The bytes are the program's, so they are copied. */
function joined(before: Uint8Array, bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(before.length + bytes.length);
  all.set(before);
  all.set(bytes, before.length);
  return all;
}
