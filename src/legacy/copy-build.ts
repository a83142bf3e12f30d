// Copies the program from the host that it was built on to one that is alike: the libraries it needs, the tree under its
// prefix, and a first run. No compiler, headers or source are needed there.
import { createHash } from 'node:crypto';
import { OperatorError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { Step } from '../service/service.js';
import { type BuildWish, whyBuild } from './build.js';
import { describeFailure, INSTALL_REMEDIES, installArchive } from './install-archive.js';
import { BEGIN_INSTALL, FINISH_INSTALL, TRY_IT } from './install-script.js';
import { BUILD_RECORD, PREFIX, PROGRAM } from './layout.js';
import { installPackages, missingPackages, packageManagerOf } from './packages.js';

const COPY_TIMEOUT_MS = 5 * 60_000;
/** What is built is about 1 MB; a prefix that holds far more holds something else as well. */
const MAX_TREE_BYTES = 64 * 2 ** 20;

/** Prints the checksum of the archive, then the archive itself in base64: what a host says is text. */
const PACK_SCRIPT = `
set -eu
archive=$(mktemp /var/tmp/repcached-copy.XXXXXX)
trap 'rm -f -- "$archive"' EXIT
trap 'exit 1' HUP INT TERM PIPE
tar -C ${PREFIX} -cf "$archive" .
size=$(wc -c <"$archive")
[ "$size" -le ${MAX_TREE_BYTES} ] || { echo "${PREFIX} has $size bytes: more than a build of repcached" >&2; exit 1; }
sha256sum <"$archive" | cut -d ' ' -f 1
base64 <"$archive"
`;

/** The archive in its work folder is what `PACK_SCRIPT` made; the fourth argument is its checksum there. */
const UNPACK_SCRIPT = `${BEGIN_INSTALL}
begin checksum
actual=$(sha256sum <"$work/archive.tar" | cut -d ' ' -f 1)
[ "$actual" = "$4" ] || { echo "the copy arrived with checksum $actual, not $4" >>"$log"; fail; }

begin unpack
mkdir -p -- "$staging$prefix" && tar -xof "$work/archive.tar" -C "$staging$prefix" >>"$log" 2>&1 || fail
${FINISH_INSTALL}`;

/** In order: the libraries that the program needs, then the copy itself; nothing where the program stands already. */
export function copySteps(from: Host, to: Host, wish: BuildWish): Step[] {
  return [librariesStep(from, to, wish), copyStep(from, to, wish)];
}

function librariesStep(from: Host, to: Host, wish: BuildWish): Step {
  const missing = async (): Promise<string[]> =>
    missingPackages(to, await packageManagerOf(to), await librariesOf(from));
  return {
    title: 'Libraries of the program',
    check: async () => {
      if ((await whyBuild(to, wish)) === undefined) return undefined;
      // Only when all that is wanted is a forecast: otherwise it was built before.
      if ((await whyBuild(from, wish)) !== undefined) return `those that ${from.name} builds it with`;
      const packages = await missing();
      return packages.length === 0 ? undefined : `${packages.join(', ')} missing`;
    },
    apply: async () => installPackages(to, await packageManagerOf(to), await missing()),
  };
}

function copyStep(from: Host, to: Host, wish: BuildWish): Step {
  return {
    title: 'Copy of the build',
    needsRestart: true,
    check: async () => {
      const reason = await whyBuild(to, wish);
      return reason === undefined ? undefined : `${reason}; copied from ${from.name}: same system`;
    },
    apply: () => copyBuild(from, to),
  };
}

/** The packages that the program's shared libraries belong to; one that belongs to none shows in the first run. */
async function librariesOf(host: Host): Promise<string[]> {
  const manager = await packageManagerOf(host);
  const { stdout } = await host.run(['ldd', PROGRAM], { allowFailure: true });
  const packages = new Set<string>();
  for (const [, path] of stdout.matchAll(/=> (\/\S+)/g)) {
    const found = await host.run(manager.ownerOf(path), { allowFailure: true });
    const [owner] = found.stdout.trim().split('\n');
    if (found.exitCode === 0 && owner !== '') packages.add(owner);
  }
  return [...packages];
}

/**
 * Takes the tree from one host to the other, as root, and runs the program there before it is moved into place.
 * @throws OperatorError `COPY_FAILED` (exit stepFailed); what was there before still is then
 */
export async function copyBuild(from: Host, to: Host): Promise<void> {
  const { archive, sha256 } = await packBuild(from);
  const record = await from.readFile(BUILD_RECORD, { root: true });
  const label = `copying repcached from ${from.name}`;
  const failure = await installArchive(to, {
    archive,
    script: UNPACK_SCRIPT,
    record: `${record ?? ''}copied from ${from.address}`,
    more: [sha256],
    timeoutMs: COPY_TIMEOUT_MS,
    label,
  });
  if (failure === undefined) return;
  const remedies = [
    `see on ${from.name} what the program needs: ldd ${PROGRAM}; and install what is missing on ${to.name}`,
    'or leave --copy-build (or --copy-to) out: each host then builds its own',
  ];
  throw copyFailed(describeFailure(to, label, failure), [
    ...(failure.step === TRY_IT ? remedies : []),
    ...INSTALL_REMEDIES,
  ]);
}

async function packBuild(host: Host): Promise<{ archive: Buffer; sha256: string }> {
  const { stdout } = await host.run(['sh', '-c', PACK_SCRIPT], {
    root: true,
    timeoutMs: COPY_TIMEOUT_MS,
    label: `packing ${PREFIX}`,
  });
  const endOfLine = stdout.indexOf('\n');
  const sha256 = stdout.slice(0, endOfLine);
  const archive = Buffer.from(stdout.slice(endOfLine), 'base64');
  const actual = createHash('sha256').update(archive).digest('hex');
  if (actual === sha256) return { archive, sha256 };
  throw copyFailed(`${host.name}: ${PREFIX} arrived here with checksum ${actual}, not ${sha256}`, [
    'run the same command again',
  ]);
}

function copyFailed(message: string, suggestions: readonly string[]): OperatorError {
  return new OperatorError(message, { code: 'COPY_FAILED', exit: 'stepFailed', suggestions });
}
