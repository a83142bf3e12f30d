import { expect, test } from 'vitest';
import { Releasers } from '../../../src/pair/releasers.js';

test('releases in reverse order, each once, also when one fails', async () => {
  const releasers = new Releasers();
  const released: string[] = [];
  releasers.add('close the first', () => void released.push('first'));
  releasers.add('close the second', async () => {
    released.push('second');
    throw new Error('it is stuck');
  });
  releasers.add('close the third', () => void released.push('third'));
  const failure = await releasers.releaseAll().catch((error: unknown) => error);
  expect(released).toEqual(['third', 'second', 'first']);
  expect(failure).toBeInstanceOf(AggregateError);
  expect((failure as AggregateError).message).toBe('could not close the second: it is stuck');
  await releasers.releaseAll();
  expect(released).toHaveLength(3);
});
