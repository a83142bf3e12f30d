// One client's connection: feeds its session with bytes and its socket with replies, and never holds more of
// either than two chunks of input and one high-water mark of output, however slowly the client reads and whatever it
// waits for.
import type { ReplyBuffer } from '../protocol/reply-buffer.js';
import type { Session } from '../protocol/session.js';
import type { Store } from '../store/store.js';
import {
  CONNECTION_READS,
  CONNECTION_WATCHES,
  CONNECTION_WRITES,
  type ConnectionBoard,
} from './connection-board.js';
import { HeldReply } from './held-reply.js';
import type { Stream } from './net.js';
import { Outbox, type OutboxOwner } from './outbox.js';
import type { ReplyGate, Waiter } from './reply-gate.js';

/** What one connection may ask for before the others have their turn; replies are bounded by the reply buffer. */
const TURN_BYTES = 64 * 1024;
/** How often a watcher is shown what has happened. */
const WATCH_INTERVAL_MS = 100;
const NOTHING = new Uint8Array(0);
/** How long a client may keep a connection open that we have closed. */
const LEAVE_TIMEOUT_MS = 5_000;

/** What all connections of a thread share. */
export interface ClientContext {
  readonly store: Store;
  /** Empty between two events. */
  readonly reply: ReplyBuffer;
  readonly traffic: TrafficCounters;
  /** Unix ms that never goes back. */
  readonly nowMs: () => number;
  /** Called after each batch of requests. */
  readonly onServed: () => void;
  /** Where replies to writes wait for the peer; undefined: they do not. */
  readonly gate: ReplyGate | undefined;
}

export interface TrafficCounters {
  bytesRead: number;
  bytesWritten: number;
  /** How often a connection had more to ask for than one turn allows. */
  yields: number;
}

export interface ConnectionHost {
  /** The client is about to see the end of this connection, and may dial again the moment it does. */
  leaving(connection: ClientConnection): void;
}

export class ClientConnection implements OutboxOwner, Waiter {
  awaitedSeq = 0;
  nextWaiter: Waiter | undefined;
  readonly #context: ClientContext;
  readonly #host: ConnectionHost;
  readonly #stream: Stream;
  readonly #session: Session;
  readonly #outbox: Outbox;
  /** Input that waits until replies are out. More may come in until the stream is paused, and is no more than a chunk. */
  #held: Uint8Array | undefined;
  #isPaused = false;
  /** Whether the replies wait in the gate; made by the first that does. */
  #awaitsPeer = false;
  #heldReply: HeldReply | undefined;
  /** The client sends no more, or the node stops: what came in is answered, then the connection closes. */
  #isFinishing = false;
  #isClosed = false;
  #peerAddress: string | undefined;
  /** On the board of all connections. */
  #seat = 0;
  #watchTimer: NodeJS.Timeout | undefined;
  /** Unix ms of the last request. */
  #servedMs: number;

  constructor(context: ClientContext, host: ConnectionHost, stream: Stream, session: Session) {
    this.#context = context;
    this.#host = host;
    this.#stream = stream;
    this.#session = session;
    this.#outbox = new Outbox(stream, this);
    this.#servedMs = context.nowMs();
  }

  /** Remembered once it was asked for: a closed connection has none any more. */
  get peerAddress(): string {
    this.#peerAddress ??= this.#stream.peerAddress;
    return this.#peerAddress;
  }

  /** Takes its place on the board of all connections. */
  enter(board: ConnectionBoard): void {
    this.#seat = board.enter(this.peerAddress, this.#servedMs);
  }

  /** Writes there how it is now. */
  show(board: ConnectionBoard): void {
    const isBusy = this.#held !== undefined;
    const state = this.#session.isWatching
      ? CONNECTION_WATCHES
      : isBusy
        ? CONNECTION_WRITES
        : CONNECTION_READS;
    board.note(this.#seat, state, this.#servedMs);
  }

  leave(board: ConnectionBoard): void {
    board.leave(this.#seat);
  }

  /** Bytes came in. */
  receive(bytes: Uint8Array): void {
    this.#context.traffic.bytesRead += bytes.length;
    if (this.#held === undefined) this.#serve(bytes);
    else {
      // A chunk may have been under way when the stream was paused; and who waits for the peer is only paused now, as
      // most clients send nothing while they wait for a reply.
      this.#held = this.#held.length === 0 ? bytes : this.#joined(this.#held, bytes);
      this.#pause();
    }
  }

  /** The kernel takes bytes again. */
  drained(): void {
    if (this.#outbox.flush()) this.#goOn();
  }

  /** Answers what came in, then closes. */
  finish(): void {
    this.#isFinishing = true;
    if (this.#held === undefined) this.#outbox.closeWhenSent();
  }

  /** Whether nothing was asked for since `sinceMs`. */
  isIdleSince(sinceMs: number): boolean {
    return this.#servedMs < sinceMs && !this.#awaitsPeer && !this.#outbox.hasEnded;
  }

  /**
   * Sends away who asked for nothing. The client sees an orderly end, which pools of connections take for what it is;
   * who does not read what it asked for is dropped.
   */
  dismiss(): void {
    if (this.#held !== undefined || this.#outbox.isBlocked) {
      this.abort();
      return;
    }
    // From here on it has its time to leave.
    this.#servedMs = this.#context.nowMs();
    this.#endUnanswered();
  }

  /** Whether we have closed it and the client should have, too. */
  isOverdue(nowMs: number): boolean {
    return this.#outbox.hasEnded && this.#servedMs < nowMs - LEAVE_TIMEOUT_MS;
  }

  /** Drops the connection with whatever waits. */
  abort(): void {
    this.#stream.terminate();
  }

  ending(): void {
    this.#host.leaving(this);
  }

  /** The connection is gone. */
  closed(): void {
    this.#isClosed = true;
    this.#held = undefined;
    clearInterval(this.#watchTimer);
    this.#session.close();
  }

  #serve(bytes: Uint8Array): void {
    const { store, reply, traffic, nowMs, onServed, gate } = this.#context;
    this.#servedMs = nowMs();
    store.setNow(this.#servedMs);
    const writtenSeq = gate === undefined ? 0 : gate.writtenSeq;
    const turnEnd = Math.min(bytes.length, TURN_BYTES);
    const taken = this.#session.consume(bytes, 0, turnEnd, reply);
    traffic.bytesWritten += reply.length;
    if (gate === undefined || gate.writtenSeq === writtenSeq || this.#passes(gate, bytes, taken)) {
      if (reply.length > 0) this.#outbox.send(reply.bytes, reply.length);
      this.#goOnAfterReplies(bytes, taken);
    }
    reply.clear();
    if (this.#session.isWatching && this.#watchTimer === undefined) {
      this.#watchTimer = setInterval(showWatcher, WATCH_INTERVAL_MS, this);
    }
    if (this.#held === undefined || this.#held.length === 0) this.#stream.release(bytes);
    onServed();
  }

  /** Whether the replies of a batch that wrote may leave now. If not, they wait, or nothing more is said. */
  #passes(gate: ReplyGate, bytes: Uint8Array, taken: number): boolean {
    const verdict = gate.judge();
    if (verdict === 'pass') return true;
    if (verdict === 'cut') {
      this.#endUnanswered();
      return false;
    }
    const { reply } = this.#context;
    this.#heldReply ??= new HeldReply();
    this.#heldReply.keep(reply.bytes, reply.length);
    this.#held = restOf(bytes, taken);
    this.#awaitsPeer = true;
    gate.hold(this);
    return false;
  }

  letGo(mayAnswer: boolean): void {
    if (this.#isClosed || this.#held === undefined || this.#heldReply === undefined) return;
    const rest = this.#held;
    this.#held = undefined;
    this.#awaitsPeer = false;
    if (!mayAnswer) {
      this.#endUnanswered();
      return;
    }
    // It was not idle: it waited.
    this.#servedMs = this.#context.nowMs();
    if (this.#heldReply.length > 0) this.#outbox.send(this.#heldReply.bytes, this.#heldReply.length);
    this.#heldReply.clear();
    this.#goOnAfterReplies(rest, 0);
    if (this.#held === undefined) this.#resume();
  }

  /** Closes, and runs nothing more. The client whose replies are missing knows then that it does not know. */
  #endUnanswered(): void {
    this.#session.close();
    this.#outbox.closeWhenSent();
  }

  /** The replies to bytes[0, taken) are on their way. */
  #goOnAfterReplies(bytes: Uint8Array, taken: number): void {
    if (this.#session.closing) this.#outbox.closeWhenSent();
    else if (this.#outbox.isBlocked) this.#hold(restOf(bytes, taken));
    else if (this.#session.paused || taken < bytes.length) {
      // The replies are out and there is more to answer: after the other clients had their turn.
      this.#context.traffic.yields += 1;
      this.#hold(restOf(bytes, taken));
      setImmediate(goOn, this);
    } else if (this.#isFinishing) this.#outbox.closeWhenSent();
  }

  /** Unless the watcher is still busy with what it was shown before. */
  #showWatcher(): void {
    if (this.#held === undefined && !this.#outbox.isBlocked && !this.#outbox.hasEnded) this.#serve(NOTHING);
  }

  #hold(rest: Uint8Array): void {
    this.#held = rest;
    this.#pause();
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#stream.pause();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#stream.resume();
  }

  #goOn(): void {
    const rest = this.#held;
    if (rest === undefined || this.#awaitsPeer || this.#isClosed) return;
    this.#held = undefined;
    this.#serve(rest);
    if (this.#held === undefined) this.#resume();
  }

  /** Both in one, in memory that can be given back; short results of `Buffer.concat` share theirs. */
  #joined(first: Uint8Array, second: Uint8Array): Uint8Array {
    const both = new Uint8Array(first.length + second.length);
    both.set(first);
    both.set(second, first.length);
    this.#stream.release(first);
    this.#stream.release(second);
    return both;
  }

  /** For `setImmediate`, which takes the connection as an argument: no closure a turn. */
  static goOn(connection: ClientConnection): void {
    connection.#goOn();
  }

  /** For `setInterval`, likewise. */
  static showWatcher(connection: ClientConnection): void {
    connection.#showWatcher();
  }
}

/** What was not taken; if that is nothing, it holds on to no memory, as this is given back. */
function restOf(bytes: Uint8Array, taken: number): Uint8Array {
  return taken < bytes.length ? bytes.subarray(taken) : NOTHING;
}

const goOn = ClientConnection.goOn;
const showWatcher = ClientConnection.showWatcher;
