// CVE-2021-37519 and its kind: files that are read at the start may hold anything, and must neither end in a crash nor in
// logins that nobody wrote. What damage does to the file of -e at random is in fuzz/memory-file.test.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AUTH_FILE_MAX_BYTES, parseLogins } from '../../../src/engine/protocol/auth/credentials.js';
import { EngineProcess, withNode } from '../../helpers/engine.js';
import { withFolder } from '../../helpers/temporary-folder.js';
import { effort } from '../fuzz/effort.js';

const PRIVATE = 0o600;
const SECRET = 'do-not-print-me';
const USAGE_STATUS = 64;
const LINE_MAX_BYTES = 255;

const BAD_AUTH_FILES: readonly (readonly [name: string, content: string | Buffer])[] = [
  ['empty', ''],
  ['of line ends only', '\n\r\n\n'],
  ['without a colon', `${SECRET}\n`],
  ['without a user', `:${SECRET}\n`],
  ['without a password', `${SECRET}:\n`],
  ['of one long line', `${SECRET}:${'x'.repeat(LINE_MAX_BYTES)}`],
  ['with a zero byte', `${SECRET}:a\0b\n`],
  ['of zero bytes', Buffer.alloc(4_096)],
  ['with a good line before a bad one', `ann:pass\n${SECRET}\n`],
  ['that is too large', `ann:${SECRET}\n`.repeat(AUTH_FILE_MAX_BYTES / 8)],
];

describe('CVE-2021-37519: an auth file', () => {
  it.each(BAD_AUTH_FILES)('%s has a problem that tells nothing of it', (_, content) => {
    const parsed = parseLogins(Buffer.from(content));
    expect(parsed).toHaveProperty('problem');
    expect(JSON.stringify(parsed)).not.toContain(SECRET);
  });

  it('that is bad ends the start with one line', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'auth');
      writeFileSync(path, `ann:pass\n${SECRET}\n`, { mode: PRIVATE });
      const node = new EngineProcess(['-u', 'root', '-l', '127.0.0.1', '-p', '1', '-Y', path]);
      expect(await node.exited).toEqual({ status: USAGE_STATUS, signal: null });
      expect(node.log).toMatch(/^repcached: -Y [^\n]*\n$/);
      expect(node.log).not.toContain(SECRET);
    });
  });

  it('of any bytes holds whole logins or none', () => {
    const line = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.stringMatching(/^[a-z]{0,3}:?[a-z:]{0,5}$/).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n', ''), (lines, end) => {
        const file = Buffer.concat(lines.flatMap((bytes) => [bytes, Buffer.from(end)]));
        const parsed = parseLogins(file);
        if ('problem' in parsed) return;
        for (const { user, password } of parsed.logins) {
          expect(user.length).toBeGreaterThan(0);
          expect(password.length).toBeGreaterThan(0);
          expect(user.length + password.length).toBeLessThan(LINE_MAX_BYTES);
          expect(file.includes(Buffer.concat([user, Buffer.from(':'), password]))).toBe(true);
        }
      }),
      effort(300),
    );
  });
});

describe('a file of -e', () => {
  const DAMAGES: readonly (readonly [name: string, damage: (sound: Buffer) => Buffer])[] = [
    ['that is empty', () => Buffer.alloc(0)],
    ['that was cut off', (sound) => sound.subarray(0, sound.length - 1)],
    [
      'with one bit changed',
      (sound) => sound.map((byte, at) => (at === sound.length >> 1 ? byte ^ 1 : byte)) as Buffer,
    ],
    ['with something behind it', (sound) => Buffer.concat([sound, Buffer.from('x')])],
    ['of something else', () => Buffer.alloc(100_000, 'a')],
  ];

  it('is taken when it is sound, else refused in a line, and the node starts empty', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      await withNode(['-e', path], async (node) => {
        await (await node.connect()).set('key', 'value'.repeat(100));
      });
      const sound = readFileSync(path);
      for (const [name, damage] of DAMAGES) {
        writeFileSync(path, damage(sound), { mode: PRIVATE });
        await withNode(['-e', path], async (node) => {
          expect(node.process.log, name).toContain(path);
          const client = await node.connect();
          expect(await client.get('key'), name).toBe(undefined);
          expect((await client.stats()).get('curr_items')).toBe('0');
        });
      }
      writeFileSync(path, sound, { mode: PRIVATE });
      await withNode(['-e', path], async (node) => {
        expect(await (await node.connect()).get('key')).toBe('value'.repeat(100));
      });
    });
  });
});
