// -s and -a: the mode, what may be replaced, what is left alone, and what stays behind.
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EngineProcess } from '../../helpers/engine.js';
import { withFolder } from '../../helpers/temporary-folder.js';

async function talk(path: string, request: string): Promise<string> {
  const socket = connect(path);
  socket.end(request);
  let reply = '';
  for await (const chunk of socket.setEncoding('latin1')) reply += chunk;
  return reply;
}

async function started(...flags: string[]): Promise<EngineProcess> {
  const node = new EngineProcess(['-u', 'root', ...flags]);
  await node.waitForLog(/listening on/);
  return node;
}

async function refusal(path: string): Promise<string> {
  const node = new EngineProcess(['-u', 'root', '-s', path]);
  expect(await node.exited).toEqual({ status: 71, signal: null });
  return node.log;
}

describe('a unix socket', () => {
  it('serves clients, on no network, and is gone at the end', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'socket');
      const node = await started('-s', path);
      expect(await talk(path, 'set a 0 0 1\r\nx\r\nget a\r\nquit\r\n')).toBe(
        'STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n',
      );
      expect(await talk(path, 'stats settings\r\n')).toContain(`STAT domain_socket ${path}\r\n`);
      expect(lstatSync(path).mode & 0o777).toBe(0o700);
      expect(readdirSync(folder)).toEqual(['socket']);
      expect(await node.end()).toEqual({ status: 0, signal: null });
      expect(readdirSync(folder)).toEqual([]);
    });
  });

  it('answers a client that floods it', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'socket');
      const node = await started('-s', path);
      const replies = await talk(
        path,
        `set a 0 0 1000\r\n${'x'.repeat(1000)}\r\n${'get a\r\n'.repeat(20_000)}`,
      );
      expect(replies.match(/END\r\n/g)).toHaveLength(20_000);
      await node.end();
    });
  });

  it.each([
    ['777', 0o777],
    ['0660', 0o660],
  ])('has the mode of -a %s', async (mask, mode) => {
    await withFolder(async (folder) => {
      const path = join(folder, 'socket');
      const node = await started('-s', path, '-a', mask);
      expect(lstatSync(path).mode & 0o777).toBe(mode);
      await node.end();
    });
  });

  it('takes the place of one that a killed node left behind', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'socket');
      const first = await started('-s', path);
      await first.end('SIGKILL');
      expect(existsSync(path)).toBe(true);
      const second = await started('-s', path);
      expect(await talk(path, 'version\r\n')).toMatch(/^VERSION /);
      await second.end();
    });
  });

  it('is not taken from a program that listens on it', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'socket');
      const other = createServer();
      await new Promise<void>((resolve) => other.listen(path, resolve));
      expect(await refusal(path)).toContain(`-s ${path}: another program listens there`);
      expect(lstatSync(path).isSocket()).toBe(true);
      await new Promise((resolve) => other.close(resolve));
    });
  });

  it('leaves files, folders and links alone, and what they point to', async () => {
    await withFolder(async (folder) => {
      const file = join(folder, 'file');
      writeFileSync(file, 'precious');
      chmodSync(file, 0o600);
      const subfolder = join(folder, 'folder');
      mkdirSync(subfolder);
      const link = join(folder, 'link');
      symlinkSync(file, link);
      const dangling = join(folder, 'dangling');
      symlinkSync(join(folder, 'nowhere'), dangling);
      for (const path of [file, subfolder, link, dangling]) {
        expect(await refusal(path)).toContain(`-s ${path}: is there already and no socket`);
      }
      expect(readFileSync(file, 'utf8')).toBe('precious');
      expect(lstatSync(file).mode & 0o777).toBe(0o600);
      expect(readdirSync(folder).sort()).toEqual(['dangling', 'file', 'folder', 'link']);
    });
  });

  it('is not removed when another has taken its place meanwhile', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'socket');
      const first = await started('-s', path);
      unlinkSync(path);
      const second = await started('-s', path);
      await first.end();
      expect(await talk(path, 'version\r\n')).toMatch(/^VERSION /);
      await second.end();
    });
  });

  it('says that -p means nothing with it', async () => {
    await withFolder(async (folder) => {
      const node = await started('-s', join(folder, 'socket'), '-p', '11311', '-l', '127.0.0.1');
      expect(node.log).toContain('-p and -l changes nothing: with -s there is no network');
      await node.end();
    });
  });

  it('says what is wrong with a folder that is not there', async () => {
    await withFolder(async (folder) => {
      expect(await refusal(join(folder, 'nowhere', 'socket'))).toContain("can't listen there");
    });
  });
});
