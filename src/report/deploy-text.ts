// What a deploy did (or would do), and how to go on from there.
import type { DeployReport, NodeReport } from '../pair/deploy/deploy.js';
import { NODE_NAMES, type NodeName, type PairConfig } from '../pair/types.js';
import { paintFor, type RenderOptions } from './paint.js';

export function renderDeploy(report: DeployReport, config: PairConfig, options: RenderOptions): string {
  const paint = paintFor(options);
  const lines: string[] = [];
  for (const check of report.checks.filter(({ outcome }) => outcome === 'warning')) {
    lines.push(paint.yellow(`Warning: ${check.node === undefined ? '' : `${check.node}: `}${check.detail}`));
    if (check.remedy !== undefined) lines.push(`  ${check.remedy}`);
  }
  for (const { node, what, from, to } of report.movedPorts) {
    const port = what === 'port' ? 'port' : 'replication port';
    lines.push(`${node}: ${port} ${from} is taken, ${to} is used instead`);
  }
  if (report.dryRun) lines.push(...NODE_NAMES.flatMap((name) => plan(name, report.nodes[name])));
  if (!report.changed) lines.push('Nothing to change.');
  else if (report.dryRun) lines.push('Nothing was changed (--dry-run).');
  if (!report.dryRun) lines.push(paint.bold('The pair is up and in sync.'), ...howToGoOn(report, config));
  return lines.join('\n');
}

function plan(name: NodeName, { address, changes, action }: NodeReport): string[] {
  if (changes.length === 0 && action === 'none') return [`${name} (${address}): nothing to change`];
  const lines = changes.map(({ title, difference }) => `  ${title}: ${difference}`);
  if (action !== 'none') lines.push(`  ${action} the node`);
  return [`${name} (${address}) would change:`, ...lines];
}

function howToGoOn({ nodes, configFile }: DeployReport, config: PairConfig): string[] {
  const { a, b } = nodes;
  const flag = config.local ? ' --local' : '';
  const stop = config.local ? 'npm stop, or repcachectl destroy --local' : 'repcachectl destroy';
  return [
    `  a  ${a.address}:${a.port}`,
    `  b  ${b.address}:${b.port}`,
    '',
    'Write to one, read from the other:',
    `  printf 'set k 0 0 2\\r\\nhi\\r\\nquit\\r\\n' | nc ${a.address} ${a.port}`,
    `  printf 'get k\\r\\nquit\\r\\n' | nc ${b.address} ${b.port}`,
    `See it: repcachectl status${flag}   Prove it: repcachectl verify${flag}   Remove it: ${stop}`,
    ...(config.local ? [] : [`Its description is in ${configFile}; run the other verbs in the same folder.`]),
  ];
}
