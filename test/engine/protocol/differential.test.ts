// The same script to a real memcached and to ours, where the installed version and memcached 1.6.45 agree.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../helpers/free-port.js';
import { newStore } from '../store/new-store.js';
import { Talk } from './talk.js';

/** MEMCACHED=/path/to/memcached compares with another one than the installed. */
const PROGRAM = process.env.MEMCACHED ?? 'memcached';
const installed = spawnSync(PROGRAM, ['-V'], { encoding: 'latin1' });
const isInstalled = installed.status === 0;
const isNew = Number(/ 1\.6\.(\d+)/.exec(installed.stdout ?? '')?.[1] ?? 0) >= 40;
const START_LIMIT_MS = 10_000;
const FENCE = 'get fence:nothing-has-this-key\r\n';

const value = (length: number): string => 'x'.repeat(length);

const SCRIPTS: readonly (readonly [name: string, script: string])[] = [
  [
    'storing',
    'set a 5 0 3\r\nabc\r\nget a b\r\nadd a 0 0 1\r\nx\r\nadd b 0 0 0\r\n\r\nreplace c 0 0 1\r\nx\r\nreplace a 9 0 2\r\nxy\r\nget a b c\r\n',
  ],
  [
    'append and prepend',
    'append n 0 0 1\r\nx\r\nset a 5 0 1\r\nb\r\nappend a 1 1 2\r\ncd\r\nprepend a 1 1 1\r\na\r\nget a\r\n',
  ],
  [
    'cas',
    'cas a 0 0 1 5\r\nx\r\nset a 0 0 1\r\nx\r\ncas a 0 0 1 0\r\ny\r\ncas a 0 0 1 18446744073709551615\r\ny\r\nget a\r\n',
  ],
  [
    'incr and decr',
    'incr n 1\r\nset n 7 0 3\r\n100\r\ndecr n 1\r\nget n\r\nincr n 1\r\nget n\r\nincr n 18446744073709551615\r\nget n\r\ndecr n 1000\r\nget n\r\nincr n x\r\nincr n -1\r\nincr n 18446744073709551616\r\n',
  ],
  [
    'numbers that grow',
    'set n 0 0 2\r\n99\r\nincr n 1\r\nget n\r\nincr n 99999999999\r\nget n\r\nset n 0 0 5\r\n1    \r\nincr n 9\r\nget n\r\n',
  ],
  [
    'what is no number',
    'set n 0 0 0\r\n\r\nincr n 1\r\nset n 0 0 2\r\n-1\r\nincr n 1\r\nset n 0 0 2\r\n1x\r\nincr n 1\r\nset n 0 0 2\r\n 1\r\nincr n 1\r\nset n 0 0 4\r\n1 xy\r\nincr n 1\r\nget n\r\nset n 0 0 2\r\n+1\r\nincr n 1\r\n',
  ],
  [
    'delete',
    'delete a\r\nset a 0 0 1\r\nx\r\ndelete a 0\r\nget a\r\ndelete a 5\r\ndelete a b c d\r\ndelete a 0 noreply\r\ndelete a noreply\r\n',
  ],
  [
    'touch and gat',
    'touch a 1\r\nset a 3 0 1\r\nx\r\ntouch a 100\r\ngat 0 a b a\r\ngat -1 a\r\nget a\r\ngat x a\r\ntouch a x\r\n',
  ],
  [
    'expiry',
    'set a 0 -1 1\r\nx\r\nget a\r\nset a 0 2592001 1\r\nx\r\nget a\r\nset a 0 2592000 1\r\nx\r\nget a\r\n',
  ],
  [
    'flush_all',
    'set a 0 0 1\r\nx\r\nflush_all\r\nget a\r\nflush_all x\r\nflush_all -1\r\nflush_all 0 noreply\r\n',
  ],
  [
    'noreply',
    'set a 0 0 1 noreply\r\nx\r\nadd a 0 0 1 noreply\r\ny\r\nincr a x noreply\r\nincr a 1 noreply\r\ntouch a 0 noreply\r\nget a noreply\r\ncas a 0 0 1 1 noreply\r\nx\r\n',
  ],
  ['bad lengths', 'set a 0 0 -1\r\nset a 0 0 x\r\nset a 0 0 2147483646\r\n'],
  ['bad data', 'set q 0 0 1\r\nx\r\nset q 0 0 1\r\nabcdefgh\r\nget q\r\nset q 0 0 3\r\nabc\n\nget q\r\n'],
  // With other commands before it in the packet the real one loses their replies too.
  ['a long key among others', `get a ${'k'.repeat(251)} b\r\n`],
  [
    'long keys',
    `delete ${'k'.repeat(251)}\r\nincr ${'k'.repeat(251)} 1\r\nset ${'k'.repeat(250)} 0 0 1\r\nx\r\n`,
  ],
  ['unknown commands', 'foo\r\nGET a\r\nset\ta 0 0 1\r\ngets1 a\r\n'],
  [
    'the largest value',
    `set a 0 0 1048516\r\n${value(1_048_516)}\r\nappend a 0 0 1\r\nx\r\nset a 0 0 1048517\r\n${value(1_048_517)}\r\nget a\r\n`,
  ],
  [
    'the largest value with flags',
    `set a 1 0 1048512\r\n${value(1_048_512)}\r\nset b 1 0 1048513\r\n${value(1_048_513)}\r\n`,
  ],
  [
    'too large values',
    `set q 0 0 1\r\nx\r\nadd q 0 0 1048577\r\n${value(1_048_577)}\r\nget q\r\nset q 0 0 1048577\r\n${value(1_048_577)}\r\nget q\r\n`,
  ],
  [
    'mg',
    'mn\r\nmg a\r\nmg a q\r\nmg a v O1 k\r\nset a 7 100 3\r\nabc\r\nmg a s v t f k O99\r\nmg a k f t s v\r\nms b 1 T90\r\nx\r\nmg b t T60\r\nmg b T30 t\r\nmg b u h\r\nmg b h l\r\n',
  ],
  [
    'mg and who recaches',
    'mg a s v N30 t\r\nmg a N30 v t\r\nms a 1 T30\r\nx\r\nmg a R20 t\r\nmg a R40 t\r\nmg a R40\r\nmd a I T30\r\nmg a t v\r\nmg a t v\r\n',
  ],
  [
    'ms',
    'ms a 3 k O7\r\nabc\r\nms a 1 q\r\nx\r\nms a 1 ME\r\ny\r\nms z 1 MR\r\nx\r\nms a 1 MA F1\r\n1\r\nms a 1 MP\r\n0\r\nmg a v\r\nms a 1 Mx\r\nx\r\nms n 1 C5\r\nx\r\nms a 1 C0\r\nx\r\nms a 1 C0 MA\r\nx\r\nmg a v\r\n',
  ],
  ['md', 'md a k O1\r\nms a 3 F5 T90\r\nabc\r\nmd a C4\r\nmd a q\r\nmg a\r\nmd a q\r\n'],
  [
    'ma',
    'ma n\r\nma n O1 k\r\nma n N0 J13 v\r\nma n v\r\nma n D30 v t\r\nma n MD D10 v\r\nma n M- v\r\nma n T60 v t\r\nma n Mx\r\nset n 0 0 1\r\nx\r\nma n\r\nma n v v\r\nma n D18446744073709551615 MD\r\n',
  ],
  [
    'meta keys in base64',
    'ms YWJj 1 b k\r\nx\r\nmg YWJj b k v\r\nget abc\r\nmd YWJj k b\r\nmg YWJj b k\r\nmg abc b\r\n',
  ],
  [
    'meta errors',
    `mg ${'k'.repeat(251)}\r\nmg a v v\r\nmg a Z\r\nmg a Tx\r\nms a 2 Z\r\nxy\r\nms a 2 Tx\r\nxy\r\nms a 3\r\nabcdemn\r\nmx a\r\nmg a O${'x'.repeat(31)}\r\n`,
  ],
  ['a long line', `${'x'.repeat(1900)}\r\nget ${'a '.repeat(20_000)}\r\n`],
];

/** What the real one of 1.6.18 does otherwise than that of 1.6.45. */
const NEWER_SCRIPTS: readonly (readonly [name: string, script: string])[] = [
  [
    'ms',
    'ms a 3 k s O7\r\nabc\r\nms a 1 q\r\nx\r\nms a 1 ME s\r\ny\r\nms z 1 MR\r\nx\r\nms a 1 MA s F1\r\n1\r\nms a 1 MP\r\n0\r\nms v 1 MA N40\r\nx\r\nmg a v\r\nmg v t\r\nms a 1 Mx\r\nx\r\nms n 1 C5\r\nx\r\nms a 1 C0\r\nx\r\nms a 1 C0 MA\r\nx\r\nmg a v\r\n',
  ],
  [
    'meta errors',
    `mg\r\nmd\r\nma\r\nmg ${'k'.repeat(251)}\r\nmg a v v\r\nmg a Z\r\nmg a Tx\r\nms a x\r\nms a 2 Z\r\nxy\r\nms a 2 Tx\r\nxy\r\nms a 3\r\nabcdemn\r\nmx a\r\nmg a O${'x'.repeat(31)}\r\n`,
  ],
];

async function waitForPort(port: number): Promise<Socket> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Says all of it, and hears until the fence behind it is answered. */
async function askReal(port: number, script: string): Promise<string> {
  const socket = await waitForPort(port);
  socket.setEncoding('latin1');
  let heard = '';
  socket.write(Buffer.from(script + FENCE, 'latin1'));
  socket.write('version\r\n');
  for await (const text of socket) {
    heard += text;
    const end = /VERSION \S+\r\n$/.exec(heard);
    if (end !== null) return heard.slice(0, end.index);
  }
  return heard;
}

describe.skipIf(!isInstalled)('beside a real memcached (skipped when memcached is not installed)', () => {
  let server: ChildProcess;
  let port = 0;

  beforeAll(async () => {
    port = await freePort();
    server = spawn(
      PROGRAM,
      ['-u', 'root', '-l', '127.0.0.1', '-p', String(port), '-U', '0', '-m', '64', '-t', '1'],
      {
        stdio: 'ignore',
      },
    );
    (await waitForPort(port)).destroy();
  });

  afterAll(async () => {
    if (server.exitCode !== null || !server.kill()) return;
    await once(server, 'exit');
  });

  it.each(SCRIPTS)('%s', (_name, script) => compare(script));

  it.skipIf(!isNew).each(NEWER_SCRIPTS)(
    '%s (skipped when the memcached is older than 1.6.40)',
    (_name, script) => compare(script),
  );

  async function compare(script: string): Promise<void> {
    const cleared = await askReal(port, 'flush_all\r\n');
    expect(cleared).toBe('OK\r\nEND\r\n');
    const real = await askReal(port, script);
    const store = newStore({ memoryBytes: 64 * 1024 * 1024 });
    store.setNow(Date.now());
    const ours = new Talk(store).say(Buffer.from(script + FENCE, 'latin1'));
    const short = (text: string): string => text.replace(/x{100,}/g, (run) => `<${run.length} x>`);
    expect(short(ours)).toBe(short(real));
  }
});
