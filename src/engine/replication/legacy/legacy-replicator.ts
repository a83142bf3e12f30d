// The replication core for a peer that runs the C program repcached: one link without handshake, as one step function.

import type { Store } from '../../store/store.js';
import type { RingChangeLog } from '../change-log.js';
import type { HybridClock } from '../clock.js';
import { Dialing } from '../dialing.js';
import type { Role } from '../handshake.js';
import { Readiness } from '../readiness.js';
import { SaidLately } from '../said-lately.js';
import type {
  LinkId,
  ReplicationEffect,
  ReplicationEvent,
  ReplicationMachine,
  ReplicationState,
  ReplicationStats,
} from '../types.js';
import { CopyReport } from './copy-report.js';
import { isGreeting } from './greeting.js';
import type { LegacySink } from './legacy-decoder.js';
import { LegacyIncoming } from './legacy-incoming.js';
import { LegacyLink } from './legacy-link.js';
import { LegacyOutgoing } from './legacy-outgoing.js';
import { legacyStatistics } from './legacy-statistics.js';
import { OWN_NODE_BIT } from './origin.js';
import { SharedPoint } from './shared-point.js';
import { TombstoneSweep } from './tombstone-sweep.js';

/** So often a silent link is nudged: it keeps something on its way, so that the kernel notices when nobody takes it. */
const NUDGE_MS = 1_000;
/** Of a peer that nudges as well. */
const SILENCE_MS = 5_000;
/** Between two items of the peer's copy. */
const COPY_SILENCE_MS = 10_000;
/** How long a second connection waits for the first one to turn out dead. */
const WAITING_MS = 3_000;
/** A dialler of ours nudges at once; one that has not by then is a legacy node, which has nothing to send. */
const GREETING_MS = 500;
const DEFAULT_READY_TIMEOUT_MS = 10_000;
const DEFAULT_STOP_TIMEOUT_MS = 2_000;

export interface LegacyReplicatorOptions {
  /** The node's memory. Built with the same `changeLog` and `clock`. */
  readonly store: Store;
  readonly changeLog: RingChangeLog;
  readonly clock: HybridClock;
  /** For `stats replication` only. */
  readonly nodeId: Uint8Array;
  /** Whether there is a peer to dial (`-x`); without, the node only listens. */
  readonly dials: boolean;
  /** Whether who connects from this `host:port` may be the peer. */
  readonly accepts: (address: string) => boolean;
  /** In [0, 1), for the jitter of the back-off. */
  readonly random: () => number;
  readonly readyTimeoutMs?: number;
  readonly stopTimeoutMs?: number;
  /** The largest value the store takes, in bytes (-I). */
  readonly maxValueBytes: number;
}

/**
 * The one who accepts copies everything it has to the one who dialled, ends that with `marugoto_end`, and from then
 * on both tell each other what changes. A legacy dialler has nothing to copy back, as it has just started; ours may,
 * and does. There is one link at a time. A legacy node dials once in its life and listens whenever it has no link,
 * so the pair forms again because this side goes on dialling.
 */
export class LegacyReplicator implements ReplicationMachine {
  readonly #store: Store;
  readonly #log: RingChangeLog;
  readonly #clock: HybridClock;
  readonly #options: LegacyReplicatorOptions;
  readonly #effects: ReplicationEffect[] = [];
  readonly #dialing: Dialing;
  readonly #readiness: Readiness;
  readonly #shared = new SharedPoint();
  readonly #incoming: LegacyIncoming;
  readonly #outgoing: LegacyOutgoing;
  readonly #sweep: TombstoneSweep;
  #link: LegacyLink | null = null;
  /** A second connection, in the state `waiting`. */
  #candidate: LegacyLink | null = null;
  #nowMs = 0;
  /** Set by `stop`. */
  #stopDeadlineMs: number | null = null;
  #hasStopped = false;
  readonly #copies = new CopyReport();
  /** Up to where the kernel has taken the changes. */
  #takenSeq = 0;
  #hasSaidUnsendable = false;
  readonly #refusals = new SaidLately();
  readonly #sink: LegacySink;

  constructor(options: LegacyReplicatorOptions) {
    const { store, changeLog, clock } = options;
    this.#options = options;
    this.#store = store;
    this.#log = changeLog;
    this.#clock = clock;
    this.#clock.nodeBit = OWN_NODE_BIT;
    changeLog.beginLink(OWN_NODE_BIT, 0, 0);
    changeLog.peerIsSynced();
    this.#dialing = new Dialing(options.random);
    this.#readiness = new Readiness(options.readyTimeoutMs ?? DEFAULT_READY_TIMEOUT_MS);
    this.#incoming = new LegacyIncoming(store, clock, this.#shared);
    this.#outgoing = new LegacyOutgoing(store, changeLog, clock, this.#shared);
    this.#sweep = new TombstoneSweep(store);
    const incoming = this.#incoming;
    this.#sink = {
      item: (bytes, keyStart, keyLength, valueStart, valueLength, flags, exptimeSec) =>
        incoming.item(bytes, keyStart, keyLength, valueStart, valueLength, flags, exptimeSec),
      // What the key had before is no longer true.
      largeItem: (bytes, keyStart, keyLength) => incoming.delete(bytes, keyStart, keyLength),
      delete: (bytes, keyStart, keyLength) => incoming.delete(bytes, keyStart, keyLength),
      flush: (atSec) => incoming.flush(atSec),
      copyEnd: () => this.#onCopyEnd(),
      nudge: () => {
        if (this.#link !== null) this.#link.isOurs = true;
      },
    };
  }

  get hasOutgoing(): boolean {
    const link = this.#link;
    return link !== null && !link.awaitingWritable && link.carriesData && this.#outgoing.hasChanges;
  }

  get awaitsChanges(): boolean {
    const link = this.#link;
    return link !== null && !link.awaitingWritable && link.carriesData && !this.#outgoing.hasChanges;
  }

  get isInSync(): boolean {
    return this.#link !== null && this.#isInSync(this.#link);
  }

  get ackedSeq(): number {
    return this.#takenSeq;
  }

  step(event: ReplicationEvent, nowMs: number): readonly ReplicationEffect[] {
    this.#effects.length = 0;
    if (this.#hasStopped) return this.#effects;
    if (nowMs > this.#nowMs) this.#nowMs = nowMs;
    this.#store.setNow(this.#nowMs);
    this.#take(event);
    this.#dialIfDue();
    if (this.#link !== null) this.#pump(this.#link);
    this.#stopIfDone();
    this.#store.noteSync(this.isInSync, false);
    return this.#effects;
  }

  stats(nowMs: number): ReplicationStats {
    const sources = {
      store: this.#store,
      log: this.#log,
      nodeId: this.#options.nodeId,
      readiness: this.#readiness,
      incoming: this.#incoming,
      outgoing: this.#outgoing,
      copies: this.#copies,
      link: this.#link,
      state: this.#state(),
      takenSeq: this.#takenSeq,
    };
    return legacyStatistics(sources, nowMs);
  }

  #state(): ReplicationState {
    if (this.#link !== null) return this.#isInSync(this.#link) ? 'synced' : 'syncing';
    return this.#readiness.serving ? 'alone' : 'connecting';
  }

  #isInSync(link: LegacyLink): boolean {
    const awaitsCopy = link.role === 'dialer' || link.isOurs;
    return link.state === 'streaming' && (!awaitsCopy || this.#incoming.copy === 'complete');
  }

  // ── Events ─────────────────────────────────────────────────────────────────────────────────────────────────

  #take(event: ReplicationEvent): void {
    switch (event.kind) {
      case 'start':
        this.#start();
        return;
      case 'tick':
        this.#tick();
        return;
      case 'accepted':
        this.#onAccepted(event.link, event.address);
        return;
      case 'dialed':
        this.#dialing.ended();
        // The peer's own call was faster, or it is over.
        if (this.#link !== null || this.#stopDeadlineMs !== null) this.#closeUnmet(event.link);
        else this.#establish(this.#meet(event.link, 'dialer', event.address, 'receiving'));
        return;
      case 'dialFailed':
        this.#dialing.ended();
        this.#dialing.putOff(this.#nowMs);
        // The peer may have dialled us meanwhile; then it is there.
        if (event.failure === 'refused' && this.#link === null) this.#openClientPort();
        return;
      case 'received':
        if (event.link === this.#link?.id) this.#receive(this.#link, event.bytes);
        else if (event.link === this.#candidate?.id) this.#receiveWaiting(this.#candidate, event.bytes);
        return;
      case 'writable':
        if (event.link === this.#link?.id) this.#onWritable(this.#link);
        return;
      case 'closed':
        if (event.link === this.#link?.id) this.#drop(this.#link, 'the peer closed the connection');
        else if (event.link === this.#candidate?.id) this.#candidate = null;
        return;
      case 'stop':
        this.#stopDeadlineMs = this.#nowMs + (this.#options.stopTimeoutMs ?? DEFAULT_STOP_TIMEOUT_MS);
    }
  }

  #start(): void {
    this.#readiness.start(this.#nowMs);
    // What was here before, from a file, is older than what the peer has.
    this.#moveSharedPoint(this.#clock.latestHi, this.#clock.latestLo);
    if (!this.#options.dials) this.#openClientPort();
  }

  #tick(): void {
    const link = this.#link;
    if (link !== null) this.#lookAfter(link);
    const candidate = this.#candidate;
    if (candidate !== null && this.#nowMs - candidate.sinceMs >= WAITING_MS) {
      this.#refuse(candidate.id, candidate.address, 'the link to the peer stands already');
      this.#candidate = null;
    }
    this.#sweep.tick();
    if (this.#readiness.overdue(this.#nowMs)) {
      this.#say('serving without the data of the peer: it was not ready in time');
      this.#openClientPort();
    }
  }

  #lookAfter(link: LegacyLink): void {
    const silentMs = this.#nowMs - (link.heardMs ?? link.sinceMs);
    if (link.isOurs && silentMs >= SILENCE_MS) {
      this.#drop(link, `nothing heard for ${SILENCE_MS / 1_000} s`);
      return;
    }
    if (link.state === 'receiving' && silentMs >= COPY_SILENCE_MS) {
      this.#drop(link, `nothing of the peer's copy for ${COPY_SILENCE_MS / 1_000} s`);
      return;
    }
    if (link.role === 'acceptor' && !link.isOurs && this.#nowMs - link.sinceMs >= GREETING_MS) {
      this.#openClientPort();
    }
    if (link.state !== 'streaming') return;
    const { latestHi, latestLo } = this.#clock;
    if (this.#shared.tick(this.#nowMs, latestHi, latestLo, this.#log.headSeq, this.#takenSeq)) {
      this.#moveSharedPoint(this.#shared.versionHi, this.#shared.versionLo);
    }
  }

  #moveSharedPoint(versionHi: number, versionLo: number): void {
    this.#shared.set(versionHi, versionLo);
    this.#log.peerKnows(versionHi, versionLo);
    this.#sweep.begin(versionHi, versionLo);
  }

  #receive(link: LegacyLink, bytes: Uint8Array): void {
    link.heardMs = this.#nowMs;
    if (this.#incoming.copy === 'running') {
      this.#incoming.noteFlush();
      this.#readiness.progress(this.#nowMs);
    }
    const fault = link.decoder.feed(bytes, this.#sink);
    if (fault !== null) this.#drop(link, fault);
  }

  #receiveWaiting(candidate: LegacyLink, bytes: Uint8Array): void {
    if (isGreeting(candidate.decoder, bytes)) {
      candidate.isOurs = true;
      return;
    }
    this.#refuse(candidate.id, candidate.address, 'it speaks before it was copied to');
    this.#candidate = null;
  }

  #onWritable(link: LegacyLink): void {
    link.awaitingWritable = false;
    link.writer.clear();
    if (link.carriesData) this.#takenSeq = this.#outgoing.positionSeq;
    this.#noteSync(link);
  }

  #onCopyEnd(): void {
    const link = this.#link;
    if (link === null || (link.role === 'acceptor' && !link.isOurs)) return;
    // Again, when the peer's change log had overflowed.
    if (this.#incoming.copy !== 'complete') this.#copies.copiesReceived += 1;
    this.#incoming.copy = 'complete';
    this.#openClientPort();
    if (link.state === 'receiving') link.enter('pushing');
    this.#noteSync(link);
  }

  // ── Dialling, and who stays ────────────────────────────────────────────────────────────────────────────────

  #dialIfDue(): void {
    const mayDial = this.#options.dials && this.#stopDeadlineMs === null && this.#link === null;
    if (mayDial && this.#dialing.begin(this.#nowMs)) this.#effects.push({ kind: 'dial' });
  }

  #onAccepted(id: LinkId, address: string): void {
    if (this.#stopDeadlineMs !== null) {
      this.#closeUnmet(id);
      return;
    }
    if (!this.#options.accepts(address)) {
      this.#refuse(id, address, 'it is not the peer of -x');
      return;
    }
    const present = this.#link;
    if (present === null) {
      this.#establish(this.#meet(id, 'acceptor', address, 'pushing'));
      return;
    }
    // Two of ours that dial each other at the same moment: both must choose the same link, or try again.
    if (present.role === 'dialer' && present.heardMs === null) {
      if (this.#options.random() < 0.5) this.#closeUnmet(id);
      else {
        this.#discard(present);
        this.#establish(this.#meet(id, 'acceptor', address, 'pushing'));
      }
      return;
    }
    if (this.#candidate !== null) {
      this.#refuse(id, address, 'the link to the peer stands already');
      return;
    }
    // If the present link is to a process that is gone, its host says so to whatever is sent now.
    this.#candidate = this.#meet(id, 'acceptor', address, 'waiting');
    present.sentMs = Number.NEGATIVE_INFINITY;
  }

  #meet(id: LinkId, role: Role, address: string, state: 'waiting' | 'receiving' | 'pushing'): LegacyLink {
    return new LegacyLink(id, role, address, this.#nowMs, this.#options.maxValueBytes, state);
  }

  #establish(link: LegacyLink): void {
    this.#link = link;
    this.#copies.begin(this.#nowMs);
    this.#incoming.beginLink(link.role === 'dialer');
    this.#outgoing.beginLink();
    this.#say(`link up (peer ${link.address}, legacy protocol)`);
  }

  #refuse(id: LinkId, address: string, why: string): void {
    this.#closeUnmet(id);
    if (this.#refusals.isNews(why, this.#nowMs)) this.#say(`refused a connection from ${address}: ${why}`);
  }

  #closeUnmet(id: LinkId): void {
    this.#effects.push({ kind: 'close', link: id });
  }

  /** The link failed, or must go. A connection that waited takes its place. */
  #drop(link: LegacyLink, why: string): void {
    this.#discard(link);
    this.#say(`link down (${why})`);
    const candidate = this.#candidate;
    this.#candidate = null;
    if (candidate === null) {
      this.#dialing.putOff(this.#nowMs);
      return;
    }
    candidate.enter('pushing');
    this.#establish(candidate);
  }

  /** Closes the link without a word. */
  #discard(link: LegacyLink): void {
    link.enter('closed');
    this.#link = null;
    this.#shared.linkLost();
    this.#copies.abandon();
    this.#effects.push({ kind: 'close', link: link.id });
  }

  /** Says `sync done` once both have what the other had. */
  #noteSync(link: LegacyLink): void {
    if (!this.#isInSync(link)) return;
    const line = this.#copies.end(this.#outgoing.copiedItems, this.#incoming.copiedItems, this.#nowMs);
    if (line === null) return;
    this.#dialing.linkWorked();
    this.#say(line);
  }

  // ── Sending ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes what there is to say, if the last send has left. */
  #pump(link: LegacyLink): void {
    if (link.awaitingWritable) return;
    const { writer } = link;
    if (this.#nowMs - link.sentMs >= NUDGE_MS) writer.nudge();
    if (link.carriesData) this.#pumpData(link);
    if (writer.length === 0) return;
    link.sentMs = this.#nowMs;
    link.awaitingWritable = true;
    this.#effects.push({ kind: 'send', link: link.id, bytes: writer.bytes });
  }

  #pumpData(link: LegacyLink): void {
    const outgoing = this.#outgoing;
    if (outgoing.hasOverflowed && link.state === 'streaming') {
      this.#say('more changes than the change log holds: copying everything again');
      link.enter('pushing');
      this.#copies.begin(this.#nowMs);
    }
    if (link.state === 'pushing' && (!outgoing.isCopying || outgoing.hasOverflowed)) {
      this.#incoming.noteFlush();
      outgoing.beginCopy(link.writer, this.#incoming.hasFlushedAlone);
    }
    outgoing.fill(link.writer);
    if (link.state === 'pushing' && !outgoing.isCopying) {
      link.enter('streaming');
      this.#copies.copiesSent += 1;
    }
    if (outgoing.unsendable > 0 && !this.#hasSaidUnsendable) {
      this.#hasSaidUnsendable = true;
      this.#say(
        'some items can not be sent to a legacy node: keys with blanks or line ends, or values of nearly 1 MB and more ' +
          '(repl_unsendable in stats replication counts them)',
      );
    }
  }

  // ── Beginning and end of service ───────────────────────────────────────────────────────────────────────────

  #openClientPort(): void {
    if (this.#readiness.open()) this.#effects.push({ kind: 'ready' });
  }

  #stopIfDone(): void {
    if (this.#stopDeadlineMs === null) return;
    const link = this.#link;
    const isHandedOver =
      link === null || (link.state === 'streaming' && !this.#outgoing.hasChanges && !link.awaitingWritable);
    if (!isHandedOver && this.#nowMs < this.#stopDeadlineMs) return;
    if (link !== null && !isHandedOver) {
      this.#say(
        `stopped before the peer had everything (${this.#log.headSeq - this.#takenSeq} changes left)`,
      );
    }
    if (link !== null) this.#discard(link);
    if (this.#candidate !== null) this.#closeUnmet(this.#candidate.id);
    this.#hasStopped = true;
    this.#effects.push({ kind: 'stopped' });
  }

  #say(line: string): void {
    this.#effects.push({ kind: 'log', line });
  }
}
