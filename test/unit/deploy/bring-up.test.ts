// What deploy does to a node whose settings have changed goes by whether it holds anything.
import { describe, expect, it } from 'vitest';
import { planActions } from '../../../src/pair/deploy/bring-up.js';
import type { OpenNode, OpenPair } from '../../../src/pair/open-pair.js';
import type { NodeStatus } from '../../../src/service/service.js';

/** A node that takes no clients; its service manager says these things one after the other, the last one for ever. */
function silent(name: 'a' | 'b', ...says: NodeStatus[]): OpenNode {
  let next = 0;
  return {
    config: { name, port: 1 },
    host: { address: '127.0.0.1', connect: () => Promise.reject(new Error('refused')) },
    service: { status: async () => says[Math.min(next++, says.length - 1)] },
  } as unknown as OpenNode;
}

const planOf = (a: OpenNode, changed: boolean) =>
  planActions({ nodes: { a, b: silent('b', { state: 'stopped' }) } } as unknown as OpenPair, () => changed);

const AGAIN: NodeStatus = { state: 'starting', betweenTries: true };

describe('planActions', () => {
  it('starts what is down', async () => {
    expect(await planOf(silent('a', { state: 'failed' }), true)).toEqual({ a: 'start', b: 'start' });
  });

  it('leaves alone what runs on its settings', async () => {
    expect(await planOf(silent('a', { state: 'running' }), false)).toMatchObject({ a: 'none' });
  });

  it('starts one that fails over and over, also when it is met in the middle of a try', async () => {
    expect(await planOf(silent('a', AGAIN), true)).toMatchObject({ a: 'start' });
    const tries: NodeStatus[] = [{ state: 'running' }, { state: 'running' }, AGAIN];
    expect(await planOf(silent('a', ...tries), true)).toMatchObject({ a: 'start' });
  });

  it('restarts one that runs, though it takes no clients yet: it may hold something', async () => {
    expect(await planOf(silent('a', { state: 'running' }), true)).toMatchObject({ a: 'restart' });
  });
});
