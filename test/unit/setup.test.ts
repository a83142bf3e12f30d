// What makes a fresh clone ready must do no harm beside it.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const SETUP = 'bin/setup.js';

it('installs again what is gone from node_modules', () => {
  const folder = mkdtempSync(join(tmpdir(), 'setup-'));
  try {
    for (const name of ['bin', 'node_modules', 'node_modules/kept']) mkdirSync(join(folder, name));
    for (const file of [SETUP, 'package.json', 'package-lock.json'])
      copyFileSync(join(ROOT, file), join(folder, file));
    writeFileSync(join(folder, 'node_modules', 'kept', 'package.json'), '{}');
    const packages = { 'node_modules/kept': {}, 'node_modules/gone': {} };
    writeFileSync(join(folder, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));
    const npm = join(folder, 'npm.js');
    writeFileSync(npm, 'console.log("asked for", ...process.argv.slice(2)); process.exit(1);');
    const { status, stderr } = spawnSync(process.execPath, [join(folder, SETUP)], {
      encoding: 'utf8',
      env: { ...process.env, npm_execpath: npm },
    });
    expect([status, stderr]).toEqual([1, expect.stringMatching(/asked for ci /)]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.each([
  ['nothing is installed', []],
  ['nothing is built', ['node_modules']],
])('where %s, the CLI says so instead of failing', (_, links) => {
  const folder = mkdtempSync(join(tmpdir(), 'setup-'));
  try {
    mkdirSync(join(folder, 'bin'));
    for (const file of ['bin/run.js', 'package.json']) copyFileSync(join(ROOT, file), join(folder, file));
    for (const link of links) symlinkSync(join(ROOT, link), join(folder, link));
    const { status, stderr } = spawnSync(process.execPath, [join(folder, 'bin', 'run.js'), 'status'], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^Error: this clone is not set up[^\n]*\nCaused by: [^\n]*\nTry: .*node bin\/setup\.js\n$/,
      ),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('empties no folder that node_modules is a link to', () => {
  const folder = mkdtempSync(join(tmpdir(), 'setup-'));
  try {
    for (const name of ['clone', 'clone/bin', 'shared']) mkdirSync(join(folder, name));
    for (const file of ['bin/setup.js', 'package.json', 'package-lock.json']) {
      copyFileSync(join(ROOT, file), join(folder, 'clone', file));
    }
    writeFileSync(join(folder, 'shared', 'kept'), '');
    symlinkSync(join(folder, 'shared'), join(folder, 'clone', 'node_modules'));
    const { status, stderr } = spawnSync(process.execPath, [join(folder, 'clone', 'bin', 'setup.js')], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/node_modules is a link[\s\S]*Try: rm node_modules/),
    ]);
    expect(existsSync(join(folder, 'shared', 'kept'))).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
