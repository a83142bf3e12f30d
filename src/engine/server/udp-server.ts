// Clients by UDP: each datagram is a request of its own, answered by a session of its own, so that nothing of one
// sender is left for the next. What does not fit, in either direction, is dropped.
import { ReplyBuffer } from '../protocol/reply-buffer.js';
import type { Session } from '../protocol/session.js';
import type { ClientContext } from './client-connection.js';
import type { DatagramReply } from './net.js';
import { ReplyCutter, requestOf } from './udp-frames.js';

const TOO_LARGE = Buffer.from('SERVER_ERROR reply too large for UDP, use TCP\r\n');

/** Where nobody can fake a sender: an item of 1 MB and its line, or many small ones. */
export const REPLY_BYTES_MAX = 2 * 1024 * 1024;
/** Where somebody may: 16 datagrams. */
export const INSECURE_REPLY_BYTES_MAX = 16 * 1400;

export class UdpServer {
  readonly #context: ClientContext;
  readonly #openSession: () => Session;
  readonly #replyBytesMax: number;
  /** A whole reply is gathered before its first datagram, which has to say how many there are. */
  readonly #gathered = new ReplyBuffer();
  readonly #cutter = new ReplyCutter();

  /**
   * @param openSession makes the session for one request
   * @param replyBytesMax what one request may be answered with
   */
  constructor(context: ClientContext, openSession: () => Session, replyBytesMax: number) {
    this.#context = context;
    this.#openSession = openSession;
    this.#replyBytesMax = replyBytesMax;
  }

  /** Answers one datagram. A request that is not whole (a `set` without all of its value) has no answer. */
  message(datagram: Uint8Array, send: DatagramReply): void {
    const { store, traffic, nowMs, onServed } = this.#context;
    traffic.bytesRead += datagram.length;
    const request = requestOf(datagram);
    if (request === undefined) return;
    store.setNow(nowMs());
    const gathered = this.#gathered;
    this.#answer(datagram, request.start);
    traffic.bytesWritten += gathered.length;
    this.#cutter.cut(request.id, gathered.bytes, gathered.length, send);
    gathered.clear();
    onServed();
  }

  #answer(bytes: Uint8Array, start: number): void {
    const { reply } = this.#context;
    const gathered = this.#gathered;
    const session = this.#openSession();
    let at = start;
    try {
      do {
        at += session.consume(bytes, at, bytes.length, reply);
        if (gathered.length + reply.length > this.#replyBytesMax) {
          gathered.clear();
          gathered.write(TOO_LARGE);
          return;
        }
        gathered.reserve(reply.length);
        reply.bytes.copy(gathered.bytes, gathered.length, 0, reply.length);
        gathered.length += reply.length;
        reply.clear();
      } while (session.paused && !session.closing);
    } finally {
      reply.clear();
      session.close();
    }
  }
}
