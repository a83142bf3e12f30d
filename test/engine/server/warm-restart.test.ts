// -e in real processes: what a restart keeps, alone and in a pair, and what must not come back.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { startPair, type TestNode, withNode, withPair } from '../../helpers/engine.js';
import { withFolder } from '../../helpers/temporary-folder.js';

/** Machines that are busy take their time. */
const EVENTUALLY = { timeout: 10_000 };

const MIB = 1024 * 1024;

/** Starts one node beside its peer, and waits until it serves and both have all. */
async function startSynced(node: TestNode): Promise<void> {
  await node.launch().waitForLog(/sync done/);
  if (!node.process.log.includes('listening on')) await node.process.waitForLog(/listening on/);
}

describe('a node with -e', () => {
  it.each(['SIGTERM', 'SIGUSR1'] as const)('has its items back after %s', async (signal) => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      await withNode(['-e', path, '-I', '4m'], async (node) => {
        expect(node.process.log).toContain(`-e ${path}: there is no such file yet, starting empty`);
        const client = await node.connect();
        await client.set('key', 'value', { flags: 7 });
        await client.set('empty', '');
        await client.set('large', Buffer.alloc(3 * MIB, 'abc'));
        const unique = (await client.getItem('key'))?.cas;
        expect(await node.process.end(signal)).toEqual({ status: 0, signal: null });
        expect(node.process.log).toMatch(/saved 3 items \(\d+ ms\)/);
        expect(statSync(path).mode & 0o777).toBe(0o600);

        await node.start();
        expect(node.process.log).toMatch(/loaded 3 of 3 items, saved \d{4}-\d\d-\d\dT/);
        expect(existsSync(path)).toBe(false);
        const again = await node.connect();
        const item = await again.getItem('key');
        expect(item).toMatchObject({ flags: 7, cas: unique });
        expect(item?.value.toString()).toBe('value');
        expect((await again.getItem('large'))?.value.equals(Buffer.alloc(3 * MIB, 'abc'))).toBe(true);
        // A client that read before the restart can still write after it.
        again.send(`cas key 0 0 3 ${unique}\r\nnew\r\n`);
        expect(await again.readLine()).toBe('STORED');
      });
    });
  });

  it('starts empty after a crash, and never with what was saved before it', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      await withNode(['-e', path], async (node) => {
        await (await node.connect()).set('key', 'value');
        await node.process.end();
        await node.start();
        await node.process.end('SIGKILL');
        await node.start();
        expect(node.process.log).toContain('there is no such file yet, starting empty');
        expect(await (await node.connect()).get('key')).toBeUndefined();
      });
    });
  });

  it('refuses a damaged file in one line, leaves it, and serves', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      await withNode(['-e', path], async (node) => {
        await (await node.connect()).set('key', 'value');
        await node.process.end();
        const bytes = readFileSync(path);
        bytes[bytes.length - 30] ^= 1;
        writeFileSync(path, bytes);
        await node.start();
        expect(node.process.log).toMatch(/-e \S+: is damaged, in the \d+ bytes at 192; starting empty\n/);
        expect(await (await node.connect()).get('key')).toBeUndefined();
        expect(readFileSync(path).equals(bytes)).toBe(true);
        expect(await node.process.end()).toEqual({ status: 0, signal: null });
        expect(readFileSync(path).equals(bytes)).toBe(false);
      });
    });
  });

  it('says so when it can not write, and ends all the same', async () => {
    await withNode(['-e', '/nowhere/memory'], async (node) => {
      expect(await node.process.end()).toEqual({ status: 0, signal: null });
      expect(node.process.log).toContain("-e /nowhere/memory: can't be written (ENOENT), the items are lost");
    });
  });

  it('ends at once with a second signal, and what it began is no file', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      await withNode(['-e', path, '-m', '256'], async (node) => {
        const client = await node.connect();
        const value = Buffer.alloc(MIB - 1000);
        for (let at = 0; at < 200; at += 1) await client.set(`key-${at}`, value);
        node.process.signal('SIGTERM');
        await node.process.waitForLog(/stopping/);
        // Being written, or so fast that it is there already.
        const isBegun = (): boolean => existsSync(`${path}.new`) || existsSync(path);
        await vi.waitFor(() => expect(isBegun()).toBe(true), { interval: 1, timeout: 10_000 });
        expect(await node.process.end('SIGTERM')).toEqual({ status: 0, signal: null });
        if (existsSync(path)) return;
        await node.start();
        expect(node.process.log).toContain('there is no such file yet');
        await node.process.end();
      });
    });
  });
});

describe('a pair with -e', () => {
  it('has its data after both were stopped and only one is back', async () => {
    await withFolder(async (folder) => {
      await withPair(async ({ a, b }) => {
        a.flags = [...a.flags, '-e', join(folder, 'a'), '--repl-ready-timeout', '1'];
        await a.process.end();
        await a.start();
        await (await a.connect()).set('key', 'value');
        await b.process.end();
        await a.process.end();
        await a.start();
        expect(await (await a.connect()).get('key')).toBe('value');
        // And its peer, which kept nothing, gets it from there.
        await b.start();
        expect(await (await b.connect()).get('key')).toBe('value');
      });
    });
  });

  it('does not bring back what the peer deleted, flushed or changed meanwhile', async () => {
    await withFolder(async (folder) => {
      await withPair(
        async ({ a, b }) => {
          for (const [node, name] of [
            [a, 'a'],
            [b, 'b'],
          ] as const) {
            node.flags = [...node.flags, '-e', join(folder, name)];
          }
          await startPair(a, b);
          const onA = await a.connect();
          for (const key of ['deleted', 'changed', 'touched', 'kept', 'deleted-before', 'shortened']) {
            await onA.set(key, 'old');
          }
          const early = await b.connect();
          await vi.waitFor(
            async () => expect((await early.getMany(['deleted-before', 'shortened'])).size).toBe(2),
            EVENTUALLY,
          );
          await early.command('delete deleted-before');
          await vi.waitFor(async () => expect(await onA.get('deleted-before')).toBeUndefined(), EVENTUALLY);
          await a.process.end();

          const onB = await b.connect();
          await onB.command('delete deleted');
          await onB.set('changed', 'new');
          await onB.command('touch touched 1000');
          await onB.set('shortened', 'gone', { exptime: -1 });
          await onB.set('fresh', 'new');
          await startSynced(a);
          expect(a.process.log).toMatch(/loaded 5 of 5 items/);
          for (const node of [a, b]) {
            const client = await node.connect();
            const found = await client.getMany([
              'deleted',
              'changed',
              'touched',
              'kept',
              'deleted-before',
              'shortened',
              'fresh',
            ]);
            const values = [...found].map(([key, { value }]) => `${key}=${value.toString()}`).sort();
            expect(values).toEqual(['changed=new', 'fresh=new', 'kept=old', 'touched=old']);
          }
          expect(await (await a.connect()).command('mg touched t')).toMatch(/^HD t9\d\d$|^HD t1000$/);
        },
        { start: false },
      );
    });
  });

  it('keeps a delete that the peer has not heard of over a restart of its own', async () => {
    await withFolder(async (folder) => {
      await withPair(
        async ({ a, b }) => {
          a.flags = [...a.flags, '-e', join(folder, 'a'), '--repl-ready-timeout', '1'];
          b.flags = [...b.flags, '-e', join(folder, 'b')];
          await startPair(a, b);
          await (await a.connect()).set('key', 'value');
          const onB = await b.connect();
          await vi.waitFor(async () => expect(await onB.get('key')).toBe('value'), EVENTUALLY);
          await b.process.end();
          await (await a.connect()).command('delete key');
          // Its tombstone is in the file.
          await a.process.end();
          await a.start();
          await startSynced(b);
          expect(await (await a.connect()).get('key')).toBeUndefined();
          expect(await (await b.connect()).get('key')).toBeUndefined();
        },
        { start: false },
      );
    });
  });

  it('does not bring back by a crash what was deleted after the file was written', async () => {
    await withFolder(async (folder) => {
      await withPair(
        async ({ a, b }) => {
          a.flags = [...a.flags, '-e', join(folder, 'a')];
          await startPair(a, b);
          await (await a.connect()).set('key', 'value');
          await a.process.end();
          await startSynced(a);
          const onB = await b.connect();
          await onB.command('delete key');
          const onA = await a.connect();
          await vi.waitFor(async () => expect(await onA.get('key')).toBeUndefined(), EVENTUALLY);
          // The peer frees the tombstone once it knows that this node has it.
          await vi.waitFor(
            async () => expect((await onB.stats('replication')).get('repl_tombstones')).toBe('0'),
            EVENTUALLY,
          );
          await a.process.end('SIGKILL');
          await startSynced(a);
          expect(await (await a.connect()).get('key')).toBeUndefined();
          expect(await onB.get('key')).toBeUndefined();
        },
        { start: false },
      );
    });
  });
});
