// `npm run fuzz -- [--seconds N] [--seed S]`: fuzzes the built engine for so long.
import { parseArgs } from 'node:util';
import { fuzzProcess } from './fuzz-process.js';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } },
});
const seconds = Number(values.seconds);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
if (!(seconds > 0) || !Number.isSafeInteger(seed)) {
  console.error('usage: npm run fuzz -- [--seconds N] [--seed S]');
  process.exit(2);
}

console.log(`seed ${seed}, ${seconds} s`);
try {
  const { rounds, sentBytes, heardBytes, grownBytes } = await fuzzProcess(seconds, seed);
  const [sentKb, heardKb, grownKb] = [sentBytes, heardBytes, grownBytes].map((bytes) =>
    Math.round(bytes / 1024),
  );
  console.log(`${rounds} rounds; sent ${sentKb} KB, heard ${heardKb} KB; the process grew by ${grownKb} KB`);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
