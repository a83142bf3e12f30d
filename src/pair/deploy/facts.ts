// What deploy must know of a host before it touches it, gathered in one go and judged elsewhere (checks.ts).
import { OperatorError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import type { OpenNode } from '../open-pair.js';

export interface Listener {
  readonly port: number;
  /** Absent when the login may not see whose it is. */
  readonly pid?: number;
  readonly program?: string;
  /** The systemd service that it belongs to, if any. */
  readonly unit?: string;
}

export interface HostFacts {
  /** `Linux`. */
  readonly os: string;
  /** As `uname -m` says it: `x86_64`, `aarch64`. */
  readonly machine: string;
  readonly hasGlibc: boolean;
  readonly hasSystemd: boolean;
  readonly memoryAvailableMb: number;
  /** One boot of one machine, and which network of it. Absent where /proc does not tell. */
  readonly identity?: string;
  /** Free room where releases go. */
  readonly diskFreeMb: number;
  readonly listeners: readonly Listener[];
  /** This host's clock minus the ops machine's, and how far that may be off (half a round trip). */
  readonly clockOffsetMs: number;
  readonly clockErrorMs: number;
  /** Why the login can't act as root; undefined when it can. */
  readonly rootProblem?: OperatorError;
  /** Pid of this node, when it runs already: its ports are no obstacle. */
  readonly ownPid?: number;
}

// The holder of a port is found through /proc, as neither ss nor lsof is on every host.
const SCRIPT = `
echo "os=$(uname -s)"
echo "machine=$(uname -m)"
for f in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 /lib64/ld-linux-aarch64.so.1; do
  [ -e "$f" ] && echo "glibc=yes"
done
[ -r /proc/sys/kernel/random/boot_id ] && [ -L /proc/self/ns/net ] &&
  echo "identity=$(cat /proc/sys/kernel/random/boot_id) $(readlink /proc/self/ns/net)"
[ -d /run/systemd/system ] && echo "systemd=yes"
awk '/^MemAvailable:/ { print "memoryKb=" $2 }' /proc/meminfo
d=$1; shift
while [ ! -d "$d" ]; do d=$(dirname "$d"); done
df -Pk "$d" | awk 'NR == 2 { print "diskKb=" $4 }'
for port in "$@"; do
  suffix=":$(printf '%04X' "$port")"
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk -v s="$suffix" '$4 == "0A" && substr($2, length($2) - 4) == s { print $10 }' | sort -u |
    while read -r inode; do
      fd=$(find /proc/[0-9]*/fd -lname "socket:?$inode?" 2>/dev/null | head -n 1)
      pid=$(echo "$fd" | cut -d / -f 3)
      unit=$(sed -n 's|.*/\\([^/]*\\.service\\)$|\\1|p' "/proc/$pid/cgroup" 2>/dev/null | head -n 1)
      echo "listener=$port $pid $unit $(cat "/proc/$pid/comm" 2>/dev/null)"
    done
done
:
`;

export interface FactsOptions {
  readonly ports: readonly number[];
  /** Deploy will act as root here. */
  readonly needsRoot: boolean;
  /** Where releases go; its file system is measured. */
  readonly releasesDir: string;
}

/** @throws OperatorError when the host does not answer; a host without root is a fact, not an error. */
export async function gatherFacts(node: OpenNode, options: FactsOptions): Promise<HostFacts> {
  const { host, service } = node;
  const rootProblem = options.needsRoot ? await rootProblemOf(host) : undefined;
  const asRoot = options.needsRoot && rootProblem === undefined;
  const ports = options.ports.map(String);
  const { stdout } = await host.run(['sh', '-c', SCRIPT, 'sh', options.releasesDir, ...ports], {
    root: asRoot,
  });
  const facts = parseFacts(stdout);
  const { pid } = asRoot || !options.needsRoot ? await service.status() : {};
  return {
    ...facts,
    ...(await readClock(host)),
    ...(rootProblem !== undefined && { rootProblem }),
    ...(pid !== undefined && { ownPid: pid }),
  };
}

async function rootProblemOf(host: Host): Promise<OperatorError | undefined> {
  try {
    await host.run(['true'], { root: true });
    return undefined;
  } catch (error) {
    if (error instanceof OperatorError && error.code === 'SUDO_REFUSED') return error;
    throw error;
  }
}

type ScriptFacts = Omit<HostFacts, 'clockOffsetMs' | 'clockErrorMs' | 'rootProblem' | 'ownPid'>;

/** Reads the script's `key=value` lines. */
export function parseFacts(output: string): ScriptFacts {
  const values = new Map<string, string>();
  const listeners: Listener[] = [];
  for (const line of output.split('\n')) {
    const equals = line.indexOf('=');
    if (equals === -1) continue;
    const [key, value] = [line.slice(0, equals), line.slice(equals + 1)];
    if (key === 'listener') listeners.push(parseListener(value));
    else values.set(key, value);
  }
  const identity = values.get('identity');
  return {
    os: values.get('os') ?? 'unknown',
    machine: values.get('machine') ?? 'unknown',
    hasGlibc: values.has('glibc'),
    hasSystemd: values.has('systemd'),
    memoryAvailableMb: Math.floor(Number(values.get('memoryKb') ?? 0) / 1024),
    diskFreeMb: Math.floor(Number(values.get('diskKb') ?? 0) / 1024),
    listeners,
    ...(identity !== undefined && { identity }),
  };
}

/** `11211 1234 memcached.service memcached`; empty are what the login may not see, and the unit where there is none. */
function parseListener(text: string): Listener {
  const [port = '', pid = '', unit = '', ...program] = text.split(' ');
  return {
    port: Number(port),
    ...(pid !== '' && { pid: Number(pid) }),
    ...(unit !== '' && { unit }),
    ...(program.join(' ') !== '' && { program: program.join(' ') }),
  };
}

const CLOCK_TRIES = 3;

/** The host's clock against ours, by the quickest of a few readings. Whole seconds where `date` has no %N. */
async function readClock(host: Host): Promise<{ clockOffsetMs: number; clockErrorMs: number }> {
  let best = { clockOffsetMs: 0, clockErrorMs: Number.POSITIVE_INFINITY };
  for (let i = 0; i < CLOCK_TRIES; i++) {
    const before = Date.now();
    const { stdout } = await host.run(['date', '+%s.%N']);
    const after = Date.now();
    const precise = /^\d+\.\d+$/.test(stdout.trim());
    const clockErrorMs = (after - before) / 2 + (precise ? 0 : 500);
    if (clockErrorMs >= best.clockErrorMs) continue;
    const hostMs = Number.parseFloat(stdout) * 1000 + (precise ? 0 : 500);
    best = { clockOffsetMs: Math.round(hostMs - (before + after) / 2), clockErrorMs };
  }
  return best;
}
