// The auth file: who may log in after it was read, in every thread, and which files are refused.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SharedLogins } from '../../../src/engine/server/shared-logins.js';
import { SharedMemory } from '../../../src/engine/store/shared-memory.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'repcached-logins-'));
  path = join(folder, 'logins');
});

afterEach(() => rmSync(folder, { recursive: true }));

function fileWith(content: string | Uint8Array, mode = 0o600): string {
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const may = (logins: SharedLogins, user: string, password: string): boolean =>
  logins.match(Buffer.from(user), Buffer.from(password));

describe('SharedLogins', () => {
  it('lets nobody in before a file was read', () => {
    expect(may(new SharedLogins(new SharedMemory()), '', '')).toBe(false);
  });

  it('shows every thread what one of them has read, each time', () => {
    const memory = new SharedMemory();
    const main = new SharedLogins(memory);
    const worker = new SharedLogins(new SharedMemory(memory.handles));
    main.load(fileWith('ann:a long password\nbob:word\n'));
    for (const logins of [main, worker]) {
      expect(may(logins, 'ann', 'a long password')).toBe(true);
      expect(may(logins, 'bob', 'wore')).toBe(false);
    }
    main.load(fileWith('bob:other'));
    for (const logins of [main, worker]) {
      expect(may(logins, 'ann', 'a long password')).toBe(false);
      expect(may(logins, 'bob', 'other')).toBe(true);
    }
  });

  it('keeps the old logins when the new file is no good', () => {
    const logins = new SharedLogins(new SharedMemory());
    logins.load(fileWith('ann:pass'));
    expect(() => logins.load(fileWith('ann'))).toThrow('line 1 has no colon');
    expect(() => logins.load(fileWith('ann:other', 0o644))).toThrow('chmod 600');
    expect(may(logins, 'ann', 'pass')).toBe(true);
    expect(may(logins, 'ann', 'other')).toBe(false);
  });

  it.each([0o604, 0o602, 0o620, 0o666])('refuses mode %o', (mode) => {
    const logins = new SharedLogins(new SharedMemory());
    expect(() => logins.load(fileWith('ann:pass', mode))).toThrow(
      `-Y ${path}: is open to other users, make it private with: chmod 600 ${path}`,
    );
  });

  it.each([
    ['', 'holds no user'],
    ['ann:pass\nbob\n', 'line 2 has no colon: it must be user:password'],
    ['a:b\n'.repeat(20_000), 'holds more than 65536 bytes, that is no auth file of ours'],
    [Buffer.of(0x7f, 0x45, 0x4c, 0x46, 0), 'line 1 holds a zero byte'],
  ])('refuses what is corrupt', (content, problem) => {
    const logins = new SharedLogins(new SharedMemory());
    expect(() => logins.load(fileWith(content))).toThrow(`-Y ${path}: ${problem}`);
  });

  it('refuses what is no file', () => {
    const logins = new SharedLogins(new SharedMemory());
    expect(() => logins.load(path)).toThrow(`-Y ${path}: can't be read (ENOENT)`);
    expect(() => logins.load(folder)).toThrow('must be a plain file');
  });

  it('never shows a password', () => {
    const logins = new SharedLogins(new SharedMemory());
    expect(() => logins.load(fileWith('ann:hunter2\nhunter2\n'))).toThrow(/^(?!.*hunter2)/);
  });
});
