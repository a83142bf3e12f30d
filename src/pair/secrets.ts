// The secrets of a pair as a node's file holds them: the one that counts and, while it is being changed, the one before.
import { randomBytes } from 'node:crypto';
import { OperatorError } from '../errors.js';
import { registerSecret } from '../scrub.js';
import type { NodeName } from './types.js';

/** The current one first. */
export type Secrets = readonly [current: string] | readonly [current: string, previous: string];

const SECRET_BYTES = 32;
const USABLE = /^[\x21-\x7e]{16,256}$/;

/** 256 random bits. From here on it is hidden from everything that is printed. */
export function newSecret(): string {
  const secret = randomBytes(SECRET_BYTES).toString('hex');
  registerSecret(secret);
  return secret;
}

/**
 * Reads the content of a node's file; undefined when there is none, or nothing is in it.
 * @throws OperatorError `SECRET_UNUSABLE` (exit unsuitable)
 */
export function parseSecrets(text: string | undefined, name: NodeName): Secrets | undefined {
  const lines = (text ?? '').trim().split(/\s*\n\s*/);
  if (lines.length === 1 && lines[0] === '') return undefined;
  for (const line of lines) registerSecret(line);
  const [current, previous, ...more] = lines;
  if (more.length > 0 || !lines.every((line) => USABLE.test(line))) throw unusable(name);
  return previous === undefined || previous === current ? [current] : [current, previous];
}

/** The content of a node's file. */
export function renderSecrets(secrets: Secrets): string {
  return `${secrets.join('\n')}\n`;
}

/** Whether nodes with these can prove to each other that they belong together. */
export function haveOneInCommon(a: Secrets, b: Secrets): boolean {
  return a.some((secret) => b.some((other) => other === secret));
}

function unusable(name: NodeName): OperatorError {
  return new OperatorError(`${name}: the file of the replication secret holds no usable secret`, {
    code: 'SECRET_UNUSABLE',
    exit: 'unsuitable',
    suggestions: [`remove that file on ${name} and deploy again: it is read from the peer, or made anew`],
  });
}

export function secretsDiffer(): OperatorError {
  return new OperatorError('a and b are of one pair, but have different replication secrets', {
    code: 'SECRETS_DIFFER',
    exit: 'unsuitable',
    suggestions: [
      'remove the secret file on one of them and deploy again: it is read from the peer, and that node takes it over',
    ],
  });
}
