// A local pair takes the ports that it is asked to or none; in place of defaults that are taken, the next free ones.
import { describe, expect, it } from 'vitest';
import type { PortKind } from '../../../src/pair/config/locate.js';
import { chooseLocalPorts } from '../../../src/pair/deploy/local-ports.js';
import type { NodeName, PairConfig } from '../../../src/pair/types.js';

const node = <N extends NodeName>(name: N, port: number, replicationPort: number) => ({
  name,
  host: 'local',
  port,
  replicationPort,
});
const PAIR: PairConfig = {
  version: 1,
  engine: 'repcached',
  local: true,
  memoryMb: 64,
  connections: 64,
  threads: 1,
  nodes: { a: node('a', 11211, 16000), b: node('b', 11212, 16001) },
};

const choose = (
  takenPorts: readonly number[],
  { running = [], asked = [] }: { running?: readonly NodeName[]; asked?: readonly PortKind[] } = {},
) =>
  chooseLocalPorts(PAIR, asked, {
    isOurs: async (name) => running.includes(name),
    findHolder: async (port) => ({ port, pid: 7, program: 'other' }),
    tryPort: async (port) => {
      if (port < 1024) return 'forbidden';
      return takenPorts.includes(port) ? 'taken' : 'free';
    },
  });

describe('chooseLocalPorts', () => {
  it('changes nothing where all are free', async () => {
    expect(await choose([])).toEqual({ config: PAIR, moved: [] });
  });

  it('takes the next free one, and never one for both nodes', async () => {
    const { config, moved } = await choose([11211]);
    expect([config.nodes.a.port, config.nodes.b.port]).toEqual([11212, 11213]);
    expect(moved).toEqual([
      { node: 'a', what: 'port', from: 11211, to: 11212 },
      { node: 'b', what: 'port', from: 11212, to: 11213 },
    ]);
  });

  it('leaves a running node its ports, taken as they are', async () => {
    const { config } = await choose([11211, 11212, 16000, 16001], { running: ['a'] });
    expect(config.nodes.a).toEqual(PAIR.nodes.a);
    expect(config.nodes.b).toMatchObject({ port: 11213, replicationPort: 16002 });
  });

  it('gives up after a while', async () => {
    const all = Array.from({ length: 300 }, (_, index) => 11211 + index);
    await expect(choose(all)).rejects.toMatchObject({ code: 'NO_FREE_PORT', exitName: 'unsuitable' });
  });

  it.each([
    ['port', 11211, '--port'],
    ['replicationPort', 16000, '--replication-port'],
  ] as const)('chooses no other %s than the one that was asked for', async (kind, port, flag) => {
    await expect(choose([port], { asked: [kind] })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      exitName: 'unsuitable',
      message: `port ${port} is taken by other (pid 7)`,
      suggestions: expect.arrayContaining([`choose another port with ${flag}`]),
    });
  });

  it('chooses for node b, whose port nobody named', async () => {
    const { config } = await choose([11212], { asked: ['port'] });
    expect([config.nodes.a.port, config.nodes.b.port]).toEqual([11211, 11213]);
  });

  it('finds the ports of a node that runs no obstacle to asking for them', async () => {
    const asked = ['port', 'replicationPort'] as const;
    expect(await choose([11211, 16000], { running: ['a'], asked })).toEqual({ config: PAIR, moved: [] });
  });
});
