// Starts the engine so that it outlives us, now or after a delay: one small script does both.
import { spawn } from 'node:child_process';
import { OperatorError } from '../errors.js';

/**
 * Runs in a session of its own. It writes down its own pid and start time, then becomes the engine: exec changes
 * neither. The environment is empty, since BUN_* variables would change what the engine is. With a delay it is the
 * dead man's switch of a crash, known by `restore` until its time has come.
 */
const LAUNCH = `
set -eu
umask 077
directory=$1 delay=$2 program=$3
shift 3
cd "$directory"
identify() {
  read -r line </proc/$$/stat
  set -- $line
  shift 21
  read -r boot </proc/sys/kernel/random/boot_id
  printf '%s %s %s\\n' "$$" "$1" "$boot"
}
if [ "$delay" != 0 ]; then
  identify >restore.new
  mv -f restore.new restore
  sleep "$delay"
  rm -f restore
fi
identify >pid.new
mv -f pid.new pid
exec env -i "$program" "$@" </dev/null >>log 2>&1
`;

export interface LaunchOptions {
  /** The node's folder; files `pid`, `restore` and `log` are made there. */
  readonly directory: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Default 0: at once. */
  readonly delaySec?: number;
}

/** Starts it, detached from us and our terminal. Ready when `pid`, or `restore` with a delay, has been written. */
export async function launch(options: LaunchOptions): Promise<void> {
  const { directory, program, args } = options;
  const child = spawn(
    'sh',
    ['-c', LAUNCH, 'sh', directory, String(options.delaySec ?? 0), program, ...args],
    {
      detached: true,
      stdio: 'ignore',
    },
  );
  child.unref();
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(
        new OperatorError(`Cannot start ${program}`, { code: 'COMMAND_FAILED', exit: 'stepFailed', cause }),
      ),
    );
  });
}
