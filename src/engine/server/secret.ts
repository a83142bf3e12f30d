// Reads the replication secret, and refuses a file that others could have read or that holds too little.
import { createHmac } from 'node:crypto';
import { SECRETS_MAX } from '../replication/handshake.js';
import type { MessageAuthenticator } from '../replication/types.js';
import { FatalError } from './exit.js';
import { readPrivateFile } from './private-file.js';

const FLAG = '--repl-secret-file';
const SECRET_BYTES_MIN = 16;
const FILE_BYTES_MAX = 4096;

/**
 * @returns the secrets, the current one first; while it is being changed the one before it is in the second line
 * @throws FatalError when the file is none that can be trusted (readPrivateFile), holds a secret of fewer than 16
 *   bytes, or more than two lines
 */
export function readSecretFile(path: string): Uint8Array[] {
  const content = readPrivateFile(FLAG, path, FILE_BYTES_MAX, 'no secret of ours');
  const lines = content
    .toString('latin1')
    .trim()
    .split(/\s*\n\s*/);
  if (lines.length > SECRETS_MAX) {
    throw new FatalError(
      `${FLAG} ${path}: holds ${lines.length} lines, must hold one, the secret, or two: the new secret and the one before it`,
    );
  }
  for (const line of lines) {
    if (line.length >= SECRET_BYTES_MIN) continue;
    throw new FatalError(
      `${FLAG} ${path}: holds ${lines.length === 1 ? '' : 'a line of '}${line.length} bytes, needs at least ${SECRET_BYTES_MIN}; ` +
        `make one with: head -c 32 /dev/urandom | base64 > ${path}`,
    );
  }
  return [...new Set(lines)].map((line) => Buffer.from(line, 'latin1'));
}

/** What the replication core needs of the secrets, which it never sees. @throws FatalError as `readSecretFile` */
export function readAuthenticators(path: string): MessageAuthenticator[] {
  return readSecretFile(path).map(
    (secret) => (message) => createHmac('sha256', secret).update(message).digest(),
  );
}
