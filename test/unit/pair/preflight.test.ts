// What is said of a node that does not answer: each thing once.
import { expect, it } from 'vitest';
import { withReason } from '../../../src/pair/preflight.js';

it('adds why the connection failed to what the service manager knows', () => {
  expect(withReason('b is stopped', new Error('refused'))).toBe('b is stopped; refused');
});

it('does not say the same twice, where the host itself is gone', () => {
  const what = "b: its host can't be asked: no answer within 10 s";
  expect(withReason(what, new Error('no answer within 10 s'))).toBe(what);
});
