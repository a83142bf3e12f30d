// What systemd knows of a node.
import type { Host } from '../host/host.js';
import type { NodeState, NodeStatus } from './service.js';

const PROPERTIES = [
  'LoadState',
  'ActiveState',
  'SubState',
  'MainPID',
  'Result',
  'ExecMainStatus',
  'ExecMainStartTimestampMonotonic',
];

/** One round trip, and no root needed. Microseconds since boot of the start, seconds since boot of now. */
const SCRIPT = `
unit=$1 settings=$2 link=$3; shift 3
systemctl show "$@" "$unit"
[ -e "$settings" ] && echo Installed=yes
[ -z "$link" ] || echo "Release=$(readlink -- "$link")"
read -r uptime _ </proc/uptime && echo "Uptime=$uptime"
`;

interface StatusLayout {
  readonly unit: string;
  /** Its presence makes the unit a node. */
  readonly environmentFile: string;
  /** Symbolic link to the current release; '' where there are none. */
  readonly releaseLink: string;
}

export async function unitStatus(host: Host, layout: StatusLayout): Promise<NodeStatus> {
  const { unit, environmentFile, releaseLink } = layout;
  const flags = PROPERTIES.flatMap((property) => ['-p', property]);
  const argv = ['sh', '-c', SCRIPT, 'sh', unit, environmentFile, releaseLink, ...flags] as const;
  const { stdout } = await host.run(argv, { label: `asking systemd about ${unit}` });
  return interpret(stdout);
}

/** Reads `systemctl show` and what the script adds to it. */
export function interpret(text: string): NodeStatus {
  const facts = new Map(
    text
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const get = (name: string): string => facts.get(name) ?? '';
  const state = stateOf(get);
  const release = get('Release').replace(/^releases\//, '');
  const pid = Number(get('MainPID'));
  const startedSec = Number(get('ExecMainStartTimestampMonotonic')) / 1e6;
  return {
    state,
    ...(release === '' ? {} : { releaseId: release }),
    ...(state === 'running' && pid > 0
      ? { pid, uptimeSec: Math.max(0, Math.floor(Number(get('Uptime')) - startedSec)) }
      : {}),
    ...(get('SubState') === 'auto-restart' && { betweenTries: true }),
    ...(state === 'running' ? {} : { detail: detailOf(get) }),
  };
}

function stateOf(get: (name: string) => string): NodeState {
  // The template makes every port's unit loadable; only its settings make it a node.
  if (get('LoadState') !== 'loaded' || get('Installed') !== 'yes') return 'absent';
  switch (get('ActiveState')) {
    case 'active':
    case 'reloading':
      return 'running';
    case 'activating':
      return 'starting';
    case 'failed':
      return 'failed';
    default:
      return 'stopped';
  }
}

function detailOf(get: (name: string) => string): string {
  const how = `${get('ActiveState')} (${get('SubState')})`;
  const result = get('Result');
  if (result === '' || result === 'success') return how;
  const why = `${result}, status ${get('ExecMainStatus')}`;
  return get('SubState') === 'failed' ? why : `${how}: ${why}`;
}
