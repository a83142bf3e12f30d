// A folder for one test, gone after it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export async function withFolder<T>(callback: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'repcached-test-'));
  try {
    return await callback(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
