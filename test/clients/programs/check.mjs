// What the Node programs share.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const LIMIT_MS = 10_000;
const POLL_MS = 50;

/** Deep and strict; says what was compared. */
export function check(what, actual, expected) {
  assert.deepEqual(actual, expected, `${what}: expected ${shown(expected)}, got ${shown(actual)}`);
}

/** Waits for what takes the server's clock a second or two. */
export async function eventually(what, isTrue) {
  const deadline = Date.now() + LIMIT_MS;
  while (!(await isTrue())) {
    assert(Date.now() < deadline, `${what}: not within ${LIMIT_MS} ms`);
    await sleep(POLL_MS);
  }
}

export function passed(step) {
  console.log(step);
}

function shown(value) {
  return String(JSON.stringify(value)).slice(0, 200);
}
