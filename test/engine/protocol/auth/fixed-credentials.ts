// Credentials for tests, from the text of an auth file.
import {
  type Credentials,
  matchLogin,
  parseLogins,
} from '../../../../src/engine/protocol/auth/credentials.js';

/** @throws Error with the problem when the file is none */
export function credentialsOf(file: string): Credentials {
  const parsed = parseLogins(Buffer.from(file, 'latin1'));
  if ('problem' in parsed) throw new Error(parsed.problem);
  return { match: (user, password) => matchLogin(parsed.logins, user, password) };
}
