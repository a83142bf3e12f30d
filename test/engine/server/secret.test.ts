// The secret file: what is read from it, and which files are refused.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSecretFile } from '../../../src/engine/server/secret.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'repcached-secret-'));
  path = join(folder, 'secret');
});

afterEach(() => rmSync(folder, { recursive: true }));

function fileWith(content: string, mode = 0o600): string {
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

function secretsIn(content: string): string[] {
  return readSecretFile(fileWith(content)).map((secret) => Buffer.from(secret).toString('latin1'));
}

describe('readSecretFile', () => {
  it('returns the bytes without the blanks around them', () => {
    expect(secretsIn(' 0123456789abcdef\n')).toEqual(['0123456789abcdef']);
  });

  it('returns the secret and the one before it, in that order and each once', () => {
    const [current, previous] = ['fedcba9876543210', '0123456789abcdef'];
    expect(secretsIn(`${current}\n${previous}\n`)).toEqual([current, previous]);
    expect(secretsIn(` ${current} \r\n\r\n ${previous}`)).toEqual([current, previous]);
    expect(secretsIn(`${current}\n${current}\n`)).toEqual([current]);
  });

  it('refuses a third line, and a line that is too short', () => {
    const line = '0123456789abcdef\n';
    expect(() => secretsIn(line.repeat(3))).toThrow('holds 3 lines, must hold one, the secret, or two');
    expect(() => secretsIn(`${line}short`)).toThrow('holds a line of 5 bytes, needs at least 16');
  });

  it('keeps every byte value', () => {
    const bytes = Buffer.from([0xff, 0x80, 0x00, ...Buffer.from('0123456789abcdef')]);
    writeFileSync(path, bytes, { mode: 0o600 });
    expect(readSecretFile(path)).toEqual([bytes]);
  });

  it.each([0o604, 0o602, 0o620, 0o666])('refuses mode %o', (mode) => {
    expect(() => readSecretFile(fileWith('0123456789abcdef', mode))).toThrow(
      `make it private with: chmod 600 ${path}`,
    );
  });

  it.each([
    ['', 0],
    ['\n', 0],
    ['short\n', 5],
  ])('refuses too little: %j', (content, size) => {
    expect(() => readSecretFile(fileWith(content))).toThrow(`holds ${size} bytes, needs at least 16`);
  });

  it('refuses what is no secret file at all', () => {
    expect(() => readSecretFile(path)).toThrow("can't be read (ENOENT)");
    expect(() => readSecretFile(folder)).toThrow('must be a plain file');
    expect(() => readSecretFile(fileWith('x'.repeat(5000)))).toThrow('holds more than 4096 bytes');
  });

  it('never shows the secret', () => {
    expect(() => readSecretFile(fileWith('hunter2'))).not.toThrow('hunter2');
  });
});
