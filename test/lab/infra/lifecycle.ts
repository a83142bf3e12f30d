// Brings a whole lab up and down. Both look at what is really there rather than at what an earlier run wrote down,
// so a run that crashed is no obstacle: `up` mends or replaces what is broken, `down` removes whatever it finds.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import {
  createHost,
  destroyHost,
  findInit,
  hasDisk,
  powerOff,
  powerOn,
  systemState,
  waitForBoot,
} from './hosts.js';
import { ensureImage } from './image.js';
import { ADDRESSES, ALL_HOSTS, type HostName, type LabLayout, namespaceOf, namespacesOf } from './layout.js';
import { mirrorAnswers, startMirror } from './mirror.js';
import { addSwitch, namespaceExists, processesIn, removeNamespace } from './network.js';
import { createOps, destroyOps, opsExists, opsPublicKey, trustHosts } from './ops.js';
import { ensurePackages } from './packages.js';
import { killProcesses } from './processes.js';

/** Told after each stage what was done and how long it took, in milliseconds. */
export type StageListener = (title: string, durationMs: number) => void;

/**
 * Makes the lab be up with at least these hosts; what is already up is left alone.
 * @throws when not run as root, or with the reason for which a stage failed.
 */
export async function up(
  layout: LabLayout,
  hosts: readonly HostName[],
  onStage: StageListener,
): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Error('the lab makes network namespaces and mounts; run it as root');
  const image = await stage('root file system', onStage, () => ensureImage(layout));
  const repository = await stage('packages', onStage, () => ensurePackages(layout, image));
  if (!(await foundationIsUp(layout))) {
    await stage('clear what an earlier lab left', onStage, () => down(layout));
    await mkdir(layout.stateDir, { recursive: true });
    await stage('network, mirror and ops machine', onStage, async () => {
      await addSwitch(layout);
      await Promise.all([startMirror(layout, repository), createOps(layout)]);
    });
  }
  await Promise.all(
    hosts.map((host) => stage(`host ${host}`, onStage, () => ensureHost(layout, host, image))),
  );
  await trustHosts(
    layout,
    ALL_HOSTS.filter((host) => hasDisk(layout, host)),
  );
}

/** A host that is on is left alone, one that is off is powered on, one that has no whole disk is made anew. */
async function ensureHost(layout: LabLayout, host: HostName, image: string): Promise<void> {
  if (findInit(layout, host) !== undefined) return waitForBoot(layout, host);
  if (hasDisk(layout, host)) {
    await powerOff(layout, host);
  } else {
    await destroyHost(layout, host);
    await createHost(layout, host, image, await opsPublicKey(layout));
  }
  await powerOn(layout, host);
}

async function foundationIsUp(layout: LabLayout): Promise<boolean> {
  return opsExists(layout) && (await mirrorAnswers(layout));
}

/** Removes every process, namespace, mount and folder of the lab; the cache stays. */
export async function down(layout: LabLayout): Promise<void> {
  for (const host of ALL_HOSTS) await destroyHost(layout, host);
  await destroyOps(layout);
  const switchNamespace = namespaceOf(layout, 'switch');
  await killProcesses(await processesIn(switchNamespace));
  await removeNamespace(switchNamespace);
  await rm(layout.stateDir, { recursive: true, force: true });
  for (const shared of [path.dirname(layout.stateDir), '/etc/netns']) await removeIfEmpty(shared);
}

async function removeIfEmpty(dir: string): Promise<void> {
  if (existsSync(dir) && (await readdir(dir)).length === 0) await rmdir(dir);
}

export interface MemberStatus {
  readonly name: string;
  readonly address: string;
  readonly state: string;
}

/** What is up now, by looking. */
export async function status(layout: LabLayout): Promise<MemberStatus[]> {
  const hosts = await Promise.all(
    ALL_HOSTS.map(async (name) => ({
      name,
      address: ADDRESSES[name],
      state: await systemState(layout, name),
    })),
  );
  return [
    ...hosts,
    { name: 'ops', address: ADDRESSES.ops, state: opsExists(layout) ? 'running' : 'off' },
    { name: 'mirror', address: ADDRESSES.mirror, state: (await mirrorAnswers(layout)) ? 'running' : 'off' },
  ];
}

/** Namespaces of this lab that exist; none after `down`. */
export function namespacesLeft(layout: LabLayout): string[] {
  return namespacesOf(layout).filter(namespaceExists);
}

async function stage<T>(title: string, onStage: StageListener, work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  const result = await work();
  onStage(title, performance.now() - startedMs);
  return result;
}
