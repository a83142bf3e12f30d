// The configuration file of the distribution's memcached: shell variables (Red Hat) or one option a line (Debian).

/** The first that is there is the one that the service reads. */
export const STOCK_CONFIG_FILES = ['/etc/sysconfig/memcached', '/etc/memcached.conf'] as const;

export interface StockSettings {
  readonly port: number;
  readonly memoryMb: number;
  readonly connections: number;
  /** Addresses on which clients are served. */
  readonly listenAddresses: readonly string[];
}

/** The text with our settings in it; what it says beyond them, comments too, stays. */
export function stockConfig(
  path: (typeof STOCK_CONFIG_FILES)[number],
  text: string,
  settings: StockSettings,
): string {
  return path === '/etc/memcached.conf' ? debianConfig(text, settings) : sysconfig(text, settings);
}

/** memcached.service starts `memcached -p ${PORT} -u ${USER} -m ${CACHESIZE} -c ${MAXCONN} $OPTIONS`. */
function sysconfig(text: string, { port, memoryMb, connections, listenAddresses }: StockSettings): string {
  const user = /^USER="?([^"\n]*)"?/m.exec(text)?.[1] || 'memcached';
  const values: [string, string][] = [
    ['PORT', String(port)],
    ['USER', user],
    ['MAXCONN', String(connections)],
    ['CACHESIZE', String(memoryMb)],
    ['OPTIONS', `-U 0 -l ${listenAddresses.join(',')}`],
  ];
  return values.reduce((lines, [name, value]) => {
    const line = `${name}="${value}"`;
    const existing = new RegExp(`^${name}=.*$`, 'm');
    return existing.test(lines) ? lines.replace(existing, () => line) : `${withNewline(lines)}${line}\n`;
  }, text);
}

/** Each option stands once; a repeated -l would listen there as well. */
function debianConfig(text: string, { port, memoryMb, connections, listenAddresses }: StockSettings): string {
  const values: [string, string][] = [
    ['-m', String(memoryMb)],
    ['-p', String(port)],
    ['-c', String(connections)],
    ['-U', '0'],
    ['-l', listenAddresses.join(',')],
  ];
  const pending = new Map(values);
  const lines = text.split('\n').flatMap((line) => {
    const option = /^\s*(-[A-Za-z])\b/.exec(line)?.[1];
    if (option === undefined || !values.some(([name]) => name === option)) return [line];
    const value = pending.get(option);
    pending.delete(option);
    return value === undefined ? [] : [`${option} ${value}`];
  });
  const added = [...pending].map(([option, value]) => `${option} ${value}\n`).join('');
  return withNewline(lines.join('\n')) + added;
}

function withNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
