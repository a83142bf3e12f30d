// The benchmark runs from end to end; how fast anything is, no test says.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { placementFor } from '../../bench/cpus.js';
import type { Measurement } from '../../bench/load-program.js';
import { partsOf, sumOf } from '../../bench/resident-parts.js';
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

  it('tells resident memory apart by what it is for', () => {
    const mapping = (what: string, residentKb: number, flags: string): string =>
      `${what}\nSize: 900 kB\nRss: ${residentKb} kB\nPss: 7 kB\nVmFlags: ${flags} \n`;
    const parts = partsOf(
      mapping('4b913200000-4b917100000 rw-p 00000000 00:00 0 ', 64, 'rd wr mr mw me ac hg') +
        mapping('4b90d200000-4b913200000 rw-p 00000000 00:00 0 ', 8, 'rd wr mr mw me ac') +
        mapping('16920000-16941000 rw-p 00000000 00:00 0                    [heap]', 4, 'rd wr mr mw me ac') +
        mapping('7fbde5fad000-7fbe25fad000 rwxp 00000000 00:00 0 ', 2, 'rd wr ex mr mw me') +
        mapping('01a40000-0684a000 r-xp 0163f000 08:01 17    /usr/bin/x y', 1, 'rd ex mr mw me'),
    );
    expect(parts).toEqual({ store: 65_536, heap: 12_288, compiled: 2048, files: 1024 });
    expect(sumOf(parts)).toBe(79 * 1024);
  });

  it('keeps server and load apart where there are processors enough', () => {
    expect(placementFor(1, 2)).toMatchObject({ server: '0-0', load: '1-1', isApart: true });
    expect(placementFor(2, 8)).toMatchObject({ server: '0-1', load: '2-7', loadThreads: 4 });
    expect(placementFor(2, 2)).toMatchObject({ server: '0-1', load: '0-1', isApart: false });
  });
});
