// The built executable by itself: what it says, what it needs, and what it must not read.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ENGINE_PATH } from '../../helpers/engine.js';

const LONG_AGO = new Date('2001-01-01T00:00:00Z');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'repcached-artifact-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Writes a file whose time of last access says whether somebody has read it. */
function bait(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  utimesSync(path, LONG_AGO, new Date());
  return path;
}

function wasRead(path: string): boolean {
  return statSync(path).atimeMs !== LONG_AGO.getTime();
}

describe('the executable', () => {
  it('prints the version of the package', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
    expect(execFileSync(ENGINE_PATH, ['-V'], { env: {}, encoding: 'utf8' })).toBe(`repcached ${version}\n`);
  });

  it('prints its help on stdout and nothing on stderr', () => {
    const { status, stdout, stderr } = spawnSync(ENGINE_PATH, ['--help'], { env: {}, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('-x <peer>');
  });

  it('reads neither .env nor bunfig.toml of the folder it is started in', ({ skip }) => {
    const control = bait('control', 'x');
    readFileSync(control);
    if (!wasRead(control)) skip('the file system of the temporary folder keeps no access times');

    const marker = join(folder, 'ran');
    bait('evil.cjs', `require('node:fs').writeFileSync(${JSON.stringify(marker)}, '')`);
    const baits = [
      bait('bunfig.toml', 'preload = ["./evil.cjs"]\n'),
      bait('.env', 'BUN_OPTIONS=--preload=./evil.cjs\n'),
      bait('.env.local', 'A=1\n'),
      bait('.env.production', 'A=1\n'),
      bait('.env.development', 'A=1\n'),
      bait('package.json', '{"type":"module"}\n'),
      bait('tsconfig.json', '{}\n'),
    ];
    const { status } = spawnSync(ENGINE_PATH, ['-V'], { cwd: folder, env: {} });
    expect(status).toBe(0);
    expect(baits.filter(wasRead)).toEqual([]);
    expect(existsSync(marker)).toBe(false);
  });

  it('runs no code that BUN_OPTIONS names', () => {
    const marker = join(folder, 'ran');
    bait('evil.cjs', `require('node:fs').writeFileSync(${JSON.stringify(marker)}, '')`);
    spawnSync(ENGINE_PATH, ['-V'], { cwd: folder, env: { BUN_OPTIONS: '--preload=./evil.cjs' } });
    expect(existsSync(marker)).toBe(false);
  });
});
