// What -Y and -S mean for the protocols that clients may speak: none may be a way around the login.
import { FatalError } from './exit.js';
import type { ClientEndpoint, ClientProtocol } from './listen-addresses.js';

/** The flags, as they were given. */
export interface GivenAuth {
  /** -Y */
  readonly authFile: string | undefined;
  /** -S */
  readonly sasl: boolean;
  /** -B */
  readonly protocol: ClientProtocol | undefined;
  readonly udpPort: number;
  readonly listen: readonly ClientEndpoint[];
}

/**
 * The protocol of connections whose address says nothing else. With -Y alone it is the text protocol, as the binary
 * one logs in by SASL only.
 * @throws FatalError when clients could not log in, or need not
 */
export function protocolWithAuth(given: GivenAuth): ClientProtocol {
  const { authFile, sasl, udpPort, listen } = given;
  if (authFile === undefined) {
    if (!sasl) return given.protocol ?? 'auto';
    throw new FatalError(
      '-S: needs -Y FILE as well, a private file with a line user:password for each user ' +
        "(the databases of SASL's own library are not read)",
    );
  }
  if (udpPort !== 0) throw new FatalError(`-U ${udpPort}: UDP has no login, so it can't be had with -Y`);
  const protocol = given.protocol ?? (sasl ? 'auto' : 'ascii');
  const binary = [protocol, ...listen.map((endpoint) => endpoint.protocol)].find(
    (name) => name === 'auto' || name === 'binary',
  );
  if (!sasl && binary !== undefined) {
    throw new FatalError(`protocol ${binary} with -Y: needs -S too, the binary protocol logs in by SASL`);
  }
  if (sasl && protocol === 'ascii') {
    throw new FatalError('-S with -B ascii: SASL belongs to the binary protocol, leave one of them out');
  }
  return protocol;
}
