// The client side of a node: listens wherever the options say, holds the connections, keeps -c and idle_timeout.
import type { StatLine } from '../protocol/server-facts.js';
import type { Session } from '../protocol/session.js';
import { connectionLine } from '../store/watch-events.js';
import { WATCH_CONNEVENTS } from '../store/watch-log.js';
import { ClientConnection, type ClientContext, type ConnectionHost } from './client-connection.js';
import {
  ClientListeners,
  type ClientPlace,
  type ListenOptions,
  type ThreadListens,
} from './client-listeners.js';
import type { ConnectionBoard } from './connection-board.js';
import { UNCOUNTED_MAX } from './limits.js';
import { type ClientProtocol, isLoopback } from './listen-addresses.js';
import type { Net, Stream, StreamHandlers } from './net.js';
import { TurnedAway } from './turned-away.js';
import { INSECURE_REPLY_BYTES_MAX, REPLY_BYTES_MAX, UdpServer } from './udp-server.js';

const UPKEEP_INTERVAL_MS = 1_000;

export interface ClientServerOptions {
  readonly net: Net;
  readonly listen: ListenOptions;
  readonly thread: ThreadListens;
  /** How many threads there are: they share -c, and the open files kept for those who do not leave. */
  readonly threads: number;
  readonly context: ClientContext;
  readonly openSession: (protocol: ClientProtocol) => Session;
  readonly connections: ConnectionCounters;
  readonly board: ConnectionBoard;
  readonly maxConnections: number;
  /** 0 = never. */
  readonly idleTimeoutSec: number;
  readonly logConnection: (connection: ClientConnection) => void;
}

export interface ConnectionCounters {
  /** Counts a new connection. @returns false when there are maxConnections already, in all threads */
  connect(maxConnections: number): boolean;
  /** Counts the end of one that `connect` let in. */
  disconnect(): void;
  /** Closed by idle_timeout. */
  idleKicks: number;
  /** TLS failed, by a fault of the client. */
  countTlsError(wasSecured: boolean): void;
}

type Guest = ClientConnection | TurnedAway;

export class ClientServer implements ConnectionHost {
  readonly #options: ClientServerOptions;
  readonly #connections = new Set<ClientConnection>();
  /** Those of them that no longer count against -c. */
  readonly #uncounted = new Set<ClientConnection>();
  readonly #turnedAway = new Set<TurnedAway>();
  readonly #listeners: ClientListeners<Guest>;
  #upkeep: NodeJS.Timeout | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(options: ClientServerOptions) {
    this.#options = options;
    const { net, listen, thread, context, openSession } = options;
    const isSafe = listen.listen.every(({ host }) => isLoopback(host));
    const udp = new UdpServer(
      context,
      () => openSession(listen.protocol),
      isSafe ? REPLY_BYTES_MAX : INSECURE_REPLY_BYTES_MAX,
    );
    this.#listeners = new ClientListeners(net, listen, thread, {
      streams: (place) => this.#handlersOf(place),
      datagrams: { message: (bytes, reply) => udp.message(bytes, reply) },
    });
  }

  /** Opens every address, or none. @throws (rejects with) FatalError when the system refuses one */
  async listen(): Promise<void> {
    await this.#listeners.open();
    this.#upkeep = setInterval(() => this.#lookAround(), UPKEEP_INTERVAL_MS);
  }

  /** Accepts nobody until `acceptAgain`; who is connected is served, and datagrams are. */
  stopAccepting(): void {
    this.#listeners.pause();
  }

  /** @throws FatalError when the system refuses an address: then nobody is accepted */
  acceptAgain(): void {
    this.#listeners.resume();
  }

  /** Unix ms when the certificates in use were read; undefined without TLS. */
  get certificatesReadMs(): number | undefined {
    return this.#listeners.certificatesReadMs;
  }

  /** New connections get the certificates as they are now. @throws FatalError when they are no good: nothing changed */
  reloadCertificates(): void {
    this.#listeners.reloadCertificates();
  }

  /**
   * Stops accepting, answers what has come in, and closes every connection.
   * @param onEmpty called once when no connection is left
   */
  stop(onEmpty: () => void): void {
    this.#listeners.stop();
    clearInterval(this.#upkeep);
    this.#onEmpty = onEmpty;
    // One more turn of the event loop, so that requests which are already here are read and answered.
    setImmediate(() => {
      for (const connection of this.#connections) connection.finish();
      this.#noteEmpty();
    });
  }

  /** `stats conns`: the connections of all threads; those of other threads as they were at most a second ago. */
  *describe(): Iterable<StatLine> {
    const { board, context, listen } = this.#options;
    const { unixSocket } = listen;
    const nowMs = context.nowMs();
    for (const connection of this.#connections) connection.show(board);
    for (const { number, address, state, servedMs } of board.list()) {
      yield [`${number}:addr`, unixSocket === undefined ? `tcp:${address}` : `unix:${unixSocket.path}`];
      yield [`${number}:state`, state];
      yield [`${number}:secs_since_last_cmd`, Math.max(0, Math.floor((nowMs - servedMs) / 1000))];
    }
  }

  /** Drops the connections that `stop` could not close, because their clients don't read. */
  abort(): void {
    for (const connection of this.#connections) connection.abort();
  }

  #handlersOf({ protocol = this.#options.listen.protocol, ack }: ClientPlace): StreamHandlers<Guest> {
    const { context, listen } = this.#options;
    const waits = (ack ?? listen.replication?.ack ?? 'none') !== 'none';
    const own = waits || context.gate === undefined ? context : { ...context, gate: undefined };
    return {
      open: (stream) => this.#opened(stream, protocol, own),
      data: (guest, bytes) => guest.receive(bytes),
      drain: (guest) => guest.drained(),
      finish: (guest) => guest.finish(),
      unsecured: (_guest, _failure, wasSecured) => this.#options.connections.countTlsError(wasSecured),
      close: (guest) => this.#closed(guest),
    };
  }

  #opened(stream: Stream, protocol: ClientProtocol, context: ClientContext): Guest {
    const { board, connections, openSession, maxConnections, logConnection } = this.#options;
    if (!connections.connect(maxConnections)) return this.#turnAway(stream);
    const connection = new ClientConnection(context, this, stream, openSession(protocol));
    this.#connections.add(connection);
    connection.enter(board);
    this.#tellWatchers('new', connection);
    logConnection(connection);
    return connection;
  }

  #turnAway(stream: Stream): TurnedAway {
    const guest = new TurnedAway(stream);
    this.#turnedAway.add(guest);
    if (this.#turnedAway.size > TurnedAway.mostAtATime / this.#options.threads) {
      // The one that has waited longest: sets keep the order in which things came.
      for (const first of this.#turnedAway) {
        this.#turnedAway.delete(first);
        first.abort();
        break;
      }
    }
    return guest;
  }

  #closed(guest: Guest): void {
    if (guest instanceof TurnedAway) {
      this.#turnedAway.delete(guest);
      return;
    }
    if (!this.#connections.delete(guest)) return;
    guest.leave(this.#options.board);
    guest.closed();
    this.#tellWatchers('close', guest);
    if (!this.#uncounted.delete(guest)) this.#options.connections.disconnect();
    this.#noteEmpty();
  }

  /**
   * A client that sees its connection end and dials again, on another thread perhaps, must find its place free. Those
   * that then leave their end open would escape -c: no more than a few may.
   */
  leaving(connection: ClientConnection): void {
    if (this.#uncounted.has(connection) || this.#uncounted.size >= UNCOUNTED_MAX / this.#options.threads)
      return;
    this.#uncounted.add(connection);
    this.#options.connections.disconnect();
  }

  #tellWatchers(event: 'new' | 'close', connection: ClientConnection): void {
    const { store, nowMs } = this.#options.context;
    if (!store.watchLog.isWatched(WATCH_CONNEVENTS)) return;
    const [, address, port] = /^(.*):(\d+)$/.exec(connection.peerAddress) ?? [];
    const isLocal = this.#options.listen.unixSocket !== undefined;
    // Unknown where nobody watched when it came: it can't be asked for any more.
    const line = connectionLine(
      event,
      isLocal ? 'unix' : (address ?? 'unknown'),
      port ?? '0',
      isLocal ? 'local' : 'tcp',
    );
    store.lock();
    try {
      store.watchLog.append(WATCH_CONNEVENTS, nowMs(), line);
    } finally {
      store.unlock();
    }
  }

  /** Once a second: how all are, who has been silent for too long, and who does not leave. */
  #lookAround(): void {
    const { board, context, connections, idleTimeoutSec } = this.#options;
    const nowMs = context.nowMs();
    for (const connection of this.#connections) {
      connection.show(board);
      if (connection.isOverdue(nowMs)) connection.abort();
      else if (idleTimeoutSec > 0 && connection.isIdleSince(nowMs - idleTimeoutSec * 1000)) {
        connections.idleKicks += 1;
        connection.dismiss();
      }
    }
    for (const guest of this.#turnedAway) if (guest.isOverdue()) guest.abort();
  }

  #noteEmpty(): void {
    if (this.#connections.size > 0) return;
    this.#onEmpty?.();
    this.#onEmpty = undefined;
  }
}
