// A process by id and start time, so that a pid that has come round again is never taken for the old one.
import { readFile } from 'node:fs/promises';

export interface ProcessId {
  readonly pid: number;
  /** Clock ticks between boot and its start: field 22 of /proc/PID/stat. */
  readonly startTicks: number;
  /** /proc/sys/kernel/random/boot_id, as ticks start anew at each boot. */
  readonly bootId: string;
}

/** Ticks of the kernel's user interface a second; fixed at 100 on all Linux ports that matter here. */
const TICKS_A_SECOND = 100;

/** Reads `PID TICKS BOOT`, as the launcher writes it; undefined when there is no such file or it is cut short. */
export async function readProcessFile(path: string): Promise<ProcessId | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const match = /^(\d+) (\d+) (\S+)\n$/.exec(text);
  if (match === null) return undefined;
  return { pid: Number(match[1]), startTicks: Number(match[2]), bootId: match[3] };
}

/** Whether that very process still runs. A zombie does not: it holds neither port nor file. */
export async function isRunning(id: ProcessId): Promise<boolean> {
  const [stat, bootId] = await Promise.all([
    readFile(`/proc/${id.pid}/stat`, 'latin1').catch(() => ''),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
  ]);
  // The name, in parentheses, may hold blanks and parentheses of its own.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return bootId.trim() === id.bootId && fields[0] !== 'Z' && Number(fields[19]) === id.startTicks;
}

/** Whole seconds since its start. */
export async function uptimeSec(id: ProcessId): Promise<number> {
  const sinceBootSec = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]);
  return Math.max(0, Math.floor(sinceBootSec - id.startTicks / TICKS_A_SECOND));
}

/** Sends a signal to exactly that process, or to its whole group; false when it is gone. */
export async function signalProcess(
  id: ProcessId,
  signal: NodeJS.Signals,
  options: { group?: boolean } = {},
): Promise<boolean> {
  if (!(await isRunning(id))) return false;
  try {
    process.kill(options.group === true ? -id.pid : id.pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Waits until it has ended; false when it still runs after the limit. */
export async function waitForEnd(id: ProcessId, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (await isRunning(id)) {
    if (performance.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
