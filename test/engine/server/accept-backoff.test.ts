// When a node that is out of files closes its listeners, and when it opens them again.
import { beforeEach, describe, expect, it } from 'vitest';
import { AcceptBackoff } from '../../../src/engine/server/accept-backoff.js';
import { FatalError } from '../../../src/engine/server/exit.js';

const LISTENER_FILES = 3;
const SPARE_FILES = 4;

let nowMs: number;
/** How many files can be opened. */
let files: number;
let events: string[];
let reopenError: Error | undefined;
let backoff: AcceptBackoff;

function newBackoff(patience = 1): AcceptBackoff {
  return new AcceptBackoff({
    close: async () => {
      events.push('close');
    },
    reopen: async () => {
      if (reopenError !== undefined) throw reopenError;
      events.push('reopen');
    },
    listenerFiles: LISTENER_FILES,
    patience,
    shortage: (count) => (count > files ? 'EMFILE' : undefined),
    nowMs: () => nowMs,
    onReopened: () => events.push(backoff.isClosed ? 'told too early' : 'is open'),
    log: {
      closed: (shortage) => events.push(shortage),
      reopened: (closedMs) => events.push(`after ${closedMs} ms`),
      alternates: (shortage) => events.push(`${shortage} again`),
      calm: () => events.push('calm'),
      problem: (problem) => events.push(problem),
    },
  });
}

/** Looks every 50 ms, for so long. @returns what came of it */
async function lookFor(timeMs: number): Promise<string[]> {
  events = [];
  for (const endMs = nowMs + timeMs; nowMs < endMs; nowMs += 50) await backoff.look();
  return events;
}

beforeEach(() => {
  nowMs = 1_000_000;
  files = 100;
  reopenError = undefined;
  backoff = newBackoff();
});

describe('AcceptBackoff', () => {
  it('does nothing while a file can be opened', async () => {
    files = 1;
    expect(await lookFor(60_000)).toEqual([]);
    expect(backoff.isClosed).toBe(false);
  });

  it('closes once without files, and opens again when there are enough for the listeners and a few more', async () => {
    files = 0;
    expect(await lookFor(5_000)).toEqual(['close', 'EMFILE']);
    expect(backoff.isClosed).toBe(true);
    files = LISTENER_FILES + SPARE_FILES - 1;
    expect(await lookFor(5_000)).toEqual([]);
    files += 1;
    expect(await lookFor(5_000)).toEqual(['reopen', 'after 10000 ms', 'is open']);
    expect(backoff.isClosed).toBe(false);
  });

  it('stays closed for a moment even where there are files at once', async () => {
    files = 0;
    await lookFor(50);
    files = 100;
    expect(await lookFor(200)).toEqual([]);
    expect(await lookFor(50)).toEqual(['reopen', 'after 250 ms', 'is open']);
  });

  it('tells once that it closes again and again, and once that it does no longer', async () => {
    const closeAndReopen = async (): Promise<string[]> => {
      files = 0;
      const seen = [...(await lookFor(50))];
      files = 100;
      return [...seen, ...(await lookFor(1_000))];
    };
    expect(await closeAndReopen()).toEqual(['close', 'EMFILE', 'reopen', 'after 250 ms', 'is open']);
    expect(await closeAndReopen()).toEqual(['close', 'EMFILE again', 'reopen', 'is open']);
    for (let round = 0; round < 50; round += 1) {
      expect(await closeAndReopen()).toEqual(['close', 'reopen', 'is open']);
    }
    expect(await lookFor(60_000)).toEqual(['calm']);
    expect(await closeAndReopen()).toEqual(['close', 'EMFILE', 'reopen', 'after 250 ms', 'is open']);
  });

  it('tries again and again when the listeners can not be opened, and tells each problem once', async () => {
    files = 0;
    await lookFor(50);
    files = 100;
    reopenError = new FatalError('the port is in use');
    expect(await lookFor(10_000)).toEqual(['the port is in use']);
    reopenError = new FatalError('no such address');
    expect(await lookFor(10_000)).toEqual(['no such address']);
    expect(backoff.isClosed).toBe(true);
    reopenError = undefined;
    expect(await lookFor(2_000)).toEqual(['reopen', 'after 20250 ms', 'is open']);
  });

  it('tells a problem anew that comes back another time', async () => {
    for (let round = 0; round < 2; round += 1) {
      files = 0;
      await lookFor(50);
      files = 100;
      reopenError = new FatalError('the port is in use');
      expect(await lookFor(10_000)).toEqual(['the port is in use']);
      reopenError = undefined;
      expect(await lookFor(20_000)).toContain('is open');
    }
  });

  it('hides no bug behind that', async () => {
    files = 0;
    await lookFor(50);
    files = 100;
    nowMs += 10_000;
    reopenError = new TypeError('not a function');
    await expect(backoff.look()).rejects.toThrow('not a function');
  });

  it('closes after as many looks without files in a row as it was told', async () => {
    backoff = newBackoff(3);
    for (let round = 0; round < 5; round += 1) {
      files = 0;
      expect(await lookFor(100)).toEqual([]);
      files = 1;
      expect(await lookFor(50)).toEqual([]);
    }
    files = 0;
    expect(await lookFor(150)).toEqual(['close', 'EMFILE']);
  });
});
