// A peer's bytes at random: what a real node sends, damaged and split. Nothing may throw, and the link ends or goes on.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME } from '../../../src/engine/replication/frames.js';
import { connect, End, type EndOptions } from '../replication/wire-pair.js';
import { contents } from '../store/new-store.js';
import { effort, TIMEOUT_MS } from './effort.js';
import { expectSound } from './haunted-store.js';
import { type Splitter, splitter } from './splits.js';

const RUNS = 60;
const LINK = 1;
const SECRET = 'a secret of the pair';

/** Both ends are made anew for each run, and alike: their nonces and clocks are fixed. */
function newEnds(secret: string | null): { dialer: End; acceptor: End } {
  const options: EndOptions = {
    secrets: secret === null ? [] : [secret],
    memoryBytes: 8 * 1024 * 1024,
    logCapacity: 1024,
  };
  const dialer = new End({ ...options, nodeId: 1, dials: true });
  const acceptor = new End({ ...options, nodeId: 2 });
  for (let number = 0; number < 20; number++)
    dialer.set(`key${number}`, `value${number}`.repeat((number % 3) * 40));
  dialer.remove('key3');
  acceptor.set('own', 'what the acceptor had');
  return { dialer, acceptor };
}

/** All that the dialler says from its hello until both are in sync. */
function transcriptOf(secret: string | null): Buffer {
  const { dialer, acceptor } = newEnds(secret);
  const said: Buffer[] = [];
  connect(dialer, acceptor, LINK);
  while (dialer.isBusy || acceptor.isBusy) {
    for (const [from, to] of [
      [dialer, acceptor],
      [acceptor, dialer],
    ] as const) {
      from.goOn();
      const sent = from.outbox.shift();
      if (sent === undefined) continue;
      const bytes = Buffer.from(sent.bytes);
      if (from === dialer) said.push(...framesOf(bytes).filter(isNoAnswer));
      to.step({ kind: 'received', link: LINK, bytes });
      from.step({ kind: 'writable', link: LINK });
    }
  }
  expect(acceptor.get('key5')).not.toBe(null);
  return Buffer.concat(said);
}

function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += frames[frames.length - 1].length) {
    frames.push(bytes.subarray(at, at + 4 + bytes.readUInt32LE(at)));
  }
  return frames;
}

/** An acknowledgement of what the acceptor has not said yet would end the link, and when it says it is not told here. */
function isNoAnswer(frame: Buffer): boolean {
  return frame[4] !== FRAME.ack && frame[4] !== FRAME.digest;
}

/** Says bytes to a fresh acceptor that takes whatever it sends for delivered. */
function listen(secret: string | null, bytes: Uint8Array, split: Splitter): End {
  const { acceptor } = newEnds(secret);
  acceptor.step({ kind: 'accepted', link: LINK, address: '127.0.0.1:1', isFromPeer: false });
  for (const piece of split(bytes)) {
    acceptor.step({ kind: 'received', link: LINK, bytes: piece });
    for (let sent = acceptor.outbox.shift(); sent !== undefined; sent = acceptor.outbox.shift()) {
      acceptor.step({ kind: 'writable', link: LINK });
    }
  }
  return acceptor;
}

interface Damage {
  readonly place: number;
  readonly removed: number;
  readonly inserted: Uint8Array;
}

const damage: fc.Arbitrary<Damage> = fc.record({
  place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  removed: fc.nat(12),
  inserted: fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.constantFrom(
      Uint8Array.of(0, 0, 0, 0),
      Uint8Array.of(0xff, 0xff, 0xff, 0xff),
      Uint8Array.of(0, 0, 0, 0x80),
    ),
  ),
});

/** Replaces bytes in place as often as it moves those behind. */
function damaged(bytes: Buffer, damages: readonly Damage[]): Buffer {
  let changed = bytes;
  for (const { place, removed, inserted } of damages) {
    const at = Math.floor(place * changed.length);
    const cut = removed % 2 === 0 ? inserted.length : removed;
    changed = Buffer.concat([changed.subarray(0, at), inserted, changed.subarray(at + cut)]);
  }
  return changed;
}

const whole: Splitter = (bytes) => [bytes];

describe('what a peer says, at random', () => {
  it.each([
    { name: 'that needs no secret', secret: null },
    { name: 'that has proved the secret', secret: SECRET },
  ])(
    'does no harm from one $name',
    ({ secret }) => {
      const transcript = transcriptOf(secret);
      fc.assert(
        fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), splitter, (damages, split) => {
          const bytes = damaged(transcript, damages);
          const acceptor = listen(secret, bytes, whole);
          expectSound(acceptor.store);
          const other = listen(secret, bytes, split);
          expectSound(other.store);
          expect(contents(other.store)).toEqual(contents(acceptor.store));
          expect(other.closed).toEqual(acceptor.closed);
        }),
        effort(RUNS),
      );
    },
    TIMEOUT_MS,
  );

  it(
    'changes nothing from one that does not know the secret',
    () => {
      const transcript = transcriptOf(null);
      const before = contents(newEnds(SECRET).acceptor.store);
      fc.assert(
        fc.property(fc.array(damage, { maxLength: 4 }), splitter, (damages, split) => {
          const acceptor = listen(SECRET, damaged(transcript, damages), split);
          expect(contents(acceptor.store)).toEqual(before);
          expect(acceptor.replicator.stats(acceptor.nowMs).repl_received).toBe(0);
        }),
        effort(RUNS),
      );
    },
    TIMEOUT_MS,
  );

  it(
    'does no harm as frames of any content',
    () => {
      const handshake = transcriptOf(null);
      // Hello and proof, as long as their length words say.
      const helloEnd = 4 + handshake.readUInt32LE(0);
      const proofEnd = helloEnd + 4 + handshake.readUInt32LE(helloEnd);
      const frame = fc
        .tuple(
          fc.oneof(fc.nat(16), fc.constant(FRAME.item)),
          fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ minLength: 18, maxLength: 300 })),
        )
        .map(([type, payload]) => {
          const head = Buffer.alloc(5);
          head.writeUInt32LE(payload.length + 1, 0);
          head[4] = type;
          return Buffer.concat([head, payload]);
        });
      fc.assert(
        fc.property(fc.array(frame, { maxLength: 6 }), splitter, (frames, split) => {
          const acceptor = listen(null, Buffer.concat([handshake.subarray(0, proofEnd), ...frames]), split);
          expectSound(acceptor.store);
          expect(acceptor.get('own')).not.toBe('');
        }),
        effort(RUNS),
      );
    },
    TIMEOUT_MS,
  );
});
