// Whether a connection comes from where the peer is: the addresses that the host of -x stands for.
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/** Between two look-ups of the name: strangers can connect hundreds of times a second. */
const LOOK_UP_PAUSE_MS = 1_000;

/** Finds the addresses of a host name; rejects if that can't be done now. */
export type LookUp = (host: string) => Promise<readonly string[]>;

export class PeerAddresses {
  readonly #host: string;
  readonly #lookUpName: LookUp;
  readonly #nowMs: () => number;
  #known: BlockList;
  #lookedUpMs = Number.NEGATIVE_INFINITY;

  /**
   * @param host name or address
   * @param nowMs any clock that never goes back
   */
  constructor(host: string, lookUpName: LookUp = lookUpAll, nowMs: () => number = () => performance.now()) {
    this.#host = host;
    this.#lookUpName = lookUpName;
    this.#nowMs = nowMs;
    this.#known = listOf([host]);
    this.#lookUp();
  }

  /**
   * Of a name that has changed its address since, the first connection is not known and the next one is.
   * @param address `host:port`, IPv6 in brackets
   */
  include(address: string): boolean {
    const host = address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    const isKnown = isIP(host) !== 0 && this.#known.check(host, familyOf(host));
    if (!isKnown) this.#lookUp();
    return isKnown;
  }

  #lookUp(): void {
    const nowMs = this.#nowMs();
    if (isIP(this.#host) !== 0 || nowMs - this.#lookedUpMs < LOOK_UP_PAUSE_MS) return;
    this.#lookedUpMs = nowMs;
    this.#lookUpName(this.#host).then(
      (found) => {
        this.#known = listOf(found);
      },
      // No name server just now: what was known stays.
      () => {},
    );
  }
}

async function lookUpAll(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** However they are written: an IPv4 address and the IPv6 one that it is mapped to are the same. */
function listOf(hosts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const host of hosts) if (isIP(host) !== 0) list.addAddress(host, familyOf(host));
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
