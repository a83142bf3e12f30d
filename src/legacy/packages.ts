// Packages on a host, by its own package manager.
import { OperatorError } from '../errors.js';
import type { Host } from '../host/host.js';
import { type OsRelease, type PackageManager, packageManagerFor, parseOsRelease } from './package-manager.js';

const INSTALL_TIMEOUT_MS = 15 * 60_000;
const LINES_SHOWN = 15;

/** @throws OperatorError `NO_PACKAGE_MANAGER` (exit unsuitable) */
export async function packageManagerOf(host: Host): Promise<PackageManager> {
  return packageManagerFor(await osReleaseOf(host));
}

export async function osReleaseOf(host: Host): Promise<OsRelease> {
  const text = (await host.readFile('/etc/os-release')) ?? (await host.readFile('/usr/lib/os-release')) ?? '';
  return parseOsRelease(text);
}

/** Of the packages, those that the host lacks. */
export async function missingPackages(
  host: Host,
  manager: PackageManager,
  packages: readonly string[],
): Promise<string[]> {
  const missing: string[] = [];
  for (const packageName of packages) {
    const { exitCode } = await host.run(manager.isInstalled(packageName), { allowFailure: true });
    if (exitCode !== 0) missing.push(packageName);
  }
  return missing;
}

/** @throws OperatorError `PACKAGES_FAILED` (exit stepFailed) with the last lines of the package manager */
export async function installPackages(
  host: Host,
  manager: PackageManager,
  packages: readonly string[],
): Promise<void> {
  for (const argv of manager.install(packages)) {
    const result = await host.run(argv, {
      root: true,
      timeoutMs: INSTALL_TIMEOUT_MS,
      allowFailure: true,
      label: `installing ${packages.join(', ')}`,
    });
    if (result.exitCode === 0) continue;
    const lines = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-LINES_SHOWN);
    throw new OperatorError(
      `${host.name}: ${argv.join(' ')} ended with ${result.exitCode}\n${lines.join('\n')}`,
      {
        code: 'PACKAGES_FAILED',
        exit: 'stepFailed',
        suggestions: [
          `see on the host whether ${manager.name} reaches its package sources`,
          `or install them there by hand: ${packages.join(' ')}`,
        ],
      },
    );
  }
}
