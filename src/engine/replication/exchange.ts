// What two nodes tell each other once each has proven who it is: what it has, what the other one lacks, changes as they
// are made, and how far those have come. Over which link, and when it is given up, is for Replicator to say.

import type { Store } from '../store/store.js';
import { versionHiOfMs, versionLoOfMs } from '../store/version.js';
import type { RingChangeLog } from './change-log.js';
import type { HybridClock } from './clock.js';
import { ClockOffset } from './clock-offset.js';
import { ACK_BYTES, DIGEST_HEADER_BYTES, FRAME, readF64, readU32, writeF64, writeU32 } from './frames.js';
import { initialNodeBit, nodeBitBeside } from './handshake.js';
import { HAVE_BYTES, readHave, writeHave } from './have.js';
import { type Fault, Incoming } from './incoming.js';
import { Lag } from './lag.js';
import type { Link } from './link.js';
import { Outgoing, type OutgoingOptions } from './outgoing.js';
import { PeerLimit } from './peer-limit.js';
import { type DigestSeeds, digestSeeds } from './range-digest.js';
import { RateLimit } from './rate-limit.js';
import { readSyncBegin } from './sync-begin.js';
import { SyncReport } from './sync-report.js';
import type { ReplicatorOptions } from './types.js';

const HEARTBEAT_MS = 500;
/** So much lies between two digest syncs for the sake of what was lost. */
const ASK_AFTER_LOSS_MS = 10_000;

/** What becomes of the node by what was exchanged. */
export interface ExchangeEvents {
  /** This node holds what its peer has: it may serve. */
  onCopied(): void;
  /** Both nodes are where they should be. */
  onInSync(): void;
  /** Something for the log. */
  onNews(line: string): void;
}

/** The halves of it outlive links: what the peer has already, and how far, is known when it comes back. */
export class Exchange {
  readonly incoming: Incoming;
  readonly limit: PeerLimit;
  readonly offset = new ClockOffset();
  readonly lag = new Lag();
  readonly syncs = new SyncReport();
  readonly #events: ExchangeEvents;
  readonly #nodeId: Uint8Array;
  readonly #store: Store;
  readonly #log: RingChangeLog;
  readonly #clock: HybridClock;
  readonly #outgoingOptions: OutgoingOptions;
  /** The one proven link. */
  #link: Link | null = null;
  #outgoing: Outgoing;
  /** Of the present link. */
  #seeds: DigestSeeds = { spread: 0, mix: 0 };
  /** The last version made or seen here before it. */
  #beforeHi = 0;
  #beforeLo = 0;
  /** When the peer was last told what we have. */
  #askedMs = 0;

  constructor(options: ReplicatorOptions, events: ExchangeEvents) {
    this.#events = events;
    this.#nodeId = options.nodeId;
    this.#store = options.store;
    this.#log = options.changeLog;
    this.#clock = options.clock;
    this.#clock.nodeBit = initialNodeBit(options.nodeId);
    this.limit = new PeerLimit(options.store);
    this.incoming = new Incoming(options.store, this.limit);
    this.#outgoingOptions = {
      store: options.store,
      log: options.changeLog,
      clock: options.clock,
      nodeId: options.nodeId,
      rate: new RateLimit(options.syncBytesPerSec ?? Number.POSITIVE_INFINITY),
      limit: this.limit,
    };
    this.#outgoing = new Outgoing(this.#outgoingOptions, this.#seeds, null);
  }

  get link(): Link | null {
    return this.#link;
  }

  get outgoing(): Outgoing {
    return this.#outgoing;
  }

  get hasOutgoing(): boolean {
    return this.#maySend() && this.#outgoing.hasChanges;
  }

  get awaitsChanges(): boolean {
    return this.#maySend() && !this.#outgoing.hasChanges;
  }

  /** Whether this node holds what its peer has. */
  get isCopied(): boolean {
    return this.incoming.copy === 'complete';
  }

  get isInSync(): boolean {
    return this.#link !== null && this.#outgoing.syncIsAcked && this.isCopied;
  }

  /** Whether all is said, and has left. */
  get isHandedOver(): boolean {
    return this.#link === null || (this.#outgoing.isDone && !this.#link.awaitingWritable);
  }

  /** Whether there is more to do at once, though nothing to send yet. */
  get isWorking(): boolean {
    return this.incoming.isReplying || (this.#link?.carriesData === true && this.#outgoing.isWorking);
  }

  /** From here on versions are made, none lower than this. */
  start(nowMs: number): void {
    const firstMs = Math.floor(Math.max(nowMs, this.#clock.latestMs));
    this.#store.lostWrites.begin(versionHiOfMs(firstMs), versionLoOfMs(firstMs));
  }

  /** The peer is proven, and this link is the one. Data moves once the clock offset is known. */
  begin(link: Link, nowMs: number): void {
    const peer = link.peerHello!;
    const nodeBit = nodeBitBeside(this.#nodeId, peer.nodeId);
    this.#beforeHi = this.#clock.latestHi;
    this.#beforeLo = this.#clock.latestLo;
    this.#log.beginLink(nodeBit, this.#beforeHi, this.#beforeLo);
    this.#joinClocks(nodeBit, peer.clockMs, nowMs);
    this.#link = link;
    this.incoming.beginLink();
    this.limit.maxItemBytes = peer.maxItemBytes;
    this.#seeds =
      link.role === 'dialer'
        ? digestSeeds(link.ownHello.nonce, peer.nonce)
        : digestSeeds(peer.nonce, link.ownHello.nonce);
    this.#outgoing = new Outgoing(this.#outgoingOptions, this.#seeds, this.#outgoing);
    this.syncs.begin(nowMs);
  }

  /** The link is gone. */
  end(): void {
    this.#link = null;
    this.#store.lostWrites.part(this.#clock.latestHi, this.#clock.latestLo);
    this.incoming.beginLink();
    this.#outgoing.syncIsAcked = false;
    this.syncs.abandon();
  }

  tick(nowMs: number): void {
    this.#outgoing.tick();
    this.#askAfterLoss(nowMs);
  }

  /** Takes a frame of the peer, but for those by which it ends the link. */
  hear(type: number, bytes: Uint8Array, start: number, end: number, nowMs: number): Fault {
    const link = this.#link!;
    const size = end - start;
    switch (type) {
      case FRAME.item:
        return this.incoming.item(bytes, start, end);
      case FRAME.markedItem:
        return this.incoming.markedItem(bytes, start, end);
      case FRAME.tombstone:
        return this.incoming.tombstone(bytes, start, end);
      case FRAME.flush:
        return this.incoming.flush(bytes, start, end);
      case FRAME.position:
      case FRAME.syncEnd:
        if (size !== 8) break;
        return this.#onPosition(link, type, readF64(bytes, start), nowMs);
      case FRAME.have:
        return this.#onHave(link, bytes, start, end, nowMs);
      case FRAME.syncBegin:
        return this.#onSyncBegin(bytes, start, end, nowMs);
      case FRAME.digest:
        if (size < DIGEST_HEADER_BYTES) break;
        if (this.#outgoing.sync?.takeDigest(bytes, start, end) === false) break;
        return null;
      case FRAME.ack:
        if (size !== ACK_BYTES) break;
        return this.#onAck(link, readF64(bytes, start), readU32(bytes, start + 8), nowMs);
      case FRAME.ping:
        if (size !== 8) break;
        link.pongDueMs = readF64(bytes, start);
        return null;
      case FRAME.pong:
        if (size !== 16) break;
        this.#onPong(link, readF64(bytes, start), readF64(bytes, start + 8), nowMs);
        return null;
    }
    return malformed(type);
  }

  /** Writes what there is to say. */
  fill(link: Link, nowMs: number): void {
    const { writer } = link;
    const asksAgain = link.haveIsDue && link.isMeasured;
    // Who answers the ping behind it has heard the question.
    if (asksAgain) this.#ask(link, nowMs);
    // At first the ping goes first: the peer starts its copy at our first pong, and must have our ping by then, so that
    // its own pong comes to us before the copy does.
    if (asksAgain || nowMs - link.pingedMs >= HEARTBEAT_MS) {
      link.pingedMs = nowMs;
      writer.numberFrame(FRAME.ping, nowMs);
    }
    if (link.pongDueMs !== null) {
      writer.numbersFrame(FRAME.pong, link.pongDueMs, nowMs);
      link.pongDueMs = null;
    }
    this.incoming.sentBack.write(writer, nowMs);
    if (link.haveIsDue) this.#ask(link, nowMs);
    if (link.ackDueSeq !== null) {
      const at = writer.begin(FRAME.ack, ACK_BYTES);
      writeF64(writer.buffer, at, link.ackDueSeq);
      writeU32(writer.buffer, at + 8, this.incoming.completeSyncId);
      link.ackDueSeq = null;
    }
    if (this.incoming.isReplying) this.incoming.fillReply(writer);
    if (link.carriesData) this.#fillData(link, nowMs);
  }

  #maySend(): boolean {
    return this.#link !== null && !this.#link.awaitingWritable && this.#link.carriesData;
  }

  #joinClocks(nodeBit: 0 | 1, peerClockMs: number, nowMs: number): void {
    this.#store.lock();
    try {
      this.#clock.nodeBit = nodeBit;
      this.#store.remoteWinsTies = nodeBit === 1;
      // Whatever the peer has given a version to is older than what is written here from now on.
      this.#clock.observe(versionHiOfMs(peerClockMs), (versionLoOfMs(peerClockMs) | 0xffff) >>> 0, nowMs);
    } finally {
      this.#store.unlock();
    }
  }

  /** What was lost before the peer had it leaves something older there: compares once more, not too often. */
  #askAfterLoss(nowMs: number): void {
    const link = this.#link;
    if (link === null || !this.#store.lostWrites.isPending || !this.isInSync || this.incoming.isSyncing)
      return;
    if (nowMs - this.#askedMs >= ASK_AFTER_LOSS_MS) link.haveIsDue = true;
  }

  // ── What the peer says ─────────────────────────────────────────────────────────────────────────────────────

  #onPong(link: Link, sentMs: number, peerMs: number, nowMs: number): void {
    this.offset.sample(sentMs, peerMs, nowMs);
    this.incoming.exptimeCorrectionSec = this.offset.correctionSec;
    this.incoming.clockOffsetMs = this.offset.estimateMs;
    this.incoming.pinged(sentMs);
    link.isMeasured = true;
    if (link.state === 'measuring') this.#syncIfDue(link, nowMs);
  }

  /** What it has: at the beginning of a link, and whenever it needs to be compared again. */
  #onHave(link: Link, bytes: Uint8Array, start: number, end: number, nowMs: number): Fault {
    const have = readHave(bytes, start, end);
    if (have === null) return malformed(FRAME.have);
    link.peerHave = have;
    this.incoming.expect(have.entryCount);
    this.#syncIfDue(link, nowMs);
    return null;
  }

  /** Begins once it is known what the peer has, and how far its clock is from ours. */
  #syncIfDue(link: Link, nowMs: number): void {
    if (!link.isMeasured || link.peerHave === null || link.state === 'syncing') return;
    link.enter('syncing');
    link.syncIsDue = true;
    this.syncs.begin(nowMs);
  }

  #onSyncBegin(bytes: Uint8Array, start: number, end: number, nowMs: number): Fault {
    const sync = readSyncBegin(bytes, start, end);
    if (sync === null) return malformed(FRAME.syncBegin);
    this.incoming.beginSync(sync, this.#seeds);
    this.syncs.begin(nowMs);
    return null;
  }

  #onPosition(link: Link, type: number, seq: number, nowMs: number): Fault {
    if (!Number.isSafeInteger(seq) || seq < 0) return malformed(type);
    const { incoming } = this;
    link.ackDueSeq = seq;
    if (type === FRAME.syncEnd) {
      incoming.endSync();
      this.#store.lostWrites.join(this.#clock.nodeBit, this.#beforeHi, this.#beforeLo);
      this.syncs.received({ kind: incoming.syncKind, keys: incoming.syncKeys, bytes: incoming.syncBytes });
      this.#noteCopy(link);
      this.#noteSync(nowMs);
    }
    incoming.reached(link.peerHello!.nodeId, seq);
    return null;
  }

  #onAck(link: Link, seq: number, syncId: number, nowMs: number): Fault {
    const outgoing = this.#outgoing;
    const awaitedSync = outgoing.awaitsSyncAck;
    if (!outgoing.acknowledge(seq, syncId)) return malformed(FRAME.ack);
    this.lag.acknowledged(outgoing.ackedSeq, nowMs);
    if (awaitedSync && !outgoing.awaitsSyncAck) {
      this.syncs.sent(outgoing.sync!.half);
      this.#noteCopy(link);
    }
    this.#noteSync(nowMs);
    return null;
  }

  /**
   * Of what this node kept from before, the peer may have had something newer and lost it. Before it acknowledges our
   * sync it sends that back (sent-back.ts). A peer that had nothing has nothing to say.
   */
  #noteCopy(link: Link): void {
    if (!this.isCopied) return;
    if (this.#outgoing.syncIsAcked || link.peerHave?.entryCount === 0) this.#events.onCopied();
  }

  /** Says `sync done` once both nodes are where they should be. */
  #noteSync(nowMs: number): void {
    if (!this.isInSync || this.#outgoing.awaitsSyncAck || this.incoming.isSyncing) return;
    const line = this.syncs.end(nowMs);
    if (line === null) return;
    this.#events.onInSync();
    this.#events.onNews(line);
  }

  // ── What it is told ────────────────────────────────────────────────────────────────────────────────────────

  /** Tells the peer what is here, for it to send the rest. */
  #ask(link: Link, nowMs: number): void {
    const { writer } = link;
    link.haveIsDue = false;
    this.#askedMs = nowMs;
    writeHave(writer.buffer, writer.begin(FRAME.have, HAVE_BYTES), this.incoming.have(nowMs));
  }

  #fillData(link: Link, nowMs: number): void {
    const outgoing = this.#outgoing;
    const { writer } = link;
    if (outgoing.hasOverflowed) {
      // While a sync is under way it may happen again and again: that is no news.
      if (!outgoing.awaitsSyncAck) {
        this.#events.onNews('more changes than the change log holds: comparing all that both nodes have');
      }
      if (link.state === 'streaming') link.enter('syncing');
      link.syncIsDue = true;
      this.syncs.begin(nowMs);
    }
    if (link.syncIsDue) {
      link.syncIsDue = false;
      outgoing.beginSync(writer, link.peerHave!);
    }
    outgoing.fill(writer, nowMs);
    if (link.state === 'syncing' && !outgoing.isSyncing) link.enter('streaming');
  }
}

function malformed(type: number): Fault {
  return `the peer sent a malformed frame of type ${type}`;
}
