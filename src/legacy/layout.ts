// Where a host keeps the C program repcached: the recipe's own prefix, and what repcachectl puts around it.

/** As in the recipe that everybody followed; a program that was built there by hand is found here. */
export const PREFIX = '/usr/local/repcached';
export const PROGRAM = `${PREFIX}/bin/memcached`;
/** Says that repcachectl built what is under the prefix, or copied it there, and from what. */
export const BUILD_RECORD = `${PREFIX}/.repcachectl-build`;
/** What the last build or copy said, whole; stays when it failed. */
export const BUILD_LOG = '/var/log/repcached-legacy-build.log';

export const LEGACY_USER = 'repcached-legacy';
export const LEGACY_SETTINGS = '/etc/repcached-legacy';
export const LEGACY_UNIT_FILE = '/etc/systemd/system/repcached-legacy@.service';
/** systemd's own, for all instances of the template; it escapes the dash. */
export const LEGACY_SLICE = 'system-repcached\\x2dlegacy.slice';

export interface LegacyLayout {
  readonly unit: string;
  readonly environmentFile: string;
  readonly dropIns: string;
  /** Gone after a reboot; holds what keeps a crashed node down. */
  readonly runtimeDropIns: string;
  readonly restoreUnit: string;
  /** Rules that let only the peer reach the replication port. */
  readonly nftFile: string;
}

/** Names of one node on its host, by its client port. */
export function legacyLayout(port: number): LegacyLayout {
  const unit = `repcached-legacy@${port}.service`;
  return {
    unit,
    environmentFile: `${LEGACY_SETTINGS}/${port}.env`,
    dropIns: `/etc/systemd/system/${unit}.d`,
    runtimeDropIns: `/run/systemd/system/${unit}.d`,
    restoreUnit: `repcached-legacy-restore-${port}`,
    nftFile: `${LEGACY_SETTINGS}/${port}.nft`,
  };
}
