// The results as a table for people.
import { renderTable } from '../src/report/table.js';
import type { IdleMemory } from './idle-memory.js';
import type { WorkloadResult } from './rounds.js';
import { ratios, type Summary, summarize } from './statistics.js';

const WIDTH = 160;

/** One line a server; in brackets the ratio to the reference, where there is one. */
export function speedTable(results: readonly WorkloadResult[], reference: string): string[] {
  const rows = results.flatMap((result) =>
    [...result.measurements].map(([name, rounds], at) => {
      const summary = summarize(rounds);
      const base = result.measurements.get(reference);
      const ratio = base === undefined || name === reference ? undefined : ratios(rounds, base);
      const cell = (figure: keyof Summary, digits: number): string =>
        summary[figure].toFixed(digits) + (ratio === undefined ? '' : ` (${ratio[figure].toFixed(2)})`);
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
  const right = (title: string) => ({ title, align: 'right' as const });
  return [
    ...renderTable(
      [
        { title: 'workload' },
        { title: 'server' },
        right('requests/s'),
        right('p50 us'),
        right('p99 us'),
        right('p99.9 us'),
        right('CPU us/request'),
        right('server CPU'),
        right('load CPU'),
      ],
      rows,
      WIDTH,
    ),
    `Medians of all rounds; in brackets the median ratio to ${reference} in the same round.`,
    ...(results.some(({ isApart }) => !isApart)
      ? ['* Server and load shared their processors: only the CPU time of a request says something.']
      : []),
  ];
}

export function idleTable(results: ReadonlyMap<string, IdleMemory>): string[] {
  const rows = [...results].map(([name, idle]) => [
    name,
    `${(idle.emptyBytes / 2 ** 20).toFixed(1)} MB`,
    String(idle.connections),
    `${(idle.connectionBytes / 1024).toFixed(1)} KB`,
  ]);
  return renderTable(
    [
      { title: 'server, -t 4' },
      { title: 'empty', align: 'right' },
      { title: 'idle connections', align: 'right' },
      { title: 'each', align: 'right' },
    ],
    rows,
    WIDTH,
  );
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
