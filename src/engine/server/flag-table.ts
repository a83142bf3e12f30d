// Every flag of the engine: memcached's letters and long names, repcached's -x and -X, and ours. -h prints it.

export interface Flag {
  readonly letter?: string;
  readonly long?: string;
  /** Placeholder of the flag's value in -h; a flag without one takes no value. */
  readonly value?: string;
  readonly help: string;
  /** Set when this version knows the flag but can't do it: what to do instead. */
  readonly instead?: string;
  /** Set when the flag is taken and changes nothing: why. */
  readonly ignored?: string;
}

const LEAVE_OUT = 'leave it out';

export const FLAGS: readonly Flag[] = [
  { letter: 'p', long: 'port', value: 'num', help: 'TCP port for clients (default: 11211)' },
  {
    letter: 'l',
    long: 'listen',
    value: 'addr',
    help: 'address for clients, several with commas or by repeating it, each as ADDR, ADDR:PORT or [IPV6]:PORT, with ack[none]: or ack[peer]: in front if --repl-ack is to differ there (default: all interfaces)',
  },
  {
    letter: 'U',
    long: 'udp-port',
    value: 'num',
    help: 'UDP port for clients on the addresses of -l (default: 0, off); off loopback only with --udp-insecure',
  },
  {
    long: 'udp-insecure',
    help: 'serve UDP off loopback: whoever can fake an address can aim the answers at others',
  },
  {
    letter: 's',
    long: 'unix-socket',
    value: 'file',
    help: 'listen on this unix socket, and on no network; a stale one is replaced',
  },
  {
    letter: 'a',
    long: 'unix-mask',
    value: 'mask',
    help: 'permission bits of the unix socket, in octal (default: 700)',
  },
  {
    letter: 'u',
    long: 'user',
    value: 'user',
    help: 'become this user before serving anyone; needed when started as root',
  },
  {
    letter: 'm',
    long: 'memory-limit',
    value: 'num',
    help: 'memory for items and index, in MB (default: 64)',
  },
  {
    letter: 'M',
    long: 'disable-evictions',
    help: 'answer with an error when memory is full, evict nothing',
  },
  {
    letter: 'c',
    long: 'conn-limit',
    value: 'num',
    help: 'most client connections at a time (default: 1024)',
  },
  {
    letter: 't',
    long: 'threads',
    value: 'num',
    help: 'threads that serve clients, 64 at most (default: auto, one a core but 4 at most)',
  },
  {
    letter: 'f',
    long: 'slab-growth-factor',
    value: 'num',
    help: 'growth of chunk sizes from class to class (default: 1.25)',
  },
  { letter: 'n', long: 'slab-min-size', value: 'bytes', help: 'least space for key and value (default: 48)' },
  {
    letter: 'I',
    long: 'max-item-size',
    value: 'num',
    help: 'largest item, with suffix k or m: 1k to 128m (default: 1m)',
  },
  {
    letter: 'B',
    long: 'protocol',
    value: 'name',
    help: 'what clients may speak: ascii, binary or auto, which goes by the first byte (default: auto)',
  },
  {
    letter: 'Y',
    long: 'auth-file',
    value: 'file',
    help: 'clients must log in: a private file with a line user:password for each; turns the binary protocol off unless -S is given',
  },
  { letter: 'S', long: 'enable-sasl', help: 'binary clients log in by SASL PLAIN, as the users of -Y' },
  { letter: 'F', long: 'disable-flush-all', help: 'refuse flush_all' },
  { letter: 'A', long: 'enable-shutdown', help: 'let clients stop the node with the shutdown command' },
  { long: 'disable-dumping', help: 'refuse to list keys (lru_crawler metadump and mgdump, stats cachedump)' },
  { letter: 'W', long: 'disable-watch', help: 'refuse watchers' },
  {
    letter: 'e',
    long: 'memory-file',
    value: 'file',
    help: 'keep the items here over a restart: written when the node stops, read when it starts; a file that is damaged is refused and the node starts empty',
  },
  {
    letter: 'd',
    long: 'daemon',
    help: 'go to the background once clients are served; nobody hears the log then, so let systemd run the node instead',
  },
  {
    letter: 'P',
    long: 'pidfile',
    value: 'file',
    help: 'write the process id here, and remove the file at the end',
  },
  { letter: 'r', long: 'enable-coredumps', help: 'raise the limit of core files as far as it goes' },
  {
    letter: 'k',
    long: 'lock-memory',
    help: 'keep all memory from being swapped, as it is taken; needs CAP_IPC_LOCK or LimitMEMLOCK=',
  },
  {
    letter: 'Z',
    long: 'enable-ssl',
    help: 'TLS for clients, but for addresses with notls: in front; set up by -o ssl_...',
  },
  {
    letter: 'o',
    long: 'extended',
    value: 'list',
    help: 'extended options, with commas; they are listed below',
  },
  { letter: 'v', long: 'verbose', help: 'log connections as well; -vv and -vvv say no more than -v' },
  { letter: 'h', long: 'help', help: 'print this help and exit' },
  { letter: 'V', long: 'version', help: 'print the version and exit' },
  {
    letter: 'x',
    value: 'peer',
    help: "replicate with this peer: its host name or address (IPv6 without brackets); without -x the node only awaits a peer's call",
  },
  {
    letter: 'X',
    value: 'num[:num]',
    help: "replication port to listen on, and, after a colon, the peer's if it differs (default: 11212). -x or -X turns replication on",
  },
  {
    long: 'repl-listen',
    value: 'addr',
    help: 'address on which the peer is awaited (default: the first -l that the peer can reach; loopback for a peer on loopback)',
  },
  {
    long: 'repl-secret-file',
    value: 'file',
    help: 'file with the secret that both nodes must prove to share; 16 bytes or more, readable by this user only. While it is being changed, the new one and, in a second line, the one before it. Read again on SIGHUP',
  },
  {
    long: 'repl-tls',
    help: 'the link to the peer is in TLS 1.3; both nodes show a certificate. The files are read again on SIGHUP',
  },
  {
    long: 'repl-tls-cert',
    value: 'file',
    help: "certificate of this node and its chain, PEM; it must name the address that the peer's -x has",
  },
  {
    long: 'repl-tls-key',
    value: 'file',
    help: 'its private key, PEM (default: in the file of the certificate)',
  },
  { long: 'repl-tls-ca', value: 'file', help: "authority that the peer's certificate must be of, PEM" },
  {
    long: 'repl-insecure',
    help: 'replicate off loopback without a secret: whoever reaches the port can read and write everything',
  },
  {
    long: 'repl-protocol',
    value: 'name',
    help: 'what to speak with the peer: own, or legacy with one that runs the C program repcached (default: own)',
  },
  { long: 'repl-pair', value: 'id', help: 'name of the pair; nodes with different names refuse each other' },
  {
    long: 'repl-ack',
    value: 'mode',
    help: 'when a write is answered: none, at once; peer, once the peer has it, or at once while no peer is in sync; strict, once the peer has it, and without one writes are refused (default: none)',
  },
  {
    long: 'repl-sync-rate',
    value: 'bytes',
    help: 'bytes a second that a full copy or a digest sync may send to the peer, with k, m or g; changes are not held back (default: no limit)',
  },
  {
    long: 'repl-ready-timeout',
    value: 'sec',
    help: "longest wait for the peer's data before clients are served (default: 10; a copy that makes progress is waited for)",
  },
  {
    long: 'repl-exclude',
    value: 'pattern',
    help: 'keys that stay on this node, with * for any characters, such as lock.* or *.lock; may be repeated. Give both nodes the same',
  },
  {
    long: 'repl-flush',
    value: 'policy',
    help: "what a client's flush_all empties: replicate (both nodes, the default), local (this node alone), refuse (none, as -F)",
  },

  {
    letter: 'b',
    long: 'listen-backlog',
    value: 'num',
    help: 'backlog of the listening sockets',
    ignored: 'it is always 512, or net.core.somaxconn if that is less',
  },
  {
    letter: 'R',
    long: 'max-reqs-per-event',
    value: 'num',
    help: 'requests a connection may make in a row',
    ignored: 'connections take turns by bytes: 64 KB of requests or 256 KB of replies each',
  },
  {
    letter: 'C',
    long: 'disable-cas',
    help: 'items without CAS',
    ignored: 'every item has a version anyway, and CAS shows it',
  },
  {
    letter: 'L',
    long: 'enable-largepages',
    help: 'large memory pages',
    ignored: 'the store has them wherever the kernel gives transparent huge pages',
  },

  { letter: 'i', long: 'license', help: 'print the license', instead: 'see the LICENSE file of the project' },
  { letter: 'D', value: 'char', help: 'statistics by key prefix', instead: LEAVE_OUT },
  {
    letter: 'N',
    long: 'napi_ids',
    value: 'num',
    help: 'threads by network queue',
    instead: LEAVE_OUT,
  },
];

/** How a flag is called in messages: by its letter if it has one. */
export function flagName(flag: Flag): string {
  return flag.letter === undefined ? `--${flag.long}` : `-${flag.letter}`;
}
