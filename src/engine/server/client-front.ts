// Where clients are served: on the main thread (-t 1), or on worker threads (threads.ts). And the former.
import { ReplyBuffer } from '../protocol/reply-buffer.js';
import { ClientSession } from '../protocol/session.js';
import { nodeAckMode } from './ack-modes.js';
import { ClientServer } from './client-server.js';
import { FatalError } from './exit.js';
import { logLine } from './log.js';
import type { Net } from './net.js';
import type { NodeState } from './node-state.js';
import type { ReplyGate } from './reply-gate.js';
import { NodeFacts, type NodeFactsOptions } from './server-facts.js';

/** How long clients may take to read their last replies once the node stops. */
const CLIENT_DRAIN_MS = 2_000;

export interface ClientFront {
  /** Opens what clients are served on. Rejects with a FatalError when the system refuses a part of it. */
  listen(): Promise<void>;
  /**
   * New connections get the certificates as they are now; where those are no good, nothing changes.
   * @returns for each thread why it keeps the old ones, undefined where it has the new; once all of them have tried
   */
  reloadCertificates(): Promise<readonly (string | undefined)[]>;
  /** Accepts nobody until `acceptAgain`; who is connected is served. Resolves when no listener is left. */
  stopAccepting(): Promise<void>;
  /** @returns for each thread why it can't, undefined where it accepts; once all of them have tried */
  acceptAgain(): Promise<readonly (string | undefined)[]>;
  /** Stops accepting for good; resolves when every client is answered and gone, or has had its time. */
  stop(): Promise<void>;
}

export interface LocalFrontOptions {
  readonly net: Net;
  readonly state: NodeState;
  /** Which of the node's threads this is, from 0. */
  readonly thread: number;
  /** Called after each batch of requests. */
  readonly onServed: () => void;
  /** Where replies to writes wait for the peer. */
  readonly gate: ReplyGate | undefined;
  readonly replicationStats: NodeFactsOptions['replicationStats'];
}

/** Serves clients on the thread that makes it. */
export class LocalFront implements ClientFront {
  readonly #clients: ClientServer;

  constructor({ net, state, thread, onServed, gate, replicationStats }: LocalFrontOptions) {
    const { options, store, counters, connections, logins, nowMs } = state;
    const ownCounters = counters.ofThread(thread);
    const facts = new NodeFacts({
      options,
      counters,
      replicationStats: () => {
        const stats = replicationStats();
        const { replication } = options;
        return (
          stats &&
          replication && { ...stats, ...state.replication?.acks.stats(nodeAckMode(options), nowMs()) }
        );
      },
      listConnections: () => this.#clients.describe(),
      certificatesReadMs: () => this.#clients.certificatesReadMs,
      nowMs,
    });
    this.#clients = new ClientServer({
      net,
      listen: options,
      thread: { isShared: options.threads > 1, opensUnixSocket: thread === 0 },
      threads: options.threads,
      context: { store, reply: new ReplyBuffer(), traffic: ownCounters, nowMs, onServed, gate },
      openSession: (protocols) => new ClientSession(store, facts, { protocols, credentials: logins }),
      connections: ownCounters,
      board: connections,
      maxConnections: options.maxConnections,
      idleTimeoutSec: options.idleTimeoutSec,
      logConnection: (connection) => {
        if (counters.verbosity > 0) logLine(`client connected (${connection.peerAddress})`);
      },
    });
  }

  async listen(): Promise<void> {
    await this.#clients.listen();
  }

  async reloadCertificates(): Promise<[string | undefined]> {
    return [problemOf(() => this.#clients.reloadCertificates())];
  }

  async stopAccepting(): Promise<void> {
    this.#clients.stopAccepting();
  }

  async acceptAgain(): Promise<[string | undefined]> {
    return [problemOf(() => this.#clients.acceptAgain())];
  }

  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#clients.abort();
      resolve();
    }, CLIENT_DRAIN_MS);
    this.#clients.stop(resolve);
    await promise;
    clearTimeout(timer);
  }
}

/** @returns what an operator has to mend; undefined when all went well */
function problemOf(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    return error.message;
  }
}
