// The command line of `npm run bench`.
import { parseArgs } from 'node:util';
import type { TableFormat } from './tables.js';
import { SUITES, type SuiteName } from './workloads.js';

export const USAGE = `Compares the engine with memcached on this machine.

  npm run bench [-- FLAGS]

  --suite NAME        main (default), scale, memory, replication; may be given more than once
  --only TEXT         only the workloads whose names contain TEXT
  --peer NAME=COMMAND one more server to measure; memcached's flags are appended to COMMAND, and -x and -X for the
                      suite replication
  --rounds N          rounds of each workload; the servers take turns in each (default 5)
  --measure-ms N      how long each measurement lasts (default 2000)
  --markdown          tables as docs/performance.md has them
  --quick             a few seconds in all: shows that everything runs, and nothing about speed
`;

export interface BenchOptions {
  readonly suites: readonly SuiteName[];
  readonly only: string;
  readonly peers: readonly { readonly name: string; readonly command: readonly string[] }[];
  readonly rounds: number;
  readonly measureMs: number;
  readonly warmUpMs: number;
  readonly format: TableFormat;
  readonly isQuick: boolean;
}

/** A command line that can't be understood; its message is for the operator. */
export class UsageError extends Error {}

/** @returns undefined when help was asked for. @throws UsageError */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = readArguments(args);
  if (values.help) return undefined;
  const isQuick = values.quick;
  const suites = values.suite ?? (isQuick ? ['main', 'memory'] : ['main']);
  return {
    suites: suites.map(suiteName),
    only: values.only,
    peers: (values.peer ?? []).map(parsePeer),
    rounds: positive('--rounds', values.rounds ?? (isQuick ? '1' : '5')),
    measureMs: positive('--measure-ms', values['measure-ms'] ?? (isQuick ? '100' : '2000')),
    warmUpMs: isQuick ? 20 : 300,
    format: values.markdown ? 'markdown' : 'text',
    isQuick,
  };
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        suite: { type: 'string', multiple: true },
        only: { type: 'string', default: '' },
        peer: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        'measure-ms': { type: 'string' },
        markdown: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function suiteName(name: string): SuiteName {
  if (Object.hasOwn(SUITES, name)) return name as SuiteName;
  throw new UsageError(`--suite ${name}: must be one of ${Object.keys(SUITES).join(', ')}`);
}

function parsePeer(text: string): { name: string; command: string[] } {
  const match = /^([^=]+)=(.+)$/.exec(text);
  if (match === null) throw new UsageError(`--peer ${text}: must be NAME=COMMAND`);
  return { name: match[1], command: match[2].trim().split(/\s+/) };
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`${flag} ${text}: must be a whole number above 0`);
}
