// Dials where nobody listens, first with files to be had and then without; prints the codes it is told.
import { closeSync, openSync } from 'node:fs';
import { bunNet } from '../../../src/engine/server/bun-net.js';

const port = Number(process.argv[2]);

function dial(): Promise<string> {
  return new Promise((resolve) => {
    const handlers = { open: () => resolve('connected'), data() {}, drain() {}, close() {} };
    bunNet.dial({ host: '127.0.0.1', port }, 5_000, handlers, resolve);
  });
}

const codes = [await dial()];
const opened: number[] = [];
try {
  for (;;) opened.push(openSync('/dev/null', 'r'));
} catch {
  codes.push(await dial());
}
for (const fd of opened) closeSync(fd);
codes.push(await dial());
console.log(codes.join(' '));
