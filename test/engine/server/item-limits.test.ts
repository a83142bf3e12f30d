// Two real processes with different -I: the link stands, and what is too large for one of them stays on the other.
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type TestNode, withPair } from '../../helpers/engine.js';
import { withFolder } from '../../helpers/temporary-folder.js';
import type { TextClient } from '../../helpers/text-client.js';

const SOON = { timeout: 10_000, interval: 10 };
const MIB = 1024 * 1024;
const LARGE = Buffer.alloc(5 * MIB, 'L');
const SMALL = 'small';
/** Why a link goes that neither a stop nor the other of two links explains. */
const BROKEN = /link down \(.*(no frame|malformed|nothing heard)/;

async function replicationStats(client: TextClient): Promise<Record<string, string | undefined>> {
  return Object.fromEntries(await client.stats('replication'));
}

/** Waits until the peer has said that it has everything. */
async function isAcknowledged(client: TextClient): Promise<void> {
  await vi.waitFor(async () => {
    expect(await replicationStats(client)).toMatchObject({ repl_state: 'synced', repl_unacked: '0' });
  }, SOON);
}

/** Starts it beside a peer that runs. */
async function rejoin(node: TestNode): Promise<TextClient> {
  await node.launch().waitForLog(/sync done/);
  return await vi.waitFor(() => node.connect(), SOON);
}

describe.each([1, 4])('a pair of which A has -I 8m and B -I 1m, with -t %s', (threads) => {
  it('stays linked, and keeps large items on A: live, in a full copy, in a digest', async () => {
    await withFolder(async (folder) => {
      await withPair(
        async ({ a, b }) => {
          a.flags = [...a.flags, '-I', '8m'];
          b.flags = [...b.flags, '-I', '1m', '-e', join(folder, 'memory')];
          await Promise.all([a.start(), b.start()]);
          const [onA, onB] = [await a.connect(), await b.connect()];
          await isAcknowledged(onA);
          const limitLine = /the largest item \(-I\) is 1048576 bytes at the peer and 8388608 here/g;

          expect(await onA.set('grows', SMALL)).toBe('STORED');
          await vi.waitFor(async () => expect(await onB.get('grows')).toBe(SMALL), SOON);
          for (const key of ['grows', 'large1', 'large2']) expect(await onA.set(key, LARGE)).toBe('STORED');
          expect(await onA.set('after', SMALL)).toBe('STORED');
          await vi.waitFor(async () => expect(await onB.get('after')).toBe(SMALL), SOON);
          expect(await onB.get('grows')).toBeUndefined();
          expect((await onA.getItem('grows'))?.value.equals(LARGE)).toBe(true);
          await isAcknowledged(onA);
          expect(await replicationStats(onA)).toMatchObject({ repl_unsendable: '3' });
          for (const node of [a, b]) expect(node.process.log).not.toMatch(BROKEN);
          // Once for a link, of which there may have been two.
          const linksUp = a.process.log.match(/link up/g)?.length ?? 0;
          expect(a.process.log.match(limitLine)).toHaveLength(linksUp);

          // The other way everything fits, also what replaces a large item.
          expect(await onB.set('large2', 'of b')).toBe('STORED');
          await vi.waitFor(async () => expect(await onA.get('large2')).toBe('of b'), SOON);

          // Comes back empty: a full copy.
          await b.process.end('SIGKILL');
          const onEmptied = await rejoin(b);
          expect(await onEmptied.get('after')).toBe(SMALL);
          expect(await onEmptied.get('large1')).toBeUndefined();
          await isAcknowledged(onA);
          // Comes back with what it had: a digest, in which nothing differs but what is too large.
          await b.process.end('SIGTERM');
          const onKept = await rejoin(b);
          await isAcknowledged(onA);
          const { repl_last_sync_kind: kind } = await replicationStats(onA);
          expect(kind).toBe('digest');
          expect(await onKept.get('after')).toBe(SMALL);
          expect((await onA.getItem('large1'))?.value.equals(LARGE)).toBe(true);

          // Nothing large was sent, and nothing goes on by itself.
          const { repl_bytes_sent: sentBytes } = await replicationStats(onA);
          expect(Number(sentBytes)).toBeLessThan(MIB);
          expect(await replicationStats(onA)).toMatchObject({ repl_losses_pending: '0' });
          for (const node of [a, b]) expect(node.process.log).not.toMatch(BROKEN);
        },
        { flags: ['-t', String(threads), '-m', '64'], start: false },
      );
    });
  });
});
