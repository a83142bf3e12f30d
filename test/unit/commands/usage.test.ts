// What the binary says to those who ask for help, mistype, or stand in the wrong folder; and with which exit status.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLI_IS_BUILT, CliFolder } from './run-cli.js';

const VERBS = [
  'build',
  'deploy',
  'destroy',
  'failover-drill',
  'logs',
  'migrate',
  'restart',
  'start',
  'status',
  'stop',
  'verify',
];

// `npm test` builds the CLI first.
describe.skipIf(!CLI_IS_BUILT)('repcachectl', () => {
  let cli: CliFolder;
  beforeAll(async () => {
    cli = await CliFolder.make();
  });
  afterAll(() => cli.remove());

  it('lists its verbs', async () => {
    const { stdout, exitCode } = await cli.run('--help');
    expect(exitCode).toBe(0);
    for (const verb of VERBS) expect(stdout).toMatch(new RegExp(`^  ${verb} `, 'm'));
  });

  it.each(VERBS)('%s explains itself with examples, and takes --json', async (verb) => {
    const { stdout, exitCode } = await cli.run(verb, '--help');
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`$ repcachectl ${verb}`);
    expect(stdout).toMatch(/^EXAMPLES$/m);
    expect(stdout).toContain('--json');
  });

  it.each([
    ['an unknown verb', ['stauts'], 2, /no command "stauts"[\s\S]*repcachectl status/],
    ['an unknown flag', ['status', '--locl'], 2, /--locl[\s\S]*did you mean --local\?/],
    ['a word for a number', ['deploy', '--port', 'high'], 2, /--port: Expected an integer/],
    ['a number out of range', ['deploy', '--port', '70000'], 2, /--port: .*65535/],
    [
      'one port for clients and replication',
      ['deploy', '--a', 'one', '--b', 'two', '--port', '16000'],
      2,
      /one port, 16000, .*clients and .*replication[\s\S]*--replication-port/,
    ],
    ['too many connections', ['deploy', '--connections', '1000001'], 2, /--connections: .*1000000/],
    [
      'a flag of a verb of two words',
      ['build', 'legacy', '--sha256', 'x'],
      2,
      /repcachectl build legacy --help/,
    ],
    [
      'a folder for a file',
      ['status', '--config', '.'],
      3,
      /Error: \. could not be read[\s\S]*Try: .*--config/,
    ],
    ['an argument too many', ['status', 'now'], 2, /status takes no argument "now"/],
    ['one host only', ['deploy', '--a', 'one'], 2, /--b is missing/],
    ['hosts for a local pair', ['verify', '--local', '--a', 'one'], 2, /--local/],
    ...[
      ['--user', 'x'],
      ['--ssh-port', '22'],
      ['--identity', 'x'],
      ['--accept-new-host-keys'],
      ['--ask-sudo-password'],
    ].map((flag): [string, string[], number, RegExp] => [
      `${flag[0]} for a local pair`,
      ['status', '--local', ...flag],
      2,
      new RegExp(`Error: ${flag[0]} is for hosts, not for --local`),
    ]),
    [
      'an address for a local pair',
      ['deploy', '--local', '--address-b', '192.0.2.1', '--dry-run'],
      2,
      /--address-b is for hosts, not for --local/,
    ],
    [
      'one port for clients and replication of a local pair',
      ['deploy', '--local', '--port', '4000', '--replication-port', '4000', '--dry-run'],
      2,
      /one port, 4000, .*clients and .*replication/,
    ],
    ['a host that is none', ['deploy', '--a', '-x', '--b', 'two'], 2, /Error/],
    ['a migration to nowhere', ['migrate'], 2, /--to|--back/],
    [
      'a build to copy of an engine that is not built',
      ['deploy', '--a', 'one', '--b', 'two', '--copy-build'],
      2,
      /--copy-build is for --engine legacy/,
    ],
    ['no pair', ['status'], 3, /no repcache\.yaml here/],
    ['no local pair', ['verify', '--local'], 3, /no local pair[\s\S]*deploy --local/],
    ['a file that is not there', ['status', '--config', 'nowhere.yaml'], 3, /nowhere\.yaml: no such file/],
    ['nobody to ask about a stop', ['stop', '--a', 'one', '--b', 'two'], 2, /clients find none[\s\S]*--yes/],
    ['nobody to ask', ['destroy', '--a', 'one', '--b', 'two'], 2, /no terminal[\s\S]*--yes/],
    [
      'a host that nobody knows',
      ['deploy', '--a', 'one.invalid', '--b', 'two.invalid'],
      4,
      /one\.invalid[\s\S]*two\.invalid[\s\S]*Caused by: .*one\.invalid[\s\S]*Caused by: .*two\.invalid/,
    ],
  ])('%s: one message, a remedy, no stack', async (_, args, exit, message) => {
    const { stdout, stderr, exitCode } = await cli.run(...args);
    expect(stderr).toMatch(message);
    expect(stderr.match(/^Error:/gm)).toHaveLength(1);
    expect(stderr).toMatch(/^Try/m);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(exitCode).toBe(exit);
    expect(stdout).not.toContain('Error');
  });

  it('says all that is wrong with repcache.yaml, and where', async () => {
    const file = join(cli.path, 'typo.yaml');
    await writeFile(file, 'version: 1\nmemoryMB: 64\nnodes:\n  a: { host: one }\n  b: { hots: two }\n');
    const { stderr, exitCode } = await cli.run('status', '--config', 'typo.yaml');
    expect(exitCode).toBe(3);
    expect(stderr).toContain('typo.yaml:2:1: unknown key "memoryMB"; did you mean "memoryMb"?');
    expect(stderr).toContain('typo.yaml:5:8: unknown key "hots"; did you mean "host"?');
  });

  it.each([
    ['a flag', ['deploy', '--port', 'high', '--json'], 'USAGE', 2],
    ['a verb', ['stauts', '--json'], 'USAGE', 2],
    ['the pair', ['status', '--json'], 'NO_PAIR', 3],
    ['a confirmation', ['failover-drill', '--local', '--json'], 'NO_PAIR', 3],
  ])('in JSON, of %s: nothing else on stdout', async (_, args, code, exit) => {
    const { stdout, stderr, exitCode } = await cli.run(...args);
    const { error } = JSON.parse(stdout) as { error: Record<string, unknown> };
    expect(error).toEqual({ code, message: expect.any(String), suggestions: expect.any(Array), exit });
    expect(stderr).toBe('');
    expect(exitCode).toBe(exit);
  });
});
