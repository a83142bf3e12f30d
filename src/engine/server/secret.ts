// Reads the replication secret, and refuses a file that others could have read or that holds too little.
import { FatalError } from './exit.js';
import { readPrivateFile } from './private-file.js';

const FLAG = '--repl-secret-file';
const SECRET_BYTES_MIN = 16;
const SECRET_BYTES_MAX = 4096;

/**
 * @returns the secret without the blanks around it
 * @throws FatalError when the file is none that can be trusted (readPrivateFile), or holds fewer than 16 bytes
 */
export function readSecretFile(path: string): Uint8Array {
  const content = readPrivateFile(FLAG, path, SECRET_BYTES_MAX, 'no secret of ours');
  const secret = Buffer.from(content.toString('latin1').trim(), 'latin1');
  if (secret.length < SECRET_BYTES_MIN) {
    throw new FatalError(
      `${FLAG} ${path}: holds ${secret.length} bytes, needs at least ${SECRET_BYTES_MIN}; ` +
        `make one with: head -c 32 /dev/urandom | base64 > ${path}`,
    );
  }
  return secret;
}
