// The command line: memcached's letters, its long names, repcached's -x and -X, and what is refused and how.
import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { nodeAckMode } from '../../../src/engine/server/ack-modes.js';
import { FatalError } from '../../../src/engine/server/exit.js';
import { FLAGS, flagName } from '../../../src/engine/server/flag-table.js';
import { helpText } from '../../../src/engine/server/help.js';
import { isLoopback } from '../../../src/engine/server/listen-addresses.js';
import { type Options, parseCommandLine } from '../../../src/engine/server/options.js';

const MIB = 1024 * 1024;

function optionsOf(...argv: string[]): Options {
  const command = parseCommandLine(argv);
  if (command.kind !== 'run') throw new Error(`not a run but ${command.kind}`);
  return command.options;
}

function refusal(...argv: string[]): string {
  try {
    parseCommandLine(argv);
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    expect(error.exitStatus).toBe(64);
    return error.message;
  }
  throw new Error(`${argv.join(' ')} was accepted`);
}

describe('defaults', () => {
  it('are those of memcached, with a thread for each core, up to four', () => {
    expect(optionsOf()).toEqual({
      listen: [{ host: '::', port: 11211 }],
      udpPort: 0,
      unixSocket: undefined,
      protocol: 'auto',
      authFile: undefined,
      sasl: false,
      tls: undefined,
      idleTimeoutSec: 0,
      allowFlush: true,
      allowShutdown: false,
      allowDumps: true,
      allowWatch: true,
      pidFile: undefined,
      memoryFile: undefined,
      daemon: false,
      coreDumps: false,
      lockMemory: false,
      notes: [],
      user: undefined,
      memoryBytes: 64 * MIB,
      maxItemBytes: MIB,
      growthFactor: 1.25,
      minItemSpaceBytes: 48,
      refuseWhenFull: false,
      threads: Math.min(4, availableParallelism()),
      maxConnections: 1024,
      verbose: false,
      replication: undefined,
    });
  });
});

describe('the forms of getopt', () => {
  it.each([
    [['-p', '2000']],
    [['-p2000']],
    [['-vp2000']],
    [['-Mvp', '2000']],
    [['--port=2000']],
    [['--port', '2000']],
    [['-p', '1', '-p', '2000']],
    [['-p', '2000', '--']],
  ])('%j sets the port', (argv) => {
    expect(optionsOf(...argv).listen).toEqual([{ host: '::', port: 2000 }]);
  });

  it('takes -h and -V wherever they stand', () => {
    expect(parseCommandLine(['-vh'])).toEqual({ kind: 'help' });
    expect(parseCommandLine(['--version'])).toEqual({ kind: 'version' });
  });

  it.each([
    [['-Q'], 'unknown flag -Q: see -h'],
    [['--nonsense=1'], 'unknown flag --nonsense: see -h'],
    [['-p'], '-p needs a value: <num>'],
    [['--disable-evictions=1'], '--disable-evictions takes no value'],
    [['11211'], 'unexpected argument "11211": every argument is a flag, see -h'],
  ])('%j is refused', (argv, message) => {
    expect(refusal(...argv)).toBe(message);
  });
});

describe('values', () => {
  it('reads sizes, factors and switches', () => {
    const options = optionsOf(
      '-m',
      '128',
      '-I',
      '512k',
      '-f',
      '1.07',
      '-n',
      '72',
      '-M',
      '-c',
      '9',
      '-u',
      'nobody',
      '-vv',
    );
    expect(options).toMatchObject({
      memoryBytes: 128 * MIB,
      maxItemBytes: 512 * 1024,
      growthFactor: 1.07,
      minItemSpaceBytes: 72,
      refuseWhenFull: true,
      maxConnections: 9,
      user: 'nobody',
      verbose: true,
    });
    expect(optionsOf('-I', '2048', '-t', '1', '-U', '0').maxItemBytes).toBe(2048);
    expect(optionsOf('-I', '128m', '-m', '256').maxItemBytes).toBe(128 * 1024 * 1024);
  });

  it.each([
    ['-p', '0'],
    ['-p', '65536'],
    ['-p', '-1'],
    ['-p', '11211x'],
    ['-m', '0'],
    ['-m', '1e3'],
    ['-c', '0'],
    ['-t', '65'],
    ['-U', '70000'],
    ['-a', '888'],
    ['-f', '1'],
    ['-f', 'NaN'],
    ['-n', '0'],
    ['-I', '512'],
    ['-I', '129m'],
    ['-I', '33m'],
    ['-I', '1g'],
    ['-l', '127.0.0.1:0'],
    ['-l', 'a b'],
    ['-l', ''],
  ])('%s %s is refused by name', (flag, value) => {
    expect(refusal(flag, value)).toMatch(new RegExp(`^${flag} ${value}: must be `));
  });

  it('takes several addresses, with ports and IPv6', () => {
    const listen = optionsOf(
      '-p',
      '2000',
      '-l',
      '127.0.0.1,10.0.0.1:3000',
      '-l',
      '::1',
      '-l',
      '[::1]:4000',
    ).listen;
    expect(listen).toEqual([
      { host: '127.0.0.1', port: 2000 },
      { host: '10.0.0.1', port: 3000 },
      { host: '::1', port: 2000 },
      { host: '::1', port: 4000 },
    ]);
  });
});

describe('flags that do not work yet', () => {
  const notYet = FLAGS.filter((flag) => flag.instead !== undefined);

  it.each(notYet.map((flag) => [flagName(flag), flag] as const))(
    '%s is known, and refused with a remedy',
    (name, flag) => {
      const argv = flag.value === undefined ? [name] : [name, 'x'];
      expect(refusal(...argv)).toBe(`${name} (${flag.help}) does not work in this version: ${flag.instead}`);
    },
  );
});

describe('replication', () => {
  it.each([
    ['64k', 65_536],
    ['100000', 100_000],
    ['20M', 20_971_520],
    ['1g', 1_073_741_824],
  ])('takes --repl-sync-rate %s', (text, bytesPerSec) => {
    const options = optionsOf('-x', '127.0.0.1', '--repl-sync-rate', text);
    expect(options.replication?.syncBytesPerSec).toBe(bytesPerSec);
  });

  it.each(['0', '63k', '-1', '1t', 'fast'])('refuses --repl-sync-rate %s', (text) => {
    expect(() => optionsOf('-x', '127.0.0.1', '--repl-sync-rate', text)).toThrow(/--repl-sync-rate/);
  });

  it('is on with -x or -X, and on loopback needs no secret', () => {
    expect(optionsOf('-x', '127.0.0.1').replication).toEqual({
      protocol: 'own',
      listen: { host: '127.0.0.1', port: 11212 },
      peer: { host: '127.0.0.1', port: 11212 },
      secretFile: undefined,
      pairId: '',
      readyTimeoutMs: 10_000,
      syncBytesPerSec: Number.POSITIVE_INFINITY,
      ack: 'none',
      localKeys: [],
      flush: 'replicate',
    });
    expect(optionsOf('-X', '16000').replication).toMatchObject({
      listen: { host: '127.0.0.1', port: 16000 },
      peer: undefined,
    });
  });

  it('takes both ports from -X', () => {
    const replication = optionsOf('-x', '::1', '-X', '16001:16002').replication;
    expect(replication?.listen.port).toBe(16001);
    expect(replication?.peer).toEqual({ host: '::1', port: 16002 });
  });

  it('takes patterns of keys that stay local, as many as are given', () => {
    const { replication } = optionsOf('-X', '1', '--repl-exclude', 'lock.*', '--repl-exclude=*.lock');
    expect(replication?.localKeys).toEqual(['lock.*', '*.lock']);
  });

  describe('ack[...] in front of an address', () => {
    const modeOf = (...argv: string[]): string => nodeAckMode(optionsOf('-X', '1', ...argv));

    it('is for that address alone, with other prefixes in any order', () => {
      const { listen } = optionsOf(
        '-X',
        '1',
        '-l',
        'ack[peer]:127.0.0.1:1,proto[ascii]:ack[none]:notls:[::1]:2',
        '-l',
        '127.0.0.1:3',
      );
      expect(listen).toEqual([
        { host: '127.0.0.1', port: 1, ack: 'peer' },
        { host: '::1', port: 2, ack: 'none', protocol: 'ascii', isPlain: true },
        { host: '127.0.0.1', port: 3 },
      ]);
    });

    it('makes the mode of the node mixed where addresses differ', () => {
      expect(modeOf('-l', '127.0.0.1:1,ack[peer]:127.0.0.1:2')).toBe('mixed');
      expect(modeOf('--repl-ack', 'peer', '-l', '127.0.0.1:1,ack[none]:127.0.0.1:2')).toBe('mixed');
      expect(modeOf('--repl-ack', 'peer', '-l', '127.0.0.1:1,ack[peer]:127.0.0.1:2')).toBe('peer');
      expect(modeOf('-l', 'ack[peer]:127.0.0.1:1,ack[peer]:127.0.0.1:2')).toBe('peer');
      expect(modeOf('--repl-ack', 'peer', '-l', 'ack[none]:127.0.0.1:1')).toBe('none');
      expect(modeOf('--repl-ack', 'strict', '-l', '127.0.0.1:1,127.0.0.1:2')).toBe('strict');
      expect(modeOf('--repl-ack', 'peer', '-s', '/run/socket', '-l', 'ack[none]:127.0.0.1:1')).toBe('peer');
    });

    it('is refused where it can not be had, with what to do', () => {
      const given = ['-l', 'ack[peer]:127.0.0.1:1'];
      expect(refusal(...given)).toBe('-l ack[peer]: needs replication to be on, with -x or -X');
      expect(refusal('-X', '1', '--repl-protocol', 'legacy', ...given)).toBe(
        '-l ack[peer]: the legacy protocol has no acknowledgement, so leave it out',
      );
      expect(refusal('-X', '1', '--repl-ack', 'strict', '-l', '127.0.0.1:2,ack[none]:127.0.0.1:1')).toBe(
        '-l ack[none] with --repl-ack strict, which refuses writes on all addresses: leave one of them out, or choose --repl-ack peer',
      );
      expect(refusal('-X', '1', '-l', 'ack[strict]:127.0.0.1:1')).toBe(
        '-l ack[strict]:127.0.0.1:1: strict is for the whole node, as in --repl-ack strict; here none or peer',
      );
      expect(refusal('-X', '1', '-l', 'ack[both]:127.0.0.1:1')).toBe(
        '-l ack[both]:127.0.0.1:1: ack[...] must be none or peer',
      );
      expect(refusal('-X', '1', '-l', 'ack[peer]127.0.0.1')).toContain('must be ADDR, ADDR:PORT');
    });
  });

  it.each(['none', 'peer', 'strict'])('takes --repl-ack %s', (ack) => {
    expect(optionsOf('-X', '1', '--repl-ack', ack).replication?.ack).toBe(ack);
  });

  it('answers writes at once unless told otherwise, and knows no other modes', () => {
    expect(optionsOf('-X', '1').replication?.ack).toBe('none');
    expect(refusal('-X', '1', '--repl-ack', 'both')).toBe('--repl-ack both: must be none, peer or strict');
    expect(refusal('--repl-ack', 'peer')).toContain('--repl-ack: needs replication to be on');
  });

  it('speaks its own protocol unless told otherwise, and knows one other', () => {
    expect(optionsOf('-X', '1').replication?.protocol).toBe('own');
    expect(optionsOf('-X', '1', '--repl-protocol', 'legacy').replication?.protocol).toBe('legacy');
    expect(refusal('-X', '1', '--repl-protocol', 'both')).toBe('--repl-protocol both: must be own or legacy');
  });

  it('speaks the legacy protocol off loopback only if told that nothing is proven', () => {
    const legacy = ['-x', 'b.example', '--repl-protocol', 'legacy'];
    expect(refusal(...legacy)).toContain(
      'by the legacy protocol, which has no secrets, needs --repl-insecure',
    );
    expect(refusal(...legacy, '--repl-secret-file', 'f')).toContain(
      '--repl-secret-file: the legacy protocol',
    );
    expect(refusal(...legacy, '--repl-insecure', '--repl-ack', 'peer')).toContain('--repl-ack: the legacy');
    const options = optionsOf(...legacy, '--repl-insecure', '--repl-secret-file', 'f', '--repl-pair', 'p');
    // For the day when the peer speaks our own.
    expect(options.replication).toMatchObject({ secretFile: 'f', pairId: 'p' });
  });

  it('refuses flush_all with -F or --repl-flush refuse', () => {
    expect(optionsOf('-X', '1').allowFlush).toBe(true);
    expect(optionsOf('-X', '1', '--repl-flush', 'local')).toMatchObject({
      allowFlush: true,
      replication: { flush: 'local' },
    });
    expect(optionsOf('-X', '1', '--repl-flush', 'refuse').allowFlush).toBe(false);
    expect(optionsOf('-X', '1', '-F', '--repl-flush', 'local').allowFlush).toBe(false);
  });

  it.each([
    { given: ['-x', 'b.example'], listen: '::' },
    { given: ['-x', 'b.example', '-l', '127.0.0.1,10.0.0.1'], listen: '10.0.0.1' },
    { given: ['-x', '127.0.0.1', '-l', '10.0.0.1,127.0.0.1'], listen: '127.0.0.1' },
    { given: ['-X', '16000'], listen: '::' },
    { given: ['-x', 'b.example', '--repl-listen', '10.9.9.9', '-l', '10.0.0.1'], listen: '10.9.9.9' },
  ])('$given awaits the peer on $listen', ({ given, listen }) => {
    expect(optionsOf(...given, '--repl-secret-file', '/s').replication?.listen.host).toBe(listen);
  });

  it.each([
    [['-x', '192.168.37.27'], '192.168.37.27'],
    [['-x', '127.0.0.1', '--repl-listen', '0.0.0.0'], '0.0.0.0'],
    [['-x', '127.0.0.1', '-l', '10.0.0.1'], '10.0.0.1'],
  ])('%j is refused without a secret', (argv, host) => {
    expect(refusal(...argv)).toContain(`replication off loopback (${host}) needs --repl-secret-file FILE`);
    expect(optionsOf(...argv, '--repl-insecure').replication?.secretFile).toBeUndefined();
    expect(optionsOf(...argv, '--repl-secret-file', '/s').replication?.secretFile).toBe('/s');
  });

  it('is in TLS with --repl-tls and its files, wherever the secret is still wanted', () => {
    const files = ['--repl-tls-cert', '/c', '--repl-tls-ca', '/a'];
    expect(optionsOf('-X', '1', '--repl-tls', ...files).replication?.tls).toMatchObject({
      certificateFile: '/c',
      authoritiesFile: '/a',
      keyFile: undefined,
      clientCertificates: 'require',
      minVersion: '1.3',
    });
    expect(optionsOf('-X', '1').replication?.tls).toBeUndefined();
    expect(refusal('-x', '192.168.37.27', '--repl-tls', ...files)).toContain('needs --repl-secret-file');
  });

  it.each([
    [['-X', '1', '--repl-tls'], '--repl-tls: needs a certificate for this node, --repl-tls-cert FILE'],
    [['-X', '1', '--repl-tls', '--repl-tls-cert', '/c'], 'and the authority of both, --repl-tls-ca FILE'],
    [
      ['-X', '1', '--repl-tls-cert', '/c'],
      '--repl-tls-cert, --repl-tls-key and --repl-tls-ca: need --repl-tls',
    ],
    [['--repl-tls'], '--repl-tls: needs replication to be on, with -x or -X'],
    [['-X', '0'], '-X 0: must be LISTEN or LISTEN:CONNECT'],
    [['-X', '16000:'], '-X 16000:: must be'],
    [['-X', '1:70000'], '-X 1:70000: must be'],
    [['-x', ''], '-x: needs the host name or address of the peer'],
    [['--repl-pair', 'abc'], '--repl-pair: needs replication to be on, with -x or -X'],
    [['-X', '1', '--repl-ready-timeout', 'soon'], '--repl-ready-timeout soon: must be seconds'],
    [['-X', '1', '--repl-exclude', '*'], '--repl-exclude: "*" matches every key'],
    [['-X', '1', '--repl-exclude', ''], '--repl-exclude: a pattern has 1 to 250 bytes'],
    [['--repl-exclude', 'lock.*'], '--repl-exclude: needs replication to be on, with -x or -X'],
    [['-X', '1', '--repl-flush', 'never'], '--repl-flush never: must be replicate, local, refuse'],
  ])('%j is refused', (argv, message) => {
    expect(refusal(...argv)).toContain(message);
  });

  it('knows loopback when it sees it', () => {
    expect(['localhost', '127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'].every(isLoopback)).toBe(true);
    expect(['127.0.0.1.example.org', '0.0.0.0', '::', '10.0.0.1', '1270.0.0.1'].some(isLoopback)).toBe(false);
  });
});

describe('-h', () => {
  it('lists every flag, within 100 columns', () => {
    const help = helpText('1.2.3');
    for (const flag of FLAGS) {
      expect(help).toContain(flag.letter === undefined ? `--${flag.long}` : `-${flag.letter}`);
    }
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it('has each letter and each name once', () => {
    const names = FLAGS.flatMap((flag) => [flag.letter, flag.long].filter((name) => name !== undefined));
    expect(new Set(names).size).toBe(names.length);
  });
});
