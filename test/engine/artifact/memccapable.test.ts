// libmemcached's own conformance test (Debian: libmemcached-tools) against the executable.
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { withNode } from '../../helpers/engine.js';

const run = promisify(execFile);
const isInstalled = spawnSync('memccapable', ['-V']).error === undefined;

describe.skipIf(!isInstalled)('memccapable (skipped where it is not installed)', () => {
  it('passes all 27 tests of the text protocol and all 27 of the binary one', async () => {
    await withNode([], async (node) => {
      const { stdout } = await run('memccapable', ['-h', '127.0.0.1', '-p', String(node.port), '-t', '2']);
      expect(stdout.match(/^ascii .*\[pass\]$/gm)).toHaveLength(27);
      expect(stdout.match(/^binary .*\[pass\]$/gm)).toHaveLength(27);
      expect(stdout).toContain('All tests passed');
    });
  });
});
