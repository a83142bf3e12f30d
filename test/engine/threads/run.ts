// `npx tsx test/engine/threads/run.ts [--seconds 30] [--threads 4] [--connections 32] [--seed S]`: the hammer by hand.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { withNode } from '../../helpers/engine.js';
import { hammerNode } from './node-hammer.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    threads: { type: 'string', default: '4' },
    connections: { type: 'string', default: '32' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
  },
});

await withNode(['-t', values.threads], async ({ port }) => {
  const report = await hammerNode({
    port,
    connections: Number(values.connections),
    seconds: Number(values.seconds),
    seed: Number(values.seed),
  });
  console.log(JSON.stringify({ seed: values.seed, ...report }));
  process.exitCode = report.faults.length === 0 ? 0 : 1;
});
