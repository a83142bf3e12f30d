// Takes the place of either node in conversations that two real ones had, and must end as they did.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decode, type Heard } from './heard.js';
import { type Held, LegacyEnd } from './legacy-end.js';

type NodeName = 'a' | 'b';
type HeldThen = Readonly<Record<NodeName, { readonly flags: number; readonly value: string } | null>>;

interface Step {
  readonly atMs: number;
  /** What a client said to this node. */
  readonly client?: NodeName;
  /** What this node said to the other. */
  readonly node?: NodeName;
  /** As Latin-1. */
  readonly bytes: string;
}

interface Recording {
  readonly name: string;
  readonly about: string;
  readonly startMs: number;
  /** What clients of node b had said before. */
  readonly before: readonly string[];
  readonly steps: readonly Step[];
  readonly held: Readonly<Record<string, HeldThen>>;
}

const file = new URL('../../../fixtures/legacy-wire/recordings.json', import.meta.url);
const { recordings } = JSON.parse(readFileSync(file, 'utf8')) as { recordings: readonly Recording[] };

/** Expiry times come from a clock that a real one looks at once a second. */
const CLOCK_SLACK_SEC = 3;
/** What they held was looked at so long after the last step. */
const LOOKED_LATER_MS = 700;

/**
 * What our node answers otherwise than memcached 1.2.8 when it is in the place of the one that clients spoke to: it is
 * left out there, with what came of it.
 */
const ANSWERED_OTHERWISE: Readonly<
  Record<string, { readonly command: RegExp; readonly keys: readonly string[] }>
> = {
  cas: { command: /^cas k /, keys: ['k'] },
  cas_aba: { command: /^cas k /, keys: ['k'] },
  incr_decr: { command: /^(set|incr) t /, keys: ['t'] },
  delete: { command: /^(set|add|delete) d[34]/, keys: ['d3', 'd4'] },
  defer_delete_then_set_peer: { command: /^(set|delete) w/, keys: ['w'] },
  flags: { command: /^set f[56] /, keys: ['f5', 'f6'] },
  noreply: { command: /^(cas n1|delete n1 )/, keys: ['n1'] },
  fullsync_5: { command: /^delete locked /, keys: ['locked'] },
};

/** Where a real one sends what it does not mean: by design ours says otherwise, and is asked for the outcome only. */
const SAYS_OTHERWISE: ReadonlySet<string> = new Set([
  // A copy for each of twenty writes.
  'coalesce',
  // The last first.
  'order_delete_set',
  'order_flush_set',
  'order_set_delete_set_two',
  // The time when it was started, to mean now.
  'flush_all_0',
  'flush_all_abs_neg',
  // The time when it was started, plus one, for what was dead when it was stored.
  'ttl',
]);

/** Where both of them ended otherwise than ours should: `flush_all 0` flushes both. */
const ENDS_OTHERWISE: Readonly<Record<string, Readonly<Record<string, null>>>> = {
  flush_all_0: { f0: null, f1: null },
};

/** Our node in one place of the recording. */
function replay(
  recording: Recording,
  place: NodeName,
  split: (bytes: string) => string[],
): [LegacyEnd, string] {
  const otherwise = ANSWERED_OTHERWISE[recording.name]?.command;
  const end = new LegacyEnd({ startMs: recording.startMs - 3_000, dials: place === 'a' }).start();
  if (place === 'b') for (const text of recording.before) if (otherwise?.test(text) !== true) end.say(text);
  end.nowMs = recording.startMs;
  if (place === 'a') end.dialed();
  else end.accepted();
  let sent = end.flushOutbox();
  for (const { atMs, client, node, bytes } of recording.steps) {
    end.nowMs = recording.startMs + atMs;
    if (client === place && otherwise?.test(bytes) !== true) end.say(bytes);
    if (node !== undefined && node !== place) for (const piece of split(bytes)) end.hear(piece);
    sent += end.flushOutbox();
  }
  end.nowMs += LOOKED_LATER_MS;
  return [end, sent];
}

function expectHeld(end: LegacyEnd, recording: Recording, place: NodeName): void {
  const hasClients = recording.before.length > 0 || recording.steps.some(({ client }) => client === place);
  const leftOut = new Set(hasClients ? ANSWERED_OTHERWISE[recording.name]?.keys : []);
  for (const [key, held] of Object.entries(recording.held)) {
    if (leftOut.has(key)) continue;
    const wanted = key in (ENDS_OTHERWISE[recording.name] ?? {}) ? null : held[place];
    expect([key, content(end.held(key))]).toEqual([key, content(wanted)]);
  }
}

function content(held: Pick<Held, 'flags' | 'value'> | null) {
  return held === null ? null : { flags: held.flags >>> 0, value: held.value };
}

/** What was said, but for the end of a copy: ours says it in either place. */
function sayings(bytes: string, leftOut: ReadonlySet<string>): Heard[] {
  const [heard, fault] = decode([Buffer.from(bytes, 'latin1')]);
  expect(fault).toBeNull();
  return heard.filter((saying) => saying.kind !== 'copyEnd' && !('key' in saying && leftOut.has(saying.key)));
}

function expectSaidAlike(ours: readonly Heard[], theirs: readonly Heard[]): void {
  const plain = (said: readonly Heard[]) =>
    said.map((saying) => {
      if (saying.kind === 'item') return { ...saying, exptimeSec: saying.exptimeSec === 0 ? 0 : 'later' };
      return saying.kind === 'flush' ? { kind: 'flush', atSec: saying.atSec === 0 ? 0 : 'later' } : saying;
    });
  expect(plain(ours)).toEqual(plain(theirs));
  ours.forEach((saying, i) => {
    expect(Math.abs(momentSec(saying) - momentSec(theirs[i]))).toBeLessThanOrEqual(CLOCK_SLACK_SEC);
  });
}

function momentSec(saying: Heard): number {
  if (saying.kind === 'item') return saying.exptimeSec;
  return saying.kind === 'flush' ? saying.atSec : 0;
}

const byKey = (x: Heard, y: Heard): number => ('key' in x && 'key' in y ? x.key.localeCompare(y.key) : 0);

describe.each(recordings)('$name: $about', (recording) => {
  describe.each(['a', 'b'] as const)('ours as node %s', (place) => {
    it.each([
      ['whole', (bytes: string) => [bytes]],
      ['byte by byte', (bytes: string) => [...bytes]],
      ['cut in three', (bytes: string) => [bytes.slice(0, 1), bytes.slice(1, -1), bytes.slice(-1)]],
    ])('ends with what the real one held, told %s', (_, split) => {
      const [end] = replay(recording, place, split);
      expect(end.closed).toEqual([]);
      expectHeld(end, recording, place);
    });

    if (SAYS_OTHERWISE.has(recording.name)) return;
    it('tells what the real one told', () => {
      const leftOut = new Set(ANSWERED_OTHERWISE[recording.name]?.keys);
      const [, sent] = replay(recording, place, (bytes) => [bytes]);
      const said = recording.steps.flatMap(({ node, bytes }) => (node === place ? [bytes] : [])).join('');
      const [ours, theirs] = [sayings(sent, leftOut), sayings(said, leftOut)];
      if (recording.before.length === 0) expectSaidAlike(ours, theirs);
      // Of what is dead a copy of ours says that it is, to one that may hold something older.
      else expectSaidAlike(ours.filter(({ kind }) => kind === 'item').sort(byKey), theirs.sort(byKey));
    });
  });
});
