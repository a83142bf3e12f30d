// Datagrams at random: each answer is framed as its request, small enough for any Ethernet, and of that request alone.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplyBuffer } from '../../../src/engine/protocol/reply-buffer.js';
import { ClientSession } from '../../../src/engine/protocol/session.js';
import { INSECURE_REPLY_BYTES_MAX, UdpServer } from '../../../src/engine/server/udp-server.js';
import { FixedFacts } from '../protocol/talk.js';
import { guardedStore } from '../store/guarded-store.js';
import { START_MS } from '../store/new-store.js';
import { binaryRequest } from './binary-grammar.js';
import { effort, TIMEOUT_MS } from './effort.js';
import { expectSound, GHOST_TAG, hauntedStore } from './haunted-store.js';
import { textCommand } from './text-grammar.js';

const RUNS = 100;
const HEADER_BYTES = 8;
const DATAGRAM_BYTES_MAX = HEADER_BYTES + 1400;

const header = fc.oneof(
  { weight: 6, arbitrary: fc.nat(0xffff).map((id) => Uint8Array.of(id >> 8, id, 0, 0, 0, 1, 0, 0)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 12 }) },
);
const request = fc.oneof(
  fc
    .array(textCommand, { maxLength: 4 })
    .map((commands) => Buffer.concat(commands.map(({ bytes }) => bytes))),
  fc
    .array(binaryRequest, { maxLength: 4 })
    .map((requests) => Buffer.concat(requests.map(({ bytes }) => bytes))),
  fc.uint8Array({ maxLength: 60 }),
);
const datagram = fc
  .record({ header, request, cut: fc.option(fc.nat(100)) })
  .map((parts) => Buffer.concat([parts.header, parts.request]).subarray(0, parts.cut ?? 60_000));

describe('datagrams at random', () => {
  it(
    'are answered whole or not at all, and leave nothing behind',
    () => {
      fc.assert(
        fc.property(fc.array(datagram, { minLength: 1, maxLength: 10 }), (datagrams) => {
          const store = hauntedStore();
          const openSession = (): ClientSession =>
            new ClientSession(guardedStore(store), new FixedFacts(), {
              protocols: 'auto',
              credentials: undefined,
            });
          const traffic = { bytesRead: 0, bytesWritten: 0, yields: 0 };
          const reply = new ReplyBuffer();
          const context = { store, reply, traffic, nowMs: () => START_MS, onServed() {}, gate: undefined };
          const server = new UdpServer(context, openSession, INSECURE_REPLY_BYTES_MAX);
          for (const bytes of datagrams) {
            const answers: Buffer[] = [];
            server.message(bytes, (sent, at, length) =>
              answers.push(Buffer.from(sent.subarray(at, at + length))),
            );
            checkAnswers(bytes, answers);
            expectSound(store);
            expect(reply.length).toBe(0);
          }
        }),
        effort(RUNS),
      );
    },
    TIMEOUT_MS,
  );
});

function checkAnswers(asked: Buffer, answers: readonly Buffer[]): void {
  const payload = Buffer.concat(answers.map((answer) => answer.subarray(HEADER_BYTES)));
  expect(payload.length).toBeLessThanOrEqual(INSECURE_REPLY_BYTES_MAX);
  expect(payload.includes(GHOST_TAG)).toBe(false);
  for (const [sequence, answer] of answers.entries()) {
    expect(answer.length).toBeLessThanOrEqual(DATAGRAM_BYTES_MAX);
    expect(answer.readUInt16BE(0)).toBe(asked.readUInt16BE(0));
    expect([answer.readUInt16BE(2), answer.readUInt16BE(4)]).toEqual([sequence, answers.length]);
  }
}
