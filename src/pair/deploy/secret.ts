// The secret that both nodes prove to each other. It lives on the hosts alone: made at the first deploy, read back
// from there at later ones. The pair's public id follows from it, so that the two can never disagree.
import { createHash, randomBytes } from 'node:crypto';
import { OperatorError } from '../../errors.js';
import { registerSecret } from '../../scrub.js';
import type { NodeName } from '../types.js';

const SECRET_BYTES = 32;
const USABLE = /^[\x21-\x7e]{16,256}$/;

/** 16 hex digits. Safe to show: a hash of 256 random bits gives nothing of them away. */
export function pairIdOf(secret: string): string {
  return createHash('sha256').update(`repcached pair ${secret}`).digest('hex').slice(0, 16);
}

/**
 * The secret for both nodes.
 * @param found What each host has in its file now.
 * @param expectedPairId What repcache.yaml says, if it does.
 * @throws OperatorError `PAIR_MISMATCH`, `SECRET_UNUSABLE` (exit unsuitable)
 */
export function agreeOnSecret(
  found: Readonly<Record<NodeName, string | undefined>>,
  expectedPairId: string | undefined,
): string {
  const a = usable(found.a, 'a');
  const b = usable(found.b, 'b');
  if (a !== undefined && b !== undefined && a !== b) throw ofDifferentPairs(pairIdOf(a), pairIdOf(b));
  const secret = a ?? b;
  if (secret === undefined) return madeSecret();
  const id = pairIdOf(secret);
  if (expectedPairId !== undefined && id !== expectedPairId) throw ofOtherPair(id, expectedPairId);
  return secret;
}

function madeSecret(): string {
  const secret = randomBytes(SECRET_BYTES).toString('hex');
  registerSecret(secret);
  return secret;
}

function usable(text: string | undefined, name: NodeName): string | undefined {
  const secret = text?.trim();
  if (secret === undefined || secret === '') return undefined;
  registerSecret(secret);
  if (USABLE.test(secret)) return secret;
  throw new OperatorError(`${name}: the file of the replication secret holds no usable secret`, {
    code: 'SECRET_UNUSABLE',
    exit: 'unsuitable',
    suggestions: [`remove that file on ${name} and deploy again: it is read from the peer, or made anew`],
  });
}

function ofDifferentPairs(a: string, b: string): OperatorError {
  return new OperatorError(`these hosts belong to two different pairs: a to ${a}, b to ${b}`, {
    code: 'PAIR_MISMATCH',
    exit: 'unsuitable',
    suggestions: [
      'if one of the nodes is to join the other: destroy it there first (its data is lost), then deploy again',
      'for a second pair on the same hosts choose other ports with --port and --replication-port',
    ],
  });
}

function ofOtherPair(found: string, expected: string): OperatorError {
  return new OperatorError(`these hosts carry pair ${found}, but repcache.yaml names pair ${expected}`, {
    code: 'PAIR_MISMATCH',
    exit: 'unsuitable',
    suggestions: [
      'correct the hosts, or use the repcache.yaml of that pair (--config)',
      `if the file is out of date: set "pair: ${found}" in it`,
    ],
  });
}
