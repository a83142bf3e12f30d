// Whether processes still run, as /proc has it. A zombie does not run: that nobody collects it is its heir's business.
import { readdirSync, readFileSync } from 'node:fs';

/** Whether a process runs. */
export function processRuns(pid: number): boolean {
  return stateAndGroup(pid) !== undefined;
}

/** Whether any process of a group runs. */
export function groupRuns(group: number): boolean {
  return readdirSync('/proc').some(
    (entry) => /^\d+$/.test(entry) && stateAndGroup(Number(entry))?.group === group,
  );
}

function stateAndGroup(pid: number): { group: number } | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' ? undefined : { group: Number(group) };
}
