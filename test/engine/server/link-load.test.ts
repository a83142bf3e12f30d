// The link in TLS between nodes with four threads each, while clients of all threads write on both: what is copied,
// cut, resynced, and renewed meanwhile, for each mode of acknowledgement.
import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { storeMany } from '../../helpers/bulk.js';
import { type CabledPair, withCabledPair } from '../../helpers/cabled-pair.js';
import { hasOpenssl, TestAuthority } from '../../helpers/certificates.js';
import { contentsOf, differences } from '../../helpers/contents.js';
import type { TestNode } from '../../helpers/engine.js';
import { withFolder } from '../../helpers/temporary-folder.js';
import { AcknowledgedWriters } from './acknowledged-writers.js';

const SOON = { timeout: 15_000, interval: 20 };
const KEYS = 15_000;
/** Enough connections for each thread to have some. */
const WRITERS = { count: 6, valueBytes: 200 };
const [OLD, NEW] = ['old-secret-of-16-bytes', 'new-secret-of-16-bytes'];

/** The files that secure the link: of both nodes, as they are on one address. */
class LinkFiles {
  readonly #authority: TestAuthority;
  readonly #path: (name: string) => string;

  constructor(folder: string) {
    this.#path = (name) => join(folder, name);
    this.#authority = new TestAuthority(folder, 'authority');
    this.writeSecret(OLD);
    this.certify('first');
  }

  get flags(): string[] {
    return [
      ...[
        '--repl-secret-file',
        this.#path('secret'),
        '--repl-tls',
        '--repl-tls-cert',
        this.#path('node.pem'),
      ],
      ...['--repl-tls-key', this.#path('node.key'), '--repl-tls-ca', this.#authority.files.certificateFile],
    ];
  }

  writeSecret(...lines: string[]): void {
    writeFileSync(this.#path('secret.new'), `${lines.join('\n')}\n`, { mode: 0o600 });
    renameSync(this.#path('secret.new'), this.#path('secret'));
  }

  /** A new certificate. */
  certify(name: string): void {
    const { certificateFile, keyFile } = this.#authority.sign(name);
    copyFileSync(certificateFile, this.#path('node.pem'));
    copyFileSync(keyFile, this.#path('node.key'));
  }
}

type Mode = 'none' | 'peer' | 'strict';

function withLoadedPair(
  mode: Mode,
  callback: (pair: CabledPair, files: LinkFiles) => Promise<void>,
): Promise<void> {
  return withFolder((folder) => {
    const files = new LinkFiles(folder);
    const flags = ['-t', '4', '--repl-ack', mode, ...files.flags];
    return withCabledPair(flags, async (pair) => {
      await bothWork(pair);
      await storeMany(pair.a.port, 0, KEYS);
      await callback(pair, files);
    });
  });
}

async function statsOf(node: TestNode): Promise<Map<string, string>> {
  const client = await node.connect();
  const stats = await client.stats('replication');
  client.close();
  return stats;
}

/** In sync, in TLS, each has all that the other was told, and replies mean what the mode says. */
async function bothWork({ a, b }: CabledPair): Promise<void> {
  for (const node of [a, b]) {
    await vi.waitFor(async () => {
      expect(Object.fromEntries(await statsOf(node))).toMatchObject({
        repl_state: 'synced',
        repl_unacked: '0',
        repl_tls: '1',
        repl_ack_degraded: '0',
      });
    }, SOON);
  }
}

async function wrote(writers: readonly AcknowledgedWriters[], count = 500): Promise<void> {
  const before = writers.map(({ writes }) => writes);
  await vi.waitFor(() => {
    for (const [at, { writes }] of writers.entries()) expect(writes).toBeGreaterThan(before[at] + count);
  }, SOON);
}

async function expectAlike({ a, b }: CabledPair): Promise<void> {
  const [fromA, fromB] = await Promise.all([a, b].map((node) => contentsOf(node.port)));
  expect(fromA.size).toBeGreaterThan(KEYS);
  expect(differences(fromA, fromB)).toEqual([]);
}

function start(node: TestNode, name: string): Promise<AcknowledgedWriters> {
  return AcknowledgedWriters.start(node.port, name, WRITERS);
}

describe.skipIf(!hasOpenssl).each<Mode>(['none', 'peer', 'strict'])(
  'a link in TLS, -t 4, --repl-ack %s (skipped where openssl is not installed)',
  (mode) => {
    it('stands under load while secret and certificates are renewed', { timeout: 60_000 }, async () => {
      await withLoadedPair(mode, async (pair, files) => {
        const { a, b } = pair;
        const logBytes = [a, b].map((node) => node.process.log.length);
        const writers = await Promise.all([start(a, 'a'), start(b, 'b')]);
        const reload = async (): Promise<void> => {
          for (const node of [a, b]) {
            node.process.signal('SIGHUP');
            await node.process.waitForLog(/replication secret reloaded/);
            await node.process.waitForLog(/the link's certificates reloaded/);
            await wrote(writers, 100);
          }
        };
        files.certify('second');
        files.writeSecret(NEW, OLD);
        await reload();
        files.writeSecret(NEW);
        await reload();
        for (const [at, node] of [a, b].entries())
          expect(node.process.log.slice(logBytes[at])).not.toContain('link down');
        await Promise.all(writers.map((each) => each.stop()));
        await bothWork(pair);
        expect(await writers[0].lostOn(await b.connect())).toEqual([]);
        expect(await writers[1].lostOn(await a.connect())).toEqual([]);
        await expectAlike(pair);
        // The new ones are good for a new link.
        await pair.cut();
        await pair.join();
        await bothWork(pair);
      });
    });

    it('is cut and joined under load, and both hold the same', { timeout: 60_000 }, async () => {
      await withLoadedPair(mode, async (pair) => {
        const { a, b } = pair;
        const writers = await Promise.all([start(a, 'a'), start(b, 'b')]);
        await wrote(writers);
        for (let round = 0; round < 2; round += 1) {
          await pair.cut();
          // With strict that is their end.
          if (mode === 'strict') await Promise.all(writers.map((each) => each.ended()));
          else await wrote(writers);
          await pair.join();
        }
        const again = mode === 'strict' ? await Promise.all([start(a, 'a2'), start(b, 'b2')]) : [];
        await wrote(mode === 'strict' ? again : writers);
        for (const each of [...writers, ...again]) await each.stop();
        await bothWork(pair);
        for (const [at, each] of [...writers, ...again].entries()) {
          expect(await each.lostOn(await (at % 2 === 0 ? b : a).connect())).toEqual([]);
        }
        await expectAlike(pair);
      });
    });

    it('copies everything under load to a node that was killed', { timeout: 60_000 }, async () => {
      await withLoadedPair(mode, async (pair) => {
        const { a: survivor, b: victim } = pair;
        const [doomed, lucky] = await Promise.all([start(victim, 'doomed'), start(survivor, 'lucky')]);
        await wrote([doomed, lucky]);
        await victim.process.end('SIGKILL');
        await doomed.ended();
        if (mode !== 'none') expect(await doomed.lostOn(await survivor.connect())).toEqual([]);
        await survivor.process.waitForLog(/link down/);
        if (mode === 'strict') await lucky.ended();
        await Promise.all([victim.start(), survivor.process.waitForLog(/sync done \(full: sent/)]);
        if (mode !== 'strict') await wrote([lucky]);
        await lucky.stop();
        await bothWork(pair);
        expect(await lucky.lostOn(await victim.connect())).toEqual([]);
        await expectAlike(pair);
      });
    });
  },
);
