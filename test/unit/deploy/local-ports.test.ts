// A local pair takes the ports that it is asked to where they are free, and the next free ones elsewhere.
import { describe, expect, it } from 'vitest';
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

const choose = (takenPorts: readonly number[], running: readonly NodeName[] = []) =>
  chooseLocalPorts(
    PAIR,
    async (name) => running.includes(name),
    async (port) => !takenPorts.includes(port),
  );

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
    const { config } = await choose([11211, 11212, 16000, 16001], ['a']);
    expect(config.nodes.a).toEqual(PAIR.nodes.a);
    expect(config.nodes.b).toMatchObject({ port: 11213, replicationPort: 16002 });
  });

  it('gives up after a while', async () => {
    await expect(
      chooseLocalPorts(
        PAIR,
        async () => false,
        async () => false,
      ),
    ).rejects.toMatchObject({ code: 'NO_FREE_PORT', exitName: 'unsuitable' });
  });
});
