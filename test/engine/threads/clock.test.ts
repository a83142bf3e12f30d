// All threads of a node tell the same time, whenever they started. Runs in the engine's own runtime.
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runWithBun } from '../../helpers/bun.js';

it('threads that start at different times have one time', async () => {
  const program = fileURLToPath(new URL('late-thread.ts', import.meta.url));
  const apartMs = Number(await runWithBun(program, [], 20_000));
  expect(Math.abs(apartMs)).toBeLessThan(200);
}, 20_000);
