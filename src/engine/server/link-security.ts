// What the link to the peer is secured with, as its files say: at the start, and again at each reload.
import type { MessageAuthenticator } from '../replication/types.js';
import { FatalError } from './exit.js';
import { logLine } from './log.js';
import type { ReplicationOptions } from './options.js';
import type { ReplicationDriver } from './replication-driver.js';
import { readAuthenticators } from './secret.js';
import { readTlsMaterial, type TlsMaterial } from './tls-settings.js';

type SecurityOptions = Pick<ReplicationOptions, 'secretFile' | 'tls'>;

/** @throws FatalError when the file is none that can be trusted */
export function secretsOf({ secretFile }: SecurityOptions): MessageAuthenticator[] {
  return secretFile === undefined ? [] : readAuthenticators(secretFile);
}

/** @returns undefined when the link is in the clear. @throws FatalError when the files are no good */
export function linkTlsOf({ tls }: SecurityOptions): TlsMaterial | undefined {
  return tls === undefined ? undefined : readTlsMaterial(tls);
}

/** The present link stands, the next one has what the files say now. What is no good changes nothing, and the log says so. */
export function reloadLinkSecurity(
  options: SecurityOptions,
  driver: Pick<ReplicationDriver, 'changeSecrets' | 'changeTls'>,
): void {
  if (options.secretFile !== undefined) {
    reloading('the replication secret is not reloaded, the old one stays', () => {
      const secrets = secretsOf(options);
      driver.changeSecrets(secrets);
      logLine(
        `replication secret reloaded${secrets.length > 1 ? ', the one before it is accepted too' : ''}`,
      );
    });
  }
  const { tls } = options;
  if (tls !== undefined) {
    reloading("the link's certificates are not reloaded, the old ones stay", () => {
      driver.changeTls(readTlsMaterial(tls));
      logLine("the link's certificates reloaded");
    });
  }
}

function reloading(failure: string, reload: () => void): void {
  try {
    reload();
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    logLine(`${failure}: ${error.message}`);
  }
}
