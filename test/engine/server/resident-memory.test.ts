// -m is kept by the whole process: what it grows by while 50 connections fill it, with small values and with large.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { withNode } from '../../helpers/engine.js';

const MIB = 1024 * 1024;
const MEMORY_MB = 64;
const CONNECTIONS = 50;
/** What is written, as a multiple of -m. */
const TIMES_MEMORY = 1.2;
/** Bytes that a connection sends before it waits for the others. */
const BATCH_BYTES = 20_000;
const POLL_MS = 20;
/**
 * What a process that works has besides its store, whatever -m is: machine code and the compiler that makes it,
 * garbage not yet collected, buffers. Seen: 8 to 12 MiB.
 */
const RUNTIME_BYTES = 14 * MIB;
const LIMIT_MS = 120_000;

describe('resident memory', () => {
  it(
    'grows by -m and a constant, also while the values become larger',
    () =>
      withNode(['-m', String(MEMORY_MB), '-t', '1'], async (node) => {
        const emptyBytes = residentBytes(node.process.pid);
        let highestBytes = 0;
        const look = (): void => {
          highestBytes = Math.max(highestBytes, residentBytes(node.process.pid));
        };
        const timer = setInterval(look, POLL_MS);
        const sockets = Array.from({ length: CONNECTIONS }, () =>
          connect({ host: '127.0.0.1', port: node.port }),
        );
        try {
          for (const valueBytes of [100, 10_000, 100]) {
            highestBytes = 0;
            await store(sockets, valueBytes);
            look();
            expect(highestBytes - emptyBytes, `values of ${valueBytes} B`).toBeLessThan(
              1.05 * MEMORY_MB * MIB + RUNTIME_BYTES,
            );
          }
        } finally {
          clearInterval(timer);
          for (const socket of sockets) socket.destroy();
        }
      }),
    LIMIT_MS,
  );
});

/** Fills the memory, all connections at the same time. */
async function store(sockets: readonly Socket[], valueBytes: number): Promise<void> {
  const value = 'v'.repeat(valueBytes);
  const perBatch = Math.max(1, Math.floor(BATCH_BYTES / valueBytes));
  let left = Math.ceil((MEMORY_MB * MIB * TIMES_MEMORY) / valueBytes);
  let number = 0;
  const fill = async (socket: Socket): Promise<void> => {
    while (left > 0) {
      left -= perBatch;
      let batch = '';
      for (let position = 0; position < perBatch; position++) {
        const isLast = position === perBatch - 1;
        batch += `set key${number++} 0 0 ${valueBytes}${isLast ? '' : ' noreply'}\r\n${value}\r\n`;
      }
      socket.write(batch);
      const [reply] = (await once(socket, 'data')) as [Buffer];
      expect(reply.toString('latin1')).toBe('STORED\r\n');
    }
  };
  await Promise.all(sockets.map(fill));
}

function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(match?.[1]) * 1024;
}
