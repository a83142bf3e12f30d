// The results as a table for people.
import type { IdleMemory } from './idle-memory.js';
import { GROWTH_MOMENTS, type ResidentGrowth } from './resident-growth.js';
import { type ResidentParts, sumOf } from './resident-parts.js';
import type { WorkloadResult } from './rounds.js';
import { ratios, type Summary, summarize } from './statistics.js';
import { figure, type TableFormat, table } from './tables.js';

/** One line a server; in brackets the ratio to the reference, where there is one. */
export function speedTable(
  results: readonly WorkloadResult[],
  reference: string,
  format: TableFormat,
): string[] {
  const rows = results.flatMap((result) =>
    [...result.measurements].map(([name, rounds], at) => {
      const summary = summarize(rounds);
      const base = result.measurements.get(reference);
      const ratio = base === undefined || name === reference ? undefined : ratios(rounds, base);
      const cell = (of: keyof Summary, digits: number): string =>
        summary[of].toFixed(digits) + (ratio === undefined ? '' : ` (${ratio[of].toFixed(2)})`);
      return [
        at === 0 ? result.workload.name : '',
        name,
        cell('requestsPerSec', 0),
        cell('p50Us', 0),
        cell('p99Us', 0),
        cell('p999Us', 0),
        cell('serverCpuUsPerRequest', 2),
        percent(summary.serverCpuShare),
        percent(summary.loadCpuShare) + (result.isApart ? '' : ' *'),
      ];
    }),
  );
  const figures = [
    'requests/s',
    'p50 us',
    'p99 us',
    'p99.9 us',
    'CPU us/request',
    'server CPU',
    'load CPU',
  ].map(figure);
  return [
    ...table([{ title: 'workload' }, { title: 'server' }, ...figures], rows, format),
    '',
    `Medians of all rounds; in brackets the median ratio to ${reference} in the same round.`,
    ...(results.some(({ isApart }) => !isApart)
      ? ['* Server and load shared their processors: only the CPU time of a request says something.']
      : []),
  ];
}

export function idleTable(results: ReadonlyMap<string, IdleMemory>, format: TableFormat): string[] {
  const rows = [...results].map(([name, idle]) => [
    name,
    `${(idle.emptyBytes / 2 ** 20).toFixed(1)} MB`,
    String(idle.connections),
    `${(idle.connectionBytes / 1024).toFixed(1)} KB`,
  ]);
  return table(
    [{ title: 'server, -t 4' }, figure('empty'), figure('idle connections'), figure('each')],
    rows,
    format,
  );
}

/** Growth over the empty process: as a share of -m, and what it consists of. */
export function growthTable(
  results: ReadonlyMap<string, readonly ResidentGrowth[]>,
  format: TableFormat,
): string[] {
  const each = [...results].flatMap(([name, growths]) => growths.map((growth) => ({ name, ...growth })));
  const nameOf = ({ name, threads, memoryMb }: (typeof each)[number]): string =>
    `${name} -t ${threads} -m ${memoryMb}`;
  const shares = each.map((growth) => [
    nameOf(growth),
    ...growth.moments.map((parts) => `${((sumOf(parts) / 2 ** 20 / growth.memoryMb) * 100).toFixed(1)} %`),
  ]);
  const parts = each.flatMap((growth) =>
    growth.moments.map((moment, at) => [
      at === 0 ? nameOf(growth) : '',
      GROWTH_MOMENTS[at],
      ...megabytes(moment, growth.memoryMb),
    ]),
  );
  return [
    ...table([{ title: 'resident growth, of -m' }, ...GROWTH_MOMENTS.map(figure)], shares, format),
    '',
    ...table(
      [
        { title: 'resident growth, MB' },
        { title: 'when' },
        ...['store', 'heap', 'compiled', 'files', 'all', 'beyond -m'].map(figure),
      ],
      parts,
      format,
    ),
  ];
}

function megabytes(parts: ResidentParts, memoryMb: number): string[] {
  const { store, heap, compiled, files } = parts;
  const all = sumOf(parts);
  return [store, heap, compiled, files, all, all - memoryMb * 2 ** 20].map((bytes) =>
    (bytes / 2 ** 20).toFixed(1),
  );
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
