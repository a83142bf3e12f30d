// Everything a node listens on for clients, of whatever kind, behind one start, one stop and one change of certificates.
import type { AddressAck, ClientProtocol } from './listen-addresses.js';
import type { DatagramHandlers, ListenAddress, Listener, Net, StreamHandlers, TcpAddress } from './net.js';
import type { Options } from './options.js';
import { isListenedOn } from './port-table.js';
import { readTlsMaterial, type TlsMaterial } from './tls-settings.js';

/** What of a node's options says where clients are served. */
export type ListenOptions = Pick<
  Options,
  'listen' | 'udpPort' | 'unixSocket' | 'protocol' | 'tls' | 'replication'
>;

/** What a thread may open. */
export interface ThreadListens {
  /** Other threads listen on the same ports. */
  readonly isShared: boolean;
  /** Whether this is the one that opens what can't be shared: the unix socket. */
  readonly opensUnixSocket: boolean;
}

/** What -l says of an address alone. */
export interface ClientPlace {
  readonly protocol?: ClientProtocol;
  readonly ack?: AddressAck;
}

export interface ListenHandlers<T> {
  /** For connections to a place that says so of itself; what it leaves open is as the options say for the node. */
  readonly streams: (place: ClientPlace) => StreamHandlers<T>;
  readonly datagrams: DatagramHandlers;
}

/**
 * Asks for each TCP port alone, and gives it back: of a port that is shared the system would let another program's
 * listener have a part, and say nothing. Once, before any thread listens. A port that nobody listens on needs no asking,
 * which for a moment would accept clients and drop them.
 * @throws FatalError (status 71) when the system refuses one
 */
export function checkPorts(net: Net, options: Pick<ListenOptions, 'listen'>): void {
  for (const { host, port } of options.listen) {
    if (isListenedOn(port)) net.listen({ kind: 'tcp', host, port }, NOBODY).stop();
  }
}

const NOBODY: StreamHandlers<void> = {
  open: (stream) => stream.terminate(),
  data() {},
  drain() {},
  close() {},
};

export class ClientListeners<T> {
  readonly #net: Net;
  readonly #options: ListenOptions;
  readonly #thread: ThreadListens;
  readonly #handlers: ListenHandlers<T>;
  readonly #plain: Listener[] = [];
  readonly #datagrams: Listener[] = [];
  #secured: Listener[] = [];
  #tls: TlsMaterial | undefined;
  #isStopped = false;
  /** Unix ms when the certificates in use were read; undefined without TLS. */
  certificatesReadMs: number | undefined;

  constructor(net: Net, options: ListenOptions, thread: ThreadListens, handlers: ListenHandlers<T>) {
    this.#net = net;
    this.#options = options;
    this.#thread = thread;
    this.#handlers = handlers;
  }

  /**
   * Opens all of them, or none.
   * @throws (rejects with) FatalError when the system refuses one, or the certificates are no good
   */
  async open(): Promise<void> {
    const { tls, udpPort, listen } = this.#options;
    try {
      if (tls !== undefined) this.#useCertificates(readTlsMaterial(tls));
      this.#openStreams();
      if (udpPort === 0) return;
      for (const host of new Set(listen.map((endpoint) => endpoint.host))) {
        const address = { host, port: udpPort, isShared: this.#thread.isShared };
        this.#datagrams.push(await this.#net.listenDatagrams(address, this.#handlers.datagrams));
      }
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** Takes nothing more on any of them. */
  stop(): void {
    this.#isStopped = true;
    this.pause();
    for (const listener of this.#datagrams) listener.stop();
    this.#datagrams.length = 0;
  }

  /** Stops accepting connections, until `resume`; datagrams need no files and are taken all the time. */
  pause(): void {
    for (const listener of [...this.#plain, ...this.#secured]) listener.stop();
    this.#plain.length = 0;
    this.#secured.length = 0;
  }

  /**
   * Accepts connections again, with the certificates from before; does nothing once all is stopped.
   * @throws FatalError when the system refuses one listener: then there is none
   */
  resume(): void {
    if (this.#isStopped) return;
    try {
      this.#openStreams();
    } catch (error) {
      this.pause();
      throw error;
    }
  }

  /**
   * From here on new connections are given the certificates that are in the files now; open ones keep theirs.
   * @throws FatalError when the files are no good: then all stays as it was
   */
  reloadCertificates(): void {
    const { tls } = this.#options;
    if (tls === undefined || this.#secured.length === 0) return;
    const material = readTlsMaterial(tls);
    const old = this.#secured;
    this.#secured = [];
    try {
      this.#openSecured(material);
      this.#useCertificates(material);
    } catch (error) {
      for (const listener of this.#secured) listener.stop();
      this.#secured = old;
      throw error;
    }
    for (const listener of old) listener.stop();
  }

  #useCertificates(material: TlsMaterial): void {
    this.#tls = material;
    this.certificatesReadMs = Date.now();
  }

  #openStreams(): void {
    const { unixSocket, listen } = this.#options;
    if (this.#tls !== undefined) this.#openSecured(this.#tls);
    for (const endpoint of listen) {
      if (!this.#isSecured(endpoint)) {
        this.#plain.push(this.#listen(this.#addressOf(endpoint), endpoint));
      }
    }
    if (unixSocket !== undefined && this.#thread.opensUnixSocket) {
      this.#plain.push(this.#listen({ kind: 'unix', ...unixSocket }, {}));
    }
  }

  #openSecured(tls: TlsMaterial): void {
    for (const endpoint of this.#options.listen) {
      if (!this.#isSecured(endpoint)) continue;
      // Shared with its successor, even when there is but one thread.
      const address: TcpAddress = { ...this.#addressOf(endpoint), isShared: true, tls };
      this.#secured.push(this.#listen(address, endpoint));
    }
  }

  #isSecured(endpoint: { isPlain?: true }): boolean {
    return this.#options.tls !== undefined && endpoint.isPlain !== true;
  }

  #addressOf({ host, port }: { host: string; port: number }): TcpAddress {
    return { kind: 'tcp', host, port, isShared: this.#thread.isShared };
  }

  #listen(address: ListenAddress, place: ClientPlace): Listener {
    return this.#net.listen(address, this.#handlers.streams(place));
  }
}
