// The lab's network: a bridge in a namespace of its own, and one veth pair to each member.
// Nothing of it is in the machine's own namespace and there is no route out, so no packet can leave.
import { existsSync } from 'node:fs';
import { execa } from 'execa';
import { ADDRESSES, type HostName, type LabLayout, namespaceOf, PREFIX_LENGTH } from './layout.js';
import { type ProcessInfo, readProcess } from './processes.js';

type Member = HostName | 'ops';

/** The member's end of its cable, as it sees it. */
const INTERFACE = 'eth0';

export function namespaceExists(namespace: string): boolean {
  return existsSync(`/run/netns/${namespace}`);
}

/** The switch: a bridge that also carries the mirror's address. */
export async function addSwitch(layout: LabLayout): Promise<void> {
  const namespace = namespaceOf(layout, 'switch');
  await execa('ip', ['netns', 'add', namespace]);
  await ipIn(namespace, 'link', 'set', 'lo', 'up');
  await ipIn(namespace, 'link', 'add', 'br0', 'type', 'bridge');
  await ipIn(namespace, 'address', 'add', `${ADDRESSES.mirror}/${PREFIX_LENGTH}`, 'dev', 'br0');
  await ipIn(namespace, 'link', 'set', 'br0', 'up');
}

/** A namespace with one interface, plugged into the switch. */
export async function addMember(layout: LabLayout, member: Member): Promise<void> {
  const namespace = namespaceOf(layout, member);
  const switchNamespace = namespaceOf(layout, 'switch');
  await execa('ip', ['netns', 'add', namespace]);
  await ipIn(namespace, 'link', 'set', 'lo', 'up');
  await ipIn(
    switchNamespace,
    ...['link', 'add', 'name', port(member), 'type', 'veth'],
    ...['peer', 'name', INTERFACE, 'address', hardwareAddress(member), 'netns', namespace],
  );
  await ipIn(switchNamespace, 'link', 'set', 'dev', port(member), 'master', 'br0', 'up');
  await ipIn(namespace, 'address', 'add', `${ADDRESSES[member]}/${PREFIX_LENGTH}`, 'dev', INTERFACE);
  await ipIn(namespace, 'link', 'set', INTERFACE, 'up');
}

/** Pulls the member's cable at the switch: packets vanish both ways, without any RST or ICMP. */
export async function cutLink(layout: LabLayout, member: Member): Promise<void> {
  await ipIn(namespaceOf(layout, 'switch'), 'link', 'set', port(member), 'down');
}

export async function healLink(layout: LabLayout, member: Member): Promise<void> {
  await ipIn(namespaceOf(layout, 'switch'), 'link', 'set', port(member), 'up');
}

/** The member's kernel gives up a dial that nobody answers after 3 s, where others take two minutes. */
export async function shortenDials(layout: LabLayout, member: Member): Promise<void> {
  const setting = 'echo 1 >/proc/sys/net/ipv4/tcp_syn_retries';
  await execa('ip', ['netns', 'exec', namespaceOf(layout, member), 'sh', '-c', setting]);
}

/** Processes whose network is this namespace. */
export async function processesIn(namespace: string): Promise<ProcessInfo[]> {
  if (!namespaceExists(namespace)) return [];
  const { stdout } = await execa('ip', ['netns', 'pids', namespace], { reject: false });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => readProcess(Number(line)))
    .filter((info) => info !== undefined);
}

/** Unplugs the member and removes its namespace. The kernel frees that a little later, so the cable is not left to it. */
export async function removeMember(layout: LabLayout, member: Member): Promise<void> {
  const switchNamespace = namespaceOf(layout, 'switch');
  if (namespaceExists(switchNamespace)) {
    await execa('ip', ['-netns', switchNamespace, 'link', 'delete', 'dev', port(member)], { reject: false });
  }
  await removeNamespace(namespaceOf(layout, member));
}

/** Removes the namespace, if it is there; its interfaces go with it. */
export async function removeNamespace(namespace: string): Promise<void> {
  if (namespaceExists(namespace)) await execa('ip', ['netns', 'delete', namespace]);
}

/** A network card keeps its address when its machine is powered off; the neighbours still have it in their caches. */
function hardwareAddress(member: Member): string {
  const bytes = ADDRESSES[member].split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return `02:00:${bytes.join(':')}`;
}

/** The member's port on the switch. */
function port(member: Member): string {
  return `to-${member}`;
}

async function ipIn(namespace: string, ...args: string[]): Promise<void> {
  await execa('ip', ['-netns', namespace, ...args]);
}
