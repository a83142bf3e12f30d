// A cable between two real processes that is cut and joined again: what travels then, and that both hold the same.
import { describe, expect, it, vi } from 'vitest';
import { answersFor, storeMany } from '../../helpers/bulk.js';
import { type CabledPair, withCabledPair } from '../../helpers/cabled-pair.js';

/** What the change log holds with -m 64, which is the least. */
const LOG_ENTRIES = 65_536;
const MEMORY = ['-m', '64'];
const KEYS = 100_000;

async function expectAlike({ a, b }: CabledPair): Promise<void> {
  await vi.waitFor(
    async () => {
      const [fromA, fromB] = await Promise.all(
        [a, b].map((node) => answersFor(node.port, 0, KEYS, { cas: true })),
      );
      expect(fromA.hits).toBe(KEYS);
      expect(fromB).toEqual(fromA);
    },
    { timeout: 10_000, interval: 100 },
  );
}

describe('a cable that is cut and joined', () => {
  it('brings what changed meanwhile, each key once', { timeout: 60_000 }, async () => {
    await withCabledPair(MEMORY, async (pair) => {
      await storeMany(pair.a.port, 0, KEYS);
      await expectAlike(pair);
      await pair.cut();
      for (let round = 1; round <= 3; round += 1) await storeMany(pair.a.port, 0, 10_000, round);
      await storeMany(pair.b.port, 50_000, 51_000, 1);
      expect(await pair.join()).toMatch(
        /sync done \(partial: sent 10000 keys, \d+ bytes; partial: received 1000 keys, /,
      );
      await expectAlike(pair);
    });
  });

  it('has the nodes compared when more changed than the log holds', { timeout: 60_000 }, async () => {
    await withCabledPair(MEMORY, async (pair) => {
      await storeMany(pair.a.port, 0, KEYS);
      await expectAlike(pair);
      await pair.cut();
      for (let written = 0; written <= LOG_ENTRIES; written += 5_000) {
        await storeMany(pair.a.port, 0, 5_000, 1 + written);
      }
      const line = await pair.join();
      const sentKeys = Number(/\(digest: sent (\d+) keys/.exec(line)?.[1]);
      expect(sentKeys, line).toBeGreaterThanOrEqual(5_000);
      // About eight keys lie in a range, so most of them go along with one that differs, but not everything.
      expect(sentKeys, line).toBeLessThan(KEYS / 2);
      expect(line).toContain('partial: received 0 keys');
      await expectAlike(pair);
    });
  });
});
