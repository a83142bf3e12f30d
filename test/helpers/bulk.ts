// Many keys at a time, pipelined: enough load to be cut in the middle, and a digest of what a node answers.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const KEYS_PER_WRITE = 500;
const KEYS_PER_GET = 100;
const STORED = 'STORED\r\n';

/** The key and value of number `index`; `round` tells a second write of it from the first. */
export function bulkKey(index: number): string {
  return `bulk:${index}`;
}

function bulkValue(index: number, round: number): string {
  return `${round}:${index}:`.padEnd(40 + (index % 60), 'x');
}

/** Sets the keys [from, to) and waits until each is acknowledged. */
export async function storeMany(port: number, from: number, to: number, round = 0): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  let missingBytes = (to - from) * STORED.length;
  const done = new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk) => {
      // Anything else than STORED has another length or another first byte somewhere in a chunk.
      if (!/^[STORED\r\n]*$/.test(chunk.toString('latin1'))) reject(new Error(`refused: ${chunk}`));
      missingBytes -= chunk.length;
      if (missingBytes <= 0) resolve();
    });
    socket.on('error', reject);
    socket.on('close', () =>
      reject(new Error(`closed with ${missingBytes / STORED.length} sets unanswered`)),
    );
  });
  await Promise.all([done, writeSets(socket, from, to, round)]);
  socket.destroy();
}

async function writeSets(socket: Socket, from: number, to: number, round: number): Promise<void> {
  for (let start = from; start < to; start += KEYS_PER_WRITE) {
    let text = '';
    for (let index = start; index < Math.min(to, start + KEYS_PER_WRITE); index += 1) {
      const value = bulkValue(index, round);
      text += `set ${bulkKey(index)} ${index} 0 ${value.length}\r\n${value}\r\n`;
    }
    if (!socket.write(text)) await once(socket, 'drain');
  }
}

export interface Answers {
  /** Of all replies in order: equal digests are equal answers for every key. */
  readonly digest: string;
  readonly hits: number;
}

/** Gets the keys [from, to), with flags and, if asked for, CAS uniques. */
export async function answersFor(
  port: number,
  from: number,
  to: number,
  { cas = false } = {},
): Promise<Answers> {
  const socket = connect({ port, host: '127.0.0.1' });
  const hash = createHash('sha256');
  let hits = 0;
  let carried = '';
  let missingReplies = Math.ceil((to - from) / KEYS_PER_GET);
  const done = new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk) => {
      hash.update(chunk);
      const text = carried + chunk.toString('latin1');
      const lastLineEnd = text.lastIndexOf('\n') + 1;
      carried = text.slice(lastLineEnd);
      for (const line of text.slice(0, lastLineEnd).split('\r\n')) {
        if (line.startsWith('VALUE ')) hits += 1;
        else if (line === 'END') missingReplies -= 1;
      }
      if (missingReplies === 0) resolve();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`closed with ${missingReplies} gets unanswered`)));
  });
  for (let start = from; start < to; start += KEYS_PER_GET) {
    const keys = Array.from({ length: Math.min(KEYS_PER_GET, to - start) }, (_, offset) =>
      bulkKey(start + offset),
    );
    socket.write(`${cas ? 'gets' : 'get'} ${keys.join(' ')}\r\n`);
  }
  await done;
  socket.destroy();
  return { digest: hash.digest('hex'), hits };
}
