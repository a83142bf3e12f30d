// Which package manager a host has, and what the packages are called there: decided by its os-release.
import { OperatorError } from '../errors.js';

export type PackageManagerName = 'apt' | 'dnf' | 'yum' | 'zypper' | 'apk';

export interface PackageManager {
  readonly name: PackageManagerName;
  /** What building the C program needs: a compiler, make, libevent and its headers. */
  readonly buildPackages: readonly string[];
  /** The distribution's own memcached. */
  readonly stockPackage: string;
  /** Programs to run in order, each as root. */
  install(packages: readonly string[]): readonly (readonly [string, ...string[]])[];
  /** The program that takes packages away again. */
  remove(packages: readonly string[]): readonly [string, ...string[]];
  /** A program that exits with 0 exactly when the package is installed. */
  isInstalled(packageName: string): readonly [string, ...string[]];
  /** A program that prints the name of the package that a file belongs to, and fails when it belongs to none. */
  ownerOf(path: string): readonly [string, ...string[]];
}

export interface OsRelease {
  readonly id: string;
  readonly idLike: readonly string[];
  /** `12`, `9.4`; undefined for a rolling release. */
  readonly versionId: string | undefined;
  /** First number of VERSION_ID; undefined for a rolling release. */
  readonly majorVersion: number | undefined;
  readonly prettyName: string;
}

/** Reads the text of /etc/os-release. @see man 5 os-release */
export function parseOsRelease(text: string): OsRelease {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*([A-Z0-9_]+)=(.*?)\s*$/.exec(line);
    if (match !== null) values.set(match[1], unquote(match[2]));
  }
  const versionId = values.get('VERSION_ID') || undefined;
  const major = Number.parseInt(versionId ?? '', 10);
  return {
    id: (values.get('ID') ?? 'linux').toLowerCase(),
    idLike: (values.get('ID_LIKE') ?? '').toLowerCase().split(/\s+/).filter(Boolean),
    versionId,
    majorVersion: Number.isNaN(major) ? undefined : major,
    prettyName: values.get('PRETTY_NAME') ?? values.get('NAME') ?? 'an unnamed system',
  };
}

function unquote(text: string): string {
  const match = /^"(.*)"$|^'(.*)'$/.exec(text);
  return match === null ? text : (match[1] ?? match[2]).replace(/\\(["$`\\])/g, '$1');
}

const RPM_PACKAGES = ['gcc', 'make', 'libevent', 'libevent-devel'];
const rpmInstalled = (packageName: string) => ['rpm', '-q', '--quiet', packageName] as const;
const rpmOwner = (path: string) => ['rpm', '-q', '--queryformat', '%{NAME}\\n', '-f', path] as const;

/** dpkg knows a file by one path only, with or without /usr, whichever its package had when it was made. */
const DPKG_OWNER = `
for path in "$1" "/usr$1" "\${1#/usr}"; do
  name=$(dpkg-query -S "$path" 2>/dev/null | sed -n '/^diversion/d; s/[:,].*//p' | head -n 1)
  if [ -n "$name" ]; then echo "$name"; exit 0; fi
done
exit 1`;

const APT: PackageManager = {
  name: 'apt',
  buildPackages: ['gcc', 'libc6-dev', 'make', 'libevent-dev'],
  stockPackage: 'memcached',
  install: (packages) => [
    ['apt-get', 'update', '-q'],
    // What a question in mid-installation would wait for is nobody; configuration files stay as they are.
    [
      ...['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-q', '-y'],
      ...['--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold', ...packages],
    ] as [string, ...string[]],
  ],
  remove: (packages) => [
    ...(['env', 'DEBIAN_FRONTEND=noninteractive'] as const),
    ...['apt-get', 'purge', '-q', '-y', ...packages],
  ],
  // Removed packages whose settings stayed are known to dpkg as well; only "ii" means that it is there.
  isInstalled: (packageName) => [
    ...(['sh', '-c'] as const),
    `dpkg-query -W -f '\${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii'`,
    ...['sh', packageName],
  ],
  ownerOf: (path) => ['sh', '-c', DPKG_OWNER, 'sh', path],
};

const yumLike = (name: 'dnf' | 'yum'): PackageManager => ({
  name,
  buildPackages: RPM_PACKAGES,
  stockPackage: 'memcached',
  install: (packages) => [[name, '-q', '-y', 'install', ...packages]],
  remove: (packages) => [name, '-q', '-y', 'remove', ...packages],
  isInstalled: rpmInstalled,
  ownerOf: rpmOwner,
});

const ZYPPER: PackageManager = {
  name: 'zypper',
  // libevent's own package carries its version in its name there; the headers bring it along.
  buildPackages: ['gcc', 'make', 'libevent-devel'],
  stockPackage: 'memcached',
  install: (packages) => [['zypper', '--non-interactive', 'install', '--no-recommends', ...packages]],
  remove: (packages) => ['zypper', '--non-interactive', 'remove', ...packages],
  isInstalled: rpmInstalled,
  ownerOf: rpmOwner,
};

const APK: PackageManager = {
  name: 'apk',
  buildPackages: ['gcc', 'musl-dev', 'make', 'libevent', 'libevent-dev'],
  stockPackage: 'memcached',
  install: (packages) => [['apk', 'add', '--no-cache', ...packages]],
  remove: (packages) => ['apk', 'del', ...packages],
  isInstalled: (packageName) => ['apk', 'info', '-e', packageName],
  ownerOf: (path) => ['apk', 'info', '-q', '-W', path],
};

/**
 * By the system's own name first, then by what it says it is like.
 * @throws OperatorError `NO_PACKAGE_MANAGER` (exit unsuitable)
 */
export function packageManagerFor(release: OsRelease): PackageManager {
  for (const id of [release.id, ...release.idLike]) {
    switch (id) {
      case 'debian':
      case 'ubuntu':
        return APT;
      case 'fedora':
        // Red Hat's relatives say that they are like Fedora, so their own version decides.
        return release.id === 'fedora' ? yumLike('dnf') : redHatManager(release);
      case 'rhel':
      case 'centos':
      case 'rocky':
      case 'almalinux':
      case 'ol':
        return redHatManager(release);
      case 'suse':
      case 'opensuse':
      case 'opensuse-leap':
      case 'opensuse-tumbleweed':
      case 'sles':
        return ZYPPER;
      case 'alpine':
        return APK;
    }
  }
  throw new OperatorError(`no package manager is known for ${release.prettyName} (ID=${release.id})`, {
    code: 'NO_PACKAGE_MANAGER',
    exit: 'unsuitable',
    suggestions: [
      'choose a host of Debian, Ubuntu, Red Hat or a relative, Fedora, openSUSE or Alpine',
      'or install a C compiler, make, libevent and its headers there by hand: what is there is not asked for',
    ],
  });
}

/** dnf came with version 8; before it there is only yum. */
function redHatManager({ majorVersion }: OsRelease): PackageManager {
  return yumLike(majorVersion !== undefined && majorVersion < 8 ? 'yum' : 'dnf');
}
