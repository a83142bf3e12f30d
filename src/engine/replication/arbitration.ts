// Two links between the same two nodes: which one stays.

import type { Role } from './handshake.js';

/** How long a link may have been silent and still be taken for alive against a new one, in ms: two heartbeats. */
export const SEEMINGLY_ALIVE_MS = 1_200;

export type Verdict = 'replace' | 'keep' | 'pairComplete';

export interface Contest {
  /** Whether the proven newcomer comes from the node that the present link leads to. */
  readonly samePeer: boolean;
  /** Our role in the present link and in the new one. */
  readonly presentRole: Role;
  readonly newRole: Role;
  /** Whether our node id is the lower one of the two. */
  readonly ownIdIsLower: boolean;
  /** Since when nothing has come in on the present link, in ms. */
  readonly presentSilentMs: number;
}

/**
 * Both nodes dial, so two links may come up at once; both nodes must drop the same one: the link dialled by the
 * node with the lower id stays. But nobody dials who has a link. So a newcomer whose dialler is the one of the
 * present link, or that comes while the present link is silent, says that the present one is dead on the other
 * side, whatever this side's kernel thinks (no RST comes from a host that lost its power).
 *
 * A node with another id is the peer restarted, if the present link is silent; else it is a third node, which the
 * pair has no place for.
 */
export function arbitrate(contest: Contest): Verdict {
  const presentIsSilent = contest.presentSilentMs > SEEMINGLY_ALIVE_MS;
  if (!contest.samePeer) return presentIsSilent ? 'replace' : 'pairComplete';
  if (presentIsSilent || contest.newRole === contest.presentRole) return 'replace';
  const dialedByLower = contest.newRole === 'dialer' ? contest.ownIdIsLower : !contest.ownIdIsLower;
  return dialedByLower ? 'replace' : 'keep';
}
