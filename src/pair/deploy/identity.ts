// Who a pair is: the id that both nodes name, and the secret that they prove to each other. Both are made at the first
// deploy and read back from the hosts at later ones. The secret lives there alone and can be changed; the id stays.
import { randomBytes } from 'node:crypto';
import { OperatorError } from '../../errors.js';
import { haveOneInCommon, newSecret, parseSecrets, type Secrets, secretsDiffer } from '../secrets.js';
import type { NodeName } from '../types.js';

const PAIR_ID_BYTES = 8;

/** What a host has of its pair now. */
export interface FoundIdentity {
  readonly pairId: string | undefined;
  /** Content of its secret file. */
  readonly secretText: string | undefined;
  /** Whether its node has the link in TLS; undefined where none was deployed. */
  readonly hasLinkTls: boolean | undefined;
}

export interface PairIdentity {
  /** 16 hex digits, no secret. */
  readonly pairId: string;
  /** For each node's file; they differ only while the secret is being changed. */
  readonly secrets: Readonly<Record<NodeName, Secrets>>;
}

/**
 * The identity of both nodes.
 * @param expectedPairId What repcache.yaml says, if it does.
 * @throws OperatorError `PAIR_MISMATCH`, `SECRET_UNUSABLE`, `SECRETS_DIFFER` (exit unsuitable)
 */
export function agreeOnIdentity(
  found: Readonly<Record<NodeName, Omit<FoundIdentity, 'hasLinkTls'>>>,
  expectedPairId: string | undefined,
): PairIdentity {
  const { a, b } = found;
  if (a.pairId !== undefined && b.pairId !== undefined && a.pairId !== b.pairId) {
    throw ofDifferentPairs(a.pairId, b.pairId);
  }
  const pairId = a.pairId ?? b.pairId;
  if (pairId !== undefined && expectedPairId !== undefined && pairId !== expectedPairId) {
    throw ofOtherPair(pairId, expectedPairId);
  }
  return {
    pairId: pairId ?? expectedPairId ?? randomBytes(PAIR_ID_BYTES).toString('hex'),
    secrets: agreeOnSecrets(parseSecrets(a.secretText, 'a'), parseSecrets(b.secretText, 'b')),
  };
}

/** A node without any takes the other one's; what is half changed stays so, until rotate-secret goes on with it. */
function agreeOnSecrets(a: Secrets | undefined, b: Secrets | undefined): Record<NodeName, Secrets> {
  if (a !== undefined && b !== undefined && !haveOneInCommon(a, b)) throw secretsDiffer();
  const either = a ?? b ?? [newSecret()];
  return { a: a ?? either, b: b ?? either };
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
