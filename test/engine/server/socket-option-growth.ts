// Program of socket-option.test.ts: sets an option very often, and prints by how many bytes the process has grown.
import { setSocketOption } from '../../../src/engine/server/socket-option.js';

const NO_SOCKET = -1;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;

function set(times: number): void {
  for (let count = 0; count < times; count++) setSocketOption(NO_SOCKET, SOL_SOCKET, SO_RCVBUF, 1);
  Bun.gc(true);
}

set(2_000);
const before = process.memoryUsage.rss();
set(60_000);
console.log(process.memoryUsage.rss() - before);
