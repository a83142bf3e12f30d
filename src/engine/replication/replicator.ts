// The replication core: which connection to the peer is the one, from the first dial to the goodbye, as one step function.
// What the two then tell each other is in exchange.ts.

import { arbitrate } from './arbitration.js';
import { Dialing } from './dialing.js';
import { Exchange } from './exchange.js';
import type { FrameSink } from './frame-decoder.js';
import { FRAME, maxFrameBytes } from './frames.js';
import { bytesEqual, compareNodeIds, type Hello, nodeIdHex, type Role } from './handshake.js';
import type { Fault } from './incoming.js';
import { Introductions } from './introductions.js';
import type { Link } from './link.js';
import { Readiness } from './readiness.js';
import { type Refusal, refusalCode, refusalFromPeer, refusalLine } from './refusals.js';
import { SaidLately } from './said-lately.js';
import { Statistics } from './statistics.js';
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

const SILENCE_MS = 3_000;
const DEFAULT_READY_TIMEOUT_MS = 10_000;
const DEFAULT_STOP_TIMEOUT_MS = 2_000;

/**
 * Two of these, one on each node, keep two stores alike. The states of a link are told in link.ts. Whatever
 * happens, the node falls back to dialling (with -x) and listening, for ever: there is no event after which the
 * pair cannot form again.
 */
export class Replicator implements ReplicationMachine {
  readonly #options: ReplicatorOptions;
  readonly #introductions: Introductions;
  readonly #effects: ReplicationEffect[] = [];
  /** All that are open; the one of them that is proven is the exchange's. */
  readonly #links = new Map<LinkId, Link>();
  readonly #exchange: Exchange;
  readonly #dialing: Dialing;
  readonly #readiness: Readiness;
  readonly #statistics: Statistics;
  readonly #refusals = new SaidLately();
  #nowMs = 0;
  /** Set by `stop`. */
  #stopDeadlineMs: number | null = null;
  #hasStopped = false;
  /** What the decoder hands its frames to; made once, so that a chunk costs no closure. */
  #receivingLink: Link | null = null;
  readonly #sink: FrameSink = {
    onFrame: (type, bytes, start, end) => this.#onFrame(type, bytes, start, end),
  };

  constructor(options: ReplicatorOptions) {
    this.#options = options;
    this.#introductions = new Introductions(options);
    this.#statistics = new Statistics(options);
    this.#dialing = new Dialing(options.random);
    this.#readiness = new Readiness(options.readyTimeoutMs ?? DEFAULT_READY_TIMEOUT_MS);
    this.#exchange = new Exchange(options, {
      onCopied: () => this.#openClientPort(),
      onInSync: () => this.#dialing.linkWorked(),
      onNews: (line) => this.#say(line),
    });
  }

  get hasOutgoing(): boolean {
    return this.#exchange.hasOutgoing;
  }

  get awaitsChanges(): boolean {
    return this.#exchange.awaitsChanges;
  }

  get isInSync(): boolean {
    return this.#exchange.isInSync;
  }

  get ackedSeq(): number {
    return this.#exchange.outgoing.ackedSeq;
  }

  step(event: ReplicationEvent, nowMs: number): readonly ReplicationEffect[] {
    const { store, changeLog } = this.#options;
    this.#effects.length = 0;
    if (this.#hasStopped) return this.#effects;
    if (nowMs > this.#nowMs) this.#nowMs = nowMs;
    store.setNow(this.#nowMs);
    this.#exchange.lag.note(changeLog.headSeq, this.#nowMs);
    this.#take(event);
    this.#dialIfDue();
    for (const link of this.#links.values()) this.#pump(link);
    this.#stopIfDone();
    store.noteSync(this.#exchange.isCopied, this.#readiness.serving);
    return this.#effects;
  }

  stats(nowMs: number): ReplicationStats {
    const sources = {
      readiness: this.#readiness,
      exchange: this.#exchange,
      state: this.#state(),
      secretCount: this.#introductions.secretCount,
    };
    return this.#statistics.read(sources, nowMs);
  }

  #state(): ReplicationState {
    if (this.#exchange.link !== null) return this.isInSync ? 'synced' : 'syncing';
    return this.#links.size > 0 || !this.#readiness.serving ? 'connecting' : 'alone';
  }

  // ── Events ─────────────────────────────────────────────────────────────────────────────────────────────────

  #take(event: ReplicationEvent): void {
    switch (event.kind) {
      case 'start':
        this.#readiness.start(this.#nowMs);
        this.#exchange.start(this.#nowMs);
        if (!this.#options.dials) this.#openClientPort();
        return;
      case 'tick':
        this.#tick();
        return;
      case 'pump':
        return;
      case 'accepted':
        this.#admit(event.link, event.address, event.isFromPeer);
        return;
      case 'dialed':
        this.#dialing.ended();
        this.#meet(event.link, 'dialer', event.address, true);
        return;
      case 'dialFailed':
        this.#dialing.ended();
        this.#dialing.putOff(this.#nowMs);
        // The peer may have dialled us meanwhile; then it is there, and has something to copy.
        if (event.failure === 'refused' && !this.#mayBeMeetingPeer()) this.#openClientPort();
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

  #tick(): void {
    const now = this.#nowMs;
    for (const link of this.#links.values()) {
      if (link.isStranger) {
        if (this.#introductions.isOverdue(link, now)) this.#giveUp(link);
      } else if (now - link.heardMs >= SILENCE_MS) {
        this.#drop(link, `nothing heard for ${SILENCE_MS / 1_000} s`);
      }
    }
    this.#exchange.tick(now);
    if (this.#readiness.overdue(now)) {
      this.#say(
        this.#exchange.isCopied
          ? 'serving before the peer has seen all that was kept here: it was not ready in time'
          : 'serving without the data of the peer: it was not ready in time',
      );
      this.#openClientPort();
    }
  }

  #receive(link: Link, bytes: Uint8Array): void {
    link.heardMs = this.#nowMs;
    this.#statistics.bytesReceived += bytes.length;
    this.#receivingLink = link;
    const { incoming } = this.#exchange;
    const receivedBefore = incoming.received;
    const isSound = link.decoder.feed(bytes, this.#sink);
    this.#receivingLink = null;
    if (incoming.received !== receivedBefore) this.#readiness.progress(this.#nowMs);
    if (isSound || link.state === 'closed') return;
    if (link.isStranger) this.#refuse(link, isTlsRecord(bytes) ? 'noTlsHere' : 'notRepcached');
    else this.#drop(link, 'the peer sent something that is no frame');
  }

  // ── Dialling, and who stays ────────────────────────────────────────────────────────────────────────────────

  #dialIfDue(): void {
    const mayDial = this.#options.dials && this.#stopDeadlineMs === null && this.#exchange.link === null;
    if (!mayDial) return;
    for (const link of this.#links.values()) if (link.role === 'dialer') return;
    if (this.#dialing.begin(this.#nowMs)) this.#effects.push({ kind: 'dial' });
  }

  /** Somebody connected. */
  #admit(id: LinkId, address: string, isFromPeer: boolean): void {
    const place = this.#introductions.placeFor(isFromPeer, this.#links.values());
    if (place === 'none') this.#effects.push({ kind: 'close', link: id });
    else {
      if (place !== 'free') this.#discard(place);
      this.#meet(id, 'acceptor', address, isFromPeer);
    }
  }

  #meet(id: LinkId, role: Role, address: string, isFromPeer: boolean): void {
    if (this.#stopDeadlineMs !== null) this.#effects.push({ kind: 'close', link: id });
    else this.#links.set(id, this.#introductions.meet(id, role, address, isFromPeer, this.#nowMs));
  }

  /** Whether somebody is connected who is the peer, or may well turn out to be: not only others who say nothing. */
  #mayBeMeetingPeer(): boolean {
    for (const link of this.#links.values()) if (link.isFromPeer || link.state !== 'greeting') return true;
    return false;
  }

  /** The other end has shown who it is: whether its link is the one. */
  #onProven(link: Link): void {
    const peer = link.peerHello!;
    const present = this.#exchange.link;
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

  /** The peer is proven, and this link is the one. */
  #establish(link: Link, peer: Hello, isNews: boolean): void {
    link.enter('measuring');
    link.decoder.maxFrameBytes = maxFrameBytes(this.#options.maxValueBytes);
    this.#exchange.begin(link, this.#nowMs);
    this.#statistics.linkUp(this.#nowMs);
    this.#refusals.forget();
    if (!isNews) return;
    this.#say(`link up (peer ${link.address}, node ${nodeIdHex(peer.nodeId)})`);
    this.#sayLimits(peer.maxItemBytes);
  }

  /** Once for a link, and not for each item. */
  #sayLimits(thereBytes: number): void {
    const hereBytes = this.#options.store.itemSizeMaxBytes;
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
    const wasActive = this.#exchange.link === link;
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
    if (this.#exchange.link === link) this.#exchange.end();
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
    if (type === FRAME.bye) {
      this.#dialing.linkWorked();
      return 'the peer was stopped';
    }
    if (type !== FRAME.refuse) return this.#exchange.hear(type, bytes, start, end, this.#nowMs);
    // The peer proved us wrong only after we had proved it right: it is the one to say why.
    this.#onRefusal(link, bytes[start]);
    return null;
  }

  // ── Sending ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes what there is to say on a link, if its last send has left. */
  #pump(link: Link): void {
    if (link.awaitingWritable) return;
    const { writer } = link;
    this.#introductions.prove(link);
    const isPeer = link === this.#exchange.link;
    if (isPeer) this.#exchange.fill(link, this.#nowMs);
    if (writer.length === 0) {
      if (isPeer && this.#exchange.isWorking) this.#effects.push({ kind: 'continue' });
      return;
    }
    link.awaitingWritable = true;
    this.#statistics.bytesSent += writer.length;
    this.#effects.push({ kind: 'send', link: link.id, bytes: writer.bytes });
  }

  // ── Beginning and end of service ───────────────────────────────────────────────────────────────────────────

  #openClientPort(): void {
    if (this.#readiness.open()) this.#effects.push({ kind: 'ready' });
  }

  #stopIfDone(): void {
    if (this.#stopDeadlineMs === null) return;
    const { link, isHandedOver, outgoing } = this.#exchange;
    if (!isHandedOver && this.#nowMs < this.#stopDeadlineMs) return;
    if (link !== null && isHandedOver) {
      link.writer.empty(FRAME.bye);
      this.#effects.push({ kind: 'send', link: link.id, bytes: link.writer.bytes });
    } else if (link !== null) {
      const left = this.#options.changeLog.headSeq - outgoing.ackedSeq;
      this.#say(`stopped before the peer had everything (${left} changes left)`);
    }
    for (const open of [...this.#links.values()]) this.#discard(open);
    this.#hasStopped = true;
    this.#effects.push({ kind: 'stopped' });
  }

  #say(line: string): void {
    this.#effects.push({ kind: 'log', line });
  }
}

function whomWeRefuse(link: Link): string {
  return `refused ${link.role === 'dialer' ? 'the peer' : 'a connection'} from ${link.address}`;
}

/** The start of a TLS handshake, or of the alert by which a TLS node refuses our greeting. */
function isTlsRecord(bytes: Uint8Array): boolean {
  return (bytes[0] === 0x16 || bytes[0] === 0x15) && bytes[1] === 0x03;
}
