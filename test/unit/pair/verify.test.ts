// Each check must be able to fail: two servers that replicate nothing, and one server seen through one fault at a time.
import { describe, expect, test } from 'vitest';
import type { CheckResult } from '../../../src/pair/check-result.js';
import type { NodeName } from '../../../src/pair/types.js';
import type { VerifyOptions } from '../../../src/pair/verify/report.js';
import { checkPair, verifyPair } from '../../../src/pair/verify/verify.js';
import {
  blindFor,
  distorting,
  type Faults,
  faultyClient,
  firstSightOnly,
  nothingEverGoes,
} from './faulty-client.js';
import { hasMemcached, withClient, withMemcached } from './memcached.js';
import { testPair } from './test-pair.js';

/** A check that holds must do so on a busy machine too. */
const QUICK: VerifyOptions = { visibleWithinMs: 1500, lagSamples: 10, manyKeys: 120 };

// biome-ignore format: a list of names
const DIRECTION_IDS = [
  'set', 'add', 'replace', 'append', 'prepend', 'cas', 'incr', 'decr', 'delete', 'noreply',
  'flags', 'binary', 'empty', 'long-key', 'large', 'too-large', 'many', 'lag',
  'expiry', 'expiry-absolute', 'touch', 'gat',
];
const AGREEMENT_IDS = ['settled', 'digest', 'clocks', 'clean'];

interface Outcome {
  ab: CheckResult[];
  ba: CheckResult[];
  both: CheckResult[];
}

async function check(
  ports: Record<NodeName, number>,
  faults: Partial<Record<NodeName, Faults>>,
  options = QUICK,
): Promise<Outcome> {
  const clients = {
    a: await faultyClient(ports.a, 'a', faults.a),
    b: await faultyClient(ports.b, 'b', faults.b),
  };
  const pair = testPair({ a: { port: ports.a }, b: { port: ports.b } });
  const { directions, agreement } = await checkPair(pair, clients, options);
  return { ab: directions[0].checks, ba: directions[1].checks, both: agreement };
}

function failedIds(results: readonly CheckResult[]): string[] {
  return results.filter(({ outcome }) => outcome !== 'ok').map(({ id }) => id);
}

describe.skipIf(!hasMemcached).concurrent('checks on memcached (/usr/bin/memcached)', () => {
  test('one server in both roles, the perfect pair: every check holds and nothing is left', () =>
    withMemcached([[]], async (port) => {
      const outcome = await check({ a: port, b: port }, {});
      expect(outcome.ab.map(({ id }) => id)).toEqual(DIRECTION_IDS);
      expect(outcome.both.map(({ id }) => id)).toEqual(AGREEMENT_IDS);
      expect(
        [...outcome.ab, ...outcome.ba, ...outcome.both].filter(({ outcome }) => outcome !== 'ok'),
      ).toEqual([]);
      await withClient(port, async (client) => expect((await client.stats()).get('curr_items')).toBe('0'));
    }));

  test('two servers that replicate nothing: every check fails, and both are left empty', () =>
    withMemcached([[], []], async (a, b) => {
      const outcome = await check({ a, b }, {}, { ...QUICK, visibleWithinMs: 300 });
      expect(failedIds(outcome.ab)).toEqual(DIRECTION_IDS);
      expect(failedIds(outcome.ba)).toEqual(DIRECTION_IDS);
      expect(failedIds(outcome.both)).toEqual(['digest']);
      for (const result of [...outcome.ab, ...outcome.ba]) {
        expect(result, result.id).toMatchObject({ expected: /./, seen: /./, remedy: /./ });
      }
      expect(outcome.ab[0]).toMatchObject({
        expected: '"first" with flags 0 on b within 300 ms',
        seen: 'nothing',
      });
      for (const port of [a, b]) {
        await withClient(port, async (client) => expect((await client.stats()).get('curr_items')).toBe('0'));
      }
    }));

  // What b shows is wrong in one way; the other direction and all other checks must still hold.
  test.each<[string, Faults, string[]]>([
    [
      'updates do not arrive',
      { lens: firstSightOnly() },
      ['set', 'replace', 'append', 'prepend', 'cas', 'incr', 'decr'],
    ],
    [
      'nothing ever goes away',
      { lens: nothingEverGoes() },
      ['delete', 'noreply', 'too-large', 'expiry', 'expiry-absolute', 'touch', 'gat'],
    ],
    ['CAS uniques differ', { lens: distorting(({ cas }) => ({ cas: `${BigInt(cas) + 1n}` })) }, ['cas']],
    ['flags of 16 bits', { lens: distorting(({ flags }) => ({ flags: flags & 0xffff })) }, ['flags']],
    [
      'values taken for text',
      { lens: distorting(({ value }) => ({ value: Buffer.from(value.toString('utf8')) })) },
      ['binary', 'large'],
    ],
    [
      'values cut at a line end',
      {
        lens: distorting(({ value }) => ({
          value: Buffer.from(value.toString('latin1').split('\r\n')[0], 'latin1'),
        })),
      },
      ['binary'],
    ],
    ['empty values missing', { lens: blindFor((_, { value }) => value.length === 0) }, ['empty']],
    ['long keys missing', { lens: blindFor((key) => key.length > 249) }, ['long-key']],
    ['large values missing', { lens: blindFor((_, { value }) => value.length > 1_000_000) }, ['large']],
    ['one key in many missing', { lens: blindFor((key) => key.endsWith(':many-119')) }, ['many']],
    ['one write in many late', { lens: blindFor((key) => key.endsWith(':lag-9')) }, ['lag']],
    ['added keys missing', { lens: blindFor((key) => key.endsWith(':add')) }, ['add']],
  ])('%s', (_, faults, expected) =>
    withMemcached([[]], async (port) => {
      const outcome = await check({ a: port, b: port }, { b: faults });
      expect(failedIds(outcome.ab)).toEqual(expected);
    }),
  );

  test.each<[string, Faults, string[]]>([
    ['touch does nothing', { ignored: ['touch'] }, ['touch']],
    ['gat does not touch', { ignored: ['gats'] }, ['gat']],
    ['noreply is dropped', { ignored: ['noreply'] }, ['noreply']],
    ['append is dropped', { ignored: ['append'] }, ['append']],
    ['prepend is dropped', { ignored: ['prepend'] }, ['prepend']],
  ])('%s', (_, faults, expected) =>
    withMemcached([[]], async (port) => {
      const outcome = await check({ a: port, b: port }, { a: faults });
      expect(failedIds(outcome.ab)).toEqual(expected);
      expect(failedIds(outcome.ba)).toEqual([]);
    }),
  );

  test.each<[string, Partial<Record<NodeName, Faults>>, string]>([
    [
      'writes not yet acknowledged',
      { a: { replication: { repl_unacked: '5', repl_acked_seq: '4' } } },
      'settled',
    ],
    ['a node that looks for its peer', { b: { replication: { repl_state: 'connecting' } } }, 'settled'],
    ['clocks 9 s apart', { b: { replication: { repl_clock_offset_ms: '-9000' } } }, 'clocks'],
    ['deletes that do nothing', { a: { ignored: ['delete'] }, b: { ignored: ['delete'] } }, 'clean'],
  ])('%s', (_, faults, expected) =>
    withMemcached([[]], async (port) => {
      const outcome = await check({ a: port, b: port }, faults);
      expect(failedIds(outcome.both)).toEqual([expected]);
    }),
  );
});

describe.skipIf(!hasMemcached)('before anything is checked (/usr/bin/memcached)', () => {
  test('plain memcached on both: said once, nothing is written', () =>
    withMemcached([[], []], async (a, b) => {
      const report = await verifyPair(testPair({ a: { port: a }, b: { port: b } }), QUICK);
      expect(report).toMatchObject({ ok: false, directions: [], agreement: [] });
      expect(failedIds(report.preflight)).toEqual(['link']);
      expect(report.preflight[2]).toMatchObject({
        seen: expect.stringContaining('answered "ERROR" to stats replication'),
        remedy: 'both nodes must be repcached; see `repcachectl status`',
      });
      await withClient(a, async (client) => expect((await client.stats()).get('cmd_set')).toBe('0'));
    }));

  test('a node that is down is named with what its service manager says, and the remedy', () =>
    withMemcached([[]], async (a) => {
      const status = async () => ({ state: 'failed' as const, detail: 'exit status 71' });
      const report = await verifyPair(testPair({ a: { port: a }, b: { port: 1, status } }), QUICK);
      expect(report).toMatchObject({ ok: false, directions: [], agreement: [] });
      expect(report.preflight.map(({ outcome }) => outcome)).toEqual(['ok', 'failed', 'skipped']);
      expect(report.preflight[1]).toMatchObject({
        id: 'answers-b',
        seen: expect.stringMatching(/^b has failed \(exit status 71\); .*127\.0\.0\.1:1\b/),
        remedy: 'see `repcachectl logs`, then `repcachectl start`',
      });
    }));

  test('a host that cannot be asked either', async () => {
    const status = async (): Promise<never> => {
      throw new Error('no route to host');
    };
    const report = await verifyPair(testPair({ a: { port: 1, status }, b: { port: 1, status } }), QUICK);
    expect(failedIds(report.preflight)).toEqual(['answers-a', 'answers-b', 'link']);
    expect(report.preflight[0].seen).toContain("a: its host can't be asked: no route to host");
  });
});

describe.skipIf(!hasMemcached)('cut short (/usr/bin/memcached)', () => {
  test('an abort removes the keys first, then is thrown', () =>
    withMemcached([[]], async (port) => {
      const controller = new AbortController();
      const clients = { a: await faultyClient(port, 'a'), b: await faultyClient(port, 'b') };
      let seenChecks = 0;
      const run = checkPair(testPair({ a: { port }, b: { port } }), clients, {
        ...QUICK,
        signal: controller.signal,
        onCheck: () => {
          seenChecks += 1;
          if (seenChecks === 5) controller.abort(new Error('interrupted by the operator'));
        },
      });
      await expect(run).rejects.toThrow('interrupted by the operator');
      await withClient(port, async (client) => {
        const stats = await client.stats();
        expect(Number(stats.get('cmd_set'))).toBeGreaterThan(0);
        expect(stats.get('curr_items')).toBe('0');
      });
    }));

  test('a connection that is lost half way: one check fails for it, the others are skipped, the keys are removed', () =>
    withMemcached([[]], async (port) => {
      const clients = { a: await faultyClient(port, 'a'), b: await faultyClient(port, 'b') };
      const lost = clients.b;
      const { directions, agreement } = await checkPair(testPair({ a: { port }, b: { port } }), clients, {
        ...QUICK,
        onCheck: (_, { id }) => id === 'decr' && lost.close(),
      });
      const outcomes = directions[0].checks.map(({ id, outcome }) => `${id} ${outcome}`);
      expect(outcomes.slice(7, 10)).toEqual(['decr ok', 'delete skipped', 'noreply skipped']);
      expect(agreement.at(-1)).toMatchObject({ id: 'clean', outcome: 'ok' });
      await withClient(port, async (client) => expect((await client.stats()).get('curr_items')).toBe('0'));
    }));
});
