// --repl-sync-rate between real processes: a copy takes its time, and nobody waits for it.
import { describe, expect, it, vi } from 'vitest';
import { answersFor, storeMany } from '../../helpers/bulk.js';
import { type TestNode, withPair } from '../../helpers/engine.js';
import type { TextClient } from '../../helpers/text-client.js';

const SOON = { timeout: 10_000, interval: 5 };
const KEYS = 30_000;
const BYTES_PER_SEC = 1024 * 1024;
/** What may go out at once at the beginning. */
const BURST_BYTES = BYTES_PER_SEC / 4;

async function figures(client: TextClient): Promise<Record<string, number>> {
  const stats = await client.stats('replication');
  return Object.fromEntries(Array.from(stats, ([key, value]) => [key, Number(value)]));
}

async function shows(client: TextClient, key: string, value: string): Promise<void> {
  await vi.waitFor(async () => expect(await client.get(key)).toBe(value), SOON);
}

const SYNC_DONE = /sync done/;

describe.each([1, 4])('a full copy with --repl-sync-rate 1m, -t %s', (threads) => {
  it('takes as long as that, while both nodes serve and changes pass at once', {
    timeout: 60_000,
  }, async () => {
    await withPair(
      async ({ a, b }) => {
        await a.start();
        await storeMany(a.port, 0, KEYS);
        b.flags = [...b.flags, '--repl-ready-timeout', '0'];
        await b.start();
        const [onA, onB] = [await a.connect(), await b.connect()];
        await vi.waitFor(async () => expect((await figures(onB)).repl_received).toBeGreaterThan(100), SOON);
        const isUnderWay = ({ process }: TestNode): boolean => !SYNC_DONE.test(process.log);

        // Live writes of both nodes overtake the copy, of which much is still to come.
        for (let round = 0; round < 10; round += 1) {
          expect(await onA.set('of-a', `${round}`)).toBe('STORED');
          expect(await onB.set('of-b', `${round}`)).toBe('STORED');
          await Promise.all([shows(onB, 'of-a', `${round}`), shows(onA, 'of-b', `${round}`)]);
        }
        expect((await answersFor(a.port, 0, 1_000)).hits).toBe(1_000);
        expect((await answersFor(b.port, 0, KEYS)).hits).toBeLessThan(KEYS * 0.9);
        expect([isUnderWay(a), isUnderWay(b)]).toEqual([true, true]);
        expect((await figures(onA)).repl_full_copies_sent).toBe(0);

        await vi.waitFor(async () => expect((await figures(onA)).repl_full_copies_sent).toBe(1), SOON);
        const { repl_last_sync_bytes: bytes, repl_last_sync_ms: ms } = await figures(onA);
        const wantedMs = ((bytes - BURST_BYTES) / BYTES_PER_SEC) * 1_000;
        expect(bytes).toBeGreaterThan(KEYS * 80);
        expect(ms).toBeGreaterThan(wantedMs * 0.9);
        expect(await answersFor(b.port, 0, KEYS, { cas: true })).toEqual(
          await answersFor(a.port, 0, KEYS, { cas: true }),
        );
      },
      { flags: ['-t', String(threads), '--repl-sync-rate', '1m'], start: false },
    );
  });
});
