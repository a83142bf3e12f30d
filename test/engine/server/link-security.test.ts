// The link to the peer between real processes: in TLS, refused without, and its secret and certificates changed by SIGHUP.
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectPlain, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Certificate, hasOpenssl, TestAuthority } from '../../helpers/certificates.js';
import { EngineProcess, startPair, type TestNode, withPair } from '../../helpers/engine.js';
import { freePort } from '../../helpers/free-port.js';

const SOON = { timeout: 10_000, interval: 10 };
const [OLD, NEW] = ['old-secret-of-16-bytes', 'new-secret-of-16-bytes'];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'repcached-link-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As repcachectl does it: beside the file, then renamed. */
function writeSecret(name: string, ...lines: string[]): string {
  const path = join(folder, name);
  writeFileSync(`${path}.new`, `${lines.join('\n')}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return path;
}

async function statOf(node: TestNode, name: string): Promise<string | undefined> {
  return (await (await node.connect()).stats('replication')).get(name);
}

/** Waits for a line wherever it stands among the others. */
async function says(node: TestNode, pattern: RegExp): Promise<void> {
  await vi.waitFor(() => expect(node.process.log).toMatch(pattern), SOON);
}

async function isSynced(node: TestNode): Promise<void> {
  await vi.waitFor(async () => expect(await statOf(node, 'repl_state')).toBe('synced'), SOON);
}

async function reload(node: TestNode): Promise<void> {
  node.process.signal('SIGHUP');
  await node.process.waitForLog(/replication secret reloaded/);
}

describe('a secret that is changed', () => {
  it('on one host after the other: the link stands, and the next one wants the new secret', async () => {
    const files = { a: writeSecret('a', OLD), b: writeSecret('b', OLD) };
    await withPair(
      async ({ a, b }) => {
        a.flags = [...a.flags, '--repl-secret-file', files.a];
        b.flags = [...b.flags, '--repl-secret-file', files.b];
        await startPair(a, b);
        const onA = await a.connect();
        const onB = await b.connect();

        writeSecret('a', NEW, OLD);
        await reload(a);
        expect(await statOf(a, 'repl_secrets')).toBe('2');
        // Half way: a new link forms all the same, whoever dials first.
        await b.process.end('SIGKILL');
        await a.process.waitForLog(/link down/);
        await b.start();
        await isSynced(b);

        writeSecret('b', NEW, OLD);
        await reload(b);
        for (const [node, name] of [
          [a, 'a'],
          [b, 'b'],
        ] as const) {
          writeSecret(name, NEW);
          await reload(node);
          expect(await statOf(node, 'repl_secrets')).toBe('1');
        }
        expect(b.process.log).not.toContain('link down');
        await onA.set('k', 'v');
        const newOnB = await b.connect();
        await vi.waitFor(async () => expect((await newOnB.getItem('k'))?.value.toString()).toBe('v'), SOON);
        onB.close();

        await b.process.end('SIGKILL');
        writeSecret('b', OLD);
        b.launch();
        await b.process.waitForLog(/it has another secret/);
        await b.process.end('SIGKILL');
        writeSecret('b', NEW);
        await b.start();
        await isSynced(b);
      },
      { start: false },
    );
  });

  it('to something that is none stays what it was, and the log says so', async () => {
    const file = writeSecret('bad', OLD);
    await withPair(
      async ({ a }) => {
        writeSecret('bad', 'short');
        a.process.signal('SIGHUP');
        await a.process.waitForLog(/the replication secret is not reloaded, the old one stays: .* 5 bytes/);
        rmSync(file);
        a.process.signal('SIGHUP');
        await a.process.waitForLog(/not reloaded, the old one stays: .*can't be read \(ENOENT\)/);
        expect(await statOf(a, 'repl_secrets')).toBe('1');
        expect(await statOf(a, 'repl_state')).toBe('synced');
        expect(a.process.log).not.toContain(OLD);
      },
      { flags: ['--repl-secret-file', file] },
    );
  });
});

describe.skipIf(!hasOpenssl)('a link in TLS (skipped where openssl is not installed)', () => {
  let authority: TestAuthority;
  let good: Certificate;
  let rogue: Certificate;
  let secret: string;

  beforeAll(() => {
    authority = new TestAuthority(folder, 'authority');
    good = authority.sign('node');
    rogue = new TestAuthority(folder, 'rogue').sign('node');
    secret = writeSecret('tls', OLD);
  });

  function tlsFlags({ certificateFile, keyFile }: Certificate): string[] {
    const { certificateFile: authorityFile } = authority.files;
    const files = [
      '--repl-tls-cert',
      certificateFile,
      '--repl-tls-key',
      keyFile,
      '--repl-tls-ca',
      authorityFile,
    ];
    return ['--repl-secret-file', secret, '--repl-tls', ...files];
  }

  /** Starts both, that need not find each other. */
  async function withNodes(
    flags: { a: string[]; b: string[] },
    callback: (pair: { a: TestNode; b: TestNode }) => Promise<void>,
  ): Promise<void> {
    await withPair(
      async ({ a, b }) => {
        a.flags = [...a.flags, '--repl-ready-timeout', '0', ...flags.a];
        b.flags = [...b.flags, '--repl-ready-timeout', '0', ...flags.b];
        await Promise.all([a.start(), b.start()]);
        await callback({ a, b });
      },
      { start: false },
    );
  }

  it.each([1, 3])('carries everything, with %i threads', async (threads) => {
    await withPair(
      async ({ a, b }) => {
        expect([await statOf(a, 'repl_tls'), await statOf(b, 'repl_tls')]).toEqual(['1', '1']);
        const [onA, onB] = [await a.connect(), await b.connect()];
        const large = Buffer.alloc(1024 * 1024 - 1024, 'L');
        for (let number = 0; number < 20; number++) await onA.set(`large${number}`, large);
        await onB.set('small', 's');
        await vi.waitFor(async () => {
          expect((await onB.getItem('large19'))?.value.equals(large)).toBe(true);
          expect((await onA.getItem('small'))?.value.toString()).toBe('s');
        }, SOON);
      },
      { flags: [...tlsFlags(good), '-t', String(threads)] },
    );
  });

  it('is not formed with a peer that has no TLS; both say so in one line', async () => {
    await withNodes({ a: tlsFlags(good), b: ['--repl-secret-file', secret] }, async ({ a, b }) => {
      await Promise.all([
        says(a, /refused .*: it does not speak TLS and this node does: give both --repl-tls/),
        says(b, /refused .*: it speaks TLS and this node does not: give both --repl-tls/),
      ]);
      expect(await statOf(a, 'repl_state')).not.toBe('synced');
      expect(a.process.log.match(/refused/g)).toHaveLength(1);
    });
  });

  it('is not formed with a certificate of another authority, or for another address', async () => {
    await withNodes({ a: tlsFlags(good), b: tlsFlags(rogue) }, async ({ a }) => {
      await says(a, /refused .*: TLS with it failed \(unable to verify the first certificate\)/);
      expect(await statOf(a, 'repl_state')).not.toBe('synced');
    });
    const elsewhere = tlsFlags(authority.sign('elsewhere', { address: '192.0.2.1' }));
    await withNodes({ a: elsewhere, b: elsewhere }, async ({ a }) => {
      await says(a, /refused the peer .*TLS with it failed \(.*127\.0\.0\.1.*\)/);
      expect(await statOf(a, 'repl_state')).not.toBe('synced');
    });
  });

  it('wants the secret as well, and tells a stranger with a good certificate nothing', async () => {
    await withPair(
      async ({ a }) => {
        const socket = connectTls({
          host: '127.0.0.1',
          port: a.replicationPort,
          ca: readFileSync(authority.files.certificateFile),
          cert: readFileSync(good.certificateFile),
          key: readFileSync(good.keyFile),
        });
        let heardBytes = 0;
        socket.on('data', (bytes: Buffer) => {
          heardBytes += bytes.length;
        });
        socket.on('error', () => {});
        const sinceMs = performance.now();
        await new Promise((resolve) => socket.on('close', resolve));
        expect(performance.now() - sinceMs).toBeLessThan(4_000);
        expect(heardBytes).toBeLessThan(256);
        expect(await statOf(a, 'repl_state')).toBe('synced');
      },
      { flags: tlsFlags(good) },
    );
  });

  it('has room for few who do not even shake hands, and for none of them long', async () => {
    await withPair(
      async ({ a }) => {
        const open = new Set<Socket>();
        const dial = (): Promise<void> =>
          new Promise((resolve) => {
            const socket = connectPlain({ host: '127.0.0.1', port: a.replicationPort });
            open.add(socket);
            socket.on('error', () => {});
            socket.on('connect', resolve);
            socket.on('close', () => {
              open.delete(socket);
              resolve();
            });
          });
        for (let count = 0; count < 40; count++) await dial();
        await vi.waitFor(() => expect(open.size).toBeLessThanOrEqual(8), { timeout: 1_500, interval: 10 });
        await vi.waitFor(() => expect(open.size).toBe(0), { timeout: 4_000, interval: 50 });
        expect(await statOf(a, 'repl_state')).toBe('synced');
      },
      { flags: tlsFlags(good) },
    );
  });

  it('takes new certificates by SIGHUP, for the next link', async () => {
    const current = { certificateFile: join(folder, 'current.pem'), keyFile: join(folder, 'current.key') };
    const install = (certificate: Certificate): void => {
      copyFileSync(certificate.certificateFile, current.certificateFile);
      copyFileSync(certificate.keyFile, current.keyFile);
    };
    const shownBy = async (node: TestNode): Promise<string> => {
      const socket: TLSSocket = connectTls({
        host: '127.0.0.1',
        port: node.replicationPort,
        ca: readFileSync(authority.files.certificateFile),
        cert: readFileSync(good.certificateFile),
        key: readFileSync(good.keyFile),
      });
      await new Promise((resolve, reject) => socket.on('secureConnect', resolve).on('error', reject));
      const name = String(socket.getPeerCertificate().subject.CN);
      socket.destroy();
      return name;
    };
    install(good);
    await withPair(
      async ({ a, b }) => {
        expect(await shownBy(a)).toBe('node');
        // Of the two links that both nodes dialled at their start, one had to go.
        for (const node of [a, b]) await isSynced(node);
        const atStart = a.process.log.length;
        install(authority.sign('next'));
        for (const node of [a, b]) {
          node.process.signal('SIGHUP');
          await node.process.waitForLog(/the link's certificates reloaded/);
          for (let count = 0; count < 5; count++) expect(await shownBy(node)).toBe('next');
        }
        expect(a.process.log.slice(atStart)).not.toContain('link down');
        await b.process.end('SIGKILL');
        await b.start();
        await isSynced(b);

        copyFileSync(rogue.keyFile, current.keyFile);
        a.process.signal('SIGHUP');
        await a.process.waitForLog(
          /certificates are not reloaded, the old ones stay: --repl-tls-key .* is not the key/,
        );
        expect(await shownBy(a)).toBe('next');
      },
      { flags: tlsFlags(current) },
    );
  });

  it('notices a port in use although its listeners share theirs', async () => {
    await withPair(
      async ({ a }) => {
        const second = new EngineProcess([
          ...['-u', 'root', '-l', '127.0.0.1', '-p', String(await freePort())],
          ...['-x', '127.0.0.1', '-X', String(a.replicationPort), ...tlsFlags(good)],
        ]);
        expect(await second.exited).toEqual({ status: 71, signal: null });
        expect(second.log).toContain('the port is in use');
      },
      { flags: tlsFlags(good) },
    );
  });
});
