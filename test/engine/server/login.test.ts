// Logins on a running node: both protocols, on every thread, and what SIGHUP changes.
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ENGINE_PATH, type TestNode, withNode } from '../../helpers/engine.js';
import { packet, readReplies } from '../protocol/binary/packets.js';

/** More than enough for the kernel to choose each of two threads. */
const CONNECTIONS = 16;

const run = promisify(execFile);
const hasLibmemcached = spawnSync('memccat', ['--version']).error === undefined;

let folder: string;
let authFile: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'repcached-login-'));
  // For the node, which may run as another user than the test.
  chmodSync(folder, 0o755);
  authFile = join(folder, 'logins');
  writeFileSync(authFile, 'ann:first\n', { mode: 0o600 });
});

afterEach(() => rmSync(folder, { recursive: true }));

async function login(node: TestNode, password: string): Promise<string> {
  const client = await node.connect();
  client.send(`set x 0 0 ${4 + password.length}\r\nann ${password}\r\n`);
  return await client.readLine();
}

/** The answers of so many connections that every thread has given one; each answer once. */
async function loginEverywhere(node: TestNode, password: string): Promise<string[]> {
  const answers = await Promise.all(Array.from({ length: CONNECTIONS }, () => login(node, password)));
  return [...new Set(answers)];
}

/** The answer to one binary request; a quit behind it ends the connection, logged in or not. */
async function askBinary(node: TestNode, request: Buffer): Promise<string> {
  const client = await node.connect();
  client.send(Buffer.concat([request, packet({ opcode: 0x07 })]));
  const [reply] = readReplies(Buffer.from(await client.readToEnd(), 'latin1'));
  return `${reply.status} ${reply.value.toString()}`;
}

describe('a node with an auth file', () => {
  it('serves text clients that have logged in, and no binary ones', async () => {
    await withNode(['-t', '2', '-Y', authFile], async (node) => {
      const client = await node.connect();
      expect(await client.command('get abc')).toBe('CLIENT_ERROR unauthenticated');
      expect(await client.command('set x 0 0 9\r\nann wrong')).toBe('CLIENT_ERROR authentication failure');
      expect(await client.command('set x 0 0 9\r\nann first')).toBe('STORED');
      expect(await client.command('set abc 0 0 1\r\nx')).toBe('STORED');
      const settings = await client.stats('settings');
      expect(settings.get('binding_protocol')).toBe('ascii');
      expect(settings.get('auth_enabled_sasl')).toBe('no');
      expect(settings.get('auth_enabled_ascii')).toBe(authFile);
      const stats = await client.stats();
      expect([stats.get('auth_cmds'), stats.get('auth_errors')]).toEqual(['2', '1']);

      const binary = await node.connect();
      binary.send(Buffer.concat([packet({ opcode: 0x0b }), Buffer.from('\r\n')]));
      expect(await binary.readLine()).toBe('CLIENT_ERROR unauthenticated');
    });
  });

  it('reads the file again on SIGHUP, for all threads, unless it is no good', async () => {
    await withNode(['-t', '2', '-Y', authFile], async (node) => {
      expect(await loginEverywhere(node, 'first')).toEqual(['STORED']);

      writeFileSync(authFile, 'ann:second\n');
      node.process.signal('SIGHUP');
      await node.process.waitForLog(/auth file reloaded/);
      expect(await loginEverywhere(node, 'first')).toEqual(['CLIENT_ERROR authentication failure']);
      expect(await loginEverywhere(node, 'second')).toEqual(['STORED']);

      writeFileSync(authFile, 'ann\n');
      node.process.signal('SIGHUP');
      await node.process.waitForLog(/not reloaded, the old logins stay: -Y .*: line 1 has no colon/);
      expect(await loginEverywhere(node, 'second')).toEqual(['STORED']);

      chmodSync(authFile, 0o644);
      node.process.signal('SIGHUP');
      await node.process.waitForLog(/not reloaded, .* chmod 600/);
      expect(await loginEverywhere(node, 'second')).toEqual(['STORED']);
      expect(node.process.log).not.toMatch(/first|second/);
    });
  });

  it('serves binary clients that have logged in by SASL when -S is given', async () => {
    await withNode(['-t', '2', '-S', '-Y', authFile], async (node) => {
      const sasl = (password: string): Buffer =>
        packet({ opcode: 0x21, key: 'PLAIN', value: `\0ann\0${password}` });
      expect(await askBinary(node, packet({ opcode: 0x20 }))).toBe('0 PLAIN');
      expect(await askBinary(node, packet({ opcode: 0x0a }))).toBe('32 Auth failure.');
      expect(await askBinary(node, sasl('wrong'))).toBe('32 Auth failure.');
      expect(await askBinary(node, sasl('first'))).toBe('0 Authenticated');
      expect(await login(node, 'first')).toBe('STORED');
    });
  });
});

describe.skipIf(!hasLibmemcached)('libmemcached (skipped where its tools are not installed)', () => {
  it('logs in by SASL, with the right password only', async () => {
    await withNode(['-S', '-B', 'binary', '-Y', authFile], async (node) => {
      const path = join(folder, 'greeting');
      writeFileSync(path, 'hello');
      const as = (password: string): string[] => [
        '--binary',
        '--username=ann',
        `--password=${password}`,
        `--servers=127.0.0.1:${node.port}`,
      ];
      await run('memccp', [...as('first'), path]);
      const { stdout } = await run('memccat', [...as('first'), 'greeting']);
      expect(stdout).toContain('hello');
      await expect(run('memccat', [...as('wrong'), 'greeting'])).rejects.toThrow('AUTHENTICATION FAILURE');
    });
  });
});

describe('a start with logins that can not work', () => {
  it.each([
    ['an open file', 'ann:first\n', 0o644, 'is open to other users'],
    ['an empty file', '', 0o600, 'holds no user'],
    ['a corrupt file', 'ann:first\n\x7fELF\n', 0o600, 'line 2 has no colon'],
  ])('is refused: %s', (_what, content, mode, problem) => {
    writeFileSync(authFile, content);
    chmodSync(authFile, mode);
    const flags = ['-u', 'root', '-l', '127.0.0.1', '-p', '20000', '-Y', authFile];
    const { status, stderr } = spawnSync(ENGINE_PATH, flags, { env: {}, encoding: 'utf8', timeout: 10_000 });
    expect(stderr).toMatch(new RegExp(`^repcached: -Y ${authFile}: ${problem}[^\\n]*\\n$`));
    expect(status).toBe(64);
  });

  it('is refused: -S without a file', () => {
    const { status, stderr } = spawnSync(ENGINE_PATH, ['-S'], { env: {}, encoding: 'utf8', timeout: 10_000 });
    expect(stderr).toContain('-S: needs -Y FILE as well');
    expect(status).toBe(64);
  });
});
