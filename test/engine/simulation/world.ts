// One simulated run: two nodes, clients on both, and everything that can go wrong between them, from one seed.

import { Clients } from './clients.js';
import { Faults } from './faults.js';
import { History } from './history.js';
import { judge } from './invariants.js';
import { Network } from './network.js';
import { type NodeParts, SOUND_PARTS } from './node.js';
import { Pair } from './pair.js';
import { Plan } from './plan.js';
import { Random } from './random.js';
import { Scheduler } from './scheduler.js';
import { type FaultName, Tally } from './tally.js';
import { Watch } from './watch.js';

const TROUBLE_MS = 12_000;
/** So that what expires soon is gone, and what was to be flushed later is flushed. */
const SETTLING_MS = 6_000;
/** Long enough for silence, back-off, time limits, and, each 10 s, syncs after losses, each of which finds some. */
const QUIET_MS = 100_000;
const LOOK_EVERY_MS = 250;
/** What may be in the way of a link when the last fault is over: 3 s of silence, 2 s of dialling, 2 s of back-off. */
const IN_SYNC_WITHIN_MS = 12_000;

export interface RunResult {
  readonly seed: number;
  /** Violated invariants; none if all is well. */
  readonly problems: readonly string[];
  readonly faults: ReadonlyMap<FaultName, number>;
  /** The log lines of both nodes, with their virtual ms. */
  readonly lines: readonly string[];
  readonly operations: number;
}

/** Runs a seed to its end. The same seed and parts give the same run, to the byte. */
export function simulate(seed: number, parts: NodeParts = SOUND_PARTS): RunResult {
  const random = new Random(seed);
  const scheduler = new Scheduler();
  const tally = new Tally();
  const history = new History(scheduler);
  const plan = new Plan(random);
  const network = new Network(random, scheduler);
  network.maxDelayMs = plan.maxDelayMs;
  const watch = new Watch(plan, history, scheduler);
  const pair = new Pair(plan, parts, random, scheduler, network, watch, tally);
  const clients = new Clients(plan, random, scheduler, pair, history, tally);
  const faults = new Faults(plan, random, scheduler, network, pair, clients, tally);
  const problems = watch.problems;
  try {
    pair.start();
    clients.start(TROUBLE_MS);
    faults.start();
    scheduler.runUntil(TROUBLE_MS);
    clients.leave();
    faults.end();
    const late = runUntilQuiet(scheduler, pair);
    if (late !== null) problems.push(late);
    const { nodes, expiryIsVague } = pair;
    const contents = [nodes[0].contents(), nodes[1].contents()] as const;
    problems.push(...judge({ plan, history, nodes, contents, expiryIsVague }));
  } catch (error) {
    problems.push(`no step throws: ${error instanceof Error ? error.stack : error}`);
  }
  for (const node of pair.nodes) pair.retire(node);
  tally.count('split', network.bytesSplit);
  tally.count('halfOpen', network.halfOpen);
  tally.count('slowReader', network.slowReads);
  tally.count('cutInFrame', network.brokenInFrame);
  tally.count('duplicateLink', network.duplicateLinks);
  return { seed, problems, faults: tally.counts, lines: pair.lines, operations: clients.operations };
}

/** @returns what is wrong if the nodes were too long without each other */
function runUntilQuiet(scheduler: Scheduler, pair: Pair): string | null {
  const healedMs = scheduler.nowMs;
  scheduler.runUntil(healedMs + SETTLING_MS);
  let inSyncMs: number | null = null;
  while (scheduler.nowMs < healedMs + QUIET_MS) {
    if (pair.isInSync) inSyncMs ??= scheduler.nowMs;
    if (pair.isQuiet) break;
    scheduler.runUntil(scheduler.nowMs + LOOK_EVERY_MS);
  }
  const tookMs = (inSyncMs ?? scheduler.nowMs) - Math.max(healedMs, pair.startedMs);
  return tookMs <= IN_SYNC_WITHIN_MS
    ? null
    : `both nodes are in sync within ${IN_SYNC_WITHIN_MS / 1_000} s: after ${tookMs} ms`;
}
