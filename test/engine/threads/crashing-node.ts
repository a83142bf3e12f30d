// The engine as it is, but for one request that makes the thread that reads it fail: a program for the engine's own
// runtime. CRASH says how: an exception, a rejection nobody handles, or a thread that just ends.
import { isMainThread } from 'node:worker_threads';
import { ClassicSession } from '../../../src/engine/protocol/classic/session.js';

if (!isMainThread) {
  const { consume } = ClassicSession.prototype;
  ClassicSession.prototype.consume = function (bytes, start, end, reply) {
    if (Buffer.from(bytes).toString('latin1', start, end).startsWith('crash')) crash();
    return consume.call(this, bytes, start, end, reply);
  };
}

function crash(): void {
  switch (process.env.CRASH) {
    case 'exception':
      throw new Error('a bug');
    case 'rejection':
      Promise.reject(new Error('a bug'));
      return;
    case 'exit':
      process.exit(0);
  }
}

await import('../../../src/engine/server/main.js');
