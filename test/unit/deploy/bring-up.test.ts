// What deploy does to a node whose settings have changed goes by whether it holds anything.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OperatorError } from '../../../src/errors.js';
import { bringUp, planActions } from '../../../src/pair/deploy/bring-up.js';
import type { OpenNode, OpenPair } from '../../../src/pair/open-pair.js';
import type { Progress } from '../../../src/pair/progress.js';
import type { NodeStatus } from '../../../src/service/service.js';
import { withNode } from '../../helpers/engine.js';
import { testPair } from '../pair/test-pair.js';

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

describe('bringUp', () => {
  const notReached = (): Promise<never> => Promise.reject(new Error('nothing is to be done'));
  const progress: Progress = { step: notReached, both: notReached };

  /** Of a node that has no peer, and so holds what nobody else does. */
  const refusal = async (...flags: string[]): Promise<OperatorError> => {
    let thrown: unknown;
    await withNode(flags, async ({ port }) => {
      const pair = testPair({ a: { port }, b: { port } });
      const actions = { a: 'restart', b: 'none' } as const;
      const options = { signal: new AbortController().signal, progress };
      thrown = await bringUp(pair, actions, options).catch((error: unknown) => error);
    });
    return thrown as OperatorError;
  };

  it('does not restart a node whose items would be lost', async () => {
    const { code, message, suggestions } = await refusal();
    expect(code).toBe('RESTART_WOULD_LOSE_DATA');
    expect(message).toMatch(/what only a holds would be lost$/);
    expect(suggestions.join()).toContain('to give up what only a holds');
  });

  it('nor one that keeps them in a file, but says so', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'repcachectl-bring-up-'));
    try {
      const { code, message, suggestions } = await refusal('-e', join(folder, 'memory'));
      expect(code).toBe('RESTART_WOULD_LOSE_DATA');
      expect(message).toMatch(/until a is back, clients would find nothing of what only a holds$/);
      expect(suggestions.join()).toContain('it keeps what it holds in its file');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
