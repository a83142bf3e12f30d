// A worker thread: serves clients over the node's shared store until the main thread says stop.
import { parentPort, workerData } from 'node:worker_threads';
import { SharedMemory } from '../store/shared-memory.js';
import { bunNet } from './bun-net.js';
import { LocalFront } from './client-front.js';
import { EXIT, FatalError } from './exit.js';
import { openNodeState } from './node-state.js';
import { replyGateOf } from './reply-gate.js';
import type { ThreadOrder, ThreadReport, ThreadSetup } from './threads.js';

/** The whole life of a worker thread; the main thread ends it with the process. */
export function runClientThread(): void {
  // Without these an error would end the thread with its reason lost, some of them with code 0.
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);

  const { seed, handles, thread } = workerData as ThreadSetup;
  const state = openNodeState(seed, new SharedMemory(handles));
  const { replication } = state;
  const front = new LocalFront({
    net: bunNet,
    state,
    thread,
    onServed: replication === undefined ? () => {} : () => replication.bell.ring(),
    gate: replyGateOf(state, true),
    replicationStats: () => replication?.board.read(),
  });
  parentPort?.on('message', (order: ThreadOrder) => {
    carryOut(front, order).then((problem) => report({ kind: 'done', order, problem }), fail);
  });
}

/** @returns what was wrong, where that does not end the thread */
async function carryOut(front: LocalFront, order: ThreadOrder): Promise<string | undefined> {
  switch (order) {
    case 'listen':
      await front.listen();
      return undefined;
    case 'reloadCertificates':
      return (await front.reloadCertificates())[0];
    case 'stopAccepting':
      await front.stopAccepting();
      return undefined;
    case 'acceptAgain':
      return (await front.acceptAgain())[0];
    case 'stop':
      await front.stop();
      return undefined;
  }
}

/** Tells the main thread why, which ends the process. */
function fail(error: unknown): void {
  if (error instanceof FatalError) {
    report({ kind: 'failed', message: error.message, exitStatus: error.exitStatus });
  } else {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    report({ kind: 'failed', message });
  }
  process.exit(EXIT.software);
}

function report(message: ThreadReport): void {
  parentPort?.postMessage(message);
}
