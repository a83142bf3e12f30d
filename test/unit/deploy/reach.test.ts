// "Refused" is a good answer before anything listens; silence is not.
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { LocalHost } from '../../../src/host/local-host.js';
import { classify, judgeReach } from '../../../src/pair/deploy/reach.js';
import type { OpenNode } from '../../../src/pair/open-pair.js';

const nodeAt = (name: 'a' | 'b', replicationPort: number) =>
  ({ config: { name, replicationPort }, host: new LocalHost({ name }) }) as unknown as OpenNode;

describe('judgeReach', () => {
  it('tells a listener from a port that is merely reached', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    expect(await judgeReach(nodeAt('a', port), nodeAt('b', port))).toMatchObject({
      outcome: 'ok',
      detail: expect.stringMatching(/answers/),
    });
    await new Promise((resolve) => server.close(resolve));
    expect(await judgeReach(nodeAt('a', port), nodeAt('b', port))).toMatchObject({
      outcome: 'ok',
      detail: expect.stringMatching(/nothing listens yet/),
    });
  });
});

describe('classify', () => {
  const caused = (message: string) => new Error('a: cannot connect', { cause: new Error(message) });

  it.each([
    ['connect ECONNREFUSED 10.0.0.2:16000', 'refused'],
    ['(SSH) Channel open failure: Connection refused', 'refused'],
    ['(SSH) Channel open failure: open failed: administratively prohibited', 'forbidden'],
    ['(SSH) Channel open failure: No route to host', 'blocked'],
    ['connect ETIMEDOUT', 'blocked'],
  ])('%s', (message, kind) => {
    expect(classify(caused(message)).kind).toBe(kind);
  });
});
