// Has our engine the place of a legacy node? Then a migration is under way, and has come past this node.
import { OperatorError } from '../errors.js';
import type { Host } from '../host/host.js';
import { nodeLayout } from '../service/systemd-layout.js';

/** Our engine runs there now. */
export function isReplaced(host: Host, port: number): Promise<boolean> {
  return unitIs(host, port, 'is-active', ['active', 'activating', 'reloading']);
}

/** Our engine runs there, or would after a reboot. */
export async function isGivenUp(host: Host, port: number): Promise<boolean> {
  return (await isReplaced(host, port)) || (await unitIs(host, port, 'is-enabled', ['enabled']));
}

async function unitIs(
  host: Host,
  port: number,
  question: string,
  states: readonly string[],
): Promise<boolean> {
  const { unit } = nodeLayout(port);
  const { stdout } = await host.run(['systemctl', question, unit], { allowFailure: true });
  return states.includes(stdout.trim());
}

/** @param nodes such as `a`, or `a and b` */
export function migrationUnderWay(nodes: string): OperatorError {
  return new OperatorError(`${nodes}: our engine has the place of the legacy program`, {
    code: 'MIGRATION_UNDER_WAY',
    exit: 'stepFailed',
    suggestions: ['go on: repcachectl migrate --to repcached', 'go back: repcachectl migrate --back'],
  });
}
