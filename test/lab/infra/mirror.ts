// Starts the package mirror at the lab's switch, and finds it again.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { startDaemon } from './daemon.js';
import { ADDRESSES, type LabLayout, namespaceOf } from './layout.js';
import { processesIn } from './network.js';
import { waitUntil } from './processes.js';

const SERVER = fileURLToPath(new URL('./mirror-server.ts', import.meta.url));

/**
 * Starts the mirror, detached, and waits until it accepts connections.
 * @throws when it does not within 15 s.
 */
export async function startMirror(layout: LabLayout, repository: string): Promise<void> {
  const log = path.join(layout.stateDir, 'mirror.log');
  const enter = ['netns', 'exec', namespaceOf(layout, 'switch')];
  const server = [process.execPath, '--import', import.meta.resolve('tsx'), SERVER];
  startDaemon(['ip', ...enter, ...server, ADDRESSES.mirror, repository], log);
  await waitUntil(
    () => mirrorAnswers(layout),
    15_000,
    () => `the package mirror does not listen; see ${log}`,
  );
}

/** Whether something in the switch's namespace listens on port 80 (hexadecimal 0050, state 0A in the kernel's table). */
export async function mirrorAnswers(layout: LabLayout): Promise<boolean> {
  const [server] = await processesIn(namespaceOf(layout, 'switch'));
  if (server === undefined) return false;
  const { stdout } = await execa('cat', [`/proc/${server.pid}/net/tcp`], { reject: false });
  return /^\s*\d+: [0-9A-F]{8}:0050 0{8}:0000 0A /m.test(stdout);
}
