// Values far above the default -I: through a real pair, in both directions of a full copy and as a change.
import { describe, expect, it } from 'vitest';
import { startPair, withPair } from '../../helpers/engine.js';
import type { TextClient } from '../../helpers/text-client.js';

const FLAGS = ['-m', '64', '-I', '16m'];

function contentOf(name: string, sizeBytes: number): string {
  return Array.from({ length: Math.ceil(sizeBytes / 16) }, (_, at) => `${name}${at}`.padEnd(16, '.'))
    .join('')
    .slice(0, sizeBytes);
}

async function holds(client: TextClient, key: string, value: string): Promise<boolean> {
  return (await client.get(key)) === value;
}

describe('values of many megabytes', () => {
  it('reach the other node as changes and by a full copy, and stay whole', async () => {
    await withPair(
      async ({ a, b }) => {
        await startPair(a, b);
        const clientA = await a.connect();
        const values = [600_000, 1_048_600, 5_000_000, 12_000_000].map((sizeBytes, at) => ({
          key: `large${at}`,
          value: contentOf(`v${at}:`, sizeBytes),
        }));
        for (const { key, value } of values) expect(await clientA.set(key, value)).toBe('STORED');
        const clientB = await b.connect();
        for (const { key, value } of values) {
          await expect.poll(() => holds(clientB, key, value), { timeout: 20_000 }).toBe(true);
        }
        await b.process.end('SIGKILL');
        await b.start();
        const again = await b.connect();
        for (const { key, value } of values) expect(await holds(again, key, value)).toBe(true);
      },
      { flags: FLAGS, start: false },
    );
  });
});
