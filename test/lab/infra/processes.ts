// Finds the lab's own processes by what they are, and ends them by pid; nothing else is ever signalled.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessInfo {
  readonly pid: number;
  readonly parentPid: number;
  /** Clock ticks since boot; with the pid it names one process for ever. */
  readonly startTicks: string;
  readonly argv: readonly string[];
}

/** Reads one process; undefined when it is gone (or a zombie, which is as good as gone). */
export function readProcess(pid: number): ProcessInfo | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command name in parentheses and may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    return { pid, parentPid: Number(fields[1]), startTicks: fields[19] as string, argv };
  } catch {
    return undefined;
  }
}

export function listProcesses(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((info) => info !== undefined);
}

export function childrenOf(pid: number): ProcessInfo[] {
  return listProcesses().filter((info) => info.parentPid === pid);
}

function isSameProcess(info: ProcessInfo): boolean {
  return readProcess(info.pid)?.startTicks === info.startTicks;
}

/**
 * SIGKILLs the processes and waits until they are gone.
 * @throws when one is still there after `timeoutMs`.
 */
export async function killProcesses(processes: readonly ProcessInfo[], timeoutMs = 10_000): Promise<void> {
  for (const info of processes) {
    if (!isSameProcess(info)) continue;
    try {
      process.kill(info.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  await waitUntil(
    () => !processes.some(isSameProcess),
    timeoutMs,
    () => {
      const left = processes.filter(isSameProcess).map((info) => `${info.pid} (${info.argv.join(' ')})`);
      return `still running after SIGKILL: ${left.join(', ')}`;
    },
  );
}

/**
 * Polls until the condition holds.
 * @throws Error with `message()` when it does not within `timeoutMs`.
 */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  message: () => string,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (await condition()) return;
    if (Date.now() > deadline) throw new Error(message());
    await sleep(50);
  }
}
