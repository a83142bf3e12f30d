// What an operator reads of a check that failed.
import { expect, it } from 'vitest';
import { CheckFailure } from '../../../src/pair/check-result.js';
import { ClientError } from '../../../src/pair/client/client-error.js';
import { runCheck } from '../../../src/pair/run-check.js';

const CLOCKS = { id: 'clocks', title: 'the clocks agree', remedy: 'run an NTP client' };
const remedyAfter = async (error: Error) => (await runCheck(CLOCKS, () => Promise.reject(error))).remedy;

it("gives the check's own remedy when its expectation does not hold", async () => {
  expect(await remedyAfter(new CheckFailure('0 ms', '3 s'))).toBe('run an NTP client');
});

it('does not give it when the node went away under the check', async () => {
  expect(await remedyAfter(new ClientError('closed', 'the connection to a was closed'))).toMatch(
    /repcachectl logs/,
  );
});
