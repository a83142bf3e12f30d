// Who may reach the replication port when there is no secret: only this machine itself.

/** Whether an address to listen on can be reached from this machine alone. */
export function isLoopback(address: string): boolean {
  const plain = address.toLowerCase().replace(/^::ffff:/, '');
  return plain === 'localhost' || plain === '::1' || /^127(\.\d{1,3}){3}$/.test(plain);
}

/**
 * Why replication must not start like this, or null if it may. Whoever connects to the replication port without
 * having to prove a secret is handed the whole cache and may write to it.
 */
export function exposureRefusal(
  listenAddress: string,
  hasSecret: boolean,
  insistsInsecure: boolean,
): string | null {
  if (hasSecret || insistsInsecure || isLoopback(listenAddress)) return null;
  return (
    `replication on ${listenAddress} without a secret would give the cache to anyone who connects: ` +
    'use --repl-secret-file, or --repl-insecure if you must'
  );
}
