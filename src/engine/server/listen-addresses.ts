// What -l, -p and -U mean: the addresses on which clients are served.
import { endpointText } from './endpoint.js';
import { FatalError } from './exit.js';

export interface Endpoint {
  /** Host name or address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** What a connection may speak: `auto` goes by its first byte. */
export type ClientProtocol = 'auto' | 'ascii' | 'binary';

/** An address for clients, with what -l says of it alone. */
export interface ClientEndpoint extends Endpoint {
  /** `notls:` in front: no TLS here although -Z is given. */
  readonly isPlain?: true;
  /** `proto[...]:` in front: not what -B says. */
  readonly protocol?: ClientProtocol;
  /** `ack[...]:` in front: whether replies to writes wait for the peer here, whatever --repl-ack says. */
  readonly ack?: AddressAck;
}

export type AddressAck = 'none' | 'peer';

export const ALL_INTERFACES = '::';

const PREFIX = /^(notls|proto\[(\w+)\]|ack\[(\w+)\]|tag\[\w*\]):/;
const PROTOCOLS: Readonly<Record<string, ClientProtocol>> = {
  auto: 'auto',
  negotiating: 'auto',
  ascii: 'ascii',
  binary: 'binary',
};

/**
 * @param given the values of -l, each a list with commas
 * @throws FatalError on a word that is no address
 */
export function clientEndpoints(given: readonly string[], defaultPort: number): ClientEndpoint[] {
  const words = given.flatMap((value) => value.split(','));
  if (words.length === 0) return [{ host: ALL_INTERFACES, port: defaultPort }];
  return words.map((word) => clientEndpoint(word, defaultPort));
}

/** How the log names each of the places where clients are served. */
export function listenLines(options: {
  readonly listen: readonly ClientEndpoint[];
  readonly udpPort: number;
  readonly unixSocket: { readonly path: string } | undefined;
  readonly tls: object | undefined;
}): string[] {
  const { listen, udpPort, unixSocket, tls } = options;
  const hosts = udpPort === 0 ? [] : [...new Set(listen.map(({ host }) => host))];
  return [
    ...listen.map(
      ({ host, port, isPlain, ack }) =>
        endpointText(host, port) +
        (tls === undefined || isPlain === true ? '' : ' with TLS') +
        (ack === undefined ? '' : `, acknowledgement ${ack}`),
    ),
    ...hosts.map((host) => `${endpointText(host, udpPort)} by UDP`),
    ...(unixSocket === undefined ? [] : [unixSocket.path]),
  ];
}

/** @throws FatalError unless it is one of memcached's names for a protocol */
export function clientProtocol(flag: string, name: string): ClientProtocol {
  const protocol = Object.hasOwn(PROTOCOLS, name) ? PROTOCOLS[name] : undefined;
  if (protocol === undefined) throw new FatalError(`${flag} ${name}: must be one of auto, ascii, binary`);
  return protocol;
}

/** Whether an address or name can only be this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/i.test(host);
}

function clientEndpoint(word: string, defaultPort: number): ClientEndpoint {
  let rest = word;
  let isPlain = false;
  let protocol: ClientProtocol | undefined;
  let ack: AddressAck | undefined;
  for (let prefix = PREFIX.exec(rest); prefix !== null; prefix = PREFIX.exec(rest)) {
    if (prefix[1] === 'notls') isPlain = true;
    else if (prefix[2] !== undefined) protocol = clientProtocol('-l proto', prefix[2]);
    else if (prefix[3] !== undefined) ack = addressAck(word, prefix[3]);
    else throw new FatalError(`-l ${word}: tags are for memcached's proxy, leave the tag out`);
    rest = rest.slice(prefix[0].length);
  }
  return {
    ...plainEndpoint(word, rest, defaultPort),
    ...(isPlain && { isPlain: true as const }),
    ...(protocol !== undefined && { protocol }),
    ...(ack !== undefined && { ack }),
  };
}

function addressAck(word: string, mode: string): AddressAck {
  if (mode === 'none' || mode === 'peer') return mode;
  if (mode === 'strict') {
    throw new FatalError(
      `-l ${word}: strict is for the whole node, as in --repl-ack strict; here none or peer`,
    );
  }
  throw new FatalError(`-l ${word}: ack[...] must be none or peer`);
}

function plainEndpoint(word: string, address: string, defaultPort: number): Endpoint {
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(address);
  // An IPv6 address without brackets has colons of its own, and so can't carry a port.
  const host = match?.[1] ?? match?.[2] ?? address;
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (host === '' || /[\s/[\]]/.test(host) || port < 1 || port > 65_535) {
    throw new FatalError(`-l ${word}: must be ADDR, ADDR:PORT or [IPV6]:PORT`);
  }
  return { host: host === '*' ? ALL_INTERFACES : host, port };
}
