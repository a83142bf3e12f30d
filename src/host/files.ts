// Files on a host, through the one thing every host can do: run a program with something on its standard input.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { OperatorError } from '../errors.js';
import type { FileOptions } from './host.js';
import { MEND_AND_REPEAT, type Runner, type RunnerRunOptions } from './runner.js';

/** Exit statuses of the scripts below; chosen out of the way of the tools they call. */
const NO_SUCH_FILE = 44;
const NO_ROOM = 45;

const READ = `[ -e "$1" ] || exit ${NO_SUCH_FILE}; exec cat -- "$1"`;

/**
 * Writes standard input beside the target and renames it. mktemp creates with mode 0600, so the content is never wider
 * open than asked. The size is compared before the rename, since a broken connection also looks like the end of input.
 */
const REPLACE = `
set -eu
path=$1 mode=$2 owner=$3 size=$4
directory=$(dirname -- "$path")
[ -d "$directory" ] || { echo "$directory: no such folder" >&2; exit 1; }
free=$(df -Pk -- "$directory" | awk 'NR == 2 { print $4 }')
case $free in
  '' | *[!0-9]*) ;;
  *) [ "$free" -ge $(((size + 1023) / 1024)) ] || { echo "$free" >&2; exit ${NO_ROOM}; } ;;
esac
temporary=$(mktemp -- "$directory/.$(basename -- "$path").XXXXXX")
trap 'rm -f -- "$temporary"' EXIT
trap 'exit 1' HUP INT TERM PIPE
cat >"$temporary"
[ "$(wc -c <"$temporary")" -eq "$size" ] || { echo "the content arrived only in part" >&2; exit 1; }
[ -z "$owner" ] || chown -- "$owner" "$temporary"
chmod -- "$mode" "$temporary"
mv -fT -- "$temporary" "$path"
`;

const WRITE_TIMEOUT_MS = 60_000;
/** For an executable of 100 MB over a slow line; keepalives notice a dead one long before. */
const PUT_TIMEOUT_MS = 900_000;

/** See Host.readFile. */
export async function readHostFile(
  runner: Runner,
  path: string,
  options: { root?: boolean } = {},
): Promise<string | undefined> {
  const result = await runner.run(['sh', '-c', READ, 'sh', path], {
    ...options,
    allowFailure: true,
    label: `reading ${path}`,
  });
  if (result.exitCode === 0) return result.stdout;
  if (result.exitCode === NO_SUCH_FILE) return undefined;
  throw new OperatorError(`Reading ${path} failed\n${result.stderr.trim()}`, {
    code: 'COMMAND_FAILED',
    exit: 'stepFailed',
    suggestions: [MEND_AND_REPEAT],
  });
}

/** See Host.writeFile. */
export async function writeHostFile(
  runner: Runner,
  hostName: string,
  path: string,
  content: string,
  options: FileOptions,
): Promise<void> {
  const bytes = Buffer.from(content, 'utf8');
  await replace(runner, hostName, path, bytes, bytes.length, options, WRITE_TIMEOUT_MS);
}

/** See Host.putFile. */
export async function putHostFile(
  runner: Runner,
  hostName: string,
  localPath: string,
  path: string,
  options: FileOptions,
): Promise<void> {
  const { size } = await stat(localPath);
  const content = createReadStream(localPath);
  try {
    await replace(runner, hostName, path, content, size, options, PUT_TIMEOUT_MS);
  } finally {
    content.destroy();
  }
}

async function replace(
  runner: Runner,
  hostName: string,
  path: string,
  content: NonNullable<RunnerRunOptions['stdin']>,
  sizeBytes: number,
  options: FileOptions,
  timeoutMs: number,
): Promise<void> {
  const mode = options.mode.toString(8).padStart(4, '0');
  const argv = ['sh', '-c', REPLACE, 'sh', path, mode, options.owner ?? '', String(sizeBytes)] as const;
  const result = await runner.run(argv, {
    root: options.root ?? false,
    stdin: content,
    timeoutMs,
    allowFailure: true,
    label: `writing ${path}`,
  });
  if (result.exitCode === 0) return;
  if (result.exitCode === NO_ROOM || result.stderr.includes('No space left on device')) {
    throw diskFull(
      hostName,
      path,
      sizeBytes,
      result.exitCode === NO_ROOM ? Number(result.stderr) : undefined,
    );
  }
  throw new OperatorError(`${hostName}: writing ${path} failed\n${result.stderr.trim()}`, {
    code: 'COMMAND_FAILED',
    exit: 'stepFailed',
    suggestions: [MEND_AND_REPEAT],
  });
}

function diskFull(
  hostName: string,
  path: string,
  neededBytes: number,
  freeKib: number | undefined,
): OperatorError {
  const needed = `${Math.ceil(neededBytes / 1024)} KiB`;
  const numbers =
    freeKib === undefined ? `it needs ${needed}` : `it needs ${needed}, ${freeKib} KiB are free`;
  return new OperatorError(`${hostName}: no room on the disk for ${path}: ${numbers}`, {
    code: 'DISK_FULL',
    exit: 'unsuitable',
    suggestions: [`Free some room on the file system of ${path} (df -h), then run the same command again.`],
  });
}
