// Runs the replication core: turns sockets and timers into its events, and carries out the effects it answers with.
import {
  DIAL_TIMEOUT_MS,
  type LinkId,
  type MessageAuthenticator,
  type ReplicationEffect,
  type ReplicationEvent,
  type ReplicationMachine,
} from '../replication/types.js';
import { checkPorts } from './client-listeners.js';
import type { Endpoint } from './listen-addresses.js';
import type { Listener, Net, Stream, StreamHandlers } from './net.js';
import { PeerAddresses } from './peer-addresses.js';
import { ReplicationLink } from './replication-link.js';
import type { TlsMaterial } from './tls-settings.js';

const TICK_MS = 50;
/**
 * How much of what the peer sends the kernel keeps. A copy may come faster than it is taken in; clients and heartbeats
 * have their turn in between. The peer may send so much in one round trip.
 */
export const LINK_INPUT_BYTES = 196_608;
const TICK: ReplicationEvent = { kind: 'tick' };
const PUMP: ReplicationEvent = { kind: 'pump' };

export interface ReplicationDriverOptions {
  readonly machine: ReplicationMachine;
  readonly net: Net;
  readonly listen: Endpoint;
  readonly peer: Endpoint | undefined;
  /** Absent: the link is in the clear. */
  readonly tls?: TlsMaterial | undefined;
  /** After how long the kernel is to give up a connection; absent: the core notices by itself. */
  readonly linkLossMs?: number | undefined;
  /** Unix ms that never goes back. */
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
  /** The client port may open. Once. */
  readonly onReady: () => void;
  /** Everything is handed over after `stop`, or its time is up. Once. */
  readonly onStopped: () => void;
  /** Resolves when another thread has written. Absent: none does. */
  readonly nextChange?: () => Promise<unknown>;
  /** Called whenever the core has taken what there was: its figures may have changed. */
  readonly onStepped?: () => void;
}

/**
 * The core takes one event at a time, and carrying out its effects makes new events (a send that is out at once,
 * say), so events queue here. That a send is out is told in the next turn of the event loop: between two sends of
 * a full copy, clients get their turn.
 */
export class ReplicationDriver {
  readonly #options: ReplicationDriverOptions;
  readonly #links = new Map<LinkId, ReplicationLink>();
  readonly #events: ReplicationEvent[] = [];
  readonly #handlers: StreamHandlers<ReplicationLink>;
  readonly #peerAddresses: PeerAddresses | undefined;
  /** Links whose send is out but not yet told. */
  #sentLinks: ReplicationLink[] = [];
  #nextLinkId: LinkId = 1;
  #isStepping = false;
  #turnIsDue = false;
  #pumpIsDue = false;
  #awaitsChange = false;
  #listener: Listener | undefined;
  #tls: TlsMaterial | undefined;
  #ticker: NodeJS.Timeout | undefined;

  constructor(options: ReplicationDriverOptions) {
    this.#options = options;
    this.#tls = options.tls;
    this.#peerAddresses = options.peer && new PeerAddresses(options.peer.host);
    this.#handlers = {
      open: (stream) => this.#opened('accepted', stream),
      secured: (link, channelBinding) => {
        if (!this.#links.has(link.id)) return;
        this.#take({ kind: 'secured', link: link.id, channelBinding });
        if (link.secure()) this.#take({ kind: 'writable', link: link.id });
      },
      unsecured: (link, failure) => {
        if (this.#links.has(link.id)) this.#take({ kind: 'unsecured', link: link.id, failure });
      },
      data: (link, bytes) => {
        if (this.#links.has(link.id)) this.#take({ kind: 'received', link: link.id, bytes });
      },
      drain: (link) => {
        if (link.flush()) this.#take({ kind: 'writable', link: link.id });
      },
      close: (link) => {
        if (this.#links.delete(link.id)) this.#take({ kind: 'closed', link: link.id });
      },
    };
  }

  /** Opens the replication port. @throws FatalError when the system refuses it */
  listen(): void {
    const { net, listen } = this.#options;
    if (this.#tls !== undefined) checkPorts(net, { listen: [listen] });
    this.#listener = this.#newListener();
  }

  /** Takes no link until `listen`; those that are there stay, and it dials. */
  stopListening(): void {
    this.#listener?.stop();
    this.#listener = undefined;
  }

  /** The next links are proven with these; the present one stands. */
  changeSecrets(secrets: readonly MessageAuthenticator[]): void {
    this.#take({ kind: 'secretsChanged', secrets });
  }

  /** The next links have these certificates. @throws FatalError when they are no good: nothing has changed then */
  changeTls(tls: TlsMaterial): void {
    const [oldTls, oldListener] = [this.#tls, this.#listener];
    this.#tls = tls;
    try {
      if (oldListener !== undefined) this.#listener = this.#newListener();
    } catch (error) {
      this.#tls = oldTls;
      throw error;
    }
    oldListener?.stop();
  }

  #newListener(): Listener {
    const { net, listen } = this.#options;
    const tls = this.#tls;
    // In TLS it shares its port with its successor.
    return net.listen({ kind: 'tcp', ...listen, isShared: tls !== undefined, tls }, this.#handlers);
  }

  /** Begins: dials if there is a peer to dial, keeps time. */
  start(): void {
    this.#ticker = setInterval(() => this.#take(TICK), TICK_MS);
    this.#take({ kind: 'start' });
  }

  /** Call after each batch of client input; cheap when nothing was written. */
  noteClientInput(): void {
    if (this.#pumpIsDue || !this.#options.machine.hasOutgoing) return;
    this.#pumpIsDue = true;
    this.#scheduleTurn();
  }

  /** Has another thread wake us, once there is nothing left to do but what it may write. */
  #awaitChange(): void {
    const { machine, nextChange } = this.#options;
    if (nextChange === undefined || this.#awaitsChange || !machine.awaitsChanges) return;
    this.#awaitsChange = true;
    nextChange().then(() => {
      this.#awaitsChange = false;
      this.noteClientInput();
      this.#awaitChange();
    });
    // What was written between the core's last look and now rang for nobody.
    this.noteClientInput();
  }

  /** Takes no new link and hands the peer what it lacks, for a bounded time; then `onStopped`. */
  stop(): void {
    this.stopListening();
    this.#take({ kind: 'stop' });
  }

  #opened(kind: 'accepted' | 'dialed', stream: Stream): ReplicationLink {
    const link = new ReplicationLink(this.#nextLinkId++, stream, this.#tls === undefined);
    this.#links.set(link.id, link);
    const address = stream.peerAddress;
    if (kind === 'dialed') this.#take({ kind, link: link.id, address });
    else {
      const isFromPeer = this.#peerAddresses?.include(address) === true;
      this.#take({ kind, link: link.id, address, isFromPeer });
    }
    // Most of many strangers are closed by now.
    if (this.#links.has(link.id)) this.#tune(stream);
    return link;
  }

  #tune(stream: Stream): void {
    const { linkLossMs } = this.#options;
    stream.boundInput(LINK_INPUT_BYTES);
    if (linkLossMs !== undefined) stream.noticeLoss(linkLossMs);
  }

  #take(event: ReplicationEvent): void {
    this.#events.push(event);
    if (this.#isStepping) return;
    this.#isStepping = true;
    const { machine, nowMs } = this.#options;
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      for (const effect of machine.step(next, nowMs())) this.#carryOut(effect);
    }
    this.#isStepping = false;
    this.#options.onStepped?.();
    this.#awaitChange();
  }

  #carryOut(effect: ReplicationEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#send(effect.link, effect.bytes);
        return;
      case 'dial':
        this.#dial();
        return;
      case 'close':
        this.#close(effect.link);
        return;
      case 'log':
        this.#options.log(effect.line);
        return;
      case 'continue':
        this.#pumpIsDue = true;
        this.#scheduleTurn();
        return;
      case 'ready':
        this.#options.onReady();
        return;
      case 'stopped':
        clearInterval(this.#ticker);
        this.#options.onStopped();
    }
  }

  #send(id: LinkId, bytes: Uint8Array): void {
    const link = this.#links.get(id);
    if (link === undefined || !link.send(bytes)) return;
    this.#sentLinks.push(link);
    this.#scheduleTurn();
  }

  #dial(): void {
    const { net, peer } = this.#options;
    if (peer === undefined) return;
    net.dial(
      { ...peer, tls: this.#tls },
      DIAL_TIMEOUT_MS,
      { ...this.#handlers, open: (stream) => this.#opened('dialed', stream) },
      (code) => this.#take({ kind: 'dialFailed', failure: code === 'ECONNREFUSED' ? 'refused' : 'failed' }),
    );
  }

  #close(id: LinkId): void {
    const link = this.#links.get(id);
    this.#links.delete(id);
    link?.close();
  }

  #scheduleTurn(): void {
    if (this.#turnIsDue) return;
    this.#turnIsDue = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#turnIsDue = false;
    const sentLinks = this.#sentLinks;
    if (sentLinks.length > 0) {
      this.#sentLinks = [];
      for (const link of sentLinks) {
        if (this.#links.has(link.id)) this.#take({ kind: 'writable', link: link.id });
      }
    }
    if (this.#pumpIsDue) {
      this.#pumpIsDue = false;
      this.#take(PUMP);
    }
  };
}
