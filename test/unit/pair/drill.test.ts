// The drill on a pair that is perfect but for one thing: it must see that thing, and put everything back.
import { describe, expect, test } from 'vitest';
import { runDrill } from '../../../src/pair/drill/drill.js';
import type { DrillOptions, DrillReport, DrillRound } from '../../../src/pair/drill/report.js';
import { poll } from '../../../src/pair/wait.js';
import { hasMemcached, withClient } from './memcached.js';
import { type TwinFaults, type TwinPair, withTwinPair } from './twin-pair.js';

const QUICK: DrillOptions = {
  baselineKeys: 30,
  writesPerSec: 200,
  loadBeforeSec: 0.5,
  downSec: 0.3,
  loadAfterSec: 0.2,
  resyncWithinSec: 1,
};

async function drill(
  faults: TwinFaults,
  options: DrillOptions,
  look: (report: DrillReport, twin: TwinPair) => Promise<void> | void,
): Promise<void> {
  await withTwinPair(faults, async (twin) => {
    const report = await runDrill(twin.pair, { ...QUICK, ...options });
    await look(report, twin);
    await expectEmpty(twin);
  });
}

/** Neither a key nor a connection is left. */
async function expectEmpty({ shared, doors }: TwinPair): Promise<void> {
  const noneOpen = async () => (doors.a.connections + doors.b.connections === 0 ? true : undefined);
  expect(await poll(noneOpen, { withinMs: 5000 }), 'connections are left open').toBe(true);
  await withClient(shared, async (client) => {
    const stats = await client.stats();
    expect(Number(stats.get('cmd_set'))).toBeGreaterThan(0);
    expect(stats.get('curr_items')).toBe('0');
  });
}

function failed(round: DrillRound): string[] {
  return round.checks.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id);
}

describe.skipIf(!hasMemcached).concurrent('on memcached behind two doors (/usr/bin/memcached)', () => {
  test('both nodes in turn: all checks hold, the figures are there, nothing is left', () =>
    drill({}, {}, (report, { calls, doors }) => {
      expect(report).toMatchObject({ ok: true, rounds: [{ victim: 'b', survivor: 'a' }, { victim: 'a' }] });
      expect(calls).toEqual(['crash b', 'recover b', 'crash a', 'recover a']);
      expect([doors.a.isOpen, doors.b.isOpen]).toEqual([true, true]);
      for (const round of report.rounds) {
        const ids = ['baseline', 'kill', 'kept', 'lost', 'writable', 'restart', 'resync', 'equal'];
        expect(round.checks.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual(
          ids.map((id) => `${id} ok`),
        );
        expect(round).toMatchObject({
          lost: [],
          portOpenMs: expect.any(Number),
          resyncMs: expect.any(Number),
        });
        expect(round.ackedByVictim).toBeGreaterThan(0);
        expect(round.ackedWrites).toBeGreaterThan(round.ackedByVictim);
        // Clients were on the node that died, so they must have noticed.
        expect(round.clientErrors).toBeGreaterThan(0);
        expect(doors[round.survivor].mostConnections).toBeLessThanOrEqual(10);
        expect(round.longestGapMs).toBeGreaterThan(0);
        expect(round.timeline.map(({ what }) => what)).toEqual(
          expect.arrayContaining([
            'load begins',
            `${round.victim} is killed`,
            'both nodes are in sync',
            'load ends',
          ]),
        );
      }
    }));

  test('a node that is not dead after the kill', () =>
    drill({ crash: async () => undefined }, { victims: ['b'] }, ({ ok, rounds: [round] }, { calls }) => {
      expect({ ok, failed: failed(round) }).toEqual({ ok: false, failed: ['kill'] });
      expect(calls).toEqual(['crash b', 'recover b']);
    }));

  test('what was on both nodes is missing on the survivor', () =>
    drill(
      { crash: (twin, node) => loseOnSurvivor(twin, node, /:base:b:[0-4]$/) },
      { victims: ['b'] },
      ({ ok, rounds: [round] }) => {
        expect({ ok, failed: failed(round).slice(0, 1) }).toEqual({ ok: false, failed: ['kept'] });
      },
    ));

  test('acknowledged writes that did not reach the survivor are listed, and judged only if asked', () =>
    drill(
      { crash: (twin, node) => loseOnSurvivor(twin, node, /:load:\d+:\d+$/, 3) },
      { victims: ['b'] },
      ({ ok, rounds: [round] }) => {
        expect({ ok, failed: failed(round) }).toEqual({ ok: true, failed: [] });
        expect(round.lost.length).toBeGreaterThan(0);
        expect(round.lost.length).toBeLessThanOrEqual(3);
        expect(round.lossWindowMs).toBeGreaterThanOrEqual(0);
        expect(round.lost[0]).toMatchObject({ key: expect.stringMatching(/:load:/), kind: 'set' });
      },
    ));

  test('more lost than allowed fails', () =>
    drill(
      { crash: (twin, node) => loseOnSurvivor(twin, node, /:load:\d+:\d+$/, 3) },
      { victims: ['b'], maxLost: 0 },
      ({ ok, rounds: [round] }) =>
        expect({ ok, failed: failed(round) }).toEqual({ ok: false, failed: ['lost'] }),
    ));

  test('a survivor that stops serving', () =>
    drill(
      {
        crash: async ({ doors }) => {
          await doors.a.close();
          await doors.b.close();
        },
        recover: async ({ doors }) => {
          await doors.a.open();
          await doors.b.open();
        },
      },
      { victims: ['b'] },
      ({ ok, rounds: [round] }) => {
        expect({ ok, failed: failed(round) }).toEqual({ ok: false, failed: ['kept', 'lost', 'writable'] });
      },
    ));

  test('a node that does not come back until it is asked again', () => {
    let asked = 0;
    const recover = async ({ doors }: TwinPair) => {
      asked += 1;
      if (asked > 1) await doors.b.open();
    };
    return drill({ recover }, { victims: ['b'] }, ({ ok, rounds: [round] }) => {
      expect({ ok, failed: failed(round) }).toEqual({ ok: false, failed: ['restart'] });
    });
  });

  test('a node that never gets in sync', () =>
    drill(
      {
        recover: async ({ doors }) => {
          doors.b.replicationState = 'syncing';
          await doors.b.open();
        },
      },
      { victims: ['b'] },
      ({ ok, rounds: [round] }) =>
        expect({ ok, failed: failed(round) }).toEqual({ ok: false, failed: ['resync'] }),
    ));

  test('a node that comes back empty and stays so', () =>
    drill(
      {
        recover: async ({ doors, empty }) => {
          doors.b.target = empty;
          await doors.b.open();
        },
      },
      { victims: ['b'] },
      ({ ok, rounds: [round] }) =>
        expect({ ok, failed: failed(round) }).toEqual({ ok: false, failed: ['equal'] }),
    ));

  test('nodes that do not replicate at all: nothing is killed', () =>
    withTwinPair({}, async (twin) => {
      twin.doors.b.target = twin.empty;
      const report = await runDrill(twin.pair, { ...QUICK, baselineKeys: 5 });
      expect({ ok: report.ok, failed: failed(report.rounds[0]) }).toEqual({
        ok: false,
        failed: ['baseline'],
      });
      expect(twin.calls).toEqual([]);
      await expectEmpty(twin);
    }));

  test('a link that is down: nothing is even written', () =>
    withTwinPair({}, async (twin) => {
      twin.doors.a.replicationState = 'connecting';
      const report = await runDrill(twin.pair, QUICK);
      expect(report).toMatchObject({ ok: false, rounds: [] });
      expect(report.preflight.at(-1)).toMatchObject({ id: 'link', seen: 'a has no link to its peer' });
      expect(twin.doors.a.keysSet).toEqual([]);
    }));

  test.each([
    ['while the load runs', 'load begins', []],
    ['while the node is dead', 'b is killed', ['crash b', 'recover b']],
    ['just after it is back', 'b serves clients', ['crash b', 'recover b']],
  ])('an abort %s puts everything back, then is thrown', (_, moment, expectedCalls) =>
    withTwinPair({}, async (twin) => {
      const controller = new AbortController();
      const run = runDrill(twin.pair, {
        ...QUICK,
        signal: controller.signal,
        onProgress: ({ what }) => what === moment && controller.abort(new Error('interrupted')),
      });
      await expect(run).rejects.toThrow('interrupted');
      expect(twin.calls).toEqual(expectedCalls);
      expect(twin.doors.b.isOpen).toBe(true);
      await expectEmpty(twin);
    }),
  );

  test(
    'what could not be put back is said beside the reason of the abort',
    () =>
      withTwinPair(
        {
          recover: async () => {
            throw new Error('sudo refused');
          },
        },
        async (twin) => {
          const controller = new AbortController();
          const run = runDrill(twin.pair, {
            ...QUICK,
            signal: controller.signal,
            onProgress: ({ what }) => what === 'b is killed' && controller.abort(new Error('interrupted')),
          });
          await expect(run).rejects.toThrow(
            /^interrupted; could not bring b back: sudo refused; could not remove/,
          );
        },
      ),
    40_000,
  );
});

/** What `node` had taken, but the other one never got: deleted behind both doors as the node dies. */
async function loseOnSurvivor(
  twin: TwinPair,
  node: 'a' | 'b',
  which: RegExp,
  newest?: number,
): Promise<void> {
  await twin.doors[node].close();
  const keys = [...new Set(twin.doors[node].keysSet.filter((key) => which.test(key)))];
  await withClient(twin.shared, async (client) => {
    for (const key of newest === undefined ? keys : keys.slice(-newest)) await client.delete(key);
  });
}
