// The engine's versions: its own, put in its place when the executable is built, and the one that clients are told.
import packageJson from '../../package.json' with { type: 'json' };

export const VERSION: string = packageJson.version;

/**
 * What `version` and `stats` say. Clients draw conclusions from the number (whether touch and gat exist, which
 * errors to expect), so it begins with the memcached release whose behaviour this engine follows.
 */
export const CLIENT_VISIBLE_VERSION = `1.6.45-repcached-${VERSION}`;
