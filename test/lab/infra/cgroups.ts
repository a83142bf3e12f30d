// A control group for each lab host, so that the hosts' systemds do not share one with each other or this machine.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { type HostName, type LabLayout, namespaceOf } from './layout.js';

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

/** Removes the host's groups, deepest first; its processes must be gone. */
export async function removeCgroup(layout: LabLayout, host: HostName): Promise<void> {
  for (const root of hierarchies()) {
    const dir = path.join(root, cgroupOf(layout, host));
    if (existsSync(dir)) await removeTree(dir);
  }
}

/** rmdir alone works in a control group file system: the files in it are the kernel's. */
async function removeTree(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(path.join(dir, entry.name));
  }
  await rmdir(dir);
}
