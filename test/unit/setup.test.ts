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
