// Why a node does not take another one as its peer, in one line each, for the log of either side.

/** The number that travels in a `refuse` frame, and the line said where the refusal was decided. */
const REFUSALS = {
  notRepcached: { code: 1, line: 'it does not speak the replication protocol of repcached' },
  otherVersion: {
    code: 2,
    line: 'it speaks another version of the replication protocol: run the same release on both nodes',
  },
  oneself: { code: 3, line: 'it is this node itself: point -x at the other host' },
  otherPair: { code: 4, line: 'it belongs to another pair (--repl-pair differs)' },
  noSecretThere: {
    code: 5,
    line: 'it has no secret and this node has one: give both the same --repl-secret-file',
  },
  noSecretHere: {
    code: 6,
    line: 'it has a secret and this node has none: give both the same --repl-secret-file',
  },
  wrongSecret: { code: 7, line: 'it has another secret: give both the same --repl-secret-file' },
  clockTooFar: { code: 8, line: 'the clocks of the two hosts are more than an hour apart: set them' },
  pairComplete: { code: 9, line: 'this node has a living peer already' },
  noTlsThere: { code: 10, line: 'it does not speak TLS and this node does: give both --repl-tls' },
  noTlsHere: { code: 11, line: 'it speaks TLS and this node does not: give both --repl-tls' },
  tlsFailed: { code: 12, line: 'TLS with it failed' },
  silent: { code: 13, line: 'it did not say who it is within 2 s' },
} as const;

export type Refusal = keyof typeof REFUSALS;

export function refusalCode(refusal: Refusal): number {
  return REFUSALS[refusal].code;
}

/** The line for the log of the node that refuses. */
export function refusalLine(refusal: Refusal): string {
  return REFUSALS[refusal].line;
}

/** What the peer says when the refusal was its: the same matter seen from the other end. */
const SEEN_FROM_THERE: Readonly<Partial<Record<Refusal, Refusal>>> = {
  noSecretThere: 'noSecretHere',
  noSecretHere: 'noSecretThere',
};

/** Reads a refusal that came in; undefined for a number of some later release. */
export function refusalFromPeer(code: number): Refusal | undefined {
  for (const refusal of Object.keys(REFUSALS) as Refusal[]) {
    if (REFUSALS[refusal].code === code) return SEEN_FROM_THERE[refusal] ?? refusal;
  }
  return undefined;
}
