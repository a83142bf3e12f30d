// Crashing a node on a systemd host on purpose, with the host itself bound to bring it back.
import type { Host } from '../host/host.js';
import type { NodeLayout } from './systemd-layout.js';

/** The names that a crash needs of a node. */
export type CrashLayout = Pick<NodeLayout, 'unit' | 'runtimeDropIns' | 'restoreUnit'>;

/** What the timer runs. Its arguments are the unit and the folder, which goes with all that a crash put into it. */
const RESTORE = `rm -rf "$2"
systemctl daemon-reload
systemctl reset-failed "$1"
systemctl start "$1"
`;

/**
 * The timer is armed before anything is harmed, so that there is no moment at which a lost ops machine would leave
 * the node down. All is under /run, so that a reboot also brings the node back. What the timer runs is in a file
 * (which systemd ignores among the drop-ins), as systemd 252 writes a `;` in the arguments of a transient unit in a
 * way that it misreads itself after a daemon-reload.
 */
const CRASH = `
set -eu
unit=$1 drop_ins=$2 restore=$3 seconds=$4 script=$5
systemctl stop "$restore.timer" 2>/dev/null || :
systemctl reset-failed "$restore.service" "$restore.timer" 2>/dev/null || :
mkdir -p "$drop_ins"
printf '%s' "$script" >"$drop_ins/restore.sh"
systemd-run --quiet --unit="$restore" --on-active="$seconds" --timer-property=AccuracySec=100ms \\
  /bin/sh "$drop_ins/restore.sh" "$unit" "$drop_ins"
printf '[Service]\\nRestart=no\\n' >"$drop_ins/crash.conf"
systemctl daemon-reload
systemctl kill --signal=KILL "$unit"
for _ in 1 2 3 4 5 6 7 8 9 10; do
  case $(systemctl is-active "$unit") in active | deactivating | activating) sleep 0.2 ;; *) exit 0 ;; esac
done
echo "$unit is still there after SIGKILL" >&2
exit 1
`;

const RECOVER = `
set -eu
unit=$1 drop_ins=$2 restore=$3
systemctl stop "$restore.timer" 2>/dev/null || :
systemctl reset-failed "$restore.service" "$restore.timer" 2>/dev/null || :
if [ -e "$drop_ins/restore.sh" ]; then
  rm -rf "$drop_ins"
  systemctl daemon-reload
fi
systemctl reset-failed "$unit" 2>/dev/null || :
systemctl start "$unit"
`;

export async function crashUnit(host: Host, layout: CrashLayout, restoreAfterSec: number): Promise<void> {
  const { unit, runtimeDropIns, restoreUnit } = layout;
  const argv = [
    'sh',
    '-c',
    CRASH,
    'sh',
    unit,
    runtimeDropIns,
    restoreUnit,
    `${restoreAfterSec}s`,
    RESTORE,
  ] as const;
  await host.run(argv, { root: true, label: `killing ${unit}` });
}

export async function recoverUnit(host: Host, layout: CrashLayout): Promise<void> {
  const { unit, runtimeDropIns, restoreUnit } = layout;
  const argv = ['sh', '-c', RECOVER, 'sh', unit, runtimeDropIns, restoreUnit] as const;
  await host.run(argv, { root: true, label: `starting ${unit} again` });
}
