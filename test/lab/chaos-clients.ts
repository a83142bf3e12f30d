// The clients of the chaos test, on the ops machine: writers on both nodes, and the history of what they were told.
// Run as `chaos-clients.ts ADDRESS_A ADDRESS_B SEED`; takes a command a line, and answers each in one line of JSON.
import { createInterface } from 'node:readline';
import { History } from '../engine/chaos/history.js';
import { ObservedNode } from '../engine/chaos/observed-node.js';
import { Writer } from '../engine/chaos/writer.js';
import { Random } from '../engine/simulation/random.js';

const PORT = 11211;
const WRITERS_PER_NODE = 3;

/** What the last command, `end`, comes to. */
export interface Verdict {
  readonly problems: readonly string[];
  readonly writes: number;
  readonly held: number;
}

const history = new History();
const random = new Random(Number(process.argv[4]));
const [a, b] = ['a', 'b'].map(
  (name, at) => new ObservedNode(name, { host: process.argv[2 + at], port: PORT }, history),
);
const writers: Writer[] = [];

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await obey(line).catch((error: Error) => ({ error: error.message }));
  process.stdout.write(`${JSON.stringify(answer ?? {})}\n`);
}

/** `start`; `settle`; `stopped NODE` and `died NODE`, of its process; `end`. */
async function obey(line: string): Promise<Verdict | undefined> {
  const [verb, name] = line.split(' ');
  const [node, peer] = name === 'a' ? [a, b] : [b, a];
  switch (verb) {
    case 'start':
      await a.settle(b);
      for (const each of [a, b]) {
        for (let at = 0; at < WRITERS_PER_NODE; at += 1)
          writers.push(new Writer(`${each.name}${at}`, each, history, new Random(random.int(0, 2 ** 31))));
      }
      return undefined;
    case 'settle':
      await a.settle(b);
      return undefined;
    case 'stopped':
      node.handOver(peer);
      node.loseMemory();
      return undefined;
    case 'died':
      node.loseMemory();
      return undefined;
    case 'end':
      return await judge();
    default:
      throw new Error(`no such command: ${line}`);
  }
}

async function judge(): Promise<Verdict> {
  await Promise.all(writers.map((writer) => writer.stop()));
  await a.settle(b);
  const [onA, onB] = [await a.contents(), await b.contents()];
  return { problems: history.judge(onA, onB), writes: history.operations, held: onA.size };
}
