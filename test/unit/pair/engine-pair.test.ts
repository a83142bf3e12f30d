// verify, failover-drill and status on two real engine processes (dist/engine, which `npm test` builds first).
import { expect, test } from 'vitest';
import { runDrill } from '../../../src/pair/drill/drill.js';
import type { OpenPair } from '../../../src/pair/open-pair.js';
import { pairStatus } from '../../../src/pair/status.js';
import { verifyPair } from '../../../src/pair/verify/verify.js';
import type { NodeStatus } from '../../../src/service/service.js';
import { type TestNode, withPair } from '../../helpers/engine.js';
import { withClient } from './memcached.js';
import { testPair } from './test-pair.js';

function openEnginePair({ a, b }: { a: TestNode; b: TestNode }): OpenPair {
  const serviceOf = (node: TestNode) => ({
    port: node.port,
    replicationPort: node.replicationPort,
    status: async (): Promise<NodeStatus> =>
      node.process.hasExited
        ? { state: 'failed', detail: 'killed' }
        : { state: 'running', pid: node.process.pid },
    crash: async () => {
      await node.process.end('SIGKILL');
    },
    recover: async () => {
      if (node.process.hasExited) await node.start();
    },
  });
  return testPair({ a: serviceOf(a), b: serviceOf(b) });
}

/** Neither a key nor a connection is left, but for the one that asks. */
async function expectNothingLeft(...nodes: TestNode[]): Promise<void> {
  for (const { port } of nodes) {
    await withClient(port, async (client) => {
      expect((await client.stats()).get('curr_items')).toBe('0');
      await expect.poll(async () => (await client.stats()).get('curr_connections')).toBe('1');
    });
  }
}

function failures(checks: readonly { outcome: string }[]): unknown[] {
  return checks.filter(({ outcome }) => outcome !== 'ok');
}

test('a real pair passes every check, and nothing is left on it', () =>
  withPair(async ({ a, b }) => {
    const report = await verifyPair(openEnginePair({ a, b }));
    expect(failures([...report.preflight, ...report.directions.flatMap(({ checks }) => checks)])).toEqual([]);
    expect(failures(report.agreement)).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.directions.map(({ lag }) => lag?.samples)).toEqual([200, 200]);
    await expectNothingLeft(a, b);
  }));

test('a real pair passes the drill: each node is killed, comes back, and gets all it missed', () =>
  withPair(async ({ a, b }) => {
    const options = { loadBeforeSec: 1, downSec: 1, loadAfterSec: 0.5, restoreAfterSec: 60 };
    const report = await runDrill(openEnginePair({ a, b }), options);
    expect(failures(report.rounds.flatMap(({ checks }) => checks))).toEqual([]);
    expect(report).toMatchObject({ ok: true, rounds: [{ victim: 'b' }, { victim: 'a' }] });
    await expectNothingLeft(a, b);
  }));

test('an abort while a node is dead brings it back, in sync and without a key of the drill', () =>
  withPair(async ({ a, b }) => {
    const pair = openEnginePair({ a, b });
    const controller = new AbortController();
    const run = runDrill(pair, {
      loadBeforeSec: 0.5,
      signal: controller.signal,
      onProgress: ({ what }) => what === 'b is killed' && controller.abort(new Error('interrupted')),
    });
    await expect(run).rejects.toThrow('interrupted');
    expect(b.process.hasExited).toBe(false);
    await expectNothingLeft(a, b);
  }));

test('the status of a pair: in sync, then with one node down, then with none', () =>
  withPair(async ({ a, b }) => {
    const pair = openEnginePair({ a, b });
    const inSync = await pairStatus(pair);
    expect(inSync).toMatchObject({
      ok: true,
      verdict: 'in sync',
      nodes: {
        a: {
          service: { state: 'running', pid: a.process.pid },
          replication: { state: 'synced', unacked: 0 },
        },
        b: { server: { items: 0, limitBytes: expect.any(Number) } },
      },
    });

    await b.process.end('SIGKILL');
    const degraded = await pairStatus(pair);
    expect(degraded).toMatchObject({
      ok: false,
      verdict: 'degraded: b is down (killed)',
      remedy: 'see `repcachectl logs`, then `repcachectl start`',
      nodes: {
        a: { server: { items: 0 } },
        b: { problem: expect.stringMatching(/^b has failed \(killed\); /) },
      },
    });
    expect(degraded.nodes.b.server).toBeUndefined();

    await a.process.end('SIGKILL');
    expect(await pairStatus(pair)).toMatchObject({ ok: false, verdict: 'down: neither node answers' });
  }));

test('a node without its peer: verify names the link or the node, and writes nothing', () =>
  withPair(async ({ a, b }) => {
    const pair = openEnginePair({ a, b });
    await b.process.end('SIGKILL');
    const report = await verifyPair(pair);
    expect(report).toMatchObject({ ok: false, directions: [], agreement: [] });
    expect(report.preflight.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
      'answers-a ok',
      'answers-b failed',
      'link skipped',
    ]);
  }));
