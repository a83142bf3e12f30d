// What must hold of the two nodes after everything that was done to them, once the network is whole and all is quiet.
// What must hold at every moment is looked at in watch.ts.

import { type History, livesOn, newestOf, type Write } from './history.js';
import type { Side } from './network.js';
import type { HeldItem, SimNode } from './node.js';
import { LOCAL_KEY_PREFIX, type Plan } from './plan.js';
import { type Version, versionText } from './version.js';

/** Expiry is corrected by the clock offset only above 1.5 s, and rounded to 1 s. */
const EXPTIME_TOLERANCE_SEC = 2.6;

/** The end of a run. */
export interface Outcome {
  readonly plan: Plan;
  readonly history: History;
  readonly nodes: readonly [SimNode, SimNode];
  readonly contents: readonly [ReadonlyMap<string, HeldItem>, ReadonlyMap<string, HeldItem>];
  /** Whether a host's clock was set while items lay in its memory file: they expire by the old one. */
  readonly expiryIsVague: boolean;
}

/** What one node has of a key that replicates. */
interface Holding {
  readonly outcome: Outcome;
  readonly key: string;
  readonly side: Side;
  readonly held: HeldItem | undefined;
  readonly writes: readonly Write[];
}

interface NodeInvariant {
  readonly name: string;
  /** @returns what is wrong; null if nothing is */
  readonly violation: (node: SimNode) => string | null;
}

interface PairInvariant {
  readonly name: string;
  readonly violation: (
    key: string,
    a: HeldItem | undefined,
    b: HeldItem | undefined,
    outcome: Outcome,
  ) => string | null;
}

interface HoldingInvariant {
  readonly name: string;
  readonly violation: (holding: Holding) => string | null;
}

export const NODE_INVARIANTS: readonly NodeInvariant[] = [
  {
    name: 'both nodes are in sync, and serve',
    violation: ({ machine, isServing }) =>
      machine.isInSync && isServing ? null : `in sync: ${machine.isInSync}, serves: ${isServing}`,
  },
  {
    name: 'every change is acknowledged',
    violation: ({ machine, log }) =>
      machine.ackedSeq === log.headSeq ? null : `${log.headSeq - machine.ackedSeq} changes are not`,
  },
  {
    name: 'tombstones are freed',
    violation: ({ store }) => (store.tombstoneCount === 0 ? null : `${store.tombstoneCount} are left`),
  },
  {
    name: 'what was lost before the peer had it has been looked for',
    violation: ({ store }) => (store.lostWrites.isPending ? 'losses are pending' : null),
  },
  {
    name: 'nobody waits for an acknowledgement any more',
    violation: ({ replies }) => (replies.heldCount === 0 ? null : `${replies.heldCount} clients wait`),
  },
];

export const PAIR_INVARIANTS: readonly PairInvariant[] = [
  {
    name: 'what both hold is the same: value, flags, expiry, version',
    violation: (_key, a, b, outcome) =>
      a === undefined || b === undefined ? null : describeDifference(a, b, outcome),
  },
  {
    name: 'only a node without room, or flushed alone, lacks what its peer holds: evictions do not travel',
    violation: (key, a, b, { plan, history, expiryIsVague }) => {
      if ((a === undefined) === (b === undefined)) return null;
      const lacking = a === undefined ? 0 : 1;
      const held = (a ?? b) as HeldItem;
      const origin = originOf(held, history.writesTo(key));
      // What expires soon counts as deleted; where a clock was set back it may not have expired on both.
      if (expiryIsVague && (history.expiring.has(key) || origin?.value === null)) return null;
      const sinceMs = origin?.atMs ?? 0;
      if (plan.isSmall[lacking] || history.hasFlushedAlone(lacking, sinceMs)) return null;
      return `${nameOf(lacking)} lacks ${describe(held)}`;
    },
  },
];

export const HOLDING_INVARIANTS: readonly HoldingInvariant[] = [
  {
    name: 'there is no value that nobody wrote',
    violation: ({ held, writes, outcome }) => {
      if (held === undefined) return null;
      const origin = originOf(held, writes);
      if (origin === undefined) return `${describe(held)}, which nobody wrote`;
      // What expires soon counts as deleted, but where a clock was set back it may not have expired.
      if (origin.value === null && outcome.expiryIsVague) return null;
      return origin.value === held.value ? null : `${describe(held)}, which was ${shorten(origin.value)}`;
    },
  },
  {
    name: 'what a living node took is there, unless it was replaced, deleted, flushed, expired or evicted',
    violation: (holding) => describeLost(holding, ownWord),
  },
  {
    name: 'what was acknowledged as on both nodes (--repl-ack peer, strict) survives either of them',
    violation: (holding) => describeLost(holding, bothWords),
  },
  {
    name: 'nothing older than what a living node took comes back',
    violation: (holding) => describeStale(holding, ownWord, (latest) => latest.value !== null),
  },
  {
    name: 'what was deleted, or replaced by what has expired since, does not come back',
    violation: (holding) => describeStale(holding, ownWord, (latest) => latest.value === null),
  },
  {
    name: 'nothing older than what both nodes had comes back, whichever of them died',
    violation: (holding) => describeStale(holding, bothWords, () => true),
  },
  {
    name: 'what was flushed stays flushed',
    violation: ({ held, outcome }) => {
      // Where a clock was set back while its node was down, a delayed flush may still be to come.
      if (outcome.expiryIsVague && outcome.history.mayBeFlushed.length > 0) return null;
      const floor = newestOf(outcome.history.flushes, ownWord(null));
      if (held === undefined || floor === undefined || held.version > floor.version) return null;
      return `${describe(held)}, flushed up to ${versionText(floor.version)}`;
    },
  },
  {
    name: 'an add of a node that was not in sync destroys no value',
    violation: describeDestroyed,
  },
  {
    name: 'a flush of one node alone takes nothing from its peer',
    violation: describeRobbed,
  },
  {
    name: 'what one node flushed alone comes back only from its peer',
    violation: describeReturned,
  },
];

export const LOCAL_KEY_INVARIANT = 'excluded keys stay on the node that they were written to';

/** One line for each violation. */
export function judge(outcome: Outcome): string[] {
  const { history, nodes, contents } = outcome;
  const problems: string[] = [];
  const note = (name: string, where: string, what: string | null) => {
    if (what !== null) problems.push(`${name}: ${where}: ${what}`);
  };
  for (const node of nodes) {
    for (const { name, violation } of NODE_INVARIANTS) note(name, nameOf(node.side), violation(node));
  }
  const [onA, onB] = contents;
  for (const key of new Set([...onA.keys(), ...onB.keys(), ...history.keys])) {
    const a = onA.get(key);
    const b = onB.get(key);
    const writes = history.writesTo(key);
    if (key.startsWith(LOCAL_KEY_PREFIX)) {
      for (const side of [0, 1] as const) {
        note(LOCAL_KEY_INVARIANT, nameOf(side), describeCrossed(key, side === 0 ? a : b, side, writes));
      }
      continue;
    }
    for (const { name, violation } of PAIR_INVARIANTS) note(name, key, violation(key, a, b, outcome));
    for (const side of [0, 1] as const) {
      const holding: Holding = { outcome, key, side, held: side === 0 ? a : b, writes };
      for (const { name, violation } of HOLDING_INVARIANTS) {
        note(name, `${key} on ${nameOf(side)}`, violation(holding));
      }
    }
  }
  return problems;
}

/** All that is promised, for whoever wants to read it. */
export const END_INVARIANTS: readonly string[] = [
  ...NODE_INVARIANTS.map(({ name }) => name),
  ...PAIR_INVARIANTS.map(({ name }) => name),
  ...HOLDING_INVARIANTS.map(({ name }) => name),
  LOCAL_KEY_INVARIANT,
];

// ── Whose word counts ────────────────────────────────────────────────────────────────────────────────────────

/** Which writes somebody living stands by: on this side, or (null) on any. */
type Word = (side: Side | null) => (write: Write) => boolean;

/** Who took the write lives, or what it had was handed on. */
const ownWord: Word = (side) => (write) => livesOn(write.by, side);

/** Or the peer lives, which had it by the time the client was answered. */
const bothWords: Word = (side) => (write) =>
  livesOn(write.by, side) || (write.backedBy !== null && livesOn(write.backedBy, side));

/** The side whose word counts for a node: its own, where the other one may have evicted what it was told. */
function wordSide({ outcome, side }: Holding): Side | null {
  return outcome.plan.mayForget ? side : null;
}

// ── What is wrong with one key ───────────────────────────────────────────────────────────────────────────────

function describeLost(holding: Holding, word: Word): string | null {
  const { outcome, key, side, held, writes } = holding;
  const { plan, history } = outcome;
  if (held !== undefined || plan.isSmall[side] || history.expiring.has(key)) return null;
  // A node that forgot deletes takes whatever it had once and has no more for deleted, also what it evicted.
  if (plan.forgetsDeletes && plan.mayEvict) return null;
  const newest = newestOf(writes, word(wordSide(holding)));
  if (newest === undefined || newest.value === null || history.isUndone(key, newest)) return null;
  // What the other node replaced (or an add, overruled) and then forgot by itself is gone on both.
  if (newest.isProvisional && plan.mayForget) return null;
  const isReplaced = writes.some(
    ({ by, version }) =>
      (plan.isSmall[by.side] || plan.flushesAlone) && by.side !== side && version > newest.version,
  );
  // It was written behind in time, by a process that came up after one that was lost and had not met the peer yet, which
  // had evicted what that one wrote.
  const isBehind = writes.some(
    ({ by, version }) =>
      by.isLost && by.side === side && by.bornMs < newest.by.bornMs && version > newest.version,
  );
  if (flushedAloneSince(history, newest) || (isBehind && plan.isSmall[side === 0 ? 1 : 0])) return null;
  return isReplaced ? null : `nothing, although ${versionText(newest.version)} was acknowledged`;
}

/** Whether or not the newer one was evicted since, and wherever: nothing old comes back. */
function describeStale(
  { outcome, key, held, writes }: Holding,
  word: Word,
  isMeant: (latest: Write) => boolean,
): string | null {
  if (held === undefined || outcome.history.expiring.has(key)) return null;
  const mayCount = word(null);
  const latest = newestOf(writes, (write) => !write.isProvisional && mayCount(write));
  if (latest === undefined || held.version >= latest.version || !isMeant(latest)) return null;
  // Of what was flushed alone before the peer had it, something older may come back.
  if (flushedAloneSince(outcome.history, latest)) return null;
  // A process that came up later, and had not met the peer yet, may have been behind in time.
  const origin = originOf(held, writes);
  if (origin !== undefined && origin.by.bornMs > latest.atMs) return null;
  return `${describe(held)}, although ${versionText(latest.version)} was ${latest.value === null ? 'deleted' : 'written'} later`;
}

/** Whether a node forgot a write by itself, or may have. */
function flushedAloneSince(history: History, { atMs }: Write): boolean {
  return history.hasFlushedAlone(0, atMs) || history.hasFlushedAlone(1, atMs);
}

function describeDestroyed(holding: Holding): string | null {
  const { outcome, key, side, held, writes } = holding;
  if (held === undefined || outcome.plan.isSmall[side]) return null;
  const origin = originOf(held, writes);
  if (origin?.isProvisional !== true) return null;
  // What a process has from a memory file gives way to adds: the peer has served meanwhile.
  const isMeant = ownWord(wordSide(holding));
  const counts = (write: Write) => !write.by.isLost && isMeant(write);
  const destroyed = newestOf(
    writes,
    (write) => !write.isProvisional && write.version < held.version && counts(write),
  );
  if (destroyed === undefined || destroyed.value === null || outcome.history.isUndone(key, destroyed))
    return null;
  if (outcome.history.hasFlushedAlone(side, destroyed.atMs)) return null;
  return `the add of ${versionText(held.version)} destroyed ${versionText(destroyed.version)}`;
}

/** What the peer of a node that flushed alone had stays, but for what happened to it otherwise. */
function describeRobbed({ outcome, key, side, held, writes }: Holding): string | null {
  const { plan, history } = outcome;
  if (plan.isSmall[side] || history.expiring.has(key)) return null;
  for (const { saidMs, peer, spared } of history.loneFlushes) {
    const version = spared.get(key);
    if (version === undefined || peer.isLost || peer.side !== side) continue;
    if (held !== undefined && held.version >= version) continue;
    const isUndone = writes.some(
      (write) =>
        (write.version > version && write.by.side !== side) ||
        (write.version >= version && write.value === null) ||
        (write.version === version && write.isProvisional),
    );
    if (isUndone || history.hasFlushedAlone(side, saidMs)) continue;
    return `${held === undefined ? 'nothing' : describe(held)}, although ${versionText(version)} was there`;
  }
  return null;
}

/** An item from before its node flushed alone is there because the peer has it, or had it. */
function describeReturned({ outcome, key, side, held, writes }: Holding): string | null {
  const { plan, history, contents } = outcome;
  // One that overruled an add was written again by the peer, which has forgotten it if it is not there.
  const origin = writes.find(({ version }) => version === held?.version);
  if (held === undefined || origin === undefined || plan.mayEvict) return null;
  if (origin.by.isLost || origin.by.side !== side) return null;
  // One for later may have been taken back by another one.
  const flush = history.loneFlushes.findLast(({ by, saidMs, atMs }) => by === origin.by && atMs === saidMs);
  if (flush === undefined || flush.atMs <= origin.atMs || flush.spared.get(key) === held.version) return null;
  const peerSide = side === 0 ? 1 : 0;
  if (contents[peerSide].get(key)?.version === held.version) return null;
  // It came back, and then the peer flushed alone as well.
  if (history.hasFlushedAlone(peerSide, flush.atMs)) return null;
  return `${describe(held)}, flushed at ${flush.atMs.toFixed(0)} ms`;
}

/** A key that stays local holds what was written on its node, if anything. */
function describeCrossed(
  key: string,
  held: HeldItem | undefined,
  side: Side,
  writes: readonly Write[],
): string | null {
  if (held === undefined) return null;
  const origin = writes.find(({ version }) => version === held.version);
  if (origin?.by.side === side && origin.value === held.value) return null;
  return `${key} holds ${describe(held)}, which was not written there`;
}

/**
 * The write that made an item: of its version, or of its value before an add that knew nothing of it was overruled. A
 * process whose clock was set back may have used a version again that one before it had.
 */
function originOf(held: HeldItem, writes: readonly Write[]): Write | undefined {
  const ofItsVersion = writes.filter(({ version }) => version === held.version);
  return (
    ofItsVersion.find(({ value }) => value === held.value) ??
    ofItsVersion[0] ??
    writes.find(({ value, version }) => value === held.value && wasOverruling(version, held.version, writes))
  );
}

function wasOverruling(before: Version, after: Version, writes: readonly Write[]): boolean {
  return (
    before < after && writes.some((add) => add.isProvisional && add.version > before && add.version < after)
  );
}

function describeDifference(
  a: HeldItem,
  b: HeldItem,
  { plan, nodes, expiryIsVague }: Outcome,
): string | null {
  if (a.version !== b.version) return `version ${versionText(a.version)} and ${versionText(b.version)}`;
  if (a.value !== b.value) return `value ${shorten(a.value)} and ${shorten(b.value)}`;
  if (a.flags !== b.flags) return `flags ${a.flags} and ${b.flags}`;
  // Of two touches at the same moment a node knows which stays by what it has, and forgets it if it evicts that.
  if (plan.mayForget) return null;
  if ((a.exptimeSec === 0) !== (b.exptimeSec === 0)) return `expiry ${a.exptimeSec} and ${b.exptimeSec}`;
  const offsetSec = (nodes[1].nowMs - nodes[0].nowMs) / 1_000;
  const apartSec = a.exptimeSec === 0 ? 0 : b.exptimeSec - a.exptimeSec - offsetSec;
  if (expiryIsVague || Math.abs(apartSec) <= EXPTIME_TOLERANCE_SEC) return null;
  return `expiry ${apartSec.toFixed(1)} s apart, the clocks of the hosts allowed for`;
}

function describe({ value, version }: HeldItem): string {
  return `${shorten(value)} at ${versionText(version)}`;
}

function shorten(value: string | null): string {
  if (value === null) return 'a delete';
  return value.length > 24 ? `${value.slice(0, 20)}... (${value.length})` : value;
}

function nameOf(side: Side): string {
  return side === 0 ? 'a' : 'b';
}
