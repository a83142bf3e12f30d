// Expiry travels: what is to expire does so on both nodes at about the same time, and what is to stay, stays.
// The classic protocol can't ask for a remaining time, so these checks wait and look.
import { CheckFailure } from '../check-result.js';
import { SAFETY_EXPTIME_SEC } from '../probe-keys.js';
import type { CheckFinding } from '../run-check.js';
import { sinceMs } from '../run-check.js';
import { poll } from '../wait.js';
import { type Direction, type DirectionCheck, expectAnswer } from './direction.js';

/** Long enough to be seen on the peer first, short enough to wait for. */
const SHORT_SEC = 3;
/** Servers count in whole seconds (1 s), and the engine leaves clock differences up to 1.5 s alone. */
const TOLERANCE_MS = 2500;
const POLL_MS = 100;
const REMEDY = "compare the hosts' clocks (`repcachectl status` shows the offset); run an NTP client on both";

export const EXPIRY_CHECKS: readonly DirectionCheck[] = [
  {
    id: 'expiry',
    title: `set with ${SHORT_SEC} s ends on both nodes alike`,
    remedy: REMEDY,
    inBackground: true,
    async run(direction) {
      const key = direction.key('expiry');
      const answer = await direction.writer.store('set', key, 'short-lived', { exptimeSec: SHORT_SEC });
      expectAnswer('set', answer, 'STORED');
      const visibleMs = await direction.seen(key, { value: 'short-lived' });
      return { visibleMs, ...(await expiresOnBoth(direction, key)) };
    },
  },
  {
    id: 'expiry-absolute',
    title: 'an expiry given as unix time ends on both nodes alike',
    remedy: REMEDY,
    inBackground: true,
    async run(direction) {
      const key = direction.key('expiry-absolute');
      const nodeTimeSec = Number((await direction.writer.stats()).get('time'));
      const exptimeSec = nodeTimeSec + SHORT_SEC;
      expectAnswer('set', await direction.writer.store('set', key, 'dated', { exptimeSec }), 'STORED');
      const visibleMs = await direction.seen(key, { value: 'dated' });
      return { visibleMs, ...(await expiresOnBoth(direction, key)) };
    },
  },
  {
    id: 'touch',
    title: 'touch shortens and prolongs a life on both nodes',
    remedy: REMEDY,
    inBackground: true,
    run: (direction) =>
      checkRetimed(direction, 'touch', async (key, exptimeSec) => {
        expectAnswer('touch', await direction.writer.touch(key, exptimeSec), 'TOUCHED');
      }),
  },
  {
    id: 'gat',
    title: 'gat shortens and prolongs a life on both nodes',
    remedy: REMEDY,
    inBackground: true,
    run: (direction) =>
      checkRetimed(direction, 'gat', async (key, exptimeSec) => {
        const value = (await direction.writer.gats(exptimeSec, [key])).get(key);
        expectAnswer('gats', value?.value.toString() ?? 'nothing', 'retimed');
      }),
  },
];

/** One key whose long life is made short, and one whose short life is made long. */
async function checkRetimed(
  direction: Direction,
  command: string,
  retime: (key: string, exptimeSec: number) => Promise<void>,
): Promise<CheckFinding> {
  const shortened = await direction.begin(`${command}-shortened`, 'retimed');
  const prolonged = direction.key(`${command}-prolonged`);
  const answer = await direction.writer.store('set', prolonged, 'retimed', { exptimeSec: SHORT_SEC });
  expectAnswer('set', answer, 'STORED');
  const visibleMs = await direction.seen(prolonged, { value: 'retimed' });

  await retime(prolonged, SAFETY_EXPTIME_SEC);
  await retime(shortened, SHORT_SEC);
  const finding = await expiresOnBoth(direction, shortened);
  // The prolonged key was to end before the shortened one: had it kept its old time anywhere, it would be gone.
  for (const [node, client] of [
    [direction.from, direction.writer],
    [direction.to, direction.reader],
  ] as const) {
    if ((await client.get(prolonged)) === undefined) {
      throw new CheckFailure(`the key whose life was prolonged still on ${node}`, 'nothing');
    }
  }
  return { visibleMs, ...finding };
}

/** Waits until the key is gone from both nodes, which must happen within the tolerance of each other. */
async function expiresOnBoth(direction: Direction, key: string): Promise<CheckFinding> {
  const startedAt = performance.now();
  let goneFromMs: number | undefined;
  let goneToMs: number | undefined;
  const look = async () => {
    const [onFrom, onTo] = await Promise.all([direction.writer.get(key), direction.reader.get(key)]);
    if (onFrom === undefined) goneFromMs ??= sinceMs(startedAt);
    if (onTo === undefined) goneToMs ??= sinceMs(startedAt);
    return goneFromMs !== undefined && goneToMs !== undefined ? true : undefined;
  };
  const withinMs = SHORT_SEC * 1000 + TOLERANCE_MS;
  await poll(look, { withinMs, everyMs: POLL_MS, signal: direction.signal });
  if (goneFromMs === undefined || goneToMs === undefined) {
    const still = goneFromMs === undefined ? direction.from : direction.to;
    throw new CheckFailure(
      `gone from both nodes after ${SHORT_SEC} s`,
      `still on ${still} after ${withinMs} ms`,
    );
  }
  const apartMs = Math.round(Math.abs(goneFromMs - goneToMs));
  if (apartMs > TOLERANCE_MS) {
    throw new CheckFailure(`gone from both nodes within ${TOLERANCE_MS} ms`, `${apartMs} ms apart`);
  }
  return { detail: `${apartMs} ms apart` };
}
