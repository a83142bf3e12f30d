// `user@host:port`, as people write an SSH destination.
import { OperatorError } from '../../errors.js';

export interface SshTarget {
  readonly host: string;
  readonly user?: string;
  readonly sshPort?: number;
}

/**
 * Takes `[user@]host[:port]` apart. An IPv6 address with a port stands in brackets: `[fe80::1]:22`.
 * @throws OperatorError `TARGET_INVALID` (exit usage)
 */
export function parseTarget(text: string): SshTarget {
  const at = text.lastIndexOf('@');
  const user = at === -1 ? undefined : text.slice(0, at);
  const rest = text.slice(at + 1);
  const match =
    /^\[(?<host>[^\]]+)\](?::(?<port>\d+))?$/.exec(rest) ??
    /^(?<host>[^:]+)(?::(?<port>\d+))?$/.exec(rest) ??
    /^(?<host>[0-9a-fA-F:.]+(?:%\w+)?)$/.exec(rest);
  const host = match?.groups?.host;
  const port = match?.groups?.port === undefined ? undefined : Number(match.groups.port);
  // A leading dash would be read as an option by any program the name is handed to.
  const broken = !host || /\s/.test(text) || text.startsWith('-') || host.startsWith('-') || user === '';
  if (broken || (port !== undefined && (port < 1 || port > 65535))) {
    throw new OperatorError(`"${text}" is not a host`, {
      code: 'TARGET_INVALID',
      exit: 'usage',
      suggestions: ['write it as host, user@host, host:port or user@host:port; IPv6 as [address]:port'],
    });
  }
  return { host, ...(user !== undefined && { user }), ...(port !== undefined && { sshPort: port }) };
}
