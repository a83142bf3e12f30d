// Which TCP ports somebody listens on, as the kernel tells in /proc/net/tcp (proc_net_tcp.txt of its documentation).
import { readFileSync } from 'node:fs';

/** Of a line: "sl: local address:port remote address:port state", all in hex; 0A is LISTEN. */
const LISTENING = '[0-9A-F]+:0000 0A ';

/** Whether any program of this network namespace listens on the port, on whatever address; true if it can't be told. */
export function isListenedOn(port: number): boolean {
  const portHex = port.toString(16).toUpperCase().padStart(4, '0');
  const line = new RegExp(`^ *\\d+: [0-9A-F]+:${portHex} ${LISTENING}`, 'm');
  return TABLES.some((path) => {
    const table = readTable(path);
    return table === undefined || line.test(table);
  });
}

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];

/** Empty where there is no such protocol, as without IPv6; undefined if the table is there and can't be read. */
function readTable(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' && path !== TABLES[0] ? '' : undefined;
  }
}
