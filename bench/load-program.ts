// The load program (bench/load, C): compiled when its sources are newer, and run.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Placement } from './cpus.js';
import type { BenchServer } from './server.js';
import type { Workload } from './workloads.js';

/** One measurement. A request is a get or a set; one get of many keys is one. */
export interface Measurement {
  readonly requests: number;
  readonly elapsedSec: number;
  readonly loadCpuSec: number;
  readonly serverCpuSec: number;
  /** Of the process that the server replicates to, if one was named. */
  readonly peerCpuSec: number;
  /** Of a batch: from its sending to the last byte of its replies. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
}

const SOURCES = fileURLToPath(new URL('load', import.meta.url));
const PROGRAM_DIR = fileURLToPath(new URL('../dist/bench', import.meta.url));
const PROGRAM = join(PROGRAM_DIR, 'load');
const COMPILER = process.env.CC ?? 'cc';
const FILL_LIMIT_MS = 300_000;

const run = promisify(execFile);

/** Compiles the load program unless it is up to date. @throws Error that says what to install */
export function buildLoadProgram(): void {
  const files = readdirSync(SOURCES).map((name) => join(SOURCES, name));
  const newestMs = Math.max(...files.map((file) => statSync(file).mtimeMs));
  if (existsSync(PROGRAM) && statSync(PROGRAM).mtimeMs >= newestMs) return;
  mkdirSync(PROGRAM_DIR, { recursive: true });
  const { status, stderr, error } = spawnSync(
    COMPILER,
    [
      ...['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror', '-o', PROGRAM],
      ...files.filter((file) => file.endsWith('.c')),
      '-lpthread',
    ],
    { encoding: 'utf8' },
  );
  if (error !== undefined) {
    throw new Error(
      `the load program needs a C compiler, and "${COMPILER}" can't be run: apt-get install gcc libc6-dev`,
    );
  }
  if (status !== 0) throw new Error(`the load program does not compile:\n${stderr}`);
}

/** Stores every key of the workload. */
export async function fill(server: BenchServer, { keys, valueBytes }: Workload): Promise<void> {
  await runLoad(server, { fill: 1, keys, 'value-bytes': valueBytes }, undefined, FILL_LIMIT_MS);
}

export interface MeasureOptions {
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Requests a second; 0, the default: as fast as they are answered. */
  readonly rate?: number;
  /** The process that the server replicates to. */
  readonly peerPid?: number;
}

/** @throws Error when the server gives a wrong reply, or none */
export async function measure(
  server: BenchServer,
  workload: Workload,
  placement: Placement,
  { warmUpMs, measureMs, rate = 0, peerPid = 0 }: MeasureOptions,
): Promise<Measurement> {
  const flags = {
    connections: workload.connections,
    threads: Math.min(placement.loadThreads, workload.connections),
    pipeline: workload.pipeline,
    'keys-per-get': workload.keysPerGet,
    'set-percent': workload.setPercent,
    keys: workload.keys,
    'value-bytes': workload.valueBytes,
    'warm-up-ms': warmUpMs,
    'measure-ms': measureMs,
    rate,
    'server-pid': server.pid,
    'peer-pid': peerPid,
  };
  const output = await runLoad(server, flags, placement.load, warmUpMs + measureMs + 30_000);
  return JSON.parse(output) as Measurement;
}

async function runLoad(
  server: BenchServer,
  flags: Readonly<Record<string, number>>,
  cpus: string | undefined,
  timeoutMs: number,
): Promise<string> {
  const words = Object.entries({ port: server.port, ...flags }).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ]);
  const pinned = cpus === undefined ? [] : ['--cpu-list', cpus];
  const [program, args] = cpus === undefined ? [PROGRAM, words] : ['taskset', [...pinned, PROGRAM, ...words]];
  try {
    return (await run(program, args, { timeout: timeoutMs })).stdout;
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(`${server.name}: ${stderr?.trim() || (error as Error).message}`);
  }
}
