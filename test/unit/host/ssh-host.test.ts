// SshHost against a real sshd: logging in, host keys, commands, files, and every way in which they go wrong.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SshHost, type SshHostOptions } from '../../../src/host/ssh-host.js';
import { freePort } from '../../helpers/free-port.js';
import { processRuns } from '../../helpers/processes.js';
import {
  makeKey,
  makeSshClient,
  sshdMissing,
  startSshd,
  type TestSshClient,
  type TestSshd,
} from '../../helpers/sshd.js';

describe.skipIf(sshdMissing)(
  `SshHost${sshdMissing === undefined ? '' : ` (skipped: ${sshdMissing})`}`,
  () => {
    let sshd: TestSshd;
    const cleanups: (() => unknown)[] = [];

    beforeAll(async () => {
      sshd = await startSshd({ hostKeyTypes: ['ed25519', 'rsa'] });
    });
    afterAll(() => sshd.close());
    afterEach(async () => {
      while (cleanups.length > 0) await cleanups.pop()?.();
    });

    async function client(lines: readonly string[] = [], knownHosts?: string): Promise<TestSshClient> {
      const known = knownHosts ?? `[127.0.0.1]:${sshd.port} ${await sshd.hostKey('ed25519')}\n`;
      const made = await makeSshClient(lines, known);
      cleanups.push(made.close);
      return made;
    }

    async function connect(made: TestSshClient, options: Partial<SshHostOptions> = {}): Promise<SshHost> {
      const host = await SshHost.connect({
        name: 'a',
        target: '127.0.0.1',
        port: sshd.port,
        identityFile: sshd.clientKey,
        configFile: made.configFile,
        ...options,
      });
      cleanups.push(() => host.close());
      return host;
    }

    describe('logging in', () => {
      it('follows an alias: host name, port, user, key', async () => {
        const made = await client([
          'Host cache-a',
          'HostName 127.0.0.1',
          `Port ${sshd.port}`,
          `User ${sshd.user}`,
          `IdentityFile ${sshd.clientKey}`,
        ]);
        const host = await SshHost.connect({ name: 'a', target: 'cache-a', configFile: made.configFile });
        cleanups.push(() => host.close());
        expect(host.address).toBe('127.0.0.1');
        expect((await host.run(['id', '-un'])).stdout).toBe(`${sshd.user}\n`);
      });

      it('lets flags win over the configuration', async () => {
        const made = await client([
          'Host 127.0.0.1',
          'Port 1',
          'User nobody-here',
          'IdentityFile /nonexistent',
        ]);
        const host = await connect(made, { user: sshd.user });
        expect((await host.run(['echo', 'in'])).stdout).toBe('in\n');
      });

      it('says which keys were tried when none fits', async () => {
        const made = await client();
        const wrong = join(made.directory, 'wrong');
        makeKey(wrong);
        await expect(connect(made, { identityFile: wrong })).rejects.toMatchObject({
          code: 'AUTH_FAILED',
          exitName: 'connection',
          message: expect.stringContaining(wrong),
          suggestions: expect.arrayContaining([expect.stringContaining('ssh-copy-id')]),
        });
      });

      it('says when there is no key to try', async () => {
        const made = await client();
        await expect(connect(made, { identityFile: undefined })).rejects.toMatchObject({
          code: 'AUTH_FAILED',
          message: expect.stringContaining('no key to try'),
        });
      });

      it('says that a key is missing before it connects', async () => {
        const made = await client();
        await expect(connect(made, { identityFile: '/nonexistent/key' })).rejects.toMatchObject({
          code: 'IDENTITY_UNREADABLE',
          exitName: 'config',
        });
      });

      it('sends whoever has a passphrase on his key to the agent', async () => {
        const made = await client();
        const locked = join(made.directory, 'locked');
        makeKey(locked, 'ed25519', 'secret passphrase');
        await expect(connect(made, { identityFile: locked })).rejects.toMatchObject({
          code: 'AUTH_FAILED',
          suggestions: expect.arrayContaining([expect.stringContaining(`ssh-add ${locked}`)]),
        });
      });

      it('uses the agent', async () => {
        const socket = join(await temporary(), 'agent');
        const agent = await startAgent(socket);
        cleanups.push(() => agent.kill());
        execFileSync('ssh-add', ['-q', sshd.clientKey], {
          env: { ...process.env, SSH_AUTH_SOCK: socket },
          stdio: 'pipe',
        });
        const made = await client(['Host *', `IdentityAgent ${socket}`]);
        const host = await connect(made, { identityFile: undefined });
        expect((await host.run(['echo', 'in'])).stdout).toBe('in\n');
      });

      it('goes through other machines, each with its own host key and login', async () => {
        const [jump, second] = [await startSshd(), await startSshd()];
        cleanups.push(jump.close, second.close);
        const made = await client(
          [
            'Host jump',
            'HostName 127.0.0.1',
            `Port ${jump.port}`,
            `IdentityFile ${jump.clientKey}`,
            'Host second',
            'HostName 127.0.0.1',
            `Port ${second.port}`,
            `IdentityFile ${second.clientKey}`,
            'Host behind',
            'HostName 127.0.0.1',
            `Port ${sshd.port}`,
            'ProxyJump jump,second',
          ],
          `[127.0.0.1]:${sshd.port} ${await sshd.hostKey('ed25519')}\n` +
            `[127.0.0.1]:${jump.port} ${await jump.hostKey('ed25519')}\n` +
            `[127.0.0.1]:${second.port} ${await second.hostKey('ed25519')}\n`,
        );
        const host = await connect(made, { target: 'behind' });
        const { stdout } = await host.run(['sh', '-c', 'echo $SSH_CONNECTION']);
        expect(stdout.trim()).toMatch(new RegExp(`^127.0.0.1 \\d+ 127.0.0.1 ${sshd.port}$`));
        await second.dropConnections();
        await expect(host.run(['true'])).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
      });

      it('names the machine on the way that cannot be reached', async () => {
        const port = await freePort();
        const made = await client(['Host behind', 'HostName 127.0.0.1', `ProxyJump 127.0.0.1:${port}`]);
        await expect(connect(made, { target: 'behind' })).rejects.toMatchObject({
          code: 'HOST_UNREACHABLE',
          message: expect.stringContaining(`127.0.0.1:${port}`),
        });
      });
    });

    describe('host keys', () => {
      it('refuses an unknown host where nobody can be asked, showing the fingerprint that ssh-keygen shows', async () => {
        const made = await client([], '');
        const shown = execFileSync('ssh-keygen', ['-lf', join(sshd.directory, 'host_ed25519.pub')], {
          encoding: 'utf8',
        });
        await expect(connect(made)).rejects.toMatchObject({
          code: 'HOST_KEY_UNKNOWN',
          exitName: 'connection',
          message: expect.stringContaining(shown.split(' ')[1]),
        });
        await expect(stat(made.knownHosts)).rejects.toThrow();
      });

      it.each(['yes', 'no'])('asks about an unknown host; the answer is %s', async (answer) => {
        const made = await client([], '');
        const questions: unknown[] = [];
        const confirmHostKey = async (question: unknown): Promise<boolean> => {
          questions.push(question);
          return answer === 'yes';
        };
        const connecting = connect(made, { confirmHostKey });
        if (answer === 'no') await expect(connecting).rejects.toMatchObject({ code: 'HOST_KEY_UNKNOWN' });
        else await connecting;
        expect(questions).toEqual([
          {
            target: '127.0.0.1',
            name: `[127.0.0.1]:${sshd.port}`,
            keyType: 'ssh-ed25519',
            fingerprint: expect.stringMatching(/^SHA256:/),
          },
        ]);
      });

      it.each(['no', 'yes'])(
        'remembers an accepted host so that ssh knows it too (HashKnownHosts %s)',
        async (hash) => {
          // No newline at its end, as an editor may leave it.
          const made = await client(['Host *', `HashKnownHosts ${hash}`], '# mine');
          await connect(made, { acceptNewHostKeys: true });
          await connect(made);
          const known = await readFile(made.knownHosts, 'utf8');
          expect(known.split('\n')).toHaveLength(3);
          expect(known.includes('127.0.0.1')).toBe(hash === 'no');
          const found = execFileSync(
            'ssh-keygen',
            ['-F', `[127.0.0.1]:${sshd.port}`, '-f', made.knownHosts],
            {
              encoding: 'utf8',
            },
          );
          expect(found).toContain(await sshd.hostKey('ed25519'));
        },
      );

      it('honours StrictHostKeyChecking', async () => {
        const accepting = await client(['Host *', 'StrictHostKeyChecking accept-new'], '');
        await connect(accepting);
        const strict = await client(['Host *', 'StrictHostKeyChecking yes'], '');
        await expect(connect(strict, { confirmHostKey: async () => true })).rejects.toMatchObject({
          code: 'HOST_KEY_UNKNOWN',
        });
      });

      it('refuses a changed key whatever the flags, with file, line and remedy', async () => {
        const other = join(await temporary(), 'other');
        makeKey(other);
        const key = (await readFile(`${other}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
        const made = await client([], `# first line\n[127.0.0.1]:${sshd.port} ${key}\n`);
        const before = await readFile(made.knownHosts, 'utf8');
        await expect(
          connect(made, { acceptNewHostKeys: true, confirmHostKey: async () => true }),
        ).rejects.toMatchObject({
          code: 'HOST_KEY_CHANGED',
          exitName: 'connection',
          message: expect.stringContaining(`${made.knownHosts}:2`),
          suggestions: expect.arrayContaining([
            expect.stringContaining(`ssh-keygen -R '[127.0.0.1]:${sshd.port}'`),
          ]),
        });
        expect(await readFile(made.knownHosts, 'utf8')).toBe(before);
      });

      it('asks the host for the type of key that is known', async () => {
        const made = await client([], `[127.0.0.1]:${sshd.port} ${await sshd.hostKey('rsa')}\n`);
        await connect(made);
      });

      it('refuses a host that offers no key of the known type', async () => {
        const onlyRsa = await startSshd({ hostKeyTypes: ['rsa'] });
        cleanups.push(onlyRsa.close);
        const made = await client([], `[127.0.0.1]:${onlyRsa.port} ${await sshd.hostKey('ed25519')}\n`);
        await expect(
          connect(made, { port: onlyRsa.port, identityFile: onlyRsa.clientKey, acceptNewHostKeys: true }),
        ).rejects.toMatchObject({ code: 'HOST_KEY_CHANGED' });
      });

      it('finds hashed names, aliases and wildcards', async () => {
        const hashed = await client();
        execFileSync('ssh-keygen', ['-H', '-f', hashed.knownHosts], { stdio: 'pipe' });
        expect(await readFile(hashed.knownHosts, 'utf8')).not.toContain('127.0.0.1');
        await connect(hashed);
        const alias = await client(
          ['Host *', 'HostKeyAlias node-a'],
          `node-* ${await sshd.hostKey('ed25519')}\n`,
        );
        await connect(alias);
        const withoutPort = await client([], `127.0.0.1 ${await sshd.hostKey('ed25519')}\n`);
        await connect(withoutPort);
      });

      it('refuses a revoked key', async () => {
        const key = await sshd.hostKey('ed25519');
        const made = await client([], `[127.0.0.1]:${sshd.port} ${key}\n@revoked * ${key}\n`);
        await expect(connect(made)).rejects.toMatchObject({ code: 'HOST_KEY_REVOKED' });
      });
    });

    describe('reaching it', () => {
      it('says that a name does not exist', async () => {
        const made = await client();
        await expect(connect(made, { target: 'no-such-host.invalid' })).rejects.toMatchObject({
          code: 'HOST_UNKNOWN',
          exitName: 'connection',
        });
      });

      it('says that nobody listens', async () => {
        const made = await client();
        await expect(connect(made, { port: await freePort() })).rejects.toMatchObject({
          code: 'HOST_UNREACHABLE',
          message: expect.stringContaining('ECONNREFUSED'),
        });
      });

      it.each([
        ['says nothing', () => {}, 'HOST_UNREACHABLE'],
        ['hangs up', (socket: net.Socket) => socket.end(), 'SSH_HANDSHAKE_FAILED'],
        [
          'speaks something else',
          (socket: net.Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
          'SSH_HANDSHAKE_FAILED',
        ],
      ])('says so when the port %s', async (_, behave, code) => {
        const server = net.createServer(behave);
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        cleanups.push(() => server.close());
        const { port } = server.address() as net.AddressInfo;
        const made = await client();
        await expect(connect(made, { port, connectTimeoutMs: 500 })).rejects.toMatchObject({
          code,
          exitName: 'connection',
        });
      });

      it('refuses a target that looks like an option', async () => {
        const made = await client();
        await expect(connect(made, { target: '-oProxyCommand=touch /tmp/x' })).rejects.toMatchObject({
          code: 'SSH_CONFIG_INVALID',
          exitName: 'config',
        });
      });
    });

    describe('on a connected host', () => {
      let host: SshHost;
      let directory: string;
      beforeEach(async () => {
        host = await connect(await client());
        directory = await temporary();
      });

      it('passes arguments, input, environment and output through untouched', async () => {
        const script = 'cat; printf "%s|%s" "$0" "$X" >&2; exit 7';
        const result = await host.run(['sh', '-c', script, "it's $HOME\n'"], {
          stdin: 'ä€\n\n',
          env: { X: "a 'b" },
          allowFailure: true,
        });
        expect(result).toEqual({ stdout: 'ä€\n\n', stderr: "it's $HOME\n'|a 'b", exitCode: 7 });
      });

      it('carries much output whole', async () => {
        const { stdout } = await host.run(['sh', '-c', 'head -c 3000000 /dev/zero | tr "\\0" ä']);
        expect(stdout.length).toBeGreaterThan(1_000_000);
      });

      it('runs more steps at a time than sshd allows sessions', async () => {
        const results = await Promise.all(
          Array.from({ length: 25 }, (_, i) => host.run(['echo', String(i)])),
        );
        expect(results.map((result) => result.stdout)).toEqual(
          Array.from({ length: 25 }, (_, i) => `${i}\n`),
        );
      });

      it('says how a command failed', async () => {
        await expect(host.run(['sh', '-c', 'echo why >&2; exit 3'])).rejects.toMatchObject({
          code: 'COMMAND_FAILED',
          message: expect.stringMatching(/exited with 3\nwhy$/),
        });
        await expect(host.run(['sh', '-c', 'kill -9 $PPID; kill -9 $$'])).rejects.toMatchObject({
          code: 'COMMAND_FAILED',
        });
      });

      it('ends a step that overruns its limit on the host itself', async () => {
        const marker = join(directory, 'pid');
        await expect(
          host.run(['sh', '-c', `echo $$ >${marker}; exec sleep 600`], { timeoutMs: 500 }),
        ).rejects.toMatchObject({ code: 'COMMAND_TIMED_OUT', exitName: 'unknownOutcome' });
        expect(processRuns(Number(await readFile(marker, 'utf8')))).toBe(false);
      });

      it('calls the outcome unknown when the connection is lost in mid-command, and later steps not started', async () => {
        const marker = join(directory, 'begun');
        const running = host.run(['sh', '-c', `touch ${marker}; exec sleep 8`], { timeoutMs: 8_000 });
        const outcome = expect(running).rejects.toMatchObject({
          code: 'CONNECTION_LOST',
          exitName: 'unknownOutcome',
        });
        await expect
          .poll(
            () =>
              stat(marker).then(
                () => true,
                () => false,
              ),
            { timeout: 5_000 },
          )
          .toBe(true);
        await sshd.dropConnections();
        await outcome;
        await expect(host.run(['true'])).rejects.toMatchObject({
          code: 'CONNECTION_LOST',
          exitName: 'connection',
        });
      });

      it('writes and reads files', async () => {
        const path = join(directory, "it's ä");
        expect(await host.readFile(path)).toBeUndefined();
        await host.writeFile(path, 'a ä\n', { mode: 0o640 });
        expect(await host.readFile(path)).toBe('a ä\n');
        expect((await stat(path)).mode & 0o7777).toBe(0o640);
        expect(await readdir(directory)).toEqual(["it's ä"]);
      });

      it('copies a large file whole', async () => {
        const content = Buffer.alloc(20_000_003, 'abcdefg');
        await writeFile(join(directory, 'from'), content);
        await host.putFile(join(directory, 'from'), join(directory, 'to'), { mode: 0o755 });
        expect((await readFile(join(directory, 'to'))).equals(content)).toBe(true);
      });

      it('never replaces a file by a part of it when the connection breaks', async () => {
        const target = join(directory, 'to');
        await writeFile(target, 'old');
        await writeFile(join(directory, 'from'), Buffer.alloc(60_000_000));
        const copying = host.putFile(join(directory, 'from'), target, { mode: 0o644 });
        const outcome = expect(copying).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
        const beside = async (): Promise<boolean> =>
          (await readdir(directory)).some((name) => name.startsWith('.to.'));
        await expect.poll(beside, { timeout: 5_000, interval: 5 }).toBe(true);
        await sshd.dropConnections();
        await outcome;
        await expect.poll(beside, { timeout: 5_000 }).toBe(false);
        expect(await readFile(target, 'utf8')).toBe('old');
      });

      it('opens a byte stream from the host, or says why not', async () => {
        const server = net.createServer((socket) => socket.pipe(socket));
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        const { port } = server.address() as net.AddressInfo;
        const stream = await host.connect('127.0.0.1', port);
        stream.end('there and back');
        const chunks: Buffer[] = [];
        for await (const chunk of stream) chunks.push(chunk as Buffer);
        expect(Buffer.concat(chunks).toString()).toBe('there and back');
        await new Promise((resolve) => server.close(resolve));
        await expect(host.connect('127.0.0.1', port)).rejects.toMatchObject({
          code: 'CONNECT_FAILED',
          exitName: 'connection',
          message: expect.stringContaining(`127.0.0.1:${port}`),
        });
      });

      it('can be closed twice', async () => {
        await host.close();
        await host.close();
        await expect(host.run(['true'])).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
      });
    });

    async function temporary(): Promise<string> {
      const directory = await mkdtemp(join(tmpdir(), 'repcachectl-test-'));
      cleanups.push(() => rm(directory, { recursive: true, force: true }));
      return directory;
    }
  },
);

async function startAgent(socket: string): Promise<ChildProcess> {
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  await expect
    .poll(
      () =>
        stat(socket).then(
          () => true,
          () => false,
        ),
      { timeout: 5_000 },
    )
    .toBe(true);
  return agent;
}
