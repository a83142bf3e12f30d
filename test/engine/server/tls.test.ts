// -Z: who is let in, what is spoken, and certificates that change while the node runs.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Certificate, hasOpenssl, TestAuthority } from '../../helpers/certificates.js';
import { EngineProcess, type TestNode, withNode } from '../../helpers/engine.js';
import { freePort } from '../../helpers/free-port.js';
import { TextClient } from '../../helpers/text-client.js';

/** Machines that are busy take their time. */
const EVENTUALLY = { timeout: 10_000 };

let folder: string;
let authority: TestAuthority;
let server: Certificate;
let client: Certificate;
let rogue: Certificate;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'repcached-tls-'));
  authority = new TestAuthority(folder, 'authority');
  server = authority.sign('server');
  client = authority.sign('client');
  rogue = new TestAuthority(folder, 'rogue-authority').sign('client');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function flags(...more: string[]): string[] {
  const files = `ssl_chain_cert=${server.certificateFile},ssl_key=${server.keyFile}`;
  return ['-Z', '-o', [files, ...more].join(',')];
}

function requiring(mode: number): string[] {
  return flags(`ssl_verify_mode=${mode}`, `ssl_ca_cert=${authority.files.certificateFile}`);
}

function identity({ certificateFile, keyFile }: Certificate): ConnectionOptions {
  return { cert: readFileSync(certificateFile), key: readFileSync(keyFile) };
}

function dial(node: TestNode, options: ConnectionOptions = {}): TLSSocket {
  return connect({
    port: node.port,
    host: '127.0.0.1',
    ca: readFileSync(authority.files.certificateFile),
    ...options,
  });
}

/** Sends a request as soon as it may, and gathers what comes until the end. @returns 'refused' when there was nothing */
async function ask(node: TestNode, request: string, options: ConnectionOptions = {}): Promise<string> {
  const socket = dial(node, options);
  return await new Promise((resolve) => {
    let reply = '';
    socket.setEncoding('latin1').on('data', (text) => {
      reply += text;
    });
    socket.on('secureConnect', () => socket.write(request));
    socket.on('error', () => resolve(reply === '' ? 'refused' : reply));
    socket.on('close', () => resolve(reply === '' ? 'refused' : reply));
  });
}

function statsOf(reply: string): Map<string, string> {
  return new Map([...reply.matchAll(/^STAT (\S+) (.*)\r$/gm)].map(([, key, value]) => [key, value]));
}

/** Said when every thread has the new certificates. */
const RELOADED = /: certificates reloaded$/m;

const STORE_AND_QUIT = 'set a 0 0 1\r\nx\r\nget a\r\nquit\r\n';
const STORED = 'STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n';

describe.skipIf(!hasOpenssl)('TLS (skipped where openssl is not installed)', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('speaks %s', async (version) => {
    await withNode(flags(), async (node) => {
      expect(node.process.log).toContain(`listening on 127.0.0.1:${node.port} with TLS`);
      expect(await ask(node, STORE_AND_QUIT, { minVersion: version, maxVersion: version })).toBe(STORED);
    });
  });

  it('carries large values and many requests', async () => {
    await withNode(flags(), async (node) => {
      const value = 'v'.repeat(900_000);
      const request = `set a 0 0 ${value.length}\r\n${value}\r\n${'get a\r\n'.repeat(20)}quit\r\n`;
      const reply = await ask(node, request);
      expect(reply.length).toBe(
        'STORED\r\n'.length + 20 * (`VALUE a 0 ${value.length}\r\n`.length + value.length + 7),
      );
    });
  });

  it('has the least version it was told', async () => {
    await withNode(flags('ssl_min_version=3'), async (node) => {
      expect(await ask(node, 'version\r\nquit\r\n', { maxVersion: 'TLSv1.2' })).toBe('refused');
      expect(await ask(node, 'version\r\nquit\r\n')).toMatch(/^VERSION /);
    });
  });

  it('gives nothing to a client that speaks in the clear', async () => {
    await withNode(flags(), async (node) => {
      const socket = connectPlain({ port: node.port, host: '127.0.0.1' });
      socket.write('version\r\n');
      let bytes = '';
      socket.on('data', (chunk) => {
        bytes += chunk.toString('latin1');
      });
      socket.on('error', () => {});
      await new Promise((resolve) => socket.on('close', resolve));
      expect(bytes).not.toContain('VERSION');
      expect(await ask(node, 'version\r\nquit\r\n')).toMatch(/^VERSION /);
    });
  });

  it('outlives a client whose records are garbage', async () => {
    await withNode(flags(), async (node) => {
      const raw = connectPlain({ port: node.port, host: '127.0.0.1' });
      const socket = dial(node, { socket: raw });
      socket.on('error', () => {});
      const answered = new Promise((resolve) => socket.once('data', resolve));
      socket.write('version\r\n');
      await answered;
      const isClosed = new Promise((resolve) => raw.on('close', resolve));
      // The header of a record, and a content that nobody encrypted.
      raw.write(Buffer.from([0x17, 0x03, 0x03, 0x00, 0x20, ...Array(32).fill(7)]));
      await isClosed;
      const stats = statsOf(await ask(node, 'stats\r\nquit\r\n'));
      expect([stats.get('ssl_handshake_errors'), stats.get('ssl_proto_errors')]).toEqual(['0', '1']);
    });
  });

  it('shows how it is set up, and counts whose TLS fails', async () => {
    await withNode(flags('ssl_min_version=3', 'ssl_ciphers=ECDHE-RSA-AES128-GCM-SHA256'), async (node) => {
      const settings = statsOf(await ask(node, 'stats settings\r\nquit\r\n'));
      expect(Object.fromEntries([...settings].filter(([key]) => key.startsWith('ssl_')))).toEqual({
        ssl_enabled: 'yes',
        ssl_chain_cert: server.certificateFile,
        ssl_key: server.keyFile,
        ssl_verify_mode: '0',
        ssl_keyformat: '1',
        ssl_ciphers: 'ECDHE-RSA-AES128-GCM-SHA256',
        ssl_ca_cert: 'NULL',
        ssl_wbuf_size: '0',
        ssl_session_cache: 'no',
        ssl_kernel_tls: 'no',
        ssl_min_version: 'tlsv1.3',
      });
      expect(await ask(node, 'version\r\nquit\r\n', { maxVersion: 'TLSv1.2' })).toBe('refused');
      const stats = statsOf(await ask(node, 'stats\r\nquit\r\n'));
      expect(stats.get('ssl_handshake_errors')).toBe('1');
      expect(stats.get('ssl_proto_errors')).toBe('0');
      expect(Number(stats.get('time_since_server_cert_refresh'))).toBeLessThan(60);
    });
  });

  it('is left out on addresses with notls: in front', async () => {
    const [secured, plain] = [await freePort(), await freePort()];
    const node = new EngineProcess([
      '-u',
      'root',
      '-l',
      `127.0.0.1:${secured},notls:127.0.0.1:${plain}`,
      ...flags(),
    ]);
    await node.waitForLog(new RegExp(`listening on 127.0.0.1:${secured} with TLS`));
    await node.waitForLog(new RegExp(`listening on 127.0.0.1:${plain}$`, 'm'));
    const client = await TextClient.connect(plain);
    expect(await client.command('version')).toMatch(/^VERSION /);
    client.close();
    expect(await node.end()).toEqual({ status: 0, signal: null });
  });

  it('counts a handshake that does not come as a connection', async () => {
    // One thread accepts in the order of the calls; of several, one may let the second caller in first.
    await withNode([...flags(), '-c', '1', '-t', '1'], async (node) => {
      const silent = connectPlain({ port: node.port, host: '127.0.0.1' });
      await new Promise((resolve) => silent.on('connect', resolve));
      await vi.waitFor(
        async () => expect(await ask(node, 'version\r\n')).not.toMatch(/^VERSION /),
        EVENTUALLY,
      );
      silent.destroy();
      await vi.waitFor(
        async () => expect(await ask(node, 'version\r\nquit\r\n')).toMatch(/^VERSION /),
        EVENTUALLY,
      );
    });
  });
});

describe.skipIf(!hasOpenssl)('client certificates (skipped where openssl is not installed)', () => {
  it('are not asked for by default', async () => {
    await withNode(flags(), async (node) => {
      expect(await ask(node, STORE_AND_QUIT, identity(rogue))).toBe(STORED);
    });
  });

  it.each([2, 3])('are required with mode %i', async (mode) => {
    await withNode(requiring(mode), async (node) => {
      expect(await ask(node, STORE_AND_QUIT, identity(client))).toBe(STORED);
      expect(await ask(node, STORE_AND_QUIT)).toBe('refused');
      expect(await ask(node, STORE_AND_QUIT, identity(rogue))).toBe('refused');
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        expect(await ask(node, STORE_AND_QUIT, { ...identity(rogue), maxVersion })).toBe('refused');
      }
      expect(await ask(node, 'delete a\r\nstats\r\nquit\r\n', identity(client))).toMatch(
        /^DELETED\r\n[\s\S]*STAT cmd_set 1\r\n/,
      );
    });
  });

  it('are verified when sent, with mode 1', async () => {
    await withNode(requiring(1), async (node) => {
      expect(await ask(node, STORE_AND_QUIT, identity(client))).toBe(STORED);
      expect(await ask(node, STORE_AND_QUIT)).toBe(STORED);
      expect(await ask(node, STORE_AND_QUIT, identity(rogue))).toBe('refused');
    });
  });
});

describe.skipIf(!hasOpenssl)('certificates on disk (skipped where openssl is not installed)', () => {
  async function serverName(node: TestNode): Promise<string> {
    const socket = dial(node, { checkServerIdentity: () => undefined });
    await new Promise((resolve, reject) => socket.on('secureConnect', resolve).on('error', reject));
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return String(subject.CN);
  }

  it.each(['1', '4'])(
    'are read again on SIGHUP, and open connections live on, with -t %s',
    async (threads) => {
      const files = { certificateFile: join(folder, 'current.pem'), keyFile: join(folder, 'current.key') };
      const install = (certificate: Certificate): void => {
        copyFileSync(certificate.certificateFile, files.certificateFile);
        copyFileSync(certificate.keyFile, files.keyFile);
      };
      install(server);
      const next = authority.sign('next');
      await withNode(
        ['-t', threads, '-Z', '-o', `ssl_chain_cert=${files.certificateFile},ssl_key=${files.keyFile}`],
        async (node) => {
          expect(await serverName(node)).toBe('server');
          const old = dial(node);
          await new Promise((resolve) => old.on('secureConnect', resolve));
          install(next);
          node.process.signal('SIGHUP');
          await node.process.waitForLog(RELOADED);
          for (let round = 0; round < 20; round += 1) expect(await serverName(node)).toBe('next');
          install(server);
          expect(await ask(node, 'refresh_certs\r\nquit\r\n')).toBe('OK\r\n');
          await node.process.waitForLog(RELOADED);
          for (let round = 0; round < 20; round += 1) expect(await serverName(node)).toBe('server');
          expect(await ask(node, 'stats\r\nquit\r\n')).toMatch(/time_since_server_cert_refresh \d\r\n/);
          install(next);
          node.process.signal('SIGHUP');
          await node.process.waitForLog(RELOADED);
          const answered = new Promise((resolve) => old.once('data', (bytes) => resolve(bytes.toString())));
          old.write('version\r\n');
          expect(await answered).toMatch(/^VERSION /);
          old.destroy();

          // A pair of files that does not fit is half of a change: the old ones stay.
          copyFileSync(server.certificateFile, files.certificateFile);
          node.process.signal('SIGHUP');
          await node.process.waitForLog(
            /certificates are not reloaded, the old ones stay: .* is not the key of/,
          );
          expect(await serverName(node)).toBe('next');
          writeFileSync(files.keyFile, 'garbage');
          node.process.signal('SIGHUP');
          await node.process.waitForLog(/holds no private key/);
          expect(await serverName(node)).toBe('next');
        },
      );
    },
  );
});

describe.skipIf(!hasOpenssl)('a start that can not succeed (skipped where openssl is not installed)', () => {
  async function refusal(...argv: string[]): Promise<string> {
    const node = new EngineProcess([
      '-u',
      'root',
      '-l',
      '127.0.0.1',
      '-p',
      String(await freePort()),
      ...argv,
    ]);
    const { status } = await node.exited;
    expect([64, 71]).toContain(status);
    return node.log;
  }

  it('says what is missing or wrong', async () => {
    const certificate = `ssl_chain_cert=${server.certificateFile}`;
    expect(await refusal('-Z')).toContain('-Z: needs a certificate, -o ssl_chain_cert=FILE');
    expect(await refusal('-Z', '-o', 'ssl_chain_cert=/nowhere')).toContain(
      "-o ssl_chain_cert=/nowhere: can't be read (ENOENT)",
    );
    expect(await refusal('-Z', '-o', certificate)).toContain('holds no private key');
    expect(await refusal('-Z', '-o', `${certificate},ssl_key=${client.keyFile}`)).toContain(
      'is not the key of',
    );
    expect(await refusal(...flags('ssl_verify_mode=2'))).toContain('needs the authorities');
    expect(await refusal(...flags('ssl_min_version=1'))).toContain('must be a number from 2 to 3');
    expect(await refusal(...flags('ssl_keyformat=DER'))).toContain('only PEM works here');
    expect(await refusal(...flags('ssl_ciphers=NONSENSE'))).toContain(
      '-Z: the runtime refuses these settings',
    );
  });

  it('notices a port in use although TLS listeners share theirs', async () => {
    await withNode(flags(), async (node) => {
      const second = new EngineProcess([
        '-u',
        'root',
        '-l',
        '127.0.0.1',
        '-p',
        String(node.port),
        ...flags(),
      ]);
      expect(await second.exited).toEqual({ status: 71, signal: null });
      expect(second.log).toContain('the port is in use');
    });
  });
});
