// Which pair a command is about: flags, file, defaults.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locatePair } from '../../../src/pair/config/locate.js';
import { localStateDir } from '../../../src/pair/config/paths.js';
import { parseTarget } from '../../../src/pair/config/target.js';

let folder: string;
let configFile: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'repcachectl-'));
  configFile = join(folder, 'repcache.yaml');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const STORED = `version: 1
pair: 0123456789abcdef
memoryMb: 512
nodes:
  a: { host: one, user: ops }
  b: { host: two }
`;

describe('locatePair', () => {
  it('makes a new pair of two hosts for deploy', async () => {
    const targets = { a: 'root@one:2222', b: 'two' };
    const { config, text } = await locatePair({ configFile, targets, user: 'ops' }, { mayBeNew: true });
    expect(text).toBeUndefined();
    expect(config.pair).toBeUndefined();
    const ports = { port: 11211, replicationPort: 16000 };
    expect(config.nodes.a).toEqual({ name: 'a', host: 'one', user: 'root', sshPort: 2222, ...ports });
    expect(config.nodes.b).toEqual({ name: 'b', host: 'two', user: 'ops', ...ports });
  });

  it('reads the file, and lets flags override it', async () => {
    await writeFile(configFile, STORED);
    const plain = await locatePair({ configFile }, { mayBeNew: false });
    expect(plain.config.memoryMb).toBe(512);
    const { config } = await locatePair(
      { configFile, user: 'root', memoryMb: 64, targets: { b: 'three' } },
      { mayBeNew: true },
    );
    expect(config.pair).toBe('0123456789abcdef');
    expect(config.memoryMb).toBe(64);
    expect(config.nodes.a.user).toBe('root');
    expect(config.nodes.b.host).toBe('three');
  });

  it('refuses to write over the file of another pair, but reads past it', async () => {
    await writeFile(configFile, STORED);
    const selection = { configFile, targets: { a: 'three', b: 'four' } };
    await expect(locatePair(selection, { mayBeNew: true })).rejects.toMatchObject({
      code: 'CONFIG_OF_OTHER_PAIR',
    });
    const { config } = await locatePair(selection, { mayBeNew: false });
    expect(config.nodes.a.host).toBe('three');
    expect(config.pair).toBeUndefined();
  });

  it('does not move a deployed pair to other ports', async () => {
    await writeFile(configFile, STORED);
    await expect(locatePair({ configFile, port: 12000 }, { mayBeNew: true })).rejects.toMatchObject({
      code: 'PORT_IS_FIXED',
      exitName: 'usage',
    });
    await expect(locatePair({ configFile, port: 11211 }, { mayBeNew: true })).resolves.toBeDefined();
  });

  it('says how to name a pair when none is', async () => {
    await expect(locatePair({ configFile }, { mayBeNew: true })).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
      exitName: 'config',
    });
    await expect(locatePair({ local: true, configFile }, { mayBeNew: false })).rejects.toMatchObject({
      code: 'NO_PAIR',
    });
  });

  it('gives a new local pair neighbouring ports', async () => {
    const { config } = await locatePair({ local: true, configFile, port: 12000 }, { mayBeNew: true });
    expect(config.local).toBe(true);
    expect(config.nodes.a).toEqual({ name: 'a', host: 'local', port: 12000, replicationPort: 16000 });
    expect(config.nodes.b).toEqual({ name: 'b', host: 'local', port: 12001, replicationPort: 16001 });
  });
});

describe('localStateDir', () => {
  it('follows XDG_STATE_HOME, but for a relative one', () => {
    expect(localStateDir({ XDG_STATE_HOME: '/x' })).toBe('/x/repcachectl/local');
    expect(localStateDir({ XDG_STATE_HOME: 'x' })).toMatch(/\.local\/state\/repcachectl\/local$/);
  });
});

describe('parseTarget', () => {
  it.each([
    ['host', { host: 'host' }],
    ['me@host', { host: 'host', user: 'me' }],
    ['me@host:2222', { host: 'host', user: 'me', sshPort: 2222 }],
    ['me@corp@host', { host: 'host', user: 'me@corp' }],
    ['fe80::1', { host: 'fe80::1' }],
    ['[fe80::1]:22', { host: 'fe80::1', sshPort: 22 }],
  ])('%s', (text, expected) => {
    expect(parseTarget(text)).toEqual(expected);
  });

  it.each(['', '@host', 'host:', 'host:0', 'host:99999', 'a b', '-oProxyCommand=x', 'me@-x', 'host:ssh'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseTarget(text)).toThrow(/is not a host/);
    },
  );
});
