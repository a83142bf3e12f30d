// PHP's session locks on a pair: the session travels, its lock stays where it was taken.
import { describe, expect, it } from 'vitest';
import { type TestNode, withPair } from '../helpers/engine.js';
import type { TextClient } from '../helpers/text-client.js';
import { hasPhpExtension, programPath, Running } from './programs.js';

/** As docs/replication.md names them. */
const LOCKS = ['*lock.*', '*.lock'];
const SESSION_ID = 'abcdefghijklmnopqrstuvwxyz';
const HANDLERS = [
  { name: 'php-memcached', extension: 'memcached', scheme: '' },
  { name: 'pecl-memcache', extension: 'memcache', scheme: 'tcp://' },
];

/** All keys of a node. */
async function keysOf(client: TextClient): Promise<string[]> {
  client.send('lru_crawler metadump all\r\n');
  expect(await client.readLine()).toBe('OK');
  // Of this listing only the last line ends as lines do elsewhere.
  const listing = await client.readLine();
  return [...listing.matchAll(/^key=(\S+)/gm)].map(([, key]) => decodeURIComponent(key ?? '')).sort();
}

/** Whether the peer has all that this node has written. */
async function isHandedOver(client: TextClient): Promise<boolean> {
  return (await client.stats('replication')).get('repl_unacked') === '0';
}

describe('PHP session locks that stay local', () => {
  for (const { name, extension, scheme } of HANDLERS) {
    const isInstalled = hasPhpExtension(extension);

    it.skipIf(!isInstalled)(`${name} (skipped where not installed)`, async () => {
      const flags = LOCKS.flatMap((pattern) => ['--repl-exclude', pattern]);
      await withPair(
        async ({ a, b }) => {
          const request = ({ port }: TestNode, action = ''): Running => {
            const settings = ['-d', `session.save_handler=${extension}`];
            const path = ['-d', `session.save_path=${scheme}127.0.0.1:${port}`];
            return new Running('php', [
              ...settings,
              ...path,
              programPath('php-session.php'),
              SESSION_ID,
              action,
            ]);
          };
          const [onA, onB] = await Promise.all([a.connect(), b.connect()]);
          expect(await request(a).lines()).toEqual(['open', '1']);
          const held = request(a, 'wait');
          const elsewhere = request(b);
          try {
            await held.waitForLine('open');
            await expect.poll(() => isHandedOver(onA)).toBe(true);
            const locks = (await keysOf(onA)).filter((key) => key.includes('lock'));
            expect(locks).toHaveLength(1);
            // On the other node nothing is locked: the request there has the session at once.
            expect(await elsewhere.lines()).toEqual(['open', '2']);
            expect((await onA.stats('replication')).get('repl_tombstones')).toBe('0');
          } finally {
            held.goOn();
            await Promise.all([held.lines(), elsewhere.stop()]);
          }
          await expect.poll(() => isHandedOver(onA)).toBe(true);
          const sessions = (keys: string[]): string[] => keys.filter((key) => !key.includes('lock'));
          expect(sessions(await keysOf(onB))).toEqual(sessions(await keysOf(onA)));
          expect(sessions(await keysOf(onB))).toHaveLength(1);
        },
        { flags },
      );
    });
  }
});
