// Ports for servers under test, below those that the system gives to outgoing connections: one of these could sit on a
// port that was free when it was chosen.
import { randomInt } from 'node:crypto';
import getPort from 'get-port';

/** Where Linux begins with ports for outgoing connections (net.ipv4.ip_local_port_range). */
const EPHEMERAL_MIN = 32_768;
const SERVERS_MIN = 12_000;
/** Each is tried; that all are taken does not happen. */
const CANDIDATES = 32;

/** A loopback port that nobody listens on. Other test processes choose by chance as well, so they hardly meet. */
export function freePort(): Promise<number> {
  const port = Array.from({ length: CANDIDATES }, () => randomInt(SERVERS_MIN, EPHEMERAL_MIN));
  return getPort({ port });
}
