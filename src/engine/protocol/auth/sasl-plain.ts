// The PLAIN message of SASL (RFC 4616): authorization id, user and password with a zero byte between them.
import type { Credentials } from './credentials.js';

const NUL = 0x00;

/** Whether a message logs somebody in. Whoever wants to act as another than who logs in is refused. */
export function acceptsPlain(message: Uint8Array, credentials: Credentials): boolean {
  const userStart = message.indexOf(NUL) + 1;
  const passwordStart = userStart === 0 ? 0 : message.indexOf(NUL, userStart) + 1;
  if (passwordStart === 0) return false;
  const actAs = message.subarray(0, userStart - 1);
  const user = message.subarray(userStart, passwordStart - 1);
  const password = message.subarray(passwordStart);
  if (actAs.length > 0 && Buffer.compare(actAs, user) !== 0) return false;
  return credentials.match(user, password);
}
