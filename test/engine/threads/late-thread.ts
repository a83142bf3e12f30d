// Prints by how many ms the clock of a thread that started a second later is apart from that of the first thread.
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { nodeClock } from '../../../src/engine/server/node-clock.js';

const nowMs = nodeClock();
if (isMainThread) {
  setTimeout(() => {
    const late = new Worker(new URL(import.meta.url));
    late.on('message', (lateMs: number) => {
      console.log(nowMs() - lateMs);
      process.exit();
    });
  }, 1000);
} else {
  parentPort?.postMessage(nowMs());
}
