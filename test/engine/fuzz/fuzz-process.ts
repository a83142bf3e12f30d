// Fuzzes the built engine as it runs: hostile connections by the dozen, and one good client that must notice nothing.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { type TestNode, withNode } from '../../helpers/engine.js';
import type { TextClient } from '../../helpers/text-client.js';
import { Random } from '../simulation/random.js';
import { type HostileConnection, hostileConnection } from './hostile-traffic.js';

const MIB = 1024 * 1024;
const MEMORY_MB = 64;
/** -F: a flush that a mutation made would look like a loss. */
const FLAGS = ['-m', String(MEMORY_MB), '-F', '-t', '2'];
const CONNECTIONS_PER_ROUND = 12;
/** A connection that was not answered and closed by then hangs. */
const HANG_MS = 20_000;
/** What the process may grow by: its items, what the connections of a round hold, and what the runtime has not collected yet. */
const GROWTH_MAX_BYTES = (MEMORY_MB + 160) * MIB;

export interface FuzzResult {
  readonly rounds: number;
  readonly sentBytes: number;
  readonly heardBytes: number;
  readonly grownBytes: number;
}

/**
 * Runs rounds for so long, at least one. The round with seed S is the same in every run.
 * @throws Error that names the seed of the round that failed
 */
export async function fuzzProcess(seconds: number, firstSeed: number): Promise<FuzzResult> {
  let rounds = 0;
  let sentBytes = 0;
  let heardBytes = 0;
  let grownBytes = 0;
  await withNode(FLAGS, async (node) => {
    const beforeBytes = residentBytes(node.process.pid);
    const control = new Control(await node.connect());
    const deadlineMs = performance.now() + seconds * 1000;
    do {
      const seed = firstSeed + rounds;
      try {
        const traffic = await playRound(node, control, new Random(seed));
        sentBytes += traffic.sentBytes;
        heardBytes += traffic.heardBytes;
        grownBytes = residentBytes(node.process.pid) - beforeBytes;
        if (grownBytes > GROWTH_MAX_BYTES) throw new Error(`the process has grown by ${grownBytes} bytes`);
      } catch (error) {
        const replay = `npm run fuzz -- --seconds 1 --seed ${seed} (or, if it takes what came before, --seed ${firstSeed})`;
        throw new Error(`seed ${seed}: ${String(error)}; replay with: ${replay}`, { cause: error });
      }
      rounds += 1;
    } while (performance.now() < deadlineMs);
    await checkVersion(await node.connect());
  });
  return { rounds, sentBytes, heardBytes, grownBytes };
}

async function playRound(
  node: TestNode,
  control: Control,
  random: Random,
): Promise<{ sentBytes: number; heardBytes: number }> {
  const hostile = Array.from({ length: CONNECTIONS_PER_ROUND }, () => hostileConnection(random));
  let isOver = false;
  const heard = Promise.all(hostile.map((connection) => play(node.port, connection)));
  const watched = (async () => {
    do await control.check(random);
    while (!isOver);
  })();
  const [heardBytes] = await Promise.all([
    heard.finally(() => {
      isOver = true;
    }),
    watched,
  ]);
  await checkVersion(await node.connect());
  return {
    sentBytes: hostile.flatMap(({ pieces }) => pieces).reduce((sum, { length }) => sum + length, 0),
    heardBytes: heardBytes.reduce((sum, count) => sum + count, 0),
  };
}

/** Says everything, then ends its half, and waits until the engine has closed. @returns bytes heard */
async function play(port: number, { pieces, resets }: HostileConnection): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let heardBytes = 0;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`a connection was not closed within ${HANG_MS} ms`));
    }, HANG_MS);
    socket.on('data', (bytes) => {
      heardBytes += bytes.length;
    });
    // A reset is how the engine closes a connection whose bytes it does not want to read.
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.on('connect', () => {
      for (const piece of pieces) socket.write(piece);
      if (resets) socket.resetAndDestroy();
      else socket.end();
    });
  });
  return heardBytes;
}

/** The good client: what it stores is what it gets. */
class Control {
  readonly #client: TextClient;
  #writes = 0;

  constructor(client: TextClient) {
    this.#client = client;
  }

  async check(random: Random): Promise<void> {
    const key = `control:${this.#writes % 16}`;
    const value = `<${key}:${this.#writes}>`.repeat(random.pick([1, 10, 300]));
    this.#writes += 1;
    const stored = await this.#client.set(key, value);
    if (stored !== 'STORED') throw new Error(`the control client's set was answered with ${stored}`);
    const got = await this.#client.get(key);
    if (got !== value)
      throw new Error(`the control client got ${got?.slice(0, 100)} for ${value.slice(0, 100)}`);
  }
}

async function checkVersion(client: TextClient): Promise<void> {
  const answer = await client.command('version');
  client.close();
  if (!answer.startsWith('VERSION ')) throw new Error(`version was answered with ${answer}`);
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
