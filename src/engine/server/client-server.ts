// The client side of a node: listens on every -l address, holds the connections, keeps -c.
import { ClassicSession } from '../protocol/classic/session.js';
import type { ServerFacts } from '../protocol/server-facts.js';
import { ClientConnection, type ClientContext } from './client-connection.js';
import type { Listener, Net, Stream, StreamHandlers } from './net.js';
import type { Endpoint } from './options.js';

const TOO_MANY_CONNECTIONS = Buffer.from('ERROR Too many open connections\r\n');

export interface ClientServerOptions {
  readonly net: Net;
  readonly context: ClientContext;
  readonly facts: ServerFacts;
  readonly connections: ConnectionCounters;
  readonly maxConnections: number;
  readonly logConnection: (connection: ClientConnection) => void;
}

export interface ConnectionCounters {
  current: number;
  total: number;
  rejected: number;
}

export class ClientServer {
  readonly #options: ClientServerOptions;
  readonly #connections = new Set<ClientConnection>();
  readonly #handlers: StreamHandlers<ClientConnection | undefined>;
  #listeners: Listener[] = [];
  #onEmpty: (() => void) | undefined;

  constructor(options: ClientServerOptions) {
    this.#options = options;
    this.#handlers = {
      open: (stream) => this.#opened(stream),
      data: (connection, bytes) => connection?.receive(bytes),
      drain: (connection) => connection?.drained(),
      finish: (connection) => connection?.finish(),
      close: (connection) => this.#closed(connection),
    };
  }

  /** Opens every address, or none. @throws FatalError when the system refuses one */
  listen(endpoints: readonly Endpoint[]): void {
    try {
      for (const { host, port } of endpoints) {
        this.#listeners.push(this.#options.net.listen(host, port, this.#handlers));
      }
    } catch (error) {
      this.#stopListening();
      throw error;
    }
  }

  /**
   * Stops accepting, answers what has come in, and closes every connection.
   * @param onEmpty called once when no connection is left
   */
  stop(onEmpty: () => void): void {
    this.#stopListening();
    this.#onEmpty = onEmpty;
    // One more turn of the event loop, so that requests which are already here are read and answered.
    setImmediate(() => {
      for (const connection of this.#connections) connection.finish();
      this.#noteEmpty();
    });
  }

  /** Drops the connections that `stop` could not close, because their clients don't read. */
  abort(): void {
    for (const connection of this.#connections) connection.abort();
  }

  #opened(stream: Stream): ClientConnection | undefined {
    const { connections, context, facts, maxConnections, logConnection } = this.#options;
    if (connections.current >= maxConnections) {
      connections.rejected += 1;
      stream.write(TOO_MANY_CONNECTIONS, 0, TOO_MANY_CONNECTIONS.length);
      stream.end();
      return undefined;
    }
    connections.current += 1;
    connections.total += 1;
    const connection = new ClientConnection(context, stream, new ClassicSession(context.store, facts));
    this.#connections.add(connection);
    logConnection(connection);
    return connection;
  }

  #closed(connection: ClientConnection | undefined): void {
    if (connection === undefined || !this.#connections.delete(connection)) return;
    connection.closed();
    this.#options.connections.current -= 1;
    this.#noteEmpty();
  }

  #noteEmpty(): void {
    if (this.#connections.size > 0) return;
    this.#onEmpty?.();
    this.#onEmpty = undefined;
  }

  #stopListening(): void {
    for (const listener of this.#listeners) listener.stop();
    this.#listeners = [];
  }
}
