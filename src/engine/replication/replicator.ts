// The replication core: the link to the peer, from the first dial to the last acknowledgement, as one step function.

import type { Store } from '../store/store.js';
import { versionHiOfMs, versionLoOfMs } from '../store/version.js';
import { arbitrate } from './arbitration.js';
import type { RingChangeLog } from './change-log.js';
import type { HybridClock } from './clock.js';
import { ClockOffset } from './clock-offset.js';
import { Dialing } from './dialing.js';
import type { FrameSink } from './frame-decoder.js';
import {
  ACK_BYTES,
  DIGEST_HEADER_BYTES,
  FRAME,
  maxFrameBytes,
  readF64,
  readU32,
  writeF64,
  writeU32,
} from './frames.js';
import {
  bytesEqual,
  compareNodeIds,
  type Hello,
  initialNodeBit,
  nodeBitBeside,
  nodeIdHex,
  type Role,
} from './handshake.js';
import { HAVE_BYTES, readHave, writeHave } from './have.js';
import { type Fault, Incoming } from './incoming.js';
import { Introductions } from './introductions.js';
import { Lag } from './lag.js';
import type { Link } from './link.js';
import { Outgoing, type OutgoingOptions } from './outgoing.js';
import { PeerLimit } from './peer-limit.js';
import { type DigestSeeds, digestSeeds } from './range-digest.js';
import { RateLimit } from './rate-limit.js';
import { Readiness } from './readiness.js';
import { type Refusal, refusalCode, refusalFromPeer, refusalLine } from './refusals.js';
import { SaidLately } from './said-lately.js';
import { Statistics } from './statistics.js';
import { readSyncBegin } from './sync-begin.js';
import { SyncReport } from './sync-report.js';
import type {
  LinkId,
  ReplicationEffect,
  ReplicationEvent,
  ReplicationMachine,
  ReplicationState,
  ReplicationStats,
  ReplicatorOptions,
  TlsFailure,
} from './types.js';

const HEARTBEAT_MS = 500;
const SILENCE_MS = 3_000;
const DEFAULT_READY_TIMEOUT_MS = 10_000;
const DEFAULT_STOP_TIMEOUT_MS = 2_000;
/** So much lies between two digest syncs for the sake of what was lost. */
const ASK_AFTER_LOSS_MS = 10_000;

/**
 * Two of these, one on each node, keep two stores alike. The states of a link are told in link.ts. Whatever
 * happens, the node falls back to dialling (with -x) and listening, for ever: there is no event after which the
 * pair cannot form again.
 */
export class Replicator implements ReplicationMachine {
  readonly #store: Store;
  readonly #log: RingChangeLog;
  readonly #clock: HybridClock;
  readonly #options: ReplicatorOptions;
  readonly #introductions: Introductions;
  readonly #effects: ReplicationEffect[] = [];
  readonly #links = new Map<LinkId, Link>();
  readonly #dialing: Dialing;
  readonly #readiness: Readiness;
  readonly #incoming: Incoming;
  readonly #limit: PeerLimit;
  /** The one proven link, and the halves that work on it. */
  #active: Link | null = null;
  #outgoing: Outgoing;
  /** The last version made or seen here before it. */
  #beforeHi = 0;
  #beforeLo = 0;
  readonly #outgoingOptions: OutgoingOptions;
  /** Of the present link. */
  #seeds: DigestSeeds = { spread: 0, mix: 0 };
  readonly #offset = new ClockOffset();
  #nowMs = 0;
  /** Set by `stop`. */
  #stopDeadlineMs: number | null = null;
  #hasStopped = false;
  readonly #statistics: Statistics;
  readonly #lag = new Lag();
  /** When the peer was last told what we have. */
  #askedMs = 0;
  readonly #syncs = new SyncReport();
  readonly #refusals = new SaidLately();
  /** What the decoder hands its frames to; made once, so that a chunk costs no closure. */
  #receivingLink: Link | null = null;
  readonly #sink: FrameSink = {
    onFrame: (type, bytes, start, end) => this.#onFrame(type, bytes, start, end),
  };

  constructor(options: ReplicatorOptions) {
    this.#options = options;
    this.#introductions = new Introductions(options);
    this.#statistics = new Statistics(options);
    this.#store = options.store;
    this.#log = options.changeLog;
    this.#clock = options.clock;
    this.#clock.nodeBit = initialNodeBit(options.nodeId);
    this.#dialing = new Dialing(options.random);
    this.#readiness = new Readiness(options.readyTimeoutMs ?? DEFAULT_READY_TIMEOUT_MS);
    this.#limit = new PeerLimit(options.store);
    this.#incoming = new Incoming(options.store, this.#limit);
    this.#outgoingOptions = {
      store: options.store,
      log: options.changeLog,
      clock: options.clock,
      nodeId: options.nodeId,
      rate: new RateLimit(options.syncBytesPerSec ?? Number.POSITIVE_INFINITY),
      limit: this.#limit,
    };
    this.#outgoing = new Outgoing(this.#outgoingOptions, this.#seeds, null);
  }

  get hasOutgoing(): boolean {
    const link = this.#active;
    return link !== null && !link.awaitingWritable && link.carriesData && this.#outgoing.hasChanges;
  }

  get awaitsChanges(): boolean {
    const link = this.#active;
    return link !== null && !link.awaitingWritable && link.carriesData && !this.#outgoing.hasChanges;
  }

  get isInSync(): boolean {
    return this.#active !== null && this.#outgoing.syncIsAcked && this.#incoming.copy === 'complete';
  }

  get ackedSeq(): number {
    return this.#outgoing.ackedSeq;
  }

  step(event: ReplicationEvent, nowMs: number): readonly ReplicationEffect[] {
    this.#effects.length = 0;
    if (this.#hasStopped) return this.#effects;
    if (nowMs > this.#nowMs) this.#nowMs = nowMs;
    this.#store.setNow(this.#nowMs);
    this.#lag.note(this.#log.headSeq, this.#nowMs);
    this.#take(event);
    this.#dialIfDue();
    for (const link of this.#links.values()) this.#pump(link);
    this.#stopIfDone();
    this.#store.noteSync(this.#incoming.copy === 'complete', this.#readiness.serving);
    return this.#effects;
  }

  stats(nowMs: number): ReplicationStats {
    const sources = {
      readiness: this.#readiness,
      incoming: this.#incoming,
      limit: this.#limit,
      lag: this.#lag,
      syncs: this.#syncs,
      active: this.#active,
      outgoing: this.#outgoing,
      offset: this.#offset,
      state: this.#state(),
      secretCount: this.#introductions.secretCount,
    };
    return this.#statistics.read(sources, nowMs);
  }

  #state(): ReplicationState {
    if (this.#active !== null) return this.isInSync ? 'synced' : 'syncing';
    return this.#links.size > 0 || !this.#readiness.serving ? 'connecting' : 'alone';
  }

  // ── Events ─────────────────────────────────────────────────────────────────────────────────────────────────

  #take(event: ReplicationEvent): void {
    switch (event.kind) {
      case 'start':
        this.#readiness.start(this.#nowMs);
        this.#beginVersions();
        if (!this.#options.dials) this.#openClientPort();
        return;
      case 'tick':
        this.#tick();
        return;
      case 'pump':
        return;
      case 'accepted':
        this.#meet(event.link, 'acceptor', event.address);
        return;
      case 'dialed':
        this.#dialing.ended();
        this.#meet(event.link, 'dialer', event.address);
        return;
      case 'dialFailed':
        this.#dialing.ended();
        this.#dialing.putOff(this.#nowMs);
        // The peer may have dialled us meanwhile; then it is there, and has something to copy.
        if (event.failure === 'refused' && this.#links.size === 0) this.#openClientPort();
        return;
      case 'secured': {
        const link = this.#links.get(event.link);
        if (link !== undefined) link.channelBinding = event.channelBinding;
        return;
      }
      case 'unsecured': {
        const link = this.#links.get(event.link);
        if (link?.isStranger === true) this.#refuseUnsecured(link, event.failure);
        return;
      }
      case 'secretsChanged':
        this.#introductions.changeSecrets(event.secrets);
        return;
      case 'received': {
        const link = this.#links.get(event.link);
        if (link !== undefined) this.#receive(link, event.bytes);
        return;
      }
      case 'writable': {
        const link = this.#links.get(event.link);
        if (link === undefined) return;
        link.awaitingWritable = false;
        link.writer.clear();
        return;
      }
      case 'closed': {
        const link = this.#links.get(event.link);
        if (link !== undefined) this.#drop(link, 'the peer closed the connection');
        return;
      }
      case 'stop':
        this.#stopDeadlineMs = this.#nowMs + (this.#options.stopTimeoutMs ?? DEFAULT_STOP_TIMEOUT_MS);
    }
  }

  /** From here on versions are made, none lower than this. */
  #beginVersions(): void {
    const firstMs = Math.floor(Math.max(this.#nowMs, this.#clock.latestMs));
    this.#store.lostWrites.begin(versionHiOfMs(firstMs), versionLoOfMs(firstMs));
  }

  #tick(): void {
    const now = this.#nowMs;
    for (const link of this.#links.values()) {
      if (link.isStranger) {
        if (this.#introductions.isOverdue(link, now)) this.#giveUp(link);
      } else if (now - link.heardMs >= SILENCE_MS) {
        this.#drop(link, `nothing heard for ${SILENCE_MS / 1_000} s`);
      }
    }
    this.#outgoing.tick();
    this.#askAfterLoss();
    if (this.#readiness.overdue(now)) {
      this.#say(
        this.#incoming.copy === 'complete'
          ? 'serving before the peer has seen all that was kept here: it was not ready in time'
          : 'serving without the data of the peer: it was not ready in time',
      );
      this.#openClientPort();
    }
  }

  /** What was lost before the peer had it leaves something older there: compares once more, not too often. */
  #askAfterLoss(): void {
    const link = this.#active;
    if (link === null || !this.#store.lostWrites.isPending || !this.isInSync || this.#incoming.isSyncing)
      return;
    if (this.#nowMs - this.#askedMs >= ASK_AFTER_LOSS_MS) link.haveIsDue = true;
  }

  #receive(link: Link, bytes: Uint8Array): void {
    link.heardMs = this.#nowMs;
    this.#statistics.bytesReceived += bytes.length;
    this.#receivingLink = link;
    const receivedBefore = this.#incoming.received;
    const isSound = link.decoder.feed(bytes, this.#sink);
    this.#receivingLink = null;
    if (this.#incoming.received !== receivedBefore) this.#readiness.progress(this.#nowMs);
    if (isSound || link.state === 'closed') return;
    if (link.isStranger) this.#refuse(link, isTlsRecord(bytes) ? 'noTlsHere' : 'notRepcached');
    else this.#drop(link, 'the peer sent something that is no frame');
  }

  // ── Dialling, and who stays ────────────────────────────────────────────────────────────────────────────────

  #dialIfDue(): void {
    const mayDial = this.#options.dials && this.#stopDeadlineMs === null && this.#active === null;
    if (!mayDial) return;
    for (const link of this.#links.values()) if (link.role === 'dialer') return;
    if (this.#dialing.begin(this.#nowMs)) this.#effects.push({ kind: 'dial' });
  }

  #meet(id: LinkId, role: Role, address: string): void {
    const introductions = this.#introductions;
    if (
      this.#stopDeadlineMs !== null ||
      (role === 'acceptor' && !introductions.hasRoom(this.#links.values()))
    ) {
      this.#effects.push({ kind: 'close', link: id });
      return;
    }
    this.#links.set(id, introductions.meet(id, role, address, this.#nowMs));
  }

  /** The other end has shown who it is: whether its link is the one. */
  #onProven(link: Link): void {
    const peer = link.peerHello!;
    const present = this.#active;
    if (present !== null) {
      const samePeer = bytesEqual(peer.nodeId, present.peerHello!.nodeId);
      const verdict = arbitrate({
        samePeer,
        presentRole: present.role,
        newRole: link.role,
        ownIdIsLower: compareNodeIds(this.#options.nodeId, peer.nodeId) < 0,
        presentSilentMs: this.#nowMs - present.heardMs,
      });
      if (verdict === 'pairComplete') {
        this.#refuse(link, 'pairComplete');
        return;
      }
      if (verdict === 'keep') {
        this.#discard(link);
        return;
      }
      if (samePeer) this.#discard(present);
      else this.#drop(present, 'the peer was restarted');
      this.#establish(link, peer, !samePeer);
    } else {
      this.#establish(link, peer, true);
    }
  }

  #joinClocks(nodeBit: 0 | 1, peerClockMs: number): void {
    this.#store.lock();
    try {
      this.#clock.nodeBit = nodeBit;
      this.#store.remoteWinsTies = nodeBit === 1;
      // Whatever the peer has given a version to is older than what is written here from now on.
      this.#clock.observe(
        versionHiOfMs(peerClockMs),
        (versionLoOfMs(peerClockMs) | 0xffff) >>> 0,
        this.#nowMs,
      );
    } finally {
      this.#store.unlock();
    }
  }

  /** The peer is proven, and this link is the one. Data moves once the clock offset is known. */
  #establish(link: Link, peer: Hello, isNews: boolean): void {
    link.enter('measuring');
    link.decoder.maxFrameBytes = maxFrameBytes(this.#options.maxValueBytes);
    const nodeBit = nodeBitBeside(this.#options.nodeId, peer.nodeId);
    this.#beforeHi = this.#clock.latestHi;
    this.#beforeLo = this.#clock.latestLo;
    this.#log.beginLink(nodeBit, this.#beforeHi, this.#beforeLo);
    this.#joinClocks(nodeBit, peer.clockMs);
    this.#active = link;
    this.#incoming.beginLink();
    this.#limit.maxItemBytes = peer.maxItemBytes;
    this.#seeds =
      link.role === 'dialer'
        ? digestSeeds(link.ownHello.nonce, peer.nonce)
        : digestSeeds(peer.nonce, link.ownHello.nonce);
    this.#outgoing = new Outgoing(this.#outgoingOptions, this.#seeds, this.#outgoing);
    this.#statistics.linkUp(this.#nowMs);
    this.#syncs.begin(this.#nowMs);
    this.#refusals.forget();
    if (!isNews) return;
    this.#say(`link up (peer ${link.address}, node ${nodeIdHex(peer.nodeId)})`);
    this.#sayLimits(peer.maxItemBytes);
  }

  /** Once for a link, and not for each item. */
  #sayLimits(thereBytes: number): void {
    const hereBytes = this.#store.itemSizeMaxBytes;
    if (thereBytes === hereBytes) return;
    const whose = thereBytes < hereBytes ? 'this node' : 'the peer';
    this.#say(
      `the largest item (-I) is ${thereBytes} bytes at the peer and ${hereBytes} here: what is larger stays on ${whose} alone`,
    );
  }

  #refuse(link: Link, refusal: Refusal): void {
    this.#sayRefusal(whomWeRefuse(link), refusal);
    // If our hello has not left yet, the memory to write to is not ours; then closing must say it.
    if (!link.awaitingWritable) {
      link.writer.byteFrame(FRAME.refuse, refusalCode(refusal));
      this.#effects.push({ kind: 'send', link: link.id, bytes: link.writer.bytes });
    }
    this.#discard(link);
    if (link.role === 'dialer') this.#dialing.putOff(this.#nowMs);
  }

  /** It took too long to show who it is. Of a peer that we dialled that is no news: it hangs, or is still starting. */
  #giveUp(link: Link): void {
    if (link.role === 'acceptor') this.#sayRefusal(whomWeRefuse(link), 'silent');
    this.#drop(link, 'no handshake in time');
  }

  /** Nothing can be said to the other end; its connection is on its way to be closed. */
  #refuseUnsecured(link: Link, failure: TlsFailure): void {
    if (failure.kind === 'notTls') this.#sayRefusal(whomWeRefuse(link), 'noTlsThere');
    else this.#sayRefusal(whomWeRefuse(link), 'tlsFailed', failure.reason);
    this.#drop(link, 'no TLS');
  }

  #onRefusal(link: Link, code: number): void {
    const refusal = refusalFromPeer(code);
    if (refusal !== undefined) this.#sayRefusal(`refused by ${link.address}`, refusal);
    this.#drop(link, 'the peer refused it');
  }

  #sayRefusal(what: string, refusal: Refusal, reason?: string): void {
    // Ports differ from one connection to the next: the reason is what is said once.
    if (!this.#refusals.isNews(refusal, this.#nowMs)) return;
    this.#say(`${what}: ${refusalLine(refusal)}${reason === undefined ? '' : ` (${reason})`}`);
  }

  /** The connection failed, or must go: what it carried is down. */
  #drop(link: Link, why: string): void {
    const wasActive = this.#active === link;
    this.#discard(link);
    if (wasActive) this.#say(`link down (${why})`);
    if (wasActive || link.role === 'dialer') this.#dialing.putOff(this.#nowMs);
  }

  /** Closes a link without a word. */
  #discard(link: Link): void {
    if (link.state === 'closed') return;
    link.enter('closed');
    this.#links.delete(link.id);
    this.#effects.push({ kind: 'close', link: link.id });
    if (this.#active !== link) return;
    this.#active = null;
    this.#store.lostWrites.part(this.#clock.latestHi, this.#clock.latestLo);
    this.#incoming.beginLink();
    this.#outgoing.syncIsAcked = false;
    this.#syncs.abandon();
  }

  // ── Frames ─────────────────────────────────────────────────────────────────────────────────────────────────

  #onFrame(type: number, bytes: Uint8Array, start: number, end: number): boolean {
    const link = this.#receivingLink!;
    if (link.isStranger) this.#onHandshakeFrame(link, type, bytes.subarray(start, end));
    else {
      const fault = this.#onPeerFrame(link, type, bytes, start, end);
      if (fault !== null) this.#drop(link, fault);
    }
    return link.state !== 'closed';
  }

  #onHandshakeFrame(link: Link, type: number, payload: Uint8Array): void {
    if (type === FRAME.refuse && payload.length === 1) {
      this.#onRefusal(link, payload[0]);
      return;
    }
    const introduction = this.#introductions.hear(link, type, payload, this.#nowMs);
    if (introduction === 'unfinished') return;
    if (introduction === 'proven') {
      this.#onProven(link);
      return;
    }
    this.#refuse(link, introduction);
    // There is no peer but ourselves: nothing to wait for.
    if (introduction === 'oneself' && link.role === 'dialer') this.#openClientPort();
  }

  #onPeerFrame(link: Link, type: number, bytes: Uint8Array, start: number, end: number): Fault {
    const size = end - start;
    switch (type) {
      case FRAME.item:
        return this.#incoming.item(bytes, start, end);
      case FRAME.markedItem:
        return this.#incoming.markedItem(bytes, start, end);
      case FRAME.tombstone:
        return this.#incoming.tombstone(bytes, start, end);
      case FRAME.flush:
        return this.#incoming.flush(bytes, start, end);
      case FRAME.position:
      case FRAME.syncEnd:
        if (size !== 8) break;
        return this.#onPosition(link, type, readF64(bytes, start));
      case FRAME.have:
        return this.#onHave(link, bytes, start, end);
      case FRAME.syncBegin:
        return this.#onSyncBegin(bytes, start, end);
      case FRAME.digest:
        if (size < DIGEST_HEADER_BYTES) break;
        if (this.#outgoing.sync?.takeDigest(bytes, start, end) === false) break;
        return null;
      case FRAME.ack:
        if (size !== ACK_BYTES) break;
        return this.#onAck(link, readF64(bytes, start), readU32(bytes, start + 8));
      case FRAME.ping:
        if (size !== 8) break;
        link.pongDueMs = readF64(bytes, start);
        return null;
      case FRAME.pong:
        if (size !== 16) break;
        this.#onPong(link, readF64(bytes, start), readF64(bytes, start + 8));
        return null;
      case FRAME.refuse:
        // The peer proved us wrong only after we had proved it right: it is the one to say why.
        this.#onRefusal(link, bytes[start]);
        return null;
      case FRAME.bye:
        this.#dialing.linkWorked();
        return 'the peer was stopped';
    }
    return malformed(type);
  }

  #onPong(link: Link, sentMs: number, peerMs: number): void {
    this.#offset.sample(sentMs, peerMs, this.#nowMs);
    this.#incoming.exptimeCorrectionSec = this.#offset.correctionSec;
    this.#incoming.clockOffsetMs = this.#offset.estimateMs;
    this.#incoming.pinged(sentMs);
    link.isMeasured = true;
    if (link.state === 'measuring') this.#syncIfDue(link);
  }

  /** The peer says what it has: at the beginning of a link, and whenever it needs to be compared again. */
  #onHave(link: Link, bytes: Uint8Array, start: number, end: number): Fault {
    const have = readHave(bytes, start, end);
    if (have === null) return malformed(FRAME.have);
    link.peerHave = have;
    this.#incoming.expect(have.entryCount);
    this.#syncIfDue(link);
    return null;
  }

  /** Begins once it is known what the peer has, and how far its clock is from ours. */
  #syncIfDue(link: Link): void {
    if (!link.isMeasured || link.peerHave === null || link.state === 'syncing') return;
    link.enter('syncing');
    link.syncIsDue = true;
    this.#syncs.begin(this.#nowMs);
  }

  #onSyncBegin(bytes: Uint8Array, start: number, end: number): Fault {
    const sync = readSyncBegin(bytes, start, end);
    if (sync === null) return malformed(FRAME.syncBegin);
    this.#incoming.beginSync(sync, this.#seeds);
    this.#syncs.begin(this.#nowMs);
    return null;
  }

  #onPosition(link: Link, type: number, seq: number): Fault {
    if (!Number.isSafeInteger(seq) || seq < 0) return malformed(type);
    const incoming = this.#incoming;
    link.ackDueSeq = seq;
    if (type === FRAME.syncEnd) {
      incoming.endSync();
      this.#store.lostWrites.join(this.#clock.nodeBit, this.#beforeHi, this.#beforeLo);
      this.#syncs.received({ kind: incoming.syncKind, keys: incoming.syncKeys, bytes: incoming.syncBytes });
      this.#openIfCopied(link);
      this.#noteSync();
    }
    incoming.reached(link.peerHello!.nodeId, seq);
    return null;
  }

  #onAck(link: Link, seq: number, syncId: number): Fault {
    const outgoing = this.#outgoing;
    const awaitedSync = outgoing.awaitsSyncAck;
    if (!outgoing.acknowledge(seq, syncId)) return malformed(FRAME.ack);
    this.#lag.acknowledged(outgoing.ackedSeq, this.#nowMs);
    if (awaitedSync && !outgoing.awaitsSyncAck) {
      this.#syncs.sent(outgoing.sync!.half);
      this.#openIfCopied(link);
    }
    this.#noteSync();
    return null;
  }

  /** Says `sync done` once both nodes are where they should be. */
  #noteSync(): void {
    if (!this.isInSync || this.#outgoing.awaitsSyncAck || this.#incoming.isSyncing) return;
    const line = this.#syncs.end(this.#nowMs);
    if (line === null) return;
    this.#dialing.linkWorked();
    this.#say(line);
  }

  // ── Sending ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes what there is to say on a link, if its last send has left. */
  #pump(link: Link): void {
    if (link.awaitingWritable) return;
    const { writer } = link;
    this.#introductions.prove(link);
    if (link === this.#active) this.#pumpActive(link);
    if (writer.length === 0) {
      if (link === this.#active && this.#isWorking(link)) this.#effects.push({ kind: 'continue' });
      return;
    }
    link.awaitingWritable = true;
    this.#statistics.bytesSent += writer.length;
    this.#effects.push({ kind: 'send', link: link.id, bytes: writer.bytes });
  }

  /** Whether there is more to do at once, though nothing to send yet. */
  #isWorking(link: Link): boolean {
    return this.#incoming.isReplying || (link.carriesData && this.#outgoing.isWorking);
  }

  #pumpActive(link: Link): void {
    const { writer } = link;
    const asksAgain = link.haveIsDue && link.isMeasured;
    // Who answers the ping behind it has heard the question.
    if (asksAgain) this.#ask(link);
    // At first the ping goes first: the peer starts its copy at our first pong, and must have our ping by then, so that
    // its own pong comes to us before the copy does.
    if (asksAgain || this.#nowMs - link.pingedMs >= HEARTBEAT_MS) {
      link.pingedMs = this.#nowMs;
      writer.numberFrame(FRAME.ping, this.#nowMs);
    }
    if (link.pongDueMs !== null) {
      writer.numbersFrame(FRAME.pong, link.pongDueMs, this.#nowMs);
      link.pongDueMs = null;
    }
    this.#incoming.sentBack.write(writer, this.#nowMs);
    if (link.haveIsDue) this.#ask(link);
    if (link.ackDueSeq !== null) {
      const at = writer.begin(FRAME.ack, ACK_BYTES);
      writeF64(writer.buffer, at, link.ackDueSeq);
      writeU32(writer.buffer, at + 8, this.#incoming.completeSyncId);
      link.ackDueSeq = null;
    }
    if (this.#incoming.isReplying) this.#incoming.fillReply(writer);
    if (link.carriesData) this.#pumpData(link);
  }

  /** Tells the peer what is here, for it to send the rest. */
  #ask(link: Link): void {
    const { writer } = link;
    link.haveIsDue = false;
    this.#askedMs = this.#nowMs;
    writeHave(writer.buffer, writer.begin(FRAME.have, HAVE_BYTES), this.#incoming.have(this.#nowMs));
  }

  #pumpData(link: Link): void {
    const outgoing = this.#outgoing;
    const { writer } = link;
    if (outgoing.hasOverflowed) {
      // While a sync is under way it may happen again and again: that is no news.
      if (!outgoing.awaitsSyncAck) {
        this.#say('more changes than the change log holds: comparing all that both nodes have');
      }
      if (link.state === 'streaming') link.enter('syncing');
      link.syncIsDue = true;
      this.#syncs.begin(this.#nowMs);
    }
    if (link.syncIsDue) {
      link.syncIsDue = false;
      outgoing.beginSync(writer, link.peerHave!);
    }
    outgoing.fill(writer, this.#nowMs);
    if (link.state === 'syncing' && !outgoing.isSyncing) link.enter('streaming');
  }

  // ── Beginning and end of service ───────────────────────────────────────────────────────────────────────────

  /**
   * Of what this node kept from before, the peer may have had something newer and lost it. Before it acknowledges our
   * sync it sends that back (sent-back.ts). A peer that had nothing has nothing to say.
   */
  #openIfCopied(link: Link): void {
    if (this.#incoming.copy !== 'complete') return;
    if (this.#outgoing.syncIsAcked || link.peerHave?.entryCount === 0) this.#openClientPort();
  }

  #openClientPort(): void {
    if (this.#readiness.open()) this.#effects.push({ kind: 'ready' });
  }

  #stopIfDone(): void {
    if (this.#stopDeadlineMs === null) return;
    const link = this.#active;
    const isHandedOver = link === null || (this.#outgoing.isDone && !link.awaitingWritable);
    if (!isHandedOver && this.#nowMs < this.#stopDeadlineMs) return;
    if (link !== null && isHandedOver) {
      link.writer.empty(FRAME.bye);
      this.#effects.push({ kind: 'send', link: link.id, bytes: link.writer.bytes });
    } else if (link !== null) {
      this.#say(
        `stopped before the peer had everything (${this.#log.headSeq - this.#outgoing.ackedSeq} changes left)`,
      );
    }
    for (const open of [...this.#links.values()]) this.#discard(open);
    this.#hasStopped = true;
    this.#effects.push({ kind: 'stopped' });
  }

  #say(line: string): void {
    this.#effects.push({ kind: 'log', line });
  }
}

function malformed(type: number): Fault {
  return `the peer sent a malformed frame of type ${type}`;
}

function whomWeRefuse(link: Link): string {
  return `refused ${link.role === 'dialer' ? 'the peer' : 'a connection'} from ${link.address}`;
}

/** The start of a TLS handshake, or of the alert by which a TLS node refuses our greeting. */
function isTlsRecord(bytes: Uint8Array): boolean {
  return (bytes[0] === 0x16 || bytes[0] === 0x15) && bytes[1] === 0x03;
}
