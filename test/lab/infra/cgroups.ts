// A control group for each lab host, so that the hosts' systemds do not share one with each other or this machine.
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type HostName, type LabLayout, namespaceOf } from './layout.js';
import { type ProcessInfo, readProcess, waitUntil } from './processes.js';

const CGROUP_ROOT = '/sys/fs/cgroup';

/** The hierarchies of systemd: the unified one, or on an older layout its named one and the unified one beside it. */
function hierarchies(): string[] {
  if (existsSync(path.join(CGROUP_ROOT, 'cgroup.procs'))) return [CGROUP_ROOT];
  return ['systemd', 'unified'].map((name) => path.join(CGROUP_ROOT, name)).filter((dir) => existsSync(dir));
}

/** Name of the host's group below each hierarchy. */
export function cgroupOf(layout: LabLayout, host: HostName): string {
  return `repcachectl-${namespaceOf(layout, host)}`;
}

/** @throws when this machine has no control groups mounted, without which systemd does not boot. */
export async function addCgroup(layout: LabLayout, host: HostName): Promise<void> {
  const roots = hierarchies();
  if (roots.length === 0)
    throw new Error(`no control groups are mounted at ${CGROUP_ROOT}; systemd needs them`);
  for (const root of roots) await mkdir(path.join(root, cgroupOf(layout, host)), { recursive: true });
}

/** Every process of the host, its container's supervisor included. */
export function processesOfCgroup(layout: LabLayout, host: HostName): ProcessInfo[] {
  const pids = groupsOf(layout, host).flatMap((group) =>
    readFileSync(path.join(group, 'cgroup.procs'), 'utf8')
      .split('\n')
      .filter((line) => line !== ''),
  );
  return [...new Set(pids)].map((pid) => readProcess(Number(pid))).filter((info) => info !== undefined);
}

/**
 * Removes the host's groups; its processes must have been killed.
 * @throws when the kernel still holds one to be in use after 10 s.
 */
export async function removeCgroup(layout: LabLayout, host: HostName): Promise<void> {
  // A killed process leaves its group a moment after it has left /proc.
  await waitUntil(
    () => groupsOf(layout, host).reverse().every(removeGroup),
    10_000,
    () => `still in use: ${groupsOf(layout, host).join(', ')}`,
  );
}

/** The host's groups in all hierarchies, each before those below it. */
function groupsOf(layout: LabLayout, host: HostName): string[] {
  return hierarchies().flatMap((root) => withSubgroups(path.join(root, cgroupOf(layout, host))));
}

function withSubgroups(group: string): string[] {
  if (!existsSync(group)) return [];
  const below = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [group, ...below.flatMap((entry) => withSubgroups(path.join(group, entry.name)))];
}

/** rmdir alone works in this file system: the files in a group are the kernel's. False while it is in use. */
function removeGroup(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
    throw error;
  }
}
