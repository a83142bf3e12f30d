// What deploy makes of the facts of a host: all that is wrong is said, with a remedy each.
import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../../src/errors.js';
import {
  judgeAddress,
  judgeClocks,
  judgeHost,
  judgeTwoHosts,
  type Wanted,
} from '../../../src/pair/deploy/checks.js';
import type { HostFacts } from '../../../src/pair/deploy/facts.js';
import type { NodeConfig, PairConfig } from '../../../src/pair/types.js';

const NODE: NodeConfig = { name: 'b', host: 'two', port: 11211, replicationPort: 16000 };
const CONFIG: PairConfig = {
  version: 1,
  engine: 'repcached',
  local: false,
  memoryMb: 1024,
  connections: 4096,
  threads: 1,
  nodes: { a: { ...NODE, name: 'a', host: 'one' }, b: NODE },
};
const WANTED: Wanted = {
  config: CONFIG,
  needsRoot: true,
  needsSystemd: true,
  release: { sizeBytes: 109 * 2 ** 20 },
  nodesOnHost: 1,
};
const FIT: HostFacts = {
  os: 'Linux',
  machine: 'x86_64',
  hasGlibc: true,
  hasSystemd: true,
  memoryAvailableMb: 4096,
  diskFreeMb: 4096,
  listeners: [],
  clockOffsetMs: 0,
  clockErrorMs: 10,
};

const failedOf = (facts: Partial<HostFacts>, wanted: Partial<Wanted> = {}) =>
  judgeHost(NODE, { ...FIT, ...facts }, { ...WANTED, ...wanted }).filter(
    ({ outcome }) => outcome === 'failed',
  );

describe('judgeHost', () => {
  it('finds nothing on a fit host', () => {
    expect(judgeHost(NODE, FIT, WANTED).every(({ outcome }) => outcome === 'ok')).toBe(true);
  });

  it('says everything that is wrong, with a remedy each', () => {
    const rootProblem = new OperatorError('sudo refuses', {
      code: 'SUDO_REFUSED',
      exit: 'unsuitable',
      suggestions: ['be root'],
    });
    const failed = failedOf({
      os: 'FreeBSD',
      hasGlibc: false,
      hasSystemd: false,
      rootProblem,
      memoryAvailableMb: 512,
      listeners: [{ port: 11211, pid: 7, program: 'memcached' }],
    });
    expect(failed.map(({ id }) => id)).toEqual(['os', 'architecture', 'systemd', 'root', 'ports', 'memory']);
    for (const check of failed) expect(check.remedy, check.id).toBeTruthy();
  });

  it.each([
    ['named', { pid: 7, program: 'memcached' }, 'port 11211 is taken by memcached (pid 7)'],
    [
      'known',
      { pid: 7, program: 'memcached', unit: 'memcached.service' },
      'port 11211 is taken by memcached (pid 7, memcached.service)',
    ],
    ['unseen', {}, 'port 11211 is taken by another program'],
  ])('a port of a %s program', (_, holder, detail) => {
    const [check] = failedOf({ listeners: [{ port: 11211, ...holder }] });
    expect(check).toMatchObject({ id: 'ports', node: 'b', detail });
    expect(check.remedy).toContain('--port');
  });

  it('says how to stop the service that has a port', () => {
    const holder = { pid: 7, program: 'memcached', unit: 'memcached.service' };
    const [check] = failedOf({ listeners: [{ port: 11211, ...holder }] });
    expect(check.remedy).toContain('systemctl disable --now memcached.service');
  });

  it('never has a legacy node stopped, whose items would be lost, but brought over', () => {
    const holder = { pid: 7, program: 'memcached', unit: 'repcached-legacy@11211.service' };
    const [check] = failedOf({ listeners: [{ port: 11211, ...holder }] });
    expect(check.remedy).toContain('repcachectl migrate --to repcached');
    expect(check.remedy).not.toContain('stop that program');
  });

  it('takes no offence at the ports of its own node, nor at the memory that it has', () => {
    const listeners = [11211, 16000].map((port) => ({ port, pid: 42, program: 'repcached' }));
    expect(failedOf({ listeners, ownPid: 42, memoryAvailableMb: 100, diskFreeMb: 1 })).toEqual([]);
    expect(failedOf({ listeners, ownPid: 43 }).map(({ id }) => id)).toEqual(['ports', 'ports']);
  });

  it('passes on why there is no executable', () => {
    const [check] = failedOf(
      { machine: 'riscv64' },
      { release: { problem: 'no engine for riscv64', remedy: 'another host' } },
    );
    expect(check).toMatchObject({ id: 'architecture', detail: 'no engine for riscv64' });
  });

  it('only warns of a disk that may be too small: the release may be there already', () => {
    const checks = judgeHost(NODE, { ...FIT, diskFreeMb: 40 }, WANTED);
    expect(checks.filter(({ outcome }) => outcome !== 'ok')).toMatchObject([
      { id: 'disk', outcome: 'warning' },
    ]);
  });
});

describe('judgeClocks', () => {
  const judge = (a: number, b: number, clockErrorMs = 10) =>
    judgeClocks({
      a: { ...FIT, clockOffsetMs: a, clockErrorMs },
      b: { ...FIT, clockOffsetMs: b, clockErrorMs },
    }).outcome;

  it('judges the difference between the hosts, not to the ops machine', () => {
    expect(judge(3_600_000, 3_600_500)).toBe('ok');
    expect(judge(0, 2_000)).toBe('warning');
    expect(judge(-200_000, 200_000)).toBe('failed');
  });

  it('gives the benefit of the measuring error', () => {
    expect(judge(0, 1_500, 400)).toBe('ok');
  });
});

describe('judgeTwoHosts', () => {
  const judge = (a: string | undefined, b: string | undefined) =>
    judgeTwoHosts({ a: { ...FIT, ...(a && { identity: a }) }, b: { ...FIT, ...(b && { identity: b }) } })
      .outcome;

  it('refuses one host under two names', () => {
    expect(judge('boot-1 net:[7]', 'boot-1 net:[7]')).toBe('failed');
  });

  it('takes two hosts, two containers of one kernel, and hosts that do not say who they are', () => {
    expect(judge('boot-1 net:[7]', 'boot-2 net:[7]')).toBe('ok');
    expect(judge('boot-1 net:[7]', 'boot-1 net:[8]')).toBe('ok');
    expect(judge(undefined, undefined)).toBe('ok');
  });
});

describe('judgeAddress', () => {
  it.each([
    ['10.0.0.1', 'ok'],
    ['fe80::1', 'ok'],
    ['127.0.0.1', 'failed'],
    ['::1', 'failed'],
    ['cache1.internal', 'failed'],
  ])('%s: %s', (address, outcome) => {
    expect(judgeAddress('a', address).outcome).toBe(outcome);
  });
});
