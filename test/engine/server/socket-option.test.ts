// What setting a socket option costs: each stranger at the replication port has one set.
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runWithBun } from '../../helpers/bun.js';

const PROGRAM = fileURLToPath(new URL('socket-option-growth.ts', import.meta.url));

it('takes no memory that stays', async () => {
  const grownBytes = Number(await runWithBun(PROGRAM, [], 30_000));
  // With a library opened each time it was 44 MB.
  expect(grownBytes).toBeLessThan(20 * 2 ** 20);
});
