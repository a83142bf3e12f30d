// The results of the suite `replication` as tables for people.
import { ratios, summarize } from '../statistics.js';
import { figure, type TableFormat, table } from '../tables.js';
import type { ReplicationResults } from './suite.js';
import type { ThroughputResult } from './throughput.js';

export function replicationTables(results: ReplicationResults, format: TableFormat): string[] {
  return [
    ...throughputTable(results.throughput, format),
    '',
    'Medians of all rounds; in brackets the median ratio to the same server alone in the same round. The peer shares',
    'its processors with the load: throughput says less than the CPU time of a set on the node and on its peer.',
    '',
    ...copyTable(results, format),
    '',
    ...turns(results),
  ];
}

function throughputTable(results: readonly ThroughputResult[], format: TableFormat): string[] {
  const rows = results.flatMap(({ workload, measurements, lag }) => {
    const names = [...measurements.keys()];
    return names.map((name, at) => {
      const rounds = measurements.get(name) ?? [];
      const server = name.split(/ alone$|, /)[0];
      const alone = measurements.get(`${server} alone`) ?? [];
      const summary = summarize(rounds);
      const ratio = name === `${server} alone` ? undefined : ratios(rounds, alone);
      const inBrackets = (share: number | undefined) => (share === undefined ? '' : ` (${share.toFixed(2)})`);
      const hasLag = at === 1;
      return [
        at === 0 ? workload.name : '',
        name,
        summary.requestsPerSec.toFixed(0) + inBrackets(ratio?.requestsPerSec),
        summary.p50Us.toFixed(0),
        summary.p99Us.toFixed(0),
        summary.serverCpuUsPerRequest.toFixed(2) + inBrackets(ratio?.serverCpuUsPerRequest),
        ratio === undefined ? '' : summary.peerCpuUsPerRequest.toFixed(2),
        hasLag ? `${lag.p50Ms.toFixed(1)} / ${lag.p99Ms.toFixed(1)} at ${lag.setsPerSec.toFixed(0)}/s` : '',
        hasLag ? lag.clientsP99Ms.toFixed(1) : '',
      ];
    });
  });
  return table(
    [
      { title: 'workload' },
      { title: 'server' },
      figure('sets/s'),
      figure('p50 us'),
      figure('p99 us'),
      figure('CPU us/set'),
      figure("peer's"),
      figure('lag p50 / p99 ms'),
      figure("clients' p99 ms then"),
    ],
    rows,
    format,
  );
}

function copyTable({ copies }: ReplicationResults, format: TableFormat): string[] {
  const rows = [...copies].map(([name, { items, itemsPerSec, secondsFromStart, clients }]) => [
    name,
    String(items),
    Number.isNaN(itemsPerSec) ? '' : itemsPerSec.toFixed(0),
    secondsFromStart.toFixed(2),
    clients === undefined ? '' : clients.p99UsBefore.toFixed(0),
    clients === undefined
      ? ''
      : `${clients.p99UsMeanwhile.toFixed(0)} (${(clients.p99UsMeanwhile / clients.p99UsBefore).toFixed(2)})`,
  ]);
  return table(
    [
      { title: 'full copy' },
      figure('items'),
      figure('items/s'),
      figure('s from start'),
      figure("clients' p99 us before"),
      figure('meanwhile'),
    ],
    rows,
    format,
  );
}

function turns({ frozen, cut }: ReplicationResults): string[] {
  const mb = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
  const kept = frozen.setsPerSecFrozen / frozen.setsPerSecWithPeer;
  return [
    `peer frozen for ${frozen.frozenSec} s: ${frozen.setsPerSecFrozen.toFixed(0)} sets/s (${kept.toFixed(2)} of before and after), ` +
      `p99 ${frozen.p99UsFrozen.toFixed(0)} us (with the peer ${frozen.p99UsWithPeer.toFixed(0)}), ` +
      `grown by ${mb(frozen.grownBytes)}, the ring is ${mb(frozen.ringBytes)}`,
    `cut for ${cut.cutSec} s with ${cut.writes} writes to ${cut.changedKeys} keys: ${cut.sentKeys} keys sent, ` +
      `resync ${cut.resyncMs.toFixed(0)} ms, in sync ${cut.msFromJoin.toFixed(0)} ms after the cable was joined`,
  ];
}
