// Where a systemd host keeps what, for one node and for all nodes on it.

export const USER = 'repcached';
export const PROGRAM_FOLDER = '/opt/repcached';
export const RELEASES_FOLDER = `${PROGRAM_FOLDER}/releases`;
export const CURRENT_LINK = `${PROGRAM_FOLDER}/current`;
export const SETTINGS_FOLDER = '/etc/repcached';
/** Holds what nodes keep while they are down. */
export const MEMORY_FOLDER = '/var/lib/repcached';
/** systemd's own, for all instances of the template. */
export const SLICE = 'system-repcached.slice';
export const UNIT_FILE = '/etc/systemd/system/repcached@.service';
/** Applies to all nodes of the host. */
export const UNIT_DROP_INS = '/etc/systemd/system/repcached@.service.d';

/** Names of one node on its host, by its client port. */
export interface NodeLayout {
  readonly unit: string;
  readonly environmentFile: string;
  readonly secretFile: string;
  /** The items of a node that was stopped in good order; there only while it is down. */
  readonly memoryFile: string;
  /** Settings of this one node's unit that a file of variables can't carry. */
  readonly dropIns: string;
  /** Gone after a reboot; holds what keeps a crashed node down. */
  readonly runtimeDropIns: string;
  /** Name, without suffix, of the timer that brings a crashed node back. */
  readonly restoreUnit: string;
}

export function nodeLayout(port: number): NodeLayout {
  const unit = `repcached@${port}.service`;
  return {
    unit,
    environmentFile: `${SETTINGS_FOLDER}/${port}.env`,
    secretFile: `${SETTINGS_FOLDER}/${port}.secret`,
    memoryFile: `${MEMORY_FOLDER}/${port}.memory`,
    dropIns: `/etc/systemd/system/${unit}.d`,
    runtimeDropIns: `/run/systemd/system/${unit}.d`,
    restoreUnit: `repcached-restore-${port}`,
  };
}
