// One run: a pair, writers on both nodes, every fault once in an order from the seed, then quiet, and every key checked.
import { setTimeout as sleep } from 'node:timers/promises';
import { withPair } from '../../helpers/engine.js';
import { Forwarder } from '../../helpers/forwarder.js';
import { withFolder } from '../../helpers/temporary-folder.js';
import { Random } from '../simulation/random.js';
import { ChaosNode } from './chaos-node.js';
import { FAULT_NAMES, FAULTS, type FaultName } from './faults.js';
import { History } from './history.js';
import { Writer } from './writer.js';

const WRITERS_PER_NODE = 3;

export interface ChaosSettings {
  readonly seed: number;
  readonly threads: number;
  readonly ack: 'none' | 'peer';
  /** Nodes that are stopped in good order have their memory back (-e). */
  readonly savesMemory: boolean;
}

export interface ChaosResult {
  readonly problems: readonly string[];
  readonly faults: readonly FaultName[];
  readonly writes: number;
  readonly longestMs: number;
}

export async function runChaos(settings: ChaosSettings): Promise<ChaosResult> {
  return await withFolder((folder) => runIn(folder, settings));
}

async function runIn(folder: string, settings: ChaosSettings): Promise<ChaosResult> {
  const random = new Random(settings.seed);
  const history = new History();
  const forwarders: Forwarder[] = [];
  let result: ChaosResult | undefined;
  try {
    await withPair(
      async (pair) => {
        const nodes: ChaosNode[] = [];
        for (const [name, node] of Object.entries(pair)) {
          const cable = await Forwarder.start(node.replicationPort);
          forwarders.push(cable);
          nodes.push(new ChaosNode(name, node, cable, history));
          node.flags = [...node.flags, ...(settings.savesMemory ? ['-e', `${folder}/${name}`] : [])];
        }
        const [a, b] = nodes;
        a.dials(b);
        b.dials(a);
        await Promise.all([a.start(), b.start()]);
        result = await disturb(a, b, history, random);
      },
      {
        start: false,
        flags: ['-t', String(settings.threads), '--repl-ack', settings.ack, '--repl-ready-timeout', '1'],
      },
    );
  } finally {
    await Promise.all(forwarders.map((forwarder) => forwarder.close()));
  }
  if (result === undefined) throw new Error('the run came to no result');
  return result;
}

async function disturb(a: ChaosNode, b: ChaosNode, history: History, random: Random): Promise<ChaosResult> {
  await a.settle(b);
  const writers = [a, b].flatMap((node) =>
    Array.from(
      { length: WRITERS_PER_NODE },
      (_, at) => new Writer(`${node.name}${at}`, node, history, new Random(random.int(0, 2 ** 31))),
    ),
  );
  const failed = Promise.race(writers.map(({ ended }) => ended));
  const faults = shuffled(FAULT_NAMES, random);
  const problems: string[] = [];
  try {
    for (const name of faults) {
      const [victim, other] = random.chance(0.5) ? [a, b] : [b, a];
      const found = await Promise.race([FAULTS[name]({ victim, other, random }), failed]);
      problems.push(...(found ?? []).map((problem) => `after ${name} of ${victim.name}: ${problem}`));
      // Sometimes the next fault meets a pair that has not found together yet.
      if (random.chance(0.5)) await a.settle(b);
      else await sleep(random.int(0, 400));
    }
  } finally {
    await Promise.all(writers.map((writer) => writer.stop()));
  }
  await a.settle(b);
  problems.push(...history.judge(await a.contents(), await b.contents()));
  const longestMs = Math.max(...writers.map((writer) => writer.longestMs));
  return { problems, faults, writes: history.operations, longestMs };
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.int(0, left.length - 1), 1)[0]);
}
