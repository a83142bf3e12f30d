// Are two hosts so alike that what was built on one runs on the other?
import { OperatorError } from '../errors.js';
import type { Host } from '../host/host.js';
import { osReleaseOf } from './packages.js';

/** What must be the same, by the names that an operator can look up. */
type System = ReadonlyMap<string, string>;

async function systemOf(host: Host): Promise<System> {
  const { id, versionId } = await osReleaseOf(host);
  const { stdout } = await host.run(['uname', '-m']);
  return new Map([
    ['ID of /etc/os-release', id],
    ['VERSION_ID of /etc/os-release', versionId ?? 'absent'],
    ['architecture', stdout.trim()],
  ]);
}

/** @throws OperatorError `HOSTS_NOT_ALIKE` (exit unsuitable) with all that differs */
export async function refuseUnlike(one: Host, other: Host): Promise<void> {
  const [here, there] = await Promise.all([systemOf(one), systemOf(other)]);
  const differences = [...here].flatMap(([what, value]) => {
    const otherValue = there.get(what);
    return value === otherValue ? [] : [`${what}: ${one.name} ${value}, ${other.name} ${otherValue}`];
  });
  if (differences.length === 0) return;
  throw new OperatorError(
    `${one.name} and ${other.name} are not alike, so a build can't be copied:\n  ${differences.join('\n  ')}`,
    {
      code: 'HOSTS_NOT_ALIKE',
      exit: 'unsuitable',
      suggestions: ['leave --copy-build (or --copy-to) out: each host then builds its own'],
    },
  );
}
