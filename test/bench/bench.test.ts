// The benchmark runs from end to end; how fast anything is, no test says.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { placementFor } from '../../bench/cpus.js';
import type { Measurement } from '../../bench/load-program.js';
import { ratios, summarize } from '../../bench/statistics.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LIMIT_MS = 60_000;
const hasCompiler = spawnSync(process.env.CC ?? 'cc', ['--version']).status === 0;

function bench(...flags: string[]): { status: number | null; stdout: string; stderr: string } {
  const args = ['--import', 'tsx', 'bench/run.ts', ...flags];
  return spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', timeout: LIMIT_MS });
}

function round(requests: number, serverCpuSec: number): Measurement {
  const latencies = { p50Us: 1, p99Us: 2, p999Us: 3, maxUs: 4 };
  return { requests, serverCpuSec, peerCpuSec: 0, elapsedSec: 2, loadCpuSec: 1, ...latencies };
}

describe('npm run bench', () => {
  it.skipIf(!hasCompiler)(
    'measures every server with real load (skipped where there is no C compiler)',
    () => {
      const { status, stdout, stderr } = bench('--quick', '--suite', 'main', '--only', 'get 90 set 10');
      expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(/^get 90 set 10 +repcached +\d+/m);
      expect(stdout).toMatch(/^get 90 set 10, -t 2 +repcached +\d+/m);
    },
    LIMIT_MS,
  );

  it('says what is wrong with its command line', () => {
    const { status, stderr } = bench('--rounds', 'many');
    expect(status).toBe(2);
    expect(stderr).toContain('--rounds many: must be a whole number above 0');
  });

  it('compares servers round by round, not by their medians', () => {
    const ours = [round(100, 1), round(300, 1), round(200, 1)];
    const theirs = [round(50, 1), round(100, 1), round(200, 1)];
    expect(summarize(ours).requestsPerSec).toBe(100);
    expect(ratios(ours, theirs).requestsPerSec).toBe(2);
    expect(ratios(ours, theirs).serverCpuUsPerRequest).toBeCloseTo(0.5);
  });

  it('keeps server and load apart where there are processors enough', () => {
    expect(placementFor(1, 2)).toMatchObject({ server: '0-0', load: '1-1', isApart: true });
    expect(placementFor(2, 8)).toMatchObject({ server: '0-1', load: '2-7', loadThreads: 4 });
    expect(placementFor(2, 2)).toMatchObject({ server: '0-1', load: '0-1', isApart: false });
  });
});
