// The status of a pair for the terminal: the verdict first, then both nodes side by side.
import type { AckStats } from '../pair/replication-stats.js';
import type { NodeReport, PairStatus } from '../pair/status.js';
import { paintFor, type RenderOptions } from './paint.js';
import { renderTable, wrapText } from './table.js';
import { formatBytes, formatRatio, formatSec } from './units.js';

/** No trailing newline. */
export function renderStatus(status: PairStatus, options: RenderOptions): string {
  const paint = paintFor(options);
  const { a, b } = status.nodes;
  const lines = wrapText(status.verdict, options.width).map((line) =>
    status.ok ? paint.green(line) : paint.red(line),
  );
  if (status.remedy !== undefined)
    lines.push(...wrapText(status.remedy, options.width, { first: 'remedy: ' }));
  const [ofA, ofB] = [factsOf(a), factsOf(b)];
  const rows = ofA.map(([name, value], index) => [name, value, ofB[index][1]]);
  const columns = [{ title: '' }, { title: a.label }, { title: b.label, flexible: true }];
  lines.push('', ...renderTable(columns, rows, options.width));
  for (const { problem } of [a, b]) {
    if (problem !== undefined) lines.push('', ...wrapText(problem, options.width, { indent: 2 }));
  }
  return lines.join('\n');
}

/** The same names in the same order for each node; a dash for what could not be found out. */
function factsOf({ service, server, replication: link }: NodeReport): [string, string][] {
  const unknown = '-';
  // A server that tells nothing of its link has no figures to show either.
  const replication = link?.linkOnly ? undefined : link;
  return [
    ['service', service?.state ?? unknown],
    ['pid', service?.pid === undefined ? unknown : String(service.pid)],
    ['up for', server === undefined ? unknown : formatSec(server.uptimeSec)],
    ['release', service?.releaseId ?? unknown],
    ['engine', server?.version ?? unknown],
    ['items', server === undefined ? unknown : String(server.items)],
    [
      'memory',
      server === undefined ? unknown : `${formatBytes(server.bytes)} of ${formatBytes(server.limitBytes)}`,
    ],
    ['evictions', server === undefined ? unknown : String(server.evictions)],
    ['connections', server === undefined ? unknown : String(server.connections)],
    ['hit ratio', server?.hitRatio === undefined ? unknown : formatRatio(server.hitRatio)],
    ['replication', linkState(link) ?? unknown],
    ['link up for', replication === undefined ? unknown : formatSec(replication.linkUptimeSec)],
    ['unacknowledged', replication === undefined ? unknown : String(replication.unacked)],
    ['ack mode', ackMode(replication?.ack) ?? unknown],
    [
      'last sync',
      replication === undefined
        ? unknown
        : `${replication.lastSyncItems} items in ${replication.lastSyncMs} ms`,
    ],
    ['clock offset', replication === undefined ? unknown : `${replication.clockOffsetMs} ms`],
  ];
}

function ackMode(ack: AckStats | undefined): string | undefined {
  return ack?.degradedSec === undefined ? ack?.mode : `${ack.mode}, degraded`;
}

/** Legacy nodes acknowledge nothing: with them, a link is all that can be said. */
function linkState(link: NodeReport['replication']): string | undefined {
  return link?.linkOnly && link.state === 'synced' ? 'linked' : link?.state;
}
