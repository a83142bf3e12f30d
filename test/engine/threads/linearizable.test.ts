// Short random histories on the node's threads, each explained by an exhaustive search; and that the search is strict.
import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { withNode } from '../../helpers/engine.js';
import type { TextClient } from '../../helpers/text-client.js';
import { Random } from '../simulation/random.js';
import { type Answer, type Command, isLinearizable, type Operation } from './linearizable.js';

const ROUNDS = 150;
const CONNECTIONS = 6;
const KEYS_PER_ROUND = 2;
const COMMANDS_PER_CONNECTION = 5;

/** Plays one round: every connection sends its commands one after the other, all of them at the same time. */
async function play(
  clients: readonly TextClient[],
  prefix: string,
  seed: number,
): Promise<Map<string, Operation[]>> {
  const histories = new Map<string, Operation[]>();
  for (let key = 0; key < KEYS_PER_ROUND; key++) histories.set(`${prefix}${key}`, []);
  let time = 0;
  await Promise.all(
    clients.map(async (client, index) => {
      const random = new Random(seed * CONNECTIONS + index);
      const seen = new Map<string, string>();
      for (let count = 0; count < COMMANDS_PER_CONNECTION; count++) {
        const key = random.pick([...histories.keys()]);
        const command = randomCommand(random, seen.get(key));
        const sent = time++;
        const answer = await ask(client, key, command);
        if (typeof answer === 'object' && 'unique' in answer) seen.set(key, answer.unique);
        histories.get(key)?.push({ command, answer, sent, received: time++ });
      }
    }),
  );
  return histories;
}

/** Values are numbers, so that all commands go together. */
function randomCommand(random: Random, unique: string | undefined): Command {
  const value = String(random.int(1, 99));
  const choice = random.int(0, 99);
  if (choice < 30) return { kind: 'get' };
  if (choice < 40) return { kind: 'delete' };
  if (choice < 50) return { kind: 'incr', by: random.int(1, 9) };
  if (choice < 65 && unique !== undefined) return { kind: 'cas', value, unique };
  return { kind: random.pick(['set', 'add', 'replace', 'append'] as const), value };
}

async function ask(client: TextClient, key: string, command: Command): Promise<Answer> {
  switch (command.kind) {
    case 'get': {
      const item = await client.getItem(key);
      return item === undefined ? 'miss' : { value: item.value.toString(), unique: item.cas };
    }
    case 'delete':
      return { line: await client.command(`delete ${key}`) };
    case 'incr':
      return { line: await client.command(`incr ${key} ${command.by}`) };
    case 'cas':
      return {
        line: await client.command(
          `cas ${key} 0 0 ${command.value.length} ${command.unique}\r\n${command.value}`,
        ),
      };
    default:
      return {
        line: await client.command(`${command.kind} ${key} 0 0 ${command.value.length}\r\n${command.value}`),
      };
  }
}

describe('histories on four threads', () => {
  it('can all have happened one command after the other', async () => {
    const firstSeed = randomInt(2 ** 24);
    await withNode(['-t', '4'], async (node) => {
      const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => node.connect()));
      for (let round = 0; round < ROUNDS; round++) {
        const seed = firstSeed + round;
        for (const [key, history] of await play(clients, `h${round}-`, seed)) {
          const text = (): string =>
            `seed ${seed}, ${key}:\n${history.map((one) => JSON.stringify(one)).join('\n')}`;
          if (!isLinearizable(history)) expect.fail(`no order explains it; ${text()}`);
        }
      }
    });
  });
});

describe('the search', () => {
  const get = (value: string, unique: string, sent: number, received: number): Operation => ({
    command: { kind: 'get' },
    answer: { value, unique },
    sent,
    received,
  });
  const line = (command: Command, answer: string, sent: number, received: number): Operation => ({
    command,
    answer: { line: answer },
    sent,
    received,
  });
  const set = (value: string, sent: number, received: number): Operation =>
    line({ kind: 'set', value }, 'STORED', sent, received);

  it('finds the order of commands that overlap', () => {
    expect(isLinearizable([set('1', 0, 5), set('2', 1, 4), get('1', 'a', 2, 6), get('2', 'b', 3, 7)])).toBe(
      true,
    );
  });

  it.each<[string, Operation[]]>([
    ['a value that was gone before the get was sent', [set('1', 0, 1), set('2', 2, 3), get('1', 'a', 4, 5)]],
    [
      'an increment that was lost',
      [set('1', 0, 1), line({ kind: 'incr', by: 1 }, '2', 2, 4), line({ kind: 'incr', by: 1 }, '2', 3, 5)],
    ],
    [
      'two cas with the same unique that both went well',
      [
        set('1', 0, 1),
        get('1', 'a', 2, 3),
        line({ kind: 'cas', value: '2', unique: 'a' }, 'STORED', 4, 6),
        line({ kind: 'cas', value: '3', unique: 'a' }, 'STORED', 5, 7),
      ],
    ],
    ['a delete of nothing', [line({ kind: 'delete' }, 'DELETED', 0, 1)]],
    ['a value that nobody stored', [set('1', 0, 1), get('3', 'a', 2, 3)]],
  ])('is not content with %s', (_what, history) => {
    expect(isLinearizable(history)).toBe(false);
  });
});
