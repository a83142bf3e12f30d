// Are these two hosts fit to carry the pair? Judges the facts; all that is wrong is said, not only the first.
import { isIP } from 'node:net';
import { legacyLayout } from '../../legacy/layout.js';
import type { NodeConfig, NodeName, PairConfig } from '../types.js';
import type { HostFacts, Listener } from './facts.js';

/** One thing that was looked at. A `failed` one stops deploy before it changes anything; a `warning` does not. */
export interface HostCheck {
  /** Stable name for scripts, such as `ports`. */
  readonly id: string;
  /** The host it is about; absent for what concerns both. */
  readonly node?: NodeName;
  readonly outcome: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  readonly remedy?: string;
}

export interface Wanted {
  readonly config: PairConfig;
  readonly needsRoot: boolean;
  readonly needsSystemd: boolean;
  /** Size of the executable; absent when there is none for the host's architecture, and why. */
  readonly release: { readonly sizeBytes: number } | { readonly problem: string; readonly remedy: string };
  /** Nodes of this pair that share the host's memory. */
  readonly nodesOnHost: number;
}

/** A node needs this much beside its items: the runtime, connections, buffers. */
const OVERHEAD_MB = 100;
const CLOCK_WARN_MS = 1_000;
const CLOCK_REFUSE_MS = 5 * 60_000;

export function judgeHost(node: NodeConfig, facts: HostFacts, wanted: Wanted): HostCheck[] {
  const { name } = node;
  const checks: HostCheck[] = [];
  const ok = (id: string, detail: string): void =>
    void checks.push({ id, node: name, outcome: 'ok', detail });
  const warn = (id: string, detail: string, remedy: string): void =>
    void checks.push({ id, node: name, outcome: 'warning', detail, remedy });
  const fail = (id: string, detail: string, remedy: string): void =>
    void checks.push({ id, node: name, outcome: 'failed', detail, remedy });

  if (facts.os === 'Linux') ok('os', `Linux ${facts.machine}`);
  else fail('os', `${facts.os} is not Linux`, 'the engine runs on Linux; choose another host');

  if ('problem' in wanted.release) fail('architecture', wanted.release.problem, wanted.release.remedy);
  else if (!facts.hasGlibc) {
    const remedy =
      'the executable is built against glibc (2.17 or later); choose a host of such a distribution';
    fail('architecture', 'this host has no glibc (Alpine, or another musl system?)', remedy);
  } else ok('architecture', facts.machine);

  if (wanted.needsSystemd) {
    if (facts.hasSystemd) ok('systemd', 'running');
    else
      fail(
        'systemd',
        'systemd does not run here',
        'the node is a systemd unit; choose a host that runs systemd',
      );
  }
  if (wanted.needsRoot) {
    if (facts.rootProblem === undefined) ok('root', 'allowed');
    else fail('root', facts.rootProblem.message, facts.rootProblem.suggestions.join('; '));
  }
  for (const port of [node.port, node.replicationPort]) {
    const listener = facts.listeners.find((other) => other.port === port);
    const ours = listener?.pid !== undefined && listener.pid === facts.ownPid;
    if (listener === undefined || ours) {
      ok('ports', `${port} is ${ours ? "this node's already" : 'free'}`);
      continue;
    }
    const isLegacyNode = listener.unit === legacyLayout(node.port).unit;
    const flag = port === node.port ? '--port' : '--replication-port';
    fail(
      'ports',
      `port ${port} is taken by ${holderOf(listener)}`,
      isLegacyNode
        ? 'it is a legacy node: bring the pair over without losing a key (repcachectl migrate --to repcached)'
        : `stop that program${stopCommand(listener)}, or choose another port with ${flag}`,
    );
  }

  const neededMb = (wanted.config.memoryMb + OVERHEAD_MB) * wanted.nodesOnHost;
  const memory = `${neededMb} MB wanted, ${facts.memoryAvailableMb} MB available`;
  // What runs already has its share taken.
  if (facts.ownPid !== undefined || facts.memoryAvailableMb >= neededMb) ok('memory', memory);
  else fail('memory', memory, 'give less with --memory, or free some on the host');

  if ('sizeBytes' in wanted.release) {
    // Room for the new release beside a part that is being uploaded, and some to spare.
    const neededDiskMb = Math.ceil(wanted.release.sizeBytes / 2 ** 20) + 20;
    const disk = `${neededDiskMb} MB wanted, ${facts.diskFreeMb} MB free`;
    if (facts.ownPid !== undefined || facts.diskFreeMb >= neededDiskMb) ok('disk', disk);
    else warn('disk', disk, 'an upload will not fit unless the release is there already');
  }
  return checks;
}

export function holderOf({ pid, program, unit }: Listener): string {
  if (pid === undefined) return 'another program';
  return `${program ?? '?'} (pid ${pid}${unit === undefined ? '' : `, ${unit}`})`;
}

export function stopCommand({ unit }: Listener): string {
  return unit === undefined ? '' : ` (systemctl disable --now ${unit})`;
}

/** Expiry times and "newest wins" lean on the clocks; the engine corrects small differences, not absurd ones. */
export function judgeClocks(facts: Readonly<Record<NodeName, HostFacts>>): HostCheck {
  const apartMs = Math.abs(facts.a.clockOffsetMs - facts.b.clockOffsetMs);
  const errorMs = Math.ceil(facts.a.clockErrorMs + facts.b.clockErrorMs);
  const detail = `${apartMs} ms apart (measured to ±${errorMs} ms)`;
  const remedy = 'let both hosts follow one time source: timedatectl set-ntp true, or chrony';
  if (apartMs - errorMs > CLOCK_REFUSE_MS) return { id: 'clock', outcome: 'failed', detail, remedy };
  if (apartMs - errorMs > CLOCK_WARN_MS) return { id: 'clock', outcome: 'warning', detail, remedy };
  return { id: 'clock', outcome: 'ok', detail };
}

/** Two names of one host would make a node its own peer. Containers of one kernel differ by their network. */
export function judgeTwoHosts({ a, b }: Readonly<Record<NodeName, HostFacts>>): HostCheck {
  if (a.identity === undefined || a.identity !== b.identity) {
    return { id: 'pair', outcome: 'ok', detail: 'a and b are two hosts' };
  }
  return {
    id: 'pair',
    outcome: 'failed',
    detail: 'a and b are the same host',
    remedy: 'name two hosts with --a and --b; for a pair on one machine: repcachectl deploy --local',
  };
}

/** Both sides must be able to use it: the peer dials it, clients on other machines too. */
export function judgeAddress(name: NodeName, address: string): HostCheck {
  const about = { id: 'address', node: name };
  if (isIP(address) === 0) {
    const detail = `"${address}" is no IP address, and this machine can't resolve it`;
    return {
      ...about,
      outcome: 'failed',
      detail,
      remedy: `name the node's IP address with --address-${name}`,
    };
  }
  if (/^(127\.|::1$|0\.0\.0\.0$|::$)/.test(address)) {
    const detail = `${address} is not an address that the peer can reach it by`;
    return {
      ...about,
      outcome: 'failed',
      detail,
      remedy: `name the node's own address with --address-${name}`,
    };
  }
  return { ...about, outcome: 'ok', detail: address };
}
